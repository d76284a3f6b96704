//! DCC Alerts.

use super::model::{RequestId, base64_text, code_text, time_text};
use super::value::Expected;
use crate::hash::FirmwareHash;
use hanrig_wire::time::Utc;
use hanrig_wire::types::{Eui64, FirmwareVersion};
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// An Alert of the DCC's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DccAlertMessage {
    /// Which Alert it is.
    #[serde(rename = "DCCAlertCode")]
    pub code: DccAlertCode,
    /// What it says.
    #[serde(rename = "DCCAlert")]
    pub alert: DccAlert,
}

impl DccAlertMessage {
    /// Whether the body is the one that belongs to the code.
    pub fn is_consistent(&self) -> bool {
        self.code.body() == self.alert.element()
    }
}

/// The DCC Alerts of firmware updates (FIA Table 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum DccAlertCode {
    /// The CSP rejected the image data (interpretation I-13).
    N18,
    /// The CSP cannot identify a Device ID.
    N19,
    /// A Device cannot be reached through that CSP's hub (interpretation I-13).
    N20,
    /// The firmware could not be delivered to the CSP.
    N22,
    /// A PPMID activated firmware, or failed to.
    N39,
    /// A Device runs a version that is no longer valid on the CPL (interpretation I-13).
    N49,
    /// A Device runs a version that is not on the CPL (interpretation I-13).
    N50,
    /// A Device runs a version that is on the CPL for other Device Models only (interpretation I-13).
    N51,
    /// A firmware update was approved for distribution.
    N59,
    /// An image did not reach the Communications Hub.
    N60,
    /// An image reached the Communications Hub.
    N61,
    /// The Communications Hub tells of the transfer to a Device.
    N62,
    /// Communications Hubs are going to get new firmware. The number is this project's.
    N901,
    /// A Communications Hub has activated new firmware. The number is this project's.
    N902,
}

impl DccAlertCode {
    /// Every code, in order.
    pub const ALL: [Self; 14] = [
        Self::N18,
        Self::N19,
        Self::N20,
        Self::N22,
        Self::N39,
        Self::N49,
        Self::N50,
        Self::N51,
        Self::N59,
        Self::N60,
        Self::N61,
        Self::N62,
        Self::N901,
        Self::N902,
    ];

    /// The element that holds the Alert's body.
    pub const fn body(self) -> &'static str {
        match self {
            Self::N18 | Self::N19 | Self::N20 | Self::N22 => "FirmwareDistributionFailure",
            Self::N39 => "PPMIDAlert",
            Self::N49 | Self::N50 | Self::N51 => "DeviceFirmwareVersionMismatch",
            Self::N59 => "FirmwareDistributionNotification",
            Self::N60 | Self::N61 => "FirmwareDeliveryStatus",
            Self::N62 => "FirmwareTransferStatus",
            Self::N901 => "CommunicationsHubFirmwareNotice",
            Self::N902 => "CommunicationsHubFirmwareActivation",
        }
    }
}

impl fmt::Display for DccAlertCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl<'de> serde::Deserialize<'de> for DccAlertCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl FromStr for DccAlertCode {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        Self::ALL.into_iter().find(|code| code.to_string() == text).ok_or_else(|| {
            let expected = "a DCC Alert code: N18, N19, N20, N22, N39, N49, N50, N51, N59, N60, N61, N62, N901 or N902";
            Expected(expected.to_owned())
        })
    }
}

/// What a DCC Alert says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum DccAlert {
    /// N18, N19, N20, N22.
    FirmwareDistributionFailure(FirmwareDistributionFailure),
    /// N39.
    #[serde(rename = "PPMIDAlert")]
    PpmidAlert(PpmidAlert),
    /// N49, N50, N51.
    DeviceFirmwareVersionMismatch(DeviceFirmwareVersionMismatch),
    /// N59.
    FirmwareDistributionNotification(FirmwareDistributionNotification),
    /// N60, N61.
    FirmwareDeliveryStatus(FirmwareDeliveryStatus),
    /// N62.
    FirmwareTransferStatus(FirmwareTransferStatus),
    /// N901.
    CommunicationsHubFirmwareNotice(CommunicationsHubFirmwareNotice),
    /// N902.
    CommunicationsHubFirmwareActivation(CommunicationsHubFirmwareActivation),
}

impl DccAlert {
    /// The element that holds it.
    pub const fn element(&self) -> &'static str {
        match self {
            Self::FirmwareDistributionFailure(_) => "FirmwareDistributionFailure",
            Self::PpmidAlert(_) => "PPMIDAlert",
            Self::DeviceFirmwareVersionMismatch(_) => "DeviceFirmwareVersionMismatch",
            Self::FirmwareDistributionNotification(_) => "FirmwareDistributionNotification",
            Self::FirmwareDeliveryStatus(_) => "FirmwareDeliveryStatus",
            Self::FirmwareTransferStatus(_) => "FirmwareTransferStatus",
            Self::CommunicationsHubFirmwareNotice(_) => "CommunicationsHubFirmwareNotice",
            Self::CommunicationsHubFirmwareActivation(_) => "CommunicationsHubFirmwareActivation",
        }
    }
}

