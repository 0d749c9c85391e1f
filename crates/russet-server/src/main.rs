//! The `russet-server` binary.
fn main() {}
