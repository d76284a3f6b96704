//! Writing and reading `run.jsonl`.

use std::error::Error as _;
use std::path::Path;

use hanrig_reports::{Event, ExitCode, LogError, LogReader, Record, RunLog, Truncated, Verdict, VerdictCounts};
use proptest::prelude::*;
use rstest::rstest;

use crate::{arbitrary, sample};

#[test]
fn the_format_is_stable() {
    // What this snapshot shows is documented in README.md; changing it, but for adding fields, takes a new format version.
    let text = String::from_utf8(sample::bytes()).expect("UTF-8");
    let lines: Vec<_> = text.lines().filter(|line| !line.contains("<script>")).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn the_example_in_the_readme_is_a_run_log() {
    let readme = include_str!("../../README.md");
    let lines = readme.lines().filter_map(|line| line.strip_prefix("    ")).filter(|line| line.starts_with('{'));
    let text: String = lines.flat_map(|line| [line, "\n"]).collect();
    let log = RunLog::try_from(text.as_bytes()).expect("a run log");
    assert_eq!((log.verdict(), log.warnings.len(), log.truncated), (Verdict::Fail, 0, None));
    let events = LogReader::new(text.as_bytes()).map(|record| match record.expect("a line") {
        Record::Event(event) => event,
        other => panic!("{other:?}"),
    });
    assert_eq!(String::from_utf8(sample::written(&events.collect::<Vec<_>>())).expect("UTF-8"), text);
}

#[test]
fn the_sample_reads_back() {
    let log = sample::log();
    assert_eq!(log.warnings, []);
    assert_eq!(log.truncated, None);
    assert_eq!(log.counts(), VerdictCounts { pass: 1, fail: 2, inconclusive: 1, error: 1, not_applicable: 1 });
    assert_eq!(log.verdict(), Verdict::Fail);
    assert_eq!(log.verdict().exit_code(), ExitCode::Failed);
    let features: Vec<_> =
        log.features().iter().map(|feature| (feature.path.to_owned(), feature.scenarios.len())).collect();
    assert_eq!(features.iter().map(|(_, count)| count).sum::<usize>(), 6);
    assert_eq!(features.get(1), Some(&("sit/ppmid_refusals.feature".to_owned(), 3)));
    let shown: Vec<_> =
        log.requirements().get("CH-10").expect("two scenarios").iter().map(|s| s.started.line).collect();
    assert_eq!(shown, [12, 30]);
}

#[test]
fn a_log_cut_anywhere_keeps_its_whole_events() {
    let (bytes, events) = (sample::bytes(), sample::events());
    let first_line = bytes.iter().position(|&octet| octet == b'\n').expect("lines");
    for end in 0..bytes.len() {
        let cut = bytes.get(..end).expect("within");
        let mut whole = Vec::new();
        let mut truncated = None;
        for record in LogReader::new(cut) {
            match record.expect("a cut is no error") {
                Record::Event(event) => whole.push(event),
                Record::Truncated(at) => truncated = Some(at),
                Record::Unknown(name) => panic!("unknown event {name}"),
            }
        }
        // A cut between the last brace and the line feed loses nothing.
        let loses_nothing = bytes.get(end) == Some(&b'\n');
        let lines = cut.iter().filter(|&&octet| octet == b'\n').count();
        assert_eq!(Some(whole.as_slice()), events.get(..lines + usize::from(loses_nothing)), "cut at {end}");
        let tail = end - cut.iter().rposition(|&octet| octet == b'\n').map_or(0, |at| at + 1);
        let expected = (tail > 0 && !loses_nothing).then_some(Truncated { line: lines as u64 + 1, octets: tail });
        assert_eq!(truncated, expected, "cut at {end}");

        match RunLog::try_from(cut) {
            Ok(log) => {
                assert_eq!(log.truncated, expected);
                assert!(log.finished.is_some() || log.verdict() >= Verdict::Error, "cut at {end}");
            }
            Err(LogError::NotStarted { line: 1, .. }) => assert!(end < first_line),
            Err(error) => panic!("cut at {end}: {error}"),
        }
    }
}

#[test]
fn a_scenario_that_did_not_end_is_in_error() {
    let log = sample::cut_log();
    assert_eq!(log.scenarios.len(), 4);
    let last = log.scenarios.last().expect("a scenario");
    assert_eq!((last.verdict(), last.steps.len()), (Verdict::Error, 1));
    assert_eq!(last.reason(), Some("the run log ends before the scenario does"));
    assert_eq!(log.truncated.map(|cut| cut.line), Some(17));
}

const START: &str = r#"{"event":"run_started","format":1,"hanrig":"0.1.0","seed":1,"bench":{"name":"b","drivers":"virtual"},"scenarios":1}"#;

#[test]
fn what_is_not_known_is_passed_over() {
    let text = format!(
        "{START}\n\n{}\n{}\n{}\n{}\n",
        r#"{"event":"weather","sunny":true}"#,
        r#"{"event":"scenario_started","scenario":"a:1","feature":"a","feature_name":"A","name":"n","seed":1,"line":1,"steps":0,"mood":[{}]}"#,
        r#"{"event":"scenario_finished","scenario":"b:1","verdict":"pass","duration_us":1}"#,
        r#"{"event":"run_finished","verdicts":{"pass":1},"verdict":"pass"}"#,
    );
    let log = RunLog::try_from(text.as_bytes()).expect("a run log");
    assert_eq!(log.scenarios.len(), 1);
    let warnings: Vec<_> = log.warnings.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(warnings.join("\n"), @r#"
    line 3: unknown event "weather" passed over
    line 5: end of scenario "b:1", which has not started, passed over
    line 6: the end of the run says pass of 1 scenarios, its scenarios say error of 1; the scenarios are believed
    "#);
}

#[rstest]
#[case::empty("", "line 1: the file is empty; expected event run_started at the start of a run log")]
#[case::cut(
    "{\"event\":\"run_st",
    "line 1: the file ends within its first event; expected event run_started at the start of a run log"
)]
#[case::other_event(
    "{\"event\":\"weather\"}\n",
    "line 1: another event; expected event run_started at the start of a run log"
)]
#[case::other_file("<html>\n", "line 1, column 1: expected value (each line is one event as a JSON object)")]
#[case::other_format(
    "{\"event\":\"run_started\",\"format\":2,\"new\":[]}\n",
    "line 1: run log format 2; expected format 1"
)]
#[case::malformed(
    &format!("{START}\n{{\"event\":\"run_finished\",\"verdict\":\"maybe\"}}\n{START}\n"),
    "line 2, column 41: unknown variant `maybe`, expected one of `not_applicable`, `pass`, `inconclusive`, `error`, `fail` (each line is one event as a JSON object)"
)]
#[case::second_run(&format!("{START}\n{START}\n"), "line 2: a second event run_started; expected one run in a log")]
fn refused(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(RunLog::try_from(text.as_bytes()).expect_err("no run log").to_string(), expected);
}

