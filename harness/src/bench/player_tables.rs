//! Tables of a bench file that say who plays a role, and over which hardware.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

/// Who plays a role, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PlayerName {
    Software,
    Board,
    Qemu,
}

/// A serial port.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PortTable {
    pub(super) port: Spanned<PathBuf>,
    #[serde(default = "default_baud")]
    pub(super) baud: u32,
}

const fn default_baud() -> u32 {
    115_200
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BoardTable {
    pub(super) probe: Spanned<String>,
    pub(super) chip: Spanned<String>,
    pub(super) chip_description: Option<Spanned<PathBuf>>,
    pub(super) speed_khz: Option<u32>,
    pub(super) firmware: Spanned<PathBuf>,
    pub(super) base_address: Option<u64>,
    pub(super) provisioning: bool,
    pub(super) clock_offset: Option<Spanned<String>>,
    pub(super) power: Option<PowerTable>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PowerTable {
    pub(super) on: Spanned<Vec<String>>,
    pub(super) off: Spanned<Vec<String>>,
    #[serde(default = "default_power_limit")]
    pub(super) limit_seconds: u32,
}

const fn default_power_limit() -> u32 {
    10
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QemuTable {
    pub(super) firmware: Spanned<PathBuf>,
}

/// Exactly one of these.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WanTable {
    pub(super) serial: Option<PortTable>,
    pub(super) tcp: Option<Spanned<String>>,
    pub(super) unix: Option<Spanned<PathBuf>>,
    pub(super) exec: Option<Spanned<Vec<String>>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EmulationTable {
    pub(super) throttled: bool,
}
