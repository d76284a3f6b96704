//! SRV 8.2 and SRV 11.2: SR-04, SR-09, DSP-16.

mod support;

use hanrig_dcc::data::CspRegion;
use hanrig_dcc::duis::{ResponseBody, ResponsePayload, ServiceRequest};
use hanrig_dcc::gateway::DspToCsp;
use hanrig_wire::gbcs::cs08::{self, ReadOutcome};
use hanrig_wire::gbcs::{self, Cra, Envelope, Message, Supplementary};
use hanrig_wire::types::{Eui64, FirmwareVersion};
use rstest::rstest;
use support::*;

#[test]
fn srv_8_2_shows_the_smi() {
    let mut world = World::new();
    let response = world.send(IMPORT, DCC, ServiceRequest::ReadInventory { device_id: PPMID });
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
      <sr:ServiceReference>8.2</sr:ServiceReference>
      <sr:ServiceReferenceVariant>8.2</sr:ServiceReferenceVariant>
      <sr:DSPInventory>
        <sr:Device>
          <sr:DeviceID>00-DB-12-34-56-78-90-A4</sr:DeviceID>
          <sr:DeviceType>PPMID</sr:DeviceType>
          <sr:DeviceStatus>Commissioned</sr:DeviceStatus>
          <sr:DeviceManufacturer>1234</sr:DeviceManufacturer>
          <sr:DeviceModel>84010102</sr:DeviceModel>
          <sr:DeviceFirmwareVersion>00000010</sr:DeviceFirmwareVersion>
          <sr:CSPRegion>North</sr:CSPRegion>
        </sr:Device>
      </sr:DSPInventory>
    </sr:ResponseMessage>
  </sr:Body>
</sr:Response>
"#);
}

#[test]
fn srv_8_2_of_a_hub_shows_its_devices() {
    let mut world = World::new();
    let response = world.send(NETWORK, DCC, ServiceRequest::ReadInventory { device_id: SOUTH_HUB });
    let ResponseBody::ResponseMessage(message) = response.body else { panic!("{response:?}") };
    let ResponsePayload::DspInventory(devices) = message.payload else { panic!("{message:?}") };
    assert_eq!(devices.iter().map(|device| device.device_id).collect::<Vec<_>>(), [SOUTH_ESME, SOUTH_PPMID]);
}

#[test]
fn srv_8_2_of_an_unknown_device() {
    let mut world = World::new();
    let response = world.send(IMPORT, DCC, ServiceRequest::ReadInventory { device_id: UNKNOWN });
    assert_eq!(response.response_code, "E11");
}

/// Sends SRV 11.2 and gives the command that went to the hub.
fn read(world: &mut World) -> (Message, Vec<u8>) {
    let response = world.send(GAS, PPMID, ServiceRequest::ReadFirmwareVersion);
    assert_eq!(response.response_code, "I99");
    let (_, csps) = world.drain();
    let [(CspRegion::North, DspToCsp::Gbcs(message))] = csps.as_slice() else { panic!("{csps:?}") };
    assert_eq!(message.hub, HUB);
    let envelope = Envelope::parse(&message.octets).unwrap();
    gbcs::check_mac(&envelope, &secret_key(seed(PPMID)), &secret_key(2).public_key()).unwrap();
    (envelope.into_message(), message.octets.clone())
}

fn answer(command: &Message, version: FirmwareVersion, outcome: ReadOutcome) -> Message {
    Message {
        cra: Cra::Response,
        originator: command.recipient,
        recipient: command.originator,
        content: cs08::Response { version, outcome }.encode(),
        ..command.clone()
    }
}

fn sealed(message: &Message) -> Vec<u8> {
    gbcs::seal(message, &secret_key(seed(PPMID)), &secret_key(2).public_key())
}

