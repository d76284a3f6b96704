//! What is wrong with options and files is told, with the exit code that says whose fault it is.

use crate::support::{Served, folder, release};
use std::path::Path;

/// Runs `hanrig serve dcc` in `folder`, which ends at once; gives exit code and what it said.
fn refused(folder: &Path, args: &[&str]) -> (i32, String) {
    let mut command = assert_cmd::Command::cargo_bin("hanrig").unwrap();
    let output = command.current_dir(folder).args(["--no-color", "serve", "dcc"]).args(args).output().unwrap();
    assert!(output.stdout.is_empty(), "{output:?}");
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

const HERE: [&str; 4] = ["--listen", "127.0.0.1:0", "--access", "access.toml"];

fn refused_here(folder: &Path, args: &[&str]) -> String {
    let (code, said) = refused(folder, &[HERE.as_slice(), args].concat());
    assert_eq!(code, 2, "{said}");
    said
}

#[test]
fn addresses_that_cannot_be_listened_on() {
    let folder = folder(None, "");
    let (code, said) = refused(folder.path(), &["--listen", "here"]);
    assert_eq!(code, 2);
    assert!(said.contains("invalid value 'here' for '--listen <ADDR>': invalid socket address syntax"), "{said}");
    let (code, said) = refused(folder.path(), &["--listen", "192.0.2.1:80", "--access", "access.toml"]);
    assert_eq!(code, 2);
    insta::assert_snapshot!(said, @"error: cannot listen on 192.0.2.1:80; give an address that this machine has, such as 127.0.0.1: Cannot assign requested address (os error 99)");
    let served = Served::start(folder.path(), &["--hubs", "none"]);
    let (code, said) = refused(folder.path(), &["--listen", &served.address.to_string(), "--access", "access.toml"]);
    assert_eq!(code, 3);
    let said = said.replace(&served.address.port().to_string(), "PORT");
    insta::assert_snapshot!(said, @"error: cannot listen on 127.0.0.1:PORT; is another hanrig serving there? Port 0 takes a free one: Address already in use (os error 98)");
}

#[test]
fn files_that_are_not_what_they_should_be() {
    let folder = folder(None, "[[hub]]\nid = \"1\"\n");
    let path = folder.path();
    let write = |name: &str, text: &str| std::fs::write(path.join(name), text).unwrap();
    write("settings.toml", "tracking_timeout = \"soon\"\n");
    write("short.toml", "[[service_desk]]\nname = \"desk\"\ntoken = \"secret\"\n");
    write("notes.txt", &"notes that somebody may want to keep ".repeat(100));
    std::fs::create_dir(path.join("empty")).unwrap();
    insta::assert_snapshot!(refused_here(path, &["--data", "data.toml"]), @"");
    insta::assert_snapshot!(refused_here(path, &["--data", "nowhere"]), @"");
    insta::assert_snapshot!(refused_here(path, &["--data", "empty"]), @"");
    insta::assert_snapshot!(refused_here(path, &["--settings", "settings.toml"]), @"");
    insta::assert_snapshot!(refused_here(path, &["--state", "notes.txt"]), @"");
    insta::assert_snapshot!(refused_here(path, &["--notify", "https://127.0.0.1/"]), @"");
    let (code, said) = refused(path, &["--listen", "127.0.0.1:0", "--access", "short.toml"]);
    assert_eq!(code, 2);
    insta::assert_snapshot!(said, @"");
}

#[test]
fn a_state_that_cannot_go_on() {
    let (_, data) = release(2_000);
    let folder = folder(None, &data.to_toml().unwrap());
    let path = folder.path();
    let args = ["--clock", "virtual", "--data", "data.toml", "--hubs", "none", "--state", "state.sqlite"];
    let served = Served::start(path, &args);
    let (code, said) = refused(path, &[HERE.as_slice(), &args].concat());
    assert_eq!(code, 3);
    insta::assert_snapshot!(said, @"");
    assert_eq!(served.end().code(), Some(0));
    insta::assert_snapshot!(refused_here(path, &[args.as_slice(), &["--seed", "2"]].concat()), @"");
    let file = path.join("state.sqlite");
    let mut octets = std::fs::read(&file).unwrap();
    octets.truncate(octets.len() / 2);
    std::fs::write(&file, octets).unwrap();
    insta::assert_snapshot!(refused_here(path, &args), @"");
}

#[test]
fn the_help_tells_what_there_is() {
    let mut command = assert_cmd::Command::cargo_bin("hanrig").unwrap();
    let output = command.args(["--no-color", "serve", "dcc", "--help"]).env("COLUMNS", "100").output().unwrap();
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap(), @"");
}
