//! Tests of the reply writer, against the bytes Redis 7.0.15 sends.

use super::*;

fn written(protocol: Protocol, write: impl Fn(&mut ReplyWriter<'_>)) -> String {
    let mut out = b"x".to_vec();
    write(&mut ReplyWriter::new(&mut out, protocol));
    out[1..].escape_ascii().to_string().replace(r"\r\n", "|")
}

/// Checks what is written in each protocol; `|` stands for a line end.
#[track_caller]
fn check(resp2: &str, resp3: &str, write: impl Fn(&mut ReplyWriter<'_>)) {
    assert_eq!(written(Protocol::Resp2, &write), resp2);
    assert_eq!(written(Protocol::Resp3, &write), resp3);
}

#[track_caller]
fn check_same(expected: &str, write: impl Fn(&mut ReplyWriter<'_>)) {
    check(expected, expected, write);
}

#[test]
fn what_is_the_same_in_both() {
    check_same("+OK|", |reply| reply.ok());
    check_same("+PONG|", |reply| reply.simple("PONG"));
    check_same("+a  b |", |reply| reply.simple(b"a\r\nb\n"));
    check_same("-ERR no|", |reply| reply.error("ERR no"));
    check_same("-ERR a b  c|", |reply| reply.error("ERR a\nb\r\nc\r\n\r\n"));
    check_same("-ERR \\xff|", |reply| reply.error_bytes(b"ERR \xff"));
    check_same("-|", |reply| reply.error("\r\n"));
    check_same("$0||", |reply| reply.bulk(b""));
    check_same("$5|a\\x00\\nb\\xff|", |reply| reply.bulk(b"a\0\nb\xff"));
    check_same("$20|-9223372036854775808|", |reply| reply.bulk_int(i64::MIN));
    check_same("*0|", |reply| reply.array(0));
    check_same("*0|", |reply| reply.empty_array());
    check_same("*123|", |reply| reply.array(123));
}

#[test]
fn integers_of_every_length() {
    let mut values = vec![0, -1, -9, -10, i64::MIN, i64::MAX];
    let powers = std::iter::successors(Some(1i64), |power| power.checked_mul(10));
    values.extend(powers.flat_map(|power| [power - 1, power, power + 1]));
    for value in values {
        check_same(&format!(":{value}|"), |reply| reply.integer(value));
    }
    for len in [9, 10, 11, 99, 100, 101, 1000] {
        let expected = format!("${len}|{}|", "a".repeat(len));
        check_same(&expected, |reply| reply.bulk("a".repeat(len).as_bytes()));
    }
}

#[test]
fn what_differs() {
    check("$-1|", "_|", |reply| reply.null());
    check("*-1|", "_|", |reply| reply.null_array());
    check("*6|", "%3|", |reply| reply.map(3));
    check("*3|", "~3|", |reply| reply.set(3));
    check("*3|", ">3|", |reply| reply.push(3));
    check(":1|", "#t|", |reply| reply.boolean(true));
    check(":0|", "#f|", |reply| reply.boolean(false));
    check("$3|a b|", "=7|txt:a b|", |reply| reply.verbatim(b"txt", b"a b"));
    check("$4|-123|", "(-123|", |reply| reply.big_number(b"-123"));
    check("$19|0.10000000000000001|", ",0.10000000000000001|", |reply| reply.double(0.1));
    check("$1|3|", ",3|", |reply| reply.double(3.0));
    check("$4|-inf|", ",-inf|", |reply| reply.double(f64::NEG_INFINITY));
    check("$3|nan|", ",nan|", |reply| reply.double(f64::NAN));
    assert_eq!(written(Protocol::Resp3, |reply| reply.attribute(1)), "|1|");
}

#[test]
fn lengths_may_come_after_their_elements() {
    fn integers(reply: &mut ReplyWriter<'_>, count: usize) {
        (0..count).for_each(|_| reply.integer(7));
    }
    for count in [0, 1, 9, 10, 99, 100, 12345] {
        for protocol in [Protocol::Resp2, Protocol::Resp3] {
            let expected = written(protocol, |reply| {
                reply.array(count);
                integers(reply, count);
                reply.map(count);
                integers(reply, 2 * count);
                reply.set(count);
                integers(reply, count);
            });
            let deferred = written(protocol, |reply| {
                let array = reply.deferred();
                integers(reply, count);
                reply.finish_array(array, count);
                let map = reply.deferred();
                integers(reply, 2 * count);
                reply.finish_map(map, count);
                let set = reply.deferred();
                integers(reply, count);
                reply.finish_set(set, count);
            });
            assert_eq!(deferred, expected);
        }
    }
}

#[test]
fn deferred_lengths_nest() {
    let row = ":5|".repeat(11);
    check_same(&format!("*2|*11|{row}*11|{row}"), |reply| {
        let rows = reply.deferred();
        for _ in 0..2 {
            let row = reply.deferred();
            (0..11).for_each(|_| reply.integer(5));
            reply.finish_array(row, 11);
        }
        reply.finish_array(rows, 2);
    });
}
