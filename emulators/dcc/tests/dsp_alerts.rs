//! What comes back: N18 to N20, N39, N59 to N62, the audit trail and the SMI (FIA Tables 2 and 3).

mod support;

use hanrig_dcc::FirmwareHash;
use hanrig_dcc::data::CspRegion;
use hanrig_dcc::dsp::{AuditEvent, Viewer};
use hanrig_dcc::duis::{DccAlert, DccAlertCode, RequestId};
use hanrig_dcc::gateway::{CspToDsp, RejectedDevice, RejectionReason, TransferNotification, TransferStatus};
use hanrig_wire::gbcs::ccs08::TransferResponseCode;
use hanrig_wire::gbcs::cs09::ActivationOutcome;
use hanrig_wire::types::{Eui64, FirmwareVersion};
use rstest::rstest;
use support::*;

fn codes(alerts: &[(Eui64, hanrig_dcc::duis::DccAlertMessage)]) -> Vec<(Eui64, DccAlertCode)> {
    alerts.iter().map(|(user, alert)| (*user, alert.code)).collect()
}

fn dropped(world: &World) -> String {
    let entry = world.dsp.audit_trail().last().unwrap();
    assert!(matches!(entry.event, AuditEvent::GbcsMessageDropped | AuditEvent::CspMessageDropped), "{entry:?}");
    entry.detail.clone()
}

#[rstest]
#[case::from_import(IMPORT, GAS)]
#[case::from_gas(GAS, IMPORT)]
fn n59_goes_to_the_other_responsible_supplier_only(#[case] sender: Eui64, #[case] other: Eui64) {
    let mut world = World::new();
    world.update(sender, &[PPMID, PPMID_2]);
    let (region, request) = world.distributions().remove(0);
    world.report(region, &request, vec![]);
    let alerts = world.alerts();
    assert_eq!(codes(&alerts), [(other, DccAlertCode::N59)]);
    let DccAlert::FirmwareDistributionNotification(body) = &alerts[0].1.alert else { panic!("{alerts:?}") };
    assert_eq!(body.hash, FirmwareHash::of(&manufacturer_image(200)));
    assert_eq!(body.device_id_list, [PPMID, PPMID_2]);
    assert_eq!(world.status(PPMID), Some("APPROVED_FOR_DISTRIBUTION"));
}

#[test]
fn n59_as_xml() {
    let mut world = World::new();
    world.update(IMPORT, &[PPMID]);
    let (region, request) = world.distributions().remove(0);
    world.report(region, &request, vec![]);
    let (users, _) = world.drain();
    insta::assert_snapshot!(users[0].1.to_xml(), @r#"
<?xml version="1.0" encoding="UTF-8"?>
<sr:Response xmlns:ra="http://www.dccinterface.co.uk/ResponseAndAlert" xmlns:sr="http://www.dccinterface.co.uk/ServiceUserGateway" schemaVersion="5.4">
  <sr:Header>
    <sr:ResponseID>90-B3-D5-1F-30-00-00-02:90-B3-D5-1F-30-02-00-00:1795176020000</sr:ResponseID>
    <sr:ResponseCode>I0</sr:ResponseCode>
    <sr:ResponseDateTime>2026-11-20T12:00:20.000Z</sr:ResponseDateTime>
  </sr:Header>
  <sr:Body>
    <sr:DCCAlertMessage>
      <sr:DCCAlertCode>N59</sr:DCCAlertCode>
      <sr:DCCAlert>
        <sr:FirmwareDistributionNotification>
          <sr:FirmwareHash>1901DA1C9F699B48F6B2636E65CBF73ABF99D0441EF67F5C540A42F7051DEC6F</sr:FirmwareHash>
          <sr:DeviceIDList>00-DB-12-34-56-78-90-A4</sr:DeviceIDList>
        </sr:FirmwareDistributionNotification>
      </sr:DCCAlert>
    </sr:DCCAlertMessage>
  </sr:Body>
</sr:Response>
"#);
}

#[rstest]
#[case(RejectionReason::ImageIntegrity, DccAlertCode::N18)]
#[case(RejectionReason::UnknownDevice, DccAlertCode::N19)]
#[case(RejectionReason::NotReachable, DccAlertCode::N20)]
fn a_device_that_the_csp_rejects(#[case] reason: RejectionReason, #[case] code: DccAlertCode) {
    let mut world = World::new();
    world.update(IMPORT, &[PPMID, PPMID_2]);
    let (region, request) = world.distributions().remove(0);
    world.report(region, &request, vec![RejectedDevice { device: PPMID, reason }]);
    let alerts = world.alerts();
    assert_eq!(codes(&alerts), [(IMPORT, code), (GAS, DccAlertCode::N59)]);
    let DccAlert::FirmwareDistributionFailure(body) = &alerts[0].1.alert else { panic!("{alerts:?}") };
    assert_eq!((body.device_id_list.as_slice(), body.request_id), ([PPMID].as_slice(), request.request_id));
    let DccAlert::FirmwareDistributionNotification(body) = &alerts[1].1.alert else { panic!("{alerts:?}") };
    assert_eq!(body.device_id_list, [PPMID_2]);
    assert_eq!(world.status(PPMID), Some("REJECTED_BY_CSP"));
    assert_eq!(world.status(PPMID_2), Some("APPROVED_FOR_DISTRIBUTION"));
    let entries: Vec<_> = world.dsp.audit_trail().filter(|e| e.event == AuditEvent::RejectedByCsp).collect();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].device, Some(PPMID));
    assert_eq!(world.update(GAS, &[PPMID]).response_code, "I0", "a rejected Device is free for another update");
}

