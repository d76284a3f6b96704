//! A hand-made run with every verdict, every step status and strings that would like to be markup.

use std::collections::BTreeMap;

use hanrig_reports::{
    BenchInfo, Drivers, Event, EvidenceFile, FORMAT, LogWriter, Observation, Requirement, RunFinished, RunLog,
    RunStarted, ScenarioFinished, ScenarioId, ScenarioStarted, Span, StepFinished, StepStatus, Verdict, VerdictCounts,
};

/// The events of the run.
pub(crate) fn events() -> Vec<Event> {
    let mut events = vec![Event::RunStarted(Box::new(run()))];
    events.extend(happy_path());
    events.extend(wrong_signature());
    events.extend(silent_ppmid());
    events.extend(bench_breaks());
    events.extend(needs_time_jump());
    events.extend(hostile());
    events.push(Event::RunFinished(RunFinished {
        verdicts: VerdictCounts { pass: 1, fail: 2, inconclusive: 1, error: 1, not_applicable: 1 },
        verdict: Verdict::Fail,
    }));
    events
}

/// The log of the run as it stands in `run.jsonl`.
pub(crate) fn bytes() -> Vec<u8> {
    written(&events())
}

/// `events` as a run log.
pub(crate) fn written(events: &[Event]) -> Vec<u8> {
    let mut writer = LogWriter::new(Vec::new());
    for event in events {
        writer.write(event).expect("memory takes every write");
    }
    writer.into_inner()
}

/// The run read back from its log.
pub(crate) fn log() -> RunLog {
    RunLog::try_from(bytes().as_slice()).expect("the sample is a run log")
}

/// The run read back from a log that was cut within the error scenario.
pub(crate) fn cut_log() -> RunLog {
    let bytes = bytes();
    let end = bytes.windows(14).position(|window| window == b"the probe's US").expect("the sample has this text");
    RunLog::try_from(bytes.get(..end).expect("within the sample")).expect("a cut log is a run log")
}

fn run() -> RunStarted {
    let players = [("ch", "software"), ("ppmid", "board nrf52840-dk <rev 2>")];
    RunStarted {
        format: FORMAT,
        hanrig: "0.1.0".to_owned(),
        seed: u64::MAX,
        bench: BenchInfo {
            name: "built-in".to_owned(),
            description: "every role in software & virtual time".to_owned(),
            drivers: Drivers::Virtual,
            players: strings(&players),
        },
        interpretations: strings(&[("I-02", "the Hash covers the Manufacturer Image only")]),
        requirements: BTreeMap::from([
            ("CH-10".to_owned(), requirement("One image in the block", "CH", None)),
            (
                "CH-13".to_owned(),
                requirement("Images kept for \"14 days\", <at least>", "CH", Some("longer is allowed")),
            ),
            ("DSP-19".to_owned(), requirement("Status screen", "DSP", None)),
        ]),
        started_at: None,
        scenarios: 6,
        filter: Some("@sit and not @slow".to_owned()),
        repeat: Vec::new(),
    }
}

fn requirement(title: &str, subject: &str, unshown: Option<&str>) -> Requirement {
    Requirement {
        title: title.to_owned(),
        subject: subject.to_owned(),
        level: "shall".to_owned(),
        unshown: unshown.map(str::to_owned),
    }
}

