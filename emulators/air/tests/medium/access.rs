//! Getting a frame onto the air: airtime, CSMA-CA, queues.

use crate::rig::{done, out_of_range, psdu, received, run, sniffed};
use hanrig_air::{Air, AirConfig, Csma, Phy, RadioId, TransmitError, TransmitResult};
use hanrig_wire::time::{Duration, Instant};
use proptest::prelude::*;
use rstest::rstest;
use std::collections::BTreeMap;

#[test]
fn a_frame_without_csma_starts_at_once() {
    let mut air = Air::new(AirConfig::default());
    let a = air.attach("a", 11);
    let b = air.attach("b", 11);
    let id = air.transmit(Instant(1_000), a, psdu(1, 5), false).unwrap();
    let events = run(&mut air);
    assert_eq!(sniffed(&events), [(1_000, 1)]);
    assert_eq!(received(&events), [(b, 1)]);
    assert_eq!(done(&events), [(Instant(1_352), id, TransmitResult::Sent)]);
}

#[test]
fn an_acknowledgement_goes_before_a_frame_that_is_turning_around() {
    let csma = Csma { min_be: 0, max_be: 0, max_csma_backoffs: 0 };
    let mut air = Air::new(AirConfig { csma, ..AirConfig::default() });
    let a = air.attach("a", 11);
    // Clear channel assessment to 128, turnaround to 320.
    air.transmit(Instant::ZERO, a, psdu(1, 20), true).unwrap();
    air.poll(Instant(200));
    air.transmit(Instant(200), a, psdu(101, 5), false).unwrap();
    assert_eq!(sniffed(&run(&mut air)), [(200, 101), (552 + 320, 1)]);
}

