//! What a bench is: who plays which role, with which identities and keys, on which network, beside which DCC data.
//!
//! A bench is data. It is read from a TOML file ([`Bench::load`]) or is the one that the binary carries
//! ([`Bench::built_in`]); its data files are named in it, relative to it. The built-in bench's files, under
//! `harness/benches/built-in`, are commented and meant to be copied.
//!
//! A bench that was read is whole: identities are unique, keys are keys, install codes have the right CRC, the data files
//! refer to devices and parties that exist, and every player has the ports that it needs. All that is wrong is told at once, each with file, line, column and field.

mod certificates;
mod check;
mod declarations;
mod device;
mod error;
mod file;
#[cfg(feature = "planted-faults")]
mod planted;
mod player;
mod player_check;
mod player_tables;
mod readings;

use std::collections::BTreeMap;
use std::path::Path;

use hanrig_dcc::data::{CspRegion, DccData, UserRole};
use hanrig_dcc::settings::Settings;
use hanrig_wire::gbcs::{SecretKey, SigningKey};
use hanrig_wire::security::InstallCode;
use hanrig_wire::time::{Duration, Utc};
use hanrig_wire::types::{Eui64, FirmwareVersion, Key128};
use serde::Deserialize;

pub use self::certificates::{Certificates, Flaw};
pub use self::device::{Device, DeviceDeclaration, OnHan};
pub use self::error::{BenchError, Problem};
#[cfg(feature = "planted-faults")]
pub use self::planted::Planted;
pub use self::player::{Board, CLOCK_OFFSET, EmulatedBoard, EmulationSettings, Player};
pub(crate) use self::readings::unusual_settings;
use crate::ports::{SerialSettings, WanTarget};

/// The largest bench or data file that is read, in octets.
pub const MAX_BENCH_FILE: u64 = 4 * 1024 * 1024;

/// A bench.
#[derive(Clone, Debug)]
pub struct Bench {
    /// Its name, as in the run log.
    pub name: String,
    /// What it is, in a sentence.
    pub description: String,
    /// The time of day when bench time is zero.
    pub epoch: Utc,
    /// The network that the hub forms.
    pub network: Network,
    /// The medium between hub and Devices.
    pub medium: Medium,
    /// The port of the sniffer; `None` where the air is simulated or emulated.
    pub sniffer: Option<SerialSettings>,
    /// How its hardware is emulated, where it is.
    pub emulation: Option<EmulationSettings>,
    /// How long the rig waits in real time for what it cannot jump to. Of no meaning on a bench that is not live.
    pub patience: Duration,
    /// The Communications Hub.
    pub hub: Hub,
    /// The PPMIDs that are on the hub's network; at least one. The first is the one that a scenario means by "the PPMID".
    pub ppmids: Vec<Ppmid>,
    /// The ESMEs, GSMEs and HCALCSs that are on the hub's network.
    pub devices: Vec<Device>,
    /// Those that come on the hub's network when a scenario says so.
    pub reserve: Vec<Device>,
    /// The DCC's Access Control Broker.
    pub access_control_broker: Party,
    /// The Suppliers, as Users of the DCC.
    pub suppliers: Vec<Supplier>,
    /// The makers of Devices, who sign OTA Upgrade Images.
    pub manufacturers: Vec<Manufacturer>,
    /// What the DCC and its Users sign DUIS messages with.
    pub certificates: Certificates,
    /// What the DCC holds when a scenario begins: SMI, CPL, registration data, Users and hubs.
    pub data: DccData,
    /// How the DCC reads the documents where they leave a choice, and what its systems can do.
    pub settings: Settings,
    /// Hubs of other makers, as which scenarios can have the bench's hub be.
    pub hub_profiles: Vec<NamedHubProfile>,
    /// What is wrong with the software participants, on purpose. No bench file can say so.
    #[cfg(feature = "planted-faults")]
    pub planted: Vec<Planted>,
}

