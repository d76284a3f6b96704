//! From the model to XML.

use super::alert::{DccAlert, DccAlertMessage};
use super::model::Signature;
use super::request::{Request, ServiceRequest, UpdateFirmware};
use super::response::{
    DeviceAlertMessage, FirmwareWarning, InventoryDevice, Response, ResponseBody, ResponseMessage, ResponsePayload,
};
use super::signature;
use super::value::{ACTIVATION_RESULTS, to_base64};
use super::xml::{
    Name, RESPONSE_AND_ALERT, SCHEMA_INSTANCE, SERVICE_USER_GATEWAY, XML_SIGNATURE, is_xml_character, sr,
};
use hanrig_wire::gbcs::PaymentMode;
use hanrig_wire::types::Eui64;
use std::fmt::{Display, Write as _};

/// What every document begins with.
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// An XML document that grows, indented by two spaces as the published vectors are.
pub(super) struct Document {
    text: String,
    depth: usize,
}

impl Document {
    fn new() -> Self {
        Self { text: DECLARATION.to_owned(), depth: 0 }
    }

    /// For one element, which is indented as at this depth of a document.
    pub(super) const fn inside(depth: usize) -> Self {
        Self { text: String::new(), depth }
    }

    /// The element alone, without space around it.
    pub(super) fn element(&self) -> &str {
        self.text.trim_ascii()
    }

    fn indent(&mut self) {
        for _ in 0..self.depth {
            self.text.push_str("  ");
        }
    }

    /// Adds what `write!` makes; a `String` takes everything.
    fn put(&mut self, arguments: std::fmt::Arguments<'_>) {
        let _ = self.text.write_fmt(arguments);
    }

    fn tag(&mut self, name: Name, attributes: &[(&str, &str)], end: &str) {
        self.indent();
        self.put(format_args!("<{name}"));
        for (key, value) in attributes {
            self.put(format_args!(" {key}=\"{}\"", Escaped(value)));
        }
        self.text.push_str(end);
    }

    pub(super) fn open(&mut self, name: Name, attributes: &[(&str, &str)]) {
        self.tag(name, attributes, ">\n");
        self.depth += 1;
    }

    pub(super) fn close(&mut self, name: Name) {
        self.depth = self.depth.saturating_sub(1);
        self.indent();
        self.put(format_args!("</{name}>\n"));
    }

    pub(super) fn empty(&mut self, name: Name, attributes: &[(&str, &str)]) {
        self.tag(name, attributes, "/>\n");
    }

    pub(super) fn leaf(&mut self, name: Name, text: &str) {
        self.leaf_with(name, &[], text);
    }

    pub(super) fn leaf_with(&mut self, name: Name, attributes: &[(&str, &str)], text: &str) {
        self.tag(name, attributes, ">");
        self.put(format_args!("{}</{name}>\n", Escaped(text)));
    }

    fn value(&mut self, name: Name, value: impl Display) {
        self.leaf(name, &value.to_string());
    }

    fn optional(&mut self, name: Name, value: Option<&impl Display>) {
        if let Some(value) = value {
            self.value(name, value);
        }
    }

    /// The signature without space around it: what is left without it is the document that was signed.
    fn signature(&mut self, signature: Option<&Signature>) {
        if let Some(signature) = signature {
            self.text.push_str(&signature_element(signature));
        }
    }

    fn devices(&mut self, name: Name, list: &[Eui64]) {
        let mut text = String::with_capacity(list.len() * 24);
        for (index, device) in list.iter().enumerate() {
            let gap = if index == 0 { "" } else { "," };
            let _ = write!(text, "{gap}{device}");
        }
        self.leaf(name, &text);
    }
}

/// Text with markup escaped. A character that XML cannot hold becomes U+FFFD.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let special = |c: char| matches!(c, '<' | '>' | '&' | '"' | '\r') || !is_xml_character(c);
        let mut rest = self.0;
        while let Some(at) = rest.find(special) {
            let (plain, tail) = rest.split_at(at);
            f.write_str(plain)?;
            let mut characters = tail.chars();
            match characters.next() {
                Some('<') => f.write_str("&lt;")?,
                Some('>') => f.write_str("&gt;")?,
                Some('&') => f.write_str("&amp;")?,
                Some('"') => f.write_str("&quot;")?,
                // A bare carriage return would be read back as a line feed.
                Some('\r') => f.write_str("&#13;")?,
                _ => f.write_char(char::REPLACEMENT_CHARACTER)?,
            }
            rest = characters.as_str();
        }
        f.write_str(rest)
    }
}

