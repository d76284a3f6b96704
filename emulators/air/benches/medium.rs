//! How fast the medium is: the frames of a whole transfer, each acknowledged.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hanrig_air::{Air, AirConfig, AirEvent};
use hanrig_wire::time::{Duration, Instant};
use std::hint::black_box;
use std::sync::Arc;

const FRAMES: u64 = 60_000;
const TURNAROUND: Duration = Duration::from_micros(192);

/// 30,000 data frames from one radio to another with three others listening, and 30,000 acknowledgements.
fn transfer(loss: f64) -> u64 {
    let mut air = Air::new(AirConfig { seed: 1, default_loss: loss, ..AirConfig::default() });
    let hub = air.attach("hub", 15);
    let ppmid = air.attach("ppmid", 15);
    for name in ["esme", "gsme", "hcalcs"] {
        air.attach(name, 15);
    }
    let data: Arc<[u8]> = vec![0x61; 110].into();
    let ack: Arc<[u8]> = vec![0x02; 5].into();
    let mut sent = 0;
    let mut events = 0;
    let mut now = Instant::ZERO;
    while sent < FRAMES {
        if air.poll_at().is_none() {
            let _ = air.transmit(now, hub, Arc::clone(&data), true);
            sent += 1;
        }
        if let Some(at) = air.poll_at() {
            now = at;
            air.poll(now);
        }
        while let Some(event) = air.take_event() {
            events += 1;
            if let AirEvent::Received { radio, psdu, .. } = &event
                && *radio == ppmid
                && psdu.len() > 5
            {
                let _ = air.transmit(now + TURNAROUND, ppmid, Arc::clone(&ack), false);
                sent += 1;
            }
            black_box(event);
        }
    }
    events
}

fn medium(c: &mut Criterion) {
    let mut group = c.benchmark_group("medium");
    group.throughput(Throughput::Elements(FRAMES)).sample_size(10);
    group.bench_function("60000 frames, no loss", |b| b.iter(|| transfer(0.0)));
    group.bench_function("60000 frames, 5% loss", |b| b.iter(|| transfer(0.05)));
    group.finish();
}

criterion_group!(benches, medium);
criterion_main!(benches);
