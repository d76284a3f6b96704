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
    insta::assert_snapshot!(refused_here(path, &["--data", "data.toml"]), @"error: data.toml:2: field id: expected an EUI-64 of 16 hexadecimal digits, such as 00-DB-12-34-56-78-90-A4");
    insta::assert_snapshot!(refused_here(path, &["--data", "nowhere"]), @"error: cannot read nowhere: No such file or directory (os error 2)");
    insta::assert_snapshot!(refused_here(path, &["--data", "empty"]), @"error: folder empty has no file *.toml; expected the DCC's data there, or name a file");
    insta::assert_snapshot!(refused_here(path, &["--settings", "settings.toml"]), @r#"
    error: settings.toml: TOML parse error at line 1, column 20
      |
    1 | tracking_timeout = "soon"
      |                    ^^^^^^
    "soon" is no length of time such as 4days or 30min: expected number at 0
    "#);
    insta::assert_snapshot!(refused_here(path, &["--state", "notes.txt"]), @"error: notes.txt is no state file of hanrig; give the name of one, or of a file that is not there yet");
    std::fs::create_dir(path.join("pem")).unwrap();
    write("pem/mine.pem", "certificate to follow");
    insta::assert_snapshot!(refused_here(path, &["--certificates", "pem"]), @"error: pem/mine.pem: not a certificate for P-256 with ECDSA and SHA-256: PEM: no certificate in it");
    insta::assert_snapshot!(refused_here(path, &["--notify", "https://127.0.0.1/"]), @r#"error: --notify: cannot post to "https://127.0.0.1/", expected an address such as http://127.0.0.1:9000/duis: TLS is not spoken; put a proxy that speaks it in front"#);
    let (code, said) = refused(path, &["--listen", "127.0.0.1:0", "--access", "short.toml"]);
    assert_eq!(code, 2);
    insta::assert_snapshot!(said, @"error: short.toml: the token of desk has fewer than 32 characters; take 64 random hexadecimal digits");
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
    insta::assert_snapshot!(said, @"error: state file state.sqlite is in use; is another hanrig serving with it?");
    assert_eq!(served.end().code(), Some(0));
    insta::assert_snapshot!(refused_here(path, &[args.as_slice(), &["--seed", "2"]].concat()), @r#"
    error: state file state.sqlite was made with another seed, and what happened cannot be repeated with this one; go on with the one it was made with, or begin a new file
      then: 1
      now:  2
    "#);
    let file = path.join("state.sqlite");
    let mut octets = std::fs::read(&file).unwrap();
    octets.truncate(octets.len() / 2);
    std::fs::write(&file, octets).unwrap();
    insta::assert_snapshot!(refused_here(path, &args), @"error: state file state.sqlite is damaged: database disk image is malformed; put a copy of it in its place, or begin a new file");
}

#[test]
fn the_help_tells_what_there_is() {
    let mut command = assert_cmd::Command::cargo_bin("hanrig").unwrap();
    let output = command.args(["--no-color", "serve", "dcc", "--help"]).env("COLUMNS", "100").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    insta::assert_snapshot!(help.join("\n"), @r#"
    Serve the DCC emulator: DUIS over HTTP, Alerts to a URL, SSI and SSMI as JSON and as pages

    Usage: hanrig serve dcc [OPTIONS] --listen <ADDR>

    Options:
          --listen <ADDR>
              Address and port to listen on, such as 127.0.0.1:8079; port 0 takes a free one

          --data <PATH>
              What the DCC holds (SMI, CPL, FIR, DZIR, registration, Users): a TOML file or a folder of
              them; without it, the bench's

          --bench <FILE>
              Bench file with identities and keys; without it, the built-in bench

          --settings <FILE>
              Settings of the DCC: which reading of the documents holds; without them, the bench's

          --certificates <DIR>
              Folder of PEM certificates, by which Service Requests are checked and with which answers
              are signed; what it lacks is made, with keys for all Users. Without it, requests need no
              signature

          --access <FILE>
              Users, Service Desk and their tokens; one that is not there is made, with new tokens.
              Without it, new tokens are told at each start

          --state <FILE>
              SQLite file with what survives a restart; one that is not there is made. Without it,
              nothing survives

          --notify <URL>
              Where messages are posted for Users to whom the access file gives no URL

          --clock <CLOCK>
              Time of the machine, or virtual time that stands still until POST /clock lets it pass

              Possible values:
              - wall:    The machine's
              - virtual: Stands still until it is told

              [default: wall]

          --hubs <WHO>
              Who plays the hubs of the data and the Devices behind them

              Possible values:
              - software: Software, at most 64 of them
              - none:     Nobody: no hub ever answers

              [default: software]

          --wan <HUB=HOST:PORT>
              A hub that is elsewhere, and the TCP server at which its WAN link is reached; may be given
              for several hubs

          --seed <N>
              Seed of everything random

              [default: 1]

      -h, --help
              Print help (see a summary with '-h')

          --no-color
              Write without colour, as the environment variable NO_COLOR does

    Clients name themselves by the tokens of the access file. POST a Service Request to
    /duis/non-device, /duis/transform or /duis/send-command; GET /duis/messages gives what came later,
    where no URL takes it. Open / in a browser for the pages.

    SIGHUP reads data and access file again, SIGTERM and ctrl-c end the server.
    Exits with 0 when it was ended, 2 when an option or a file is wrong, 3 when it cannot listen or
    cannot go on.
    "#);
}

#[test]
fn what_is_otherwise_than_usual_is_told_at_the_start() {
    let folder = folder(None, "");
    let said = |args: &[&str]| {
        let told = folder.path().join("err.log");
        drop(std::fs::remove_file(&told));
        assert_eq!(Served::start(folder.path(), &[&["--hubs", "none"], args].concat()).end().code(), Some(0));
        std::fs::read_to_string(told).unwrap()
    };
    insta::assert_snapshot!(said(&[]), @"requests without a signature are taken; give --certificates to have them refused");
    assert_eq!(said(&["--certificates", "pem"]), "");
    let settings = "tracking_timeout = \"3days\"\nresponse_timeout = \"2h\"\nunsigned_requests = \"taken\"\n[csp]\n\
                    second_request = \"reject\"\n";
    std::fs::write(folder.path().join("settings.toml"), settings).unwrap();
    insta::assert_snapshot!(said(&["--certificates", "pem", "--settings", "settings.toml"]), @r#"
    setting csp.second_request = reject, usually schedule
    setting response_timeout = 2h, usually 1day
    setting tracking_timeout = 3days, usually 7days (I-07)
    requests without a signature are taken, as the settings have it
    "#);
}