fn happy_path() -> Vec<Event> {
    let id = ScenarioId::new("sit/ppmid_happy_path.feature", 12);
    vec![
        started(&id, "PPMID update", "Dual Supplier premises", &["CH-10", "PPMID-01"], 3),
        Event::StepFinished(StepFinished {
            docstring: Some("first line\n  second line".to_owned()),
            table: vec![
                vec!["manufacturer".to_owned(), "model".to_owned()],
                vec!["0x10FF".to_owned(), "0x0001".to_owned()],
            ],
            ..step(&id, 0, "Given", "a PPMID on the CPL", StepStatus::Passed, (0, 0))
        }),
        Event::StepFinished(step(
            &id,
            1,
            "When",
            "the Import Supplier sends SRV 11.4",
            StepStatus::Passed,
            (0, 1_250_000),
        )),
        Event::StepFinished(StepFinished {
            message: Some("768000 octets in 15,361 blocks".to_owned()),
            observed: vec![Observation {
                at_us: 1_209_600_000_001,
                link: "wan".to_owned(),
                summary: "Alert 0x8F8B, firmware version 0x00000002".to_owned(),
                reference: Some("sit-ppmid_happy_path-12/wan.log line 7".to_owned()),
            }],
            ..step(
                &id,
                2,
                "Then",
                "the PPMID runs the new firmware",
                StepStatus::Passed,
                (1_250_000, 1_209_600_000_001),
            )
        }),
        Event::ScenarioFinished(ScenarioFinished {
            scenario: id,
            verdict: Verdict::Pass,
            reason: None,
            duration_us: 1_209_600_000_001,
            evidence: vec![
                evidence("sit-ppmid_happy_path-12/air.pcapng", "every frame on the air", 2_345_678),
                evidence("sit-ppmid_happy_path-12/keys.txt", "the keys of its links", 99),
                evidence("sit-ppmid_happy_path-12/wan.log", "messages between CSP and hub", 1),
            ],
            counters: [("Image Block Responses".to_owned(), 15_361), ("frames on the air".to_owned(), 61_532)].into(),
        }),
    ]
}

fn wrong_signature() -> Vec<Event> {
    let id = ScenarioId::new("sit/ppmid_refusals.feature", 30);
    vec![
        started(&id, "PPMID refusals", "Manufacturer signature wrong", &["PPMID-04", "CH-10"], 3),
        Event::StepFinished(step(&id, 0, "Given", "an image with a wrong signature", StepStatus::Passed, (0, 10_000))),
        Event::StepFinished(StepFinished {
            message: Some("expected Alert 0x8F89 with code 3\nobserved Alert 0x8F89 with code 2".to_owned()),
            observed: vec![
                Observation {
                    at_us: 12_000_000,
                    link: "air".to_owned(),
                    summary: "Upgrade End Request, status INVALID_IMAGE".to_owned(),
                    reference: Some("air.pcapng frame 1042".to_owned()),
                },
                Observation {
                    at_us: 12_500_000,
                    link: "wan".to_owned(),
                    summary: "Alert 0x8F89, code 2".to_owned(),
                    reference: None,
                },
            ],
            ..step(&id, 1, "Then", "both Suppliers get 0x8F89 with code 3", StepStatus::Failed, (10_000, 12_500_000))
        }),
        Event::StepFinished(step(
            &id,
            2,
            "And",
            "the old firmware still runs",
            StepStatus::Skipped,
            (12_500_000, 12_500_000),
        )),
        Event::ScenarioFinished(ScenarioFinished {
            scenario: id,
            verdict: Verdict::Fail,
            reason: Some("the Alert has another code".to_owned()),
            duration_us: 12_500_000,
            evidence: vec![evidence("sit-ppmid_refusals-30/air.pcapng", "every frame on the air", 120_034)],
            counters: BTreeMap::new(),
        }),
    ]
}

fn silent_ppmid() -> Vec<Event> {
    let id = ScenarioId::new("sit/ppmid_refusals.feature", 44);
    vec![
        started(&id, "PPMID refusals", "Image refused", &["PPMID-05"], 1),
        Event::StepFinished(StepFinished {
            message: Some(
                "expected an Upgrade End Request or none within 24 h\nobserved 3 frames lost by the sniffer".to_owned(),
            ),
            ..step(&id, 0, "Then", "the PPMID refuses", StepStatus::Inconclusive, (0, 86_400_000_000))
        }),
        finished(&id, Verdict::Inconclusive, None, 86_400_000_000),
    ]
}

fn bench_breaks() -> Vec<Event> {
    let id = ScenarioId::new("sit/ppmid_refusals.feature", 58);
    vec![
        started(&id, "PPMID refusals", "Image refused", &["PPMID-05"], 3),
        Event::StepFinished(step(&id, 0, "Given", "a PPMID", StepStatus::Passed, (0, 1))),
        Event::StepFinished(StepFinished {
            message: Some("probe 1366:1015 does not answer: the probe's USB cable is out".to_owned()),
            ..step(&id, 1, "When", "it is flashed", StepStatus::Error, (1, 2_000))
        }),
        Event::StepFinished(step(&id, 2, "Then", "it joins", StepStatus::Undefined, (2_000, 2_000))),
        finished(&id, Verdict::Error, Some("the probe was lost"), 2_000),
    ]
}

