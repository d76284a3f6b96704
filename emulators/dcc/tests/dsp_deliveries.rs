//! What the DSP does over days: DSP-08 to DSP-10, DSP-12, DSP-25, SR-07, ALERT-N22, ALERT-N60.

mod support;

use hanrig_dcc::data::CspRegion;
use hanrig_dcc::dsp::DspOutput;
use hanrig_dcc::duis::{DccAlert, DccAlertCode, RequestId, ResponseBody, ServiceRequest, UpdateFirmware};
use hanrig_dcc::gateway::{
    BusyReason, CspReply, CspToDsp, DistributionReply, DistributionRequest, DspToCsp, TransferNotification,
    TransferStatus,
};
use hanrig_wire::gbcs::ccs08::TransferResponseCode;
use hanrig_wire::gbcs::cs09::ActivationOutcome;
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::Eui64;
use rstest::rstest;
use support::*;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// When the requests of these tests are sent.
const SENT: u64 = 10;

fn reply(world: &mut World, now: Instant, request: &DistributionRequest, reply: CspReply) {
    let (request_id, device_type) = (request.request_id, request.device_type);
    let reply = CspToDsp::DistributionReply(DistributionReply { request_id, device_type, reply });
    world.dsp.on_csp(now, CspRegion::North, reply);
}

fn busy() -> CspReply {
    CspReply::Busy { reason_code: BusyReason::NoJob, reason: "no firmware job is left".to_owned() }
}

/// The times at which distribution requests go out while the CSP answers each with `answer`, up to `end`.
fn tries(world: &mut World, end: u64, answer: Option<&CspReply>) -> Vec<u64> {
    let mut times = Vec::new();
    let mut now = at(SENT);
    loop {
        let mut csps = Vec::new();
        while let Some(output) = world.dsp.take_output() {
            match output {
                DspOutput::ToCsp { message, .. } => csps.push(message),
                DspOutput::ToUser { user, xml } => world.kept.push((user, response(&xml))),
            }
        }
        let sent = !csps.is_empty();
        for message in csps {
            let DspToCsp::DistributionRequest(request) = message else { panic!("{message:?}") };
            times.push((now - Instant::ZERO).as_secs());
            if let Some(answer) = answer {
                reply(world, now, &request, answer.clone());
            }
        }
        if sent {
            continue;
        }
        match world.dsp.poll_at() {
            Some(due) if due <= at(end) => {
                now = now.max(due);
                world.dsp.poll(now);
            }
            _ => return times,
        }
    }
}

