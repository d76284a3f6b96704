//! Properties of reader and writer: no input makes the reader panic, and what is written reads back equal.

use hanrig_dcc::FirmwareHash;
use hanrig_dcc::data::SmiStatus;
use hanrig_dcc::duis::{
    self, CommunicationsHubFirmwareActivation, CommunicationsHubFirmwareNotice, DccAlert, DccAlertCode,
    DccAlertMessage, DeviceAlertMessage, DeviceFirmwareVersionMismatch, DuisMessage, FirmwareDeliveryStatus,
    FirmwareDistributionFailure, FirmwareDistributionNotification, FirmwareTransferStatus, FirmwareWarning,
    FutureDatedDeviceAlert, InventoryDevice, PpmidAlert, PreCommand, PropertyFilter, Request, RequestId, Response,
    ResponseBody, ResponseMessage, ResponsePayload, SchemaVersion, ServiceReference, ServiceRequest, Signature,
    UpdateFirmware,
};
use hanrig_dcc::security::{Identity, Period, Pki, RemotePartyRole, sign, sign_request, sign_written, verify_with_key};
use hanrig_wire::gbcs::{PaymentMode, Prepayment};
use hanrig_wire::time::Utc;
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use std::collections::BTreeSet;
use std::sync::LazyLock;

static SIGNER: LazyLock<Identity> = LazyLock::new(|| {
    let period = Period { not_before: Utc(1_795_000_000_000), not_after: Utc(1_796_000_000_000) };
    let pki = Pki::generate([3; 32], period).unwrap();
    pki.issue(RemotePartyRole::DspXmlSign, Eui64(1), period).unwrap()
});

fn eui() -> impl Strategy<Value = Eui64> {
    any::<u64>().prop_map(Eui64)
}

fn version() -> impl Strategy<Value = FirmwareVersion> {
    any::<u32>().prop_map(FirmwareVersion)
}

fn hash() -> impl Strategy<Value = FirmwareHash> {
    any::<[u8; 32]>().prop_map(FirmwareHash)
}

fn octets() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..80)
}

fn euis() -> impl Strategy<Value = Vec<Eui64>> {
    vec(eui(), 1..5)
}

fn some_euis() -> impl Strategy<Value = Vec<Eui64>> {
    vec(eui(), 0..3)
}

/// Text that XML can hold, without space at its ends.
fn text() -> impl Strategy<Value = String> {
    vec(any::<char>(), 1..20)
        .prop_map(|c| c.into_iter().filter(|c| *c >= ' ' && *c != '\u{FFFE}' && *c != '\u{FFFF}').collect::<String>())
        .prop_map(|text| text.trim_matches(' ').to_owned())
        .prop_filter("empty", |text| !text.is_empty())
}

fn time() -> impl Strategy<Value = Utc> {
    (0..253_402_300_800_000i64).prop_map(Utc)
}

fn request_id() -> impl Strategy<Value = RequestId> {
    (eui(), eui(), any::<u64>()).prop_map(|(originator, target, counter)| RequestId { originator, target, counter })
}

fn signature() -> impl Strategy<Value = Option<Signature>> {
    let fields = (octets(), octets(), text(), text());
    option::of(fields.prop_map(|(digest_value, signature_value, issuer_name, serial_number)| Signature {
        digest_value,
        signature_value,
        issuer_name,
        serial_number,
    }))
}

fn schema_version() -> impl Strategy<Value = SchemaVersion> {
    "[0-9]{1,3}\\.[0-9]{1,3}".prop_map(|text| text.parse().unwrap())
}

fn update() -> impl Strategy<Value = UpdateFirmware> {
    (octets(), version(), euis()).prop_map(|(firmware_image, firmware_version, device_id_list)| UpdateFirmware {
        firmware_image,
        firmware_version,
        device_id_list,
    })
}

fn payment_mode() -> impl Strategy<Value = PaymentMode> {
    let terms = (any::<bool>(), any::<bool>(), any::<i32>()).prop_map(
        |(suspend_debt_disabled, suspend_debt_emergency, disablement_threshold)| Prepayment {
            suspend_debt_disabled,
            suspend_debt_emergency,
            disablement_threshold,
        },
    );
    prop_oneof![Just(PaymentMode::Credit), terms.prop_map(PaymentMode::Prepayment)]
}

