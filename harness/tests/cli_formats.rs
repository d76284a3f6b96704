//! The commands on OTA files, GBCS and DUIS messages as a user meets them: output, messages and exit codes.

mod cli_support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use assert_cmd::cargo::CommandCargoExt as _;
use cli_support::{folder, hanrig, hanrig_in, refused, text};

/// The published vectors; `None`, with a note, where they are not at hand.
fn vectors(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("HANRIG_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"), PathBuf::from);
    let path = root.join(name);
    if path.exists() {
        return Some(path);
    }
    println!("not run: no vectors at {}", path.display());
    None
}

// --------------------------------------------------------------------------------------------------------------- ota

const SCALAR: &str = "39e04543c766e70b18399403c72490c5019c19fb3ab1fd6999ac2c4137797a7a\n";

/// An image built with `more` options from a payload of 1,000 octets.
fn image(folder: &Path, more: &[&str]) -> PathBuf {
    let (payload, file, key) = (folder.join("payload"), folder.join("image.ota"), folder.join("key"));
    fs::write(&payload, [0xAB; 1000]).unwrap();
    fs::write(&key, SCALAR).unwrap();
    let more: Vec<_> = more.iter().map(|arg| arg.replace("KEY", text(&key))).collect();
    let mut args = vec!["ota", "build", text(&payload), "-o", text(&file)];
    args.extend(["--manufacturer-code", "12A7", "--image-type", "5001", "--file-version", "00:00:00:20"]);
    args.extend(more.iter().map(String::as_str));
    let ran = hanrig(&args);
    assert_eq!(ran.code, 0, "{}", ran.err);
    file
}

