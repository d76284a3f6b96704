//! What the DCC holds and a user edits: CPL with FIR and DZIR, SMI, registration data, Users and hubs, as TOML.
//!
//! One file or several: each may hold any of the tables `[[cpl]]`, `[[fir]]`, `[[dzir]]`, `[[device]]`, `[[premises]]`,
//! `[[user]]` and `[[hub]]`. [`DccData::read`] takes them together, checks them against each other and names file, line and field of
//! what is wrong. Manufacturers, models and hardware versions are the four hexadecimal digits that the OTA Header
//! carries as manufacturer code, image type and hardware version.
//!
//! ```toml
//! [[hub]]
//! id = "00-DB-12-34-56-78-90-A2"
//! region = "North"
//!
//! [[user]]
//! id = "90-B3-D5-1F-30-01-00-00"
//! name = "Power Import Ltd"
//! role = "Import Supplier"
//!
//! [[device]]
//! id = "00-DB-12-34-56-78-90-A4"
//! type = "PPMID"
//! manufacturer = "1234"
//! model = "8401"
//! hardware_version = "0102"
//! firmware_version = "00:00:00:10"
//! status = "Commissioned"
//! hub = "00-DB-12-34-56-78-90-A2"
//! ```

mod cpl;
mod fir;
mod load;
mod registration;
mod smi;

pub use cpl::{AssuranceCertificate, CertificateKind, Cpl, CplEntry, CplImage, CplStatus, PhysicalDeviceType};
pub use fir::{Baselines, Contact, DzirRecord, FirRecord, ZigbeeBand};
pub use load::DataError;
pub use registration::{Premises, Registration, User, UserRole};
pub use smi::{Hub, Smi, SmiDevice, SmiStatus};

use hanrig_wire::types::Eui64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// All that the DCC holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DccData {
    /// The Central Products List.
    pub cpl: Cpl,
    /// The Firmware Information Repository, by CPL entry number.
    pub fir: BTreeMap<u32, FirRecord>,
    /// The Device Zigbee Information Repository, by CPL entry number.
    pub dzir: BTreeMap<u32, DzirRecord>,
    /// The Smart Metering Inventory.
    pub smi: Smi,
    /// Who is responsible for which premises.
    pub registration: Registration,
    /// The Users, by identifier.
    pub users: BTreeMap<Eui64, User>,
    /// The Communications Hubs, by the CHF's identifier.
    pub hubs: BTreeMap<Eui64, Hub>,
}

impl DccData {
    /// Reads files of TOML, given as name and text, as one set of data.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong: TOML that does not parse, an unknown, missing or wrong field, an entry that occurs
    /// twice, or a reference to a Device, hub or User that no file has.
    pub fn read(files: &[(&str, &str)]) -> Result<Self, DataError> {
        load::read(files)
    }

    /// The data as one TOML file, which [`DccData::read`] reads back as equal data.
    ///
    /// # Errors
    ///
    /// None that these types can cause; TOML's own error is passed on.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        load::to_toml(self)
    }

    /// The Responsible Suppliers of the Smart Meters that are associated with a CHF (BR 4.1.3 step 4d): the Import
    /// Supplier where there is an ESME, the Gas Supplier where there is a GSME. In order of identifier; a User that is
    /// both is there twice.
    pub fn responsible_suppliers(&self, hub: Eui64) -> Vec<(Eui64, UserRole)> {
        self.registration.responsible_suppliers(hub, &self.smi)
    }
}

/// The region of a Communications Service Provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CspRegion {
    /// CSP North.
    North,
    /// CSP Central.
    Central,
    /// CSP South.
    South,
}

impl fmt::Display for CspRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A manufacturer, model or hardware version: a 16-bit number written as four hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u16);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Code {
    type Err = hanrig_wire::types::ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = hanrig_wire::types::ParseIdError { expected: "a code of 4 hexadecimal digits, such as 12AB" };
        if text.len() != 4 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(wrong);
        }
        u16::from_str_radix(text, 16).map(Self).map_err(|_| wrong)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Manufacturer, model and hardware version of a Device: what the CPL calls a Device Model, without its firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceModel {
    /// Manufacturer code of the OTA Header.
    pub manufacturer: Code,
    /// Image type of the OTA Header.
    pub model: Code,
    /// Hardware version.
    pub hardware_version: Code,
}
