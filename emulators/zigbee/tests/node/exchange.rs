//! Messages: acknowledged, fragmented, broadcast; discovery; what does not get through.

use crate::medium::*;
use hanrig_wire::dissect::{Dissector, KeyRing};
use hanrig_wire::mac::MAX_FRAME;
use hanrig_wire::time::Duration;
use hanrig_zigbee::{Destination, Event, Outgoing, SendError};
use rstest::rstest;

fn octets(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i * 7 + i / 256) as u8).collect()
}

#[rstest]
fn a_message_arrives_once_with_all_its_octets(
    #[values(0, 1, 73, 74, 130, 256, 257, 1500, 16320)] length: usize,
    #[values(true, false)] link_key: bool,
) {
    let mut medium = Medium::joined();
    assert_eq!(medium.send(P, Outgoing { link_key, ..message(HUB, octets(length)) }), Ok(()));
    let arrived = medium.take_data(H);
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0].asdu, octets(length));
    assert_eq!(arrived[0].source, PPMID);
    assert_eq!((arrived[0].source_endpoint, arrived[0].destination_endpoint), (2, 1));
    assert_eq!(arrived[0].secured_with_link_key, link_key);
    assert!(!arrived[0].broadcast);
}

#[test]
fn an_image_block_response_of_50_octets_fits_one_frame() {
    let mut medium = Medium::joined();
    let before = medium.captured.len();
    // ZCL header, the fields of Image Block Response, 50 octets of image.
    assert_eq!(medium.send(H, Outgoing { aps_ack: false, ..message(PPMID, octets(3 + 14 + 50)) }), Ok(()));
    let sent = &medium.captured[before..];
    assert_eq!(sent.len(), 2, "the frame and its acknowledgement");
    assert_eq!(sent[0].1.len(), 3 + 14 + 50 + 54);
    assert!(sent[0].1.len() <= MAX_FRAME);
}

#[test]
fn messages_get_through_heavy_loss_exactly_once_and_in_whole() {
    for seed in 0..10u32 {
        let mut medium = Medium::joined();
        let mut random = seed;
        medium.reaches = Box::new(move |_, _, _| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            random >> 24 >= 51 // 20 % lost, acknowledgements too
        });
        for n in 0..20 {
            let asdu = octets(if n % 4 == 0 { 900 } else { 40 + n });
            let to_hub = n % 2 == 0;
            let (from, at, to) = if to_hub { (P, H, HUB) } else { (H, P, PPMID) };
            if medium.send(from, message(to, asdu.clone())).is_ok() {
                let arrived = medium.take_data(at);
                assert_eq!(arrived.len(), 1, "message {n}, seed {seed}");
                assert_eq!(arrived[0].asdu, asdu);
            }
            for at in [H, P] {
                let told = medium.take_events(at);
                assert!(!told.iter().any(|e| matches!(e, Event::Rejected(_))), "loss is not an attack: {told:?}");
            }
        }
        assert!(medium.node(P).counters().mac_retries > 0);
    }
}

#[test]
fn a_lost_acknowledgement_makes_a_mac_duplicate_that_nobody_sees() {
    let mut medium = Medium::joined();
    let mut lose = 1;
    medium.reaches = Box::new(move |_, octets, at| {
        let lost = octets.len() == 5 && at == P && lose > 0;
        lose -= i32::from(lost);
        !lost
    });
    assert_eq!(medium.send(P, Outgoing { aps_ack: false, ..message(HUB, octets(20)) }), Ok(()));
    assert_eq!(medium.take_data(H).len(), 1);
    assert_eq!(medium.node(H).counters().mac_duplicates, 1);
    assert_eq!(medium.node(H).counters().rejected, 0);
}

#[test]
fn a_lost_aps_acknowledgement_makes_an_aps_duplicate_that_nobody_sees() {
    let mut medium = Medium::joined();
    let until = medium.now + Duration::from_secs(1);
    medium.reaches = Box::new(move |now, octets, at| at == H || octets.len() == 5 || now > until);
    assert_eq!(medium.send(P, message(HUB, octets(20))), Ok(()));
    assert_eq!(medium.take_data(H).len(), 1);
    assert_eq!(medium.node(H).counters().aps_duplicates, 1);
}

#[rstest]
fn what_is_not_acknowledged_is_told(#[values(20, 200)] length: usize) {
    let mut medium = Medium::joined();
    medium.reaches = Box::new(|_, _, _| false);
    assert_eq!(medium.send(P, message(HUB, octets(length))), Err(SendError::NoMacAck));
    let mut medium = Medium::joined();
    medium.reaches = Box::new(|_, octets, at| at == H || octets.len() == 5);
    assert_eq!(medium.send(P, message(HUB, octets(length))), Err(SendError::NoAck));
}

