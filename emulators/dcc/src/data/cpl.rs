//! The Central Products List.

use super::{Code, DeviceModel};
use crate::hash::FirmwareHash;
use hanrig_wire::types::{DeviceType, FirmwareVersion};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The Central Products List (BR 3.3, SEC Appendix Z 2.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cpl {
    /// The entries, removed ones included.
    pub entries: Vec<CplEntry>,
}

impl Cpl {
    /// The active entries with a Hash.
    pub fn active_with_hash(&self, hash: FirmwareHash) -> impl Iterator<Item = &CplEntry> {
        self.entries.iter().filter(move |entry| entry.status == CplStatus::Active && entry.image.hash == hash)
    }

    /// The entry with a number.
    pub fn numbered(&self, number: u32) -> Option<&CplEntry> {
        self.entries.iter().find(|entry| entry.number == number)
    }

    /// The entry of a Device Model with a firmware version, the active one where there are several.
    pub fn entry(&self, model: DeviceModel, version: FirmwareVersion) -> Option<&CplEntry> {
        let fits = |entry: &&CplEntry| entry.device_model() == model && entry.firmware_version == version;
        self.entries
            .iter()
            .filter(fits)
            .find(|entry| entry.status == CplStatus::Active)
            .or_else(|| self.entries.iter().find(fits))
    }
}

/// One entry: a Device Model with one firmware version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CplEntry {
    /// The CPL entry number, by which FIR and DZIR refer to it.
    pub number: u32,
    /// Type of the Device.
    pub device_type: PhysicalDeviceType,
    /// Manufacturer code.
    pub manufacturer: Code,
    /// What the manufacturer is called.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub manufacturer_name: String,
    /// Model: the image type of the OTA Header.
    pub model: Code,
    /// What the model is called.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub model_name: String,
    /// Hardware version.
    pub hardware_version: Code,
    /// Firmware version, written with colons here.
    #[serde(serialize_with = "with_colons")]
    pub firmware_version: FirmwareVersion,
    /// SMETS version that the Device Model meets.
    pub smets_version: String,
    /// GBCS version that the Device Model meets.
    pub gbcs_version: String,
    /// Whether the entry still stands.
    #[serde(default)]
    pub status: CplStatus,
    /// The Manufacturer Image.
    pub image: CplImage,
    /// The assurance certificates.
    #[serde(default, rename = "certificate", skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<AssuranceCertificate>,
}

impl CplEntry {
    /// Manufacturer, model and hardware version.
    pub const fn device_model(&self) -> DeviceModel {
        DeviceModel { manufacturer: self.manufacturer, model: self.model, hardware_version: self.hardware_version }
    }
}

/// The types of Device that the CPL, the FIR and the DZIR cover (SEC F2.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PhysicalDeviceType {
    /// Electricity Smart Metering Equipment.
    #[serde(rename = "ESME")]
    Esme,
    /// Gas Smart Metering Equipment.
    #[serde(rename = "GSME")]
    Gsme,
    /// Pre-Payment Meter Interface Device.
    #[serde(rename = "PPMID")]
    Ppmid,
    /// HAN Connected Auxiliary Load Control Switch.
    #[serde(rename = "HCALCS")]
    Hcalcs,
    /// Standalone Auxiliary Proportional Controller.
    #[serde(rename = "SAPC")]
    Sapc,
    /// SMETS2+ Communications Hub, by the name of its CHF.
    #[serde(rename = "CHF")]
    CommunicationsHub,
    /// SMETS1 Communications Hub.
    #[serde(rename = "SMETS1 CH")]
    Smets1CommunicationsHub,
}

impl PhysicalDeviceType {
    /// Every type.
    pub const ALL: [Self; 7] = [
        Self::Esme,
        Self::Gsme,
        Self::Ppmid,
        Self::Hcalcs,
        Self::Sapc,
        Self::CommunicationsHub,
        Self::Smets1CommunicationsHub,
    ];
}

impl From<DeviceType> for PhysicalDeviceType {
    fn from(device_type: DeviceType) -> Self {
        match device_type {
            DeviceType::Esme => Self::Esme,
            DeviceType::Gsme => Self::Gsme,
            DeviceType::Ppmid => Self::Ppmid,
            DeviceType::Hcalcs => Self::Hcalcs,
            DeviceType::Chf | DeviceType::Gpf => Self::CommunicationsHub,
        }
    }
}

impl PartialEq<DeviceType> for PhysicalDeviceType {
    fn eq(&self, other: &DeviceType) -> bool {
        *self == Self::from(*other)
    }
}

impl fmt::Display for PhysicalDeviceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Esme => "ESME",
            Self::Gsme => "GSME",
            Self::Ppmid => "PPMID",
            Self::Hcalcs => "HCALCS",
            Self::Sapc => "SAPC",
            Self::CommunicationsHub => "CHF",
            Self::Smets1CommunicationsHub => "SMETS1 CH",
        })
    }
}

/// The Manufacturer Image of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CplImage {
    /// Who made the image.
    pub creator: String,
    /// What the creator calls it.
    pub descriptor: String,
    /// SHA-256 over the Manufacturer Image.
    pub hash: FirmwareHash,
}

/// Whether an entry still stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CplStatus {
    /// It stands.
    #[default]
    Active,
    /// It was removed: its image is not distributed any more.
    Removed,
}

/// An assurance certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssuranceCertificate {
    /// Which kind of assurance.
    pub kind: CertificateKind,
    /// Its number.
    pub number: String,
    /// The firmware versions that it covers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub firmware_versions: Vec<FirmwareVersion>,
    /// The last day that it is valid, where it expires.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "bare_date")]
    pub expires: Option<time::Date>,
}

/// Kinds of assurance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum CertificateKind {
    /// Commercial Product Assurance.
    #[serde(rename = "CPA")]
    Cpa,
    /// ZigBee certification.
    ZigBee,
    /// DLMS certification.
    #[serde(rename = "DLMS")]
    Dlms,
}

/// A firmware version as the CPL writes it: `00:00:00:20`.
fn with_colons<S: serde::Serializer>(version: &FirmwareVersion, serializer: S) -> Result<S::Ok, S::Error> {
    let [a, b, c, d] = version.0.to_be_bytes();
    serializer.collect_str(&format_args!("{a:02X}:{b:02X}:{c:02X}:{d:02X}"))
}

/// A date as TOML has it, without quotes: `2027-03-31`.
mod bare_date {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};
    use toml::value::{Date, Datetime};

    pub(super) fn serialize<S: Serializer>(date: &Option<time::Date>, serializer: S) -> Result<S::Ok, S::Error> {
        date.map(|date| Datetime {
            date: Some(Date {
                year: u16::try_from(date.year()).unwrap_or(u16::MAX),
                month: date.month().into(),
                day: date.day(),
            }),
            time: None,
            offset: None,
        })
        .serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<time::Date>, D::Error> {
        let wrong = || D::Error::custom("expected a date without time, such as 2027-03-31");
        let date = match Datetime::deserialize(deserializer)? {
            Datetime { date: Some(date), time: None, offset: None } => date,
            _ => return Err(wrong()),
        };
        let month = time::Month::try_from(date.month).map_err(|_| wrong())?;
        time::Date::from_calendar_date(i32::from(date.year), month, date.day).map(Some).map_err(|_| wrong())
    }
}
