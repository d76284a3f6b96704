//! Joining, power cycles, rejoining, leaving.

use crate::medium::*;
use hanrig_wire::time::Duration;
use hanrig_wire::types::{Eui64, Key128};
use hanrig_zigbee::{Event, JoinError, Node, NodeConfig, PersistentState, RejectReason, Role};

fn has(events: &[Event], wanted: impl Fn(&Event) -> bool) -> bool {
    events.iter().any(wanted)
}

#[test]
fn a_permitted_device_joins_and_both_are_told() {
    let mut medium = Medium::pair();
    medium.run(Duration::from_secs(5));
    let short = medium.node(P).short_address().expect("joined");
    assert!(has(&medium.take_events(P), |e| *e == Event::NetworkUp { short }));
    let told = medium.take_events(H);
    assert!(has(&told, |e| *e == Event::NetworkUp { short: 0 }));
    let joined: Vec<_> = told.iter().filter(|e| matches!(e, Event::DeviceJoined { .. })).collect();
    assert_eq!(joined, [&Event::DeviceJoined { eui: PPMID, short }], "once");
    assert!(!has(&told, |e| matches!(e, Event::Rejected(_))), "{told:?}");
    assert_eq!(medium.node(P).short_of(HUB), Some(0));
}

#[test]
fn a_device_that_is_not_permitted_is_denied() {
    let mut medium = Medium::new();
    medium.add(Node::new(hub_config(), None));
    medium.node(H).permit(Eui64(0xABCD), LINK_KEY);
    medium.add(Node::new(ppmid_config(), None));
    medium.run(Duration::from_secs(5));
    assert!(!medium.node(P).is_joined());
    assert!(has(&medium.take_events(P), |e| *e == Event::JoinFailed(JoinError::AccessDenied)));
    assert!(has(&medium.take_events(H), |e| matches!(
        e,
        Event::Rejected(r) if r.reason == RejectReason::NotPermitted && r.source == Some(PPMID)
    )));
}

#[test]
fn a_wrong_link_key_never_joins() {
    let mut medium = Medium::new();
    medium.add(Node::new(hub_config(), None));
    medium.node(H).permit(PPMID, Key128([0x55; 16]));
    medium.add(Node::new(ppmid_config(), None));
    medium.run(Duration::from_secs(60));
    assert!(!medium.node(P).is_joined());
    let told = medium.take_events(P);
    assert!(has(&told, |e| *e == Event::JoinFailed(JoinError::NoNetworkKey)));
    assert!(has(&told, |e| matches!(e, Event::Rejected(r) if r.reason == RejectReason::ApsBadMic)));
    assert!(!has(&medium.take_events(H), |e| matches!(e, Event::DeviceJoined { .. })));
}

#[test]
fn without_a_network_a_device_keeps_looking() {
    let mut medium = Medium::new();
    medium.add(Node::new(ppmid_config(), None));
    medium.run(Duration::from_secs(600));
    let failures = medium.take_events(0).iter().filter(|e| **e == Event::JoinFailed(JoinError::NoNetwork)).count();
    assert!((8..30).contains(&failures), "{failures}");
}

#[test]
fn joining_survives_heavy_loss() {
    for seed in 0..20u32 {
        let mut medium = Medium::pair();
        let mut random = seed;
        medium.reaches = Box::new(move |_, _, _| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            random >> 24 >= 77 // 30 % lost
        });
        medium.run_until(|m| m.node(P).is_joined());
    }
}

fn restart(medium: &mut Medium<'_>, at: usize, config: NodeConfig) -> PersistentState {
    let stored = medium.power_off(at);
    medium.run(Duration::from_millis(100));
    medium.power_on(at, Node::new(config, Some(stored.clone())));
    stored
}

#[test]
fn a_device_resumes_after_a_power_cycle_without_joining_again() {
    let mut medium = Medium::joined();
    let short = medium.node(P).short_address();
    let frames = medium.captured.len();
    restart(&mut medium, P, ppmid_config());
    assert!(!medium.node(P).is_joined(), "not before it was answered");
    medium.run(Duration::from_secs(1));
    assert_eq!(medium.node(P).short_address(), short);
    assert!(has(&medium.take_events(H), |e| matches!(e, Event::DeviceJoined { eui: PPMID, .. })));
    assert!(medium.captured.len() - frames < 12, "announcement and question only");
    assert_eq!(medium.send(P, message(HUB, vec![1, 2, 3])), Ok(()));
    assert_eq!(medium.take_data(H).len(), 1);
}

#[test]
fn a_hub_keeps_network_and_devices_over_a_power_cycle() {
    let mut medium = Medium::joined();
    restart(&mut medium, H, hub_config());
    medium.take_events(H);
    assert_eq!(medium.send(H, message(PPMID, vec![7])), Ok(()));
    assert_eq!(medium.send(P, message(HUB, vec![8])), Ok(()));
    assert_eq!(medium.take_data(H).len(), 1);
}