#[rstest::rstest]
#[case::bare(&[], "manufacturer_image", 1056)]
#[case::signed(&["--sign", "KEY"], "signed_manufacturer_image", 1056 + 66)]
#[case::reference(&["--reference-image", "KEY"], "manufacturer_image", 1056 + 84)]
#[case::both(&["--reference-image", "KEY", "--sign", "KEY", "--part", "1", "--parts", "2"], "signed_manufacturer_image", 1056 + 84 + 66)]
#[case::all_fields(
    &["--header-string", "a PPMID", "--hardware-min", "0100", "--hardware-max", "0x01ff", "--security-credential-version", "1",
      "--destination", "0A-48-52-47-01-00-00-05", "--stack-version", "0003"],
    "manufacturer_image",
    1056 + 13
)]
fn built_images_can_be_inspected(#[case] options: &[&str], #[case] kind: &str, #[case] octets: u64) {
    let folder = folder(&[]);
    let file = image(folder.path(), options);
    let ran = hanrig(&["ota", "inspect", "--json", text(&file)]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let value: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(value["kind"], kind);
    assert_eq!(value["octets"], octets);
    assert_eq!(value["header"]["total_image_size"], octets);
    assert_eq!(value["header"]["file_version"], "00000020");
}

#[test]
fn what_inspect_shows() {
    let folder = folder(&[]);
    let file = image(
        folder.path(),
        &["--reference-image", "KEY", "--header-string", "a PPMID", "--hardware-min", "0100", "--hardware-max", "01FF"],
    );
    insta::assert_snapshot!(hanrig(&["ota", "inspect", text(&file)]).out, @r#"
    octets        1144
    within 750KB  yes
    header
      header version        0x0100
      header length         60
      field control         0x0004
      manufacturer code     0x12a7
      image type            0x5001
      file version          00000020
      zigbee stack version  0x0002
      header string         a PPMID
      total image size      1144
      hardware versions
        minimum  0x0100
        maximum  0x01ff
    kind          manufacturer_image
    decided by    the Manufacturer Image says its own length and ends with the file
    certain       yes
    manufacturer image
      offset  60
      octets  1084
      hash    a228b8542d859892df73a92f849f96031ff327f6f97fe7bf69368b4ba27b523c
      reference layout
        part          1
        parts         1
        base version  any
        body octets   1000
    "#);
    let octets = fs::read(&file).unwrap();
    let from_stdin = hanrig_in(Path::new("."), &["ota", "inspect", "-"], &octets);
    assert_eq!(from_stdin.out, hanrig(&["ota", "inspect", text(&file)]).out);
    let to_stdout = Command::cargo_bin("hanrig")
        .unwrap()
        .args(["ota", "build", text(&folder.path().join("payload")), "-o", "-", "--manufacturer-code", "1"])
        .args(["--image-type", "2", "--file-version", "00000003"])
        .output()
        .unwrap();
    assert_eq!(to_stdout.stdout.len(), 1056);
}

#[test]
fn published_images_can_be_inspected() {
    let Some(folder) = vectors("duis") else { return };
    for (name, kind) in [("11.1", "signed_manufacturer_image"), ("11.4", "manufacturer_image")] {
        let file = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let file = file.into_iter().find(|path| text(path.file_name().unwrap().as_ref()).starts_with(name)).unwrap();
        let ran = hanrig(&["duis", "decode", "--json", text(&file)]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let value: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(value["ota_file"]["kind"], kind, "{name}");
    }
}

#[test]
fn bad_images_are_refused() {
    let folder = folder(&[("empty", b""), ("random", &[7; 300]), ("short", &[0x1E, 0xF1, 0xEE, 0x0B, 0, 1, 56, 0])]);
    let path = |name: &str| folder.path().join(name);
    let big = fs::File::create(path("big")).unwrap();
    big.set_len(100 << 20).unwrap();
    let names = ["empty", "random", "short", "big", "missing", "."];
    let told: String = names.iter().map(|name| refused(&["ota", "inspect", text(&path(name))])).collect();
    insta::assert_snapshot!(told.replace(text(folder.path()), "DIR"), @r#"
    error: DIR/empty: no OTA file identifier at offset 0: expected 1e f1 ee 0b
    error: DIR/random: no OTA file identifier at offset 0: expected 1e f1 ee 0b
    error: DIR/short: field control at offset 8 takes 2 octets, but 0 are left
    error: DIR/big is larger than 16777216 octets, the most that is read of such input
    error: cannot read DIR/missing: No such file or directory (os error 2)
    error: DIR/. is a folder; expected a file
    "#);
    let endless = hanrig_in(Path::new("."), &["ota", "inspect", "-"], &vec![0; 17 << 20]);
    assert_eq!(endless.code, 2);
    insta::assert_snapshot!(endless.err, @"error: standard input is larger than 16777216 octets, the most that is read of such input");
}

#[test]
fn bad_builds_are_refused() {
    let folder = folder(&[("payload", b"x"), ("key", b"1234")]);
    let (payload, key) = (folder.path().join("payload"), folder.path().join("key"));
    let build = |more: &[&str]| {
        let mut args = vec!["ota", "build", text(&payload), "-o", "/nonexistent/x"];
        args.extend(["--manufacturer-code", "1", "--image-type", "2", "--file-version", "00000003"]);
        args.extend(more);
        refused(&args).replace(text(folder.path()), "DIR")
    };
    let told = [
        build(&[]),
        build(&["--hardware-min", "2", "--hardware-max", "1"]),
        build(&["--sign", text(&key)]),
        build(&["--reference-image", text(&key), "--part", "2"]),
        build(&["--header-string", "a text that is longer than 32 octets"]),
    ];
    insta::assert_snapshot!(told.concat(), @r#"
    error: cannot write /nonexistent/x: No such file or directory (os error 2)
    error: hardware versions 0002 to 0001 are none; expected --hardware-min at most --hardware-max
    error: DIR/key: expected a private scalar of P-256 as 64 hexadecimal digits, above zero and below the order
    error: part 2 of 1; expected --part from 1 to --parts
    error: invalid value 'a text that is longer than 32 octets' for '--header-string <TEXT>': 36 octets; expected at most 32

    For more information, try '--help'.
    "#);
}

// -------------------------------------------------------------------------------------------------------------- gbcs

#[test]
fn published_messages_verify() {
    let Some(folder) = vectors("gbcs") else { return };
    let keys = folder.join("keys.toml");
    let mut told = String::new();
    let mut names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    for path in names.iter().filter(|path| path.extension().is_some_and(|extension| extension == "HEX")) {
        let hex = fs::read_to_string(path).unwrap();
        let ran = hanrig(&["gbcs", "decode", hex.trim(), "--keys", text(&keys), "--json"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let value: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let (signature, mac) = (&value["signature"]["check"], &value["mac"]["check"]);
        told.push_str(&format!("{name}: {} signature {signature} mac {mac}\n", value["form"]));
        let from_stdin = hanrig_in(Path::new("."), &["gbcs", "decode", "-"], hex.as_bytes());
        assert_eq!(from_stdin.code, 0, "{}", from_stdin.err);
    }
    insta::assert_snapshot!(told, @r#"
    CCS08_NA_NA_ALERT_GBCS: "signed" signature "verified" mac null
    CS06_11.3_IMMEDIATE_SUCCESS_COMMAND_GBCS: "signed_mac" signature "verified" mac "verified"
    CS06_11.3_IMMEDIATE_SUCCESS_PRECOMMAND_GBCS: "pre_command" signature null mac null
    CS06_11.3_IMMEDIATE_SUCCESS_RESPONSE_GBCS: "signed" signature "verified" mac null
    CS08_11.2_SUCCESS_COMMAND_GBCS: "mac" signature null mac "verified"
    CS08_11.2_SUCCESS_RESPONSE_GBCS: "mac" signature null mac "verified"
    "#);
}

/// A signed CCS08 Alert of the Reference Test Data Set.
const ALERT: &str = "DF09030000000000000FA00800DB1234567890A20890B3D51F30000002000201282B30290203008F8A180F323031353031303130303030\
30305A040800DB1234567890A404040123ABCD0201004015427D68095A6ACDB453E4E0EB04FD6163964A54812A6D0E38CE3D635A00559AE8676D0BB03B7F\
C043E7FE2AA9F43157DF5BE8EE520BBA8281F7B7636EDE3360";

/// The key of the hub that sent it.
const HUB: &str = "[[party]]\neui = \"00db1234567890a2\"\nrole = \"CHF\"\nds_public = \"04481a857bae1a50f2c31a6c77e535f35518e855731\
e71ecbb14b27265228fa1a9c3764fe6112f10d9291316a7b708e5106a68bfdb8dbe458b6ce8c95be5815ddb\"\n";

#[test]
fn what_decode_shows() {
    let folder = folder(&[("keys.toml", HUB.as_bytes())]);
    let keys = folder.path().join("keys.toml");
    insta::assert_snapshot!(hanrig(&["gbcs", "decode", ALERT, "--keys", text(&keys)]).out, @r#"
    octets              142
    form                signed
    cra                 alert
    originator counter  4000
    originator          00-DB-12-34-56-78-90-A2
    originator role     CHF
    recipient           90-B3-D5-1F-30-00-00-02
    message code        0x0128
    use case            CCS08 Firmware Transfer
    content
      octets                  30290203008f8a180f32303135303130313030303030305a040800db1234567890a404040123abcd020100
      alert code              0x8f8a
      alert                   image delivered
      time                    2015-01-01T00:00:00.000Z
      target                  00-DB-12-34-56-78-90-A4
      firmware version        0123ABCD
      transfer response code  0
      transfer response       success
    signature
      octets  15427d68095a6acdb453e4e0eb04fd6163964a54812a6d0e38ce3d635a00559ae8676d0bb03b7fc043e7fe2aa9f43157df5be8ee520bba8281f7b7636ede3360
      check   verified
      signer  00-DB-12-34-56-78-90-A2
    "#);
    insta::assert_snapshot!(hanrig(&["gbcs", "decode", ALERT, "--json"]).out, @r#"
    {
      "octets": 142,
      "form": "signed",
      "cra": "alert",
      "originator_counter": 4000,
      "originator": "00-DB-12-34-56-78-90-A2",
      "recipient": "90-B3-D5-1F-30-00-00-02",
      "message_code": "0x0128",
      "use_case": "CCS08 Firmware Transfer",
      "content": {
        "octets": "30290203008f8a180f32303135303130313030303030305a040800db1234567890a404040123abcd020100",
        "alert_code": "0x8f8a",
        "alert": "image delivered",
        "time": "2015-01-01T00:00:00.000Z",
        "target": "00-DB-12-34-56-78-90-A4",
        "firmware_version": "0123ABCD",
        "transfer_response_code": 0,
        "transfer_response": "success"
      },
      "signature": {
        "octets": "15427d68095a6acdb453e4e0eb04fd6163964a54812a6d0e38ce3d635a00559ae8676d0bb03b7fc043e7fe2aa9f43157df5be8ee520bba8281f7b7636ede3360",
        "check": "not_checked",
        "missing": [
          "ds_public of 00-DB-12-34-56-78-90-A2"
        ]
      }
    }
    "#);
    let wrong = hanrig(&["gbcs", "decode", &ALERT.replace("0123ABCD", "0123ABCE"), "--keys", text(&keys)]);
    assert_eq!(wrong.code, 2);
    insta::assert_snapshot!(wrong.err, @"error: the signature is not that of 00-DB-12-34-56-78-90-A2 (CHF)");
}

#[test]
fn what_is_wrong_is_told_after_what_could_be_read() {
    let ran = hanrig(&["gbcs", "decode", &ALERT.replace("30290203", "31290203")]);
    assert_eq!(ran.code, 2);
    assert!(ran.out.contains("problem"), "{}", ran.out);
    insta::assert_snapshot!(ran.err, @"error: the content is malformed: CCS08 alert: content at content offset 0: expected a SEQUENCE, found: unexpected ASN.1 DER tag: expected SEQUENCE, got SET");

    let Some(folder) = vectors("gbcs") else { return };
    let hex = fs::read_to_string(folder.join("CS08_11.2_SUCCESS_COMMAND_GBCS.HEX")).unwrap();
    let (rest, last) = hex.trim().split_at(hex.trim().len() - 1);
    let other = if last == "0" { "1" } else { "0" };
    let ran = hanrig(&["gbcs", "decode", &format!("{rest}{other}"), "--keys", text(&folder.join("keys.toml"))]);
    assert_eq!(ran.code, 2);
    insta::assert_snapshot!(ran.err, @"error: the MAC is that of none of the parties whose keys are known");
}

#[test]
fn bad_messages_are_refused() {
    let folder =
        folder(&[("keys.toml", b"[[party]]\neui = 7\n"), ("point.toml", HUB.replace("04481a", "04481b").as_bytes())]);
    let told = [
        refused(&["gbcs", "decode", "DF0"]),
        refused(&["gbcs", "decode", "DF0G"]),
        refused(&["gbcs", "decode", ""]),
        refused(&["gbcs", "decode", "AB"]),
        refused(&["gbcs", "decode", &ALERT[..60]]),
        refused(&["gbcs", "decode", ALERT, "--keys", text(&folder.path().join("keys.toml"))]),
        refused(&["gbcs", "decode", ALERT, "--keys", text(&folder.path().join("point.toml"))]),
    ];
    insta::assert_snapshot!(told.concat().replace(text(folder.path()), "DIR"), @r#"
    error: 3 hexadecimal digits; expected an even number, two to an octet
    error: character 4 is 'G'; expected a hexadecimal digit
    error: not a GBCS message: message tag at offset 0 takes 1 octets, but 0 are left
    error: not a GBCS message: message tag at offset 0 is 0xAB, expected 0xDF (general-signing) or 0xDD (general-ciphering)
    error: not a GBCS message: other information length at offset 30 takes 1 octets, but 0 are left
    error: DIR/keys.toml:2:7: party[0].eui: invalid type: integer `7`, expected a text
    error: DIR/point.toml: party 00-DB-12-34-56-78-90-A2: ds_public is no key: expected a SEC1 point on P-256 in 65 or 33 octets, found 65 octets that are none
    "#);
    let long = hanrig_in(Path::new("."), &["gbcs", "decode", "-"], &vec![b'0'; 2 << 20]);
    assert_eq!(long.code, 2, "{}", long.err);
}

// -------------------------------------------------------------------------------------------------------------- duis

#[test]
fn published_documents_decode() {
    let Some(folder) = vectors("duis") else { return };
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let ran = hanrig(&["duis", "decode", text(&path)]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let from_stdin = hanrig_in(Path::new("."), &["duis", "decode", "-"], &fs::read(&path).unwrap());
        assert_eq!(from_stdin.out, ran.out);
    }
    insta::assert_snapshot!(hanrig(&["duis", "decode", text(&folder.join("ECS52_11.2_signed_response.xml"))]).out, @r#"
    message
      Response
        schemaVersion     5.1
        RequestID         90-B3-D5-1F-30-01-00-00:88-73-84-57-00-2F-96-1E:1660751141087
        ResponseID        88-73-84-57-00-2F-96-1E:90-B3-D5-1F-30-01-00-00:1660751141087
        ResponseCode      I0
        ResponseDateTime  2022-08-17T15:45:42.790Z
        Body
          ResponseMessage
            ServiceReference         11.2
            ServiceReferenceVariant  11.2
            Payload
              GBCSPayload  3QAAAAAAAFURAAAAAN8JAgAAAYKse1oHCIhzhFcAL5YeCJCz1R8wAAACABIAWZCz1R8wAQAAAAABgqx7WN8R2iB7WgcAAAEJBAwjAAABAQAAnbt9CWxcgwworYef
        Signature
          DigestValue       necBxpQbLFPgG6EsJOuVqQgo4NcYjj1XkBHySZpIXSg=
          SignatureValue    NaXpbvRklP6JBVoH/4r/Uwi24/2JjKXQ9MYGysXbywfkyNmKNfQa3cU/mPZHYVLMVjrjXcb5gJMVrJNjTBiUHQ==
          X509IssuerName    CN=Z1,OU=07
          X509SerialNumber  50669612984035780968362471400449834504
    gbcs message
      octets              93
      form                mac
      cra                 response
      originator counter  1660751141383
      originator          88-73-84-57-00-2F-96-1E
      recipient           90-B3-D5-1F-30-00-00-02
      message code        0x0059
      use case            ECS52 Read ESME Firmware Version
      supplementary
        remote party  90-B3-D5-1F-30-01-00-00
        counter       1660751141087
      content
        octets            da207b5a0700000109040c230000010100
        firmware version  0C230000
        outcome           success
      mac
        octets  9dbb7d096c5c830c28ad879f
        check   not_checked
        missing
          ka_public of 88-73-84-57-00-2F-96-1E
          ka_public of 90-B3-D5-1F-30-00-00-02
          ka_private of 88-73-84-57-00-2F-96-1E or 90-B3-D5-1F-30-00-00-02
    "#);
}

#[test]
fn bad_documents_are_refused() {
    let bomb = "<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>\n<a>&b;</a>";
    let folder = folder(&[
        ("bomb.xml", bomb.as_bytes()),
        ("cut.xml", b"<?xml version=\"1.0\"?>\n<a><b>"),
        ("random.xml", &[0xF7; 99]),
    ]);
    let path = |name: &str| folder.path().join(name);
    let big = fs::File::create(path("big.xml")).unwrap();
    big.set_len(100 << 20).unwrap();
    let names = ["bomb.xml", "cut.xml", "random.xml", "big.xml"];
    let told: String = names.iter().map(|name| refused(&["duis", "decode", text(&path(name))])).collect();
    insta::assert_snapshot!(told.replace(text(folder.path()), "DIR"), @r#"
    error: DIR/bomb.xml: line 1, column 1: a document type declaration (DOCTYPE) is not accepted
    error: DIR/cut.xml: line 2, column 1: unexpected element a in the document, expected sr:Request or sr:Response
    error: DIR/random.xml: line 1, column 1: this is not UTF-8 text
    error: DIR/big.xml is larger than 8388608 octets, the most that is read of such input
    "#);
}

#[test]
fn a_closed_pipe_is_no_panic() {
    let mut command = Command::cargo_bin("hanrig").unwrap();
    let mut child = command.arg("--help").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");

    let folder = folder(&[]);
    let file = image(folder.path(), &[]);
    let mut command = Command::cargo_bin("hanrig").unwrap();
    command.args(["ota", "inspect", text(&file)]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}
