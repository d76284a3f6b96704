//! Service Requests.

use super::model::{RequestId, SchemaVersion, ServiceReference, Signature, base64_text, optional_time_text};
use crate::hash::FirmwareHash;
use hanrig_wire::gbcs::{Envelope, MessageCode, PaymentMode, Prepayment};
use hanrig_wire::time::Utc;
use hanrig_wire::types::{Eui64, FirmwareVersion};
use serde::{Serialize, Serializer};

/// A Service Request. Service Reference and its variant follow from the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Request {
    /// The schema that the message follows.
    #[serde(rename = "schemaVersion")]
    pub schema_version: SchemaVersion,
    /// Who asks whom, and the originator counter.
    #[serde(rename = "RequestID")]
    pub request_id: RequestId,
    /// What is to be done with the command: 1 send it to the Device, 4 return a Pre-Command, 5 send a Signed
    /// Pre-Command to the Device, 8 Non-Device.
    pub command_variant: u8,
    /// What is asked for.
    pub body: ServiceRequest,
    /// The sender's signature, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

impl Request {
    /// An unsigned request of the current schema.
    pub fn new(request_id: RequestId, body: ServiceRequest) -> Self {
        let command_variant = body.usual_command_variant();
        Self { schema_version: SchemaVersion::current(), request_id, command_variant, body, signature: None }
    }
}

/// The bodies of the requests that this project speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum ServiceRequest {
    /// SRV 1.6, to be carried out at once.
    UpdatePaymentMode(#[serde(serialize_with = "mode_fields")] PaymentMode),
    /// SRV 8.2.
    ReadInventory {
        /// The Device that is asked about.
        #[serde(rename = "DeviceID")]
        device_id: Eui64,
    },
    /// SRV 11.1, for ESME, GSME and HCALCS.
    UpdateFirmware(UpdateFirmware),
    /// SRV 11.2.
    ReadFirmwareVersion,
    /// SRV 11.3.
    ActivateFirmware {
        /// When to activate; at once where there is none.
        #[serde(
            rename = "ExecutionDateTime",
            serialize_with = "optional_time_text",
            skip_serializing_if = "Option::is_none"
        )]
        execution_date_time: Option<Utc>,
        /// Hash of the image to activate.
        #[serde(rename = "FirmwareHash")]
        hash: FirmwareHash,
    },
    /// SRV 11.4.
    #[serde(rename = "UpdatePPMIDFirmware")]
    UpdatePpmidFirmware(UpdateFirmware),
    /// SRV 1.6 and SRV 11.3, second step: the Pre-Command that the DCC made of the request, signed by the sender. It goes
    /// with the request's own RequestID and Service Reference, which the message code tells, and command variant 5.
    SignedPreCommand {
        /// The signed GBCS message, without a MAC.
        #[serde(rename = "GBCSPayload", serialize_with = "base64_text")]
        gbcs_payload: Vec<u8>,
    },
}

/// Whether a GBCS message is of one of the use cases of SRV 1.6.
pub(crate) fn sets_payment_mode(gbcs_payload: &[u8]) -> bool {
    Envelope::parse(gbcs_payload).is_ok_and(|envelope| MessageCode::sets_payment_mode(envelope.message().message_code))
}

/// The mode as the request's elements.
fn mode_fields<S: Serializer>(mode: &PaymentMode, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Terms {
        suspend_debt_disabled: bool,
        suspend_debt_emergency: bool,
        disablement_threshold: i32,
    }
    #[derive(Serialize)]
    enum Mode {
        Credit {},
        Prepayment(Terms),
    }
    match *mode {
        PaymentMode::Credit => Mode::Credit {},
        PaymentMode::Prepayment(Prepayment {
            suspend_debt_disabled,
            suspend_debt_emergency,
            disablement_threshold,
        }) => Mode::Prepayment(Terms { suspend_debt_disabled, suspend_debt_emergency, disablement_threshold }),
    }
    .serialize(serializer)
}

/// The body that SRV 11.1 and SRV 11.4 share (BR 4.1.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateFirmware {
    /// OTA Header || Manufacturer Image, and in SRV 11.1 || 0x0040 || signature.
    #[serde(serialize_with = "base64_text")]
    pub firmware_image: Vec<u8>,
    /// The version that the image brings.
    pub firmware_version: FirmwareVersion,
    /// The Devices that are to get it.
    #[serde(rename = "DeviceIDList")]
    pub device_id_list: Vec<Eui64>,
}

impl ServiceRequest {
    /// The Service Reference, which for all of these is the Service Reference Variant too.
    pub fn service_reference(&self) -> &'static str {
        match self {
            Self::UpdatePaymentMode(_) => "1.6",
            Self::ReadInventory { .. } => "8.2",
            Self::UpdateFirmware(_) => "11.1",
            Self::ReadFirmwareVersion => "11.2",
            Self::SignedPreCommand { gbcs_payload } if sets_payment_mode(gbcs_payload) => "1.6",
            Self::ActivateFirmware { .. } | Self::SignedPreCommand { .. } => "11.3",
            Self::UpdatePpmidFirmware(_) => "11.4",
        }
    }

    /// The Service Reference as a response carries it.
    pub fn reference(&self) -> ServiceReference {
        ServiceReference::known(self.service_reference())
    }

    /// Whether the request is for the DCC itself: its target is the DCC and its command variant 8.
    pub const fn is_non_device(&self) -> bool {
        matches!(self, Self::ReadInventory { .. } | Self::UpdateFirmware(_) | Self::UpdatePpmidFirmware(_))
    }

    /// The command variant that a User's system gives such a request.
    pub const fn usual_command_variant(&self) -> u8 {
        match self {
            Self::ReadInventory { .. } | Self::UpdateFirmware(_) | Self::UpdatePpmidFirmware(_) => 8,
            Self::ReadFirmwareVersion => 1,
            Self::UpdatePaymentMode(_) | Self::ActivateFirmware { .. } => 4,
            Self::SignedPreCommand { .. } => 5,
        }
    }
}
