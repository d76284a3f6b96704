//! Bad input, at the binary: exit code 2, a message that says where, and no more than bounded time and memory.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::suite::suite;
use crate::tools::{HANRIG, text};

/// The address space that a command gets, in octets: its code, its threads and the largest input that it reads fit in.
const MEMORY: u64 = 512 << 20;
/// The processor time that a command gets, in seconds, in a build that is hardly optimised.
const SECONDS: u32 = 20;

/// However large an input is, what is told of it can be read: the longest message, in octets.
const MESSAGE: usize = 6000;

/// What a command left that ran within the limits.
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

/// Runs `hanrig` within the limits: one that takes more memory aborts, one that takes longer is killed.
fn bounded(args: &[&str], input: &[u8]) -> Ran {
    let mut prlimit = Command::new("prlimit");
    prlimit.arg(format!("--as={MEMORY}")).arg(format!("--cpu={SECONDS}")).arg(HANRIG).args(args);
    prlimit.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = prlimit.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // The command may give up before it has read all: that is no error of this.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Ran {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The message with which `args` are refused.
fn refused_with(args: &[&str], input: &[u8]) -> String {
    let Ran { code, out, err } = bounded(args, input);
    assert_eq!(code, Some(2), "{args:?}: {}", err.chars().take(2000).collect::<String>());
    assert_eq!(out, "", "{args:?}");
    assert!(err.starts_with("error: "), "{args:?}: {err}");
    err
}

fn refused(args: &[&str]) -> String {
    refused_with(args, b"")
}

/// A folder of input files.
struct Inputs(TempDir);

impl Inputs {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, octets: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, octets).unwrap();
        path
    }

    /// A file of 100 MB that takes no room on the disc: zeros.
    fn big(&self, name: &str) -> PathBuf {
        let path = self.0.path().join(name);
        File::create(&path).unwrap().set_len(100 << 20).unwrap();
        path
    }

    /// Messages with the folder's name taken out.
    fn told(&self, messages: &[String]) -> String {
        messages.concat().replace(text(self.0.path()), "DIR")
    }
}

/// Octets without any order, the same for the same seed.
fn random(seed: u64, octets: usize) -> Vec<u8> {
    let blocks = (0_u64..).map(|block| Sha256::digest([seed.to_le_bytes(), block.to_le_bytes()].concat()));
    blocks.flatten().take(octets).collect()
}

/// A file that never ends is given up like one that is too large.
const ENDLESS: &str = "/dev/zero";

// --------------------------------------------------------------------------------------------------------------- ota

/// An OTA file with sub-elements and every field in its header.
fn ota_file(total: u32, element_length: u32) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(0x0BEE_F11E_u32.to_le_bytes());
    file.extend([0x00, 0x01, 69, 0, 7, 0, 0xA7, 0x12, 0x01, 0x50, 0x20, 0, 0, 0, 2, 0]);
    file.extend([0; 32]);
    file.extend(total.to_le_bytes());
    file.extend([0; 13]);
    file.extend([0, 0]);
    file.extend(element_length.to_le_bytes());
    file.extend([0xAB; 20]);
    file
}

