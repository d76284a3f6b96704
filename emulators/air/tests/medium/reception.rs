//! Who hears a frame: collisions, half duplex, loss, range, tuning.

use crate::rig::{done, out_of_range, psdu, received, run, sniffed};
use hanrig_air::{Air, AirConfig, AirEvent, Link, RadioId};
use hanrig_wire::time::Instant;
use rstest::rstest;

#[test]
fn hidden_nodes_collide_where_both_are_heard() {
    let mut air = Air::new(out_of_range(&[("a", "c"), ("c", "near a"), ("c", "sniffer")]));
    let a = air.attach("a", 11);
    let b = air.attach("b", 11);
    let c = air.attach("c", 11);
    let near_a = air.attach("near a", 11);
    air.transmit(Instant::ZERO, a, psdu(1, 127), true).unwrap();
    air.transmit(Instant::ZERO, c, psdu(3, 127), true).unwrap();
    let events = run(&mut air);
    // The longest backoff is shorter than the frame, so they overlap whatever was drawn. Only who does not hear c hears a.
    assert_eq!(received(&events), [(near_a, 1)]);
    assert_eq!(sniffed(&events).len(), 1);
    let stats = air.stats();
    assert_eq!((stats.transmitted, stats.overlapped, stats.collided), (2, 2, 2));
    assert!(!received(&events).iter().any(|(radio, _)| *radio == b));
}

#[test]
fn nodes_that_hear_each_other_take_turns() {
    let mut both = 0;
    for seed in 0..100 {
        let mut air = Air::new(AirConfig { seed, ..AirConfig::default() });
        let a = air.attach("a", 11);
        let b = air.attach("b", 11);
        let c = air.attach("c", 11);
        air.transmit(Instant::ZERO, a, psdu(1, 127), true).unwrap();
        air.transmit(Instant::ZERO, c, psdu(3, 127), true).unwrap();
        let events = run(&mut air);
        both += usize::from(received(&events).iter().filter(|(radio, _)| *radio == b).count() == 2);
    }
    // They collide only when both draw the same backoff or ones so near that the second listens during the turnaround.
    assert!((70..=98).contains(&both), "{both} of 100");
}

#[test]
fn the_sniffer_does_not_hear_what_collides() {
    let mut air = Air::new(AirConfig::default());
    let a = air.attach("a", 11);
    let b = air.attach("b", 11);
    let other = air.attach("other", 12);
    air.transmit(Instant::ZERO, a, psdu(1, 20), false).unwrap();
    air.transmit(Instant(100), b, psdu(2, 20), false).unwrap();
    air.transmit(Instant(100), other, psdu(3, 20), false).unwrap();
    let events = run(&mut air);
    assert_eq!(sniffed(&events), [(100, 3)]);
    assert_eq!(done(&events).len(), 3);
    assert_eq!(air.stats().sniffer_collided, 2);
}

#[test]
fn frames_that_touch_do_not_collide() {
    let mut air = Air::new(AirConfig::default());
    let a = air.attach("a", 11);
    let b = air.attach("b", 11);
    let c = air.attach("c", 11);
    air.transmit(Instant(0), a, psdu(1, 14), false).unwrap();
    air.transmit(Instant(640), b, psdu(2, 14), false).unwrap();
    assert_eq!(received(&run(&mut air)), [(b, 1), (c, 1), (a, 2), (c, 2)]);
}

#[test]
fn a_radio_that_sends_hears_nothing() {
    // The frames overlap by one octet; neither hears the other, though nobody else is there to collide with.
    let mut air = Air::new(AirConfig::default());
    let a = air.attach("a", 11);
    let b = air.attach("b", 11);
    air.transmit(Instant(0), a, psdu(1, 14), false).unwrap();
    air.transmit(Instant(640 - 32), b, psdu(2, 14), false).unwrap();
    let events = run(&mut air);
    assert_eq!(received(&events), []);
    assert_eq!(air.stats().deaf, 2);
}

