//! The transfer of an image of 750KB: 15,360 blocks, four frames each, all encrypted and decrypted on both sides and
//! decrypted again by the rig.

use criterion::{Criterion, criterion_group};

use crate::run::{built_in, run, transfer_750kb};

fn transfer(c: &mut Criterion) {
    let (bench, cases) = (built_in(), transfer_750kb());
    let folder = tempfile::tempdir().expect("there is room for evidence");
    let mut group = c.benchmark_group("transfer_750kb");
    group.sample_size(10);
    group.bench_function("in_memory", |b| b.iter(|| run(&cases, &bench, None)));
    group.bench_function("with_evidence", |b| b.iter(|| run(&cases, &bench, Some(folder.path()))));
    group.finish();
}

criterion_group!(benches, transfer);