#[test]
fn a_report_on_no_batch_is_dropped() {
    let mut world = World::new();
    world.update(IMPORT, &[PPMID]);
    let (_, request) = world.distributions().remove(0);
    world.report(CspRegion::South, &request, vec![]);
    assert_eq!(dropped(&world), "validation report of CSP South for no batch that it has");
    assert_eq!(world.status(PPMID), Some("AWAITING_CSP"));
}

fn notification(world: &mut World, devices: &[Eui64], status: TransferStatus) -> TransferNotification {
    let request_id = world.approved(IMPORT, devices);
    let reason = (status != TransferStatus::Successful).then(|| "no coverage".to_owned());
    TransferNotification { request_id, hub: HUB, devices: devices.to_vec(), status, reason }
}

#[rstest]
#[case(TransferStatus::Successful, "SUCCESSFUL_CH_TRANSFER", DccAlertCode::N61, None)]
#[case(TransferStatus::Failed, "FAILED_CH_TRANSFER", DccAlertCode::N60, Some("no coverage"))]
fn a_transfer_to_the_hub(
    #[case] outcome: TransferStatus,
    #[case] status: &str,
    #[case] code: DccAlertCode,
    #[case] reason: Option<&str>,
) {
    let mut world = World::new();
    let notification = notification(&mut world, &[PPMID, PPMID_2], outcome);
    world.dsp.on_csp(at(30), CspRegion::North, CspToDsp::TransferNotification(notification));
    let alerts = world.alerts();
    assert_eq!(codes(&alerts), [(IMPORT, code), (IMPORT, code)], "one Alert per Device, to the sender only");
    let DccAlert::FirmwareDeliveryStatus(body) = &alerts[0].1.alert else { panic!("{alerts:?}") };
    assert_eq!((body.device_id, body.firmware_version, body.reason.as_deref()), (PPMID, VERSION, reason));
    let record = world.dsp.tracking(PPMID).unwrap();
    assert_eq!((record.status.name(), record.reason.as_deref()), (status, reason));
    assert_eq!(record.last_updated.to_string(), "2026-11-20T12:00:30.000Z");
}

#[test]
fn a_batch_of_notifications_yields_one_alert_per_device() {
    let mut world = World::new();
    let mut first = notification(&mut world, &[PPMID, PPMID_2], TransferStatus::Successful);
    let second = TransferNotification { devices: vec![PPMID_2], ..first.clone() };
    first.devices = vec![PPMID];
    let notifications = vec![first, second];
    world.dsp.on_csp(at(30), CspRegion::North, CspToDsp::TransferNotifications { notifications });
    assert_eq!(codes(&world.alerts()), [(IMPORT, DccAlertCode::N61), (IMPORT, DccAlertCode::N61)]);
}