#[test]
fn a_frame_inside_an_own_longer_one_is_missed() {
    let mut air = Air::new(out_of_range(&[("a", "sniffer")]));
    let a = air.attach("a", 11);
    let b = air.attach("b", 11);
    air.transmit(Instant(0), a, psdu(1, 127), false).unwrap();
    air.transmit(Instant(1_000), b, psdu(2, 5), false).unwrap();
    let events = run(&mut air);
    assert_eq!(received(&events), []);
    assert_eq!(sniffed(&events), [(1_000, 2)]);
}

fn losses(seed: u64, p: f64) -> Vec<(RadioId, u8)> {
    let mut air = Air::new(AirConfig { seed, default_loss: p, ..AirConfig::default() });
    let a = air.attach("a", 11);
    air.attach("b", 11);
    for n in 0..10_000u32 {
        air.transmit(Instant::ZERO, a, psdu(n as u8, 5), false).unwrap();
    }
    let events = run(&mut air);
    assert_eq!(sniffed(&events).len(), 10_000, "the sniffer is perfect unless told otherwise");
    assert_eq!(air.stats().lost + air.stats().received, 10_000);
    received(&events)
}

#[rstest]
#[case(0.0, 10_000..=10_000)]
#[case(0.05, 9_400..=9_600)]
#[case(0.5, 4_800..=5_200)]
#[case(1.0, 0..=0)]
#[case::out_of_bounds(7.0, 0..=0)]
#[case::not_a_number(f64::NAN, 10_000..=10_000)]
fn about_p_of_the_frames_are_lost(#[case] p: f64, #[case] expected: std::ops::RangeInclusive<usize>) {
    let got = losses(1, p);
    assert!(expected.contains(&got.len()), "{} received", got.len());
    assert_eq!(got, losses(1, p), "the same seed gives the same losses");
    if p > 0.0 && p < 1.0 {
        assert_ne!(got, losses(2, p), "another seed gives others");
    }
}

#[test]
fn loss_is_per_direction_and_can_change() {
    let mut config = AirConfig::default();
    let lossy = Link { loss: Some(1.0), rssi_dbm: -91, lqi: 40 };
    config.links.insert(("a".to_owned(), "b".to_owned()), Some(lossy));
    let mut air = Air::new(config);
    let a = air.attach("a", 11);
    let b = air.attach("b", 11);
    air.transmit(Instant(0), a, psdu(1, 5), false).unwrap();
    air.transmit(Instant(10_000), b, psdu(2, 5), false).unwrap();
    assert_eq!(received(&run(&mut air)), [(a, 2)]);
    air.set_loss(a, b, 0.0);
    air.set_default_loss(1.0);
    air.transmit(Instant(20_000), a, psdu(3, 5), false).unwrap();
    air.transmit(Instant(30_000), b, psdu(4, 5), false).unwrap();
    let events = run(&mut air);
    assert_eq!(received(&events), [(b, 3)]);
    let strength = events.iter().find_map(|(_, event)| match event {
        AirEvent::Received { rssi_dbm, lqi, .. } => Some((*rssi_dbm, *lqi)),
        _ => None,
    });
    assert_eq!(strength, Some((-91, 40)), "a change of loss keeps the rest of the link");
}

#[test]
fn the_sniffer_can_miss_frames_that_radios_receive() {
    let mut air = Air::new(AirConfig { sniffer_loss: 1.0, ..AirConfig::default() });
    let a = air.attach("a", 11);
    let b = air.attach("b", 11);
    air.transmit(Instant(0), a, psdu(1, 5), false).unwrap();
    let events = run(&mut air);
    assert_eq!((sniffed(&events), received(&events)), (vec![], vec![(b, 1)]));
    air.set_sniffer_loss(0.0);
    air.set_link(b, RadioId::SNIFFER, None);
    air.transmit(Instant(10_000), a, psdu(2, 5), false).unwrap();
    air.transmit(Instant(20_000), b, psdu(3, 5), false).unwrap();
    assert_eq!(sniffed(&run(&mut air)), [(10_000, 2)]);
    assert_eq!(air.stats().sniffer_lost, 1);
}

