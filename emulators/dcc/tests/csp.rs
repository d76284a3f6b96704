//! The CSP and its WAN links, against a hub of few lines: CSP-01, CSP-03, CSP-05.

mod support;

use hanrig_dcc::gateway::{CspReply, CspToDsp, DspToCsp, GbcsMessage, RejectedDevice, RejectionReason, TransferStatus};
use hanrig_wire::hdlc::Decoder;
use hanrig_wire::time::{Duration, Instant, Utc};
use hanrig_wire::types::{DeviceType, Eui64, Key128};
use hanrig_wire::wan::{MAXIMUM_FRAME_LENGTH, RefusalReason, WanMessage};
use support::csp_bench::{Bench, request};
use support::{ESME, GSME, HUB, PPMID, PPMID_2, SOUTH_HUB, UNKNOWN, manufacturer_image};

const DONE: [(Eui64, TransferStatus, Option<&str>); 1] = [(HUB, TransferStatus::Successful, None)];

#[test]
fn nothing_is_sent_before_hello_and_then_time_and_device_log() {
    let mut bench = Bench::new(&[HUB]);
    bench.provision(HUB, PPMID, DeviceType::Ppmid);
    bench.settle();
    assert_eq!(bench.frames, 0);
    bench.hubs[0].hello();
    bench.settle();
    let link_key = Key128([0x11; 16]);
    assert_eq!(
        bench.hubs[0].received,
        [
            WanMessage::SetTime { utc: Utc(1_795_176_000_000) },
            WanMessage::AddDevice { device: PPMID, device_type: DeviceType::Ppmid, link_key },
        ]
    );
}

#[test]
fn the_hub_is_told_the_time_daily() {
    let mut bench = Bench::ready();
    bench.run_until(Instant::ZERO + Duration::from_secs(2 * 24 * 3600));
    let times = bench.hubs[0].received.iter().filter(|message| matches!(message, WanMessage::SetTime { .. }));
    assert_eq!(times.count(), 3);
}

#[test]
fn an_image_reaches_the_hub_in_pieces_of_1024_octets() {
    let mut bench = Bench::ready();
    bench.distribute(request(DeviceType::Ppmid, 2500, &[(PPMID, HUB)]));
    bench.settle();
    assert_eq!(bench.hubs[0].stored, manufacturer_image(2500));
    let lengths: Vec<usize> = bench.hubs[0]
        .received
        .iter()
        .filter_map(|message| match message {
            WanMessage::ImageData { octets, .. } => Some(octets.len()),
            _ => None,
        })
        .collect();
    assert_eq!(lengths, [1024, 1024, 452]);
    assert_eq!(bench.rejected(), []);
    assert_eq!(bench.outcomes(), DONE);
    assert_eq!(bench.csp.progress(HUB), None);
}

#[test]
fn what_the_validation_rejects_is_reported_with_its_reason() {
    let mut bench = Bench::ready();
    bench.provision(HUB, ESME, DeviceType::Esme);
    let devices = [(PPMID, HUB), (UNKNOWN, HUB), (ESME, HUB), (PPMID_2, SOUTH_HUB)];
    bench.distribute(request(DeviceType::Ppmid, 100, &devices));
    bench.settle();
    let rejected = |device, reason| RejectedDevice { device, reason };
    assert_eq!(
        bench.rejected(),
        [
            rejected(UNKNOWN, RejectionReason::UnknownDevice),
            rejected(ESME, RejectionReason::UnknownDevice),
            rejected(PPMID_2, RejectionReason::NotReachable),
        ]
    );
    assert_eq!(bench.outcomes(), DONE);
}

#[test]
fn an_image_that_changed_on_the_way_is_rejected_for_every_device() {
    let mut bench = Bench::ready();
    let mut request = request(DeviceType::Ppmid, 100, &[(PPMID, HUB)]);
    request.image[50] ^= 1;
    bench.distribute(request);
    bench.settle();
    assert_eq!(bench.rejected(), [RejectedDevice { device: PPMID, reason: RejectionReason::ImageIntegrity }]);
    assert_eq!(bench.outcomes(), []);
}

