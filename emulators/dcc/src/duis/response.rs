//! Service Responses, Acknowledgements, Device Alerts and DCC Alerts: all of them `sr:Response`.

use super::alert::DccAlertMessage;
use super::model::{
    RequestId, ResponseCode, SchemaVersion, ServiceReference, Signature, base64_text, code_text, time_text,
};
use crate::data::SmiStatus;
use hanrig_wire::time::Utc;
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion};
use serde::Serialize;

/// A message from the DCC to a User.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Response {
    /// The schema that the message follows.
    #[serde(rename = "schemaVersion")]
    pub schema_version: SchemaVersion,
    /// The request that is answered; none in an Alert.
    #[serde(rename = "RequestID", skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// The identifier of this message; none where a request was refused before it was processed.
    #[serde(rename = "ResponseID", skip_serializing_if = "Option::is_none")]
    pub response_id: Option<RequestId>,
    /// The outcome.
    pub response_code: ResponseCode,
    /// When the DCC made the message.
    #[serde(serialize_with = "time_text")]
    pub response_date_time: Utc,
    /// What it says.
    pub body: ResponseBody,
    /// The sender's signature, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

/// What a message from the DCC says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum ResponseBody {
    /// An answer to a Service Request.
    ResponseMessage(ResponseMessage),
    /// A Device's Alert, passed on.
    DeviceAlertMessage(DeviceAlertMessage),
    /// An Alert of the DCC's own.
    #[serde(rename = "DCCAlertMessage")]
    DccAlertMessage(DccAlertMessage),
}

/// An answer to a Service Request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResponseMessage {
    /// The request's Service Reference; none where the request's header could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_reference: Option<ServiceReference>,
    /// The request's Service Reference Variant; none where the request's header could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_reference_variant: Option<ServiceReference>,
    /// What the answer holds.
    pub payload: ResponsePayload,
}

/// What an answer holds beside its code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum ResponsePayload {
    /// Nothing: the Response Code says it all.
    None,
    /// A GBCS message, as the Device sent it.
    #[serde(rename = "GBCSPayload")]
    GbcsPayload(#[serde(serialize_with = "base64_text")] Vec<u8>),
    /// SRV 11.3: the Pre-Command that the sender is to check and sign.
    PreCommand(PreCommand),
    /// SRV 11.3 for later: what became of it.
    FutureDatedDeviceAlertMessage(FutureDatedDeviceAlert),
    /// SRV 8.2: what the SMI holds.
    #[serde(rename = "DSPInventory")]
    DspInventory(Vec<InventoryDevice>),
    /// SRV 11.1: the Devices to which nothing is sent.
    #[serde(rename = "DSPUpdateFirmwareWarning")]
    DspUpdateFirmwareWarning(FirmwareWarning),
    /// SRV 11.4: the Devices to which nothing is sent.
    #[serde(rename = "DSPUpdatePPMIDFirmwareWarning")]
    DspUpdatePpmidFirmwareWarning(FirmwareWarning),
}

/// A Pre-Command: what the DCC made of a Critical Service Request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PreCommand {
    /// The GBCS version that it follows, as the CPL has it for the Device.
    #[serde(rename = "GBCSVersion")]
    pub gbcs_version: String,
    /// The GBCS message, neither signed nor with a MAC.
    #[serde(rename = "GBCSPayload", serialize_with = "base64_text")]
    pub gbcs_payload: Vec<u8>,
}

/// What became of a Command that a Device was to carry out later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FutureDatedDeviceAlert {
    /// The GBCS Alert Code: 8F66 carried out, 8F67 not carried out.
    #[serde(rename = "FutureDatedAlertCode", serialize_with = "code_text")]
    pub alert_code: u16,
    /// The Alert as the Device signed it.
    #[serde(rename = "GBCSPayload", serialize_with = "base64_text")]
    pub gbcs_payload: Vec<u8>,
    /// Which of the Command's instructions it is about; CS06 has one.
    #[serde(rename = "InstructionNumber")]
    pub instruction_number: u32,
    /// How many instructions the Command has.
    #[serde(rename = "TotalCommandInstructions")]
    pub total_command_instructions: u32,
}

