//! DUIS: the XML messages between a Service User and the DCC.
//!
//! [`DuisMessage`] is the typed model; [`parse`], [`parse_bytes`] and [`read_from`] read it, [`DuisMessage::to_xml`]
//! writes it. What is written is read back as an equal message.
//!
//! # What the reader guarantees
//!
//! - No panic on any input, and no more memory than a small multiple of the limit ([`MAXIMUM_DOCUMENT`] unless told
//!   otherwise); [`read_from`] stops reading at the limit, however long the source is.
//! - Structure is strict: elements stand in DUIS's order, nothing unknown, nothing twice, no text between elements.
//! - Document types, entities beside XML's five, and processing instructions are refused.
//! - Every error names line, column, element and what was expected.
//!
//! # Signatures
//!
//! The enveloped signature is read into [`Signature`] and written back. Reading checks its form alone;
//! [`security`](crate::security) makes signatures and checks them.
//!
//! # Element names
//!
//! Requests 1.6, 8.2, 11.1, 11.2, 11.3 and 11.4, the response header, `ResponseMessage`, `GBCSPayload`, `DSPInventory` with
//! the fields of its `Device`, `DSPUpdateFirmwareWarning`, `DSPUpdatePPMIDFirmwareWarning`, `InvalidDeviceIDList`,
//! `NotCommissionedDeviceIDList`, `PreCommand`, `SignedPreCommand`, `FutureDatedDeviceAlertMessage`,
//! `DeviceAlertMessage` and `DCCAlertMessage`, `FirmwareDistributionFailure` (N18, N19, N20, N22), `PPMIDAlert` (N39), the
//! other lists of the warnings, and lists of Devices (parted by commas) are as in the published schema 5.4.
//!
//! These are this project's, in DUIS's style:
//!
//! - `NotResponsibleSupplierDeviceIDList` in the warnings, for which the schema has no list, and `ReasonCode` and
//!   `GBCSPayload` in DCC Alerts, which it does not have;
//! - in `DCCAlert`: `DeviceFirmwareVersionMismatch` (N49, N50, N51; schema 5.4 has `FirmwareVersionMismatch`),
//!   `FirmwareDistributionNotification` (N59; `FirmwareUpgradeRequested`, without the Hash that BR 4.1.4 asks for),
//!   `FirmwareDeliveryStatus` (N60, N61; `CSPFirmwareDeliveryStatus`), `FirmwareTransferStatus` (N62; `CommsHubAlert`),
//!   `CommunicationsHubFirmwareNotice` (N901, with `NotBefore`), `CommunicationsHubFirmwareActivation` (N902;
//!   `CommsHubFirmwareActivation`), and what is within them;
//! - the numbers N901 and N902: SECMP0024 asks for the Alerts and numbers none;
//! - a `DeviceModel` is the model's four hexadecimal digits and the hardware version's four;
//! - a response to a request whose header could not be read has no `ServiceReference`.

mod alert;
mod error;
mod model;
mod read;
mod request;
mod response;
mod signature;
mod value;
mod write;
mod xml;

pub use alert::{
    CommunicationsHubFirmwareActivation, CommunicationsHubFirmwareNotice, DccAlert, DccAlertCode, DccAlertMessage,
    DeviceFirmwareVersionMismatch, FirmwareDeliveryStatus, FirmwareDistributionFailure,
    FirmwareDistributionNotification, FirmwareTransferStatus, PpmidAlert,
};
pub use error::{DuisError, Problem};
pub use model::{RequestId, ResponseCode, SchemaVersion, ServiceReference, Signature};
pub(crate) use model::{optional_time_text, time_text};
pub(crate) use request::sets_payment_mode;
pub use request::{Request, ServiceRequest, UpdateFirmware};
pub use response::{
    DeviceAlertMessage, FirmwareWarning, FutureDatedDeviceAlert, InventoryDevice, PreCommand, PropertyFilter, Response,
    ResponseBody, ResponseMessage, ResponsePayload,
};
pub(crate) use signature::canonical_signed_info;
pub use value::Expected;
pub(crate) use value::{time as parse_time, to_base64};
pub(crate) use write::{canonical, signature_element};
pub use xml::{RESPONSE_AND_ALERT, SERVICE_USER_GATEWAY, XML_SIGNATURE};

