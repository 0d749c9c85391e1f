//! What becomes of values between the protocol and Lua.
//!
//! | reply | Lua |
//! | --- | --- |
//! | bulk string | string |
//! | integer | number |
//! | status | table with `ok` |
//! | error | table with `err` |
//! | array | table of elements |
//! | null, of RESP2 | false |
//! | null, of RESP3 | nil |
//! | truth value | boolean |
//! | double | table with `double` |
//! | big number | table with `big_number` |
//! | verbatim string | table with `verbatim_string`, a table of `format` and `string` |
//! | map | table with `map`, a table |
//! | set | table with `set`, a table whose keys are the elements |
//!
//! The other way round these tables become what they came from; a number becomes an integer without
//! its fraction, true becomes 1 and false null if the script speaks RESP2, and a table ends as an
//! array at its first nil.

mod from_lua;
mod to_lua;

pub use from_lua::{as_integer, write};
pub use to_lua::push;

/// The field of an error that was counted already, when its command failed.
pub const COUNTED: &str = "ignore_error_stats_update";
