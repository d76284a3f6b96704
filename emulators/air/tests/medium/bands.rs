//! Two bands: radios on one know nothing of what goes on the other, and each keeps its own time.

use crate::rig::{done, psdu, received, run};
use hanrig_air::capture::{CaptureWriter, read_capture};
use hanrig_air::{Air, AirConfig, AirEvent, SniffedFrame};
use hanrig_wire::time::{Instant, Utc};

/// A pair of radios at 2.4 GHz and a pair below 1 GHz, on channels of the same number.
fn two_pairs() -> (Air, [hanrig_air::RadioId; 4]) {
    let mut air = Air::new(AirConfig::default());
    let radios = [air.attach("a", 12), air.attach("b", 12), air.attach_on("c", 28, 12), air.attach_on("d", 28, 12)];
    (air, radios)
}

#[test]
fn frames_of_two_bands_neither_meet_nor_are_heard_across() {
    let (mut air, [a, b, c, d]) = two_pairs();
    // At once, whatever is on the air: on one band they would spoil each other.
    air.transmit(Instant::ZERO, a, psdu(1, 100), false).unwrap();
    air.transmit(Instant::ZERO, c, psdu(3, 100), false).unwrap();
    let events = run(&mut air);
    assert_eq!(received(&events), [(b, 1), (d, 3)]);
    let stats = air.stats();
    assert_eq!((stats.overlapped, stats.collided, stats.sniffed), (0, 0, 2));
}

#[test]
fn a_busy_band_holds_up_nobody_on_the_other() {
    let (mut air, [a, _, c, _]) = two_pairs();
    air.transmit(Instant::ZERO, c, psdu(3, 127), false).unwrap();
    air.transmit(Instant(1000), a, psdu(1, 20), true).unwrap();
    run(&mut air);
    assert_eq!(air.stats().cca_busy, 0);
}

#[test]
fn a_frame_takes_longer_below_1_ghz() {
    let (mut air, [a, _, c, _]) = two_pairs();
    air.transmit(Instant::ZERO, a, psdu(1, 127), false).unwrap();
    air.transmit(Instant::ZERO, c, psdu(3, 127), false).unwrap();
    let ends: Vec<_> = done(&run(&mut air)).into_iter().map(|(at, ..)| at.as_micros()).collect();
    // (127 + 6) octets of 32 us, and (127 + 12) of 80 us.
    assert_eq!(ends, [4256, 11_120]);
}

#[test]
fn a_capture_tells_the_channel_page() {
    let (mut air, [a, _, c, _]) = two_pairs();
    air.transmit(Instant::ZERO, a, psdu(1, 20), false).unwrap();
    air.transmit(Instant::ZERO, c, psdu(3, 20), false).unwrap();
    let sniffed: Vec<SniffedFrame> = run(&mut air)
        .into_iter()
        .filter_map(|(_, event)| if let AirEvent::Sniffed(frame) = event { Some(frame) } else { None })
        .collect();
    let mut file = Vec::new();
    let mut writer = CaptureWriter::new(&mut file, Utc(0)).unwrap();
    for frame in &sniffed {
        writer.write(frame).unwrap();
    }
    writer.finish().unwrap();
    let read: Vec<_> = read_capture(file.as_slice()).unwrap().map(Result::unwrap).collect();
    assert_eq!(read, sniffed);
    assert_eq!(read.iter().map(|frame| (frame.page, frame.channel)).collect::<Vec<_>>(), [(0, 12), (28, 12)]);
}
