//! What `@smartdcc/duis-parser`, a reader of DUIS for Users' systems, makes of our messages of each kind, signed ones
//! included. `HANRIG_DUIS_PARSER` names the folder in which it is installed; `cargo xtask test` does that.

use hanrig_dcc::FirmwareHash;
use hanrig_dcc::data::SmiStatus;
use hanrig_dcc::duis::{
    CommunicationsHubFirmwareActivation, CommunicationsHubFirmwareNotice, DccAlert, DccAlertCode, DccAlertMessage,
    DeviceAlertMessage, DeviceFirmwareVersionMismatch, FirmwareDeliveryStatus, FirmwareDistributionFailure,
    FirmwareDistributionNotification, FirmwareTransferStatus, FirmwareWarning, FutureDatedDeviceAlert, InventoryDevice,
    PpmidAlert, PreCommand, Request, RequestId, Response, ResponseBody, ResponseMessage, ResponsePayload,
    SchemaVersion, ServiceRequest, UpdateFirmware,
};
use hanrig_dcc::security::{Period, Pki, RemotePartyRole, sign};
use hanrig_wire::gbcs::{PaymentMode, Prepayment};
use hanrig_wire::time::Utc;
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

const USER: Eui64 = Eui64(0x90B3_D51F_3001_0000);
const DCC: Eui64 = Eui64(0x90B3_D51F_3000_0002);
const DEVICE: Eui64 = Eui64(0x00DB_1234_5678_90A4);
const NOW: Utc = Utc(1_795_176_000_000);
const VERSION: FirmwareVersion = FirmwareVersion(0x20);

