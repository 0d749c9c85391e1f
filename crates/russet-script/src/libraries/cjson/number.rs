//! Numbers as C writes and reads them.

use russet_data::number::parse_f64;

/// Writes a finite number with so many significant digits, as `%g` of C does.
pub fn write(number: f64, precision: usize, out: &mut Vec<u8>) {
    let scientific = format!("{:.*e}", precision - 1, number);
    let (mantissa, exponent) = scientific.split_once('e').expect("it has an exponent");
    let exponent: i32 = exponent.parse().expect("it is a number");
    if exponent < -4 || exponent >= precision as i32 {
        out.extend_from_slice(trimmed(mantissa).as_bytes());
        let sign = if exponent < 0 { '-' } else { '+' };
        out.extend_from_slice(format!("e{sign}{:02}", exponent.abs()).as_bytes());
    } else {
        let decimals = (precision as i32 - 1 - exponent) as usize;
        out.extend_from_slice(trimmed(&format!("{number:.decimals$}")).as_bytes());
    }
}

/// Without zeros at the end of a fraction.
fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// The number that a text begins with, and how many bytes it takes; `None` if it begins with none.
pub fn read(text: &[u8]) -> Option<(f64, usize)> {
    let len = length(text);
    match &text[..len] {
        [] => None,
        [.., b'n' | b'N'] => Some((f64::NAN, len)),
        number => parse_f64(number).map(|number| (number, len)),
    }
}

/// How many bytes of a text `strtod` of C takes for a number.
fn length(text: &[u8]) -> usize {
    let sign = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let rest = &text[sign..];
    let starts = |word: &str| {
        rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
    };
    for word in ["infinity", "inf", "nan"] {
        if starts(word) {
            return sign + word.len();
        }
    }
    if starts("0x") {
        let digits = mantissa(&rest[2..], |byte| byte.is_ascii_hexdigit());
        if digits > 0 {
            let len = 2 + digits;
            return sign + len + exponent(&rest[len..], b'p');
        }
    }
    match mantissa(rest, |byte| byte.is_ascii_digit()) {
        0 => 0,
        len => sign + len + exponent(&rest[len..], b'e'),
    }
}

/// Digits with at most one point among them, if there is one digit at least.
fn mantissa(text: &[u8], is_digit: impl Fn(&u8) -> bool) -> usize {
    let whole = text.iter().take_while(|byte| is_digit(byte)).count();
    let fraction = match text.get(whole) {
        Some(b'.') => text[whole + 1..].iter().take_while(|byte| is_digit(byte)).count() + 1,
        _ => 0,
    };
    if whole == 0 && fraction <= 1 { 0 } else { whole + fraction }
}

fn exponent(text: &[u8], letter: u8) -> usize {
    if !text.first().is_some_and(|byte| byte.eq_ignore_ascii_case(&letter)) {
        return 0;
    }
    let sign = usize::from(matches!(text.get(1), Some(b'+' | b'-')));
    match text[1 + sign..].iter().take_while(|byte| byte.is_ascii_digit()).count() {
        0 => 0,
        digits => 1 + sign + digits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(number: f64, precision: usize) -> String {
        let mut out = Vec::new();
        write(number, precision, &mut out);
        String::from_utf8(out).expect("digits are text")
    }

    #[test]
    fn numbers_are_written_as_c_does() {
        assert_eq!(written(0.1, 14), "0.1");
        assert_eq!(written(100.0, 14), "100");
        assert_eq!(written(1e14, 14), "1e+14");
        assert_eq!(written(123_456_789_012_345.0, 14), "1.2345678901234e+14");
        assert_eq!(written(1e-5, 14), "1e-05");
        assert_eq!(written(1e100, 14), "1e+100");
        assert_eq!(written(-0.0, 14), "-0");
        assert_eq!(written(9.99, 2), "10");
        assert_eq!(written(0.000_123_45, 3), "0.000123");
    }

    #[test]
    fn numbers_end_where_c_sees_their_end() {
        let lengths = [
            ("1", 1),
            ("1.", 2),
            (".5x", 2),
            ("1e5,", 3),
            ("1e", 1),
            ("1e+", 1),
            ("-", 0),
            (".", 0),
            ("0x1p3", 5),
            ("0x", 1),
            ("inf", 3),
            ("infin", 3),
            ("-Infinity", 9),
            ("nano", 3),
            ("", 0),
        ];
        for (text, len) in lengths {
            assert_eq!(length(text.as_bytes()), len, "{text}");
        }
    }
}