/// The DCC Alerts that went to Users while time passed.
fn kept(world: &mut World) -> Vec<(Eui64, DccAlertCode)> {
    let kept = std::mem::take(&mut world.kept);
    kept.into_iter()
        .map(|(user, response)| match response.body {
            ResponseBody::DccAlertMessage(alert) => (user, alert.code),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_busy_csp_is_tried_at_once_and_hourly_for_four_days() {
    let mut world = World::new();
    world.update(GAS, &[PPMID]);
    let times = tries(&mut world, SENT + 4 * DAY - 1, Some(&busy()));
    let mut expected = vec![SENT, SENT];
    expected.extend((1..96).map(|hour| SENT + hour * HOUR));
    assert_eq!(times, expected);
    assert_eq!(kept(&mut world), []);
    assert_eq!(world.status(PPMID), Some("AWAITING_CSP"));
    assert_eq!(world.update(IMPORT, &[PPMID]).response_code, "W110401", "still in progress");
    // The last try is when the four days are over, and then the sender is told.
    assert_eq!(tries(&mut world, SENT + 4 * DAY, Some(&busy())), [SENT + 4 * DAY]);
    assert_eq!(kept(&mut world), [(GAS, DccAlertCode::N22)]);
    assert_eq!(world.status(PPMID), Some("REJECTED_BY_CSP"));
    assert_eq!(world.update(IMPORT, &[PPMID]).response_code, "I0");
}

#[test]
fn a_csp_that_does_not_answer_is_tried_in_the_same_way() {
    let mut world = World::new();
    world.update(GAS, &[PPMID]);
    let times = tries(&mut world, SENT + 3 * HOUR, None);
    assert_eq!(times, [SENT, SENT + 60, SENT + HOUR, SENT + 2 * HOUR, SENT + 3 * HOUR]);
    tries(&mut world, SENT + 5 * DAY, None);
    assert_eq!(kept(&mut world), [(GAS, DccAlertCode::N22)]);
}

#[test]
fn a_csp_that_is_no_longer_busy_gets_the_request_once() {
    let mut world = World::new();
    world.update(GAS, &[PPMID]);
    assert_eq!(tries(&mut world, SENT + 2 * HOUR, Some(&busy())).len(), 4);
    let mut now = at(SENT + 3 * HOUR);
    world.dsp.poll(now);
    let requests = world.distributions();
    let [(region, request)] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!(*region, CspRegion::North);
    reply(&mut world, now, request, CspReply::Accepted);
    now += Duration::from_secs(4 * HOUR);
    world.dsp.poll(now);
    assert_eq!(world.drain(), (vec![], vec![]));
    reply(&mut world, now, request, busy());
    assert_eq!(world.drain(), (vec![], vec![]), "an answer that nobody waits for");
}

#[test]
fn a_request_that_the_csp_refuses_for_good() {
    let mut world = World::new();
    world.update(GAS, &[PPMID]);
    let requests = world.distributions();
    let refused = CspReply::Refused { reason: "no such API".to_owned() };
    reply(&mut world, at(SENT), &requests[0].1, refused);
    let alerts = world.alerts();
    let [(GAS, alert)] = alerts.as_slice() else { panic!("{alerts:?}") };
    assert_eq!(alert.code, DccAlertCode::N22);
    assert_eq!(alert.alert.devices(), [PPMID]);
}

#[test]
fn the_long_retry_is_a_setting() {
    let mut world = World::with_settings("[long_retry]\ninterval = \"30min\"\nwindow = \"1h\"");
    world.update(GAS, &[PPMID]);
    assert_eq!(tries(&mut world, SENT + DAY, Some(&busy())), [SENT, SENT, SENT + HOUR / 2, SENT + HOUR]);
    assert_eq!(kept(&mut world), [(GAS, DccAlertCode::N22)]);
}

fn transfer(world: &mut World, request_id: RequestId, device: Eui64, status: TransferStatus) {
    let reason = (status == TransferStatus::Failed).then(|| "no answer".to_owned());
    let notification = TransferNotification { request_id, hub: HUB, devices: vec![device], status, reason };
    world.dsp.on_csp(at(30), CspRegion::North, CspToDsp::TransferNotification(notification));
}

#[test]
fn the_sender_is_told_after_five_days_that_an_image_is_not_there() {
    let mut world = World::new();
    let id = world.approved(GAS, &[PPMID, PPMID_2]);
    transfer(&mut world, id, PPMID_2, TransferStatus::Successful);
    world.drain();
    world.dsp.poll(at(SENT + 5 * DAY - 1));
    assert_eq!(world.alerts(), []);
    assert!(world.dsp.poll_at().unwrap() <= at(SENT + 5 * DAY));
    world.dsp.poll(at(SENT + 5 * DAY));
    let alerts = world.alerts();
    let [(GAS, alert)] = alerts.as_slice() else { panic!("{alerts:?}") };
    assert_eq!((alert.code, alert.alert.devices()), (DccAlertCode::N60, vec![PPMID]));
    assert_eq!(world.status(PPMID), Some("FAILED_CH_TRANSFER"));
    // The CSP says so too, and the sender is not told twice.
    transfer(&mut world, id, PPMID, TransferStatus::Failed);
    assert_eq!(world.alerts(), []);
}

#[test]
fn nothing_is_sent_again_after_a_hub_refused() {
    let mut world = World::new();
    let id = world.approved(GAS, &[PPMID]);
    transfer(&mut world, id, PPMID, TransferStatus::Failed);
    let alerts = world.alerts();
    assert!(matches!(alerts.as_slice(), [(GAS, alert)] if alert.code == DccAlertCode::N60), "{alerts:?}");
    assert_eq!(tries(&mut world, SENT + 20 * DAY, None), Vec::<u64>::new());
    assert_eq!(kept(&mut world), []);
    assert_eq!(world.update(GAS, &[PPMID]).response_code, "I0", "the sender requests it again");
}

#[rstest]
#[case::approved(None)]
#[case::on_the_hub(Some(TransferStatus::Successful))]
fn a_device_stays_in_progress_until_the_tracking_timeout(#[case] transferred: Option<TransferStatus>) {
    let mut world = World::with_settings("tracking_timeout = \"3days\"\ndelivery_period = \"30days\"");
    let id = world.approved(GAS, &[PPMID]);
    let since = if let Some(status) = transferred {
        transfer(&mut world, id, PPMID, status);
        30
    } else {
        20
    };
    world.drain();
    let ask = |world: &mut World, now| {
        let request = world.request(IMPORT, &[PPMID]);
        response(&world.dsp.on_request(now, IMPORT, request.to_xml().as_bytes())).response_code.to_string()
    };
    assert_eq!(ask(&mut world, at(since + 3 * DAY - 1)), "W110401");
    assert_eq!(ask(&mut world, at(since + 3 * DAY)), "I0");
}

#[test]
fn records_are_kept_for_a_week_and_the_sender_beyond() {
    let mut world = World::new();
    let id = world.approved(GAS, &[PPMID]);
    transfer(&mut world, id, PPMID, TransferStatus::Successful);
    world.drain();
    world.dsp.poll(at(30 + 7 * DAY - 1));
    assert_eq!(world.status(PPMID), Some("SUCCESSFUL_CH_TRANSFER"));
    world.dsp.poll(at(30 + 7 * DAY));
    assert_eq!(world.status(PPMID), None);
    // The hub discards the image after two weeks.
    world.gbcs(HUB, signed(transfer_alert(HUB, PPMID, TransferResponseCode::ImageDiscarded)));
    let alerts = world.alerts();
    assert!(matches!(alerts.as_slice(), [(GAS, alert)] if alert.code == DccAlertCode::N62), "{alerts:?}");
}

/// FIA Table 3 from the CSP's approval on, for each type of Device that SRV 11.1 is for.
#[rstest]
#[case::esme(ESME, 0x8201, IMPORT)]
#[case::gsme(GSME, 0x8301, GAS)]
#[case::hcalcs(HCALCS, 0x8501, IMPORT)]
fn the_status_table(#[case] device: Eui64, #[case] model: u16, #[case] sender: Eui64) {
    let other = if sender == GAS { IMPORT } else { GAS };
    let start = || {
        let mut world = World::new();
        let body = UpdateFirmware {
            firmware_image: signed_ota_upgrade_image(model, &manufacturer_image(200)),
            firmware_version: VERSION,
            device_id_list: vec![device],
        };
        let response = world.send(sender, DCC, ServiceRequest::UpdateFirmware(body));
        assert_eq!(response.response_code, "I0");
        let requests = world.distributions();
        let (region, request) = &requests[0];
        assert_eq!(request.device_type, type_of(device));
        world.report(*region, request, vec![]);
        let alerts = world.alerts();
        assert!(
            matches!(alerts.as_slice(), [(user, alert)] if *user == other && alert.code == DccAlertCode::N59),
            "{alerts:?}"
        );
        assert_eq!(world.status(device), Some("APPROVED_FOR_DISTRIBUTION"));
        (world, response.request_id.unwrap())
    };
    let expect = |world: &mut World, code: DccAlertCode, status: &str| {
        let alerts = world.alerts();
        assert!(
            matches!(alerts.as_slice(), [(user, alert)] if *user == sender && alert.code == code),
            "{code}: {alerts:?}"
        );
        assert_eq!(world.status(device), Some(status));
        alerts.into_iter().next().unwrap().1.alert
    };
    let (mut world, id) = start();
    transfer(&mut world, id, device, TransferStatus::Failed);
    let DccAlert::FirmwareDeliveryStatus(status) = expect(&mut world, DccAlertCode::N60, "FAILED_CH_TRANSFER") else {
        panic!()
    };
    assert_eq!(status.reason.as_deref(), Some("no answer"));
    for (code, name) in [
        (TransferResponseCode::Success, "SUCCESSFUL_HAN_TRANSFER"),
        (TransferResponseCode::ImageDiscarded, "HAN_DISCARDED"),
        (TransferResponseCode::HardwareVersionMismatch, "HAN_REJECTED_HW_MISMATCH"),
        (TransferResponseCode::FileTransferFailure, "FAILED_HAN_TRANSFER"),
    ] {
        let (mut world, id) = start();
        transfer(&mut world, id, device, TransferStatus::Successful);
        expect(&mut world, DccAlertCode::N61, "SUCCESSFUL_CH_TRANSFER");
        world.gbcs(HUB, signed(transfer_alert(HUB, device, code)));
        let DccAlert::FirmwareTransferStatus(status) = expect(&mut world, DccAlertCode::N62, name) else { panic!() };
        assert_eq!(status.transfer_response_code, code as u8);
        // FIRMWARE_ACTIVATED is for PPMIDs only.
        world.gbcs(HUB, signed(activation_alert(device, VERSION, ActivationOutcome::Success)));
        assert_eq!(world.alerts(), []);
        assert_eq!(world.status(device), Some(name));
    }
}

#[test]
fn transfer_alerts_to_all_responsible_suppliers_are_a_setting() {
    let mut world = World::with_settings("transfer_alert_recipients = \"responsible_suppliers\"");
    let id = world.approved(GAS, &[PPMID]);
    transfer(&mut world, id, PPMID, TransferStatus::Successful);
    let users: Vec<_> = world.alerts().into_iter().map(|(user, _)| user).collect();
    assert_eq!(users, [IMPORT, GAS]);
}
