//! The repositories beside the CPL (MP231): the Firmware Information Repository and the Device Zigbee Information
//! Repository. Both refer to the CPL by entry number.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What the FIR has of a CPL entry (SEC F2.15). All of it is mandatory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirRecord {
    /// The CPL entry.
    pub entry: u32,
    /// How to reach the manufacturer.
    pub contact: Contact,
    /// What the manufacturer says of the release.
    pub release_notes: String,
    /// From which CPL entries the upgrade to this one is possible.
    pub baselines: Baselines,
}

/// How to reach a manufacturer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// Email address.
    pub email: String,
    /// Telephone number.
    pub telephone: String,
    /// Business address.
    pub address: String,
}

/// The baselines of an upgrade, named by CPL entry number: two entries can have one version and different Hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Baselines {
    /// No upgrade is possible: written `N/A` (interpretation I-18).
    NotApplicable,
    /// From each of these.
    Entries(Vec<u32>),
}

impl Baselines {
    /// The numbers of the entries.
    pub fn entries(&self) -> &[u32] {
        match self {
            Self::NotApplicable => &[],
            Self::Entries(entries) => entries,
        }
    }
}

const NOT_APPLICABLE: &str = "N/A";

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Entries(Vec<u32>),
}

impl Serialize for Baselines {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::NotApplicable => serializer.serialize_str(NOT_APPLICABLE),
            Self::Entries(entries) => entries.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Baselines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer) {
            Ok(Written::Text(text)) if text == NOT_APPLICABLE => Ok(Self::NotApplicable),
            Ok(Written::Entries(entries)) if !entries.is_empty() => Ok(Self::Entries(entries)),
            _ => Err(serde::de::Error::custom("expected \"N/A\" or a list of at least one CPL entry number")),
        }
    }
}

/// What the DZIR has of a CPL entry (SEC F2.34).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DzirRecord {
    /// The CPL entry.
    pub entry: u32,
    /// Who makes the ZigBee chipset.
    pub chipset_vendor: String,
    /// The version of the ZigBee stack.
    pub stack_version: String,
    /// How the Device joins the HAN. Struck out of the legal text, and so optional (interpretation I-16).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<ZigbeeBand>,
}

/// The bands on which a Device joins the HAN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ZigbeeBand {
    /// 2.4 GHz alone.
    #[serde(rename = "2.4GHz")]
    TwoPointFour,
    /// Sub-GHz alone.
    #[serde(rename = "Sub-GHz")]
    SubGhz,
    /// Either.
    #[serde(rename = "Dual Band")]
    Dual,
}
