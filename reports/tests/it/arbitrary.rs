//! Random events.

use hanrig_reports::{
    BenchInfo, Drivers, Event, EvidenceFile, FORMAT, Observation, Requirement, RunFinished, RunStarted,
    ScenarioFinished, ScenarioId, ScenarioStarted, Span, StepFinished, StepStatus, Verdict, VerdictCounts,
};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// Any text, with what breaks markup and terminals more often than chance would have it.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "(?s).{0,20}",
        1 => vec(
            select(vec!["<", ">", "&", "\"", "'", "]]>", "<script>", "</pre>", "-->", "\0", "\x1b[", "\r", "\n", "\u{9b}",
                        "\u{202e}", "\u{fffe}", "\u{feff}", "a", " ", "/", "..", ":", "%", "keys", ".pcapng"]),
            0..8,
        ).prop_map(|parts| parts.concat()),
    ]
}

/// Few identifiers, so that events meet their scenarios.
fn id() -> impl Strategy<Value = ScenarioId> {
    prop_oneof![4 => select(vec!["a.feature:1", "a.feature:2"]).prop_map(ScenarioId::from), 1 => text().prop_map(ScenarioId)]
}

fn verdict() -> impl Strategy<Value = Verdict> {
    select(Verdict::WORST_FIRST.to_vec())
}

fn status() -> impl Strategy<Value = StepStatus> {
    use StepStatus::{Error, Failed, Inconclusive, NotApplicable, Passed, Skipped, Undefined};
    select(vec![Passed, Failed, Skipped, Undefined, NotApplicable, Inconclusive, Error])
}

pub(crate) fn run_started() -> impl Strategy<Value = RunStarted> {
    let bench = (text(), text(), select(vec![Drivers::Virtual, Drivers::Live]), btree_map(text(), text(), 0..3))
        .prop_map(|(name, description, drivers, players)| BenchInfo { name, description, drivers, players });
    (
        (text(), any::<u64>(), bench, btree_map(text(), text(), 0..3), btree_map(text(), requirement(), 0..3)),
        (option::of(text()), any::<u32>(), option::of(text()), vec(text(), 0..3)),
    )
        .prop_map(
            |((hanrig, seed, bench, interpretations, requirements), (started_at, scenarios, filter, repeat))| {
                RunStarted {
                    format: FORMAT,
                    hanrig,
                    seed,
                    bench,
                    interpretations,
                    requirements,
                    started_at,
                    scenarios,
                    filter,
                    repeat,
                }
            },
        )
}

fn requirement() -> impl Strategy<Value = Requirement> {
    (text(), text(), text(), option::of(text())).prop_map(|(title, subject, level, unshown)| Requirement {
        title,
        subject,
        level,
        unshown,
    })
}

fn scenario_started() -> impl Strategy<Value = ScenarioStarted> {
    (
        (id(), prop_oneof![Just("a.feature".to_owned()), text()], text(), text()),
        (vec(text(), 0..3), vec(text(), 0..3), any::<u64>(), any::<u32>(), any::<u32>()),
    )
        .prop_map(|((scenario, feature, feature_name, name), (tags, requirements, seed, line, steps))| {
            ScenarioStarted { scenario, feature, feature_name, name, tags, requirements, seed, line, steps }
        })
}

fn step_finished() -> impl Strategy<Value = StepFinished> {
    let seen = (any::<u64>(), text(), text(), option::of(text()))
        .prop_map(|(at_us, link, summary, reference)| Observation { at_us, link, summary, reference });
    (
        (id(), any::<u32>(), text(), text(), any::<u32>(), status(), any::<(u64, u64)>()),
        (option::of(text()), option::of(text()), vec(vec(text(), 0..3), 0..3), vec(seen, 0..3)),
    )
        .prop_map(
            |(
                (scenario, index, keyword, text, line, status, (start_us, end_us)),
                (message, docstring, table, observed),
            )| {
                StepFinished {
                    scenario,
                    index,
                    keyword,
                    text,
                    line,
                    status,
                    at: Span { start_us, end_us },
                    message,
                    docstring,
                    table,
                    observed,
                }
            },
        )
}

fn scenario_finished() -> impl Strategy<Value = ScenarioFinished> {
    let file = (text(), text(), text(), any::<u64>()).prop_map(|(path, description, sha256, octets)| EvidenceFile {
        path,
        description,
        sha256,
        octets,
    });
    (id(), verdict(), option::of(text()), any::<u64>(), vec(file, 0..3), btree_map(text(), any::<u64>(), 0..3))
        .prop_map(|(scenario, verdict, reason, duration_us, evidence, counters)| ScenarioFinished {
            scenario,
            verdict,
            reason,
            duration_us,
            evidence,
            counters,
        })
}

fn run_finished() -> impl Strategy<Value = RunFinished> {
    (any::<[u32; 5]>(), verdict()).prop_map(|([pass, fail, inconclusive, error, not_applicable], verdict)| {
        RunFinished { verdicts: VerdictCounts { pass, fail, inconclusive, error, not_applicable }, verdict }
    })
}

/// Any event.
pub(crate) fn event() -> impl Strategy<Value = Event> {
    prop_oneof![1 => run_started().prop_map(|run| Event::RunStarted(Box::new(run))), 12 => later_event()]
}

fn later_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => scenario_started().prop_map(Event::ScenarioStarted),
        6 => step_finished().prop_map(Event::StepFinished),
        2 => scenario_finished().prop_map(Event::ScenarioFinished),
        1 => run_finished().prop_map(Event::RunFinished),
    ]
}

/// Events that make a run log, if an odd one.
pub(crate) fn run() -> impl Strategy<Value = Vec<Event>> {
    (run_started(), vec(later_event(), 0..12)).prop_map(|(run, mut events)| {
        events.insert(0, Event::RunStarted(Box::new(run)));
        events
    })
}
