//! SRV 11.3 and SRV 11.2 for all types of Device: SR-04, SR-05, SR-08, DSP-16, DSP-18, DSP-21, DSP-22.

mod support;

use hanrig_dcc::FirmwareHash;
use hanrig_dcc::data::{CplStatus, UserRole};
use hanrig_dcc::dsp::{ActivationState, Viewer};
use hanrig_dcc::duis::{
    DccAlert, DccAlertCode, Request, RequestId, Response, ResponseBody, ResponsePayload, ServiceRequest,
};
use hanrig_dcc::gateway::DspToCsp;
use hanrig_dcc::supplier::{PreCommandRefusal, Supplier, SupplierConfig};
use hanrig_wire::gbcs::cs06::{self, ActivationResult};
use hanrig_wire::gbcs::cs08::{self, ReadOutcome};
use hanrig_wire::gbcs::{
    self, AlertCode, Content, Cra, Envelope, Message, MessageCode, check_mac, decode_content, device_alert, ecs52,
    gcs38,
};
use hanrig_wire::time::Utc;
use hanrig_wire::types::{Eui64, FirmwareVersion};
use rstest::rstest;
use support::*;

fn supplier(eui: Eui64) -> Supplier {
    Supplier::new(SupplierConfig {
        eui,
        name: "Supplier".to_owned(),
        role: if eui == GAS { UserRole::GasSupplier } else { UserRole::ImportSupplier },
        dcc: DCC,
        signing_key: user_key(eui),
        first_counter: 5000,
    })
}

fn hash() -> FirmwareHash {
    FirmwareHash::of(&manufacturer_image(200))
}

/// Sends SRV 11.3 through both of its steps and gives the Command that went to the hub.
fn activate(world: &mut World, supplier: &mut Supplier, device: Eui64, at: Option<Utc>) -> (RequestId, Envelope) {
    let request = supplier.activate_firmware(device, hash(), at);
    let response = world.send_request(supplier.eui(), &request);
    assert_eq!(response.response_code, "I0");
    let signed = supplier.sign_pre_command(&response).unwrap();
    let response = world.send_request(supplier.eui(), &signed);
    assert_eq!(response.response_code, "I99");
    (request.request_id, command(world))
}

/// The one Command that went to the hub.
fn command(world: &mut World) -> Envelope {
    let (users, csps) = world.drain();
    assert_eq!(users, []);
    let [(_, DspToCsp::Gbcs(gbcs))] = csps.as_slice() else { panic!("{csps:?}") };
    assert_eq!(gbcs.hub, HUB);
    Envelope::parse(&gbcs.octets).unwrap()
}

/// The Device's answer to a Command, with neither signature nor MAC.
fn answer(command: &Message, content: Vec<u8>) -> Message {
    Message {
        cra: Cra::Response,
        originator: command.recipient,
        recipient: command.originator,
        content,
        signature: None,
        ..command.clone()
    }
}

fn activated(command: &Message, result: ActivationResult, version: FirmwareVersion) -> Vec<u8> {
    signed(answer(command, cs06::Response::Immediate(cs06::Outcome { result, version }).encode()))
}

