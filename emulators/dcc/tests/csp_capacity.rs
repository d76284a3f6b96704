//! What the CSPs take on: CSP-02, CSP-04, CSP-06, DSP-13, SR-07.

mod support;

use hanrig_dcc::data::CspRegion;
use hanrig_dcc::gateway::{
    BusyReason, CspReply, CspToDsp, DistributionReply, DistributionRequest, DspToCsp, HubFirmwareReport,
    HubFirmwareRequest, RejectedDevice, RejectionReason, TransferStatus,
};
use hanrig_dcc::settings::SecondRequest;
use hanrig_wire::time::{Duration, Instant, Utc};
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion};
use hanrig_wire::wan::WanMessage;
use rstest::rstest;
use support::csp_bench::{Bench, request};
use support::{ESME, GSME, HUB, PPMID, PPMID_2, SOUTH_HUB, UNKNOWN};

const DAY: u64 = 24 * 3600;

fn ask(bench: &mut Bench, request: DistributionRequest) -> CspReply {
    bench.csp.on_dsp(bench.now, DspToCsp::DistributionRequest(request))
}

/// A hub in a region with an ESME, a GSME and two PPMIDs, whose link is down.
fn waiting(region: CspRegion) -> Bench {
    let mut bench = Bench::in_region(region, &[HUB]);
    for (device, device_type) in
        [(ESME, DeviceType::Esme), (GSME, DeviceType::Gsme), (PPMID, DeviceType::Ppmid), (PPMID_2, DeviceType::Ppmid)]
    {
        bench.csp.know_device(HUB, device, device_type);
    }
    bench.hubs[0].hello();
    bench.settle();
    bench.csp.set_link(bench.now, HUB, false);
    bench.reports.clear();
    bench
}

#[rstest]
#[case::south(CspRegion::South)]
#[case::central(CspRegion::Central)]
fn admission_control(#[case] region: CspRegion) {
    let mut bench = waiting(region);
    bench.csp.settings_mut().south_and_central.devices = 1;
    assert_eq!(ask(&mut bench, request(DeviceType::Ppmid, 100, &[(PPMID, HUB)])), CspReply::Accepted);
    assert_eq!(bench.csp.load(), 1);
    let second = request(DeviceType::Ppmid, 200, &[(PPMID_2, HUB)]);
    let reply = ask(&mut bench, second.clone());
    assert_eq!(reply.http_status(), 503);
    let expected = r#"{"reply":"busy","reason_code":"admission_control","reason":"1 Devices wait, 1 more are asked for, 1 are taken at most"}"#;
    assert_eq!(serde_json::to_string(&reply).unwrap(), expected);
    bench.settle();
    let reports = bench.reports.clone();
    let [CspToDsp::DistributionReply(first), CspToDsp::ValidationReport(_), CspToDsp::DistributionReply(last)] =
        reports.as_slice()
    else {
        panic!("{reports:?}")
    };
    assert_eq!((&first.reply, &last.reply), (&CspReply::Accepted, &reply));
    // It takes the request once the first image is delivered.
    bench.csp.set_link(bench.now, HUB, true);
    bench.settle();
    assert_eq!((bench.outcomes().len(), bench.csp.load()), (1, 0));
    assert_eq!(ask(&mut bench, second), CspReply::Accepted);
    bench.settle();
    assert_eq!(bench.outcomes().len(), 2);
}

