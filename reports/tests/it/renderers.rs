//! What the renderers make of a run log.

use std::io::Write as _;
use std::process::{Command, Stdio};

use hanrig_reports::{RunLog, cucumber_json, html, junit, text, traceability, write_all};
use proptest::prelude::*;
use quick_xml::events::Event as Xml;

use crate::{arbitrary, sample};

#[test]
fn junit_of_every_verdict() {
    insta::assert_snapshot!(junit::render(&sample::log()));
}

#[test]
fn junit_of_a_cut_log() {
    insta::assert_snapshot!(junit::render(&sample::cut_log()));
}

#[test]
fn cucumber_json_of_every_verdict() {
    insta::assert_snapshot!(cucumber_json::render(&sample::log()));
}

#[test]
fn cucumber_json_of_a_cut_log() {
    insta::assert_snapshot!(cucumber_json::render(&sample::cut_log()));
}

#[test]
fn traceability_of_every_verdict() {
    insta::assert_snapshot!(traceability::render(&sample::log()));
}

#[test]
fn html_of_every_verdict() {
    insta::assert_snapshot!(body(&html::render(&sample::log())));
}

#[test]
fn html_of_a_cut_log() {
    insta::assert_snapshot!(body(&html::render(&sample::cut_log())));
}

#[test]
fn text_of_every_verdict() {
    insta::assert_snapshot!(text::render(&sample::log(), false));
}

#[test]
fn text_of_a_cut_log() {
    insta::assert_snapshot!(text::render(&sample::cut_log(), false));
}

#[test]
fn text_in_colour_is_the_same_text() {
    let styled = text::render(&sample::log(), true);
    assert!(styled.contains("\x1b[1m\x1b[31m"), "fails are bold and red");
    assert_eq!(without_escapes(&styled), text::render(&sample::log(), false));
}

#[test]
fn xmllint_finds_junit_well_formed() {
    for log in [sample::log(), sample::cut_log(), long_strings()] {
        let xmllint =
            Command::new("xmllint").args(["--noout", "-"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let Ok(mut xmllint) = xmllint else {
            println!("not run: xmllint is not installed");
            return;
        };
        xmllint.stdin.take().expect("piped").write_all(junit::render(&log).as_bytes()).expect("xmllint reads");
        let output = xmllint.wait_with_output().expect("xmllint ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}

#[test]
fn long_strings_stay_out_of_summaries() {
    let log = long_strings();
    let longest = text::render(&log, false).lines().map(|line| line.chars().count()).max();
    assert!(longest < Some(2_100), "{longest:?}");
    assert!(html::render(&log).contains(&"x".repeat(100_000)));
    assert!(junit::render(&log).lines().all(|line| !line.contains("<failure") || line.chars().count() < 100_600));
}

#[test]
fn everything_is_written_beside_the_log() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = sample::log();
    let paths = write_all(&log, dir.path()).expect("written");
    let names: Vec<_> = paths.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    assert_eq!(names, ["report.html", "junit.xml", "cucumber.json", "traceability.csv"]);
    assert_eq!(std::fs::read_to_string(dir.path().join("junit.xml")).expect("there"), junit::render(&log));
    let missing = dir.path().join("missing");
    let error = write_all(&log, &missing).expect_err("no such folder");
    assert_eq!(error.to_string(), format!("{}: cannot write", missing.join("report.html").display()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_run_renders_well_formed(events in arbitrary::run()) {
        let log = RunLog::try_from(sample::written(&events).as_slice()).expect("what was written");

        let xml = junit::render(&log);
        well_formed(&xml, &[]);
        prop_assert!(xml.chars().all(in_xml));

        let page = html::render(&log);
        well_formed(&page, &["meta", "input", "br"]);
        prop_assert_eq!(page.matches("<script").count(), 1);

        let json: serde_json::Value = serde_json::from_str(&cucumber_json::render(&log)).expect("JSON");
        let elements = json.as_array().expect("features").iter().filter_map(|feature| feature["elements"].as_array());
        let whole = usize::from(log.finished.is_none());
        prop_assert_eq!(elements.map(Vec::len).sum::<usize>(), log.scenarios.len() + whole);

        let plain = text::render(&log, false);
        prop_assert!(plain.chars().all(|c| c == '\n' || !c.is_control()));
        prop_assert_eq!(without_escapes(&text::render(&log, true)), plain);
    }
}

/// The sample with every name and message far too long.
fn long_strings() -> RunLog {
    let mut log = sample::log();
    let long = "x".repeat(100_000);
    for scenario in &mut log.scenarios {
        scenario.started.name.push_str(&long);
        for step in &mut scenario.steps {
            step.text.push_str(&long);
            step.message = Some(long.clone());
        }
    }
    log
}

/// The page without its style and script, which are files of their own.
fn body(page: &str) -> &str {
    let start = page.find("<body>").expect("a body");
    let end = page.find("<script>").expect("a script");
    page.get(start..end).expect("in this order")
}

/// Takes out escape sequences that set colours.
fn without_escapes(text: &str) -> String {
    let mut parts = text.split('\x1b');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').expect("a sequence ends in m").1);
    }
    plain
}

/// Whether XML 1.0 permits the character (2.2, Char).
const fn in_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// Fails unless the tags in `markup` are in pairs, but for those of `void` elements.
fn well_formed(markup: &str, void: &[&str]) {
    let mut reader = quick_xml::Reader::from_str(markup);
    reader.config_mut().check_end_names = false;
    let mut open: Vec<String> = Vec::new();
    loop {
        match reader.read_event().expect("markup") {
            Xml::Start(tag) => {
                let name = tag.name();
                let name: &str = name.as_ref();
                if !void.contains(&name) {
                    open.push(name.to_owned());
                }
            }
            Xml::End(tag) => {
                let name = tag.name();
                let name: &str = name.as_ref();
                assert_eq!(open.pop().as_deref(), Some(name));
            }
            Xml::Eof => break,
            _ => {}
        }
    }
    assert_eq!(open, Vec::<String>::new());
}
