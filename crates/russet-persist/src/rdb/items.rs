//! From one item of a file to the next, without looking into values.

use std::borrow::Cow;

use super::error::{Error, Problem};
use super::format::{Kind, NEWEST_VERSION, VALKEY_VERSIONS, container, module, opcode};
use super::input::Input;

/// Bytes of magic and version.
pub(super) const HEADER_BYTES: usize = 9;
/// From this version on there is a checksum at the end.
pub(super) const CHECKSUM_SINCE: u32 = 5;

/// Something in a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Item<'a> {
    /// Something about the file.
    Aux {
        /// What it is about.
        name: Cow<'a, [u8]>,
        /// What it says.
        value: Cow<'a, [u8]>,
    },
    /// How many keys the database has.
    SizeOfDb {
        /// All of them.
        keys: u64,
        /// Those with an expiry.
        expires: u64,
    },
    /// The source of a library of functions.
    Function(Cow<'a, [u8]>),
    /// Data of a module that no key holds, with the number that stands for the module's name.
    ModuleAux(u64),
    /// What Valkey says about the slots of a cluster.
    Slots,
    /// A key.
    Key(KeyItem<'a>),
    /// The end; what may follow is the checksum.
    End,
}

/// A key with its value, which was not looked into yet.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyItem<'a> {
    /// The logical database.
    pub db: u64,
    /// The key.
    pub key: Cow<'a, [u8]>,
    /// When it expires, in milliseconds since the Unix epoch.
    pub expire_at_ms: Option<i64>,
    /// For how many seconds it had not been used.
    pub idle_s: Option<u64>,
    /// The counter of its uses.
    pub frequency: Option<u8>,
    /// What bytes the value is.
    pub kind: Kind,
    /// The value.
    pub value: &'a [u8],
    /// Where the value begins among the bytes that [`Items`] was given.
    pub value_offset: usize,
}

/// Items of a file, from behind its header to its end, or any whole number of them.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    input: Input<'a>,
    db: u64,
}

/// The version in a file's header.
///
/// # Errors
/// If it is no header, or of an unknown version.
pub(super) fn version(header: [u8; HEADER_BYTES]) -> Result<u32, Error> {
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0'))
        })
    };
    let not_one = Error { offset: 0, problem: Problem::Magic };
    let (version, known) = if let Some(digits) = header.strip_prefix(b"REDIS") {
        (number(digits).ok_or(not_one)?, 1..=NEWEST_VERSION)
    } else if let Some(digits) = header.strip_prefix(b"VALKEY") {
        (number(digits).ok_or(not_one)?, VALKEY_VERSIONS)
    } else {
        return Err(not_one);
    };
    if known.contains(&version) {
        Ok(version)
    } else {
        Err(Error { offset: 0, problem: Problem::Version(version) })
    }
}

impl<'a> Items<'a> {
    /// Items that begin while a database is selected; 0 at the beginning of a file.
    #[must_use]
    pub fn new(bytes: &'a [u8], db: u64) -> Self {
        Items { input: Input::new(bytes), db }
    }

    /// As [`Items::new`], from an offset on that was reached before while a database was selected.
    #[must_use]
    pub fn resumed(bytes: &'a [u8], db: u64, offset: usize) -> Self {
        Items { input: Input::from(bytes, offset), db }
    }