#[test]
fn only_who_listens_from_the_start_receives() {
    let mut air = Air::new(AirConfig::default());
    let a = air.attach("a", 11);
    let off = air.attach("off", 11);
    let switched = air.attach("switched", 11);
    let retuned = air.attach("retuned", 12);
    air.attach("elsewhere", 12);
    let steady = air.attach("steady", 11);
    air.set_receiver(off, false);
    air.transmit(Instant(0), a, psdu(1, 100), false).unwrap();
    air.poll(Instant(1_000));
    air.set_receiver(switched, false);
    air.set_receiver(switched, true);
    air.set_receiver(steady, true);
    air.set_channel(retuned, 11);
    air.set_channel(RadioId::SNIFFER, 12);
    let late = air.attach("late", 11);
    let events = run(&mut air);
    assert_eq!(received(&events), [(steady, 1)]);
    assert_eq!(sniffed(&events), [(0, 1)], "the sniffer is tuned to all channels");
    air.transmit(Instant(10_000), a, psdu(2, 100), false).unwrap();
    assert_eq!(received(&run(&mut air)), [(switched, 2), (retuned, 2), (steady, 2), (late, 2)]);
}

#[test]
fn a_radio_that_vanishes_takes_its_frames_with_it() {
    let mut air = Air::new(AirConfig::default());
    let a = air.attach("a", 11);
    let b = air.attach("b", 11);
    air.transmit(Instant(0), a, psdu(1, 100), false).unwrap();
    air.transmit(Instant(0), a, psdu(2, 100), true).unwrap();
    air.transmit(Instant(0), b, psdu(3, 5), true).unwrap();
    air.poll(Instant(1_000));
    air.detach(a);
    let events = run(&mut air);
    assert_eq!(received(&events), []);
    assert_eq!(done(&events).len(), 1, "nothing is told to a radio that is gone");
    let (start, tag) = sniffed(&events)[0];
    assert_eq!(tag, 3);
    assert!(start > 106 * 32, "the channel was busy to the end of the frame cut short");
    air.detach(RadioId::SNIFFER);
    air.transmit(Instant(50_000), b, psdu(4, 5), true).unwrap();
    assert_eq!(sniffed(&run(&mut air)).len(), 1, "the sniffer stays");
}

#[test]
fn the_fcs_is_sent_as_given_and_judged_by_the_sniffer() {
    let mut air = Air::new(AirConfig::default());
    let a = air.attach("a", 26);
    air.transmit(Instant(0), a, vec![0x02, 0x00, 0x6a, 0xe4, 0x79], false).unwrap();
    air.transmit(Instant(0), a, vec![0x02, 0x00, 0x6a, 0xe4, 0x78], false).unwrap();
    let judged: Vec<_> = run(&mut air)
        .into_iter()
        .filter_map(|(_, event)| match event {
            AirEvent::Sniffed(frame) => Some((frame.channel, frame.fcs_ok)),
            _ => None,
        })
        .collect();
    assert_eq!(judged, [(26, true), (26, false)]);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let events = |seed| {
        let mut air = Air::new(AirConfig { seed, default_loss: 0.2, ..out_of_range(&[("a", "c")]) });
        let radios = ["a", "b", "c"].map(|name| air.attach(name, 11));
        for n in 0..300u64 {
            let radio = radios[n as usize % 3];
            air.transmit(Instant(n * 2_000), radio, psdu(n as u8, 20 + n as usize % 100), n % 7 != 0).unwrap();
        }
        (run(&mut air), air.stats())
    };
    assert_eq!(events(7), events(7));
    assert_ne!(events(7), events(8));
}