#[test]
fn stored_state_survives_serialisation() {
    let mut medium = Medium::joined();
    let state = medium.node(H).persistent_state();
    let octets = postcard::to_allocvec(&state).expect("serialises");
    assert_eq!(postcard::from_bytes::<PersistentState>(&octets).expect("deserialises"), state);
}

#[test]
fn no_frame_counter_is_used_twice_over_power_cycles() {
    let mut medium = Medium::joined();
    let mut stored = medium.node(P).persistent_state();
    for _ in 0..3 {
        // Power fails without warning: what is restored is what the last event asked to store.
        for n in 0..40 {
            assert_eq!(medium.send(P, message(HUB, vec![n])), Ok(()));
            if has(&medium.take_events(P), |e| *e == Event::PersistNeeded) {
                stored = medium.node(P).persistent_state();
            }
        }
        medium.power_off(P);
        medium.power_on(P, Node::new(ppmid_config(), Some(stored.clone())));
        stored = medium.node(P).persistent_state();
        medium.run(Duration::from_secs(1));
        medium.take_events(P);
    }
    let rejected = has(&medium.take_events(H), |e| matches!(e, Event::Rejected(_)));
    assert!(!rejected);
}

#[test]
fn a_device_whose_hub_was_away_rejoins() {
    let mut medium = Medium::joined();
    let stored = medium.power_off(H);
    for _ in 0..2 {
        assert!(medium.send(P, message(HUB, vec![1])).is_err());
    }
    medium.run(Duration::from_secs(20));
    assert!(!medium.node(P).is_joined());
    assert!(has(&medium.take_events(P), |e| *e == Event::NetworkDown { told_to_leave: false }));
    medium.power_on(H, Node::new(hub_config(), Some(stored)));
    medium.run(Duration::from_secs(120));
    assert!(medium.node(P).is_joined());
    assert_eq!(medium.send(P, message(HUB, vec![1])), Ok(()));
}

#[test]
fn a_hub_on_another_channel_is_found_by_rejoining() {
    let mut medium = Medium::joined();
    let mut stored = medium.power_off(H);
    let network = stored.network.as_mut().expect("formed");
    network.channel = 20;
    network.pan_id = 0x7777;
    medium.power_on(H, Node::new(hub_config(), Some(stored)));
    restart(&mut medium, P, ppmid_config());
    medium.run(Duration::from_secs(60));
    assert!(medium.node(P).is_joined());
    assert_eq!(medium.node(P).channel(), 20);
    assert_eq!(medium.send(P, message(HUB, vec![1])), Ok(()));
}

#[test]
fn a_replaced_network_is_joined_anew() {
    let mut medium = Medium::joined();
    let stored = medium.power_off(H);
    let mut config = hub_config();
    config.role = Role::Coordinator { channel: 11, pan_id: 0x2222, extended_pan_id: 9, network_key: Key128([9; 16]) };
    // The same trust centre with another network: its APS counter goes on.
    let stored = PersistentState { network: None, peers: Vec::new(), ..stored };
    medium.power_on(H, Node::new(config, Some(stored)));
    medium.node(H).permit(PPMID, LINK_KEY);
    restart(&mut medium, P, ppmid_config());
    medium.run_until(|m| m.node(P).is_joined());
    assert_eq!(medium.send(H, message(PPMID, vec![1])), Ok(()));
}

#[test]
fn a_device_that_is_forgotten_leaves_and_may_be_permitted_again() {
    let mut medium = Medium::joined();
    medium.node(H).forget(PPMID);
    medium.run(Duration::from_secs(1));
    assert!(has(&medium.take_events(H), |e| *e == Event::DeviceLeft { eui: PPMID }));
    assert!(has(&medium.take_events(P), |e| *e == Event::NetworkDown { told_to_leave: true }));
    assert!(!medium.node(P).is_joined());
    medium.node(H).permit(PPMID, LINK_KEY);
    let now = medium.now;
    medium.node(P).start(now);
    medium.run_until(|m| m.node(P).is_joined());
}

#[test]
fn two_devices_have_different_short_addresses() {
    let mut medium = Medium::pair();
    let other = Eui64(0x00DB_0000_0000_00CC);
    medium.node(H).permit(other, Key128([3; 16]));
    let at = medium.add(Node::new(
        NodeConfig {
            eui64: other,
            role: Role::EndDevice { link_key: Key128([3; 16]), channels: vec![CHANNEL] },
            seed: [3; 32],
            ..ppmid_config()
        },
        None,
    ));
    medium.run(Duration::from_secs(5));
    let shorts = [P, at].map(|n| medium.node(n).short_address().expect("joined"));
    assert_ne!(shorts[0], shorts[1]);
    assert!(!shorts.contains(&0));
    let refused = medium.send(P, message(other, vec![1]));
    assert!(refused.is_err(), "a star: devices speak with the hub only");
}