/// The Devices of an update request to which nothing is sent, by reason (FIA 3.2.2, BR 4.1.3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FirmwareWarning {
    /// Unknown, without a Communications Hub, or not of the type that the request is for.
    #[serde(rename = "InvalidDeviceIDList", skip_serializing_if = "Vec::is_empty")]
    pub invalid: Vec<Eui64>,
    /// Not commissioned.
    #[serde(rename = "NotCommissionedDeviceIDList", skip_serializing_if = "Vec::is_empty")]
    pub not_commissioned: Vec<Eui64>,
    /// Of a Device Model that no CPL entry with the Hash is for.
    #[serde(rename = "NotApplicableFirmwareDeviceIDList", skip_serializing_if = "Vec::is_empty")]
    pub not_applicable: Vec<Eui64>,
    /// Another firmware update is in progress.
    #[serde(rename = "OtherRequestInProgressList", skip_serializing_if = "Vec::is_empty")]
    pub in_progress: Vec<Eui64>,
    /// The sender is not a Supplier that may update the Device.
    #[serde(rename = "NotResponsibleSupplierDeviceIDList", skip_serializing_if = "Vec::is_empty")]
    pub not_responsible: Vec<Eui64>,
}

impl FirmwareWarning {
    /// Whether no Device failed.
    pub fn is_empty(&self) -> bool {
        self.lists().iter().all(|(_, list)| list.is_empty())
    }

    /// The element names and lists, in the order of the document.
    pub fn lists(&self) -> [(&'static str, &Vec<Eui64>); 5] {
        let [invalid, commissioned, applicable, progress, responsible] = WARNING_LISTS;
        [
            (invalid, &self.invalid),
            (commissioned, &self.not_commissioned),
            (applicable, &self.not_applicable),
            (progress, &self.in_progress),
            (responsible, &self.not_responsible),
        ]
    }
}

/// The elements of a warning, in the order of the document.
pub(super) const WARNING_LISTS: [&str; 5] = [
    "InvalidDeviceIDList",
    "NotCommissionedDeviceIDList",
    "NotApplicableFirmwareDeviceIDList",
    "OtherRequestInProgressList",
    "NotResponsibleSupplierDeviceIDList",
];

/// One Device as SRV 8.2 tells of it. Texts are as found: other systems fill some of them in ways of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct InventoryDevice {
    /// The Device.
    #[serde(rename = "DeviceID")]
    pub device_id: Eui64,
    /// Its type.
    pub device_type: DeviceType,
    /// Its SMI status.
    pub device_status: SmiStatus,
    /// Manufacturer code, 4 hexadecimal digits.
    pub device_manufacturer: String,
    /// Model (4 hexadecimal digits, the OTA image type) and hardware version (4 hexadecimal digits).
    pub device_model: String,
    /// SMETS or CHTS version.
    #[serde(rename = "SMETSCHTSVersion", skip_serializing_if = "Option::is_none")]
    pub smets_chts_version: Option<String>,
    /// Firmware version, 8 hexadecimal digits.
    pub device_firmware_version: String,
    /// Status of that firmware version on the CPL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_firmware_version_status: Option<String>,
    /// Status of the Device Model on the CPL.
    #[serde(rename = "CPLStatus", skip_serializing_if = "Option::is_none")]
    pub cpl_status: Option<String>,
    /// MPAN or MPRN of a Smart Meter.
    #[serde(rename = "ImportMPxN", skip_serializing_if = "Option::is_none")]
    pub import_mpxn: Option<String>,
    /// Variant of an ESME.
    #[serde(rename = "ESMEVariant", skip_serializing_if = "Option::is_none")]
    pub esme_variant: Option<String>,
    /// Unique property reference number.
    #[serde(rename = "UPRN", skip_serializing_if = "Option::is_none")]
    pub uprn: Option<String>,
    /// Where the premises are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub property_filter: Option<PropertyFilter>,
    /// Region of the Communications Service Provider.
    #[serde(rename = "CSPRegion", skip_serializing_if = "Option::is_none")]
    pub csp_region: Option<String>,
    /// GBCS version.
    #[serde(rename = "DeviceGBCSVersion", skip_serializing_if = "Option::is_none")]
    pub device_gbcs_version: Option<String>,
    /// Single or dual band HAN.
    #[serde(rename = "HANVariant", skip_serializing_if = "Option::is_none")]
    pub han_variant: Option<String>,
}

impl InventoryDevice {
    /// The firmware version, where its text is one.
    pub fn firmware_version(&self) -> Option<FirmwareVersion> {
        self.device_firmware_version.parse().ok()
    }
}

/// Where premises are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PropertyFilter {
    /// The post code.
    pub post_code: String,
    /// What tells the address from others with the post code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_identifier: Option<String>,
}

/// A Device's Alert, passed on to a User.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeviceAlertMessage {
    /// The GBCS Alert Code.
    #[serde(serialize_with = "code_text")]
    pub alert_code: u16,
    /// Sequence of a throttled Alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttled_alert_sequence_id: Option<u32>,
    /// How many Alerts were throttled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttled_alert_count: Option<u32>,
    /// The Alert as the Device sent it.
    #[serde(rename = "GBCSPayload", serialize_with = "base64_text")]
    pub gbcs_payload: Vec<u8>,
}
