//! From XML to the model.

use super::DuisMessage;
use super::alert::{
    CommunicationsHubFirmwareActivation, CommunicationsHubFirmwareNotice, DccAlert, DccAlertCode, DccAlertMessage,
    DeviceFirmwareVersionMismatch, FirmwareDeliveryStatus, FirmwareDistributionFailure,
    FirmwareDistributionNotification, FirmwareTransferStatus, PpmidAlert,
};
use super::error::{DuisError, Problem};
use super::model::{RequestId, SchemaVersion, ServiceReference, Signature};
use super::request::{Request, ServiceRequest, UpdateFirmware};
use super::response::{
    DeviceAlertMessage, FirmwareWarning, FutureDatedDeviceAlert, InventoryDevice, PreCommand, PropertyFilter, Response,
    ResponseBody, ResponseMessage, ResponsePayload, WARNING_LISTS,
};
use super::signature;
use super::value::{self, Expected};
use super::xml::{Cursor, Leaf, Name, ds, sr};
use crate::data::SmiStatus;
use crate::excerpt;
use hanrig_wire::gbcs::{PaymentMode, Prepayment};

type Result<T> = std::result::Result<T, DuisError>;

impl Cursor<'_> {
    /// The value of a leaf that was taken.
    fn value<T, E: Into<Expected>>(
        &self,
        leaf: &Leaf<'_>,
        parse: impl Fn(&str) -> std::result::Result<T, E>,
    ) -> Result<T> {
        parse(&leaf.text).map_err(|e| {
            let expected = e.into().0;
            let problem = Problem::Value { element: leaf.name.to_string(), value: excerpt(&leaf.text), expected };
            self.error(leaf.offset, problem)
        })
    }

    /// The next child, which must be `name`, as a value.
    pub(super) fn required<T, E: Into<Expected>>(
        &mut self,
        name: Name,
        parse: impl Fn(&str) -> std::result::Result<T, E>,
    ) -> Result<T> {
        let leaf = self.leaf(name)?;
        self.value(&leaf, parse)
    }

    /// The next child as a value, if it is `name`.
    pub(super) fn optional<T, E: Into<Expected>>(
        &mut self,
        name: Name,
        parse: impl Fn(&str) -> std::result::Result<T, E>,
    ) -> Result<Option<T>> {
        if self.next_is(name)? { self.required(name, parse).map(Some) } else { Ok(None) }
    }
}

/// A whole document.
pub(super) fn message(cursor: &mut Cursor<'_>) -> Result<DuisMessage> {
    let message = match cursor.next_of(&[sr("Request"), sr("Response")])? {
        Some(Name { local: "Request", .. }) => DuisMessage::Request(request(cursor)?),
        Some(_) => DuisMessage::Response(response(cursor)?),
        None => return Err(root_missing(cursor)),
    };
    cursor.finish()?;
    Ok(message)
}

fn root_missing(cursor: &mut Cursor<'_>) -> DuisError {
    const EXPECTED: &str = "sr:Request or sr:Response";
    let mut error = cursor.unexpected(EXPECTED);
    if matches!(error.problem, Problem::MissingElement { .. }) {
        error.problem = Problem::Empty { expected: EXPECTED };
    }
    error
}

/// RequestID and Service Reference of a request, as far as its header goes; for the answer to a request whose body
/// cannot be read.
pub(super) fn request_header(cursor: &mut Cursor<'_>) -> Result<(RequestId, ServiceReference)> {
    let start = cursor.enter(sr("Request"))?;
    schema_version(cursor, &start)?;
    let header = header(cursor)?;
    Ok((header.request_id, header.variant))
}

struct Header {
    request_id: RequestId,
    command_variant: u8,
    reference: ServiceReference,
    variant: ServiceReference,
    /// Where the two references stand, for the error that they do not fit the body.
    offsets: [usize; 2],
}

fn schema_version(cursor: &Cursor<'_>, start: &super::xml::Start<'_>) -> Result<SchemaVersion> {
    let values = cursor.attributes(start, &["schemaVersion"])?;
    let text = values.first().map_or("", String::as_str);
    text.parse().map_err(|Expected(expected)| cursor.attribute_value(start, "schemaVersion", text, &expected))
}