impl DccAlert {
    /// The Devices that it is about; none where it is about Communications Hubs at large.
    pub fn devices(&self) -> Vec<Eui64> {
        match self {
            Self::FirmwareDistributionFailure(alert) => alert.device_id_list.clone(),
            Self::FirmwareDistributionNotification(alert) => alert.device_id_list.clone(),
            Self::PpmidAlert(alert) => vec![alert.device_id],
            Self::DeviceFirmwareVersionMismatch(alert) => vec![alert.device_id],
            Self::FirmwareDeliveryStatus(alert) => vec![alert.device_id],
            Self::FirmwareTransferStatus(alert) => vec![alert.device_id],
            Self::CommunicationsHubFirmwareActivation(alert) => vec![alert.device_id],
            Self::CommunicationsHubFirmwareNotice(_) => Vec::new(),
        }
    }
}

/// N18, N19, N20, N22: a distribution failed before the Communications Hub, for the sender of SRV 11.1 or 11.4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FirmwareDistributionFailure {
    /// The request that asked for the update.
    #[serde(rename = "UpdateFirmwareRequestID")]
    pub request_id: RequestId,
    /// The Devices to which nothing was sent, whatever their type.
    #[serde(rename = "MeterIDs")]
    pub device_id_list: Vec<Eui64>,
    /// Why, in the CSP's words.
    #[serde(rename = "ReasonCode", skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// N39: a PPMID's activation Alert, for all Responsible Suppliers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PpmidAlert {
    /// The PPMID.
    #[serde(rename = "DeviceID")]
    pub device_id: Eui64,
    /// The GBCS Alert Code: 8F8B.
    #[serde(rename = "DeviceAlertCode", serialize_with = "code_text")]
    pub alert_code: u16,
    /// The version that the PPMID runs.
    #[serde(rename = "FirmwareVersion")]
    pub firmware_version: FirmwareVersion,
    /// 0 success, 1 failure.
    #[serde(rename = "ActivateImageResultCode")]
    pub activation_response_code: u8,
    /// The Alert as the PPMID signed it.
    #[serde(rename = "GBCSPayload", serialize_with = "base64_text")]
    pub gbcs_payload: Vec<u8>,
}

/// N49, N50, N51: the version that a Device told is not one that the CPL has for it, for the sender of SRV 11.2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceFirmwareVersionMismatch {
    /// The Device.
    #[serde(rename = "DeviceID")]
    pub device_id: Eui64,
    /// The version that it told.
    #[serde(rename = "FirmwareVersion")]
    pub firmware_version: FirmwareVersion,
}

/// N59: a firmware update was approved, for the Responsible Suppliers that did not send it (BR 4.1.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FirmwareDistributionNotification {
    /// Hash of the Manufacturer Image, which identifies the CPL entry.
    #[serde(rename = "FirmwareHash")]
    pub hash: FirmwareHash,
    /// The Devices that get the image and for which the recipient is responsible.
    #[serde(rename = "DeviceIDList")]
    pub device_id_list: Vec<Eui64>,
}

/// N60, N61: whether the image reached the Communications Hub, for the sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FirmwareDeliveryStatus {
    /// The request that asked for the update.
    #[serde(rename = "UpdateFirmwareRequestID")]
    pub request_id: RequestId,
    /// The Device that is to be updated.
    #[serde(rename = "DeviceID")]
    pub device_id: Eui64,
    /// The version that the update brings.
    #[serde(rename = "FirmwareVersion")]
    pub firmware_version: FirmwareVersion,
    /// Why it failed, in the CSP's words.
    #[serde(rename = "ReasonCode", skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// N62: what the Communications Hub tells of the transfer to a Device, for the sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FirmwareTransferStatus {
    /// The request that asked for the update.
    #[serde(rename = "UpdateFirmwareRequestID")]
    pub request_id: RequestId,
    /// The Device that is to be updated.
    #[serde(rename = "DeviceID")]
    pub device_id: Eui64,
    /// The OTA file version, as the hub's Alert gives it.
    #[serde(rename = "FirmwareVersion")]
    pub firmware_version: FirmwareVersion,
    /// The GBCS Alert Code: 8F8A delivered, 8F89 not delivered.
    #[serde(rename = "DeviceAlertCode", serialize_with = "code_text")]
    pub device_alert_code: u16,
    /// 0 success, 1 imageDiscarded, 2 hardwareVersionMismatch, 3 fileTransferFailure.
    #[serde(rename = "TransferResponseCode")]
    pub transfer_response_code: u8,
    /// The Alert as the hub signed it.
    #[serde(rename = "GBCSPayload", serialize_with = "base64_text")]
    pub gbcs_payload: Vec<u8>,
}

/// N901: Communications Hubs are going to get new firmware, for all Service Users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommunicationsHubFirmwareNotice {
    /// The version that they are going to get.
    #[serde(rename = "FirmwareVersion")]
    pub firmware_version: FirmwareVersion,
    /// Not before this time.
    #[serde(rename = "NotBefore", serialize_with = "time_text")]
    pub not_before: Utc,
}

/// N902: a Communications Hub has activated new firmware, for the Service Users that it concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommunicationsHubFirmwareActivation {
    /// The CHF.
    #[serde(rename = "DeviceID")]
    pub device_id: Eui64,
    /// The version that it runs now.
    #[serde(rename = "FirmwareVersion")]
    pub firmware_version: FirmwareVersion,
}