#[test]
fn srv_11_2_reads_the_version_by_the_unknown_remote_party_pattern() {
    let mut world = World::new();
    let (command, _) = read(&mut world);
    assert_eq!((command.originator, command.recipient, command.message_code), (DCC, PPMID, 0x0129));
    assert_eq!(command.supplementary, Some(Supplementary { remote_party: GAS, counter: world.counter }));
    assert!(cs08::Command::decode(&command.content).is_ok());
    let octets = sealed(&answer(&command, VERSION, ReadOutcome::Success));
    world.gbcs(HUB, octets.clone());
    let (users, _) = world.drain();
    let [(GAS, response)] = users.as_slice() else { panic!("{users:?}") };
    insta::assert_snapshot!(response.to_xml(), @r#"
<?xml version="1.0" encoding="UTF-8"?>
<sr:Response xmlns:ra="http://www.dccinterface.co.uk/ResponseAndAlert" xmlns:sr="http://www.dccinterface.co.uk/ServiceUserGateway" schemaVersion="5.4">
  <sr:Header>
    <sr:RequestID>90-B3-D5-1F-30-02-00-00:00-DB-12-34-56-78-90-A4:1001</sr:RequestID>
    <sr:ResponseID>00-DB-12-34-56-78-90-A4:90-B3-D5-1F-30-02-00-00:1001</sr:ResponseID>
    <sr:ResponseCode>I0</sr:ResponseCode>
    <sr:ResponseDateTime>2026-11-20T12:00:40.000Z</sr:ResponseDateTime>
  </sr:Header>
  <sr:Body>
    <sr:ResponseMessage>
      <sr:ServiceReference>11.2</sr:ServiceReference>
      <sr:ServiceReferenceVariant>11.2</sr:ServiceReferenceVariant>
      <sr:GBCSPayload>3QAAAAAAAE8RAAAAAN8JAgAAAaH41BEQCADbEjRWeJCkCJCz1R8wAAACABIBKZCz1R8wAgAAAAAAAAAAA+kLMAkEBAAAACACAQAAM4Iv1hLrasG9d9+f</sr:GBCSPayload>
    </sr:ResponseMessage>
  </sr:Body>
</sr:Response>
"#);
    assert_eq!(world.smi_version(PPMID), VERSION);
    world.gbcs(HUB, octets);
    assert!(world.drain().0.is_empty(), "a response is taken once");
}

#[test]
fn a_read_that_failed_goes_to_the_user_and_leaves_the_smi() {
    let mut world = World::new();
    let (command, _) = read(&mut world);
    world.gbcs(HUB, sealed(&answer(&command, VERSION, ReadOutcome::Failure)));
    assert_eq!(world.drain().0.len(), 1);
    assert_eq!(world.smi_version(PPMID), OLD_VERSION);
}

#[test]
fn responses_that_do_not_fit_are_dropped() {
    let mut world = World::new();
    let (command, command_octets) = read(&mut world);
    let good = answer(&command, VERSION, ReadOutcome::Success);
    let other_counter = Message { counter: good.counter + 1, ..good.clone() };
    let other_party =
        Message { supplementary: Some(Supplementary { remote_party: IMPORT, counter: 1 }), ..good.clone() };
    let wrong_key = gbcs::seal(&good, &secret_key(9), &secret_key(2).public_key());
    let mut refusals = Vec::new();
    for octets in [command_octets, good.emit(), sealed(&other_counter), sealed(&other_party), wrong_key] {
        world.gbcs(HUB, octets);
        refusals.push(world.dsp.audit_trail().last().unwrap().detail.clone());
    }
    insta::assert_snapshot!(refusals.join("\n"), @r"
addressed to 00-DB-12-34-56-78-90-A4, expected the Access Control Broker or a User
response of 00-DB-12-34-56-78-90-A4: the message carries no MAC
response of 00-DB-12-34-56-78-90-A4 to no command that waits for one: CS08 Read PPMID/HCALCS Firmware Version response 00-DB-12-34-56-78-90-A4 -> 90-B3-D5-1F-30-00-00-02, counter 1795176010001 (for 90-B3-D5-1F-30-02-00-00, counter 1001): success, version 00000020
response of 00-DB-12-34-56-78-90-A4 that does not fit its command: CS08 Read PPMID/HCALCS Firmware Version response 00-DB-12-34-56-78-90-A4 -> 90-B3-D5-1F-30-00-00-02, counter 1795176010000 (for 90-B3-D5-1F-30-01-00-00, counter 1): success, version 00000020
response of 00-DB-12-34-56-78-90-A4: the MAC does not verify with these keys
");
    assert!(world.drain().0.is_empty());
    assert_eq!(world.smi_version(PPMID), OLD_VERSION);
    world.gbcs(HUB, sealed(&good));
    assert_eq!(world.drain().0.len(), 1, "the right one is still awaited");
}

#[test]
fn a_device_that_does_not_answer() {
    let mut world = World::new();
    read(&mut world);
    let day = 24 * 3600;
    assert_eq!(world.dsp.poll_at(), Some(at(10 + day)));
    world.dsp.poll(at(10 + day));
    let (users, _) = world.drain();
    let [(GAS, response)] = users.as_slice() else { panic!("{users:?}") };
    assert_eq!(response.response_code, "E20");
    assert_eq!(world.dsp.poll_at(), None);
}

#[rstest]
#[case::unknown(IMPORT, UNKNOWN, "E11")]
#[case::type_of_device(IMPORT, HUB, "E5")]
#[case::status(IMPORT, PENDING, "E12")]
#[case::not_responsible(OTHER_IMPORT, PPMID, "E4")]
#[case::no_key(IMPORT, OTHER_MODEL, "E12")]
fn srv_11_2_that_is_refused(#[case] sender: Eui64, #[case] target: Eui64, #[case] code: &str) {
    let mut world = World::new();
    assert_eq!(world.send(sender, target, ServiceRequest::ReadFirmwareVersion).response_code, code);
    assert!(world.drain().1.is_empty());
}