fn header(cursor: &mut Cursor<'_>) -> Result<Header> {
    cursor.enter_plain(sr("Header"))?;
    let request_id = cursor.required(sr("RequestID"), value::request_id)?;
    let command_variant = cursor.required(sr("CommandVariant"), value::command_variant)?;
    let leaf = cursor.leaf(sr("ServiceReference"))?;
    let reference = cursor.value(&leaf, str::parse)?;
    let variant_leaf = cursor.leaf(sr("ServiceReferenceVariant"))?;
    let variant = cursor.value(&variant_leaf, str::parse)?;
    cursor.leave()?;
    let offsets = [leaf.offset, variant_leaf.offset];
    Ok(Header { request_id, command_variant, reference, variant, offsets })
}

fn request(cursor: &mut Cursor<'_>) -> Result<Request> {
    let start = cursor.enter(sr("Request"))?;
    let schema_version = schema_version(cursor, &start)?;
    let header = header(cursor)?;
    cursor.enter_plain(sr("Body"))?;
    let body = service_request(cursor)?;
    cursor.leave()?;
    let references = [("ServiceReference", &header.reference), ("ServiceReferenceVariant", &header.variant)];
    for ((element, found), offset) in references.into_iter().zip(header.offsets) {
        if *found != body.service_reference() {
            let problem = Problem::Value {
                element: sr(element).to_string(),
                value: found.to_string(),
                expected: format!("{}, the reference that belongs to the body", body.service_reference()),
            };
            return Err(cursor.error(offset, problem));
        }
    }
    let signature = signature(cursor)?;
    cursor.leave()?;
    Ok(Request {
        schema_version,
        request_id: header.request_id,
        command_variant: header.command_variant,
        body,
        signature,
    })
}

fn service_request(cursor: &mut Cursor<'_>) -> Result<ServiceRequest> {
    const BODIES: [Name; 7] = [
        sr("UpdatePaymentMode"),
        sr("ReadInventory"),
        sr("UpdateFirmware"),
        sr("ReadFirmwareVersion"),
        sr("ActivateFirmware"),
        sr("UpdatePPMIDFirmware"),
        sr("SignedPreCommand"),
    ];
    let Some(name) = cursor.next_of(&BODIES)? else {
        return Err(cursor.unexpected(&one_of(&BODIES)));
    };
    cursor.enter_plain(name)?;
    let body = match name.local {
        "UpdatePaymentMode" => ServiceRequest::UpdatePaymentMode(payment_mode(cursor)?),
        "ReadInventory" => ServiceRequest::ReadInventory { device_id: cursor.required(sr("DeviceID"), value::eui)? },
        "UpdateFirmware" => ServiceRequest::UpdateFirmware(update_firmware(cursor)?),
        "ActivateFirmware" => ServiceRequest::ActivateFirmware {
            execution_date_time: cursor.optional(sr("ExecutionDateTime"), value::time)?,
            hash: cursor.required(sr("FirmwareHash"), value::hash)?,
        },
        "UpdatePPMIDFirmware" => ServiceRequest::UpdatePpmidFirmware(update_firmware(cursor)?),
        "SignedPreCommand" => {
            ServiceRequest::SignedPreCommand { gbcs_payload: cursor.required(sr("GBCSPayload"), value::base64)? }
        }
        _ => ServiceRequest::ReadFirmwareVersion,
    };
    cursor.leave()?;
    Ok(body)
}

fn payment_mode(cursor: &mut Cursor<'_>) -> Result<PaymentMode> {
    const MODES: [Name; 2] = [sr("Credit"), sr("Prepayment")];
    let Some(name) = cursor.next_of(&MODES)? else {
        return Err(cursor.unexpected(&one_of(&MODES)));
    };
    cursor.enter_plain(name)?;
    let mode = match name.local {
        "Prepayment" => PaymentMode::Prepayment(Prepayment {
            suspend_debt_disabled: cursor.required(sr("SuspendDebtDisabled"), value::boolean)?,
            suspend_debt_emergency: cursor.required(sr("SuspendDebtEmergency"), value::boolean)?,
            disablement_threshold: cursor.required(sr("DisablementThreshold"), value::signed)?,
        }),
        _ => PaymentMode::Credit,
    };
    cursor.leave()?;
    Ok(mode)
}

