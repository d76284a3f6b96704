//! Radios of software devices.

use crate::bench::{CHANNEL, PAN, air, data, wait_for};
use hanrig_air::live::{LiveAir, LiveConfig, LiveRadio, MacSettings, NoticeKind, Pace, RadioEvent, RadioEvents};
use hanrig_wire::mac::MacHeader;
use hanrig_wire::spinel::Status;
use hanrig_wire::spinel::host::{TransmitOutcome, TransmitRequest};
use rstest::rstest;

fn mac(short_address: u16) -> MacSettings {
    MacSettings { channel: CHANNEL, pan_id: PAN, short_address, ..MacSettings::default() }
}

fn next(events: &mut RadioEvents) -> RadioEvent {
    wait_for("an event", || events.try_recv())
}

fn send(radio: &LiveRadio, events: &mut RadioEvents, psdu: Vec<u8>) -> TransmitOutcome {
    let id = radio.transmit(TransmitRequest::new(psdu, CHANNEL));
    loop {
        if let RadioEvent::TransmitDone { id: done, outcome, .. } = next(events) {
            assert_eq!(done, id);
            return outcome;
        }
    }
}

#[rstest]
fn exchange_frames(#[values(Pace::Airtime, Pace::Unthrottled)] pace: Pace) {
    let air = air(pace);
    let mut sniffed = air.sniffed().unwrap();
    let (a, mut a_events) = air.radio("a", mac(1)).unwrap();
    let (_b, mut b_events) = air.radio("b", mac(2)).unwrap();
    assert_eq!(send(&a, &mut a_events, data(1, 1, 2, b"x")), TransmitOutcome::Acknowledged { pending: false });
    let RadioEvent::Received(reception) = next(&mut b_events) else { panic!("a frame") };
    assert_eq!(*reception.psdu, *data(1, 1, 2, b"x"));
    let frame = wait_for("the sniffer", || sniffed.try_recv().ok());
    let acknowledgement = wait_for("the sniffer", || sniffed.try_recv().ok());
    assert_eq!((&frame.psdu, frame.channel), (&reception.psdu, CHANNEL));
    assert_eq!((acknowledgement.psdu.len(), acknowledgement.fcs_ok), (5, true));
    // Within the simulation time is exact: 12 octets and the 6 before them, and the turnaround.
    let expected = if pace == Pace::Airtime { (576, 192) } else { (0, 0) };
    let airtime = reception.at.saturating_since(frame.at).as_micros();
    let turnaround = acknowledgement.at.saturating_since(reception.at).as_micros();
    assert_eq!((airtime, turnaround), expected);
}

#[test]
fn a_raw_radio_does_nothing_by_itself() {
    let air = air(Pace::Unthrottled);
    let (a, mut a_events) = air.radio("a", MacSettings { raw: true, ..mac(1) }).unwrap();
    let (b, mut b_events) = air.radio("b", MacSettings { raw: true, ..mac(2) }).unwrap();
    assert_eq!(send(&a, &mut a_events, data(1, 1, 2, b"x")), TransmitOutcome::Sent, "no acknowledgement is waited for");
    assert!(matches!(next(&mut b_events), RadioEvent::Received(_)));
    let mut acknowledgement = Vec::new();
    MacHeader::ack(1, false).emit(&mut acknowledgement);
    acknowledgement.extend([0, 0]);
    let request = TransmitRequest { csma: false, ..TransmitRequest::new(acknowledgement.clone(), CHANNEL) };
    b.transmit(request);
    let RadioEvent::Received(reception) = next(&mut a_events) else { panic!("a frame") };
    assert_eq!(*reception.psdu, *acknowledgement, "as it was handed over, wrong frame check sequence and all");
    assert_eq!(air.stats().unwrap().transmitted, 2);
}