/// A `ds:Signature` by itself, without a line end: an element to put into a document.
pub(crate) fn signature_element(signature: &Signature) -> String {
    let mut d = Document::inside(0);
    signature::write(&mut d, signature);
    d.text.truncate(d.text.trim_end().len());
    d.text
}

/// What the inclusive canonical form has otherwise than this module writes it: empty elements, quotation marks and
/// carriage returns in text. Nothing but an empty element has `/>`, since each `>` in text is escaped.
const NOT_CANONICAL: [&str; 3] = ["/>", "&quot;", "&#13;"];

/// The inclusive canonical form of a document that this module wrote, where that is a part of the document itself: its
/// root. `None` where the form has to be made.
pub(crate) fn canonical(document: &str) -> Option<&str> {
    let root = document.strip_prefix(DECLARATION)?.strip_suffix('\n')?;
    (!NOT_CANONICAL.iter().any(|part| root.contains(part))).then_some(root)
}

pub(super) fn request(request: &Request) -> String {
    let mut d = Document::new();
    d.open(
        sr("Request"),
        &[
            ("xmlns:ds", XML_SIGNATURE),
            ("xmlns:sr", SERVICE_USER_GATEWAY),
            ("xmlns:xsi", SCHEMA_INSTANCE),
            ("schemaVersion", request.schema_version.as_str()),
        ],
    );
    d.open(sr("Header"), &[]);
    d.value(sr("RequestID"), request.request_id);
    d.value(sr("CommandVariant"), request.command_variant);
    d.leaf(sr("ServiceReference"), request.body.service_reference());
    d.leaf(sr("ServiceReferenceVariant"), request.body.service_reference());
    d.close(sr("Header"));
    d.open(sr("Body"), &[]);
    service_request(&mut d, &request.body);
    d.close(sr("Body"));
    d.signature(request.signature.as_ref());
    d.close(sr("Request"));
    d.text
}

fn service_request(d: &mut Document, body: &ServiceRequest) {
    match body {
        ServiceRequest::UpdatePaymentMode(mode) => {
            d.open(sr("UpdatePaymentMode"), &[]);
            payment_mode(d, *mode);
            d.close(sr("UpdatePaymentMode"));
        }
        ServiceRequest::ReadInventory { device_id } => {
            d.open(sr("ReadInventory"), &[]);
            d.value(sr("DeviceID"), device_id);
            d.close(sr("ReadInventory"));
        }
        ServiceRequest::UpdateFirmware(update) => update_firmware(d, sr("UpdateFirmware"), update),
        ServiceRequest::ReadFirmwareVersion => d.empty(sr("ReadFirmwareVersion"), &[]),
        ServiceRequest::ActivateFirmware { execution_date_time, hash } => {
            d.open(sr("ActivateFirmware"), &[]);
            d.optional(sr("ExecutionDateTime"), execution_date_time.as_ref());
            d.value(sr("FirmwareHash"), hash);
            d.close(sr("ActivateFirmware"));
        }
        ServiceRequest::SignedPreCommand { gbcs_payload } => {
            d.open(sr("SignedPreCommand"), &[]);
            d.leaf(sr("GBCSPayload"), &to_base64(gbcs_payload));
            d.close(sr("SignedPreCommand"));
        }
        ServiceRequest::UpdatePpmidFirmware(update) => update_firmware(d, sr("UpdatePPMIDFirmware"), update),
    }
}

fn payment_mode(d: &mut Document, mode: PaymentMode) {
    let PaymentMode::Prepayment(terms) = mode else { return d.empty(sr("Credit"), &[]) };
    d.open(sr("Prepayment"), &[]);
    d.value(sr("SuspendDebtDisabled"), terms.suspend_debt_disabled);
    d.value(sr("SuspendDebtEmergency"), terms.suspend_debt_emergency);
    d.value(sr("DisablementThreshold"), terms.disablement_threshold);
    d.close(sr("Prepayment"));
}

fn update_firmware(d: &mut Document, name: Name, update: &UpdateFirmware) {
    d.open(name, &[]);
    d.leaf(sr("FirmwareImage"), &to_base64(&update.firmware_image));
    d.value(sr("FirmwareVersion"), update.firmware_version);
    d.devices(sr("DeviceIDList"), &update.device_id_list);
    d.close(name);
}