fn update_firmware(cursor: &mut Cursor<'_>) -> Result<UpdateFirmware> {
    Ok(UpdateFirmware {
        firmware_image: cursor.required(sr("FirmwareImage"), value::base64)?,
        firmware_version: cursor.required(sr("FirmwareVersion"), value::firmware_version)?,
        device_id_list: cursor.required(sr("DeviceIDList"), value::eui_list)?,
    })
}

fn response(cursor: &mut Cursor<'_>) -> Result<Response> {
    let start = cursor.enter(sr("Response"))?;
    let schema_version = schema_version(cursor, &start)?;
    cursor.enter_plain(sr("Header"))?;
    let request_id = cursor.optional(sr("RequestID"), value::request_id)?;
    let response_id = cursor.optional(sr("ResponseID"), value::request_id)?;
    let response_code = cursor.required(sr("ResponseCode"), str::parse)?;
    let response_date_time = cursor.required(sr("ResponseDateTime"), value::time)?;
    cursor.leave()?;
    cursor.enter_plain(sr("Body"))?;
    let body = response_body(cursor)?;
    cursor.leave()?;
    let signature = signature(cursor)?;
    cursor.leave()?;
    Ok(Response { schema_version, request_id, response_id, response_code, response_date_time, body, signature })
}

fn response_body(cursor: &mut Cursor<'_>) -> Result<ResponseBody> {
    const BODIES: [Name; 3] = [sr("ResponseMessage"), sr("DeviceAlertMessage"), sr("DCCAlertMessage")];
    let Some(name) = cursor.next_of(&BODIES)? else {
        return Err(cursor.unexpected(&one_of(&BODIES)));
    };
    cursor.enter_plain(name)?;
    let body = match name.local {
        "ResponseMessage" => ResponseBody::ResponseMessage(response_message(cursor)?),
        "DeviceAlertMessage" => ResponseBody::DeviceAlertMessage(DeviceAlertMessage {
            alert_code: cursor.required(sr("AlertCode"), value::code)?,
            throttled_alert_sequence_id: cursor.optional(sr("ThrottledAlertSequenceId"), value::unsigned)?,
            throttled_alert_count: cursor.optional(sr("ThrottledAlertCount"), value::unsigned)?,
            gbcs_payload: cursor.required(sr("GBCSPayload"), value::base64)?,
        }),
        _ => ResponseBody::DccAlertMessage(dcc_alert(cursor)?),
    };
    cursor.leave()?;
    Ok(body)
}

fn response_message(cursor: &mut Cursor<'_>) -> Result<ResponseMessage> {
    const PAYLOADS: [Name; 6] = [
        sr("GBCSPayload"),
        sr("PreCommand"),
        sr("FutureDatedDeviceAlertMessage"),
        sr("DSPInventory"),
        sr("DSPUpdateFirmwareWarning"),
        sr("DSPUpdatePPMIDFirmwareWarning"),
    ];
    let service_reference = cursor.optional(sr("ServiceReference"), str::parse)?;
    let service_reference_variant = cursor.optional(sr("ServiceReferenceVariant"), str::parse)?;
    let payload = match cursor.next_of(&PAYLOADS)? {
        None => ResponsePayload::None,
        Some(Name { local: "GBCSPayload", .. }) => {
            ResponsePayload::GbcsPayload(cursor.required(sr("GBCSPayload"), value::base64)?)
        }
        Some(name) => {
            cursor.enter_plain(name)?;
            let payload = match name.local {
                "PreCommand" => ResponsePayload::PreCommand(PreCommand {
                    gbcs_version: cursor.required(sr("GBCSVersion"), value::text)?,
                    gbcs_payload: cursor.required(sr("GBCSPayload"), value::base64)?,
                }),
                "FutureDatedDeviceAlertMessage" => {
                    ResponsePayload::FutureDatedDeviceAlertMessage(FutureDatedDeviceAlert {
                        alert_code: cursor.required(sr("FutureDatedAlertCode"), value::code)?,
                        gbcs_payload: cursor.required(sr("GBCSPayload"), value::base64)?,
                        instruction_number: cursor.required(sr("InstructionNumber"), value::unsigned)?,
                        total_command_instructions: cursor.required(sr("TotalCommandInstructions"), value::unsigned)?,
                    })
                }
                "DSPInventory" => ResponsePayload::DspInventory(inventory(cursor)?),
                "DSPUpdateFirmwareWarning" => ResponsePayload::DspUpdateFirmwareWarning(warning(cursor)?),
                _ => ResponsePayload::DspUpdatePpmidFirmwareWarning(warning(cursor)?),
            };
            cursor.leave()?;
            payload
        }
    };
    Ok(ResponseMessage { service_reference, service_reference_variant, payload })
}

