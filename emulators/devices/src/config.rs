//! What a Device is told before it starts.

use alloc::vec::Vec;
use hanrig_wire::gbcs::command::AccessControlBroker;
use hanrig_wire::gbcs::device_alert::Dialect;
use hanrig_wire::gbcs::{SecretKey, SigningKey, VerifyingKey};
use hanrig_wire::time::Duration;
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion, Key128};

/// Which of the three a Device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Electricity Smart Metering Equipment.
    Esme,
    /// Gas Smart Metering Equipment.
    Gsme,
    /// HAN Connected Auxiliary Load Control Switch.
    Hcalcs,
}

impl Kind {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Esme, Self::Gsme, Self::Hcalcs];

    /// Its type in the Smart Metering Inventory.
    pub const fn device_type(self) -> DeviceType {
        match self {
            Self::Esme => DeviceType::Esme,
            Self::Gsme => DeviceType::Gsme,
            Self::Hcalcs => DeviceType::Hcalcs,
        }
    }

    pub(crate) const fn dialect(self) -> Dialect {
        match self {
            Self::Esme => Dialect::Dlms,
            Self::Gsme | Self::Hcalcs => Dialect::Gbz,
        }
    }

    /// Metering Device, or Load Control Device, of Smart Energy.
    pub(crate) const fn zigbee_device(self) -> u16 {
        match self {
            Self::Esme | Self::Gsme => 0x0501,
            Self::Hcalcs => 0x0504,
        }
    }
}

/// In what one maker's Device may differ from another's without being wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// Whether Query Next Image Request carries the hardware version.
    pub sends_hardware_version: bool,
    /// The most octets asked for in one block, 1 to 50.
    pub block_size: u8,
    /// The pause between a block and the request for the next.
    pub block_pause: Duration,
    /// Whether it asks by Image Page Request, as long as the hub does not refuse that.
    pub page_requests: bool,
    /// How long an answer of the hub may take before the request is repeated.
    pub answer_timeout: Duration,
    /// How often a request is repeated before the transfer is put off for a minute.
    pub repeats: u8,
    /// How long after the last unprompted query the next one follows.
    pub query_period: Duration,
    /// Whether it asks when it is notified of an image, or on its own schedule alone.
    pub follows_notify: bool,
    /// How long verification of an image takes: its Upgrade End Request is that late.
    pub verification: Duration,
    /// Whether it tells of a download that is verified by an Alert of its own.
    pub receipt_alert: bool,
    /// How long the restart into new firmware takes.
    pub restart: Duration,
}

impl Declaration {
    /// What is common for a Device of this kind.
    pub const fn of(kind: Kind) -> Self {
        const HALF_AN_HOUR: u64 = 1800;
        let gsme = matches!(kind, Kind::Gsme);
        Self {
            sends_hardware_version: true,
            block_size: 50,
            block_pause: Duration::ZERO,
            page_requests: false,
            answer_timeout: Duration::from_secs(5),
            repeats: 4,
            query_period: Duration::from_secs(if gsme { HALF_AN_HOUR } else { 24 * 3600 }),
            follows_notify: !gsme,
            verification: Duration::ZERO,
            receipt_alert: !matches!(kind, Kind::Hcalcs),
            restart: Duration::from_secs(5),
        }
    }
}

/// A Device's own Supplier, as the Device knows it from its certificate.
#[derive(Clone, Copy, Debug)]
pub struct Supplier {
    /// Entity identifier.
    pub eui64: Eui64,
    /// Digital signing key.
    pub signing_key: VerifyingKey,
}

/// Everything a Device is told before it starts.
#[derive(Clone, Debug)]
pub struct DeviceConfig {
    /// Which kind it is.
    pub kind: Kind,
    /// Entity identifier.
    pub eui64: Eui64,
    /// Manufacturer code of its OTA images.
    pub manufacturer_code: u16,
    /// Image type of its OTA images: the model.
    pub image_type: u16,
    /// Hardware version.
    pub hardware_version: u16,
    /// The version that it left the factory with.
    pub factory_version: FirmwareVersion,
    /// The link key derived from its install code.
    pub link_key: Key128,
    /// The channels to look for its hub on, in this order.
    pub channels: Vec<u8>,
    /// Its digital signing key.
    pub signing_key: SigningKey,
    /// Its key agreement key.
    pub key_agreement: SecretKey,
    /// Whose MAC is on the Commands that it gets.
    pub access_control_broker: AccessControlBroker,
    /// Whose Commands it carries out, and whose images it takes.
    pub supplier: Supplier,
    /// The key that its manufacturer signs images with.
    pub manufacturer_key: VerifyingKey,
    /// The maker's choices.
    pub declaration: Declaration,
    /// Whether its radio acknowledges and repeats frames by itself, as an OpenThread RCP does.
    pub radio_acknowledges: bool,
    /// Seed of all that is chosen at random.
    pub seed: [u8; 32],
}
