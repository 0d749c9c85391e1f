//! Every command: its declaration next to its handler, by family.
//!
//! A family is a list of [`Command`]s. A command appears here by being in its family's list, and
//! nowhere else.

pub mod bits;
mod collections;
pub mod connection;
mod element_scan;
pub mod geo;
pub mod hashes;
mod help;
pub mod hyperloglog;
pub mod keys;
pub mod lists;
pub mod pubsub;
pub mod scripting;
pub mod server;
pub mod sets;
pub mod sort;
pub mod sorted_sets;
pub mod strings;
pub mod transactions;

use crate::command::Command;

/// The families.
pub const ALL: &[&[Command]] = &[
    strings::COMMANDS,
    sorted_sets::COMMANDS,
    geo::COMMANDS,
    bits::COMMANDS,
    lists::COMMANDS,
    keys::COMMANDS,
    hashes::COMMANDS,
    sets::COMMANDS,
    hyperloglog::COMMANDS,
    pubsub::COMMANDS,
    connection::COMMANDS,
    sort::COMMANDS,
    scripting::COMMANDS,
    server::COMMANDS,
    transactions::COMMANDS,
];