fn warning(cursor: &mut Cursor<'_>) -> Result<FirmwareWarning> {
    let mut lists: [Vec<_>; 5] = Default::default();
    for (name, list) in WARNING_LISTS.into_iter().zip(&mut lists) {
        *list = cursor.optional(sr(name), value::eui_list)?.unwrap_or_default();
    }
    let [invalid, not_commissioned, not_applicable, in_progress, not_responsible] = lists;
    Ok(FirmwareWarning { invalid, not_commissioned, not_applicable, in_progress, not_responsible })
}

fn inventory(cursor: &mut Cursor<'_>) -> Result<Vec<InventoryDevice>> {
    let mut devices = Vec::new();
    while cursor.next_is(sr("Device"))? {
        cursor.enter_plain(sr("Device"))?;
        devices.push(InventoryDevice {
            device_id: cursor.required(sr("DeviceID"), value::eui)?,
            device_type: cursor.required(sr("DeviceType"), value::device_type)?,
            device_status: cursor.required(sr("DeviceStatus"), |text: &str| {
                text.parse::<SmiStatus>().map_err(|e| Expected(e.to_string()))
            })?,
            device_manufacturer: cursor.required(sr("DeviceManufacturer"), value::text)?,
            device_model: cursor.required(sr("DeviceModel"), value::text)?,
            smets_chts_version: cursor.optional(sr("SMETSCHTSVersion"), value::text)?,
            device_firmware_version: cursor.required(sr("DeviceFirmwareVersion"), value::text)?,
            device_firmware_version_status: cursor.optional(sr("DeviceFirmwareVersionStatus"), value::text)?,
            cpl_status: cursor.optional(sr("CPLStatus"), value::text)?,
            import_mpxn: cursor.optional(sr("ImportMPxN"), value::text)?,
            esme_variant: cursor.optional(sr("ESMEVariant"), value::text)?,
            uprn: cursor.optional(sr("UPRN"), value::text)?,
            property_filter: property_filter(cursor)?,
            csp_region: cursor.optional(sr("CSPRegion"), value::text)?,
            device_gbcs_version: cursor.optional(sr("DeviceGBCSVersion"), value::text)?,
            han_variant: cursor.optional(sr("HANVariant"), value::text)?,
        });
        cursor.leave()?;
    }
    Ok(devices)
}

fn property_filter(cursor: &mut Cursor<'_>) -> Result<Option<PropertyFilter>> {
    if !cursor.next_is(sr("PropertyFilter"))? {
        return Ok(None);
    }
    cursor.enter_plain(sr("PropertyFilter"))?;
    let post_code = cursor.required(sr("PostCode"), value::text)?;
    let address_identifier = cursor.optional(sr("AddressIdentifier"), value::text)?;
    cursor.leave()?;
    Ok(Some(PropertyFilter { post_code, address_identifier }))
}

