//! RESP2 and RESP3: parsing requests and writing replies.