    /// Bytes read so far.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.input.offset()
    }

    /// The database that is selected.
    #[must_use]
    pub fn db(&self) -> u64 {
        self.db
    }

    /// The next item; `None` if there are no more bytes.
    ///
    /// # Errors
    /// If the bytes are no item. [`Problem::Truncated`] if they are the beginning of one.
    pub fn next_item(&mut self) -> Result<Option<Item<'a>>, Error> {
        let (mut expire_at_ms, mut idle_s, mut frequency) = (None, None, None);
        let is_whole = |input: &Input<'_>| input.left() == 0;
        if is_whole(&self.input) {
            return Ok(None);
        }
        loop {
            let start = self.input.offset();
            let input = &mut self.input;
            let item = match input.byte()? {
                opcode::EXPIRE_S => {
                    expire_at_ms = Some(i64::from(i32::from_le_bytes(input.array()?)) * 1000);
                    continue;
                }
                opcode::EXPIRE_MS => {
                    expire_at_ms = Some(i64::from_le_bytes(input.array()?));
                    continue;
                }
                opcode::IDLE => {
                    idle_s = Some(input.length()?);
                    continue;
                }
                opcode::FREQUENCY => {
                    frequency = Some(input.byte()?);
                    continue;
                }
                opcode::SELECT_DB => {
                    self.db = input.length()?;
                    if is_whole(input) {
                        return Ok(None);
                    }
                    continue;
                }
                opcode::AUX => Item::Aux { name: input.string()?, value: input.string()? },
                opcode::RESIZE_DB => {
                    Item::SizeOfDb { keys: input.length()?, expires: input.length()? }
                }
                opcode::FUNCTION_2 => Item::Function(input.string()?),
                opcode::MODULE_AUX => {
                    let module = input.length()?;
                    skip_module_data(input)?;
                    Item::ModuleAux(module)
                }
                opcode::SLOT_INFO => {
                    for _ in 0..3 {
                        input.length()?;
                    }
                    Item::Slots
                }
                opcode::SLOT_IMPORT => {
                    input.skip_string()?;
                    for _ in 0..input.count()? {
                        input.length()?;
                        input.length()?;
                    }
                    Item::Slots
                }
                opcode::EOF => Item::End,
                number => {
                    let key = input.string()?;
                    let kind = supported(number, &key)
                        .map_err(|problem| Error { offset: start as u64, problem })?;
                    let value_offset = input.offset();
                    skip_value(kind, input)?;
                    let value = input.since(value_offset);
                    let db = self.db;
                    Item::Key(KeyItem {
                        db,
                        key,
                        expire_at_ms,
                        idle_s,
                        frequency,
                        kind,
                        value,
                        value_offset,
                    })
                }
            };
            return Ok(Some(item));
        }
    }
}

/// The kind of a number, if it can be loaded.
fn supported(number: u8, key: &[u8]) -> Result<Kind, Problem> {
    let unsupported = |type_name| Problem::UnsupportedType {
        type_name,
        key: String::from_utf8_lossy(key).into_owned(),
    };
    match Kind::of(number) {
        Some(Kind::Module | Kind::ModuleDraft) => Err(unsupported("value of a module")),
        Some(Kind::Stream | Kind::Stream2 | Kind::Stream3) => Err(unsupported("stream")),
        Some(kind) => Ok(kind),
        None if (22..=25).contains(&number) => Err(unsupported("hash whose fields expire")),
        None if number == opcode::FUNCTION_DRAFT => Err(unsupported("function of a draft")),
        None => Err(Problem::UnknownType(number)),
    }
}

/// Passes over a value.
fn skip_value(kind: Kind, input: &mut Input<'_>) -> Result<(), Error> {
    let strings_per_element = match kind {
        Kind::List | Kind::Set | Kind::ListQuicklist => 1,
        Kind::Hash => 2,
        Kind::SortedSet => {
            for _ in 0..input.count()? {
                input.skip_string()?;
                skip_text_score(input)?;
            }
            return Ok(());
        }
        Kind::SortedSet2 => {
            for _ in 0..input.count()? {
                input.skip_string()?;
                input.take(size_of::<f64>())?;
            }
            return Ok(());
        }
        Kind::ListQuicklist2 => {
            for _ in 0..input.count()? {
                let start = input.offset();
                if ![container::PLAIN, container::PACKED].contains(&input.length()?) {
                    let problem = Problem::Structure("Quicklist");
                    return Err(Error { offset: start as u64, problem });
                }
                input.skip_string()?;
            }
            return Ok(());
        }
        _ => return input.skip_string(),
    };
    for _ in 0..input.count()? {
        for _ in 0..strings_per_element {
            input.skip_string()?;
        }
    }
    Ok(())
}

fn skip_text_score(input: &mut Input<'_>) -> Result<(), Error> {
    match input.byte()? {
        // No number, and the two infinities.
        253.. => {}
        length => _ = input.take(length.into())?,
    }
    Ok(())
}

fn skip_module_data(input: &mut Input<'_>) -> Result<(), Error> {
    loop {
        let start = input.offset();
        match input.length()? {
            module::EOF => return Ok(()),
            module::SINT | module::UINT => _ = input.length()?,
            module::FLOAT => _ = input.take(size_of::<f32>())?,
            module::DOUBLE => _ = input.take(size_of::<f64>())?,
            module::STRING => input.skip_string()?,
            _ => {
                let problem = Problem::Structure("Module data");
                return Err(Error { offset: start as u64, problem });
            }
        }
    }
}
