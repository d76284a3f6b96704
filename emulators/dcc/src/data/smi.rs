//! The Smart Metering Inventory, and the hubs.

use super::{Code, CspRegion, DeviceModel};
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion, ParseIdError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The Smart Metering Inventory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Smi {
    /// The Devices, by identifier.
    pub devices: BTreeMap<Eui64, SmiDevice>,
}

impl Smi {
    /// The Devices that are associated with a CHF, without the CHF, in order of identifier.
    pub fn on_hub(&self, hub: Eui64) -> impl Iterator<Item = &SmiDevice> {
        self.devices.values().filter(move |device| device.hub == Some(hub) && device.id != hub)
    }

    /// Writes down the firmware version that a Device runs. Says whether it is another one than before.
    pub fn set_firmware_version(&mut self, device: Eui64, version: FirmwareVersion) -> bool {
        match self.devices.get_mut(&device) {
            Some(device) if device.firmware_version != version => {
                device.firmware_version = version;
                true
            }
            _ => false,
        }
    }
}

/// One Device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmiDevice {
    /// Its identifier.
    pub id: Eui64,
    /// Its type.
    #[serde(rename = "type")]
    pub device_type: DeviceType,
    /// Manufacturer code.
    pub manufacturer: Code,
    /// Model: the image type of the OTA Header.
    pub model: Code,
    /// Hardware version.
    pub hardware_version: Code,
    /// The firmware version that it was last known to run.
    pub firmware_version: FirmwareVersion,
    /// Its SMI status.
    pub status: SmiStatus,
    /// The CHF that it is associated with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub: Option<Eui64>,
}

impl SmiDevice {
    /// Manufacturer, model and hardware version.
    pub const fn device_model(&self) -> DeviceModel {
        DeviceModel { manufacturer: self.manufacturer, model: self.model, hardware_version: self.hardware_version }
    }
}

/// The SMI status of a Device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SmiStatus {
    /// Pre-notified.
    Pending,
    /// In the hub's Device Log.
    Whitelisted,
    /// Installed and not commissioned.
    InstalledNotCommissioned,
    /// In operation.
    Commissioned,
    /// Suspended: its Device Model was removed from the CPL.
    Suspended,
    /// Taken out of operation.
    Decommissioned,
    /// Withdrawn before it was installed.
    Withdrawn,
}

impl SmiStatus {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Whitelisted,
        Self::InstalledNotCommissioned,
        Self::Commissioned,
        Self::Suspended,
        Self::Decommissioned,
        Self::Withdrawn,
    ];
}

impl fmt::Display for SmiStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl FromStr for SmiStatus {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        Self::ALL.into_iter().find(|status| status.to_string() == text).ok_or(ParseIdError {
            expected: "Pending, Whitelisted, InstalledNotCommissioned, Commissioned, Suspended, Decommissioned or \
                       Withdrawn",
        })
    }
}

/// One Communications Hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hub {
    /// The CHF's identifier.
    pub id: Eui64,
    /// The region whose CSP reaches it.
    pub region: CspRegion,
}
