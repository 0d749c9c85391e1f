//! The declarations of all directives, by theme: the one place where a directive is described.
//!
//! `Config` is one flat struct, but nobody wants to read its 200 fields in one file. So each
//! theme is a macro that appends its rows to those it is given and hands all to the next one;
//! the last is `define_config`, which explains what a row says.

mod append_only;
mod clients;
mod cluster;
mod encodings;
mod general;
mod memory;
mod network;
mod observation;
mod replication;
mod security;
mod snapshots;
mod tls;

pub(super) use append_only::append_only;
pub(super) use clients::clients;
pub(super) use cluster::cluster;
pub(super) use encodings::encodings;
pub(super) use general::general;
pub(super) use memory::memory_limits;
pub(super) use network::network;
pub(super) use observation::observation;
pub(super) use replication::replication;
pub(super) use security::security;
pub(super) use snapshots::snapshots;
pub(super) use tls::tls;
