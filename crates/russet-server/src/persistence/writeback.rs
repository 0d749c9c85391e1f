//! Bringing a long file to the disk while it is being written.
//!
//! A flush of what there is so far would do that, but it also makes the file's length durable, for which
//! the file system writes its journal and waits for the disk to empty its cache: all of that again
//! every moment, for a file that is nothing before its end has come. So the system is only asked to begin
//! writing the bytes, and later whether it has done so. What is durable is the final flush's business.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;

use libc::{SYNC_FILE_RANGE_WAIT_AFTER, SYNC_FILE_RANGE_WAIT_BEFORE, SYNC_FILE_RANGE_WRITE};

/// Has the system begin to write a range of a file, in bytes, to the disk.
///
/// # Errors
///
/// The system's, among them those of earlier ranges.
pub(super) fn begin(file: &File, range: Range<u64>) -> io::Result<()> {
    sync_range(file, range, SYNC_FILE_RANGE_WRITE)
}

/// Waits until a range of a file, in bytes, is written, or has failed to be; of an empty one, for nothing.
///
/// # Errors
///
/// The system's.
pub(super) fn wait(file: &File, range: Range<u64>) -> io::Result<()> {
    let all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    sync_range(file, range, all)
}

fn sync_range(file: &File, range: Range<u64>, flags: libc::c_uint) -> io::Result<()> {
    // To the system no bytes are all that follow.
    if range.is_empty() {
        return Ok(());
    }
    let (start, bytes) = (range.start as i64, (range.end - range.start) as i64);
    // SAFETY: the call is given no memory, and a descriptor that is open because the file is borrowed.
    match unsafe { libc::sync_file_range(file.as_raw_fd(), start, bytes, flags) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_system_takes_any_range() {
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(&[1; 10_000]).expect("room for it");
        for range in [0..0, 0..4096, 4096..10_000, 10_000..10_000] {
            begin(&file, range.clone()).expect("it is a file");
            wait(&file, range).expect("it is a file");
        }
    }

    #[test]
    fn errors_of_the_system_are_told() {
        let (reader, _writer) = io::pipe().expect("a pipe");
        let file = File::from(std::os::fd::OwnedFd::from(reader));
        begin(&file, 0..1).expect_err("a pipe is on no disk");
        wait(&file, 0..1).expect_err("a pipe is on no disk");
        wait(&file, 0..0).expect("nothing is asked of it");
    }
}
