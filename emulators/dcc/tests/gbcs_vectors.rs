//! The DSP against the published GBCS messages and keys: it makes the same CS08 command, octet for octet, and takes the
//! CS08 response and the CCS08 Alert.

mod support;

use hanrig_dcc::data::CspRegion;
use hanrig_dcc::dsp::{DeviceKeys, Dsp, DspConfig, DspOutput};
use hanrig_dcc::duis::{
    self, DccAlertCode, DuisMessage, Request, RequestId, ResponseBody, ResponsePayload, ServiceRequest,
};
use hanrig_dcc::gateway::{CspToDsp, DspToCsp, GbcsMessage};
use hanrig_dcc::settings::UnsignedRequests;
use hanrig_wire::gbcs::{Envelope, PublicKey, SecretKey, VerifyingKey};
use hanrig_wire::time::{Instant, Utc};
use hanrig_wire::types::{Eui64, FirmwareVersion};
use std::path::PathBuf;
use support::{DCC, ESME, HUB, IMPORT, PPMID, World, response};

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("HANRIG_VECTORS")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors")), PathBuf::from);
    let folder = folder.join("gbcs");
    if !folder.is_dir() {
        eprintln!("not run: no vectors in {}", folder.display());
        return None;
    }
    Some(folder)
}

fn vector(name: &str) -> Option<Vec<u8>> {
    let text = std::fs::read_to_string(folder()?.join(name)).unwrap();
    Some(hex::decode(text.trim()).unwrap())
}

/// A DSP with the published keys, at the time of day that makes the counter 1300, as in the CS08 vector.
fn dsp() -> Option<Dsp> {
    let keys: toml::Table = toml::from_str(&std::fs::read_to_string(folder()?.join("keys.toml")).unwrap()).unwrap();
    let parties = keys["party"].as_array().unwrap();
    let key = |eui: Eui64, field: &str| {
        let party = parties.iter().find(|party| party["eui"].as_str().unwrap().parse() == Ok(eui)).unwrap();
        hex::decode(party[field].as_str().unwrap()).unwrap()
    };
    let mut config = DspConfig::new(DCC, Utc(1300), SecretKey::from_scalar(&key(DCC, "ka_private")).unwrap());
    config.settings.unsigned_requests = UnsignedRequests::Taken;
    config.user_keys.insert(IMPORT, VerifyingKey::from_sec1(&key(IMPORT, "ds_public")).unwrap());
    for device in [HUB, PPMID, ESME] {
        let keys = DeviceKeys {
            signing: VerifyingKey::from_sec1(&key(device, "ds_public")).unwrap(),
            key_agreement: PublicKey::from_sec1(&key(device, "ka_public")).unwrap(),
        };
        config.device_keys.insert(device, keys);
    }
    Some(Dsp::new(config, World::new().dsp.data().clone()))
}

fn from_hub(dsp: &mut Dsp, octets: Vec<u8>) {
    dsp.on_csp(Instant::ZERO, CspRegion::North, CspToDsp::Gbcs(GbcsMessage { hub: HUB, octets }));
}

#[test]
fn cs08_command_and_response() {
    let (Some(mut dsp), Some(command), Some(answer)) =
        (dsp(), vector("CS08_11.2_SUCCESS_COMMAND_GBCS.HEX"), vector("CS08_11.2_SUCCESS_RESPONSE_GBCS.HEX"))
    else {
        return;
    };
    let id = RequestId { originator: IMPORT, target: PPMID, counter: 1000 };
    let request = Request::new(id, ServiceRequest::ReadFirmwareVersion).to_xml();
    let acknowledgement = response(&dsp.on_request(Instant::ZERO, IMPORT, request.as_bytes()));
    assert_eq!(acknowledgement.response_code, "I99");
    let sent = dsp.take_output();
    let expected = DspToCsp::Gbcs(GbcsMessage { hub: HUB, octets: command });
    assert_eq!(sent, Some(DspOutput::ToCsp { region: CspRegion::North, message: expected }));
    from_hub(&mut dsp, answer);
    assert_eq!(dsp.data().smi.devices[&PPMID].firmware_version, FirmwareVersion(0x0123_ABCD));
    assert!(matches!(dsp.take_output(), Some(DspOutput::ToUser { user: IMPORT, .. })));
}

