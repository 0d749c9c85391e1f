//! Sizes for people.

use std::fmt::{self, Display};

/// A number of bytes as people read it: `1.50M`.
pub struct Human(pub u64);

impl Display for Human {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u32, char); 5] = [(50, 'P'), (40, 'T'), (30, 'G'), (20, 'M'), (10, 'K')];
        match UNITS.iter().find(|(bits, _)| self.0 >> bits != 0) {
            Some((bits, unit)) => write!(f, "{:.2}{unit}", self.0 as f64 / (1u64 << bits) as f64),
            None => write!(f, "{}B", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_readable() {
        let shown = [(0, "0B"), (1023, "1023B"), (1024, "1.00K"), (1_572_864, "1.50M")];
        for (bytes, text) in shown {
            assert_eq!(Human(bytes).to_string(), text);
        }
        assert_eq!(Human(23 << 30).to_string(), "23.00G");
        assert_eq!(Human(3 << 50).to_string(), "3.00P");
    }
}
