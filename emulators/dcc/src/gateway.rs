//! The SM WAN Gateway between DSP and CSP: its messages, in either direction.
//!
//! The real interfaces (SD4.4.1, SD4.4.2) are not public. These messages carry what FIA 3.2, 3.3 and 3.4.2 say that they
//! carry. As JSON each is one object, told apart by `message`:
//!
//! | `message` | from | fields |
//! |---|---|---|
//! | `distribution_request` | DSP | `request_id`, `device_type`, `image` (base64), `image_hash`, `deliver_by`, `devices`: `[{device, hub}]` |
//! | `hub_firmware_request` | DSP | `firmware_version`, `hubs` |
//! | `gbcs` | both | `hub`, `octets` (base64) |
//! | `distribution_reply` | CSP | `request_id`, `device_type`, `reply`: `accepted` (HTTP 200), `busy` (503), `refused` (400); `reason_code`, `reason` |
//! | `hub_firmware_report` | CSP | `hub`, `firmware_version` |
//! | `validation_report` | CSP | `request_id`, `rejected`: `[{device, reason}]` |
//! | `transfer_notification` | CSP | `request_id`, `hub`, `devices`, `status`, `reason` |
//! | `transfer_notifications` | CSP | `notifications`: a list of the same |

use crate::duis::{RequestId, to_base64};
use crate::hash::FirmwareHash;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hanrig_wire::time::Utc;
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// From the DSP to a CSP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
pub enum DspToCsp {
    /// Distribute an image.
    DistributionRequest(DistributionRequest),
    /// Bring new firmware to hubs themselves.
    HubFirmwareRequest(HubFirmwareRequest),
    /// Carry a GBCS message to a hub.
    Gbcs(GbcsMessage),
}

/// From a CSP to the DSP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
pub enum CspToDsp {
    /// How the CSP answers a distribution request at once.
    DistributionReply(DistributionReply),
    /// What the CSP's validation of a distribution request found.
    ValidationReport(ValidationReport),
    /// How one transfer to a hub went.
    TransferNotification(TransferNotification),
    /// How several transfers to hubs went (FIA 3.2.5 Control 3).
    TransferNotifications {
        /// One for each transfer.
        notifications: Vec<TransferNotification>,
    },
    /// Which firmware a hub runs.
    HubFirmwareReport(HubFirmwareReport),
    /// A GBCS message that a hub sent.
    Gbcs(GbcsMessage),
}

/// A batched request to distribute one image to Devices of one type in one region (FIA 3.2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DistributionRequest {
    /// The Service Request that asked for the update.
    pub request_id: RequestId,
    /// The type of the Devices.
    pub device_type: DeviceType,
    /// The OTA Upgrade Image, as the hub is to have it.
    #[serde(serialize_with = "to_text", deserialize_with = "from_text")]
    pub image: Vec<u8>,
    /// SHA-256 over all octets of `image`, by which the CSP sees that it has them unchanged.
    pub image_hash: FirmwareHash,
    /// When the DCC has told the User that the image is not at its hub, if it is not (SR-07).
    #[serde(with = "utc_text")]
    pub deliver_by: Utc,
    /// Which Device is reached through which hub.
    pub devices: Vec<DistributionTarget>,
}

/// A Device that is to get an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DistributionTarget {
    /// The Device.
    pub device: Eui64,
    /// The CHF that it is associated with.
    pub hub: Eui64,
}

/// A request to bring new firmware to hubs themselves (SECMP0024). What the image is, the CSP agrees with the hubs' maker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubFirmwareRequest {
    /// The version.
    pub firmware_version: FirmwareVersion,
    /// The hubs.
    pub hubs: Vec<Eui64>,
}

/// Which firmware a hub said that it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubFirmwareReport {
    /// The hub.
    pub hub: Eui64,
    /// The version.
    pub firmware_version: FirmwareVersion,
}

/// How a CSP answers a distribution request at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DistributionReply {
    /// The request.
    pub request_id: RequestId,
    /// The type of the Devices, which tells two batches of one request apart.
    pub device_type: DeviceType,
    /// The answer.
    #[serde(flatten)]
    pub reply: CspReply,
}

/// A GBCS message on its way to or from a hub, unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GbcsMessage {
    /// The hub.
    pub hub: Eui64,
    /// The message.
    #[serde(serialize_with = "to_text", deserialize_with = "from_text")]
    pub octets: Vec<u8>,
}

/// What the CSP's validation found (FIA 3.3). Devices that are not listed passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidationReport {
    /// The request.
    pub request_id: RequestId,
    /// The type of the Devices, which tells two batches of one request apart.
    pub device_type: DeviceType,
    /// The Devices to which nothing will be sent.
    pub rejected: Vec<RejectedDevice>,
}

/// A Device that the CSP rejects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RejectedDevice {
    /// The Device.
    pub device: Eui64,
    /// Why.
    pub reason: RejectionReason,
}

/// Why a CSP rejects a Device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectionReason {
    /// The image is not the one that its hash says.
    ImageIntegrity,
    /// The CSP knows no such Device on that hub.
    UnknownDevice,
    /// The CSP does not serve the hub.
    NotReachable,
    /// The hub has another image being brought to it, and both cannot be there within the service window (CSP-06).
    ServiceWindow,
}

impl fmt::Display for RejectionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ImageIntegrity => "image fails its integrity check",
            Self::UnknownDevice => "Device ID not identified",
            Self::NotReachable => "hub not served by this CSP",
            Self::ServiceWindow => "another request for the hub is being actioned within the service window",
        })
    }
}

/// How the transfer of an image to a hub went (FIA 3.4.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferNotification {
    /// The request.
    pub request_id: RequestId,
    /// The hub.
    pub hub: Eui64,
    /// The Devices that the image on that hub is for.
    pub devices: Vec<Eui64>,
    /// How it went.
    pub status: TransferStatus,
    /// The root cause of a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Outcome of a transfer to a hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferStatus {
    /// The hub has the image.
    Successful,
    /// The hub does not have the image, and the CSP has given up.
    Failed,
    /// Neither; the reason says what.
    Other,
}

/// What a CSP answers at once, as its HTTP interface would.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum CspReply {
    /// Taken (HTTP 200).
    Accepted,
    /// Not now (HTTP 503): to be sent again later.
    Busy {
        /// Why, as a code.
        reason_code: BusyReason,
        /// Why, for a reader.
        reason: String,
    },
    /// Not at all (HTTP 400).
    Refused {
        /// Why.
        reason: String,
    },
}

impl CspReply {
    /// The HTTP status that says the same.
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::Accepted => 200,
            Self::Busy { .. } => 503,
            Self::Refused { .. } => 400,
        }
    }
}

/// Why a CSP is busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BusyReason {
    /// Too many Devices wait for an image: CSP South and CSP Central.
    AdmissionControl,
    /// No firmware job is left: CSP North.
    NoJob,
    /// Too many messages wait for a hub.
    QueueFull,
}

fn to_text<S: Serializer>(octets: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&to_base64(octets))
}

fn from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    STANDARD.decode(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

/// A time of day as DUIS writes it.
mod utc_text {
    use crate::duis::parse_time;
    use hanrig_wire::time::Utc;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(time: &Utc, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(time)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Utc, D::Error> {
        parse_time(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