/// What the parser makes of each document: the message, and which of its kinds it is. `None`, with a note, where it is not
/// installed.
fn parsed(documents: &[String]) -> Option<Vec<Value>> {
    let missing = |what: String| {
        assert!(std::env::var_os("HANRIG_REQUIRE_TOOLS").is_none(), "{what}");
        println!("not run: {what}");
    };
    let Some(parser) = std::env::var_os("HANRIG_DUIS_PARSER") else {
        missing("HANRIG_DUIS_PARSER does not name the folder of @smartdcc/duis-parser".to_owned());
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = |(n, document): (usize, &String)| -> PathBuf {
        let path = folder.path().join(format!("{n}.xml"));
        std::fs::write(&path, document).unwrap();
        path
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/duis-parser/read.cjs");
    let mut node = Command::new("node");
    node.arg(script).arg(parser).args(documents.iter().enumerate().map(file));
    let output = match node.output() {
        Ok(output) => output,
        Err(error) => {
            missing(format!("node: {error}"));
            return None;
        }
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    let read: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read.len(), documents.len());
    Some(read)
}

fn signed(xml: &str, role: RemotePartyRole) -> String {
    let period = Period { not_before: Utc(NOW.0 - 1_000_000), not_after: Utc(NOW.0 + 1_000_000) };
    let pki = Pki::generate([5; 32], period).unwrap();
    sign(xml, &pki.issue(role, USER, period).unwrap()).unwrap()
}

fn lower(eui: Eui64) -> String {
    eui.to_string().to_lowercase()
}

fn is(read: &Value, kind: &str) -> bool {
    read["is"].as_array().unwrap().contains(&json!(kind))
}

/// Holds that there is a request of each kind: one that is new has no number here, and this does not compile.
fn each_kind<'a>(requests: impl Iterator<Item = &'a ServiceRequest>) {
    let number = |request: &ServiceRequest| match request {
        ServiceRequest::UpdatePaymentMode(PaymentMode::Credit) => 0,
        ServiceRequest::UpdatePaymentMode(PaymentMode::Prepayment(_)) => 1,
        ServiceRequest::ReadInventory { .. } => 2,
        ServiceRequest::UpdateFirmware(_) => 3,
        ServiceRequest::ReadFirmwareVersion => 4,
        ServiceRequest::ActivateFirmware { .. } => 5,
        ServiceRequest::UpdatePpmidFirmware(_) => 6,
        ServiceRequest::SignedPreCommand { .. } => 7,
    };
    assert_eq!(requests.map(number).collect::<Vec<_>>(), (0..=7).collect::<Vec<_>>());
}

#[test]
fn requests_of_each_kind_are_read() {
    let update = || UpdateFirmware {
        firmware_image: vec![0x1E, 0xF1, 0xEE, 0x0B],
        firmware_version: VERSION,
        device_id_list: vec![DEVICE, Eui64(DEVICE.0 + 1)],
    };
    let hash = FirmwareHash::of(b"image");
    let list = json!("00-DB-12-34-56-78-90-A4,00-DB-12-34-56-78-90-A5");
    let update_body = json!({ "FirmwareImage": "HvHuCw==", "FirmwareVersion": "00000020", "DeviceIDList": list });
    let terms = Prepayment { suspend_debt_disabled: true, suspend_debt_emergency: false, disablement_threshold: -1500 };
    let kinds = [
        (ServiceRequest::UpdatePaymentMode(PaymentMode::Credit), json!({ "UpdatePaymentMode": { "Credit": "" } })),
        (
            ServiceRequest::UpdatePaymentMode(PaymentMode::Prepayment(terms)),
            json!({ "UpdatePaymentMode": { "Prepayment": {
                "SuspendDebtDisabled": "true",
                "SuspendDebtEmergency": "false",
                "DisablementThreshold": "-1500",
            } } }),
        ),
        (ServiceRequest::ReadInventory { device_id: DEVICE }, json!({ "ReadInventory": { "DeviceID": DEVICE } })),
        (ServiceRequest::UpdateFirmware(update()), json!({ "UpdateFirmware": update_body })),
        (ServiceRequest::ReadFirmwareVersion, json!({ "ReadFirmwareVersion": "" })),
        (
            ServiceRequest::ActivateFirmware { execution_date_time: Some(NOW), hash },
            json!({ "ActivateFirmware": {
                "ExecutionDateTime": NOW.to_string(),
                "FirmwareHash": hash.to_string(),
            } }),
        ),
        (ServiceRequest::UpdatePpmidFirmware(update()), json!({ "UpdatePPMIDFirmware": update_body })),
        (
            ServiceRequest::SignedPreCommand { gbcs_payload: vec![0xDF, 9] },
            json!({ "SignedPreCommand": { "GBCSPayload": "3wk=" } }),
        ),
    ];
    each_kind(kinds.iter().map(|(body, _)| body));
    let target = |body: &ServiceRequest| if body.is_non_device() { DCC } else { DEVICE };
    let requests: Vec<Request> = kinds
        .iter()
        .map(|(body, _)| {
            Request::new(RequestId { originator: USER, target: target(body), counter: u64::MAX }, body.clone())
        })
        .collect();
    let documents: Vec<_> = requests.iter().map(|r| signed(&r.to_xml(), RemotePartyRole::XmlSign)).collect();
    let Some(read) = parsed(&documents) else { return };
    for ((request, (body, expected)), read) in requests.iter().zip(&kinds).zip(&read) {
        assert!(is(read, "isSimplifiedDuisOutputRequest"), "{read}");
        let header = &read["message"]["header"];
        let id =
            json!({ "originatorId": lower(USER), "targetId": lower(target(body)), "counter": u64::MAX.to_string() });
        assert_eq!(header["requestId"], id);
        assert_eq!(header["commandVariant"]["number"], json!(request.command_variant));
        assert_eq!(header["serviceReference"], json!(body.service_reference()));
        // What its own table of services says.
        let service = &header["serviceReferenceVariant"];
        assert_eq!(service["Service Reference Variant"], json!(body.service_reference()));
        assert_eq!(service["Non-Device Request"] == "Yes", body.is_non_device(), "{service}");
        assert_eq!(service["Critical"] == "Yes", ["1.6", "11.3"].contains(&body.service_reference()), "{service}");
        assert_eq!(&read["message"]["body"], expected);
    }
}

fn response(body: ResponseBody) -> Response {
    let is_answer = matches!(body, ResponseBody::ResponseMessage(_));
    let id = RequestId { originator: USER, target: DCC, counter: 1000 };
    Response {
        schema_version: SchemaVersion::current(),
        request_id: is_answer.then_some(id),
        response_id: Some(id.response()),
        response_code: "I0".parse().unwrap(),
        response_date_time: NOW,
        body,
        signature: None,
    }
}

#[test]
fn responses_of_each_kind_are_read() {
    let device = InventoryDevice {
        device_id: DEVICE,
        device_type: DeviceType::Ppmid,
        device_status: SmiStatus::Commissioned,
        device_manufacturer: "1234".to_owned(),
        device_model: "84010102".to_owned(),
        smets_chts_version: Some("5.1".to_owned()),
        device_firmware_version: "00000020".to_owned(),
        device_firmware_version_status: None,
        cpl_status: None,
        import_mpxn: None,
        esme_variant: None,
        uprn: None,
        property_filter: None,
        csp_region: None,
        device_gbcs_version: None,
        han_variant: None,
    };
    let warning = FirmwareWarning { invalid: vec![DEVICE], in_progress: vec![USER, DCC], ..FirmwareWarning::default() };
    let future = FutureDatedDeviceAlert {
        alert_code: 0x8F66,
        gbcs_payload: vec![1],
        instruction_number: 1,
        total_command_instructions: 1,
    };
    let kinds = [
        ("", ResponsePayload::None),
        ("GBCSPayload", ResponsePayload::GbcsPayload(vec![1, 2])),
        (
            "PreCommand",
            ResponsePayload::PreCommand(PreCommand { gbcs_version: "4.1".to_owned(), gbcs_payload: vec![3] }),
        ),
        ("FutureDatedDeviceAlertMessage", ResponsePayload::FutureDatedDeviceAlertMessage(future)),
        ("DSPInventory", ResponsePayload::DspInventory(vec![device])),
        ("DSPUpdateFirmwareWarning", ResponsePayload::DspUpdateFirmwareWarning(warning.clone())),
        ("DSPUpdatePPMIDFirmwareWarning", ResponsePayload::DspUpdatePpmidFirmwareWarning(warning)),
    ];
    let document = |payload: &ResponsePayload| {
        let reference = "11.4".parse().ok();
        let body = ResponseMessage {
            service_reference: reference.clone(),
            service_reference_variant: reference,
            payload: payload.clone(),
        };
        signed(&response(ResponseBody::ResponseMessage(body)).to_xml(), RemotePartyRole::DspXmlSign)
    };
    let documents: Vec<_> = kinds.iter().map(|(_, payload)| document(payload)).collect();
    let Some(read) = parsed(&documents) else { return };
    for ((element, _), read) in kinds.iter().zip(&read) {
        assert!(is(read, "isSimplifiedDuisOutputResponse"), "{read}");
        assert!(is(read, "isSimplifiedDuisResponseBody_ResponseMessage"), "{read}");
        let header = &read["message"]["header"];
        assert_eq!(header["responseCode"], "I0");
        assert_eq!(header["responseDateTime"], json!(NOW.to_string()));
        assert_eq!(header["responseId"]["targetId"], json!(lower(USER)));
        let message = &read["message"]["body"]["ResponseMessage"];
        assert_eq!(message["ServiceReferenceVariant"], "11.4");
        assert!(element.is_empty() || message.get(element).is_some(), "{element} in {message}");
    }
    assert_eq!(
        read[5]["message"]["body"]["ResponseMessage"]["DSPUpdateFirmwareWarning"],
        json!({
            "InvalidDeviceIDList": DEVICE,
            "OtherRequestInProgressList": format!("{USER},{DCC}"),
        })
    );
    let device = &read[4]["message"]["body"]["ResponseMessage"]["DSPInventory"]["Device"];
    assert_eq!((&device["DeviceType"], &device["DeviceFirmwareVersion"]), (&json!("PPMID"), &json!("00000020")));
}

fn alert(code: DccAlertCode) -> DccAlert {
    let request_id = RequestId { originator: USER, target: DCC, counter: 1000 };
    let (device_id, firmware_version, device_id_list) = (DEVICE, VERSION, vec![DEVICE]);
    match code {
        DccAlertCode::N18 | DccAlertCode::N19 | DccAlertCode::N20 | DccAlertCode::N22 => {
            DccAlert::FirmwareDistributionFailure(FirmwareDistributionFailure {
                request_id,
                device_id_list,
                reason: None,
            })
        }
        DccAlertCode::N39 => DccAlert::PpmidAlert(PpmidAlert {
            device_id,
            alert_code: 0x8F8B,
            firmware_version,
            activation_response_code: 0,
            gbcs_payload: vec![1],
        }),
        DccAlertCode::N49 | DccAlertCode::N50 | DccAlertCode::N51 => {
            DccAlert::DeviceFirmwareVersionMismatch(DeviceFirmwareVersionMismatch { device_id, firmware_version })
        }
        DccAlertCode::N59 => DccAlert::FirmwareDistributionNotification(FirmwareDistributionNotification {
            hash: FirmwareHash::of(b"image"),
            device_id_list,
        }),
        DccAlertCode::N60 | DccAlertCode::N61 => DccAlert::FirmwareDeliveryStatus(FirmwareDeliveryStatus {
            request_id,
            device_id,
            firmware_version,
            reason: None,
        }),
        DccAlertCode::N62 => DccAlert::FirmwareTransferStatus(FirmwareTransferStatus {
            request_id,
            device_id,
            firmware_version,
            device_alert_code: 0x8F8A,
            transfer_response_code: 0,
            gbcs_payload: vec![1],
        }),
        DccAlertCode::N901 => {
            let notice = CommunicationsHubFirmwareNotice { firmware_version, not_before: NOW };
            DccAlert::CommunicationsHubFirmwareNotice(notice)
        }
        DccAlertCode::N902 => {
            let activation = CommunicationsHubFirmwareActivation { device_id, firmware_version };
            DccAlert::CommunicationsHubFirmwareActivation(activation)
        }
    }
}

#[test]
fn alerts_of_each_kind_are_read() {
    let device_alert = DeviceAlertMessage {
        alert_code: 0x8F8B,
        throttled_alert_sequence_id: None,
        throttled_alert_count: None,
        gbcs_payload: vec![1, 2, 3],
    };
    let alerts = DccAlertCode::ALL.map(|code| DccAlertMessage { code, alert: alert(code) });
    let bodies = alerts.iter().cloned().map(ResponseBody::DccAlertMessage);
    let bodies = bodies.chain([ResponseBody::DeviceAlertMessage(device_alert)]);
    let documents: Vec<_> = bodies.map(|body| signed(&response(body).to_xml(), RemotePartyRole::DspXmlSign)).collect();
    let Some(read) = parsed(&documents) else { return };
    for (alert, read) in alerts.iter().zip(&read) {
        assert!(is(read, "isSimplifiedDuisResponseBody_DCCAlertMessage"), "{read}");
        let message = &read["message"]["body"]["DCCAlertMessage"];
        assert_eq!(message["DCCAlertCode"], json!(alert.code.to_string()));
        assert!(message["DCCAlert"][alert.alert.element()].is_object(), "{message}");
        assert!(read["message"]["header"].get("requestId").is_none(), "{read}");
    }
    let n39 = alerts.iter().position(|alert| alert.code == DccAlertCode::N39).unwrap();
    let n39 = &read[n39]["message"]["body"]["DCCAlertMessage"]["DCCAlert"]["PPMIDAlert"];
    assert_eq!(
        n39["PPMIDFirmwareUpgradeAlert"],
        json!({ "FirmwareVersion": "00000020", "ActivateImageResultCode": "ActivationSuccess" })
    );
    let device = read.last().unwrap();
    assert!(is(device, "isSimplifiedDuisResponseBody_DeviceAlertMessage"), "{device}");
    let expected = json!({ "AlertCode": "8F8B", "GBCSPayload": "AQID" });
    assert_eq!(device["message"]["body"]["DeviceAlertMessage"], expected);
}
