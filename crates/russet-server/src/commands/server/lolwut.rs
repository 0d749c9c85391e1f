//! LOLWUT: a picture that is another one every time, and the version.
//!
//! Version 5 is drawn with the dots of Braille characters, version 6 with coloured spaces; that much
//! they have in common with Redis' pictures of those versions.

use std::f64::consts::TAU;

use fastrand::Rng;

use crate::command::{Command, Flags, Group};
use crate::error::Error;
use crate::exec::Ctx;

pub const LOLWUT: Command = Command {
    group: Group::Server,
    since: "5.0.0",
    summary: "Draws something, and names the version.",
    complexity: "",
    syntax: "[VERSION version:integer]",
    ..Command::new("lolwut", -1, Flags::READONLY.union(Flags::FAST), lolwut)
};

fn lolwut(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (version, first) = match ctx.args.len() {
        3.. if ctx.is(1, "VERSION") => (ctx.int(2)?, 3),
        _ => (5, 1),
    };
    // The numbers after that are the picture's size, each with its default and bound.
    let mut sizes = [0; 3];
    let defaults = if version == 6 { [80, 20, 1] } else { [66, 8, 4] };
    for (nth, (size, default)) in sizes.iter_mut().zip(defaults).enumerate() {
        let at = first + nth;
        let given = if at < ctx.args.len() { ctx.int(at)? } else { default };
        *size = given.clamp(1, if nth == 0 { 200 } else { 50 }) as usize;
    }
    let [first, second, third] = sizes;
    let random = &mut ctx.worker.random;
    let mut text = match version {
        5 => crystals(first, second, third, random),
        6 => hills(first, second, random),
        _ => String::new(),
    };
    text.push_str(&format!("Redis ver. {}\n", ctx.config().compatibility.redis_version()));
    ctx.out.verbatim(b"txt", text.as_bytes());
    Ok(())
}

/// A picture of dots, two across and four down in each character.
struct Canvas {
    width: usize,
    height: usize,
    dots: Vec<bool>,
}

impl Canvas {
    fn new(columns: usize, rows: usize) -> Self {
        let (width, height) = (columns * 2, rows * 4);
        Canvas { width, height, dots: vec![false; width * height] }
    }

    fn set(&mut self, x: f64, y: f64) {
        let inside = |at: f64, size: usize| at >= 0.0 && at < size as f64;
        if inside(x, self.width) && inside(y, self.height) {
            self.dots[y as usize * self.width + x as usize] = true;
        }
    }

    fn line(&mut self, (x, y): (f64, f64), (to_x, to_y): (f64, f64)) {
        let steps = (to_x - x).abs().max((to_y - y).abs()).ceil().max(1.0);
        for step in 0..=steps as usize {
            let part = step as f64 / steps;
            self.set(x + (to_x - x) * part, y + (to_y - y) * part);
        }
    }

    fn render(&self) -> String {
        // The bits of a Braille character, by column and row of the dot.
        const BITS: [[u32; 4]; 2] = [[0, 1, 2, 6], [3, 4, 5, 7]];
        let mut text = String::new();
        for top in (0..self.height).step_by(4) {
            for left in (0..self.width).step_by(2) {
                let mut bits = 0;
                for (x, column) in BITS.iter().enumerate() {
                    for (y, bit) in column.iter().enumerate() {
                        bits |= u32::from(self.dots[(top + y) * self.width + left + x]) << bit;
                    }
                }
                text.push(char::from_u32(0x2800 + bits).expect("a block of 256 characters"));
            }
            text.push('\n');
        }
        text
    }
}

/// Rows of cut stones; the further down, the less they keep to their places.
fn crystals(columns: usize, across: usize, down: usize, random: &mut Rng) -> String {
    let side = columns as f64 * 2.0 / across as f64;
    let rows = ((side * down as f64 / 4.0).ceil() as usize).max(1);
    let mut canvas = Canvas::new(columns, rows);
    for row in 0..down {
        let disorder = row as f64 / down as f64;
        for column in 0..across {
            let mut stray = |most: f64| (random.f64() - 0.5) * 2.0 * most * disorder;
            let center = (
                (column as f64 + 0.5) * side + stray(side / 3.0),
                (row as f64 + 0.5) * side + stray(side / 3.0),
            );
            let turn = stray(TAU / 4.0);
            let corners = random.usize(4..=6);
            let at = |corner: usize, radius: f64| {
                let angle = TAU * corner as f64 / corners as f64 + turn;
                (center.0 + angle.cos() * radius, center.1 + angle.sin() * radius)
            };
            let (outer, inner) = (side * 0.45, side * 0.2);
            for corner in 0..corners {
                canvas.line(at(corner, outer), at(corner + 1, outer));
                canvas.line(at(corner, inner), at(corner + 1, inner));
                canvas.line(at(corner, inner), at(corner, outer));
            }
        }
    }
    canvas.render()
}

/// Ranges of hills in the colours of rust, the nearest one darkest.
fn hills(columns: usize, rows: usize, random: &mut Rng) -> String {
    const SKY: u8 = 230;
    const RANGES: [u8; 4] = [180, 173, 130, 94];
    let mut picture = vec![SKY; columns * rows];
    for (nth, color) in RANGES.iter().enumerate() {
        let base = (nth + 1) as f64 / (RANGES.len() + 1) as f64;
        let waves: Vec<(f64, f64)> =
            (1..=3).map(|wave| (f64::from(wave) * (1.0 + random.f64()), random.f64())).collect();
        for column in 0..columns {
            let along = column as f64 / columns as f64;
            let height: f64 = waves
                .iter()
                .map(|(frequency, phase)| (TAU * (frequency * along + phase)).sin() / frequency)
                .sum();
            let top = ((base - height * 0.1) * rows as f64).max(0.0) as usize;
            for row in top..rows {
                picture[row * columns + column] = *color;
            }
        }
    }
    let mut text = String::new();
    for line in picture.chunks(columns) {
        for color in line {
            text.push_str(&format!("\x1b[48;5;{color}m "));
        }
        text.push_str("\x1b[0m\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_have_the_size_asked_for() {
        let mut random = Rng::with_seed(1);
        for (columns, across, down) in [(66, 8, 4), (1, 200, 1), (1000, 1, 1), (3, 7, 200)] {
            let text = crystals(columns, across, down, &mut random);
            assert!(text.lines().all(|line| line.chars().count() == columns));
        }
        let text = hills(7, 3, &mut random);
        assert_eq!((text.lines().count(), text.matches("\x1b[48;5;").count()), (3, 21));
    }

    #[test]
    fn lines_reach_both_ends() {
        let mut canvas = Canvas::new(2, 1);
        canvas.line((0.0, 0.0), (3.0, 3.0));
        assert_eq!(canvas.render(), "\u{2811}\u{2884}\n");
    }
}
