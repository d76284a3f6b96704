//! `hanrig duis verify` and xmlsec1 verify the signatures of the DUIS messages that a run leaves behind.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::suite::suite;
use crate::tools::{self, HANRIG, text};

/// In the time of the built-in bench.
const AT: &str = "2026-01-05T12:00:00Z";

/// What `hanrig duis verify` writes, and its exit code.
fn verify(root: &Path, certificates: &Path, document: &Path, at: &str) -> (String, Option<i32>) {
    let mut hanrig = Command::new(HANRIG);
    hanrig.args(["duis", "verify", text(document), "--at", at, "--trust", text(root), "--certs", text(certificates)]);
    let output = hanrig.output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

#[test]
fn the_messages_of_a_run_are_signed() {
    let suite = suite();
    let scenario = suite.scenario("The Import Supplier updates the PPMID");
    let (root, all) = (suite.file(scenario, "root.pem"), suite.file(scenario, "certificates.pem"));
    let documents = suite.evidence(scenario, ".xml");
    assert!(documents.len() > 4, "{documents:?}");
    let folder = tempfile::tempdir().unwrap();
    let single: Vec<_> = fs::read_to_string(&all)
        .unwrap()
        .split_inclusive("-----END CERTIFICATE-----\n")
        .enumerate()
        .map(|(n, certificate)| {
            let path = folder.path().join(format!("{n}.pem"));
            fs::write(&path, certificate).unwrap();
            path
        })
        .collect();
    for document in &documents {
        let (told, code) = verify(&root, &all, document, AT);
        assert_eq!(code, Some(0), "{}: {told}", document.display());
        let verifies = |certificate: &&std::path::PathBuf| {
            let mut xmlsec1 = Command::new("xmlsec1");
            let xmlsec1 = xmlsec1.args(["--verify", "--pubkey-cert-pem", text(certificate), text(document)]);
            tools::output(xmlsec1).map(|output| output.status.success())
        };
        let verdicts: Option<Vec<bool>> = single.iter().map(|certificate| verifies(&certificate)).collect();
        let Some(verdicts) = verdicts else { return };
        let count = verdicts.into_iter().filter(|verified| *verified).count();
        assert_eq!(count, 1, "xmlsec1 verifies {} with the key of one certificate", document.display());
    }
}

#[test]
fn the_command_tells_what_is_wrong() {
    let suite = suite();
    let scenario = suite.scenario("The Import Supplier updates the PPMID");
    let (root, all) = (suite.file(scenario, "root.pem"), suite.file(scenario, "certificates.pem"));
    let document = suite.evidence(scenario, ".xml").pop().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let changed = folder.path().join("changed.xml");
    fs::write(
        &changed,
        fs::read_to_string(&document).unwrap().replace("schemaVersion=\"5.4\"", "schemaVersion=\"5.3\""),
    )
    .unwrap();
    let (told, code) = verify(&root, &all, &changed, AT);
    assert!(code == Some(1) && told.contains("the digest of the message is not the one that was signed"), "{told}");
    let (told, code) = verify(&root, &all, &document, "2036-01-05T12:00:00Z");
    assert!(code == Some(1) && told.contains("was valid until"), "{told}");
    let (told, code) = verify(&root, &root, &document, AT);
    assert!(code == Some(1) && told.contains("is not in the store"), "{told}");
    let (_, code) = verify(&root, &document, &document, AT);
    assert_eq!(code, Some(2), "no certificate");
    let (_, code) = verify(&root, &all, &root, AT);
    assert_eq!(code, Some(2), "no DUIS message");
    let (_, code) = verify(&root, &all, &document, "noon");
    assert_eq!(code, Some(2), "no time");
}
