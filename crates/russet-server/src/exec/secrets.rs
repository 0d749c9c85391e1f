//! Which arguments must not be shown: in MONITOR, in the slow log, in the report of a crash.

use super::Args;
use crate::command::CommandEntry;

/// Directives whose values are nobody else's business.
const SECRET_DIRECTIVES: [&[u8]; 4] =
    [b"requirepass", b"masterauth", b"masteruser", b"tls-key-file-pass"];

/// Whether argument `at` of a command is, or may be, a password.
pub fn hides_argument(command: &CommandEntry, args: Args<'_>, at: usize) -> bool {
    match command.full_name.as_str() {
        "auth" => at > 0,
        "hello" => is_hello_credential(args, at),
        "config|set" => is_secret_value(args, at),
        _ => false,
    }
}

/// Whether HELLO takes the argument for the user or the password of its AUTH option.
fn is_hello_credential(args: Args<'_>, at: usize) -> bool {
    let mut option = 2;
    while option < args.len() && option < at {
        if args.get(option).eq_ignore_ascii_case(b"AUTH") {
            if at - option <= 2 {
                return true;
            }
            option += 3;
        } else {
            option += 2;
        }
    }
    false
}

/// Names are at even places, each followed by its value.
fn is_secret_value(args: Args<'_>, at: usize) -> bool {
    let is_secret =
        |name: &[u8]| SECRET_DIRECTIVES.iter().any(|known| name.eq_ignore_ascii_case(known));
    at > 2 && at % 2 == 1 && is_secret(args.get(at - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Names;
    use crate::exec::OwnedCommand;

    /// Which arguments of a command are hidden.
    fn hidden(words: &str) -> Vec<usize> {
        let argv: Vec<Vec<u8>> = words.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        let names = Names::new([]).expect("no renames");
        let entry = names.resolve(&argv[0], argv.get(1).map(|sub| &sub[..])).ok();
        let entry = entry.expect("the command exists");
        let command = OwnedCommand::new(argv);
        (0..command.args().len()).filter(|at| hides_argument(entry, command.args(), *at)).collect()
    }

    #[test]
    fn passwords_are_hidden() {
        assert_eq!(hidden("auth user pass"), [1, 2]);
        assert_eq!(hidden("hello 3 setname n auth user pass"), [5, 6]);
        assert_eq!(hidden("config set requirepass p maxmemory 1 MASTERAUTH q"), [3, 7]);
        assert!(hidden("config set maxmemory requirepass").is_empty());
        assert!(hidden("set requirepass secret").is_empty());
    }
}
