//! Keys of every type, encoding and size boundary.

use russet_e2e::{Client, encode};

/// A command, in words.
type Words = Vec<Vec<u8>>;

/// Numbers of elements around the limits of small collections.
const SIZES: [usize; 7] = [1, 2, 127, 129, 512, 514, 3000];
/// Lengths of elements around the limits of small collections and of the forms of strings.
const LENGTHS: [usize; 6] = [5, 20, 21, 64, 65, 9000];
/// Elements are no more than this in all.
const MOST_BYTES: usize = 300_000;

/// An element of at least `length` bytes, unlike the others; compressible if it is long.
fn element(number: usize, length: usize) -> Vec<u8> {
    let mut text = format!("e{number:x}").into_bytes();
    while text.len() < length {
        text.extend_from_slice(b"xyz\x00\xffw");
    }
    text.truncate(length.max(4));
    text
}

/// Commands that make the data set.
pub fn commands() -> Vec<Words> {
    let mut commands: Vec<Words> = Vec::new();
    let mut add =
        |words: Vec<&[u8]>| commands.push(words.iter().map(|word| word.to_vec()).collect());
    for number in ["0", "-1", "127", "128", "-129", "32768", "2147483647", "2147483648"] {
        add(vec![b"SET", format!("int:{number}").as_bytes(), number.as_bytes()]);
    }
    for number in ["9223372036854775807", "-9223372036854775808", "9223372036854775808", "007"] {
        add(vec![b"SET", format!("int:{number}").as_bytes(), number.as_bytes()]);
    }
    for length in [0, 1, 20, 21, 44, 45, 63, 64, 1024, 16_383, 16_384, 100_000] {
        let value: Vec<u8> = (0..length).map(|at: usize| (at * at % 251) as u8).collect();
        add(vec![b"SET", format!("text:{length}").as_bytes(), &value]);
        add(vec![b"SET", format!("repeated:{length}").as_bytes(), &vec![b'a'; length]]);
    }
    add(vec![b"SET", b"", b"under the empty key"]);
    // Lengths change their form between these.
    for length in [63, 64, 16_383, 16_384] {
        add(vec![b"SET", &vec![b'k'; length], b"under a long key"]);
        let field: Vec<u8> = (0..length).map(|at: usize| (at * at % 251) as u8).collect();
        add(vec![b"HSET", format!("field:{length}").as_bytes(), &field, b"1"]);
    }
    for number in ["-32768", "-32769", "32767", "-2147483649", "-2147483648"] {
        add(vec![b"SADD", format!("intset:{number}").as_bytes(), b"1", number.as_bytes()]);
        add(vec![b"RPUSH", format!("list:{number}").as_bytes(), b"1", number.as_bytes()]);
    }
    add(vec![b"PFADD", b"sketch", b"a", b"b", b"c"]);
    for size in SIZES {
        for length in LENGTHS {
            if size * length > MOST_BYTES {
                continue;
            }
            let name = |kind: &str| format!("{kind}:{size}:{length}").into_bytes();
            let elements: Vec<Vec<u8>> = (0..size).map(|number| element(number, length)).collect();
            let scores: Vec<Vec<u8>> = (0..size).map(score).collect();
            let numbers: Vec<Vec<u8>> = (0..size)
                .map(|number| {
                    (number as i64 - 5).pow(1 + length as u32 % 4).to_string().into_bytes()
                })
                .collect();
            let plain: Vec<&[u8]> = elements.iter().map(|element| &element[..]).collect();
            let mixed: Vec<&[u8]> =
                elements.iter().zip(&numbers).flat_map(|(a, b)| [&a[..], &b[..]]).collect();
            let ranked: Vec<&[u8]> =
                scores.iter().zip(&elements).flat_map(|(a, b)| [&a[..], &b[..]]).collect();
            let integers: Vec<&[u8]> = numbers.iter().map(|number| &number[..]).collect();
            add([&[&b"RPUSH"[..], &name("list")], &mixed[..]].concat());
            add([&[&b"SADD"[..], &name("set")], &plain[..]].concat());
            add([&[&b"SADD"[..], &name("intset")], &integers[..]].concat());
            add([&[&b"HSET"[..], &name("hash")], &mixed[..]].concat());
            add([&[&b"ZADD"[..], &name("zset")], &ranked[..]].concat());
        }
    }
    for key in ["list:2:5", "text:20", "hash:514:5", "zset:1:64", "int:0"] {
        add(vec![b"PEXPIREAT", key.as_bytes(), b"33177117420123"]);
    }
    add(vec![b"SELECT", b"9"]);
    add(vec![b"SET", b"elsewhere", b"1", b"EX", b"100000"]);
    add(vec![b"SADD", b"elsewhere too", b"1", b"x"]);
    add(vec![b"SELECT", b"0"]);
    commands
}

fn score(number: usize) -> Vec<u8> {
    match number % 7 {
        0 => format!("{number}"),
        1 => format!("-{number}.5"),
        2 => "inf".to_owned(),
        3 => "-inf".to_owned(),
        4 => format!("{}e-20", number + 1),
        5 => "3.141592653589793".to_owned(),
        _ => "0".to_owned(),
    }
    .into_bytes()
}

/// Makes the data set on a server.
pub fn fill(client: &mut Client) {
    let commands = commands();
    let bytes: Vec<u8> = commands.iter().flat_map(|words| encode(words)).collect();
    let mut sender = client.socket().try_clone().expect("a socket can be cloned");
    let thread = std::thread::spawn(move || {
        std::io::Write::write_all(&mut sender, &bytes).expect("the server reads");
    });
    for words in &commands {
        let reply = client.receive().expect("a reply to each command");
        let name = String::from_utf8_lossy(&words[0]).into_owned();
        assert!(!matches!(reply, russet_e2e::Reply::Error(_)), "{name}: {reply:?}");
    }
    thread.join().expect("all is sent");
}
