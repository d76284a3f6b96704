//! Every scenario of the built-in suite, one after another.

use criterion::{Criterion, criterion_group};

use crate::run::{built_in, cases, run};

fn suite(c: &mut Criterion) {
    let (bench, cases) = (built_in(), cases(""));
    let folder = tempfile::tempdir().expect("there is room for evidence");
    let mut group = c.benchmark_group("whole_suite");
    group.sample_size(10);
    group.bench_function("with_evidence", |b| b.iter(|| run(&cases, &bench, Some(folder.path()))));
    group.finish();
}

criterion_group!(benches, suite);
