//! SRV 11.4 and 11.1 at the DSP: SR-01, SR-02, SR-06, DSP-01 to DSP-08, DSP-10, DSP-11, DSP-22, CPL-05.

mod support;

use hanrig_dcc::FirmwareHash;
use hanrig_dcc::data::{CplStatus, CspRegion};
use hanrig_dcc::dsp::{AuditEvent, Outcome};
use hanrig_dcc::duis::{
    FirmwareWarning, Request, RequestId, Response, ResponseBody, ResponsePayload, ServiceRequest, UpdateFirmware,
};
use hanrig_dcc::gateway::DistributionTarget;
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion};
use rstest::rstest;
use support::*;

fn payload(response: &Response) -> &ResponsePayload {
    match &response.body {
        ResponseBody::ResponseMessage(message) => &message.payload,
        other => panic!("{other:?}"),
    }
}

fn warning(response: &Response) -> &FirmwareWarning {
    match payload(response) {
        ResponsePayload::DspUpdatePpmidFirmwareWarning(w) | ResponsePayload::DspUpdateFirmwareWarning(w) => w,
        other => panic!("{other:?}"),
    }
}

fn last_refusal(world: &World) -> String {
    let entry = world.dsp.audit_trail().filter(|entry| entry.event == AuditEvent::RequestRefused).last().unwrap();
    format!("{}: {}", entry.outcome.unwrap().code(), entry.detail)
}

