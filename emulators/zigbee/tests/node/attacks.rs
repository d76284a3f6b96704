//! What a stranger with a radio can do: nothing, but be noticed.

use crate::medium::*;
use hanrig_wire::dissect::{Dissector, KeyRing};
use hanrig_wire::mac::{self, Address, FrameType, MacCommand, MacFrame, MacHeader};
use hanrig_wire::time::Duration;
use hanrig_zigbee::{Event, RejectReason};

/// The reasons for which a node rejected frames.
fn rejected(medium: &mut Medium<'_>, at: usize) -> Vec<RejectReason> {
    let told = medium.take_events(at).into_iter();
    told.filter_map(|e| if let Event::Rejected(r) = e { Some(r.reason) } else { None }).collect()
}

/// The data frame of the last message that the PPMID sent.
fn last_data_frame(medium: &Medium<'_>) -> Vec<u8> {
    let is_data = |octets: &[u8]| octets.len() > 60 && MacFrame::parse(octets).is_ok();
    medium.captured.iter().rev().find(|(_, octets)| is_data(octets)).expect("one was sent").1.clone()
}

fn with_fcs(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame[..frame.len() - 2].to_vec();
    mac::append_fcs(&mut frame);
    frame
}

#[test]
fn a_replayed_frame_is_rejected_and_told() {
    let mut medium = Medium::joined();
    assert_eq!(medium.send(P, message(HUB, vec![1; 40])), Ok(()));
    let frame = last_data_frame(&medium);
    medium.run(Duration::from_secs(1));
    medium.take_events(H);
    medium.inject(&frame);
    assert_eq!(rejected(&mut medium, H), [RejectReason::NwkReplay]);
    assert_eq!(medium.node(H).counters().rejected, 1);
}

#[test]
fn a_changed_octet_anywhere_behind_the_mac_header_is_noticed() {
    let mut medium = Medium::joined();
    assert_eq!(medium.send(P, message(HUB, vec![1; 40])), Ok(()));
    let frame = last_data_frame(&medium);
    medium.take_events(H);
    for at in 9..frame.len() - 2 {
        let mut forged = frame.clone();
        forged[at] ^= 0x10;
        medium.inject(&with_fcs(&forged));
        medium.run(Duration::from_secs(1));
        let told = medium.take_events(H);
        assert!(!told.iter().any(|e| matches!(e, Event::Data(_))), "octet {at}");
    }
    // With a counter that is fresh the message integrity code is what stands.
    let mut forged = frame;
    forged[9 + 8 + 1] = forged[9 + 8 + 1].wrapping_add(100);
    medium.inject(&with_fcs(&forged));
    assert_eq!(rejected(&mut medium, H), [RejectReason::NwkBadMic]);
    assert_eq!(medium.send(P, message(HUB, vec![2])), Ok(()), "and the device is heard as before");
}

#[test]
fn frames_without_security_or_of_strangers_are_rejected() {
    let mut medium = Medium::joined();
    assert_eq!(medium.send(P, message(HUB, vec![1; 40])), Ok(()));
    let frame = last_data_frame(&medium);
    medium.run(Duration::from_secs(1));
    medium.take_events(H);
    let mut unsecured = frame.clone();
    unsecured[10] &= !0x02;
    medium.inject(&with_fcs(&unsecured));
    assert_eq!(rejected(&mut medium, H), [RejectReason::NwkUnsecured]);
    let mut stranger = frame.clone();
    stranger[9 + 8 + 5] ^= 0xFF;
    medium.inject(&with_fcs(&stranger));
    assert_eq!(rejected(&mut medium, H), [RejectReason::UnknownDevice]);
    let mut other_key = frame;
    other_key[9 + 8 + 13] = 9;
    medium.inject(&with_fcs(&other_key));
    assert_eq!(rejected(&mut medium, H), [RejectReason::NwkUnknownKey]);
}

#[test]
fn a_replayed_network_key_does_not_move_a_joined_device() {
    let mut medium = Medium::joined();
    let mut keys = KeyRing::new();
    keys.add_link_key(LINK_KEY, PPMID, None);
    let mut dissector = Dissector::new(keys);
    let transport = medium
        .captured
        .iter()
        .find(|(_, frame)| dissector.dissect(frame).aps.is_some_and(|aps| aps.command.is_some()))
        .expect("the network key was sent")
        .1
        .clone();
    medium.inject(&transport);
    assert_eq!(rejected(&mut medium, P), [RejectReason::NwkUnsecured]);
    assert!(medium.node(P).is_joined());
}

#[test]
fn a_forged_association_request_changes_nothing_for_a_joined_device() {
    let mut medium = Medium::joined();
    let short = medium.node(H).short_of(PPMID);
    let mut forged = Vec::new();
    MacHeader::within(FrameType::Command, 1, 0x1A62, Address::Short(0), Address::Extended(PPMID)).emit(&mut forged);
    MacCommand::AssociationRequest(mac::Capability::END_DEVICE_RX_ON).emit(&mut forged);
    mac::append_fcs(&mut forged);
    medium.inject(&forged);
    medium.run(Duration::from_secs(20));
    assert_eq!(medium.node(H).short_of(PPMID), short);
    assert_eq!(medium.send(H, message(PPMID, vec![1])), Ok(()));
    assert!(medium.take_events(H).iter().all(|e| !matches!(e, Event::DeviceLeft { .. })));
}

#[test]
fn a_flood_of_forgeries_is_counted_without_filling_the_memory() {
    let mut medium = Medium::joined();
    assert_eq!(medium.send(P, message(HUB, vec![1; 40])), Ok(()));
    let frame = last_data_frame(&medium);
    let now = medium.now;
    for n in 0..10_000u32 {
        let mut forged = frame.clone();
        forged[19..23].copy_from_slice(&(n + 100_000).to_le_bytes());
        medium.node(H).on_frame(now, &with_fcs(&forged), 1);
    }
    assert_eq!(medium.node(H).counters().rejected, 10_000);
    let mut events = 0;
    while medium.node(H).take_event().is_some() {
        events += 1;
    }
    assert!(events <= 300, "{events}");
}