#[test]
fn every_message_ends_with_one_result_even_when_the_queue_is_full() {
    let mut medium = Medium::joined();
    let now = medium.now;
    let handles: Vec<_> = (0..40).map(|n| medium.node(P).send(now, message(HUB, vec![n; 200]))).collect();
    medium.run(Duration::from_secs(30));
    let told = medium.take_events(P);
    for (n, handle) in handles.iter().enumerate() {
        let results: Vec<_> = told
            .iter()
            .filter_map(|e| match e {
                Event::Sent { handle: of, result } if of == handle => Some(*result),
                _ => None,
            })
            .collect();
        assert_eq!(results, [if n < 32 { Ok(()) } else { Err(SendError::QueueFull) }]);
    }
    assert_eq!(medium.take_data(H).len(), 32);
}

#[test]
fn more_than_256_messages_a_second_are_not_taken_for_duplicates() {
    let mut medium = Medium::joined();
    for n in 0..600u16 {
        assert_eq!(medium.send(P, Outgoing { aps_ack: false, ..message(HUB, n.to_le_bytes().to_vec()) }), Ok(()));
    }
    assert_eq!(medium.take_data(H).len(), 600);
}

#[rstest]
#[case::unknown_device(Outgoing { ..message(hanrig_wire::types::Eui64(1), vec![]) }, SendError::UnknownDestination)]
#[case::broadcast_with_link_key(message(Destination::BROADCAST, vec![]), SendError::NoLinkKey)]
#[case::long_broadcast(
    Outgoing { link_key: false, ..message(Destination::BROADCAST, vec![0; 100]) },
    SendError::TooLong
)]
#[case::too_long(message(PPMID, vec![0; 255 * 64 + 1]), SendError::TooLong)]
fn what_cannot_be_sent_is_told_at_once(#[case] outgoing: Outgoing, #[case] error: SendError) {
    let mut medium = Medium::joined();
    assert_eq!(medium.send(H, outgoing), Err(error));
}

#[test]
fn a_node_without_network_sends_nothing() {
    let mut medium = Medium::new();
    medium.add(hanrig_zigbee::Node::new(ppmid_config(), None));
    assert_eq!(medium.send(0, message(HUB, vec![])), Err(SendError::NotJoined));
}

#[test]
fn a_broadcast_reaches_the_others() {
    let mut medium = Medium::joined();
    let broadcast = Outgoing { link_key: false, ..message(Destination::BROADCAST, octets(30)) };
    assert_eq!(medium.send(H, broadcast), Ok(()));
    medium.run(Duration::from_millis(50));
    let arrived = medium.take_data(P);
    assert_eq!(arrived.len(), 1);
    assert!(arrived[0].broadcast && !arrived[0].secured_with_link_key);
}

#[test]
fn discovery_finds_the_server_and_tells_when_there_is_none() {
    let mut medium = Medium::joined();
    let now = medium.now;
    medium.node(P).discover(now, 0x0109, OTA, true);
    medium.node(P).discover(now, 0x0109, 0x0700, true);
    medium.run(Duration::from_secs(5));
    let told = medium.take_events(P);
    assert!(told.contains(&Event::Discovered {
        profile: 0x0109,
        cluster: OTA,
        eui: HUB,
        short: 0,
        endpoints: vec![1]
    }));
    assert!(told.contains(&Event::DiscoveryEnded { profile: 0x0109, cluster: OTA, found: 1 }));
    assert!(told.contains(&Event::DiscoveryEnded { profile: 0x0109, cluster: 0x0700, found: 0 }));
}

#[test]
fn discovery_is_repeated_when_the_broadcast_is_lost() {
    let mut medium = Medium::joined();
    let now = medium.now;
    let until = now + Duration::from_millis(1500);
    medium.reaches = Box::new(move |now, _, _| now > until);
    medium.node(P).discover(now, 0x0109, OTA, true);
    medium.run(Duration::from_secs(5));
    assert!(medium.take_events(P).contains(&Event::DiscoveryEnded { profile: 0x0109, cluster: OTA, found: 1 }));
}

#[test]
fn the_dissector_sees_every_message_that_was_sent() {
    let mut medium = Medium::joined();
    let lengths = [10, 500, 73, 1300, 74];
    for length in lengths {
        assert_eq!(medium.send(H, message(PPMID, octets(length))), Ok(()));
        assert_eq!(medium.send(P, message(HUB, octets(length + 1))), Ok(()));
    }
    // The link key is enough: the network key is learned from the joining.
    let mut keys = KeyRing::new();
    keys.add_link_key(LINK_KEY, PPMID, Some(HUB));
    let mut dissector = Dissector::new(keys);
    let mut seen = Vec::new();
    for (_, frame) in &medium.captured {
        let dissection = dissector.dissect(frame);
        assert_eq!(dissection.stopped, None);
        if let Some((addressing, asdu)) = dissection.message()
            && addressing.profile == 0x0109
        {
            assert_eq!(addressing.cluster, OTA);
            assert!(dissection.aps.is_some_and(|aps| aps.security.is_some()));
            seen.push((dissection.source, dissection.destination, asdu.to_vec()));
        }
    }
    let expected: Vec<_> = lengths
        .iter()
        .flat_map(|n| [(Some(HUB), Some(PPMID), octets(*n)), (Some(PPMID), Some(HUB), octets(n + 1))])
        .collect();
    assert_eq!(seen, expected);
}