#[test]
fn all_devices_pass_one_synchronous_response_and_nothing_else_to_the_sender() {
    let mut world = World::new();
    let response = world.update(IMPORT, &[PPMID]);
    insta::assert_snapshot!(response.to_xml(), @r#"
<?xml version="1.0" encoding="UTF-8"?>
<sr:Response xmlns:ra="http://www.dccinterface.co.uk/ResponseAndAlert" xmlns:sr="http://www.dccinterface.co.uk/ServiceUserGateway" schemaVersion="5.4">
  <sr:Header>
    <sr:RequestID>90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:1001</sr:RequestID>
    <sr:ResponseID>90-B3-D5-1F-30-00-00-02:90-B3-D5-1F-30-01-00-00:1001</sr:ResponseID>
    <sr:ResponseCode>I0</sr:ResponseCode>
    <sr:ResponseDateTime>2026-11-20T12:00:10.000Z</sr:ResponseDateTime>
  </sr:Header>
  <sr:Body>
    <sr:ResponseMessage>
      <sr:ServiceReference>11.4</sr:ServiceReference>
      <sr:ServiceReferenceVariant>11.4</sr:ServiceReferenceVariant>
    </sr:ResponseMessage>
  </sr:Body>
</sr:Response>
"#);
    let distributions = world.distributions();
    assert_eq!(distributions.len(), 1);
    let (region, request) = &distributions[0];
    assert_eq!(*region, CspRegion::North);
    assert_eq!(request.device_type, DeviceType::Ppmid);
    assert_eq!(request.image, world.image);
    assert_eq!(request.image_hash, FirmwareHash::of(&world.image));
    assert_eq!(request.devices, [DistributionTarget { device: PPMID, hub: HUB }]);
    assert_eq!(world.status(PPMID), Some("AWAITING_CSP"));
}

#[test]
fn each_failed_device_is_listed_with_its_reason_and_the_others_go_ahead() {
    let mut world = World::new();
    world.approved(GAS, &[PPMID_2]);
    let devices = [UNKNOWN, ESME, PENDING, OTHER_MODEL, FOREIGN_PPMID, PPMID_2, PPMID, PPMID];
    let response = world.update(IMPORT, &devices);
    insta::assert_snapshot!(response.to_xml(), @r#"
<?xml version="1.0" encoding="UTF-8"?>
<sr:Response xmlns:ra="http://www.dccinterface.co.uk/ResponseAndAlert" xmlns:sr="http://www.dccinterface.co.uk/ServiceUserGateway" schemaVersion="5.4">
  <sr:Header>
    <sr:RequestID>90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:1002</sr:RequestID>
    <sr:ResponseID>90-B3-D5-1F-30-00-00-02:90-B3-D5-1F-30-01-00-00:1002</sr:ResponseID>
    <sr:ResponseCode>W110401</sr:ResponseCode>
    <sr:ResponseDateTime>2026-11-20T12:00:10.000Z</sr:ResponseDateTime>
  </sr:Header>
  <sr:Body>
    <sr:ResponseMessage>
      <sr:ServiceReference>11.4</sr:ServiceReference>
      <sr:ServiceReferenceVariant>11.4</sr:ServiceReferenceVariant>
      <sr:DSPUpdatePPMIDFirmwareWarning>
        <sr:InvalidDeviceIDList>00-DB-12-34-56-78-90-FF,00-DB-12-34-56-78-90-A0</sr:InvalidDeviceIDList>
        <sr:NotCommissionedDeviceIDList>00-DB-12-34-56-78-90-A7</sr:NotCommissionedDeviceIDList>
        <sr:NotApplicableFirmwareDeviceIDList>00-DB-12-34-56-78-90-A6</sr:NotApplicableFirmwareDeviceIDList>
        <sr:OtherRequestInProgressList>00-DB-12-34-56-78-90-A8</sr:OtherRequestInProgressList>
        <sr:NotResponsibleSupplierDeviceIDList>00-DB-12-34-56-78-90-C4</sr:NotResponsibleSupplierDeviceIDList>
      </sr:DSPUpdatePPMIDFirmwareWarning>
    </sr:ResponseMessage>
  </sr:Body>
</sr:Response>
"#);
    let distributions = world.distributions();
    assert_eq!(distributions.len(), 1);
    assert_eq!(distributions[0].1.devices, [DistributionTarget { device: PPMID, hub: HUB }]);
    for device in [UNKNOWN, ESME, PENDING, OTHER_MODEL, FOREIGN_PPMID] {
        assert_eq!(world.status(device), Some("REJECTED_BY_DSP"), "{device}");
    }
    assert_eq!(world.dsp.tracking(PENDING).unwrap().reason.as_deref(), Some("not commissioned"));
    assert_eq!(world.status(PPMID_2), Some("APPROVED_FOR_DISTRIBUTION"), "the update in progress stands");
    assert_eq!(world.dsp.tracking(PPMID_2).unwrap().request_id.originator, GAS);
}

#[test]
fn when_every_device_fails_nothing_is_distributed() {
    let mut world = World::new();
    let response = world.update(IMPORT, &[UNKNOWN]);
    assert_eq!(response.response_code, "W110401");
    assert!(world.distributions().is_empty());
}

#[rstest]
#[case::exactly_750kb(768_000, "I0")]
#[case::one_octet_more(768_001, "E110402")]
fn size_limit_of_the_ota_upgrade_image(#[case] size: usize, #[case] code: &str) {
    let mut world = World::with_image(&manufacturer_image(size - HEADER_LENGTH));
    assert_eq!(world.image.len(), size);
    let response = world.update(IMPORT, &[PPMID]);
    assert_eq!(response.response_code, code);
    assert_eq!(world.distributions().len(), usize::from(code == "I0"));
}

#[rstest]
#[case::most(50_000, "W110401")]
#[case::one_more(50_001, "E110401")]
fn limit_of_the_device_list(#[case] count: u64, #[case] code: &str) {
    let mut world = World::new();
    let devices: Vec<Eui64> = (0..count).map(|i| Eui64(0x00DB_0000_0000_0000 + i)).collect();
    let response = world.update(IMPORT, &devices);
    assert_eq!(response.response_code, code);
    let listed = if code.starts_with('W') { warning(&response).invalid.len() } else { 0 };
    assert_eq!(listed as u64, if code.starts_with('W') { count } else { 0 });
    if code.starts_with('E') {
        assert_eq!(last_refusal(&world), "E110401: 50001 Device IDs, at most 50000 are allowed");
    }
}

#[test]
fn a_hash_that_is_not_on_the_cpl_is_refused_whole() {
    let mut world = World::new();
    let image = ota_upgrade_image(0x8401, b"another image");
    let response = world.update_with(IMPORT, image, VERSION, &[PPMID]);
    insta::assert_snapshot!(response.to_xml(), @r#"
<?xml version="1.0" encoding="UTF-8"?>
<sr:Response xmlns:ra="http://www.dccinterface.co.uk/ResponseAndAlert" xmlns:sr="http://www.dccinterface.co.uk/ServiceUserGateway" schemaVersion="5.4">
  <sr:Header>
    <sr:RequestID>90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:1001</sr:RequestID>
    <sr:ResponseID>90-B3-D5-1F-30-00-00-02:90-B3-D5-1F-30-01-00-00:1001</sr:ResponseID>
    <sr:ResponseCode>E110404</sr:ResponseCode>
    <sr:ResponseDateTime>2026-11-20T12:00:10.000Z</sr:ResponseDateTime>
  </sr:Header>
  <sr:Body>
    <sr:ResponseMessage>
      <sr:ServiceReference>11.4</sr:ServiceReference>
      <sr:ServiceReferenceVariant>11.4</sr:ServiceReferenceVariant>
    </sr:ResponseMessage>
  </sr:Body>
</sr:Response>
"#);
    assert!(world.distributions().is_empty());
    assert_eq!(world.status(PPMID), None);
}

#[test]
fn a_hash_whose_entry_was_removed_is_refused() {
    let mut world = World::new();
    for entry in &mut world.dsp.data_mut().cpl.entries {
        entry.status = CplStatus::Removed;
    }
    assert_eq!(world.update(IMPORT, &[PPMID]).response_code, "E110404");
}

#[test]
fn a_hash_that_belongs_to_another_version_is_refused() {
    let mut world = World::new();
    let image = world.image.clone();
    let response = world.update_with(IMPORT, image, FirmwareVersion(0x21), &[PPMID]);
    assert_eq!(response.response_code, "E110405");
    assert!(last_refusal(&world).ends_with("does not belong to firmware version 00000021"));
}

#[test]
fn what_is_no_ota_file_is_refused() {
    let mut world = World::new();
    let response = world.update_with(IMPORT, b"no OTA file".to_vec(), VERSION, &[PPMID]);
    assert_eq!(response.response_code, "E110403");
    insta::assert_snapshot!(last_refusal(&world), @"E110403: no OTA file identifier at offset 0: expected 1e f1 ee 0b");
}

#[test]
fn in_progress_is_per_device_not_per_hub() {
    let mut world = World::new();
    world.approved(IMPORT, &[PPMID]);
    assert_eq!(world.update(GAS, &[PPMID_2]).response_code, "I0");
    let response = world.update(GAS, &[PPMID]);
    assert_eq!(warning(&response).in_progress, [PPMID]);
}

#[test]
fn a_device_that_awaits_its_csp_is_in_progress() {
    let mut world = World::new();
    assert_eq!(world.update(IMPORT, &[PPMID]).response_code, "I0");
    assert_eq!(warning(&world.update(GAS, &[PPMID])).in_progress, [PPMID]);
}

#[test]
fn one_batch_per_region_with_device_type_and_hub_of_each_device() {
    let mut world = World::new();
    assert_eq!(world.update(IMPORT, &[SOUTH_PPMID, PPMID, PPMID_2]).response_code, "I0");
    let batches: Vec<_> = world
        .distributions()
        .into_iter()
        .map(|(region, request)| (region, request.device_type, request.devices))
        .collect();
    let on = |device, hub| DistributionTarget { device, hub };
    assert_eq!(
        batches,
        [
            (CspRegion::North, DeviceType::Ppmid, vec![on(PPMID, HUB), on(PPMID_2, HUB)]),
            (CspRegion::South, DeviceType::Ppmid, vec![on(SOUTH_PPMID, SOUTH_HUB)]),
        ]
    );
}

#[rstest]
#[case::import_supplier(IMPORT, true)]
#[case::gas_supplier(GAS, true)]
#[case::supplier_of_other_premises(OTHER_IMPORT, false)]
fn either_responsible_supplier_updates_the_ppmid(#[case] sender: Eui64, #[case] passes: bool) {
    let mut world = World::new();
    let response = world.update(sender, &[PPMID]);
    assert_eq!(response.response_code, if passes { "I0" } else { "W110401" });
    if !passes {
        assert_eq!(warning(&response).not_responsible, [PPMID]);
    }
}

#[test]
fn without_a_gsme_the_gas_supplier_is_not_responsible() {
    let mut world = World::new();
    assert_eq!(warning(&world.update(GAS, &[SOUTH_PPMID])).not_responsible, [SOUTH_PPMID]);
}

#[rstest]
#[case(ESME, 0x8201, IMPORT, "I0")]
#[case(ESME, 0x8201, GAS, "W110101")]
#[case(GSME, 0x8301, GAS, "I0")]
#[case(GSME, 0x8301, IMPORT, "W110101")]
#[case(HCALCS, 0x8501, IMPORT, "I0")]
#[case(HCALCS, 0x8501, GAS, "W110101")]
fn srv_11_1_takes_meters_and_hcalcs_from_their_supplier(
    #[case] device: Eui64,
    #[case] model: u16,
    #[case] sender: Eui64,
    #[case] code: &str,
) {
    let mut world = World::new();
    let firmware_image = signed_ota_upgrade_image(model, &manufacturer_image(200));
    let body = UpdateFirmware {
        firmware_image: firmware_image.clone(),
        firmware_version: VERSION,
        device_id_list: vec![device],
    };
    let response = world.send(sender, DCC, ServiceRequest::UpdateFirmware(body));
    assert_eq!(response.response_code, code);
    let distributions = world.distributions();
    if code == "I0" {
        assert_eq!(distributions[0].1.device_type, type_of(device));
        assert_eq!(distributions[0].1.image, firmware_image, "the signature goes to the hub with the image");
    } else {
        assert_eq!(warning(&response).not_responsible, [device]);
        assert!(distributions.is_empty());
    }
}

#[test]
fn srv_11_1_refuses_a_ppmid_and_an_image_without_signature() {
    let mut world = World::new();
    let body =
        |firmware_image| UpdateFirmware { firmware_image, firmware_version: VERSION, device_id_list: vec![PPMID] };
    let signed = signed_ota_upgrade_image(0x8401, &manufacturer_image(200));
    let response = world.send(IMPORT, DCC, ServiceRequest::UpdateFirmware(body(signed)));
    assert_eq!(warning(&response).invalid, [PPMID]);
    let unsigned = world.image.clone();
    let response = world.send(IMPORT, DCC, ServiceRequest::UpdateFirmware(body(unsigned)));
    assert_eq!(response.response_code, "E110103");
}

#[rstest]
#[case::no_user(UNKNOWN, "E1")]
#[case::suspended(SUSPENDED, "E2")]
#[case::role(NETWORK, "E3")]
fn who_may_send(#[case] sender: Eui64, #[case] code: &str) {
    let mut world = World::new();
    assert_eq!(world.update(sender, &[PPMID]).response_code, code);
    assert!(world.distributions().is_empty());
}

#[test]
fn identifiers_must_fit() {
    let mut world = World::new();
    let id = RequestId { originator: IMPORT, target: DCC, counter: 1 };
    let read = ServiceRequest::ReadInventory { device_id: PPMID };
    let request = Request::new(id, read.clone());
    assert_eq!(world.send_request(GAS, &request).response_code, "E1");
    assert_eq!(
        last_refusal(&world),
        "E1: sent by 90-B3-D5-1F-30-02-00-00, but the RequestID names 90-B3-D5-1F-30-01-00-00 as originator"
    );
    assert_eq!(world.send_request(IMPORT, &Request { command_variant: 1, ..request.clone() }).response_code, "E102");
    let elsewhere = Request::new(RequestId { target: HUB, ..id }, read);
    assert_eq!(world.send_request(IMPORT, &elsewhere).response_code, "E102");
    assert_eq!(world.send_request(IMPORT, &request).response_code, "I0");
    assert_eq!(world.send_request(IMPORT, &request).response_code, "E101");
}

#[test]
fn a_request_that_cannot_be_read_is_answered_with_what_its_header_tells() {
    let mut world = World::new();
    let id = RequestId { originator: IMPORT, target: DCC, counter: 7 };
    let xml = Request::new(id, ServiceRequest::ReadInventory { device_id: PPMID }).to_xml();
    let broken = xml.replace("sr:DeviceID>", "sr:Device>");
    let response = world.send_xml(IMPORT, broken.as_bytes());
    insta::assert_snapshot!(response.to_xml(), @r#"
<?xml version="1.0" encoding="UTF-8"?>
<sr:Response xmlns:ra="http://www.dccinterface.co.uk/ResponseAndAlert" xmlns:sr="http://www.dccinterface.co.uk/ServiceUserGateway" schemaVersion="5.4">
  <sr:Header>
    <sr:RequestID>90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:7</sr:RequestID>
    <sr:ResponseID>90-B3-D5-1F-30-00-00-02:90-B3-D5-1F-30-01-00-00:7</sr:ResponseID>
    <sr:ResponseCode>E100</sr:ResponseCode>
    <sr:ResponseDateTime>2026-11-20T12:00:10.000Z</sr:ResponseDateTime>
  </sr:Header>
  <sr:Body>
    <sr:ResponseMessage>
      <sr:ServiceReference>8.2</sr:ServiceReference>
      <sr:ServiceReferenceVariant>8.2</sr:ServiceReferenceVariant>
    </sr:ResponseMessage>
  </sr:Body>
</sr:Response>
"#);
    insta::assert_snapshot!(last_refusal(&world), @"E100: line 11, column 7: unexpected element sr:Device in sr:ReadInventory, expected sr:DeviceID");
    let response = world.send_xml(IMPORT, b"\xFF\xFE");
    assert_eq!((response.response_code.as_str(), response.request_id), ("E100", None));
}

#[test]
fn the_audit_trail_serialises_for_a_report() {
    let mut world = World::new();
    world.update(SUSPENDED, &[PPMID]);
    let entry = world.dsp.audit_trail().last().unwrap();
    assert_eq!(entry.outcome, Some(Outcome::UserSuspended));
    insta::assert_snapshot!(serde_json::to_string_pretty(entry).unwrap(), @r#"
{
  "time": "2026-11-20T12:00:10.000Z",
  "event": "RequestRefused",
  "request_id": "90-B3-D5-1F-30-04-00-00:90-B3-D5-1F-30-00-00-02:1001",
  "user": "90-B3-D5-1F-30-04-00-00",
  "outcome": "E2",
  "detail": "Suspended (90-B3-D5-1F-30-04-00-00) is suspended"
}
"#);
}
