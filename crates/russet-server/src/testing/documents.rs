//! Documents of which a part is derived from declarations: written on demand, compared otherwise.

use std::path::{Path, PathBuf};
use std::{env, fs};

const BEGIN: &str = "<!-- What follows is written by a test. -->\n";
const END: &str = "<!-- End of what is written by a test. -->\n";

/// The text of a file of the project.
pub fn read_project(path: &str) -> String {
    fs::read_to_string(project(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Asserts that the document at `path` has `derived` between its marks. With `RUSSET_WRITE_DOCS` in
/// the environment, puts it there instead.
pub fn assert_in_step(path: &str, derived: &str) {
    let text = read_project(path);
    let (before, rest) = text.split_once(BEGIN).expect("the mark is there");
    let (_, after) = rest.split_once(END).expect("the mark is there");
    let expected = [before, BEGIN, derived, END, after].concat();
    if env::var_os("RUSSET_WRITE_DOCS").is_some() {
        fs::write(project(path), &expected).expect("the document can be written");
    } else {
        assert!(
            text == expected,
            "{path} is out of step with the declarations: run \
             RUSSET_WRITE_DOCS=1 cargo test -p russet-server --lib documents"
        );
    }
}
