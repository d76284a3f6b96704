//! Runs one scenario and tells what happened as events of the run log.

use std::path::Path;
use std::sync::Arc;

use cucumber::step::Collection;
use hanrig_reports::Event;
use hanrig_reports::{
    EvidenceFile, Observation, ScenarioFinished, ScenarioStarted, Span, StepFinished, StepStatus, Verdict,
};
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;

use super::feature::Case;
use super::panics::{self, Caught};
use super::world::{BenchFault, EndOfScenario, Outcome, RigWorld, ScenarioContext, StepRecord};
use crate::bench::Bench;
use crate::progress::ScenarioProgress;

/// The seed of a scenario: the first eight octets, most significant first, of SHA-256 over the run's seed (eight octets,
/// most significant first) and the scenario's identifier. So a scenario has the same seed whatever runs beside it.
pub fn scenario_seed(run_seed: u64, id: &str) -> u64 {
    let digest = Sha256::new().chain_update(run_seed.to_be_bytes()).chain_update(id.as_bytes()).finalize();
    digest.iter().take(8).fold(0, |seed, &octet| seed << 8 | u64::from(octet))
}

/// How a scenario's steps went so far.
struct Progressing {
    events: Vec<Event>,
    /// The verdict and its reason, once a step has not passed.
    decided: Option<(Verdict, String)>,
}

/// Runs `case` in a world of its own and gives its verdict and its events, in order.
pub(super) fn run<W: RigWorld>(
    case: &Case,
    bench: &Arc<Bench>,
    run_seed: u64,
    out: Option<&Path>,
    steps: &Collection<W>,
    runtime: &Runtime,
    progress: ScenarioProgress,
) -> (Verdict, Vec<Event>) {
    let seed = scenario_seed(run_seed, case.id.as_str());
    let mut so_far = Progressing { events: vec![started(case, seed)], decided: None };
    let folder = case.folder();
    let context = ScenarioContext {
        bench: Arc::clone(bench),
        seed,
        id: case.id.clone(),
        name: case.name.clone(),
        tags: case.tags.clone(),
        out_dir: out.map(|out| out.join(&folder)),
        progress,
    };
    let mut world = match begin::<W>(&context) {
        Ok(world) => Some(world),
        Err(fault) => {
            so_far.decided = Some((Verdict::Error, format!("the bench did not start: {fault}")));
            None
        }
    };
    let mut clock = 0;
    for (index, step) in case.steps.iter().enumerate() {
        let result = match &mut world {
            Some(world) if so_far.decided.is_none() => run_step(case, step, world, steps, runtime, clock),
            _ => StepRun::skipped(clock),
        };
        clock = result.at.end_us;
        if let Some(verdict) = result.status.verdict().filter(|&verdict| verdict != Verdict::Pass) {
            let text = result.message.clone().unwrap_or_else(|| result.status.words().to_owned());
            so_far.decided = Some((verdict, text));
        }
        so_far.events.push(step_finished(case, index, step, result, &folder));
    }
    let (end, ended_at) = world.map_or_else(Default::default, |world| end(world, clock));
    if let Some(fault) = end.fault {
        // Within one scenario an error stands above a fail (TTCN-3, ES 201 873-1, 24.1.2): a bench that went wrong
        // cannot vouch for what was seen on it.
        let before = match &so_far.decided {
            Some((verdict, reason)) => format!("; before that, {verdict}: {reason}"),
            None => String::new(),
        };
        so_far.decided = Some((Verdict::Error, format!("{fault}{before}")));
    }
    let (verdict, reason) = match so_far.decided {
        Some((verdict, reason)) => (verdict, Some(reason)),
        None => (Verdict::Pass, None),
    };
    so_far.events.push(Event::ScenarioFinished(ScenarioFinished {
        scenario: case.id.clone(),
        verdict,
        reason,
        duration_us: ended_at.max(clock),
        evidence: end.evidence.into_iter().map(|file| below(&folder, file)).collect(),
        counters: end.counters,
    }));
    (verdict, so_far.events)
}

fn started(case: &Case, seed: u64) -> Event {
    Event::ScenarioStarted(ScenarioStarted {
        scenario: case.id.clone(),
        feature: case.feature.clone(),
        feature_name: case.feature_name.clone(),
        name: case.name.clone(),
        tags: case.tags.clone(),
        requirements: case.requirements.clone(),
        seed,
        line: case.line,
        steps: u32::try_from(case.steps.len()).unwrap_or(u32::MAX),
    })
}

fn begin<W: RigWorld>(context: &ScenarioContext) -> Result<W, BenchFault> {
    if let Some(folder) = &context.out_dir {
        std::fs::create_dir_all(folder)
            .map_err(|error| BenchFault::new(format!("cannot make the folder {}: {error}", folder.display())))?;
    }
    panics::catch(|| W::begin(context)).unwrap_or_else(|panic| Err(BenchFault::new(rig_bug(&panic))))
}

