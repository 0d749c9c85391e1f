//! The same questions to this crate and to `redis-server`, when one is on the PATH.
//!
//! Questions go through a Unix socket in pipelines, so a run costs a second or two.

mod bitmaps;
mod numbers;
mod patterns;
mod redis;
mod subsequences;
