//! Starting: the log, the port, the background, the supervisor.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixStream};

use russet_e2e::{signal, text};

use super::{LIMIT, server, spawn, wait_until};

#[test]
fn the_log_says_who_has_started() {
    let server = server(&["--always-show-logo", "yes"]);
    wait_until("ready", || server.log().contains("* Ready to accept connections"));
    let log = server.log();
    let process = server.process_id();
    assert!(log.contains(&format!(" PID: {process}\n")), "{log}");
    assert!(log.contains(&format!("Port: {}\n", server.port())), "{log}");
    assert!(log.starts_with(&format!("{process}:M ")), "{log}");
}

#[test]
fn a_port_that_is_taken_ends_the_start() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    let directory = tempfile::tempdir().expect("a directory");
    let child = spawn(directory.path(), &["--bind", "127.0.0.1", "--port", &port], &[]);
    let output = child.wait_with_output().expect("it ends");
    let log = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success());
    assert!(log.contains("Address already in use"), "{log}");
    assert!(log.contains(&format!("Failed listening on port {port} (TCP), aborting.")), "{log}");
}

#[test]
fn a_log_file_may_be_moved_away() {
    let server = server(&["--logfile", "server.log", "--loglevel", "debug"]);
    let (now, old) = (server.directory().join("server.log"), server.directory().join("old.log"));
    fs::rename(&now, &old).expect("the server logs there");
    server.client().command(&["DEBUG", "LOG", "after rotation"]);
    let new = fs::read_to_string(&now).expect("a new file");
    assert!(new.contains("# DEBUG LOG: after rotation\n") && !new.contains("Ready"), "{new}");
    assert!(fs::read_to_string(&old).expect("the old file").contains("Ready to accept"));
    assert_eq!(server.log(), "", "nothing is left for the standard output");
}

#[test]
fn the_level_of_the_log_changes_at_run_time() {
    let mut server = server(&[]);
    server.client().run("CONFIG SET loglevel warning");
    assert!(server.terminate().expect("it ends").success());
    let log = server.log();
    assert!(log.contains("# User requested shutdown..."), "{log}");
    let last_notice = log.lines().rfind(|line| line.contains(" * "));
    assert!(last_notice.is_some_and(|line| line.contains("Ready to accept")), "{log}");
}

#[test]
fn clients_come_through_a_unix_socket() {
    let server = server(&["--unixsocket", "socket", "--unixsocketperm", "700"]);
    let path = server.directory().join("socket");
    let mode = fs::metadata(&path).expect("the socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    UnixStream::connect(&path).expect("somebody listens");
    let clients = text(&server.client().run("INFO clients"));
    assert!(clients.contains("connected_clients:"), "{clients}");
}

#[test]
fn systemd_is_told_of_beginning_and_end() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(LIMIT)).expect("a timeout");
    let arguments = ["--port", "0", "--unixsocket", "socket", "--supervised", "auto"];
    let mut child = spawn(directory.path(), &arguments, &[("NOTIFY_SOCKET", &path)]);
    let receive = || {
        let mut bytes = [0; 512];
        let len = socket.recv(&mut bytes).expect("a message");
        String::from_utf8_lossy(&bytes[..len]).into_owned()
    };
    let ready = receive();
    assert!(ready.lines().any(|line| line == "READY=1"), "{ready}");
    signal(child.id(), "TERM");
    let stopping = receive();
    assert!(stopping.lines().any(|line| line == "STOPPING=1"), "{stopping}");
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn a_daemon_goes_on_without_its_parent() {
    let directory = tempfile::tempdir().expect("a directory");
    let pid_file = directory.path().join("pid");
    let arguments = [
        "--port",
        "0",
        "--unixsocket",
        "socket",
        "--daemonize",
        "yes",
        "--pidfile",
        "pid",
        "--logfile",
        "log",
    ];
    let parent = spawn(directory.path(), &arguments, &[]);
    let parent_id = parent.id();
    assert!(parent.wait_with_output().expect("it ends at once").status.success());
    wait_until("the pid file", || {
        fs::read_to_string(&pid_file).is_ok_and(|text| text.ends_with('\n'))
    });
    let process: u32 =
        fs::read_to_string(&pid_file).expect("a file").trim().parse().expect("a number");
    assert_ne!(process, parent_id);
    let log = || fs::read_to_string(directory.path().join("log")).expect("a log");
    wait_until("ready", || log().contains("Ready to accept connections"));
    assert!(UnixStream::connect(directory.path().join("socket")).is_ok());
    signal(process, "TERM");
    wait_until("the end", || log().contains("bye bye"));
    assert!(!pid_file.exists() && !directory.path().join("socket").exists());
}