#[test]
fn a_reply_as_json() {
    let reply = DistributionReply {
        request_id: request(DeviceType::Ppmid, 1, &[]).request_id,
        device_type: DeviceType::Ppmid,
        reply: CspReply::Busy { reason_code: BusyReason::NoJob, reason: "none left".to_owned() },
    };
    let message = CspToDsp::DistributionReply(reply);
    let json = serde_json::to_string(&message).unwrap();
    insta::assert_snapshot!(json, @r#"{"message":"distribution_reply","request_id":"90-B3-D5-1F-30-01-00-00:00-DB-12-34-56-78-90-FF:1","device_type":"PPMID","reply":"busy","reason_code":"no_job","reason":"none left"}"#);
    assert_eq!(serde_json::from_str::<CspToDsp>(&json).unwrap(), message);
    let request = DspToCsp::DistributionRequest(request(DeviceType::Ppmid, 1, &[(PPMID, HUB)]));
    let json = serde_json::to_string(&request).unwrap();
    assert_eq!(serde_json::from_str::<DspToCsp>(&json).unwrap(), request);
}

#[test]
fn firmware_jobs_of_csp_north() {
    let mut bench = waiting(CspRegion::North);
    bench.csp.settings_mut().north.jobs = 2;
    bench.csp.settings_mut().north.devices_per_job = 1;
    // Two Devices on one hub are one transfer, which is not split.
    let both = request(DeviceType::Ppmid, 100, &[(PPMID, HUB), (PPMID_2, HUB)]);
    assert_eq!(ask(&mut bench, both), CspReply::Accepted);
    assert_eq!(bench.csp.firmware_jobs(), 1);
    assert_eq!(ask(&mut bench, request(DeviceType::Gsme, 200, &[(GSME, HUB)])), CspReply::Accepted);
    assert_eq!(bench.csp.firmware_jobs(), 2);
    let reply = ask(&mut bench, request(DeviceType::Esme, 300, &[(ESME, HUB)]));
    assert!(matches!(reply, CspReply::Busy { reason_code: BusyReason::NoJob, .. }), "{reply:?}");
    bench.csp.set_link(bench.now, HUB, true);
    bench.settle();
    assert_eq!(bench.csp.firmware_jobs(), 0);
    assert_eq!(ask(&mut bench, request(DeviceType::Esme, 300, &[(ESME, HUB)])), CspReply::Accepted);
}

/// Hubs behind one base station, each with a PPMID and a GSME.
fn station(hubs: u64, channels: usize) -> (Bench, Vec<Eui64>) {
    let ids: Vec<Eui64> = (0..hubs).map(|n| Eui64(0x00DB_0000_0000_0000 + n)).collect();
    let mut bench = Bench::new(&ids);
    bench.csp.settings_mut().north.channels = channels;
    for hub in &ids {
        bench.csp.set_base_station(*hub, 7);
        bench.csp.know_device(*hub, Eui64(hub.0 + 0x100), DeviceType::Ppmid);
        bench.csp.know_device(*hub, Eui64(hub.0 + 0x200), DeviceType::Gsme);
    }
    for hub in &mut bench.hubs {
        hub.hello();
    }
    bench.settle();
    // Nothing that is sent gets there: transfers begin and stay where they are.
    bench.lose = |_| true;
    (bench, ids)
}

/// The hubs to which a transfer has been begun: their link has a frame in flight.
fn begun(bench: &mut Bench) -> Vec<Eui64> {
    bench.hubs.iter_mut().for_each(|hub| hub.received.clear());
    bench.lose = |_| false;
    bench.settle();
    let hubs = bench.hubs.iter();
    hubs.filter(|hub| hub.received.iter().any(|message| matches!(message, WanMessage::ImageBegin { .. })))
        .map(|hub| hub.id)
        .collect()
}

#[test]
fn a_base_station_carries_as_many_jobs_as_it_has_channels() {
    let (mut bench, hubs) = station(3, 2);
    for hub in &hubs {
        let one = request(DeviceType::Ppmid, 100, &[(Eui64(hub.0 + 0x100), *hub)]);
        assert_eq!(ask(&mut bench, one), CspReply::Accepted);
    }
    // The hubs acknowledge nothing yet; two have been sent an ImageBegin.
    let mut sent = Vec::new();
    while let Some(output) = bench.csp.take_output() {
        if let hanrig_dcc::csp::CspOutput::ToHub { hub, .. } = output {
            sent.push(hub);
        }
    }
    assert_eq!(sent, hubs[..2]);
    // They come through, and the third gets its turn.
    bench.now = Instant::ZERO + Duration::from_secs(10);
    bench.csp.poll(bench.now);
    assert_eq!(begun(&mut bench), hubs);
    assert_eq!(bench.outcomes().len(), 3);
}

#[test]
fn jobs_for_meters_get_a_channel_first() {
    let (mut bench, hubs) = station(3, 1);
    let asked = [(0, DeviceType::Ppmid, 0x100), (1, DeviceType::Ppmid, 0x100), (2, DeviceType::Gsme, 0x200)];
    for (hub, device_type, device) in asked {
        let hub = hubs[hub];
        ask(&mut bench, request(device_type, 100, &[(Eui64(hub.0 + device), hub)]));
    }
    while bench.csp.take_output().is_some() {}
    bench.now = Instant::ZERO + Duration::from_secs(10);
    bench.csp.poll(bench.now);
    begun(&mut bench);
    let order: Vec<_> = bench.outcomes().into_iter().map(|(hub, ..)| hub).collect();
    assert_eq!(order, [hubs[0], hubs[2], hubs[1]], "the first has begun, then the GSME's, then the other PPMID's");
}

#[test]
fn a_hub_that_cannot_be_reached_holds_no_channel() {
    let (mut bench, hubs) = station(2, 1);
    bench.lose = |_| false;
    bench.csp.set_link(bench.now, hubs[0], false);
    ask(&mut bench, request(DeviceType::Gsme, 100, &[(Eui64(hubs[0].0 + 0x200), hubs[0])]));
    ask(&mut bench, request(DeviceType::Ppmid, 200, &[(Eui64(hubs[1].0 + 0x100), hubs[1])]));
    bench.settle();
    assert_eq!(bench.outcomes(), [(hubs[1], TransferStatus::Successful, None)]);
    bench.csp.set_link(bench.now, hubs[0], true);
    bench.settle();
    assert_eq!(bench.outcomes().len(), 2);
}

#[test]
fn a_second_request_within_the_service_window() {
    let second = || request(DeviceType::Ppmid, 200, &[(PPMID_2, HUB)]);
    let rejected = [RejectedDevice { device: PPMID_2, reason: RejectionReason::ServiceWindow }];
    // Both can be completed in time: both are scheduled.
    let mut bench = waiting(CspRegion::South);
    ask(&mut bench, request(DeviceType::Ppmid, 100, &[(PPMID, HUB)]));
    ask(&mut bench, second());
    bench.csp.set_link(bench.now, HUB, true);
    bench.settle();
    assert_eq!((bench.outcomes().len(), bench.rejected()), (2, vec![]));
    // They cannot.
    let mut bench = waiting(CspRegion::South);
    bench.csp.settings_mut().transfer_estimate = Duration::from_secs(3 * DAY);
    ask(&mut bench, request(DeviceType::Ppmid, 100, &[(PPMID, HUB)]));
    ask(&mut bench, second());
    bench.settle();
    assert_eq!(bench.rejected(), rejected);
    // They could, but this CSP takes one at a time.
    let mut bench = waiting(CspRegion::South);
    bench.csp.settings_mut().second_request = SecondRequest::Reject;
    ask(&mut bench, request(DeviceType::Ppmid, 100, &[(PPMID, HUB)]));
    ask(&mut bench, second());
    bench.settle();
    assert_eq!(bench.rejected(), rejected);
}

#[test]
fn an_image_is_not_delivered_after_the_user_was_told_that_it_was_not() {
    let mut bench = waiting(CspRegion::South);
    let mut late = request(DeviceType::Ppmid, 100, &[(PPMID, HUB)]);
    late.deliver_by = Utc(1_795_176_000_000 + i64::try_from(DAY * 1000).unwrap());
    ask(&mut bench, late);
    bench.run_until(Instant::ZERO + Duration::from_secs(DAY - 1));
    assert_eq!(bench.outcomes(), []);
    bench.run_until(Instant::ZERO + Duration::from_secs(DAY));
    assert!(matches!(bench.outcomes().as_slice(), [(HUB, TransferStatus::Failed, Some(_))]));
    bench.csp.set_link(bench.now, HUB, true);
    bench.settle();
    assert!(bench.hubs[0].stored.is_empty());
}

#[test]
fn notifications_can_come_in_batches() {
    let mut bench = waiting(CspRegion::South);
    bench.csp.settings_mut().notification_batch = Duration::from_secs(600);
    ask(&mut bench, request(DeviceType::Ppmid, 100, &[(PPMID, HUB)]));
    ask(&mut bench, request(DeviceType::Ppmid, 200, &[(PPMID_2, HUB)]));
    bench.csp.set_link(bench.now, HUB, true);
    bench.settle();
    assert_eq!(bench.outcomes(), []);
    bench.run_until(Instant::ZERO + Duration::from_secs(600));
    let batches = bench.reports.iter().filter_map(|report| match report {
        CspToDsp::TransferNotifications { notifications } => Some(notifications.len()),
        _ => None,
    });
    assert_eq!(batches.collect::<Vec<_>>(), [2]);
}

#[test]
fn the_dsp_is_told_which_firmware_a_hub_runs() {
    let mut bench = Bench::ready();
    let told = |bench: &Bench| {
        let reports = bench.reports.iter();
        reports.filter(|report| matches!(report, CspToDsp::HubFirmwareReport(_))).cloned().collect::<Vec<_>>()
    };
    let report = HubFirmwareReport { hub: HUB, firmware_version: FirmwareVersion(7) };
    assert_eq!(told(&bench), [CspToDsp::HubFirmwareReport(report)]);
    bench.hubs[0].hello();
    bench.settle();
    assert_eq!(told(&bench).len(), 1, "once, as long as it runs the same");
}

#[test]
fn hub_firmware_is_for_hubs_of_the_region() {
    let mut bench = Bench::ready();
    let ask = |bench: &mut Bench, hub| {
        let request = HubFirmwareRequest { firmware_version: FirmwareVersion(8), hubs: vec![hub] };
        bench.csp.on_dsp(bench.now, DspToCsp::HubFirmwareRequest(request)).http_status()
    };
    assert_eq!(ask(&mut bench, HUB), 200);
    assert_eq!(ask(&mut bench, SOUTH_HUB), 400);
    assert_eq!(ask(&mut bench, UNKNOWN), 400);
}
