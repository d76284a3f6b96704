//! Decoding, with decryption, of every frame that the sniffer hears in the transfer of an image of 750KB. About half of
//! them are acknowledgements of the MAC.

use std::fs::File;
use std::hint::black_box;
use std::io::BufReader;

use criterion::{BatchSize, Criterion, Throughput, criterion_group};
use hanrig::bench::Bench;
use hanrig_air::SniffedFrame;
use hanrig_air::capture::read_capture;
use hanrig_wire::dissect::{Dissector, KeyRing};

use crate::run::{built_in, run, transfer_750kb};

fn dissect(c: &mut Criterion) {
    let (bench, frames) = (built_in(), frames());
    let dissector = Dissector::new(keys(&bench));
    let mut group = c.benchmark_group("capture_750kb");
    group.sample_size(10);
    group.throughput(Throughput::Elements(frames.len() as u64));
    group.bench_function("dissect", |b| {
        b.iter_batched_ref(
            || dissector.clone(),
            |dissector| {
                for frame in &frames {
                    assert!(dissector.dissect(black_box(&frame.psdu)).stopped.is_none());
                }
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

/// The capture, as the scenario leaves it.
fn frames() -> Vec<SniffedFrame> {
    let folder = tempfile::tempdir().expect("there is room for evidence");
    let cases = transfer_750kb();
    run(&cases, &built_in(), Some(folder.path()));
    let capture = folder.path().join(cases[0].folder()).join("air.pcapng");
    let file = BufReader::new(File::open(capture).expect("the scenario leaves a capture"));
    let frames: Vec<_> = read_capture(file).and_then(Iterator::collect).expect("the capture is sound");
    assert!(frames.len() > 60_000, "{} frames", frames.len());
    frames
}

fn keys(bench: &Bench) -> KeyRing {
    let mut keys = KeyRing::new();
    keys.add_network_key(bench.network.network_key, None);
    for ppmid in &bench.ppmids {
        keys.add_link_key(ppmid.install_code.link_key(), ppmid.eui, Some(bench.hub.eui));
    }
    keys
}

criterion_group!(benches, dissect);
