//! The SM WAN Gateway between DSP and CSP: its messages, in either direction.
//!
//! The real interfaces (SD4.4.1, SD4.4.2) are not public. These messages carry what FIA 3.2, 3.3 and 3.4.2 say that they
//! carry. As JSON each is one object, told apart by `message`:
//!
//! | `message` | from | fields |
//! |---|---|---|
//! | `distribution_request` | DSP | `request_id`, `device_type`, `image` (base64), `image_hash`, `devices`: `[{device, hub}]` |
//! | `gbcs` | both | `hub`, `octets` (base64) |
//! | `validation_report` | CSP | `request_id`, `rejected`: `[{device, reason}]` |
//! | `transfer_notification` | CSP | `request_id`, `hub`, `devices`, `status`, `reason` |
//! | `transfer_notifications` | CSP | `notifications`: a list of the same |

use crate::duis::{RequestId, to_base64};
use crate::hash::FirmwareHash;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hanrig_wire::types::{DeviceType, Eui64};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// From the DSP to a CSP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
pub enum DspToCsp {
    /// Distribute an image.
    DistributionRequest(DistributionRequest),
    /// Carry a GBCS message to a hub.
    Gbcs(GbcsMessage),
}

/// From a CSP to the DSP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
pub enum CspToDsp {
    /// What the CSP's validation of a distribution request found.
    ValidationReport(ValidationReport),
    /// How one transfer to a hub went.
    TransferNotification(TransferNotification),
    /// How several transfers to hubs went (FIA 3.2.5 Control 3).
    TransferNotifications {
        /// One for each transfer.
        notifications: Vec<TransferNotification>,
    },
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
        /// Why.
        reason: String,
    },
    /// Not at all (HTTP 400).
    Refused {
        /// Why.
        reason: String,
    },
}

fn to_text<S: Serializer>(octets: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&to_base64(octets))
}

fn from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    STANDARD.decode(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}
