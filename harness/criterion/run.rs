//! Runs of the built-in suite through the library.

use std::io;
use std::path::Path;
use std::sync::Arc;

use cucumber::World as _;
use hanrig::bench::Bench;
use hanrig::runner::{Case, Run, feature};
use hanrig::world::RigScenario;
use hanrig_reports::{LogWriter, VerdictCounts};

/// The scenarios of the suite whose name begins with `name`.
pub(crate) fn cases(name: &str) -> Vec<Case> {
    let mut cases = feature::embedded().expect("the features are well formed");
    cases.retain(|case| case.name.starts_with(name));
    assert!(!cases.is_empty(), "no scenario is called {name}");
    cases
}

/// The scenario that sends the largest image there is.
pub(crate) fn transfer_750kb() -> Vec<Case> {
    cases("An image of exactly 750KB")
}

/// Runs `cases` one after another with seed 1, evidence going to `out`. The run log is made and thrown away.
pub(crate) fn run(cases: &[Case], bench: &Arc<Bench>, out: Option<&Path>) {
    let run = Run { out, ..Run::of(cases, Arc::clone(bench)) };
    let counts =
        run.run(&RigScenario::collection(), &mut LogWriter::new(io::sink())).expect("the run is carried through");
    let pass = u32::try_from(cases.len()).expect("there are few scenarios");
    assert_eq!(counts, VerdictCounts { pass, ..VerdictCounts::default() });
}

/// The built-in bench.
pub(crate) fn built_in() -> Arc<Bench> {
    Arc::new(Bench::built_in().expect("the built-in bench is sound"))
}
