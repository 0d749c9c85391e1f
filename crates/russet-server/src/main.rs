//! The `russet-server` binary.

use std::process::ExitCode;

use russet_server::config::command_line::HELP;
use russet_server::config::{Launch, from_command_line};
use russet_server::process::banner::version_line;
use russet_server::start;

fn main() -> ExitCode {
    match from_command_line(std::env::args_os().skip(1)) {
        Ok(Launch::Run(startup)) => start::serve(*startup),
        Ok(Launch::PrintVersion) => {
            println!("{}", version_line());
            ExitCode::SUCCESS
        }
        Ok(Launch::PrintHelp) => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprint!("{error}");
            ExitCode::FAILURE
        }
    }
}