fn gbcs_payload(response: &Response) -> &[u8] {
    match &response.body {
        ResponseBody::ResponseMessage(message) => match &message.payload {
            ResponsePayload::GbcsPayload(octets) => octets,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case::esme(IMPORT, ESME)]
#[case::gsme(GAS, GSME)]
#[case::hcalcs(IMPORT, HCALCS)]
fn srv_11_3(#[case] user: Eui64, #[case] device: Eui64) {
    let mut world = World::new();
    let mut supplier = supplier(user);
    let (id, envelope) = activate(&mut world, &mut supplier, device, None);
    let message = envelope.message();
    assert_eq!((message.originator, message.recipient, message.counter), (user, device, id.counter));
    message.verify(&user_key(user).verifying_key()).unwrap();
    check_mac(&envelope, &secret_key(seed(device)), &secret_key(2).public_key()).unwrap();
    let Content::Cs06Command(content) = decode_content(message).unwrap() else { panic!("{message}") };
    assert_eq!((content.hash, content.originator_counter, content.execution), (hash().0, id.counter, None));

    let octets = activated(message, ActivationResult::Success, VERSION);
    world.gbcs(HUB, octets.clone());
    let (users, _) = world.drain();
    let [(to, response)] = users.as_slice() else { panic!("{users:?}") };
    assert_eq!((*to, response.request_id, response.response_code.as_str()), (user, Some(id), "I0"));
    assert_eq!(gbcs_payload(response), octets);
    assert_eq!(world.smi_version(device), VERSION);
    let report: Vec<_> = world.dsp.firmware_activations(Viewer::ServiceDesk).collect();
    let [line] = report.as_slice() else { panic!("{report:?}") };
    assert_eq!((line.device, line.outcome, line.firmware_version), (device, ActivationState::Success, Some(VERSION)));
}

#[rstest]
#[case(ActivationResult::NoImageHeld, "noImageHeld")]
#[case(ActivationResult::HashMismatch, "hashMismatch")]
#[case(ActivationResult::ActivationFailure, "activationFailure")]
fn srv_11_3_that_fails_on_the_device(#[case] result: ActivationResult, #[case] name: &str) {
    let mut world = World::new();
    let (_, envelope) = activate(&mut world, &mut supplier(IMPORT), HCALCS, None);
    world.gbcs(HUB, activated(envelope.message(), result, OLD_VERSION));
    let (users, _) = world.drain();
    assert_eq!(users.len(), 1, "the response is passed on: {users:?}");
    assert_eq!(world.smi_version(HCALCS), OLD_VERSION);
    assert_eq!(world.dsp.firmware_activations(Viewer::ServiceDesk).next().unwrap().outcome.name(), name);
}

#[test]
fn a_future_dated_activation() {
    let mut world = World::new();
    let later = Utc::from_unix_seconds(1_795_200_000);
    let (id, envelope) = activate(&mut world, &mut supplier(IMPORT), ESME, Some(later));
    let command = envelope.message();
    world.gbcs(HUB, signed(answer(command, cs06::Response::FutureDated.encode())));
    assert_eq!(world.drain().0.len(), 1);
    assert_eq!(world.smi_version(ESME), OLD_VERSION);
    let alert = cs06::FutureDatedAlert {
        alert_code: AlertCode::FUTURE_DATED_SUCCESS,
        time: later,
        originator_counter: id.counter,
        outcome: cs06::Outcome { result: ActivationResult::Success, version: VERSION },
    };
    let message = Message {
        cra: Cra::Alert,
        counter: 77,
        message_code: MessageCode::CS06_FUTURE_DATED_ALERT,
        ..answer(command, alert.encode())
    };
    world.gbcs(HUB, signed(message.clone()));
    let (users, _) = world.drain();
    let [(IMPORT, response)] = users.as_slice() else { panic!("{users:?}") };
    insta::assert_snapshot!(response.to_xml().lines().skip(9).take(10).collect::<Vec<_>>().join("\n").split("<sr:GBCSPayload>").next().unwrap(), @r"
      <sr:ResponseMessage>
        <sr:ServiceReference>11.3</sr:ServiceReference>
        <sr:ServiceReferenceVariant>11.3</sr:ServiceReferenceVariant>
        <sr:FutureDatedDeviceAlertMessage>
          <sr:FutureDatedAlertCode>8F66</sr:FutureDatedAlertCode>
          
    ");
    assert_eq!(world.smi_version(ESME), VERSION);
    world.gbcs(HUB, signed(message));
    assert!(world.drain().0.is_empty(), "once");
}

#[rstest]
#[case::ppmid(IMPORT, PPMID, "E5")]
#[case::hub(IMPORT, HUB, "E5")]
#[case::unknown(IMPORT, UNKNOWN, "E11")]
#[case::gas_supplier_hcalcs(GAS, HCALCS, "E4")]
#[case::gas_supplier_esme(GAS, ESME, "E4")]
#[case::import_supplier_gsme(IMPORT, GSME, "E4")]
#[case::stranger(OTHER_IMPORT, HCALCS, "E4")]
#[case::no_supplier(NETWORK, HCALCS, "E3")]
#[case::suspended(SUSPENDED, HCALCS, "E2")]
fn srv_11_3_that_is_refused(#[case] user: Eui64, #[case] device: Eui64, #[case] code: &str) {
    let mut world = World::new();
    let body = ServiceRequest::ActivateFirmware { execution_date_time: None, hash: hash() };
    assert_eq!(world.send(user, device, body).response_code, code);
    assert_eq!(world.drain(), (vec![], vec![]));
}

#[test]
fn activation_in_the_past_is_refused() {
    let mut world = World::new();
    let body = ServiceRequest::ActivateFirmware { execution_date_time: Some(Utc(1_795_176_010_000)), hash: hash() };
    assert_eq!(world.send(IMPORT, ESME, body).response_code, "E13");
}

#[test]
fn signed_pre_commands_that_are_refused() {
    let mut world = World::new();
    let mut supplier = supplier(IMPORT);
    let request = supplier.activate_firmware(HCALCS, hash(), None);
    let response = world.send_request(IMPORT, &request);
    let right = supplier.sign_pre_command(&response).unwrap();
    let ServiceRequest::SignedPreCommand { gbcs_payload } = &right.body else { panic!() };
    let message = Envelope::parse(gbcs_payload).unwrap().into_message();
    let mut sent = Vec::new();
    let mut try_one = |world: &mut World, user: Eui64, payload: Vec<u8>| {
        let id = RequestId { originator: user, ..request.request_id };
        let request = Request::new(id, ServiceRequest::SignedPreCommand { gbcs_payload: payload });
        sent.push(world.send_request(user, &request).response_code.to_string());
    };
    // Signed by another, unsigned, changed after signing, changed and signed again, of another User, garbage.
    let mut foreign = message.clone();
    foreign.sign(&user_key(GAS));
    try_one(&mut world, IMPORT, foreign.emit());
    try_one(&mut world, IMPORT, message.emit_pre_command());
    let command = cs06::Command { hash: [1; 32], originator_counter: message.counter, execution: None };
    let mut changed = Message { content: command.encode(), ..message.clone() };
    try_one(&mut world, IMPORT, changed.emit());
    changed.sign(&user_key(IMPORT));
    try_one(&mut world, IMPORT, changed.emit());
    try_one(&mut world, GAS, message.emit());
    try_one(&mut world, IMPORT, vec![1, 2, 3]);
    assert_eq!(sent, ["E104", "E103", "E103", "E103", "E103", "E103"]);
    assert_eq!(world.drain(), (vec![], vec![]));
    // The right one is still taken, and once.
    assert_eq!(world.send_request(IMPORT, &right).response_code, "I99");
    assert_eq!(world.drain().1.len(), 1);
    assert_eq!(world.send_request(IMPORT, &right).response_code, "E101");
    assert_eq!(world.drain().1, []);
}

#[test]
fn a_supplier_signs_nothing_that_it_did_not_ask_for() {
    let mut world = World::new();
    let mut supplier = supplier(IMPORT);
    let request = supplier.activate_firmware(HCALCS, hash(), None);
    let good = world.send_request(IMPORT, &request);
    let spoilt = |change: &dyn Fn(&mut Message)| {
        let mut response = good.clone();
        let ResponseBody::ResponseMessage(message) = &mut response.body else { panic!() };
        let ResponsePayload::PreCommand(pre_command) = &mut message.payload else { panic!() };
        let mut message = Message::parse_pre_command(&pre_command.gbcs_payload).unwrap();
        change(&mut message);
        pre_command.gbcs_payload = message.emit_pre_command();
        response
    };
    let other = cs06::Command { hash: [1; 32], originator_counter: request.request_id.counter, execution: None };
    let mut said = Vec::new();
    for response in [
        spoilt(&|message| message.content = other.encode()),
        spoilt(&|message| message.recipient = ESME),
        spoilt(&|message| message.counter += 1),
        spoilt(&|message| message.message_code = 0x0059),
        spoilt(&|message| message.content.clear()),
    ] {
        said.push(supplier.sign_pre_command(&response).unwrap_err().to_string());
    }
    insta::assert_snapshot!(said.join("\n"), @r"
    the Pre-Command's hash is 0101010101010101010101010101010101010101010101010101010101010101, expected 1901DA1C9F699B48F6B2636E65CBF73ABF99D0441EF67F5C540A42F7051DEC6F
    the Pre-Command's recipient is 00-DB-12-34-56-78-90-A0, expected 00-DB-12-34-56-78-90-A5
    the Pre-Command's counter is 5001, expected 5000
    the Pre-Command's message code is 89, expected 18
    the Pre-Command is not the command that was asked for: CS06 command: content at content offset 0: expected a SEQUENCE, found: ASN.1 DER message is incomplete: expected 1, actual 0
    ");
    let unasked = Response { request_id: Some(RequestId { counter: 1, ..request.request_id }), ..good.clone() };
    assert!(matches!(supplier.sign_pre_command(&unasked), Err(PreCommandRefusal::NotAsked(Some(_)))));
    supplier.sign_pre_command(&good).unwrap();
    assert!(matches!(supplier.sign_pre_command(&good), Err(PreCommandRefusal::NotAsked(Some(_)))), "once");
}

#[test]
fn responses_to_srv_11_3_that_do_not_fit_are_dropped() {
    let mut world = World::new();
    let (_, envelope) = activate(&mut world, &mut supplier(IMPORT), HCALCS, None);
    let outcome = cs06::Outcome { result: ActivationResult::Success, version: VERSION };
    let good = answer(envelope.message(), cs06::Response::Immediate(outcome).encode());
    let mut foreign = good.clone();
    foreign.sign(&signing_key(9));
    let octets = [
        good.emit(),
        foreign.emit(),
        signed(Message { counter: good.counter + 1, ..good.clone() }),
        signed(Message { recipient: GAS, ..good.clone() }),
        signed(Message { message_code: MessageCode::CS08, ..good.clone() }),
        signed(Message { content: vec![5], ..good.clone() }),
    ];
    for octets in octets {
        world.gbcs(HUB, octets);
    }
    assert_eq!(world.drain(), (vec![], vec![]));
    assert_eq!(world.smi_version(HCALCS), OLD_VERSION);
    world.gbcs(HUB, signed(good));
    assert_eq!(world.drain().0.len(), 1);
}

/// Has a Device tell its version on SRV 11.2, and gives what the User got.
fn read(world: &mut World, user: Eui64, device: Eui64, version: FirmwareVersion) -> Vec<(Eui64, Response)> {
    let response = world.send(user, device, ServiceRequest::ReadFirmwareVersion);
    assert_eq!(response.response_code, "I99");
    let envelope = command(world);
    check_mac(&envelope, &secret_key(seed(device)), &secret_key(2).public_key()).unwrap();
    let command = envelope.message();
    assert_eq!(command.originator, DCC, "the Unknown Remote Party pattern");
    let content = match decode_content(command).unwrap() {
        Content::Cs08Command(_) => cs08::Response { version, outcome: ReadOutcome::Success }.encode(),
        Content::Ecs52Command(asked) => {
            assert_eq!(asked, ecs52::Command::new(command.counter));
            ecs52::Response::new(command.counter, Some(version)).encode()
        }
        Content::Gcs38Command(_) => gcs38::Response::new(Some(version)).encode(),
        other => panic!("{other}"),
    };
    let answer = gbcs::seal(&answer(command, content), &secret_key(seed(device)), &secret_key(2).public_key());
    world.gbcs(HUB, answer);
    world.drain().0
}

#[rstest]
#[case::esme(IMPORT, ESME)]
#[case::gsme(GAS, GSME)]
#[case::hcalcs(IMPORT, HCALCS)]
#[case::ppmid_by_import_supplier(IMPORT, PPMID)]
#[case::ppmid_by_gas_supplier(GAS, PPMID)]
fn srv_11_2(#[case] user: Eui64, #[case] device: Eui64) {
    let mut world = World::new();
    let users = read(&mut world, user, device, VERSION);
    let [(to, response)] = users.as_slice() else { panic!("{users:?}") };
    assert_eq!((*to, response.response_code.as_str()), (user, "I0"));
    let mut supplier = supplier(user);
    let received = supplier.receive(at(50), &response.to_xml()).unwrap();
    assert_eq!(received.firmware_version_read(), Some(VERSION));
    assert_eq!(world.smi_version(device), VERSION);
}

#[test]
fn meters_can_be_read_by_cs08() {
    let mut world = World::with_settings("meter_version_read = \"cs08\"\nhcalcs_version_read = \"device_type\"");
    world.send(IMPORT, ESME, ServiceRequest::ReadFirmwareVersion);
    assert_eq!(command(&mut world).message().message_code, MessageCode::CS08);
    world.send(IMPORT, HCALCS, ServiceRequest::ReadFirmwareVersion);
    assert_eq!(command(&mut world).message().message_code, MessageCode::ECS52);
}

#[rstest]
#[case::removed(VERSION, DccAlertCode::N49)]
#[case::not_listed(FirmwareVersion(0x99), DccAlertCode::N50)]
#[case::of_another_model(FirmwareVersion(0x21), DccAlertCode::N51)]
fn a_version_that_the_cpl_does_not_have(
    #[values(PPMID, HCALCS)] device: Eui64,
    #[case] version: FirmwareVersion,
    #[case] code: DccAlertCode,
) {
    let mut world = World::new();
    let entries = &mut world.dsp.data_mut().cpl.entries;
    let device_type = type_of(device);
    let mut other = entries.iter().find(|entry| entry.device_type == device_type).unwrap().clone();
    other.number = 50;
    other.hardware_version.0 += 1;
    other.firmware_version = FirmwareVersion(0x21);
    for entry in entries.iter_mut() {
        entry.status = CplStatus::Removed;
    }
    entries.push(other);
    let users = read(&mut world, IMPORT, device, version);
    let [_, (IMPORT, alert)] = users.as_slice() else { panic!("{users:?}") };
    let ResponseBody::DccAlertMessage(alert) = &alert.body else { panic!("{alert:?}") };
    assert_eq!(alert.code, code);
    let DccAlert::DeviceFirmwareVersionMismatch(body) = &alert.alert else { panic!("{alert:?}") };
    assert_eq!((body.device_id, body.firmware_version), (device, version));
    assert_eq!(world.smi_version(device), version, "the SMI has what the Device runs all the same");
}

#[test]
fn a_meter_with_a_version_that_the_cpl_does_not_have_yields_no_alert() {
    let mut world = World::new();
    assert_eq!(read(&mut world, IMPORT, ESME, FirmwareVersion(0x99)).len(), 1);
}

#[rstest]
#[case::to_the_supplier(ESME, IMPORT, &[IMPORT])]
#[case::to_the_access_control_broker(HCALCS, DCC, &[IMPORT, GAS])]
#[case::to_a_user_that_is_not_responsible(ESME, OTHER_IMPORT, &[])]
#[case::of_the_hub_itself(HUB, DCC, &[])]
fn other_alerts_go_to_responsible_suppliers_only(
    #[case] device: Eui64,
    #[case] recipient: Eui64,
    #[case] expected: &[Eui64],
) {
    let mut world = World::new();
    let alert = device_alert::Alert {
        dialect: device_alert::Dialect::Gbz,
        alert_code: AlertCode::FIRMWARE_VERIFICATION_FAILED_AT_POWER_ON,
        time: Utc(1_795_176_000_000),
        hash: None,
    };
    let message = Message {
        cra: Cra::Alert,
        counter: 1,
        originator: device,
        recipient,
        date_time: None,
        message_code: alert.message_code(),
        supplementary: None,
        content: alert.encode(),
        signature: None,
    };
    let octets = signed(message);
    world.gbcs(HUB, octets.clone());
    let (users, _) = world.drain();
    assert_eq!(users.iter().map(|(user, _)| *user).collect::<Vec<_>>(), expected);
    for (_, response) in users {
        let ResponseBody::DeviceAlertMessage(body) = response.body else { panic!("{response:?}") };
        assert_eq!((body.alert_code, body.gbcs_payload), (0x8F1B, octets.clone()));
    }
    let entry = world.dsp.audit_trail().find(|entry| entry.alert_code == Some(0x8F1B)).unwrap();
    assert_eq!(entry.device, Some(device));
}

#[test]
fn a_future_dated_alert_that_nobody_waits_for_is_dropped() {
    let mut world = World::new();
    let alert = cs06::FutureDatedAlert {
        alert_code: AlertCode::FUTURE_DATED_FAILURE,
        time: Utc(0),
        originator_counter: 1,
        outcome: cs06::Outcome { result: ActivationResult::NoImageHeld, version: VERSION },
    };
    let message = Message {
        cra: Cra::Alert,
        counter: 1,
        originator: ESME,
        recipient: IMPORT,
        date_time: None,
        message_code: MessageCode::CS06_FUTURE_DATED_ALERT,
        supplementary: None,
        content: alert.encode(),
        signature: None,
    };
    world.gbcs(HUB, signed(message));
    assert!(world.drain().0.is_empty());
}

#[test]
fn after_a_change_of_supplier_the_losing_one_cannot_send() {
    let mut world = World::new();
    assert_eq!(world.update(IMPORT, &[PPMID]).response_code, "I0");
    world.drain();
    let registration = &mut world.dsp.data_mut().registration;
    assert_eq!(registration.change_supplier(HUB, UserRole::ImportSupplier, OTHER_IMPORT), 1);
    let body = || ServiceRequest::ActivateFirmware { execution_date_time: None, hash: hash() };
    assert_eq!(world.send(IMPORT, HCALCS, body()).response_code, "E4");
    assert_eq!(world.send(OTHER_IMPORT, HCALCS, body()).response_code, "I0");
    assert_eq!(world.update(IMPORT, &[PPMID_2]).response_code, "W110401");
    assert_eq!(world.update(OTHER_IMPORT, &[PPMID_2]).response_code, "I0");
}

#[test]
fn who_may_update_an_hcalcs_is_a_setting() {
    let update = |world: &mut World, user| {
        let image = signed_ota_upgrade_image(0x8501, &manufacturer_image(200));
        let body = hanrig_dcc::duis::UpdateFirmware {
            firmware_image: image,
            firmware_version: VERSION,
            device_id_list: vec![HCALCS],
        };
        world.send(user, DCC, ServiceRequest::UpdateFirmware(body)).response_code.to_string()
    };
    let mut world = World::new();
    assert_eq!(update(&mut world, GAS), "W110101");
    assert_eq!(update(&mut world, IMPORT), "I0");
    let mut world = World::with_settings("hcalcs_suppliers = \"import_supplier_and_gas_supplier\"");
    assert_eq!(update(&mut world, GAS), "I0");
}
