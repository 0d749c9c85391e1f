//! Whole numbers.

use super::{Format, Reason, single};
use russet_data::number::parse_i64;
use std::fmt::Debug;

/// An integer type that configuration values are kept in.
pub trait Number:
    Copy + PartialEq + TryFrom<i64, Error: Debug> + TryInto<i64, Error: Debug>
{
}
impl<T: Copy + PartialEq + TryFrom<i64, Error: Debug> + TryInto<i64, Error: Debug>> Number for T {}

/// A decimal number from `min` to `max`.
pub const fn integer(min: i64, max: i64) -> Integer {
    Integer { min, max }
}

/// See [`integer`].
pub struct Integer {
    min: i64,
    max: i64,
}

impl Integer {
    fn parse_in_range(&self, arguments: &[Vec<u8>]) -> Result<i64, Reason> {
        let value =
            parse_i64(single(arguments)?).ok_or("argument couldn't be parsed into an integer")?;
        if (self.min..=self.max).contains(&value) {
            return Ok(value);
        }
        Err(format!("argument must be between {} and {} inclusive", self.min, self.max).into())
    }
}

impl<T: Number> Format<T> for Integer {
    fn parse(&self, arguments: &[Vec<u8>], _current: &T) -> Result<T, Reason> {
        Ok(to_type(self.parse_in_range(arguments)?))
    }

    fn show(&self, value: &T) -> Vec<u8> {
        from_type(*value).to_string().into_bytes()
    }

    fn describe(&self) -> String {
        match (self.min, self.max) {
            (min, i64::MAX) => format!("integer from {min}"),
            (min, max) if max == i64::from(i32::MAX) => format!("integer from {min}"),
            (min, max) => format!("{min} to {max}"),
        }
    }
}

/// A decimal number from `min` to `max`, which then counts as at least `low` and at most `high`.
pub const fn clamped(min: i64, max: i64, low: i64, high: i64) -> Clamped {
    Clamped { accepted: integer(min, max), low, high }
}

/// See [`clamped`].
pub struct Clamped {
    accepted: Integer,
    low: i64,
    high: i64,
}

impl<T: Number> Format<T> for Clamped {
    fn parse(&self, arguments: &[Vec<u8>], _current: &T) -> Result<T, Reason> {
        Ok(to_type(self.accepted.parse_in_range(arguments)?.clamp(self.low, self.high)))
    }

    fn show(&self, value: &T) -> Vec<u8> {
        self.accepted.show(value)
    }

    fn describe(&self) -> String {
        format!("{} to {}; what is beyond counts as the nearer of the two", self.low, self.high)
    }
}

/// A number of threads, or `auto` for one per core of the machine.
pub const fn cores(max: i64) -> Cores {
    Cores { count: integer(1, max) }
}

/// See [`cores`].
pub struct Cores {
    count: Integer,
}

impl Format<u32> for Cores {
    fn parse(&self, arguments: &[Vec<u8>], current: &u32) -> Result<u32, Reason> {
        match arguments {
            [auto] if auto.eq_ignore_ascii_case(b"auto") => {
                Ok(crate::config::cores_of_machine().min(to_type(self.count.max)))
            }
            _ => self.count.parse(arguments, current),
        }
    }

    fn show(&self, value: &u32) -> Vec<u8> {
        self.count.show(value)
    }

    fn describe(&self) -> String {
        format!("auto, {}", Format::<u32>::describe(&self.count))
    }
}

/// An octal number from 0 to `max`: file permissions.
pub const fn octal(max: u32) -> Octal {
    Octal { max }
}

/// See [`octal`].
pub struct Octal {
    max: u32,
}

impl Format<u32> for Octal {
    fn parse(&self, arguments: &[Vec<u8>], _current: &u32) -> Result<u32, Reason> {
        let value = match std::str::from_utf8(single(arguments)?) {
            Ok("") => Ok(0),
            Ok(digits) => i64::from_str_radix(digits, 8).map_err(drop),
            Err(_) => Err(()),
        };
        let value = value.map_err(|()| "argument couldn't be parsed as an octal number")?;
        u32::try_from(value).ok().filter(|value| *value <= self.max).ok_or_else(|| {
            format!("argument must be between 0 and {:o} inclusive", self.max).into()
        })
    }

    fn show(&self, value: &u32) -> Vec<u8> {
        format!("{value:o}").into_bytes()
    }

    fn describe(&self) -> String {
        format!("octal, 0 to {:o}", self.max)
    }
}

/// Converts a number within the range that its directive declares.
fn to_type<T: Number>(value: i64) -> T {
    T::try_from(value).expect("the range of a directive lies within its type")
}

fn from_type<T: Number>(value: T) -> i64 {
    value.try_into().expect("values come from the range of their directive, within 64 bits")
}