fn needs_time_jump() -> Vec<Event> {
    let id = ScenarioId::new("uit/expiry.feature", 8);
    vec![
        started(&id, "Expiry", "Image discarded after 14 days", &["CH-14"], 1),
        Event::StepFinished(step(&id, 0, "When", "14 days pass", StepStatus::NotApplicable, (0, 0))),
        finished(&id, Verdict::NotApplicable, Some("a board cannot skip 14 days"), 0),
    ]
}

fn hostile() -> Vec<Event> {
    let id = ScenarioId::from("x/<script>alert(1)</script>.feature:1");
    let mut started = ScenarioStarted {
        feature: "x/\"><script>alert(1)</script>.feature".to_owned(),
        tags: vec!["@<b>".to_owned(), "a\u{0}b".to_owned()],
        ..scenario(
            &id,
            "]]> & </testsuite>",
            "<script>alert('name')</script> Ünïcødé 漢字 🛰\u{202e}gnp",
            &["<i>REQ</i>"],
            2,
        )
    };
    started.line = 1;
    vec![
        Event::ScenarioStarted(started),
        Event::StepFinished(StepFinished {
            message: Some("\u{1b}[2Jgone\u{7} </pre><script>alert(2)</script> ]]>\r\nsecond\tline\u{fffe}".to_owned()),
            docstring: Some("</pre></td></tr></table><img src=x onerror=alert(3)>".to_owned()),
            table: vec![vec!["<td>".to_owned(), String::new()]],
            observed: vec![Observation {
                at_us: u64::MAX,
                link: "<air>".to_owned(),
                summary: "\u{0}\u{1}\u{1f} \"quoted\" 'single' &amp;".to_owned(),
                reference: Some("javascript:alert(4)".to_owned()),
            }],
            ..step(&id, 0, "*", "]]><!-- --> ${7*7} {{7*7}}", StepStatus::Failed, (5, 1))
        }),
        Event::ScenarioFinished(ScenarioFinished {
            scenario: id,
            verdict: Verdict::Fail,
            reason: None,
            duration_us: 5,
            evidence: vec![
                evidence("javascript:alert(4)", "<a href=x>", 0),
                evidence("../../etc/passwd", "outside", 0),
                evidence("x/a b\"'<>.xml", "spaces", u64::MAX),
            ],
            counters: [("<b>".to_owned(), u64::MAX)].into(),
        }),
    ]
}

fn strings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn started(id: &ScenarioId, feature_name: &str, name: &str, requirements: &[&str], steps: u32) -> Event {
    Event::ScenarioStarted(scenario(id, feature_name, name, requirements, steps))
}

fn scenario(id: &ScenarioId, feature_name: &str, name: &str, requirements: &[&str], steps: u32) -> ScenarioStarted {
    let (feature, line) = id.as_str().rsplit_once(':').expect("path and line");
    ScenarioStarted {
        scenario: id.clone(),
        feature: feature.to_owned(),
        feature_name: feature_name.to_owned(),
        name: name.to_owned(),
        tags: vec!["sit".to_owned(), "ppmid".to_owned()],
        requirements: requirements.iter().map(|&requirement| requirement.to_owned()).collect(),
        seed: 7,
        line: line.parse().expect("a number"),
        steps,
    }
}

fn step(id: &ScenarioId, index: u32, keyword: &str, text: &str, status: StepStatus, at: (u64, u64)) -> StepFinished {
    StepFinished {
        scenario: id.clone(),
        index,
        keyword: keyword.to_owned(),
        text: text.to_owned(),
        line: 13 + index,
        status,
        at: Span { start_us: at.0, end_us: at.1 },
        message: None,
        docstring: None,
        table: Vec::new(),
        observed: Vec::new(),
    }
}

fn finished(id: &ScenarioId, verdict: Verdict, reason: Option<&str>, duration_us: u64) -> Event {
    Event::ScenarioFinished(ScenarioFinished {
        scenario: id.clone(),
        verdict,
        reason: reason.map(str::to_owned),
        duration_us,
        evidence: Vec::new(),
        counters: BTreeMap::new(),
    })
}

fn evidence(path: &str, description: &str, octets: u64) -> EvidenceFile {
    EvidenceFile {
        path: path.to_owned(),
        description: description.to_owned(),
        sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".to_owned(),
        octets,
    }
}