#[test]
fn lost_frames_are_sent_again_until_they_are_acknowledged() {
    let mut bench = Bench::ready();
    bench.lose = |frame| frame % 3 == 0;
    bench.distribute(request(DeviceType::Ppmid, 10_000, &[(PPMID, HUB)]));
    bench.run_until(Instant::ZERO + Duration::from_secs(600));
    assert_eq!(bench.hubs[0].stored, manufacturer_image(10_000));
    assert_eq!(bench.outcomes(), DONE);
}

#[test]
fn after_a_link_loss_the_transfer_goes_on_where_the_hub_says() {
    let mut bench = Bench::ready();
    bench.lose = |frame| frame > 6;
    bench.distribute(request(DeviceType::Ppmid, 8000, &[(PPMID, HUB)]));
    bench.settle();
    let stored = bench.hubs[0].stored.len();
    assert!(stored > 0 && stored < 8000, "{stored}");
    assert!(bench.csp.progress(HUB).is_some_and(|progress| progress.sent > 0 && progress.size == 8000));
    bench.csp.set_link(bench.now, HUB, false);
    bench.run_until(Instant::ZERO + Duration::from_secs(3600));
    let before = bench.frames;
    assert_eq!(bench.frames, before, "nothing is sent while the link is down");
    bench.lose = |_| false;
    bench.hubs[0].decoder = Decoder::new(MAXIMUM_FRAME_LENGTH);
    bench.csp.set_link(bench.now, HUB, true);
    bench.hubs[0].received.clear();
    bench.hubs[0].hello();
    bench.settle();
    assert_eq!(bench.hubs[0].stored, manufacturer_image(8000));
    let first = bench.hubs[0].received.iter().find_map(|message| match message {
        WanMessage::ImageData { offset, .. } => Some(*offset as usize),
        _ => None,
    });
    assert_eq!(first, Some(stored));
    assert_eq!(bench.outcomes(), DONE);
}

#[test]
fn a_hub_that_restarts_during_a_transfer_gets_the_rest() {
    let mut bench = Bench::ready();
    bench.lose = |frame| frame > 6;
    bench.distribute(request(DeviceType::Ppmid, 8000, &[(PPMID, HUB)]));
    bench.settle();
    bench.lose = |_| false;
    bench.hubs[0].hello();
    bench.settle();
    assert_eq!(bench.hubs[0].stored, manufacturer_image(8000));
    assert_eq!(bench.outcomes(), DONE);
}

#[test]
fn a_refusal_by_the_hub_is_a_failed_transfer() {
    let mut bench = Bench::ready();
    bench.hubs[0].refuse = Some(RefusalReason::BlockBusy);
    bench.distribute(request(DeviceType::Ppmid, 100, &[(PPMID, HUB)]));
    bench.settle();
    assert_eq!(bench.outcomes(), [(HUB, TransferStatus::Failed, Some("refused by the hub: block busy"))]);
}

#[test]
fn a_hub_that_never_answers_fails_after_the_delivery_window() {
    let mut bench = Bench::ready();
    bench.csp.set_link(bench.now, HUB, false);
    bench.distribute(request(DeviceType::Ppmid, 100, &[(PPMID, HUB)]));
    bench.run_until(Instant::ZERO + Duration::from_secs(4 * 24 * 3600 - 1));
    assert_eq!(bench.outcomes(), []);
    bench.run_until(Instant::ZERO + Duration::from_secs(4 * 24 * 3600));
    let reason = Some("not delivered within the delivery window");
    assert_eq!(bench.outcomes(), [(HUB, TransferStatus::Failed, reason)]);
    assert_eq!(bench.csp.poll_at(), None);
}

#[test]
fn several_hubs_get_their_images_side_by_side() {
    let mut bench = Bench::new(&[HUB, SOUTH_HUB]);
    bench.provision(HUB, PPMID, DeviceType::Ppmid);
    bench.provision(SOUTH_HUB, PPMID_2, DeviceType::Ppmid);
    for hub in &mut bench.hubs {
        hub.hello();
    }
    bench.settle();
    bench.csp.set_link(bench.now, HUB, false);
    bench.distribute(request(DeviceType::Ppmid, 3000, &[(PPMID, HUB), (PPMID_2, SOUTH_HUB)]));
    bench.settle();
    assert_eq!(bench.outcomes(), [(SOUTH_HUB, TransferStatus::Successful, None)]);
    bench.csp.set_link(bench.now, HUB, true);
    bench.settle();
    assert_eq!(bench.outcomes().len(), 2);
}