/// Ends the world; gives what is left of it, and the bench time at which it was ended.
fn end<W: RigWorld>(mut world: W, clock: u64) -> (EndOfScenario, u64) {
    let mut end = panics::catch(|| world.end()).unwrap_or_else(|panic| EndOfScenario {
        fault: Some(BenchFault::new(format!("the bench did not stop: {}", rig_bug(&panic)))),
        ..EndOfScenario::default()
    });
    let now = panics::catch(|| world.now()).unwrap_or(clock);
    if let Err(panic) = panics::catch(|| drop(world)) {
        end.fault.get_or_insert(BenchFault::new(format!("the bench did not stop: {}", rig_bug(&panic))));
    }
    (end, now)
}

/// How one step went.
struct StepRun {
    status: StepStatus,
    at: Span,
    message: Option<String>,
    observed: Vec<Observation>,
}

impl StepRun {
    const fn skipped(clock: u64) -> Self {
        Self {
            status: StepStatus::Skipped,
            at: Span { start_us: clock, end_us: clock },
            message: None,
            observed: Vec::new(),
        }
    }
}

fn run_step<W: RigWorld>(
    case: &Case,
    step: &gherkin::Step,
    world: &mut W,
    steps: &Collection<W>,
    runtime: &Runtime,
    clock: u64,
) -> StepRun {
    let not_run = |status, message| StepRun { status, message: Some(message), ..StepRun::skipped(clock) };
    let place = || format!("{}:{}", case.feature, step.position.line);
    let (run, context) = match steps.find(step) {
        Ok(Some((run, _, _, context))) => (run, context),
        Ok(None) => {
            let message = format!("no step is defined for {:?} at {}", shown(step), place());
            return not_run(StepStatus::Undefined, message);
        }
        Err(ambiguous) => {
            let matches: Vec<_> = ambiguous
                .possible_matches
                .iter()
                .map(|(pattern, at)| match at {
                    Some(at) => format!("{} at {at}", pattern.as_str()),
                    None => pattern.as_str().to_owned(),
                })
                .collect();
            let message =
                format!("more than one step is defined for {:?} at {}: {}", shown(step), place(), matches.join(", "));
            return not_run(StepStatus::Error, message);
        }
    };
    let start_us = panics::catch(|| world.now()).unwrap_or(clock);
    let returned = panics::catch(|| runtime.block_on(run(world, context)));
    // What the step left is taken even after a panic: it says what was seen until then.
    let after = panics::catch(|| (world.take_step_record(), world.now()));
    let (record, end_us, lost) = match after {
        Ok((record, now)) => (record, now, None),
        Err(panic) => (StepRecord::default(), start_us, Some(panic)),
    };
    let outcome = record
        .outcome
        .or_else(|| returned.err().map(outcome_of))
        .or_else(|| lost.map(|panic| Outcome::BenchFault(format!("after the step: {}", rig_bug(&panic)))));
    StepRun {
        status: outcome.as_ref().map_or(StepStatus::Passed, Outcome::status),
        at: Span { start_us, end_us: end_us.max(start_us) },
        message: outcome.map(|outcome| outcome.message().to_owned()),
        observed: record.observed,
    }
}

/// What the panic of a step means: the outcome in it, or else a bug of the rig.
fn outcome_of(panic: Caught) -> Outcome {
    Outcome::from_panic_text(&panic.message)
        .unwrap_or_else(|| Outcome::BenchFault(format!("a bug of the rig, not of the device: {}", rig_bug(&panic))))
}

fn rig_bug(panic: &Caught) -> String {
    format!("panic at {}: {}", panic.place, panic.message)
}

fn shown(step: &gherkin::Step) -> String {
    format!("{} {}", step.keyword.trim(), step.value)
}

fn step_finished(case: &Case, index: usize, step: &gherkin::Step, run: StepRun, folder: &str) -> Event {
    let observed = run.observed.into_iter().map(|observation| Observation {
        reference: observation.reference.map(|reference| format!("{folder}/{reference}")),
        ..observation
    });
    Event::StepFinished(StepFinished {
        scenario: case.id.clone(),
        index: u32::try_from(index).unwrap_or(u32::MAX),
        keyword: step.keyword.trim().to_owned(),
        text: step.value.clone(),
        line: u32::try_from(step.position.line).unwrap_or(u32::MAX),
        status: run.status,
        at: run.at,
        message: run.message,
        docstring: step.docstring.clone(),
        table: step.table.as_ref().map(|table| table.rows.clone()).unwrap_or_default(),
        observed: observed.collect(),
    })
}

fn below(folder: &str, file: EvidenceFile) -> EvidenceFile {
    EvidenceFile { path: format!("{folder}/{}", file.path), ..file }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_stable() {
        // These numbers may never change: a logged seed repeats a run.
        assert_eq!(scenario_seed(1, "sit/a.feature:3"), 16_585_057_479_015_866_352);
        assert_ne!(scenario_seed(1, "sit/a.feature:3"), scenario_seed(2, "sit/a.feature:3"));
        assert_ne!(scenario_seed(1, "sit/a.feature:3"), scenario_seed(1, "sit/a.feature:4"));
    }
}