#[test]
fn an_idle_channel_costs_backoff_cca_and_turnaround() {
    let mut backoffs = BTreeMap::<u64, u32>::new();
    for seed in 0..400 {
        let mut air = Air::new(AirConfig { seed, ..AirConfig::default() });
        let a = air.attach("a", 11);
        air.transmit(Instant::ZERO, a, psdu(1, 127), true).unwrap();
        let (start, _) = sniffed(&run(&mut air))[0];
        let backoff = start - 128 - 192;
        assert_eq!(backoff % 320, 0);
        *backoffs.entry(backoff / 320).or_default() += 1;
    }
    // macMinBE 3: 0 to 7 unit backoff periods, all about as often.
    assert_eq!(backoffs.keys().copied().collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
    assert!(backoffs.values().all(|n| (25..=80).contains(n)), "{backoffs:?}");
}

#[test]
fn another_phy_takes_other_times() {
    let phy = Phy { octet_time: Duration::from_micros(80), header_octets: 8, ..Phy::O_QPSK_2450 };
    let mut air = Air::new(AirConfig { phy, ..AirConfig::default() });
    let a = air.attach("a", 1);
    air.transmit(Instant::ZERO, a, psdu(1, 12), false).unwrap();
    assert_eq!(done(&run(&mut air))[0].0, Instant(20 * 80));
}

#[rstest]
#[case::empty(0)]
#[case::too_short(2)]
#[case::too_long(128)]
fn a_length_that_no_frame_has_is_refused(#[case] octets: usize) {
    let mut air = Air::new(AirConfig::default());
    let a = air.attach("a", 11);
    let refused = air.transmit(Instant::ZERO, a, vec![0; octets], true);
    assert_eq!(refused, Err(TransmitError::Length { octets }));
    assert_eq!(air.poll_at(), None);
}

#[test]
fn errors_say_what_was_expected() {
    let mut air = Air::new(AirConfig::default());
    let a = air.attach("a", 11);
    let text = |refused: Result<_, TransmitError>| refused.unwrap_err().to_string();
    let long = air.transmit(Instant::ZERO, a, vec![0; 128], true);
    insta::assert_snapshot!(text(long), @"a PSDU of 128 octets, expected 3 to 127 with the FCS");
    air.detach(a);
    let gone = air.transmit(Instant::ZERO, a, vec![0; 12], true);
    insta::assert_snapshot!(text(gone), @"radio 1 is not attached");
    assert!(air.transmit(Instant::ZERO, RadioId::SNIFFER, vec![0; 12], true).is_err());
}

#[test]
fn frames_wait_in_order_and_acknowledgements_go_ahead() {
    let mut air = Air::new(AirConfig::default());
    let a = air.attach("a", 11);
    let b = air.attach("b", 11);
    for tag in [1, 2, 3] {
        air.transmit(Instant::ZERO, a, psdu(tag, 60), true).unwrap();
    }
    // Asked for while the first backs off: first on the air. Asked for when a frame has just ended: next.
    air.transmit(Instant::ZERO, a, psdu(101, 5), false).unwrap();
    let mut order = Vec::new();
    while let Some(at) = air.poll_at() {
        air.poll(at);
        while let Some(event) = air.take_event() {
            if let hanrig_air::AirEvent::Received { radio, psdu, .. } = event {
                assert_eq!(radio, b);
                order.push(psdu[0]);
                if psdu[0] == 1 {
                    air.transmit(at, a, vec![102; 5], false).unwrap();
                }
            }
        }
    }
    assert_eq!(order, [101, 1, 102, 2, 3]);
    assert_eq!(air.stats().collided, 0);
}

#[test]
fn a_jammed_channel_fails_csma_and_only_there() {
    let mut air = Air::new(AirConfig::default());
    let jammer = air.attach("jammer", 11);
    let a = air.attach("a", 11);
    let b = air.attach("b", 12);
    for _ in 0..40 {
        air.transmit(Instant::ZERO, jammer, psdu(9, 127), false).unwrap();
    }
    let failing = air.transmit(Instant(1_000), a, psdu(1, 50), true).unwrap();
    let passing = air.transmit(Instant(1_000), b, psdu(2, 50), true).unwrap();
    let ends = done(&run(&mut air));
    assert!(ends.iter().any(|(_, id, result)| *id == failing && *result == TransmitResult::ChannelAccessFailure));
    assert!(ends.iter().any(|(_, id, result)| *id == passing && *result == TransmitResult::Sent));
    let stats = air.stats();
    assert_eq!((stats.channel_access_failures, stats.cca_busy), (1, 5));
    assert_eq!(stats.transmitted, 41);
}

#[test]
fn csma_gives_up_after_as_many_tries_as_set() {
    let csma = Csma { min_be: 0, max_be: 0, max_csma_backoffs: 0 };
    let mut air = Air::new(AirConfig { csma, ..AirConfig::default() });
    let a = air.attach("a", 11);
    let b = air.attach("b", 11);
    air.transmit(Instant::ZERO, a, psdu(1, 127), false).unwrap();
    air.transmit(Instant(500), b, psdu(2, 20), true).unwrap();
    let ends = done(&run(&mut air));
    assert_eq!((ends[0].0, ends[0].2), (Instant(628), TransmitResult::ChannelAccessFailure));
}

#[test]
fn a_station_out_of_range_does_not_keep_the_channel_busy() {
    let mut air = Air::new(out_of_range(&[("a", "b")]));
    let a = air.attach("a", 11);
    let b = air.attach("b", 11);
    for _ in 0..40 {
        air.transmit(Instant::ZERO, a, psdu(1, 127), false).unwrap();
    }
    air.transmit(Instant(1_000), b, psdu(2, 20), true).unwrap();
    run(&mut air);
    assert_eq!(air.stats().cca_busy, 0);
}

/// A request to transmit: time, radio, length, with CSMA-CA.
type Request = (u64, usize, usize, bool);

proptest! {
    /// No frame goes by CSMA-CA while one that its sender hears has begun before the end of the clear channel assessment.
    #[test]
    fn csma_respects_what_it_hears(
        seed: u64,
        hidden in proptest::collection::vec((0usize..4, 0usize..4), 0..4),
        mut requests in proptest::collection::vec((0u64..60_000, 0usize..4, 3usize..=127, prop::bool::weighted(0.8)), 1..60),
    ) {
        requests.sort_unstable();
        let names = ["a", "b", "c", "d"];
        let pairs: Vec<_> = hidden.iter().map(|(x, y)| (names[*x], names[*y])).collect();
        let mut air = Air::new(AirConfig { seed, ..out_of_range(&pairs) });
        let radios = names.map(|name| air.attach(name, 20));
        let mut asked = BTreeMap::<_, Request>::new();
        let mut events = Vec::new();
        for request @ (at, radio, octets, csma) in requests {
            while let Some(next) = air.poll_at().filter(|next| next.as_micros() <= at) {
                air.poll(next);
                events.extend(std::iter::from_fn(|| air.take_event()).map(|event| (next, event)));
            }
            asked.insert(air.transmit(Instant(at), radios[radio], psdu(0, octets), csma).unwrap(), request);
        }
        events.extend(run(&mut air));
        let ends = done(&events);
        prop_assert_eq!(ends.len(), asked.len());
        let on_air: Vec<_> = ends
            .iter()
            .filter(|(_, _, result)| *result == TransmitResult::Sent)
            .map(|(end, id, _)| {
                let (_, radio, octets, csma) = asked[id];
                let end = end.as_micros();
                (end - (octets as u64 + 6) * 32, end, radio, csma)
            })
            .collect();
        for (i, (start, end, radio, csma)) in on_air.iter().enumerate() {
            let (cca_start, cca_end) = (start.saturating_sub(192 + 128), start.saturating_sub(192));
            for (j, (other_start, other_end, other, _)) in on_air.iter().enumerate() {
                if i == j {
                    continue;
                }
                if radio == other {
                    prop_assert!(end <= other_start || other_end <= start, "two frames of one radio at once");
                } else if *csma && air.link(radios[*other], radios[*radio]).is_some() {
                    prop_assert!(*other_start >= cca_end || *other_end <= cca_start, "sent over a frame it had heard");
                }
            }
        }
    }
}