#[test]
fn other_status_is_audited_and_changes_nothing() {
    let mut world = World::new();
    let notification = notification(&mut world, &[PPMID], TransferStatus::Other);
    world.dsp.on_csp(at(30), CspRegion::North, CspToDsp::TransferNotification(notification));
    assert!(world.alerts().is_empty());
    assert_eq!(world.status(PPMID), Some("APPROVED_FOR_DISTRIBUTION"));
}

#[test]
fn a_notification_on_a_hub_of_another_region_is_dropped() {
    let mut world = World::new();
    let notification = notification(&mut world, &[PPMID], TransferStatus::Successful);
    world.dsp.on_csp(at(30), CspRegion::South, CspToDsp::TransferNotification(notification));
    assert!(world.alerts().is_empty());
    assert_eq!(dropped(&world), "transfer notification of CSP South for an update that it has not");
}

#[rstest]
#[case(TransferResponseCode::Success, "SUCCESSFUL_HAN_TRANSFER", 0x8F8A, None)]
#[case(TransferResponseCode::ImageDiscarded, "HAN_DISCARDED", 0x8F89, Some(1))]
#[case(TransferResponseCode::HardwareVersionMismatch, "HAN_REJECTED_HW_MISMATCH", 0x8F89, Some(2))]
#[case(TransferResponseCode::FileTransferFailure, "FAILED_HAN_TRANSFER", 0x8F89, Some(3))]
fn n62_carries_what_the_hub_tells(
    #[case] code: TransferResponseCode,
    #[case] status: &str,
    #[case] alert_code: u16,
    #[case] failure: Option<u8>,
) {
    let mut world = World::new();
    let request_id = world.approved(IMPORT, &[PPMID]);
    let octets = signed(transfer_alert(HUB, PPMID, code));
    world.gbcs(HUB, octets.clone());
    let alerts = world.alerts();
    assert_eq!(codes(&alerts), [(IMPORT, DccAlertCode::N62)], "to the sender only");
    let DccAlert::FirmwareTransferStatus(body) = &alerts[0].1.alert else { panic!("{alerts:?}") };
    assert_eq!((body.device_id, body.firmware_version, body.request_id), (PPMID, VERSION, request_id));
    assert_eq!((body.device_alert_code, body.transfer_response_code), (alert_code, failure.unwrap_or(0)));
    assert_eq!(body.gbcs_payload, octets);
    assert_eq!(world.status(PPMID), Some(status));
    let entry = world.dsp.audit_trail().find(|entry| entry.event == AuditEvent::DeviceAlert).unwrap();
    assert_eq!((entry.device, entry.alert_code, entry.response_code), (Some(PPMID), Some(alert_code), failure));
}

