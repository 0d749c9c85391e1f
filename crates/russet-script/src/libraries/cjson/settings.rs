//! What scripts can choose about JSON.

use super::add;
use crate::lua::{Kind, Raised, Stack};
use crate::sandbox::{expect_text, integer};

/// What becomes of infinities and of what is no number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InvalidNumbers {
    /// They are errors.
    Off,
    /// They are written as C writes them.
    On,
    /// They are written as null.
    Null,
}

/// See the module's documentation.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Tables with too many holes become objects instead of errors.
    pub sparse_convert: bool,
    /// Holes are too many if there are this many times as many places as values; 0: never.
    pub sparse_ratio: i32,
    /// Up to this length they never are.
    pub sparse_safe: i32,
    /// Tables inside one another that are written.
    pub encode_max_depth: i32,
    /// Significant digits.
    pub encode_precision: i32,
    /// Means nothing here, and is kept.
    pub encode_keep_buffer: bool,
    /// See [`InvalidNumbers`].
    pub encode_invalid_numbers: InvalidNumbers,
    /// Numbers are read that JSON does not have.
    pub decode_invalid_numbers: bool,
    /// Tables inside one another that are read.
    pub decode_max_depth: i32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            sparse_convert: false,
            sparse_ratio: 2,
            sparse_safe: 10,
            encode_max_depth: 1000,
            encode_precision: 14,
            encode_keep_buffer: true,
            encode_invalid_numbers: InvalidNumbers::Off,
            decode_invalid_numbers: true,
            decode_max_depth: 1000,
        }
    }
}

/// Adds the functions that read and change settings to the table on top.
pub fn install(stack: &mut Stack<'_>) {
    add(stack, "encode_sparse_array", sparse_array);
    add(stack, "encode_max_depth", |stack: &mut Stack<'_>| {
        one(stack, |stack, settings| {
            integer_setting(stack, 1, &mut settings.encode_max_depth, 1, i32::MAX)
        })
    });
    add(stack, "decode_max_depth", |stack: &mut Stack<'_>| {
        one(stack, |stack, settings| {
            integer_setting(stack, 1, &mut settings.decode_max_depth, 1, i32::MAX)
        })
    });
    add(stack, "encode_number_precision", |stack: &mut Stack<'_>| {
        one(stack, |stack, settings| {
            integer_setting(stack, 1, &mut settings.encode_precision, 1, 14)
        })
    });
    add(stack, "encode_keep_buffer", |stack: &mut Stack<'_>| {
        one(stack, |stack, settings| switch(stack, 1, &mut settings.encode_keep_buffer))
    });
    add(stack, "decode_invalid_numbers", |stack: &mut Stack<'_>| {
        one(stack, |stack, settings| switch(stack, 1, &mut settings.decode_invalid_numbers))
    });
    add(stack, "encode_invalid_numbers", |stack: &mut Stack<'_>| one(stack, invalid_numbers));
}

/// Checks that there are at most so many arguments, and makes the others nil.
fn arguments(stack: &mut Stack<'_>, most: i32) -> Result<(), Raised> {
    if stack.top() > most {
        return Err(stack.argument_error(most + 1, "found too many arguments"));
    }
    stack.set_top(most);
    Ok(())
}

/// A function of one argument, which changes a setting unless it is nil and pushes it.
fn one(
    stack: &mut Stack<'_>,
    change: impl Fn(&mut Stack<'_>, &mut Settings) -> Result<(), Raised>,
) -> Result<usize, Raised> {
    arguments(stack, 1)?;
    let mut settings = stack.shared().json.get();
    change(stack, &mut settings)?;
    stack.shared().json.set(settings);
    Ok(1)
}

/// `cjson.encode_sparse_array([convert [, ratio [, safe]]])`
fn sparse_array(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    arguments(stack, 3)?;
    let mut settings = stack.shared().json.get();
    switch(stack, 1, &mut settings.sparse_convert)?;
    stack.shared().json.set(settings);
    integer_setting(stack, 2, &mut settings.sparse_ratio, 0, i32::MAX)?;
    stack.shared().json.set(settings);
    integer_setting(stack, 3, &mut settings.sparse_safe, 0, i32::MAX)?;
    stack.shared().json.set(settings);
    Ok(3)
}

fn integer_setting(
    stack: &mut Stack<'_>,
    argument: i32,
    setting: &mut i32,
    min: i32,
    max: i32,
) -> Result<(), Raised> {
    if stack.kind(argument) != Kind::Nil {
        let value = integer(stack, argument)?;
        if !(min..=max).contains(&value) {
            let text = format!("expected integer between {min} and {max}");
            return Err(stack.argument_error(1, &text));
        }
        *setting = value;
    }
    stack.push_number((*setting).into());
    Ok(())
}

/// Which of some words an argument is.
fn choice(stack: &mut Stack<'_>, argument: i32, words: &[&str]) -> Result<usize, Raised> {
    expect_text(stack, argument)?;
    let word = stack.bytes(argument).expect("it is a string now");
    match words.iter().position(|known| known.as_bytes() == word) {
        Some(chosen) => Ok(chosen),
        None => {
            let text = format!("invalid option '{}'", String::from_utf8_lossy(word));
            Err(stack.argument_error(argument, &text))
        }
    }
}

fn switch(stack: &mut Stack<'_>, argument: i32, setting: &mut bool) -> Result<(), Raised> {
    match stack.kind(argument) {
        Kind::Nil => {}
        Kind::Boolean => *setting = stack.is_true(argument),
        _ => *setting = choice(stack, argument, &["off", "on"])? == 1,
    }
    stack.push_boolean(*setting);
    Ok(())
}

fn invalid_numbers(stack: &mut Stack<'_>, settings: &mut Settings) -> Result<(), Raised> {
    const CHOICES: [InvalidNumbers; 3] =
        [InvalidNumbers::Off, InvalidNumbers::On, InvalidNumbers::Null];
    match stack.kind(1) {
        Kind::Nil => {}
        Kind::Boolean => settings.encode_invalid_numbers = CHOICES[usize::from(stack.is_true(1))],
        _ => {
            settings.encode_invalid_numbers = CHOICES[choice(stack, 1, &["off", "on", "null"])?];
        }
    }
    match settings.encode_invalid_numbers {
        InvalidNumbers::Off => stack.push_boolean(false),
        InvalidNumbers::On => stack.push_boolean(true),
        InvalidNumbers::Null => stack.push_bytes(b"null"),
    }
    Ok(())
}
