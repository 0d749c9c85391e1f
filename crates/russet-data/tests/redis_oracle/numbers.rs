//! Numbers: which texts are read, what sums are, how they are written.

use russet_data::number::{Extended, FloatBuf, parse_f64, parse_i64};

use crate::redis::{Redis, Reply, command, samples};

/// Texts that are numbers, almost numbers, or nothing of the kind.
fn number_texts(count: usize) -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        "-",
        "+",
        ".",
        "0",
        "-0",
        "+0",
        "00",
        "-00",
        "0.0",
        "1",
        "+1",
        " 1",
        "1 ",
        "\t1",
        "1\n",
        "1.",
        ".1",
        "-.5e1",
        "1e",
        "1e+",
        "1e5",
        "1E-5",
        "inf",
        "INF",
        "-inf",
        "+Infinity",
        "infin",
        "nan",
        "NaN(1)",
        "0x",
        "0x1",
        "0X1P3",
        "0x1p",
        "0x.8",
        "0x1.",
        "0x.",
        "-0x1.8p-3",
        "1p3",
        "0x1p16383",
        "0x1p16384",
        "0x1.fffffffffffffffep16383",
        "0x1.ffffffffffffffffp16383",
        "0x1p-16445",
        "0x1p-16446",
        "0x1.8p-16446",
        "1.18e4932",
        "1.19e4932",
        "3.6e-4951",
        "1.8e-4951",
        "1.9e-4951",
        "1e-5000",
        "1e5000",
        "1e99999999999999999999",
        "0e99999999999",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "4.9e-324",
        "2.4e-324",
        "2.5e-324",
        "0x1p1023",
        "0x1p1024",
        "0x1p-1074",
        "0x1p-1075",
        "0x1.8p-1075",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "1\0",
        "1,5",
        "18446744073709551615",
        "100000000000000000000000000000000000000",
        "1_0",
        "1e1.5",
        "--1",
    ]
    .map(str::to_owned)
    .into();
    texts.push("1".repeat(4_932));
    texts.push("1".repeat(4_933));
    texts.push(format!("0.{}", "3".repeat(5_117)));
    texts.push(format!("0.{}", "3".repeat(5_118)));
    texts.push(format!("0.{}1e3000", "0".repeat(2_999)));
    texts.extend(samples("[-+]?[0-9]{0,12}(\\.[0-9]{0,12})?(e[-+]?[0-9]{1,2})?", count));
    texts.extend(samples("-?[0-9]{1,22}(\\.[0-9]{0,22})?(e[-+]?[0-9]{1,4})?", count));
    texts.extend(samples("-?0x[0-9a-f]{0,20}(\\.[0-9a-f]{0,20})?(p[-+]?[0-9]{1,5})?", count));
    texts.extend(samples("[-+ .0-9exinfa]{0,6}", count));
    texts
}

#[test]
fn float_increments_are_answered_alike() {
    let Some(mut redis) = Redis::start() else { return };
    let texts = number_texts(500);
    // Each text is added to the one before it, and to nothing.
    let zero = "0".to_owned();
    let pairs: Vec<(&String, &String)> = texts
        .iter()
        .zip(texts.iter().skip(1))
        .chain(texts.iter().map(|text| (&zero, text)))
        .collect();
    let commands: Vec<_> = pairs
        .iter()
        .flat_map(|(value, increment)| {
            [
                command(&[b"SET", b"key", value.as_bytes()]),
                command(&[b"INCRBYFLOAT", b"key", increment.as_bytes()]),
            ]
        })
        .collect();
    for ((value, increment), replies) in pairs.iter().zip(redis.ask(&commands).chunks(2)) {
        let read = |text: &str| Extended::parse(text.as_bytes());
        let expected = match (read(value), read(increment)) {
            (Some(value), Some(increment)) => match value.checked_add(increment) {
                Some(sum) => Reply::Text(sum.format_human()),
                None => Reply::Error("ERR increment would produce NaN or Infinity".to_owned()),
            },
            _ => Reply::Error("ERR value is not a valid float".to_owned()),
        };
        assert_eq!(expected, replies[1], "{value:?} + {increment:?}");
    }
}

#[test]
fn scores_are_read_and_written_alike() {
    let Some(mut redis) = Redis::start() else { return };
    let mut texts = number_texts(500);
    texts.extend(samples(proptest::num::f64::ANY, 500).iter().map(|value| format!("{value:e}")));
    let commands: Vec<_> = texts
        .iter()
        .flat_map(|text| {
            [
                command(&[b"DEL", b"key"]),
                command(&[b"ZADD", b"key", text.as_bytes(), b"member"]),
                command(&[b"ZSCORE", b"key", b"member"]),
            ]
        })
        .collect();
    for (text, replies) in texts.iter().zip(redis.ask(&commands).chunks(3)) {
        let expected = match parse_f64(text.as_bytes()) {
            Some(value) => Reply::Text(FloatBuf::new().format_17_digits(value).to_vec()),
            None => Reply::Null,
        };
        assert_eq!(expected, replies[2], "{text:?}");
    }
}

#[test]
fn integers_are_read_alike() {
    let Some(mut redis) = Redis::start() else { return };
    let texts = number_texts(500);
    let commands: Vec<_> = texts
        .iter()
        .flat_map(|text| {
            [command(&[b"SET", b"key", text.as_bytes()]), command(&[b"INCRBY", b"key", b"0"])]
        })
        .collect();
    for (text, replies) in texts.iter().zip(redis.ask(&commands).chunks(2)) {
        let expected = match parse_i64(text.as_bytes()) {
            Some(value) => Reply::Integer(value),
            None => Reply::Error("ERR value is not an integer or out of range".to_owned()),
        };
        assert_eq!(expected, replies[1], "{text:?}");
    }
}