fn dcc_alert(cursor: &mut Cursor<'_>) -> Result<DccAlertMessage> {
    let code: DccAlertCode = cursor.required(sr("DCCAlertCode"), str::parse)?;
    cursor.enter_plain(sr("DCCAlert"))?;
    cursor.enter_plain(sr(code.body()))?;
    let alert = match code {
        DccAlertCode::N18 | DccAlertCode::N19 | DccAlertCode::N20 | DccAlertCode::N22 => {
            DccAlert::FirmwareDistributionFailure(FirmwareDistributionFailure {
                request_id: cursor.required(sr("UpdateFirmwareRequestID"), value::request_id)?,
                device_id_list: cursor.required(sr("MeterIDs"), value::eui_list)?,
                reason: cursor.optional(sr("ReasonCode"), value::text)?,
            })
        }
        DccAlertCode::N39 => {
            let device_id = cursor.required(sr("DeviceID"), value::eui)?;
            let alert_code = cursor.required(sr("DeviceAlertCode"), value::code)?;
            cursor.enter_plain(sr("PPMIDFirmwareUpgradeAlert"))?;
            let firmware_version = cursor.required(sr("FirmwareVersion"), value::firmware_version)?;
            let activation_response_code = cursor.required(sr("ActivateImageResultCode"), value::activation_result)?;
            cursor.leave()?;
            let gbcs_payload = cursor.required(sr("GBCSPayload"), value::base64)?;
            let alert = PpmidAlert { device_id, alert_code, firmware_version, activation_response_code, gbcs_payload };
            DccAlert::PpmidAlert(alert)
        }
        DccAlertCode::N49 | DccAlertCode::N50 | DccAlertCode::N51 => {
            DccAlert::DeviceFirmwareVersionMismatch(DeviceFirmwareVersionMismatch {
                device_id: cursor.required(sr("DeviceID"), value::eui)?,
                firmware_version: cursor.required(sr("FirmwareVersion"), value::firmware_version)?,
            })
        }
        DccAlertCode::N901 => DccAlert::CommunicationsHubFirmwareNotice(CommunicationsHubFirmwareNotice {
            firmware_version: cursor.required(sr("FirmwareVersion"), value::firmware_version)?,
            not_before: cursor.required(sr("NotBefore"), value::time)?,
        }),
        DccAlertCode::N902 => DccAlert::CommunicationsHubFirmwareActivation(CommunicationsHubFirmwareActivation {
            device_id: cursor.required(sr("DeviceID"), value::eui)?,
            firmware_version: cursor.required(sr("FirmwareVersion"), value::firmware_version)?,
        }),
        DccAlertCode::N59 => DccAlert::FirmwareDistributionNotification(FirmwareDistributionNotification {
            hash: cursor.required(sr("FirmwareHash"), value::hash)?,
            device_id_list: cursor.required(sr("DeviceIDList"), value::eui_list)?,
        }),
        DccAlertCode::N60 | DccAlertCode::N61 => DccAlert::FirmwareDeliveryStatus(FirmwareDeliveryStatus {
            request_id: cursor.required(sr("UpdateFirmwareRequestID"), value::request_id)?,
            device_id: cursor.required(sr("DeviceID"), value::eui)?,
            firmware_version: cursor.required(sr("FirmwareVersion"), value::firmware_version)?,
            reason: cursor.optional(sr("ReasonCode"), value::text)?,
        }),
        DccAlertCode::N62 => DccAlert::FirmwareTransferStatus(FirmwareTransferStatus {
            request_id: cursor.required(sr("UpdateFirmwareRequestID"), value::request_id)?,
            device_id: cursor.required(sr("DeviceID"), value::eui)?,
            firmware_version: cursor.required(sr("FirmwareVersion"), value::firmware_version)?,
            device_alert_code: cursor.required(sr("DeviceAlertCode"), value::code)?,
            transfer_response_code: cursor.required(sr("TransferResponseCode"), value::octet)?,
            gbcs_payload: cursor.required(sr("GBCSPayload"), value::base64)?,
        }),
    };
    cursor.leave()?;
    cursor.leave()?;
    Ok(DccAlertMessage { code, alert })
}

fn signature(cursor: &mut Cursor<'_>) -> Result<Option<Signature>> {
    if cursor.next_is(ds("Signature"))? { signature::read(cursor).map(Some) } else { Ok(None) }
}

fn one_of(names: &[Name]) -> String {
    let names: Vec<String> = names.iter().map(Name::to_string).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}