/// The network that a hub forms.
#[derive(Clone, Debug)]
pub struct Network {
    /// Channel of IEEE 802.15.4 at 2.4 GHz, 11 to 26.
    pub channel: u8,
    /// Its channel below 1 GHz, on a hub with two bands.
    pub sub_ghz: Option<SubGhz>,
    /// PAN identifier.
    pub pan_id: u16,
    /// Extended PAN identifier.
    pub extended_pan_id: u64,
    /// Network key.
    pub network_key: Key128,
}

/// A channel below 1 GHz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubGhz {
    /// Channel page of IEEE 802.15.4, 28 to 31.
    pub page: u8,
    /// Channel, 0 to 26.
    pub channel: u8,
}

/// The band on which a Device joins the HAN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Band {
    /// 2.4 GHz.
    #[default]
    #[serde(rename = "2.4 GHz")]
    TwoPointFour,
    /// Sub-GHz: it takes a hub with two bands.
    #[serde(rename = "sub-GHz")]
    SubGhz,
}

/// The medium between hub and Devices.
#[derive(Clone, Copy, Debug)]
pub struct Medium {
    /// Probability that a frame is lost on its way to a receiver, 0 to 1.
    pub loss: f64,
}

/// A party's private keys on P-256; the public ones derive from them.
#[derive(Clone, Debug)]
pub struct Keys {
    /// For digital signing.
    pub ds: SigningKey,
    /// For key agreement.
    pub ka: SecretKey,
}

/// The Communications Hub.
#[derive(Clone, Debug)]
pub struct Hub {
    /// Who plays it.
    pub player: Player,
    /// The link to a hub that is a board.
    pub wan: Option<WanTarget>,
    /// Entity identifier of its Communications Hub Function.
    pub eui: Eui64,
    /// The region whose CSP reaches it, from the DCC's data on hubs.
    pub region: CspRegion,
    /// Manufacturer code of its node descriptor.
    pub manufacturer_code: u16,
    /// Version of its own firmware.
    pub firmware_version: FirmwareVersion,
    /// In what hubs may differ.
    pub profile: HubProfile,
    /// Keys of the Communications Hub Function.
    pub keys: Keys,
}

/// In what one hub may differ from another without being wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubProfile {
    /// Who makes it; empty where nobody says.
    pub maker: String,
    /// The bands of its HAN.
    pub bands: Bands,
    /// How long an image is kept for a Device that does not fetch it; at least 14 days (CH-12).
    pub retention: Duration,
    /// How long a download may stand still before the image is discarded (CH-14).
    pub stall: Duration,
    /// How long after an Image Notify that was not acknowledged the next one follows.
    pub notify_again: Duration,
}

/// A hub as scenarios name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedHubProfile {
    /// What scenarios call it.
    pub name: String,
    /// The region of the CSP that installs such hubs.
    pub region: CspRegion,
    /// What it is like.
    pub profile: HubProfile,
}

/// The bands of a hub's HAN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bands {
    /// 2.4 GHz.
    #[default]
    Single,
    /// 2.4 GHz and sub-GHz.
    Dual,
}

/// A PPMID.
#[derive(Clone, Debug)]
pub struct Ppmid {
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
    pub declaration: PpmidDeclaration,
    /// Its keys.
    pub keys: Keys,
}

/// What a maker declares of a PPMID where the specifications leave a choice: its PICS, in the terms of ISO/IEC 9646.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PpmidDeclaration {
    /// Whether its Query Next Image Request carries the hardware version.
    pub sends_hardware_version: bool,
    /// Image octets that it asks for in one Image Block Request.
    pub block_size: u8,
    /// The pause between a block and the request for the next.
    pub block_pause: Duration,
    /// Whether it asks by Image Page Request, as long as the hub does not refuse that.
    pub page_requests: bool,
    /// How often it asks for an image without having been notified.
    pub query_period: Duration,
    /// How long it takes to verify an image: its Upgrade End Request is that late.
    pub verification: Duration,
    /// Whether it was installed with firmware from before CS08 and CS09: it answers and tells nothing until its first
    /// update (PPMID-12).
    pub predates_gbcs: bool,
}