#[test]
fn frames_are_sent_in_order() {
    let air = air(Pace::Airtime);
    let (a, mut a_events) = air.radio("a", mac(1)).unwrap();
    let (_b, mut b_events) = air.radio("b", mac(2)).unwrap();
    let ids: Vec<_> = (0..50).map(|n| a.transmit(TransmitRequest::new(data(n, 1, 2, b""), CHANNEL))).collect();
    for (n, id) in (0..50).zip(ids) {
        assert!(matches!(next(&mut a_events), RadioEvent::TransmitDone { id: done, .. } if done == id));
        assert!(matches!(next(&mut b_events), RadioEvent::Received(reception) if reception.psdu[2] == n));
    }
    let refused = TransmitOutcome::Refused(Status::INVALID_ARGUMENT);
    assert_eq!(send(&a, &mut a_events, vec![1, 2]), refused, "no such frame");
}

#[test]
fn a_radio_that_is_not_read_drops_frames_and_says_so() {
    let config = LiveConfig { pace: Pace::Unthrottled, radio_queue: 10, ..LiveConfig::default() };
    let air = LiveAir::start(config).unwrap();
    let (a, mut a_events) = air.radio("a", mac(1)).unwrap();
    let (_b, mut b_events) = air.radio("b", mac(2)).unwrap();
    for sequence in 0..30 {
        let outcome = send(&a, &mut a_events, data(sequence, 1, 2, b""));
        assert_eq!(outcome, TransmitOutcome::Acknowledged { pending: false }, "the medium goes on");
    }
    for _ in 0..10 {
        assert!(matches!(next(&mut b_events), RadioEvent::Received(_)));
    }
    send(&a, &mut a_events, data(30, 1, 2, b""));
    assert_eq!(next(&mut b_events), RadioEvent::Dropped { frames: 20 });
    assert!(matches!(next(&mut b_events), RadioEvent::Received(reception) if reception.psdu[2] == 30));
    let notices = air.take_notices();
    assert!(matches!(&notices[..], [notice] if notice.kind == NoticeKind::Dropping && notice.endpoint == "b"));
}

#[test]
fn a_radio_that_is_dropped_is_off_the_medium() {
    let air = air(Pace::Unthrottled);
    let (a, mut a_events) = air.radio("a", mac(1)).unwrap();
    let (b, mut b_events) = air.radio("b", mac(2)).unwrap();
    drop(b);
    assert_eq!(send(&a, &mut a_events, data(1, 1, 2, b"")), TransmitOutcome::NoAck);
    assert_eq!(b_events.blocking_recv(), None);
    drop(air);
    assert_eq!(a_events.blocking_recv(), None);
    a.transmit(TransmitRequest::new(data(2, 1, 2, b""), CHANNEL));
}

#[test]
fn events_can_be_awaited() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let air = air(Pace::Unthrottled);
    let (a, mut a_events) = air.radio("a", mac(1)).unwrap();
    let (_b, mut b_events) = air.radio("b", mac(2)).unwrap();
    a.transmit(TransmitRequest::new(data(1, 1, 2, b""), CHANNEL));
    runtime.block_on(async {
        assert!(matches!(a_events.recv().await, Some(RadioEvent::TransmitDone { .. })));
        assert!(matches!(b_events.recv().await, Some(RadioEvent::Received(_))));
    });
}

/// Nothing is asserted of how fast it is: it is printed.
#[test]
fn rate() {
    const FRAMES: u32 = 5000;
    let air = air(Pace::Unthrottled);
    let (a, mut a_events) = air.radio("a", mac(1)).unwrap();
    let (_b, mut b_events) = air.radio("b", mac(2)).unwrap();
    let start = std::time::Instant::now();
    for sequence in 0..FRAMES {
        a.transmit(TransmitRequest::new(data(sequence as u8, 1, 2, &[0x55; 90]), CHANNEL));
        a_events.blocking_recv().unwrap();
        b_events.blocking_recv().unwrap();
    }
    let rate = f64::from(FRAMES) / start.elapsed().as_secs_f64();
    println!("{rate:.0} acknowledged frames a second between software radios, one at a time, unthrottled");
}
