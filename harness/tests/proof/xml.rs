//! xmllint finds every XML document of a run well formed, and DUIS messages survive a round trip.

use std::fs;
use std::process::Command;

use hanrig_dcc::duis;

use crate::suite::suite;
use crate::tools;

#[test]
fn xmllint_finds_every_document_well_formed() {
    let suite = suite();
    let mut documents: Vec<_> =
        suite.log.scenarios.iter().flat_map(|scenario| suite.evidence(scenario, ".xml")).collect();
    assert!(documents.len() > 50, "{} documents", documents.len());
    documents.push(suite.folder.join("junit.xml"));
    // --huge, because an image of 750KB is one text node.
    let mut xmllint = Command::new("xmllint");
    let Some(output) = tools::output(xmllint.args(["--noout", "--nonet", "--huge"]).args(&documents)) else { return };
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn messages_read_back_and_write_the_same() {
    let suite = suite();
    let mut count = 0;
    let documents = suite.log.scenarios.iter().flat_map(|scenario| suite.evidence(scenario, ".xml"));
    // A scenario has a Supplier send what is no Service Request.
    for path in documents.filter(|path| !path.to_string_lossy().ends_with("-unreadable.xml")) {
        let document = fs::read_to_string(&path).unwrap();
        let message = duis::parse(&document).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        // Not assert_eq: a document may be of a megabyte.
        assert!(message.to_xml() == document, "{} is written otherwise", path.display());
        count += 1;
    }
    assert!(count > 50, "{count} documents");
}
