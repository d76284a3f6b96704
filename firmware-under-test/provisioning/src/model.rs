//! What is in a provisioning block.

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use hanrig_wire::types::{Eui64, FirmwareVersion, Key128};
use serde::{Deserialize, Serialize};

/// What a board is told to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Provisioning {
    /// A Communications Hub.
    Hub(HubProvisioning),
    /// A PPMID.
    Ppmid(PpmidProvisioning),
}

impl Provisioning {
    /// What it is for.
    pub const fn role(&self) -> Role {
        match self {
            Self::Hub(_) => Role::Hub,
            Self::Ppmid(_) => Role::Ppmid,
        }
    }

    /// The faults that are asked for.
    pub const fn faults(&self) -> &Faults {
        match self {
            Self::Hub(hub) => &hub.faults,
            Self::Ppmid(ppmid) => &ppmid.faults,
        }
    }
}

/// What a firmware is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A Communications Hub.
    Hub,
    /// A PPMID.
    Ppmid,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hub => "a Communications Hub",
            Self::Ppmid => "a PPMID",
        })
    }
}

/// Faults that firmware built with the feature `faults` commits on purpose, so that the rig can be tested.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Faults {
    /// How long after its start the firmware stops doing anything, without a word.
    pub hang_after_boot: Option<Duration>,
}

/// What a Communications Hub is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubProvisioning {
    /// Entity identifier of the CHF.
    pub eui64: Eui64,
    /// The version of the hub's own firmware; `None` leaves the one that the firmware was built with.
    pub firmware_version: Option<FirmwareVersion>,
    /// Manufacturer code of its node descriptor.
    pub manufacturer_code: u16,
    /// Channel of the network that it forms, 11 to 26.
    pub channel: u8,
    /// PAN identifier.
    pub pan_id: u16,
    /// Extended PAN identifier.
    pub extended_pan_id: u64,
    /// Network key.
    pub network_key: Key128,
    /// Private scalar of the CHF's digital signing key, big-endian.
    pub signing_key: [u8; 32],
    /// Who its Alerts are addressed to.
    pub access_control_broker: Eui64,
    /// How long an image stays available to a Device that does not fetch it.
    pub retention: Duration,
    /// How long a download may stand still before the image is discarded.
    pub stall: Duration,
    /// How long after an Image Notify that was not acknowledged the next one follows.
    pub notify_again: Duration,
    /// Seed of all that is chosen at random.
    pub seed: [u8; 32],
    /// A number that the rig draws each time it provisions the board. Another one than before makes the Device start as
    /// it left the factory; with the same one, after a reset, it goes on with what its flash holds.
    pub occasion: u64,
    /// Faults to commit.
    pub faults: Faults,
}

/// What a PPMID is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PpmidProvisioning {
    /// Entity identifier.
    pub eui64: Eui64,
    /// Manufacturer code of its OTA images.
    pub manufacturer_code: u16,
    /// Image type of its OTA images: the model.
    pub image_type: u16,
    /// Hardware version.
    pub hardware_version: u16,
    /// The version that it left the factory with; `None` leaves the one that the firmware was built with.
    pub factory_version: Option<FirmwareVersion>,
    /// The link key derived from its install code.
    pub link_key: Key128,
    /// The channels to look for its hub on, in this order.
    pub channels: Vec<u8>,
    /// Private scalar of its digital signing key, big-endian.
    pub signing_key: [u8; 32],
    /// Private scalar of its key agreement key, big-endian.
    pub key_agreement: [u8; 32],
    /// Entity identifier of the Access Control Broker.
    pub access_control_broker: Eui64,
    /// The Access Control Broker's public key agreement key: a SEC1 point on P-256.
    pub access_control_broker_key: Vec<u8>,
    /// The public key that its manufacturer signs images with: a SEC1 point on P-256.
    pub manufacturer_key: Vec<u8>,
    /// Whether Query Next Image Request carries the hardware version.
    pub sends_hardware_version: bool,
    /// The most octets asked for in one block, 1 to 50.
    pub block_size: u8,
    /// The pause between a block and the request for the next.
    pub block_pause: Duration,
    /// Whether it asks by Image Page Request, as long as the hub does not refuse that.
    pub page_requests: bool,
    /// How long after the last unprompted query the next one follows.
    pub query_period: Duration,
    /// How long verification of an image takes: its Upgrade End Request is that late.
    pub verification: Duration,
    /// Whether it is from before firmware over the air, and knows nothing of GBCS until it is updated.
    pub predates_gbcs: bool,
    /// How long the restart into new firmware takes.
    pub restart: Duration,
    /// Seed of all that is chosen at random.
    pub seed: [u8; 32],
    /// A number that the rig draws each time it provisions the board. Another one than before makes the Device start as
    /// it left the factory; with the same one, after a reset, it goes on with what its flash holds.
    pub occasion: u64,
    /// Faults to commit.
    pub faults: Faults,
}