/// The kinds of requests. One that is new does not compile here until it has a place.
const KINDS: u8 = 7;

const fn kind(body: &ServiceRequest) -> u8 {
    match body {
        ServiceRequest::UpdatePaymentMode(_) => 0,
        ServiceRequest::ReadInventory { .. } => 1,
        ServiceRequest::UpdateFirmware(_) => 2,
        ServiceRequest::ReadFirmwareVersion => 3,
        ServiceRequest::ActivateFirmware { .. } => 4,
        ServiceRequest::UpdatePpmidFirmware(_) => 5,
        ServiceRequest::SignedPreCommand { .. } => 6,
    }
}

#[test]
fn requests_of_each_kind_are_among_those_that_are_made() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let made = (0..500).map(|_| kind(&request().new_tree(&mut runner).unwrap().current().body));
    assert_eq!(made.collect::<BTreeSet<_>>(), (0..KINDS).collect());
}

fn request() -> impl Strategy<Value = Request> {
    let body = prop_oneof![
        payment_mode().prop_map(ServiceRequest::UpdatePaymentMode),
        eui().prop_map(|device_id| ServiceRequest::ReadInventory { device_id }),
        update().prop_map(ServiceRequest::UpdateFirmware),
        Just(ServiceRequest::ReadFirmwareVersion),
        (option::of(time()), hash())
            .prop_map(|(execution_date_time, hash)| ServiceRequest::ActivateFirmware { execution_date_time, hash }),
        update().prop_map(ServiceRequest::UpdatePpmidFirmware),
        octets().prop_map(|gbcs_payload| ServiceRequest::SignedPreCommand { gbcs_payload }),
    ];
    (schema_version(), request_id(), 1..=8u8, body, signature()).prop_map(
        |(schema_version, request_id, command_variant, body, signature)| Request {
            schema_version,
            request_id,
            command_variant,
            body,
            signature,
        },
    )
}

fn warning() -> impl Strategy<Value = FirmwareWarning> {
    (some_euis(), some_euis(), some_euis(), some_euis(), some_euis()).prop_map(
        |(invalid, not_commissioned, not_applicable, not_responsible, in_progress)| FirmwareWarning {
            invalid,
            not_commissioned,
            not_applicable,
            not_responsible,
            in_progress,
        },
    )
}

fn inventory_device() -> impl Strategy<Value = InventoryDevice> {
    let required = (
        eui(),
        proptest::sample::select(DeviceType::ALL.to_vec()),
        proptest::sample::select(SmiStatus::ALL.to_vec()),
        text(),
        text(),
        text(),
    );
    let optional = vec(option::of(text()), 9);
    let filter = option::of((text(), option::of(text())));
    (required, optional, filter).prop_map(|(required, mut optional, filter)| {
        let (device_id, device_type, device_status, device_manufacturer, device_model, device_firmware_version) =
            required;
        let mut next = || optional.pop().flatten();
        InventoryDevice {
            device_id,
            device_type,
            device_status,
            device_manufacturer,
            device_model,
            smets_chts_version: next(),
            device_firmware_version,
            device_firmware_version_status: next(),
            cpl_status: next(),
            import_mpxn: next(),
            esme_variant: next(),
            uprn: next(),
            property_filter: filter
                .map(|(post_code, address_identifier)| PropertyFilter { post_code, address_identifier }),
            csp_region: next(),
            device_gbcs_version: next(),
            han_variant: next(),
        }
    })
}

