//! What the tests of the medium share.

use hanrig_air::{Air, AirConfig, AirEvent, Link, RadioId, TransmitId, TransmitResult};
use hanrig_wire::time::Instant;

/// A frame of `octets` octets that begins with `tag`, so that it can be told from others.
pub(crate) fn psdu(tag: u8, octets: usize) -> Vec<u8> {
    let mut psdu = vec![0x55; octets];
    psdu[0] = tag;
    psdu
}

/// Lets time pass until nothing is left to do.
pub(crate) fn run(air: &mut Air) -> Vec<(Instant, AirEvent)> {
    let mut events = Vec::new();
    let mut last = Instant::ZERO;
    while let Some(at) = air.poll_at() {
        assert!(at >= last, "time went backwards");
        last = at;
        air.poll(at);
        events.extend(std::iter::from_fn(|| air.take_event()).map(|event| (at, event)));
    }
    events
}

/// Who received what: (receiver, tag).
pub(crate) fn received(events: &[(Instant, AirEvent)]) -> Vec<(RadioId, u8)> {
    let one = |(_, event): &(Instant, AirEvent)| match event {
        AirEvent::Received { radio, psdu, .. } => Some((*radio, psdu[0])),
        _ => None,
    };
    events.iter().filter_map(one).collect()
}

/// What was sniffed: (start in microseconds, tag).
pub(crate) fn sniffed(events: &[(Instant, AirEvent)]) -> Vec<(u64, u8)> {
    let one = |(_, event): &(Instant, AirEvent)| match event {
        AirEvent::Sniffed(frame) => Some((frame.at.as_micros(), frame.psdu[0])),
        _ => None,
    };
    events.iter().filter_map(one).collect()
}

/// How transmissions ended, in the order of their ends.
pub(crate) fn done(events: &[(Instant, AirEvent)]) -> Vec<(Instant, TransmitId, TransmitResult)> {
    let one = |(at, event): &(Instant, AirEvent)| match event {
        AirEvent::TransmitDone { id, result, .. } => Some((*at, *id, *result)),
        _ => None,
    };
    events.iter().filter_map(one).collect()
}

/// A set-up with the pairs named, in both directions, out of range of each other.
pub(crate) fn out_of_range(pairs: &[(&str, &str)]) -> AirConfig {
    let mut config = AirConfig::default();
    for (a, b) in pairs {
        config.links.insert(((*a).to_owned(), (*b).to_owned()), None::<Link>);
        config.links.insert(((*b).to_owned(), (*a).to_owned()), None::<Link>);
    }
    config
}
