//! Proof that the scenarios can fail: for each way in which a reference participant can be made wrong, a scenario that
//! carries the tag of the broken requirement fails, and passes without the fault. No step that expects something is idle:
//! each fails for some fault.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use cucumber::World as _;
use cucumber::step::Collection;
use gherkin::StepType;
use hanrig::bench::{Bench, Planted};
use hanrig::progress::RunProgress;
use hanrig::runner::{Case, Run, Tags, feature, select};
use hanrig::world::RigScenario;
use hanrig_reports::{LogWriter, RunLog, ScenarioLog, StepStatus, Verdict};

/// Requirements that scenarios carry and that no fault breaks, with the reason.
const WITHOUT_FAULT: &[(&str, &str)] = &[];

const SEED: u64 = 1;

/// Runs the scenarios that `tags` mean on the built-in bench with this fault, or without any.
fn run(cases: &[Case], tags: Option<&str>, planted: Option<Planted>) -> RunLog {
    let tags: Option<Tags> = tags.map(|tags| tags.parse().unwrap());
    let cases = select(cases.to_vec(), tags.as_ref(), None);
    let mut bench = Bench::built_in().unwrap();
    bench.planted.extend(planted);
    let run = Run {
        cases: &cases,
        bench: Arc::new(bench),
        seed: SEED,
        jobs: 1,
        out: None,
        filter: None,
        repeat: Vec::new(),
        interpretations: BTreeMap::new(),
        progress: RunProgress::hidden(),
    };
    let mut log = Vec::new();
    run.run(&RigScenario::collection(), &mut LogWriter::new(&mut log)).unwrap();
    RunLog::from_reader(log.as_slice()).unwrap()
}

/// What became of one fault under one requirement's tag.
struct Sighting {
    planted: Planted,
    requirement: &'static str,
    /// The first scenario that failed, and the step that did.
    caught: Option<String>,
    /// What must not be.
    wrong: Option<String>,
    /// The definitions of the steps that failed.
    failed: BTreeSet<(String, u32)>,
}

fn look(cases: &[Case], planted: Planted, requirement: &'static str) -> Sighting {
    let log = run(cases, Some(&format!("@{requirement}")), Some(planted));
    let mut caught = None;
    let mut wrong = String::new();
    let failed = failed_definitions(cases, &log);
    for scenario in &log.scenarios {
        match scenario.verdict() {
            Verdict::Fail if caught.is_none() => caught = Some(failure(scenario)),
            Verdict::Pass | Verdict::Fail => {}
            other => write!(wrong, "\n    {other}: {}", failure(scenario)).unwrap(),
        }
    }
    if caught.is_none() {
        write!(wrong, "\n    none of {} scenarios fails", log.scenarios.len()).unwrap();
    }
    Sighting { planted, requirement, caught, wrong: (!wrong.is_empty()).then_some(wrong), failed }
}

/// Where the definition of a scenario's step is: step definitions are told apart by it.
fn definition(steps: &Collection<RigScenario>, step: &gherkin::Step) -> (String, u32) {
    let (_, _, place, _) = steps.find(step).unwrap().unwrap();
    let place = place.unwrap();
    (place.path.to_string(), place.line)
}

/// The definitions of the steps that failed.
fn failed_definitions(cases: &[Case], log: &RunLog) -> BTreeSet<(String, u32)> {
    let steps = RigScenario::collection();
    let mut failed = BTreeSet::new();
    for scenario in &log.scenarios {
        let case = cases.iter().find(|case| case.id == scenario.started.scenario).unwrap();
        let wrong = scenario.steps.iter().filter(|step| step.status == StepStatus::Failed);
        failed.extend(wrong.map(|step| definition(&steps, &case.steps[step.index as usize])));
    }
    failed
}

/// Scenario, failed step and the first line of what it says.
fn failure(scenario: &ScenarioLog) -> String {
    let step = scenario.steps.iter().find(|step| step.status != StepStatus::Passed);
    let step = step.map_or_else(String::new, |step| {
        let message = step.message.as_deref().unwrap_or_default().lines().next().unwrap_or_default();
        format!("{} {}: {message}", step.keyword, step.text)
    });
    format!("{} | {step}", scenario.started.scenario)
}

/// Every fault under every requirement that it breaks, on as many threads as there are processors.
fn look_at_all(cases: &[Case]) -> Vec<Sighting> {
    let jobs: Vec<_> = Planted::all()
        .into_iter()
        .flat_map(|planted| planted.requirements().iter().map(move |id| (planted, *id)))
        .collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut seen = Vec::new();
        while let Some((planted, requirement)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            seen.push(look(cases, *planted, requirement));
        }
        seen
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut seen: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    seen.sort_by_key(|sighting| (sighting.planted, sighting.requirement));
    seen
}

#[test]
fn every_fault_is_seen_and_every_expectation_can_fail() {
    let cases = feature::embedded().unwrap();
    let seen = look_at_all(&cases);
    let mut wrong = String::new();
    let failed: BTreeSet<_> = seen.iter().flat_map(|sighting| &sighting.failed).cloned().collect();
    let steps = RigScenario::collection();
    let mut idle = BTreeMap::new();
    for step in cases.iter().flat_map(|case| &case.steps).filter(|step| step.ty == StepType::Then) {
        let definition = definition(&steps, step);
        if !failed.contains(&definition) {
            idle.insert(definition, step.value.clone());
        }
    }
    for ((path, line), step) in idle {
        write!(wrong, "\nno fault makes this step fail ({path}:{line}): {step}").unwrap();
    }
    for Sighting { planted, requirement, caught, wrong: problem, .. } in &seen {
        if let Some(caught) = caught {
            println!("{planted:?} | {requirement} | {caught}");
        }
        if let Some(problem) = problem {
            write!(wrong, "\n{planted:?}, which breaks {requirement}:{problem}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "faults that the scenarios do not see, or that break the rig:{wrong}");
}

#[test]
fn without_a_fault_every_scenario_passes() {
    let log = run(&feature::embedded().unwrap(), None, None);
    let failed: Vec<_> = log.scenarios.iter().filter(|s| s.verdict() != Verdict::Pass).map(failure).collect();
    assert_eq!(failed, Vec::<String>::new());
}

#[test]
fn every_requirement_that_scenarios_carry_has_a_fault() {
    let cases = feature::embedded().unwrap();
    let carried: BTreeSet<&str> = cases.iter().flat_map(|case| case.requirements.iter().map(String::as_str)).collect();
    let broken: BTreeSet<&str> =
        Planted::all().into_iter().flat_map(|planted| planted.requirements()).copied().collect();
    let excused: BTreeSet<&str> = WITHOUT_FAULT.iter().map(|(id, _)| *id).collect();
    let unproven: Vec<_> = carried.iter().filter(|id| !broken.contains(*id) && !excused.contains(*id)).collect();
    assert!(unproven.is_empty(), "no fault shows that scenarios with these tags can fail: {unproven:?}");
    let stale: Vec<_> = excused.iter().filter(|id| !carried.contains(*id) || broken.contains(*id)).collect();
    assert!(stale.is_empty(), "excused, but carried by no scenario or broken by a fault: {stale:?}");
    let untagged: Vec<_> = broken.iter().filter(|id| !carried.contains(*id)).collect();
    assert!(untagged.is_empty(), "faults name requirements that no scenario carries: {untagged:?}");
}