pub(super) fn response(response: &Response) -> String {
    let mut d = Document::new();
    d.open(
        sr("Response"),
        &[
            ("xmlns:ra", RESPONSE_AND_ALERT),
            ("xmlns:sr", SERVICE_USER_GATEWAY),
            ("schemaVersion", response.schema_version.as_str()),
        ],
    );
    d.open(sr("Header"), &[]);
    d.optional(sr("RequestID"), response.request_id.as_ref());
    d.optional(sr("ResponseID"), response.response_id.as_ref());
    d.leaf(sr("ResponseCode"), response.response_code.as_str());
    d.value(sr("ResponseDateTime"), response.response_date_time);
    d.close(sr("Header"));
    d.open(sr("Body"), &[]);
    match &response.body {
        ResponseBody::ResponseMessage(message) => response_message(&mut d, message),
        ResponseBody::DeviceAlertMessage(alert) => device_alert(&mut d, alert),
        ResponseBody::DccAlertMessage(alert) => dcc_alert(&mut d, alert),
    }
    d.close(sr("Body"));
    d.signature(response.signature.as_ref());
    d.close(sr("Response"));
    d.text
}

fn response_message(d: &mut Document, message: &ResponseMessage) {
    d.open(sr("ResponseMessage"), &[]);
    d.optional(sr("ServiceReference"), message.service_reference.as_ref());
    d.optional(sr("ServiceReferenceVariant"), message.service_reference_variant.as_ref());
    match &message.payload {
        ResponsePayload::None => {}
        ResponsePayload::GbcsPayload(octets) => d.leaf(sr("GBCSPayload"), &to_base64(octets)),
        ResponsePayload::PreCommand(command) => {
            d.open(sr("PreCommand"), &[]);
            d.leaf(sr("GBCSVersion"), &command.gbcs_version);
            d.leaf(sr("GBCSPayload"), &to_base64(&command.gbcs_payload));
            d.close(sr("PreCommand"));
        }
        ResponsePayload::FutureDatedDeviceAlertMessage(alert) => {
            d.open(sr("FutureDatedDeviceAlertMessage"), &[]);
            d.value(sr("FutureDatedAlertCode"), format_args!("{:04X}", alert.alert_code));
            d.leaf(sr("GBCSPayload"), &to_base64(&alert.gbcs_payload));
            d.value(sr("InstructionNumber"), alert.instruction_number);
            d.value(sr("TotalCommandInstructions"), alert.total_command_instructions);
            d.close(sr("FutureDatedDeviceAlertMessage"));
        }
        ResponsePayload::DspInventory(devices) => {
            d.open(sr("DSPInventory"), &[]);
            for device in devices {
                inventory_device(d, device);
            }
            d.close(sr("DSPInventory"));
        }
        ResponsePayload::DspUpdateFirmwareWarning(lists) => warning(d, sr("DSPUpdateFirmwareWarning"), lists),
        ResponsePayload::DspUpdatePpmidFirmwareWarning(lists) => warning(d, sr("DSPUpdatePPMIDFirmwareWarning"), lists),
    }
    d.close(sr("ResponseMessage"));
}

fn warning(d: &mut Document, name: Name, warning: &FirmwareWarning) {
    d.open(name, &[]);
    for (list_name, list) in warning.lists() {
        if !list.is_empty() {
            d.devices(sr(list_name), list);
        }
    }
    d.close(name);
}

fn inventory_device(d: &mut Document, device: &InventoryDevice) {
    d.open(sr("Device"), &[]);
    d.value(sr("DeviceID"), device.device_id);
    d.value(sr("DeviceType"), device.device_type);
    d.value(sr("DeviceStatus"), device.device_status);
    d.leaf(sr("DeviceManufacturer"), &device.device_manufacturer);
    d.leaf(sr("DeviceModel"), &device.device_model);
    d.optional(sr("SMETSCHTSVersion"), device.smets_chts_version.as_ref());
    d.leaf(sr("DeviceFirmwareVersion"), &device.device_firmware_version);
    d.optional(sr("DeviceFirmwareVersionStatus"), device.device_firmware_version_status.as_ref());
    d.optional(sr("CPLStatus"), device.cpl_status.as_ref());
    d.optional(sr("ImportMPxN"), device.import_mpxn.as_ref());
    d.optional(sr("ESMEVariant"), device.esme_variant.as_ref());
    d.optional(sr("UPRN"), device.uprn.as_ref());
    if let Some(filter) = &device.property_filter {
        d.open(sr("PropertyFilter"), &[]);
        d.leaf(sr("PostCode"), &filter.post_code);
        d.optional(sr("AddressIdentifier"), filter.address_identifier.as_ref());
        d.close(sr("PropertyFilter"));
    }
    d.optional(sr("CSPRegion"), device.csp_region.as_ref());
    d.optional(sr("DeviceGBCSVersion"), device.device_gbcs_version.as_ref());
    d.optional(sr("HANVariant"), device.han_variant.as_ref());
    d.close(sr("Device"));
}

