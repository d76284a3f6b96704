//! What a PPMID is told before it starts.

use alloc::vec::Vec;
use hanrig_wire::gbcs::command::AccessControlBroker;
use hanrig_wire::gbcs::{SecretKey, SigningKey, VerifyingKey};
use hanrig_wire::time::Duration;
use hanrig_wire::types::{Eui64, FirmwareVersion, Key128};

/// In what one maker's PPMID may differ from another's without being wrong.
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
    /// How long after the last unprompted query the next one follows: at least a day (PPMID-02).
    pub query_period: Duration,
    /// How long verification of an image takes: its Upgrade End Request is that late.
    pub verification: Duration,
    /// How long the restart into new firmware takes.
    pub restart: Duration,
    /// Whether it left the factory with firmware from before CS08 and CS09: it answers and tells nothing until its first
    /// update has brought them (PPMID-12).
    pub predates_gbcs: bool,
}

impl Default for Declaration {
    fn default() -> Self {
        Self {
            sends_hardware_version: true,
            block_size: 50,
            block_pause: Duration::ZERO,
            page_requests: false,
            query_period: Duration::from_secs(24 * 3600),
            verification: Duration::ZERO,
            restart: Duration::from_secs(5),
            predates_gbcs: false,
        }
    }
}

/// Everything a PPMID is told before it starts.
#[derive(Clone, Debug)]
pub struct PpmidConfig {
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
    /// Whom it talks GBCS with.
    pub access_control_broker: AccessControlBroker,
    /// The key that its manufacturer signs images with.
    pub manufacturer_key: VerifyingKey,
    /// The maker's choices.
    pub declaration: Declaration,
    /// Whether its radio acknowledges and repeats frames by itself, as an OpenThread RCP does.
    pub radio_acknowledges: bool,
    /// Seed of all that is chosen at random.
    pub seed: [u8; 32],
}
