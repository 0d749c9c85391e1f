//! The formats in which keys outlive the process that held them.
//!
//! Everything here is bytes in, bytes out: who reads and writes files, when, and on which thread is the
//! server's business. [`rdb`] has the files that hold a whole keyspace, [`aof`] those that hold changes, [`dump`] the same bytes for one
//! value, as DUMP and RESTORE exchange them.

pub mod aof;
pub mod crc64;
pub mod dump;
pub mod rdb;