fn alert() -> impl Strategy<Value = DccAlertMessage> {
    let failure = (request_id(), euis(), option::of(text())).prop_map(|(request_id, device_id_list, reason)| {
        DccAlert::FirmwareDistributionFailure(FirmwareDistributionFailure { request_id, device_id_list, reason })
    });
    let ppmid = (eui(), any::<u16>(), version(), 0..=1_u8, octets()).prop_map(
        |(device_id, alert_code, firmware_version, activation_response_code, gbcs_payload)| {
            DccAlert::PpmidAlert(PpmidAlert {
                device_id,
                alert_code,
                firmware_version,
                activation_response_code,
                gbcs_payload,
            })
        },
    );
    let notification = (hash(), euis()).prop_map(|(hash, device_id_list)| {
        DccAlert::FirmwareDistributionNotification(FirmwareDistributionNotification { hash, device_id_list })
    });
    let delivery = (request_id(), eui(), version(), option::of(text())).prop_map(
        |(request_id, device_id, firmware_version, reason)| {
            DccAlert::FirmwareDeliveryStatus(FirmwareDeliveryStatus { request_id, device_id, firmware_version, reason })
        },
    );
    let transfer = (request_id(), eui(), version(), any::<u16>(), any::<u8>(), octets()).prop_map(
        |(request_id, device_id, firmware_version, device_alert_code, transfer_response_code, gbcs_payload)| {
            DccAlert::FirmwareTransferStatus(FirmwareTransferStatus {
                request_id,
                device_id,
                firmware_version,
                device_alert_code,
                transfer_response_code,
                gbcs_payload,
            })
        },
    );
    let mismatch = (eui(), version()).prop_map(|(device_id, firmware_version)| {
        DccAlert::DeviceFirmwareVersionMismatch(DeviceFirmwareVersionMismatch { device_id, firmware_version })
    });
    let notice = (version(), time()).prop_map(|(firmware_version, not_before)| {
        DccAlert::CommunicationsHubFirmwareNotice(CommunicationsHubFirmwareNotice { firmware_version, not_before })
    });
    let hub = (eui(), version()).prop_map(|(device_id, firmware_version)| {
        DccAlert::CommunicationsHubFirmwareActivation(CommunicationsHubFirmwareActivation {
            device_id,
            firmware_version,
        })
    });
    let body = prop_oneof![failure, ppmid, notification, delivery, transfer, mismatch, notice, hub];
    (body, any::<proptest::sample::Index>()).prop_map(|(alert, index)| {
        let fitting: Vec<_> = DccAlertCode::ALL.into_iter().filter(|code| code.body() == alert.element()).collect();
        let message = DccAlertMessage { code: *index.get(&fitting), alert };
        assert!(message.is_consistent());
        message
    })
}

fn response() -> impl Strategy<Value = Response> {
    let payload = prop_oneof![
        Just(ResponsePayload::None),
        octets().prop_map(ResponsePayload::GbcsPayload),
        (text(), octets()).prop_map(|(gbcs_version, gbcs_payload)| {
            ResponsePayload::PreCommand(PreCommand { gbcs_version, gbcs_payload })
        }),
        (any::<u16>(), octets(), any::<u32>(), any::<u32>()).prop_map(
            |(alert_code, gbcs_payload, instruction_number, total_command_instructions)| {
                ResponsePayload::FutureDatedDeviceAlertMessage(FutureDatedDeviceAlert {
                    alert_code,
                    gbcs_payload,
                    instruction_number,
                    total_command_instructions,
                })
            }
        ),
        vec(inventory_device(), 0..3).prop_map(ResponsePayload::DspInventory),
        warning().prop_map(ResponsePayload::DspUpdateFirmwareWarning),
        warning().prop_map(ResponsePayload::DspUpdatePpmidFirmwareWarning),
    ];
    let reference = || "[0-9]{1,2}\\.[0-9]{1,2}".prop_map(|text| text.parse::<ServiceReference>().unwrap());
    let message = (option::of(reference()), option::of(reference()), payload).prop_map(
        |(service_reference, service_reference_variant, payload)| {
            ResponseBody::ResponseMessage(ResponseMessage { service_reference, service_reference_variant, payload })
        },
    );
    let device_alert = (any::<u16>(), option::of(any::<u32>()), option::of(any::<u32>()), octets()).prop_map(
        |(alert_code, throttled_alert_sequence_id, throttled_alert_count, gbcs_payload)| {
            ResponseBody::DeviceAlertMessage(DeviceAlertMessage {
                alert_code,
                throttled_alert_sequence_id,
                throttled_alert_count,
                gbcs_payload,
            })
        },
    );
    let body = prop_oneof![message, device_alert, alert().prop_map(ResponseBody::DccAlertMessage)];
    let code = "[IWE][0-9]{1,7}".prop_map(|text| text.parse().unwrap());
    let ids = (option::of(request_id()), option::of(request_id()));
    (schema_version(), ids, code, time(), body, signature()).prop_map(
        |(schema_version, (request_id, response_id), response_code, response_date_time, body, signature)| Response {
            schema_version,
            request_id,
            response_id,
            response_code,
            response_date_time,
            body,
            signature,
        },
    )
}

