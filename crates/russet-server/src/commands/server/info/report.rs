//! The text that INFO answers: sections of `name:value` lines.

use std::fmt::{self, Display, Write};

use crate::memory::Human;

/// A report in the making.
#[derive(Default)]
pub struct Report(String);

impl Report {
    /// Begins a section.
    pub fn section(&mut self, title: &str) {
        if !self.0.is_empty() {
            self.0.push_str("\r\n");
        }
        self.line(format_args!("# {title}"));
    }

    /// Adds a field to the section.
    pub fn field(&mut self, name: impl Display, value: impl Display) {
        self.line(format_args!("{name}:{value}"));
    }

    /// Adds fields that are 0 as long as what they count does not exist.
    pub fn zeros(&mut self, names: &[&str]) {
        names.iter().for_each(|name| self.field(name, 0));
    }

    /// Adds a number of bytes, and the same again as people read it.
    pub fn bytes(&mut self, name: &str, bytes: u64) {
        self.field(name, bytes);
        self.field(format_args!("{name}_human"), Human(bytes));
    }

    fn line(&mut self, text: fmt::Arguments<'_>) {
        write!(self.0, "{text}\r\n").expect("a string takes everything");
    }

    /// The report's text.
    pub fn into_text(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_apart_by_an_empty_line() {
        let mut report = Report::default();
        report.section("One");
        report.field("a", 1);
        report.section("Two");
        report.bytes("b", 2048);
        let text = "# One\r\na:1\r\n\r\n# Two\r\nb:2048\r\nb_human:2.00K\r\n";
        assert_eq!(report.into_text(), text);
    }
}