use serde::Serialize;
use std::io::Read;

/// The longest document that is read unless told otherwise, in octets: an image of 768,000 octets in base64 (1.03
/// million) and 50,000 Device IDs (1.2 million) fit, also where each line of them is indented.
pub const MAXIMUM_DOCUMENT: usize = 8 << 20;

/// A DUIS message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum DuisMessage {
    /// From a User to the DCC.
    Request(Request),
    /// From the DCC to a User: Service Response, Acknowledgement, Device Alert or DCC Alert.
    Response(Response),
}

impl DuisMessage {
    /// The message as an XML document, indented, with a declaration and a final line end.
    pub fn to_xml(&self) -> String {
        match self {
            Self::Request(request) => request.to_xml(),
            Self::Response(response) => response.to_xml(),
        }
    }
}

impl DuisMessage {
    /// The sender's signature, where there is one.
    pub const fn signature(&self) -> Option<&Signature> {
        match self {
            Self::Request(request) => request.signature.as_ref(),
            Self::Response(response) => response.signature.as_ref(),
        }
    }

    pub(crate) const fn signature_mut(&mut self) -> &mut Option<Signature> {
        match self {
            Self::Request(request) => &mut request.signature,
            Self::Response(response) => &mut response.signature,
        }
    }
}

impl Request {
    /// The request as an XML document, indented, with a declaration and a final line end.
    pub fn to_xml(&self) -> String {
        write::request(self)
    }
}

impl Response {
    /// The response as an XML document, indented, with a declaration and a final line end.
    pub fn to_xml(&self) -> String {
        write::response(self)
    }
}

/// Reads a message from text of at most [`MAXIMUM_DOCUMENT`] octets.
///
/// # Errors
///
/// The first thing that is wrong with the document, and where.
pub fn parse(document: &str) -> Result<DuisMessage, DuisError> {
    parse_bytes(document.as_bytes())
}

/// Reads a message from at most [`MAXIMUM_DOCUMENT`] octets of UTF-8.
///
/// # Errors
///
/// The first thing that is wrong with the document, and where.
pub fn parse_bytes(document: &[u8]) -> Result<DuisMessage, DuisError> {
    let text = checked(document, MAXIMUM_DOCUMENT)?;
    read::message(&mut xml::Cursor::new(text))
}

/// Reads a message from `source`, of which no more than `limit` octets and one are taken.
///
/// # Errors
///
/// The first thing that is wrong with the document, and where; also that the source failed or is longer than `limit`.
pub fn read_from(source: impl Read, limit: usize) -> Result<DuisMessage, DuisError> {
    let mut document = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    if let Err(e) = source.take(most).read_to_end(&mut document) {
        return Err(DuisError::at(&document, document.len(), Problem::Io(e.to_string())));
    }
    let text = checked(&document, limit)?;
    read::message(&mut xml::Cursor::new(text))
}

/// RequestID and Service Reference Variant of a request whose header can be read, whatever the rest is like.
pub(crate) fn request_header(document: &[u8]) -> Option<(RequestId, ServiceReference)> {
    let text = checked(document, MAXIMUM_DOCUMENT).ok()?;
    read::request_header(&mut xml::Cursor::new(text)).ok()
}

/// The digest that a `ds:SignedInfo`, given as a document of its own, is about.
pub(crate) fn signed_digest(signed_info: &str) -> Result<Vec<u8>, DuisError> {
    let mut cursor = xml::Cursor::new(signed_info);
    let digest = signature::read_signed_info(&mut cursor)?;
    cursor.finish()?;
    Ok(digest)
}

/// The error for a request where a response belongs.
pub(crate) fn not_a_response(document: &str) -> DuisError {
    let mut cursor = xml::Cursor::new(document.trim_start_matches('\u{FEFF}'));
    cursor.unexpected("sr:Response")
}

fn checked(document: &[u8], limit: usize) -> Result<&str, DuisError> {
    if document.len() > limit {
        // The end is past the limit: line and column of the limit are of no use.
        return Err(DuisError { line: 1, column: 1, offset: limit, problem: Problem::TooLong { limit } });
    }
    let text = std::str::from_utf8(document).map_err(|e| DuisError::at(document, e.valid_up_to(), Problem::NotUtf8))?;
    Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text))
}
