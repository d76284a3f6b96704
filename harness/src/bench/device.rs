//! ESME, GSME and HCALCS of a bench, and what all Devices on a hub's network have in common.

use super::{Band, Bench, Keys, Player, Ppmid};
use hanrig_devices::Kind;
use hanrig_wire::security::InstallCode;
use hanrig_wire::time::Duration;
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion};

/// An ESME, a GSME or an HCALCS.
#[derive(Clone, Debug)]
pub struct Device {
    /// Which of them it is.
    pub kind: Kind,
    /// What scenarios call it.
    pub name: String,
    /// Who plays it.
    pub player: Player,
    /// Entity identifier.
    pub eui: Eui64,
    /// The install code from which its first link key derives.
    pub install_code: InstallCode,
    /// Manufacturer code of its OTA headers.
    pub manufacturer_code: u16,
    /// Its model: the image type of its OTA headers.
    pub model: u16,
    /// Its hardware version.
    pub hardware_version: u16,
    /// The firmware version that it runs when a scenario begins.
    pub firmware_version: FirmwareVersion,
    /// The band on which it joins.
    pub band: Band,
    /// What its maker declares of it.
    pub declaration: DeviceDeclaration,
    /// Its keys.
    pub keys: Keys,
}

/// What a maker declares of an ESME, a GSME or an HCALCS where the specifications leave a choice: its PICS, in the terms of
/// ISO/IEC 9646.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceDeclaration {
    /// Whether its Query Next Image Request carries the hardware version.
    pub sends_hardware_version: bool,
    /// Image octets that it asks for in one Image Block Request.
    pub block_size: u8,
    /// The pause between a block and the request for the next.
    pub block_pause: Duration,
    /// Whether it asks by Image Page Request, as long as the hub does not refuse that.
    pub page_requests: bool,
    /// How long an answer of the hub may take before it asks again.
    pub answer_timeout: Duration,
    /// How often it asks again before it puts a transfer off.
    pub repeats: u8,
    /// How often it asks for an image without having been notified.
    pub query_period: Duration,
    /// Whether it asks when it is notified, or on its own schedule alone.
    pub follows_notify: bool,
    /// How long it takes to verify an image: its Upgrade End Request is that late.
    pub verification: Duration,
    /// Whether it tells of a download that it has verified by an Alert of its own.
    pub receipt_alert: bool,
}

/// What the rig has to know of any Device on the hub's network.
#[derive(Clone, Copy, Debug)]
pub struct OnHan<'a> {
    /// What scenarios call it.
    pub name: &'a str,
    /// Its type.
    pub device_type: DeviceType,
    /// Who plays it.
    pub player: &'a Player,
    /// Entity identifier.
    pub eui: Eui64,
    /// The install code from which its first link key derives.
    pub install_code: &'a InstallCode,
    /// Manufacturer code of its OTA headers.
    pub manufacturer_code: u16,
    /// Its model: the image type of its OTA headers.
    pub model: u16,
    /// Its hardware version.
    pub hardware_version: u16,
    /// The firmware version that it runs when a scenario begins.
    pub firmware_version: FirmwareVersion,
    /// Image octets that it asks for in one Image Block Request.
    pub block_size: u8,
    /// The pause between a block and the request for the next.
    pub block_pause: Duration,
    /// Its keys.
    pub keys: &'a Keys,
}

impl<'a> From<&'a Device> for OnHan<'a> {
    fn from(device: &'a Device) -> Self {
        Self {
            name: &device.name,
            device_type: device.kind.device_type(),
            player: &device.player,
            eui: device.eui,
            install_code: &device.install_code,
            manufacturer_code: device.manufacturer_code,
            model: device.model,
            hardware_version: device.hardware_version,
            firmware_version: device.firmware_version,
            block_size: device.declaration.block_size,
            block_pause: device.declaration.block_pause,
            keys: &device.keys,
        }
    }
}

impl<'a> From<&'a Ppmid> for OnHan<'a> {
    fn from(ppmid: &'a Ppmid) -> Self {
        Self {
            name: &ppmid.name,
            device_type: DeviceType::Ppmid,
            player: &ppmid.player,
            eui: ppmid.eui,
            install_code: &ppmid.install_code,
            manufacturer_code: ppmid.manufacturer_code,
            model: ppmid.model,
            hardware_version: ppmid.hardware_version,
            firmware_version: ppmid.firmware_version,
            block_size: ppmid.declaration.block_size,
            block_pause: ppmid.declaration.block_pause,
            keys: &ppmid.keys,
        }
    }
}

impl Bench {
    /// The Devices on the hub's network, PPMIDs first.
    pub fn on_han(&self) -> impl Iterator<Item = OnHan<'_>> {
        self.ppmids.iter().map(OnHan::from).chain(self.devices.iter().map(OnHan::from))
    }
}