fn message() -> impl Strategy<Value = DuisMessage> {
    prop_oneof![request().prop_map(DuisMessage::Request), response().prop_map(DuisMessage::Response)]
}

proptest! {
    #[test]
    fn what_is_written_reads_back_equal(message in message()) {
        prop_assert_eq!(duis::parse(&message.to_xml()), Ok(message));
    }

    /// `sign` takes the canonical form from a library.
    #[test]
    fn the_fast_signature_of_what_is_written_is_that_of_any_document(mut message in message()) {
        match &mut message {
            DuisMessage::Request(request) => request.signature = None,
            DuisMessage::Response(response) => response.signature = None,
        }
        let xml = message.to_xml();
        let signed = sign(&xml, &SIGNER).unwrap();
        prop_assert_eq!(sign_written(&xml, &SIGNER).unwrap(), signed.clone());
        let read = verify_with_key(signed.as_bytes(), SIGNER.certificate().key()).unwrap();
        prop_assert_eq!(read.to_xml(), signed.clone());
        if let DuisMessage::Request(request) = message {
            prop_assert_eq!(sign_request(request, &SIGNER).unwrap().to_xml(), signed);
        }
    }

    #[test]
    fn so_is_that_of_text_that_the_canonical_form_may_write_otherwise(parts in vec(proptest::sample::select(vec![
        "\"", "'", "\r", "\n", "\t", "&", "<", ">", "]]>", "/>", "&quot;", "&#13;", " ", "a", "\u{85}", "\u{2028}", "\u{0}",
    ]), 0..6)) {
        let alert = DccAlert::FirmwareDeliveryStatus(FirmwareDeliveryStatus {
            request_id: RequestId { originator: Eui64(1), target: Eui64(2), counter: 3 },
            device_id: Eui64(4),
            firmware_version: FirmwareVersion(5),
            reason: Some(["x", &parts.concat(), "x"].concat()),
        });
        let xml = Response {
            schema_version: SchemaVersion::current(),
            request_id: None,
            response_id: None,
            response_code: "I0".parse().unwrap(),
            response_date_time: Utc(0),
            body: ResponseBody::DccAlertMessage(DccAlertMessage { code: DccAlertCode::N60, alert }),
            signature: None,
        }
        .to_xml();
        prop_assert_eq!(sign_written(&xml, &SIGNER).unwrap(), sign(&xml, &SIGNER).unwrap());
    }

    #[test]
    fn random_octets_are_refused(octets in vec(any::<u8>(), 0..200)) {
        prop_assert!(duis::parse_bytes(&octets).is_err());
    }

    #[test]
    fn a_mutated_document_is_read_or_refused(
        message in message(),
        changes in vec((any::<proptest::sample::Index>(), any::<u8>(), 0..4u8), 1..6),
    ) {
        let mut octets = message.to_xml().into_bytes();
        for (index, octet, how) in changes {
            if octets.is_empty() {
                break;
            }
            let at = index.index(octets.len());
            match how {
                0 => octets[at] = octet,
                1 => octets.insert(at, octet),
                2 => { octets.remove(at); }
                _ => octets.truncate(at),
            }
        }
        if let Ok(message) = duis::parse_bytes(&octets) {
            prop_assert_eq!(duis::parse(&message.to_xml()), Ok(message));
        }
    }

    #[test]
    fn markup_in_any_order_is_read_or_refused(parts in vec(proptest::sample::select(vec![
        "<sr:Request xmlns:sr=\"http://www.dccinterface.co.uk/ServiceUserGateway\" schemaVersion=\"5.4\">",
        "<sr:Header>", "</sr:Header>", "<sr:Body/>", "text", "&amp;", "&#x;", "&a;", "<![CDATA[", "]]>", "<!--", "-->",
        "<!DOCTYPE", "<?xml?>", "<", ">", "</sr:Request>", "\"", "'", " ", "\u{FEFF}", "<a:b:c/>", "xmlns=''",
    ]), 0..12)) {
        prop_assert!(duis::parse(&parts.concat()).is_err());
    }
}