#[test]
fn n62_as_xml() {
    let mut world = World::new();
    world.approved(IMPORT, &[PPMID]);
    world.gbcs(HUB, signed(transfer_alert(HUB, PPMID, TransferResponseCode::HardwareVersionMismatch)));
    let (users, _) = world.drain();
    insta::assert_snapshot!(users[0].1.to_xml(), @r#"
<?xml version="1.0" encoding="UTF-8"?>
<sr:Response xmlns:ra="http://www.dccinterface.co.uk/ResponseAndAlert" xmlns:sr="http://www.dccinterface.co.uk/ServiceUserGateway" schemaVersion="5.4">
  <sr:Header>
    <sr:ResponseID>90-B3-D5-1F-30-00-00-02:90-B3-D5-1F-30-01-00-00:1795176040000</sr:ResponseID>
    <sr:ResponseCode>I0</sr:ResponseCode>
    <sr:ResponseDateTime>2026-11-20T12:00:40.000Z</sr:ResponseDateTime>
  </sr:Header>
  <sr:Body>
    <sr:DCCAlertMessage>
      <sr:DCCAlertCode>N62</sr:DCCAlertCode>
      <sr:DCCAlert>
        <sr:FirmwareTransferStatus>
          <sr:UpdateFirmwareRequestID>90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:1001</sr:UpdateFirmwareRequestID>
          <sr:DeviceID>00-DB-12-34-56-78-90-A4</sr:DeviceID>
          <sr:FirmwareVersion>00000020</sr:FirmwareVersion>
          <sr:DeviceAlertCode>8F89</sr:DeviceAlertCode>
          <sr:TransferResponseCode>2</sr:TransferResponseCode>
          <sr:GBCSPayload>3wkDAAAAAAAAD6AIANsSNFZ4kKIIkLPVHzAAAAIAAgEoKzApAgMAj4kYDzIwMjYxMTIwMTIwMDQwWgQIANsSNFZ4kKQEBAAAACACAQJArmUqpxDnYyCgEQcQ4TtXKiW9vjHImTlZPcMHEzFbYkXW9TPhq7J450g1CxaHGBPl9DZa/Ynk8qdm2ijKN/reAw==</sr:GBCSPayload>
        </sr:FirmwareTransferStatus>
      </sr:DCCAlert>
    </sr:DCCAlertMessage>
  </sr:Body>
</sr:Response>
"#);
}

#[test]
fn the_alert_overtaken_by_the_hubs_own_leaves_the_status() {
    let mut world = World::new();
    let notification = notification(&mut world, &[PPMID], TransferStatus::Successful);
    world.gbcs(HUB, signed(transfer_alert(HUB, PPMID, TransferResponseCode::Success)));
    world.dsp.on_csp(at(50), CspRegion::North, CspToDsp::TransferNotification(notification));
    assert_eq!(codes(&world.alerts()), [(IMPORT, DccAlertCode::N62), (IMPORT, DccAlertCode::N61)]);
    assert_eq!(world.status(PPMID), Some("SUCCESSFUL_HAN_TRANSFER"));
}

#[test]
fn transfer_alerts_that_do_not_verify_are_dropped() {
    let mut world = World::new();
    world.approved(IMPORT, &[PPMID]);
    let alert = || transfer_alert(HUB, PPMID, TransferResponseCode::Success);
    let mut forged = alert();
    forged.sign(&signing_key(99));
    let mut for_another = alert();
    for_another.recipient = IMPORT;
    let mut changed = signed(alert());
    *changed.last_mut().unwrap() ^= 1;
    let foreign = transfer_alert(HUB, SOUTH_PPMID, TransferResponseCode::Success);
    let by_ppmid = transfer_alert(PPMID, PPMID, TransferResponseCode::Success);
    let mut refusals = Vec::new();
    for octets in
        [alert().emit(), forged.emit(), changed, signed(for_another), signed(foreign), signed(by_ppmid), vec![0; 5]]
    {
        world.gbcs(HUB, octets);
        refusals.push(dropped(&world));
    }
    insta::assert_snapshot!(refusals.join("\n"), @r"
alert of 00-DB-12-34-56-78-90-A2: the message carries no signature
alert of 00-DB-12-34-56-78-90-A2: the signature does not verify with this key
alert of 00-DB-12-34-56-78-90-A2: the signature does not verify with this key
addressed to 90-B3-D5-1F-30-01-00-00, expected the Access Control Broker
00-DB-12-34-56-78-90-B4 is not associated with hub 00-DB-12-34-56-78-90-A2
transfer alert signed by 00-DB-12-34-56-78-90-A4, expected the hub 00-DB-12-34-56-78-90-A2
not a GBCS message: message tag at offset 0 is 0x00, expected 0xDF (general-signing) or 0xDD (general-ciphering)
");
    world.gbcs(SOUTH_HUB, signed(transfer_alert(SOUTH_HUB, SOUTH_PPMID, TransferResponseCode::Success)));
    assert_eq!(dropped(&world), "CSP North does not serve hub 00-DB-12-34-56-78-90-B2");
    assert!(world.alerts().is_empty());
    assert_eq!(world.status(PPMID), Some("APPROVED_FOR_DISTRIBUTION"));
}

/// An update to NEWER follows one to VERSION, whose image the hub still holds.
fn followed(world: &mut World) -> (RequestId, RequestId) {
    let first = world.approved(IMPORT, &[PPMID]);
    world.dsp.reset_firmware_update_status(at(25), Viewer::ServiceDesk, PPMID).unwrap();
    let newer = manufacturer_image(300);
    let listed = &mut world.dsp.data_mut().cpl.entries;
    let mut entry = listed.iter().find(|entry| entry.firmware_version == VERSION).unwrap().clone();
    (entry.number, entry.firmware_version, entry.image.hash) = (900, NEWER, FirmwareHash::of(&newer));
    listed.push(entry);
    let answer = world.update_with(GAS, ota_upgrade_image(0x8401, &newer), NEWER, &[PPMID]);
    assert_eq!(answer.response_code, "I0");
    for (region, request) in world.distributions() {
        world.report(region, &request, vec![]);
    }
    world.drain();
    (first, answer.request_id.unwrap())
}

const NEWER: FirmwareVersion = FirmwareVersion(0x0000_0099);

#[test]
fn an_alert_about_an_older_image_is_that_updates() {
    let mut world = World::new();
    let (first, second) = followed(&mut world);
    world.gbcs(HUB, signed(transfer_alert(HUB, PPMID, TransferResponseCode::ImageDiscarded)));
    let alerts = world.alerts();
    assert_eq!(codes(&alerts), [(IMPORT, DccAlertCode::N62)]);
    let DccAlert::FirmwareTransferStatus(body) = &alerts[0].1.alert else { panic!("{alerts:?}") };
    assert_eq!((body.request_id, body.firmware_version), (first, VERSION));
    let record = world.dsp.tracking(PPMID).unwrap();
    assert_eq!((record.request_id, record.status.name()), (second, "APPROVED_FOR_DISTRIBUTION"));
    world.gbcs(HUB, signed(activation_alert(PPMID, VERSION, ActivationOutcome::Success)));
    assert_eq!(codes(&world.alerts()), [(IMPORT, DccAlertCode::N39), (GAS, DccAlertCode::N39)]);
    assert_eq!(world.status(PPMID), Some("APPROVED_FOR_DISTRIBUTION"), "NEWER is still to come");
}

#[test]
fn a_transfer_of_an_older_image_is_that_updates() {
    let mut world = World::new();
    let (first, _) = followed(&mut world);
    let notification = TransferNotification {
        request_id: first,
        hub: HUB,
        devices: vec![PPMID],
        status: TransferStatus::Failed,
        reason: Some("late".to_owned()),
    };
    world.dsp.on_csp(at(30), CspRegion::North, CspToDsp::TransferNotification(notification));
    assert_eq!(codes(&world.alerts()), [(IMPORT, DccAlertCode::N60)]);
    assert_eq!(world.status(PPMID), Some("APPROVED_FOR_DISTRIBUTION"));
}

#[test]
fn a_transfer_alert_on_no_update_is_audited_only() {
    let mut world = World::new();
    world.gbcs(HUB, signed(transfer_alert(HUB, PPMID, TransferResponseCode::ImageDiscarded)));
    assert!(world.alerts().is_empty());
    assert_eq!(world.dsp.audit_trail().filter(|entry| entry.event == AuditEvent::DeviceAlert).count(), 1);
}

#[test]
fn n39_goes_to_all_responsible_suppliers_and_the_smi_follows() {
    let mut world = World::new();
    world.approved(IMPORT, &[PPMID]);
    world.gbcs(HUB, signed(transfer_alert(HUB, PPMID, TransferResponseCode::Success)));
    world.drain();
    let octets = signed(activation_alert(PPMID, VERSION, ActivationOutcome::Success));
    world.gbcs(HUB, octets.clone());
    let alerts = world.alerts();
    assert_eq!(codes(&alerts), [(IMPORT, DccAlertCode::N39), (GAS, DccAlertCode::N39)]);
    let DccAlert::PpmidAlert(body) = &alerts[0].1.alert else { panic!("{alerts:?}") };
    assert_eq!((body.alert_code, body.firmware_version, body.activation_response_code), (0x8F8B, VERSION, 0));
    assert_eq!(body.gbcs_payload, octets);
    assert_eq!(world.status(PPMID), Some("FIRMWARE_ACTIVATED"));
    assert_eq!(world.smi_version(PPMID), VERSION);
    assert_eq!(world.dsp.audit_trail().filter(|entry| entry.event == AuditEvent::SmiUpdated).count(), 1);
    assert_eq!(world.update(GAS, &[PPMID]).response_code, "I0", "the Device is free for another update");
}

#[test]
fn a_failed_activation_leaves_the_smi_and_is_told() {
    let mut world = World::new();
    world.approved(GAS, &[PPMID]);
    world.gbcs(HUB, signed(activation_alert(PPMID, OLD_VERSION, ActivationOutcome::Failure)));
    let alerts = world.alerts();
    assert_eq!(codes(&alerts), [(IMPORT, DccAlertCode::N39), (GAS, DccAlertCode::N39)]);
    let DccAlert::PpmidAlert(body) = &alerts[0].1.alert else { panic!("{alerts:?}") };
    assert_eq!((body.firmware_version, body.activation_response_code), (OLD_VERSION, 1));
    assert_eq!(world.smi_version(PPMID), OLD_VERSION);
    let record = world.dsp.tracking(PPMID).unwrap();
    assert_eq!((record.status.name(), record.reason.as_deref()), ("FIRMWARE_ACTIVATED", Some("activation failure")));
    let entry = world.dsp.audit_trail().find(|entry| entry.event == AuditEvent::DeviceAlert).unwrap();
    assert_eq!((entry.alert_code, entry.response_code), (Some(0x8F8B), Some(1)));
}

#[test]
fn the_same_version_leaves_the_smi_alone() {
    let mut world = World::new();
    world.gbcs(HUB, signed(activation_alert(PPMID, OLD_VERSION, ActivationOutcome::Success)));
    assert_eq!(world.alerts().len(), 2, "also without an update that is tracked");
    assert_eq!(world.dsp.audit_trail().filter(|entry| entry.event == AuditEvent::SmiUpdated).count(), 0);
}

#[test]
fn activation_alerts_that_do_not_verify_are_dropped() {
    let mut world = World::new();
    let alert = || activation_alert(PPMID, VERSION, ActivationOutcome::Success);
    let mut to_the_supplier = alert();
    to_the_supplier.recipient = IMPORT;
    let mut by_the_hub = alert();
    by_the_hub.sign(&signing_key(seed(HUB)));
    let of_an_hcalcs = activation_alert(HCALCS, VERSION, ActivationOutcome::Success);
    let elsewhere = activation_alert(SOUTH_PPMID, VERSION, ActivationOutcome::Success);
    let mut refusals = Vec::new();
    for octets in [signed(to_the_supplier), by_the_hub.emit(), signed(of_an_hcalcs), signed(elsewhere)] {
        world.gbcs(HUB, octets);
        refusals.push(dropped(&world));
    }
    insta::assert_snapshot!(refusals.join("\n"), @r"
addressed to 90-B3-D5-1F-30-01-00-00, expected the Access Control Broker
alert of 00-DB-12-34-56-78-90-A4: the signature does not verify with this key
activation alert of 00-DB-12-34-56-78-90-A5, a HCALCS, expected a PPMID
00-DB-12-34-56-78-90-B4 is not associated with hub 00-DB-12-34-56-78-90-A2
");
    assert!(world.alerts().is_empty());
    assert_eq!(world.smi_version(PPMID), OLD_VERSION);
}

#[test]
fn records_are_kept_for_a_week_after_the_update_is_over() {
    let mut world = World::with_settings("tracking_timeout = \"30days\"\ndelivery_period = \"40days\"");
    world.update(IMPORT, &[UNKNOWN]);
    world.approved(IMPORT, &[PPMID]);
    let week = 7 * 24 * 3600;
    assert_eq!(world.dsp.poll_at(), Some(at(10 + week)));
    world.dsp.poll(at(9 + week));
    assert_eq!(world.status(UNKNOWN), Some("REJECTED_BY_DSP"));
    world.dsp.poll(at(10 + week));
    assert_eq!(world.status(UNKNOWN), None);
    assert_eq!(world.status(PPMID), Some("APPROVED_FOR_DISTRIBUTION"));
    assert_eq!(world.dsp.poll_at(), Some(at(20 + 30 * 24 * 3600)));
}
