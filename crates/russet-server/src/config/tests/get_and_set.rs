//! CONFIG GET and CONFIG SET.

use super::*;

const REMOTE: Setter = Setter { is_local: false, is_loading: false };

fn set(config: &Config, pairs: &[(&str, &str)]) -> Result<Update, String> {
    let pairs: Vec<_> =
        pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    config.set(&pairs, REMOTE).map_err(|error| error.to_string())
}

#[test]
fn names_are_unique_and_lower_case() {
    let mut names: Vec<&str> = DIRECTIVES
        .iter()
        .flat_map(|directive| [Some(directive.name), directive.alias])
        .flatten()
        .collect();
    assert!(names.iter().all(|name| !name.bytes().any(|byte| byte.is_ascii_uppercase())));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn every_value_shown_can_be_set_again() {
    let config = Config::default();
    let setter = Setter { is_local: true, is_loading: false };
    let config = Config { enable_protected_configs: Permission::Local, ..config };
    for (name, value) in config.get(&[b"*"]) {
        let directive = Directive::find(name.as_bytes()).expect("shown names are known");
        if directive.flags.contains(Flags::IMMUTABLE) {
            continue;
        }
        let update = config.set(&[(name.as_bytes(), &value)], setter).expect(&name);
        assert_eq!(update.config, config, "{name}");
        assert_eq!(!update.changed.is_empty(), directive.flags.contains(Flags::VOLATILE), "{name}");
    }
}

#[test]
fn values_are_shown_as_redis_shows_them() {
    let config = Config::default();
    for (name, value) in [
        ("save", "3600 1 300 100 60 10000"),
        ("bind", "* -::*"),
        (
            "client-output-buffer-limit",
            "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
        ),
        ("oom-score-adj-values", "0 200 800"),
        ("latency-tracking-info-percentiles", "50 99 99.9"),
        ("shutdown-on-sigterm", "default"),
        ("maxmemory-clients", "0"),
        ("unixsocketperm", "0"),
        ("proto-max-bulk-len", "536870912"),
        ("requirepass", ""),
        ("protected-mode", "yes"),
        ("maxmemory-policy", "noeviction"),
    ] {
        assert_eq!(shown(&config, name), value, "{name}");
    }
}

#[test]
fn several_patterns_find_each_name_once() {
    let config = Config::default();
    let names = |patterns: &[&str]| -> Vec<String> {
        let patterns: Vec<_> = patterns.iter().map(|pattern| pattern.as_bytes()).collect();
        config.get(&patterns).into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(names(&["PORT", "p?rt", "port", "nothing"]), ["PORT"]);
    assert_eq!(names(&["*of"]), ["replicaof", "slaveof"]);
    assert_eq!(names(&["slave-PRIORITY"]), ["slave-PRIORITY"]);
    assert_eq!(names(&["key-load-delay"]), ["key-load-delay"]);
    assert!(names(&["key-load*"]).is_empty());
    assert_eq!(names(&["*"]).len(), names(&["*", "m*", "maxmemory"]).len());
}

#[test]
fn several_values_are_set_or_none() {
    let config = Config::default();
    let update = set(&config, &[("maxmemory", "1mb"), ("MAXCLIENTS", "7"), ("save", "")]);
    let update = update.expect("all values are right");
    assert_eq!((update.config.maxmemory, update.config.maxclients), (1 << 20, 7));
    assert!(update.config.save.is_empty());
    let changed: Vec<_> = update.changed.iter().map(|directive| directive.name).collect();
    assert_eq!(changed, ["maxmemory", "maxclients", "save"]);
    assert!(set(&config, &[("maxmemory", "1mb"), ("maxclients", "0")]).is_err());
}

#[test]
fn a_list_changes_only_the_classes_it_names() {
    let update = set(&Config::default(), &[("client-output-buffer-limit", "replica 1k 2kb 3")]);
    let limits = update.expect("the value is right").config.client_output_buffer_limit;
    let replica = OutputLimit { hard_bytes: 1000, soft_bytes: 2048, soft_seconds: 3 };
    assert_eq!(limits[ClientClass::Replica as usize], replica);
    assert_eq!(limits[0], Config::default().client_output_buffer_limit[0]);
}

/// The texts are Redis 7.0's.
#[test]
fn refusals_say_why() {
    let config = Config::default();
    let failed = |pairs: &[(&str, &str)]| set(&config, pairs).expect_err("a value is wrong");
    for (name, value, reason) in [
        ("maxmemory", "x", "argument must be a memory value"),
        ("maxmemory", "-1", "argument must be a memory value"),
        ("maxmemory-clients", "200%", "percentage argument must be less or equal to 100"),
        ("maxmemory-clients", "x%", "argument must be a memory or percent value"),
        ("timeout", "x", "argument couldn't be parsed into an integer"),
        ("timeout", "-1", "argument must be between 0 and 2147483647 inclusive"),
        ("port", "65536", "argument must be between 0 and 65535 inclusive"),
        ("protected-mode", "1", "argument must be 'yes' or 'no'"),
        (
            "loglevel",
            "loud",
            "argument(s) must be one of the following: debug, verbose, notice, warning",
        ),
        (
            "shutdown-on-sigint",
            "",
            "argument(s) must be one of the following: default, save, nosave, now, force",
        ),
        (
            "shutdown-on-sigint",
            "save nosave",
            "shutdown options SAVE and NOSAVE can't be used simultaneously",
        ),
        ("save", "1", "Invalid save parameters"),
        ("save", "0 1", "Invalid save parameters"),
        (
            "client-output-buffer-limit",
            "normal 1 2",
            "Wrong number of arguments in buffer limit configuration.",
        ),
        (
            "client-output-buffer-limit",
            "master 1 2 3",
            "Invalid client class specified in buffer limit configuration.",
        ),
        (
            "client-output-buffer-limit",
            "normal 1 2 x",
            "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
        ),
        ("notify-keyspace-events", "KEQ", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."),
        ("oom-score-adj-values", "1 2", "wrong number of arguments"),
        (
            "oom-score-adj-values",
            "1 2 3000",
            "Invalid oom-score-adj-values, elements must be between -2000 and 2000.",
        ),
        (
            "latency-tracking-info-percentiles",
            "101",
            "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]",
        ),
        (
            "latency-tracking-info-percentiles",
            "x",
            "Invalid latency-tracking-info-percentiles parameters",
        ),
        (
            "proc-title-template",
            "{nothing}",
            "template format is invalid or contains unknown variables",
        ),
        ("daemonize", "yes", "can't set immutable config"),
        ("compatibility", "4.0", "can't set immutable config"),
        ("dir", "/", "can't set protected config"),
    ] {
        let expected =
            format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}");
        assert_eq!(failed(&[(name, value)]), expected);
    }
    assert_eq!(
        failed(&[("maxmemory", "1"), ("nothing", "1"), ("daemonize", "1")]),
        "ERR Unknown option or number of arguments for CONFIG SET - 'nothing'"
    );
    assert_eq!(
        failed(&[("maxmemory", "1"), ("MaxMemory", "2")]),
        "ERR CONFIG SET failed (possibly related to argument 'MaxMemory') - duplicate parameter"
    );
}

#[test]
fn protected_directives_need_permission() {
    let with = |permission| Config { enable_protected_configs: permission, ..Config::default() };
    let allowed = |permission, is_local| {
        let setter = Setter { is_local, is_loading: false };
        with(permission).set(&[(b"dbfilename", b"x.rdb")], setter).is_ok()
    };
    assert!(allowed(Permission::Yes, false));
    assert!(allowed(Permission::Local, true));
    assert!(!allowed(Permission::Local, false));
    assert!(!allowed(Permission::No, true));
}

#[test]
fn some_directives_wait_until_data_is_loaded() {
    let setter = Setter { is_local: true, is_loading: true };
    let config = Config { enable_protected_configs: Permission::Yes, ..Config::default() };
    let error = config.set(&[(b"dir", b"/")], setter).expect_err("loading");
    assert_eq!(error.to_string(), "LOADING Redis is loading the dataset in memory");
    assert!(config.set(&[(b"loglevel", b"debug")], setter).is_ok());
}

#[test]
fn a_directory_must_exist() {
    let config = Config { enable_protected_configs: Permission::Yes, ..Config::default() };
    let error = set(&config, &[("dir", "/nowhere")]).expect_err("there is no such directory");
    assert!(error.ends_with("argument 'dir') - No such file or directory"), "{error}");
    let error = set(&config, &[("dir", "/etc/passwd")]).expect_err("this is a file");
    assert!(error.ends_with("Not a directory"), "{error}");
    let update = set(&config, &[("dir", "/usr/../tmp")]).expect("this is there");
    assert_eq!(update.config.dir.to_str(), Some("/tmp"));
}

/// Guards the two `expect`s in `format/integer.rs`: every range must fit the field's type.
#[test]
fn the_ends_of_every_range_fit() {
    let mut ranges = 0;
    for directive in DIRECTIVES {
        let arguments = [b"99999999999999999".to_vec()];
        let mut config = Config::default();
        let Err(reason) = (directive.assign)(&mut config, &arguments) else { continue };
        let words: Vec<&str> = reason.split(' ').collect();
        let ["argument", "must", "be", "between", low, "and", high, "inclusive"] = words[..] else {
            continue;
        };
        for end in [low, high] {
            (directive.assign)(&mut config, &[end.into()]).expect(directive.name);
            directive.show(&config);
        }
        ranges += 1;
    }
    assert!(ranges > 40, "{ranges}");
    for directive in DIRECTIVES {
        let mut config = Config::default();
        for end in [i64::MIN.to_string(), i64::MAX.to_string(), u64::MAX.to_string()] {
            if (directive.assign)(&mut config, &[end.into()]).is_ok() {
                directive.show(&config);
            }
        }
    }
}
