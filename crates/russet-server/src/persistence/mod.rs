//! Keys in files: what of it is the server's business, and not the formats' (`russet-persist`).

use russet_persist::rdb::{Encoder, Level, Limits, Options};

use crate::commands::{hashes, lists, sets, sorted_sets};
use crate::config::{Compatibility, Config};
use crate::server::Server;

/// Up to which sizes collections that come from outside are small.
pub fn limits(server: &Server, config: &Config) -> Limits {
    Limits {
        list: lists::limits(server, config),
        set: sets::limits_of(config),
        hash: hashes::limits_of(config),
        sorted_set: sorted_sets::limits_of(config),
    }
}

/// How values are written.
pub fn encoder(config: &Config) -> Encoder {
    let level = match config.compatibility {
        Compatibility::V4_0 => Level::Redis4,
        Compatibility::V7_2 => Level::Redis7,
    };
    Encoder { level, options: Options { compression: config.rdbcompression } }
}
