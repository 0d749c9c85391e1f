//! Places: sorted sets whose scores are geohashes, see [`russet_data::geo`].

mod add;
mod arguments;
mod options;
mod read;
mod search;

use crate::command::Command;

/// The commands of this family.
pub const COMMANDS: &[Command] = &[
    add::GEOADD,
    read::GEODIST,
    read::GEOHASH,
    read::GEOPOS,
    search::GEORADIUS,
    search::GEORADIUS_RO,
    search::GEORADIUSBYMEMBER,
    search::GEORADIUSBYMEMBER_RO,
    search::GEOSEARCH,
    search::GEOSEARCHSTORE,
];
