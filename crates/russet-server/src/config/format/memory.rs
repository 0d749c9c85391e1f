//! Amounts of memory, with units.

use super::{Format, Line, Reason, single};
use crate::config::values::MemoryShare;
use russet_data::number::{parse_i64, parse_u64_lenient};
use std::fmt::Debug;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Suffixes and the number of bytes that each stands for; case does not matter. As in Redis,
/// only those that end in `b` are powers of two.
const UNITS: [(&str, u64); 8] = [
    ("", 1),
    ("b", 1),
    ("k", 1000),
    ("kb", KIB),
    ("m", 1_000_000),
    ("mb", MIB),
    ("g", 1_000_000_000),
    ("gb", GIB),
];

/// Reads an amount such as `64mb`, in bytes. Without digits it is nothing, as in Redis. `None` if
/// it is no amount, or above 64 bits.
pub fn parse_bytes(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = UNITS.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(unit))?;
    match number {
        [] => Some(0),
        digits => parse_u64_lenient(digits)?.checked_mul(*factor),
    }
}

/// Writes an amount in the largest unit that it is a whole number of.
pub(super) fn format_bytes(bytes: u64) -> String {
    [(GIB, "gb"), (MIB, "mb"), (KIB, "kb")]
        .iter()
        .find(|(factor, _)| bytes != 0 && bytes.is_multiple_of(*factor))
        .map_or_else(|| bytes.to_string(), |(factor, unit)| format!("{}{unit}", bytes / factor))
}

/// An amount of memory from `min` to `max` bytes.
pub const fn memory(min: u64, max: u64) -> Memory {
    Memory { min, max, floor: 0 }
}

/// See [`memory`].
pub struct Memory {
    min: u64,
    max: u64,
    floor: u64,
}

impl Memory {
    /// The same, but less than `floor` bytes count as that many.
    pub const fn at_least(self, floor: u64) -> Self {
        Self { floor, ..self }
    }
}

impl<T> Format<T> for Memory
where
    T: Copy + PartialEq + TryFrom<u64, Error: Debug> + TryInto<u64, Error: Debug>,
{
    fn parse(&self, arguments: &[Vec<u8>], _current: &T) -> Result<T, Reason> {
        let bytes = parse_bytes(single(arguments)?).ok_or("argument must be a memory value")?;
        if !(self.min..=self.max).contains(&bytes) {
            let Self { min, max, .. } = self;
            return Err(format!("argument must be between {min} and {max} inclusive").into());
        }
        Ok(T::try_from(bytes.max(self.floor))
            .expect("the range of a directive lies within its type"))
    }

    fn show(&self, value: &T) -> Vec<u8> {
        bytes_of(*value).to_string().into_bytes()
    }

    fn lines(&self, value: &T, default: &T) -> Vec<Line> {
        let arguments = format_bytes(bytes_of(*value)).into_bytes();
        vec![Line { arguments, needed: value != default }]
    }

    fn describe(&self) -> String {
        format!("memory from {}", format_bytes(self.min.max(self.floor)))
    }
}

fn bytes_of<T: TryInto<u64, Error: Debug>>(value: T) -> u64 {
    value.try_into().expect("an amount of memory is not negative")
}

/// An amount of memory, or a percentage of `maxmemory`.
pub struct MemoryOrPercent;

/// See [`MemoryOrPercent`].
pub const MEMORY_OR_PERCENT: MemoryOrPercent = MemoryOrPercent;

impl Format<MemoryShare> for MemoryOrPercent {
    fn parse(&self, arguments: &[Vec<u8>], _current: &MemoryShare) -> Result<MemoryShare, Reason> {
        let argument = single(arguments)?;
        const TOO_MUCH: &str = "percentage argument must be less or equal to 100";
        if let Some(bytes) = parse_bytes(argument) {
            // Redis keeps percentages as negative amounts, and takes huge amounts for those.
            let fits = i64::try_from(bytes).is_ok();
            return if fits { Ok(MemoryShare::Bytes(bytes)) } else { Err(TOO_MUCH.into()) };
        }
        match argument.strip_suffix(b"%").and_then(parse_i64) {
            // Redis too keeps zero percent as zero bytes; either way there is no limit.
            Some(0) => Ok(MemoryShare::Bytes(0)),
            Some(percent @ 1..=100) => Ok(MemoryShare::Percent(percent as u8)),
            Some(101..) => Err(TOO_MUCH.into()),
            _ => Err("argument must be a memory or percent value".into()),
        }
    }

    fn show(&self, value: &MemoryShare) -> Vec<u8> {
        match value {
            MemoryShare::Bytes(bytes) => bytes.to_string().into_bytes(),
            MemoryShare::Percent(percent) => format!("{percent}%").into_bytes(),
        }
    }

    fn lines(&self, value: &MemoryShare, default: &MemoryShare) -> Vec<Line> {
        let arguments = match value {
            MemoryShare::Bytes(bytes) => format_bytes(*bytes).into_bytes(),
            MemoryShare::Percent(_) => self.show(value),
        };
        vec![Line { arguments, needed: value != default }]
    }

    fn describe(&self) -> String {
        "memory or percentage".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn units_are_those_of_redis() {
        for (text, bytes) in [
            ("0", 0),
            ("", 0),
            ("kb", 0),
            ("007", 7),
            ("123", 123),
            ("5b", 5),
            ("1k", 1000),
            ("1kb", 1024),
            ("1M", 1_000_000),
            ("1Mb", 1 << 20),
            ("1g", 1_000_000_000),
            ("2GB", 2 << 30),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(parse_bytes(text.as_bytes()), Some(bytes), "{text}");
        }
        for text in ["-1", "+1", "1 kb", "1tb", "1.5gb", "18446744073709551616", "1\u{e9}"] {
            assert_eq!(parse_bytes(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn an_amount_above_64_bits_is_refused_instead_of_wrapping() {
        assert_eq!(parse_bytes(b"17179869184gb"), None);
        assert_eq!(parse_bytes(b"17179869183gb"), Some(17_179_869_183 * GIB));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(bytes in prop_oneof![any::<u64>(), 0u64..4096, (0u64..1 << 30).prop_map(|n| n << 20)]) {
            prop_assert_eq!(parse_bytes(format_bytes(bytes).as_bytes()), Some(bytes));
        }
    }
}
