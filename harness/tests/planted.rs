//! Proof that the scenarios can fail: for each way in which a reference participant can be made wrong, a scenario that
//! carries the tag of the broken requirement fails, and passes without the fault. No step that expects something is idle:
//! each fails for some fault.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;

use cucumber::World as _;
use cucumber::step::Collection;
use gherkin::StepType;
use hanrig::bench::{Bench, Planted};
use hanrig::runner::{Case, Run, feature};
use hanrig::world::RigScenario;
use hanrig_reports::{LogWriter, RunLog, ScenarioLog, StepStatus, Verdict};

/// Requirements that scenarios carry and that no fault breaks, with the reason.
const WITHOUT_FAULT: &[(&str, &str)] = &[];

/// What every run shares, because it takes longer to make than a scenario takes to run.
struct Rig {
    cases: Vec<Case>,
    steps: Collection<RigScenario>,
    bench: Bench,
}

static RIG: LazyLock<Rig> = LazyLock::new(|| Rig {
    cases: feature::embedded().unwrap(),
    steps: RigScenario::collection(),
    bench: Bench::built_in().unwrap(),
});

impl Rig {
    /// Runs `cases` on the built-in bench with this fault, or without any.
    fn run(&self, cases: &[Case], planted: Option<Planted>) -> RunLog {
        let mut bench = self.bench.clone();
        bench.planted.extend(planted);
        let mut log = Vec::new();
        Run::of(cases, Arc::new(bench)).run(&self.steps, &mut LogWriter::new(&mut log)).unwrap();
        RunLog::from_reader(log.as_slice()).unwrap()
    }

    /// Where a step is defined, which tells one definition from another.
    fn definition(&self, step: &gherkin::Step) -> Definition {
        let (_, _, place, _) = self.steps.find(step).unwrap().unwrap();
        let place = place.unwrap();
        (place.path.to_string(), place.line)
    }

    /// Runs the scenarios of the requirements that this fault breaks.
    fn look(&self, planted: Planted) -> Sighting {
        let concerned = |case: &&Case| case.requirements.iter().any(|id| planted.requirements().contains(&id.as_str()));
        let cases: Vec<_> = self.cases.iter().filter(concerned).cloned().collect();
        let log = self.run(&cases, Some(planted));
        let mut sighting = Sighting { planted, caught: BTreeMap::new(), failed: BTreeSet::new(), wrong: String::new() };
        for (case, scenario) in cases.iter().zip(&log.scenarios) {
            match scenario.verdict() {
                Verdict::Pass => {}
                Verdict::Fail => {
                    let steps = scenario.steps.iter().zip(&case.steps);
                    let failed = steps.filter(|(run, _)| run.status == StepStatus::Failed);
                    sighting.failed.extend(failed.map(|(_, step)| self.definition(step)));
                    for id in &case.requirements {
                        sighting.caught.entry(id.clone()).or_insert_with(|| failure(scenario));
                    }
                }
                other => write!(sighting.wrong, "\n    {other}: {}", failure(scenario)).unwrap(),
            }
        }
        for id in planted.requirements().iter().filter(|id| !sighting.caught.contains_key(**id)) {
            let scenarios = cases.iter().filter(|case| case.requirements.iter().any(|has| has == id)).count();
            write!(sighting.wrong, "\n    none of the {scenarios} scenarios of {id} fails").unwrap();
        }
        sighting
    }

    /// Looks for every fault, on as many threads as there are processors.
    fn look_for_all(&self) -> Vec<Sighting> {
        let faults = Planted::all();
        let next = AtomicUsize::new(0);
        let work = || {
            let mut seen = Vec::new();
            while let Some(planted) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
                seen.push(self.look(*planted));
            }
            seen
        };
        let mut seen: Vec<_> = thread::scope(|scope| {
            let threads = thread::available_parallelism().map_or(1, usize::from);
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        seen.sort_by_key(|sighting| sighting.planted);
        seen
    }
}

/// File and line of a step's definition.
type Definition = (String, u32);

/// What became of a fault.
struct Sighting {
    planted: Planted,
    /// Requirement to the first of its scenarios that failed, and the step that did.
    caught: BTreeMap<String, String>,
    /// The definitions of the steps that failed.
    failed: BTreeSet<Definition>,
    /// What must not be, a line each.
    wrong: String,
}

/// Scenario, step that did not pass, and the first line of what it says.
fn failure(scenario: &ScenarioLog) -> String {
    let step = scenario.deciding_step().map_or_else(String::new, |step| {
        let message = step.message.as_deref().unwrap_or_default().lines().next().unwrap_or_default();
        format!("{} {}: {message}", step.keyword, step.text)
    });
    format!("{} | {step}", scenario.started.scenario)
}

#[test]
fn every_fault_is_seen_and_every_expectation_can_fail() {
    let mut wrong = String::new();
    let mut failed = BTreeSet::new();
    for sighting in RIG.look_for_all() {
        let planted = sighting.planted;
        for id in planted.requirements() {
            let caught = sighting.caught.get(*id).map_or("not seen", String::as_str);
            println!("{planted:?} | {id} | {caught}");
        }
        if !sighting.wrong.is_empty() {
            write!(wrong, "\n{planted:?}:{}", sighting.wrong).unwrap();
        }
        failed.extend(sighting.failed);
    }
    let steps = RIG.cases.iter().flat_map(|case| &case.steps).filter(|step| step.ty == StepType::Then);
    let expected: BTreeMap<_, _> = steps.map(|step| (RIG.definition(step), &step.value)).collect();
    for ((path, line), step) in expected.iter().filter(|(definition, _)| !failed.contains(*definition)) {
        write!(wrong, "\nno fault makes this step fail, defined at {path}:{line}: {step}").unwrap();
    }
    assert!(wrong.is_empty(), "what the scenarios do not see, or what breaks the rig:{wrong}");
}

#[test]
fn without_a_fault_every_scenario_passes() {
    let log = RIG.run(&RIG.cases, None);
    let failed: Vec<_> = log.scenarios.iter().filter(|s| s.verdict() != Verdict::Pass).map(failure).collect();
    assert_eq!(failed, Vec::<String>::new());
}

#[test]
fn every_requirement_that_scenarios_carry_has_a_fault() {
    let carried: BTreeSet<&str> =
        RIG.cases.iter().flat_map(|case| case.requirements.iter().map(String::as_str)).collect();
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