#[test]
fn ota_files_that_are_cut_or_lie_are_refused() {
    let inputs = Inputs::new();
    let whole = ota_file(95, 20);
    assert_eq!(bounded(&["ota", "inspect", text(&inputs.file("whole", &whole))], b"").code, Some(0));
    // Cut within every field of the header and of the sub-element.
    for length in [0, 3, 5, 7, 9, 11, 13, 17, 19, 40, 53, 56, 60, 66, 68, 70, 74, 94] {
        let path = inputs.file("cut", &whole[..length]);
        let err = refused(&["ota", "inspect", text(&path)]);
        assert!(err.contains(text(&path)) && err.contains("offset"), "{length}: {err}");
    }
    let told = [
        ("longer", ota_file(u32::MAX, 20)),
        ("shorter", ota_file(94, 20)),
        ("random", random(1, 1 << 20)),
        ("random after the identifier", [&whole[..4], &random(2, 1 << 20)].concat()),
    ]
    .map(|(name, octets)| refused(&["ota", "inspect", text(&inputs.file(name, octets))]));
    insta::assert_snapshot!(inputs.told(&told), @r"
    error: DIR/longer: total image size at offset 52 is 4294967295, expected 95, which is the length of the file
    error: DIR/shorter: total image size at offset 52 is 94, expected 95, which is the length of the file
    error: DIR/random: no OTA file identifier at offset 0: expected 1e f1 ee 0b
    error: DIR/random after the identifier: header version at offset 4 is 0x53b1, expected 0x0100
    ");
    insta::assert_snapshot!(refused(&["ota", "inspect", ENDLESS]), @"error: /dev/zero is larger than 16777216 octets, the most that is read of such input");
}

#[test]
fn ota_files_are_not_built_from_what_never_ends() {
    let args = ["-o", "/dev/null", "--manufacturer-code", "1", "--image-type", "2", "--file-version", "00000003"];
    let inputs = Inputs::new();
    let (big, payload) = (inputs.big("big"), inputs.file("payload", b"x"));
    let build = |payload: &str, more: &[&str]| refused(&[&["ota", "build", payload], args.as_slice(), more].concat());
    let told = [
        build(ENDLESS, &[]),
        build(text(&big), &[]),
        build(text(&payload), &["--sign", ENDLESS]),
        build(text(&payload), &["--reference-image", text(&big)]),
    ];
    insta::assert_snapshot!(inputs.told(&told), @r"
    error: /dev/zero is larger than 16777216 octets, the most that is read of such input
    error: DIR/big is larger than 16777216 octets, the most that is read of such input
    error: cannot use the keys: /dev/zero is larger than 1048576 octets, the most that is read of such input
    error: cannot use the keys: DIR/big is larger than 1048576 octets, the most that is read of such input
    ");
}

// -------------------------------------------------------------------------------------------------------------- gbcs

#[test]
fn gbcs_messages_that_are_cut_or_lie_are_refused() {
    let alert = "DF09030000000000000FA00800DB1234567890A20890B3D51F30000002000201282B30290203008F8A180F323031353031303130303030\
                 30305A040800DB1234567890A404040123ABCD0201004015427D68095A6ACDB453E4E0EB04FD6163964A54812A6D0E38CE3D635A00559A\
                 E8676D0BB03B7FC043E7FE2AA9F43157DF5BE8EE520BBA8281F7B7636EDE3360";
    assert_eq!(bounded(&["gbcs", "decode", alert], b"").code, Some(0));
    for octets in 0..alert.len() / 2 {
        let err = refused(&["gbcs", "decode", &alert[..2 * octets]]);
        assert!(err.contains("offset"), "{octets}: {err}");
    }
    let long_content = alert.replace("01282B30", "01288400FFFFFF30");
    let told = [
        refused(&["gbcs", "decode", &long_content]),
        refused_with(&["gbcs", "decode", "-"], &vec![b'D'; 3 << 20]),
        refused_with(&["gbcs", "decode", "-"], &random(3, 1000)),
        refused_with(&["gbcs", "decode", "-"], hex::encode(random(4, 1000)).as_bytes()),
        refused_with(&["gbcs", "decode", "-"], &[b"DF".as_slice(), &b"FF".repeat(500_000)].concat()),
    ];
    insta::assert_snapshot!(told.concat(), @r"
    error: not a GBCS message: content length at offset 33 is not a BER length in its shortest form, of at most 4 octets
    error: standard input is larger than 1048576 octets, the most that is read of such input
    error: standard input: offset 4: not UTF-8; expected text
    error: not a GBCS message: message tag at offset 0 is 0x6B, expected 0xDF (general-signing) or 0xDD (general-ciphering)
    error: not a GBCS message: transaction identifier length at offset 1 is 0xFF, expected 0x09
    ");
    let inputs = Inputs::new();
    let keys = |path: &str| refused(&["gbcs", "decode", alert, "--keys", path]);
    let told = [keys(ENDLESS), keys(text(&inputs.big("big"))), keys(text(&inputs.file("random", random(5, 1000))))];
    insta::assert_snapshot!(inputs.told(&told), @r"
    error: cannot use the keys: /dev/zero is larger than 1048576 octets, the most that is read of such input
    error: cannot use the keys: DIR/big is larger than 1048576 octets, the most that is read of such input
    error: cannot use the keys: DIR/random: offset 0: not UTF-8; expected text
    ");
    let nested = keys(text(&inputs.file("nested", format!("party = {}", "[".repeat(1000)))));
    assert!(nested.contains(":1:89: party: ") && nested.ends_with("max recursion depth met\n"), "{nested}");
    for long in [format!("a{} = 1", ".a".repeat(500_000)), format!("{} = 1", "k".repeat(1_000_000))] {
        let told = keys(text(&inputs.file("long", long)));
        assert!(told.contains("long:") && told.len() < MESSAGE, "a message of {} octets", told.len());
    }
}

// -------------------------------------------------------------------------------------------------------------- duis

#[test]
fn duis_documents_that_expand_or_nest_are_refused() {
    let inputs = Inputs::new();
    let mut laughs = "<?xml version=\"1.0\"?>\n<!DOCTYPE lolz [\n<!ENTITY lol0 \"lol\">\n".to_owned();
    for n in 1..30 {
        laughs.push_str(&format!("<!ENTITY lol{n} \"{}\">\n", format!("&lol{};", n - 1).repeat(10)));
    }
    laughs.push_str("]>\n<lolz>&lol29;</lolz>\n");
    let request = request();
    let with = |text: &str| request.replace("<sr:RequestID>", &format!("<sr:RequestID>{text}"));
    let documents = [
        ("billion laughs", laughs),
        ("external entity", "<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>\n<a>&e;</a>".to_owned()),
        ("entity without a declaration", with("&lol;")),
        ("deep", "<a>".repeat(1 << 20)),
        ("deep inside", with(&"<a>".repeat(1 << 20))),
        ("characters one by one", with(&"&#x41;".repeat(600_000))),
        ("digits", with(&"1".repeat(3 << 20))),
        ("attributes", request.replace("schemaVersion=", &format!("{} schemaVersion=", attributes(200_000)))),
        ("comment without an end", with("<!--")),
        ("blanks", " ".repeat(4 << 20)),
    ];
    let told = documents.map(|(name, document)| {
        let err = refused(&["duis", "decode", text(&inputs.file(&format!("{name}.xml"), document))]);
        assert!(err.len() < 1000, "{name}: a message of {} octets", err.len());
        err
    });
    insta::assert_snapshot!(inputs.told(&told), @r#"
    error: DIR/billion laughs.xml: line 2, column 1: a document type declaration (DOCTYPE) is not accepted
    error: DIR/external entity.xml: line 1, column 1: a document type declaration (DOCTYPE) is not accepted
    error: DIR/entity without a declaration.xml: line 4, column 19: entity &lol; is not accepted, expected lt, gt, amp, apos, quot or a character reference
    error: DIR/deep.xml: line 1, column 1: unexpected element a in the document, expected sr:Request or sr:Response
    error: DIR/deep inside.xml: line 4, column 19: unexpected element a in sr:RequestID, expected text
    error: DIR/characters one by one.xml: line 4, column 19: element sr:RequestID holds "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA…", expected originator EUI-64, target EUI-64 and counter, parted by colons
    error: DIR/digits.xml: line 4, column 19: element sr:RequestID holds "1111111111111111111111111111111111111111…", expected originator EUI-64, target EUI-64 and counter, parted by colons
    error: DIR/attributes.xml: line 2, column 1: the start tag is longer than 4096 octets
    error: DIR/comment without an end.xml: line 4, column 19: not well-formed XML: syntax error: comment not closed: `-->` not found before end of input
    error: DIR/blanks.xml: line 1, column 4194305: the document holds no element, expected sr:Request or sr:Response
    "#);
    insta::assert_snapshot!(refused(&["duis", "decode", ENDLESS]), @"error: /dev/zero is larger than 8388608 octets, the most that is read of such input");
}

/// A request of the happy path.
fn request() -> String {
    let suite = suite();
    let path = suite.file(suite.scenario("The Import Supplier updates the PPMID"), "import-supplier-request-8.2.xml");
    fs::read_to_string(path).unwrap()
}

fn attributes(count: usize) -> String {
    (0..count).map(|n| format!(" a{n}=\"\"")).collect()
}

#[test]
fn duis_documents_that_are_cut_are_refused() {
    let inputs = Inputs::new();
    let request = request();
    let end = request.trim_end().len();
    for length in (0..end).step_by(7) {
        let path = inputs.file("cut.xml", &request[..length]);
        let err = refused(&["duis", "decode", text(&path)]);
        assert!(err.contains(text(&path)) && err.contains("line "), "{length}: {err}");
    }
}

// ------------------------------------------------------------------------------------------------------------- bench

/// A copy of the built-in bench in which file `name` is `octets`.
fn bench(inputs: &Inputs, name: &str, octets: impl AsRef<[u8]>) -> PathBuf {
    for file in fs::read_dir(built_in()).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), inputs.0.path().join(file.file_name())).unwrap();
    }
    inputs.file(name, octets);
    inputs.0.path().join("bench.toml")
}

fn built_in() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/built-in")
}

/// The message with which a run on this bench is refused.
fn run_refused(bench: &Path) -> String {
    let out = bench.with_file_name("out");
    let err = refused(&["run", "--bench", text(bench), "--out", text(&out)]);
    assert!(!out.exists(), "nothing is written");
    err
}

#[rstest::rstest]
#[case::bench("bench.toml")]
#[case::smi("smi.toml")]
#[case::cpl("cpl.toml")]
#[case::registration("registration.toml")]
fn bench_files_that_are_no_such_thing_are_refused(#[case] name: &str) {
    let inputs = Inputs::new();
    let told_of = |octets: &[u8]| {
        let err = run_refused(&bench(&inputs, name, octets));
        assert!(err.contains(name), "{name}: {err}");
        assert!(err.len() < MESSAGE, "{name}: a message of {} octets", err.len());
    };
    told_of(&random(6, 10_000));
    told_of(format!("a = {}", "[".repeat(1 << 20)).as_bytes());
    told_of(format!("a{} = 1", ".a".repeat(1_000_000)).as_bytes());
    told_of(format!("{} = 1", "k".repeat(2_000_000)).as_bytes());
    told_of(format!("[[{}]]", "t".repeat(2_000_000)).as_bytes());
    told_of(format!("name = \"{}\"", "v".repeat(2_000_000)).as_bytes());
    told_of("[[ppmid]]\n".repeat(300_000).as_bytes());
    told_of("[[device]]\n".repeat(300_000).as_bytes());

    // Where a line is cut off, what is left is no TOML, or something is missing.
    let whole = fs::read_to_string(built_in().join(name)).unwrap();
    // A comment may end anywhere.
    let in_comment = |at: usize| whole[..at].rsplit('\n').next().is_some_and(|line| line.starts_with('#'));
    let places = whole.match_indices(" = \"").filter(|(at, _)| !in_comment(*at));
    let places: Vec<_> = places.map(|(at, found)| at + found.len()).collect();
    for cut in places.iter().step_by(5) {
        let err = run_refused(&bench(&inputs, name, &whole[..*cut]));
        assert!(err.contains(&format!("{name}:")), "{err}");
    }

    let path = bench(&inputs, name, "");
    inputs.big(name);
    let big = run_refused(&path);
    fs::remove_file(inputs.0.path().join(name)).unwrap();
    std::os::unix::fs::symlink(ENDLESS, inputs.0.path().join(name)).unwrap();
    let endless = run_refused(&path);
    for err in [big, endless] {
        assert!(err.contains(name) && err.contains("is larger than 4194304 octets"), "{err}");
    }
}

// --------------------------------------------------------------------------------------------------- features and logs

#[test]
fn features_that_are_no_such_thing_are_refused() {
    let inputs = Inputs::new();
    let feature = |name: &str, octets: &[u8]| inputs.file(&format!("{name}.feature"), octets);
    let paths = [
        inputs.big("big.feature"),
        feature("random", &random(7, 10_000)),
        feature("tables", format!("Feature: F\n  Scenario: S\n    Then x\n{}", "| a ".repeat(60_000)).as_bytes()),
        feature("tags", format!("{}\nFeature: F", "@a ".repeat(80_000)).as_bytes()),
        feature("line", format!("Feature: F\n  Scenario: S\n    Then x\n    {}", "y".repeat(200_000)).as_bytes()),
        feature("name", format!("Feature: F\n  Scenario: {}\n", "n".repeat(200_000)).as_bytes()),
    ];
    let out = inputs.0.path().join("out");
    let told = paths.map(|path| {
        let err = refused(&["run", "--out", text(&out), text(&path)]);
        assert!(err.contains(text(&path)) && err.len() < MESSAGE, "{}", err.chars().take(2000).collect::<String>());
        err
    });
    insta::assert_snapshot!(inputs.told(&told), @r#"
    error: DIR/big.feature: is larger than 262144 octets, the most that is read of such input
    error: DIR/random.feature: offset 2: not UTF-8; expected text
    error: DIR/tables.feature:4: not Gherkin: a table row that does not end with |; expected a keyword with a colon, a step, a table row or a tag
    error: DIR/tags.feature:2: feature "F" has no scenario, so it shows nothing
    error: DIR/line.feature:4: not Gherkin: "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy…"; expected a keyword with a colon, a step, a table row or a tag
    error: DIR/name.feature:2: scenario "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn…" has no steps, so it cannot fail
    "#);
    let many = feature("many", format!("Feature: F\n{}", "  Scenario: S\n".repeat(10_000)).as_bytes());
    let told = refused(&["run", "--out", text(&out), text(&many)]);
    assert!(told.starts_with("error: 10000 things are wrong with the features\n"), "{told}");
    assert!(
        told.ends_with("many.feature:51: scenario \"S\" has no steps, so it cannot fail\n  and 9950 more\n"),
        "{told}"
    );
    assert!(!out.exists(), "nothing is written");
}

#[test]
fn run_logs_that_are_no_such_thing_are_refused() {
    let inputs = Inputs::new();
    let report = |octets: &[u8]| {
        inputs.file("run.jsonl", octets);
        refused(&["report", text(inputs.0.path())])
    };
    let told = [
        report(&random(8, 10_000)),
        report("[".repeat(1 << 20).as_bytes()),
        report(b"{\"event\":\"run_started\",\"format\":99}\n"),
        {
            inputs.big("run.jsonl");
            refused(&["report", text(inputs.0.path())])
        },
    ];
    insta::assert_snapshot!(inputs.told(&told), @r"
    error: cannot read the run log DIR/run.jsonl: line 1, column 1: expected value (each line is one event as a JSON object)
    error: cannot read the run log DIR/run.jsonl: line 1: the file ends within its first event; expected event run_started at the start of a run log
    error: cannot read the run log DIR/run.jsonl: line 1: run log format 99; expected format 1
    error: cannot read the run log DIR/run.jsonl: line 1: longer than 67108864 octets (each line is one event as a JSON object)
    ");
}