/// A party with an entity identifier and keys.
#[derive(Clone, Debug)]
pub struct Party {
    /// Entity identifier.
    pub eui: Eui64,
    /// Its keys.
    pub keys: Keys,
}

/// A Supplier, as User of the DCC.
#[derive(Clone, Debug)]
pub struct Supplier {
    /// What scenarios call it.
    pub name: String,
    /// The role in which it sends Service Requests, from the DCC's data on Users.
    pub role: UserRole,
    /// Its User identifier.
    pub eui: Eui64,
    /// Its keys.
    pub keys: Keys,
}

/// A maker of Devices.
#[derive(Clone, Debug)]
pub struct Manufacturer {
    /// What scenarios call it.
    pub name: String,
    /// Its manufacturer code in OTA headers.
    pub code: u16,
    /// The key with which it signs images.
    pub signing_key: SigningKey,
}

impl Bench {
    /// The bench that the binary carries: every role in software.
    ///
    /// # Errors
    ///
    /// None that a release has: a test reads it.
    pub fn built_in() -> Result<Self, BenchError> {
        file::read(&file::BuiltIn)
    }

    /// The bench that the file at `path` describes.
    ///
    /// # Errors
    ///
    /// When the file or one of the data files named in it cannot be read or does not describe a whole bench.
    pub fn load(path: &Path) -> Result<Self, BenchError> {
        file::read(&file::OnDisc::new(path))
    }

    /// Whether it runs in real time, since not everything in it is software, or the software has real radios.
    pub fn is_live(&self) -> bool {
        self.players_of_devices().any(|player| !matches!(player, Player::Software { radio: None }))
    }

    /// Whether its players are on hardware that is there or not, so that no step can add one.
    pub fn needs_hardware(&self) -> bool {
        self.is_live() && self.emulation.is_none()
    }

    /// How many scenarios can run at the same time, where `wanted` is what the user wants, if that is said. Hardware is
    /// there once. What emulated boards take is not the processors' time so much as their own: they can be more.
    pub fn jobs(&self, wanted: Option<usize>, processors: usize) -> usize {
        if self.needs_hardware() {
            return 1;
        }
        let suiting = if self.is_live() { processors.saturating_mul(5) } else { processors };
        wanted.unwrap_or(suiting).max(1)
    }

    /// Who plays the hub and the PPMIDs.
    fn players_of_devices(&self) -> impl Iterator<Item = &Player> {
        std::iter::once(&self.hub.player).chain(self.ppmids.iter().map(|ppmid| &ppmid.player))
    }

    /// Role to the player that has it, for the run log.
    pub fn players(&self) -> BTreeMap<String, String> {
        let software = "software".to_owned();
        let mut players: BTreeMap<_, _> = ["csp", "dsp"].map(|role| (role.to_owned(), software.clone())).into();
        players.insert("ch".to_owned(), self.hub.player.as_str().to_owned());
        for ppmid in &self.ppmids {
            players.insert(ppmid.name.clone(), ppmid.player.as_str().to_owned());
        }
        for device in self.devices.iter().chain(&self.reserve) {
            players.insert(device.name.clone(), device.player.as_str().to_owned());
        }
        for supplier in &self.suppliers {
            players.insert(supplier.name.clone(), software.clone());
        }
        players
    }

    /// The Supplier that scenarios call `name`.
    pub fn supplier(&self, name: &str) -> Option<&Supplier> {
        self.suppliers.iter().find(|supplier| supplier.name == name)
    }

    /// The PPMID that scenarios call `name`.
    pub fn ppmid(&self, name: &str) -> Option<&Ppmid> {
        self.ppmids.iter().find(|ppmid| ppmid.name == name)
    }

    /// The maker with manufacturer code `code`.
    pub fn manufacturer(&self, code: u16) -> Option<&Manufacturer> {
        self.manufacturers.iter().find(|manufacturer| manufacturer.code == code)
    }
}