#[test]
fn an_image_for_a_meter_goes_ahead_of_those_that_have_not_begun() {
    let mut bench = Bench::ready();
    bench.provision(HUB, GSME, DeviceType::Gsme);
    bench.csp.set_link(bench.now, HUB, false);
    for (device_type, device, size) in
        [(DeviceType::Ppmid, PPMID, 100), (DeviceType::Gsme, GSME, 200), (DeviceType::Gsme, GSME, 300)]
    {
        bench.distribute(request(device_type, size, &[(device, HUB)]));
    }
    bench.csp.set_link(bench.now, HUB, true);
    bench.settle();
    let sizes: Vec<u32> = bench.hubs[0]
        .received
        .iter()
        .filter_map(|message| match message {
            WanMessage::ImageBegin { size, .. } => Some(*size),
            _ => None,
        })
        .collect();
    assert_eq!(sizes, [200, 300, 100]);
}

#[test]
fn gbcs_messages_pass_both_ways_unchanged_and_once() {
    let mut bench = Bench::ready();
    bench.reports.clear();
    let gbcs = GbcsMessage { hub: HUB, octets: vec![0xDF, 0x7E, 0x7D, 0x00] };
    bench.lose = |frame| frame == 3;
    assert_eq!(bench.csp.on_dsp(bench.now, DspToCsp::Gbcs(gbcs.clone())), CspReply::Accepted);
    bench.run_until(Instant::ZERO + Duration::from_secs(10));
    let received: Vec<_> =
        bench.hubs[0].received.iter().filter(|m| matches!(m, WanMessage::Gbcs { .. })).cloned().collect();
    assert_eq!(received, [WanMessage::Gbcs { octets: gbcs.octets.clone() }]);
    let octets = gbcs.octets.clone();
    bench.hubs[0].say(WanMessage::Gbcs { octets });
    let again = bench.hubs[0].to_csp.back().unwrap().clone();
    bench.hubs[0].to_csp.push_back(again);
    bench.settle();
    assert_eq!(bench.reports, [CspToDsp::Gbcs(gbcs)]);
}

#[test]
fn a_message_that_cannot_go_is_refused() {
    let mut bench = Bench::ready();
    let mut send =
        |hub, length| bench.csp.on_dsp(Instant::ZERO, DspToCsp::Gbcs(GbcsMessage { hub, octets: vec![0; length] }));
    assert!(matches!(send(UNKNOWN, 10), CspReply::Refused { .. }));
    assert!(matches!(send(HUB, 0), CspReply::Refused { .. }));
    assert!(matches!(send(HUB, 5000), CspReply::Refused { .. }));
}

#[test]
fn noise_on_the_link_is_passed_over() {
    let mut bench = Bench::ready();
    let mut noise: Vec<u8> = (0..=255).collect();
    noise.push(0x7E);
    bench.csp.on_hub_octets(bench.now, HUB, &noise);
    bench.csp.on_hub_octets(bench.now, UNKNOWN, &noise);
    bench.distribute(request(DeviceType::Ppmid, 100, &[(PPMID, HUB)]));
    bench.settle();
    assert_eq!(bench.outcomes(), DONE);
}

#[test]
fn gateway_messages_as_json() {
    let mut request = request(DeviceType::Ppmid, 3, &[(PPMID, HUB)]);
    request.image = vec![1, 2, 3];
    let json = serde_json::to_string_pretty(&DspToCsp::DistributionRequest(request.clone())).unwrap();
    insta::assert_snapshot!(json, @r#"
{
  "message": "distribution_request",
  "request_id": "90-B3-D5-1F-30-01-00-00:00-DB-12-34-56-78-90-FF:1",
  "device_type": "PPMID",
  "image": "AQID",
  "image_hash": "AE4B3280E56E2FAF83F414A6E3DABE9D5FBE18976544C05FED121ACCB85B53FC",
  "deliver_by": "2026-11-25T12:00:00.000Z",
  "devices": [
    {
      "device": "00-DB-12-34-56-78-90-A4",
      "hub": "00-DB-12-34-56-78-90-A2"
    }
  ]
}
"#);
    let back: DspToCsp = serde_json::from_str(&json).unwrap();
    assert_eq!(back, DspToCsp::DistributionRequest(request));
}
