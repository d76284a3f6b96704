//! What a hub is told before it starts.

use hanrig_wire::gbcs::SigningKey;
use hanrig_wire::time::Duration;
use hanrig_wire::types::{Eui64, FirmwareVersion, Key128};

/// The network that the hub forms.
#[derive(Clone, Debug)]
pub struct Network {
    /// Channel, 11 to 26.
    pub channel: u8,
    /// PAN identifier.
    pub pan_id: u16,
    /// Extended PAN identifier.
    pub extended_pan_id: u64,
    /// Network key.
    pub network_key: Key128,
}

/// In what one maker's hub may differ from another's without being wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubProfile {
    /// How long an image stays available to a Device that does not fetch it (at least 14 days: CH-12, CH-13).
    pub retention: Duration,
    /// How long a download may stand still before the image is discarded (CH-14).
    pub stall: Duration,
    /// How long after an Image Notify that was not acknowledged the next one follows.
    pub notify_again: Duration,
}

impl Default for HubProfile {
    fn default() -> Self {
        const HOUR: u64 = 3600;
        Self {
            retention: Duration::from_secs(14 * 24 * HOUR),
            stall: Duration::from_secs(24 * HOUR),
            notify_again: Duration::from_secs(HOUR),
        }
    }
}

/// Everything a hub is told before it starts.
#[derive(Clone, Debug)]
pub struct HubConfig {
    /// Entity identifier of the CHF.
    pub eui64: Eui64,
    /// The version of the hub's own firmware.
    pub firmware_version: FirmwareVersion,
    /// Manufacturer code of its node descriptor.
    pub manufacturer_code: u16,
    /// The network that it forms.
    pub network: Network,
    /// The CHF's digital signing key.
    pub signing_key: SigningKey,
    /// Who its Alerts are addressed to.
    pub access_control_broker: Eui64,
    /// The maker's choices.
    pub profile: HubProfile,
    /// Whether its radio acknowledges and repeats frames by itself, as an OpenThread RCP does.
    pub radio_acknowledges: bool,
    /// Seed of all that is chosen at random.
    pub seed: [u8; 32],
}