#[test]
fn cs06_pre_command_and_command() {
    let (Some(mut dsp), Some(pre_command), Some(command), Some(answer)) = (
        dsp(),
        vector("CS06_11.3_IMMEDIATE_SUCCESS_PRECOMMAND_GBCS.HEX"),
        vector("CS06_11.3_IMMEDIATE_SUCCESS_COMMAND_GBCS.HEX"),
        vector("CS06_11.3_IMMEDIATE_SUCCESS_RESPONSE_GBCS.HEX"),
    ) else {
        return;
    };
    let path = folder().unwrap().join("../duis/CS06_11.3_IMMEDIATE_SUCCESS_REQUEST_DUIS.XML");
    // Its signature is a placeholder.
    let DuisMessage::Request(request) = duis::parse(&std::fs::read_to_string(path).unwrap()).unwrap() else { panic!() };
    let request = Request { signature: None, ..request }.to_xml();
    let transformed = response(&dsp.on_request(Instant::ZERO, IMPORT, request.as_bytes()));
    assert_eq!(transformed.response_code, "I0");
    let ResponseBody::ResponseMessage(message) = transformed.body else { panic!() };
    let ResponsePayload::PreCommand(made) = message.payload else { panic!("{message:?}") };
    assert_eq!(hex::encode(made.gbcs_payload), hex::encode(&pre_command));

    // The published Command is the Pre-Command as the Supplier signed it, with the Access Control Broker's MAC.
    let gbcs_payload = Envelope::parse(&command).unwrap().into_message().emit();
    let id = transformed.request_id.unwrap();
    let signed = Request::new(id, ServiceRequest::SignedPreCommand { gbcs_payload }).to_xml();
    assert_eq!(response(&dsp.on_request(Instant::ZERO, IMPORT, signed.as_bytes())).response_code, "I99");
    let expected = DspToCsp::Gbcs(GbcsMessage { hub: HUB, octets: command });
    assert_eq!(dsp.take_output(), Some(DspOutput::ToCsp { region: CspRegion::North, message: expected }));

    from_hub(&mut dsp, answer);
    assert_eq!(dsp.data().smi.devices[&ESME].firmware_version, FirmwareVersion(0x0123_ABCE));
    assert!(matches!(dsp.take_output(), Some(DspOutput::ToUser { user: IMPORT, .. })));
}

#[test]
fn ccs08_alert() {
    let (Some(mut dsp), Some(alert)) = (dsp(), vector("CCS08_NA_NA_ALERT_GBCS.HEX")) else { return };
    // The update is of the version that the published Alert tells of: in the OTA Header, and on the CPL.
    let version = FirmwareVersion(0x0123_ABCD);
    let mut firmware_image = World::new().image;
    firmware_image[14..18].copy_from_slice(&version.0.to_le_bytes());
    for entry in &mut dsp.data_mut().cpl.entries {
        if entry.firmware_version == support::VERSION {
            entry.firmware_version = version;
        }
    }
    let update =
        hanrig_dcc::duis::UpdateFirmware { firmware_image, firmware_version: version, device_id_list: vec![PPMID] };
    let id = RequestId { originator: IMPORT, target: DCC, counter: 1 };
    let request = Request::new(id, ServiceRequest::UpdatePpmidFirmware(update)).to_xml();
    dsp.on_request(Instant::ZERO, IMPORT, request.as_bytes());
    while dsp.take_output().is_some() {}
    from_hub(&mut dsp, alert);
    let Some(DspOutput::ToUser { user: IMPORT, xml }) = dsp.take_output() else { panic!() };
    let ResponseBody::DccAlertMessage(alert) = response(&xml).body else { panic!("{xml}") };
    assert_eq!(alert.code, DccAlertCode::N62);
    assert_eq!(dsp.tracking(PPMID).unwrap().status.name(), "SUCCESSFUL_HAN_TRANSFER");
}