fn device_alert(d: &mut Document, alert: &DeviceAlertMessage) {
    d.open(sr("DeviceAlertMessage"), &[]);
    d.value(sr("AlertCode"), format_args!("{:04X}", alert.alert_code));
    d.optional(sr("ThrottledAlertSequenceId"), alert.throttled_alert_sequence_id.as_ref());
    d.optional(sr("ThrottledAlertCount"), alert.throttled_alert_count.as_ref());
    d.leaf(sr("GBCSPayload"), &to_base64(&alert.gbcs_payload));
    d.close(sr("DeviceAlertMessage"));
}

fn dcc_alert(d: &mut Document, message: &DccAlertMessage) {
    let body = sr(message.alert.element());
    d.open(sr("DCCAlertMessage"), &[]);
    d.value(sr("DCCAlertCode"), message.code);
    d.open(sr("DCCAlert"), &[]);
    d.open(body, &[]);
    match &message.alert {
        DccAlert::FirmwareDistributionFailure(alert) => {
            d.value(sr("UpdateFirmwareRequestID"), alert.request_id);
            d.devices(sr("MeterIDs"), &alert.device_id_list);
            d.optional(sr("ReasonCode"), alert.reason.as_ref());
        }
        DccAlert::PpmidAlert(alert) => {
            d.value(sr("DeviceID"), alert.device_id);
            d.value(sr("DeviceAlertCode"), format_args!("{:04X}", alert.alert_code));
            d.open(sr("PPMIDFirmwareUpgradeAlert"), &[]);
            d.value(sr("FirmwareVersion"), alert.firmware_version);
            let [success, failure] = ACTIVATION_RESULTS;
            d.leaf(sr("ActivateImageResultCode"), if alert.activation_response_code == 0 { success } else { failure });
            d.close(sr("PPMIDFirmwareUpgradeAlert"));
            d.leaf(sr("GBCSPayload"), &to_base64(&alert.gbcs_payload));
        }
        DccAlert::DeviceFirmwareVersionMismatch(alert) => {
            d.value(sr("DeviceID"), alert.device_id);
            d.value(sr("FirmwareVersion"), alert.firmware_version);
        }
        DccAlert::CommunicationsHubFirmwareNotice(alert) => {
            d.value(sr("FirmwareVersion"), alert.firmware_version);
            d.value(sr("NotBefore"), alert.not_before);
        }
        DccAlert::CommunicationsHubFirmwareActivation(alert) => {
            d.value(sr("DeviceID"), alert.device_id);
            d.value(sr("FirmwareVersion"), alert.firmware_version);
        }
        DccAlert::FirmwareDistributionNotification(alert) => {
            d.value(sr("FirmwareHash"), alert.hash);
            d.devices(sr("DeviceIDList"), &alert.device_id_list);
        }
        DccAlert::FirmwareDeliveryStatus(alert) => {
            d.value(sr("UpdateFirmwareRequestID"), alert.request_id);
            d.value(sr("DeviceID"), alert.device_id);
            d.value(sr("FirmwareVersion"), alert.firmware_version);
            d.optional(sr("ReasonCode"), alert.reason.as_ref());
        }
        DccAlert::FirmwareTransferStatus(alert) => {
            d.value(sr("UpdateFirmwareRequestID"), alert.request_id);
            d.value(sr("DeviceID"), alert.device_id);
            d.value(sr("FirmwareVersion"), alert.firmware_version);
            d.value(sr("DeviceAlertCode"), format_args!("{:04X}", alert.device_alert_code));
            d.value(sr("TransferResponseCode"), alert.transfer_response_code);
            d.leaf(sr("GBCSPayload"), &to_base64(&alert.gbcs_payload));
        }
    }
    d.close(body);
    d.close(sr("DCCAlert"));
    d.close(sr("DCCAlertMessage"));
}
