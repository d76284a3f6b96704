//! `hanrig run`: runs scenarios.

use std::fmt::Write as _;
use std::io::BufWriter;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use clap::Args;
use cucumber::World as _;
use cucumber::step::Collection;
use hanrig_reports::LogWriter;

use super::{Failure, out, output, report};
use crate::bench::Bench;
use crate::exit::ExitCode;
use crate::progress::RunProgress;
use crate::runner::{Case, RigWorld, Run, Shard, Tags, feature, requirements, select};
use crate::world::RigScenario;

/// Arguments of `hanrig run`.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// Options.
    #[command(flatten)]
    pub options: RunOptions,
    /// Feature files, or folders of them; without any, those that hanrig carries
    #[arg(value_name = "FEATURE")]
    pub features: Vec<PathBuf>,
}

/// Options of `hanrig run`, which `hanrig` takes too.
#[derive(Clone, Debug, Args)]
pub struct RunOptions {
    /// Bench file; without one, the built-in bench, where software plays every role
    #[arg(long, value_name = "FILE")]
    pub bench: Option<PathBuf>,
    /// Run only scenarios with tags that fit, such as "@sit and not @ppmid"
    #[arg(long, value_name = "EXPR")]
    pub tags: Option<Tags>,
    /// Folder for run log, reports and evidence; what an earlier run left there is replaced
    #[arg(long, value_name = "DIR", default_value = "reports/out")]
    pub out: PathBuf,
    /// Seed of everything random; one seed gives one run log
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Scenarios that run at the same time, on a bench that is not hardware; without it, as many as suit the bench
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Run only part K of N; the parts together have every scenario once
    #[arg(long, value_name = "K/N")]
    pub shard: Option<Shard>,
    /// List the scenarios instead of running them
    #[arg(long)]
    pub list: bool,
}

/// No scenario is left to run.
#[derive(Debug, thiserror::Error)]
enum NothingToRun {
    #[error("no scenario has tags that fit {tags:?}; `hanrig run --list` shows the tags there are")]
    Tags { tags: String },
    #[error("there is no scenario to run; name a feature file or a folder of them")]
    Features,
}

pub(super) fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    run_in(args, &RigScenario::collection())
}

/// Runs the scenarios that `args` choose in worlds of type `W` with the steps in `steps`; gives the exit code.
///
/// # Errors
///
/// When bench, features or output folder cannot be used, or the run cannot be carried through.
pub fn run_in<W: RigWorld>(args: &RunArgs, steps: &Collection<W>) -> Result<ExitCode, Failure> {
    let options = &args.options;
    let cases = cases(args)?;
    if options.list {
        output::print(&list(&cases))?;
        return Ok(ExitCode::Passed);
    }
    let bench = match &options.bench {
        Some(path) => Bench::load(path),
        None => Bench::built_in(),
    };
    let bench = Arc::new(bench.map_err(Failure::input)?);
    let log = out::prepare(&options.out).map_err(Failure::input)?;
    let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let jobs = bench.jobs(options.jobs.map(NonZeroUsize::get), processors);
    let interpretations = bench.readings(requirements::interpretations().map_err(Failure::rig)?);
    let run = Run {
        cases: &cases,
        bench,
        seed: options.seed,
        jobs,
        out: Some(&options.out),
        filter: filter(options),
        repeat: repeat(args),
        interpretations,
        requirements: requirements::requirements().map_err(Failure::rig)?,
        progress: RunProgress::on_terminal(cases.len() as u64, output::colour_of_stderr()),
    };
    run.run(steps, &mut LogWriter::new(BufWriter::new(log))).map_err(Failure::rig)?;
    report::render(&options.out, Failure::Rig)
}

fn cases(args: &RunArgs) -> Result<Vec<Case>, Failure> {
    let all = if args.features.is_empty() { feature::embedded() } else { feature::load(&args.features) };
    let all = all.map_err(Failure::input)?;
    if all.is_empty() {
        return Err(Failure::input(NothingToRun::Features));
    }
    let tagged = select(all, args.options.tags.as_ref(), None);
    if tagged.is_empty() {
        let tags = args.options.tags.as_ref().map(ToString::to_string).unwrap_or_default();
        return Err(Failure::input(NothingToRun::Tags { tags }));
    }
    // A shard may well be empty: whoever deals scenarios out need not count them first.
    Ok(select(tagged, None, args.options.shard))
}

/// One line a scenario: identifier, name and tags.
fn list(cases: &[Case]) -> String {
    let width = cases.iter().map(|case| case.id.as_str().chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for case in cases {
        let tags: String = case.tags.iter().map(|tag| format!(" @{tag}")).collect();
        // Writing to a String does not fail.
        let _ = writeln!(text, "{:width$}  {}{}{tags}", case.id, case.name, if tags.is_empty() { "" } else { " " });
    }
    text
}

fn filter(options: &RunOptions) -> Option<String> {
    let tags = options.tags.as_ref().map(|tags| format!("tags {tags}"));
    let shard = options.shard.map(|shard| format!("shard {shard}"));
    let parts: Vec<_> = [tags, shard].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The arguments that repeat the run: those that change a verdict.
fn repeat(args: &RunArgs) -> Vec<String> {
    let options = &args.options;
    let mut words = vec!["run".to_owned(), "--seed".to_owned(), options.seed.to_string()];
    let mut option = |name: &str, value: Option<String>| {
        words.extend(value.into_iter().flat_map(|value| [name.to_owned(), value]));
    };
    option("--bench", options.bench.as_ref().map(|path| path.display().to_string()));
    option("--tags", options.tags.as_ref().map(ToString::to_string));
    option("--shard", options.shard.map(|shard| shard.to_string()));
    words.extend(args.features.iter().map(|path| path.display().to_string()));
    words
}