#[test]
fn a_missing_file_is_named() {
    let error = RunLog::read(Path::new("no/such/run.jsonl")).expect_err("no such file");
    assert_eq!(error.to_string(), "no/such/run.jsonl: cannot open");
    assert!(error.source().is_some());
}

#[test]
fn an_endless_line_is_refused() {
    let endless = std::io::BufReader::new(std::io::repeat(b'{'));
    let mut reader = LogReader::new(endless);
    assert!(matches!(reader.next(), Some(Err(LogError::TooLong { line: 1 }))));
    assert!(reader.next().is_none());
}

proptest! {
    #[test]
    fn any_event_survives(event in arbitrary::event()) {
        let line = sample::written(std::slice::from_ref(&event));
        prop_assert_eq!(line.iter().filter(|&&octet| octet == b'\n').count(), 1);
        let records: Vec<Record> = LogReader::new(line.as_slice()).collect::<Result<_, _>>().expect("what was written");
        prop_assert_eq!(records, [Record::Event(event)]);
    }

    #[test]
    fn any_octets_are_read_or_refused(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = RunLog::try_from(octets.as_slice());
        prop_assert!(LogReader::new(octets.as_slice()).count() <= octets.len());
    }

    #[test]
    fn a_damaged_log_is_read_or_refused(at in any::<prop::sample::Index>(), octet in any::<u8>()) {
        let mut bytes = sample::bytes();
        let at = at.index(bytes.len());
        bytes[at] = octet;
        let _ = RunLog::try_from(bytes.as_slice());
        let lines = LogReader::new(bytes.as_slice()).count();
        prop_assert!(lines + 1 >= sample::events().len() , "an error ends one line, not the log");
    }

    #[test]
    fn any_run_is_read(events in arbitrary::run()) {
        let bytes = sample::written(&events);
        let log = RunLog::try_from(bytes.as_slice()).expect("what was written");
        let started = events.iter().filter(|event| matches!(event, Event::ScenarioStarted(_))).count();
        prop_assert_eq!(log.scenarios.len(), started);
        prop_assert_eq!(log.counts().total() as usize, started);
    }
}
