//! Who plays a role, and over which hardware.

use std::path::PathBuf;

use crate::ports::{PowerHooks, ProbeSettings, SerialSettings};

/// The symbol of the clock offset in hanrig's own firmware: a rig that writes it moves the firmware's clock on.
pub const CLOCK_OFFSET: &str = "HANRIG_CLOCK_OFFSET_US";

/// Who plays a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Player {
    /// A software participant.
    Software {
        /// Its radio on a bench with boards: the port of a radio co-processor. `None` on a bench without boards, and on one
        /// where the air is emulated.
        radio: Option<SerialSettings>,
    },
    /// A board.
    Board(Box<Board>),
    /// A board that QEMU emulates.
    Qemu(EmulatedBoard),
}

impl Player {
    /// The name in bench files and in the run log.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Software { .. } => "software",
            Self::Board(_) => "board",
            Self::Qemu(_) => "qemu",
        }
    }

    /// Whether it takes from the rig what it is and how it behaves.
    pub fn takes_settings(&self) -> bool {
        match self {
            Self::Software { .. } | Self::Qemu(_) => true,
            Self::Board(board) => board.provisioning,
        }
    }

    /// Whether software plays it.
    pub const fn is_software(&self) -> bool {
        matches!(self, Self::Software { .. })
    }
}

/// A board, with what runs on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// The debug probe and the chip behind it.
    pub probe: ProbeSettings,
    /// The firmware: ELF, Intel HEX, or octets alone.
    pub firmware: PathBuf,
    /// Where firmware of octets alone begins.
    pub base_address: Option<u64>,
    /// Whether the firmware takes from the rig what it is: identifiers, keys, network.
    pub provisioning: bool,
    /// The symbol with which the firmware's clock is moved on; `None` where that is not possible, so that scenarios that
    /// need a jump in time are not applicable.
    pub clock_offset: Option<String>,
    /// What switches its supply, for a board that is not off while its reset line is held.
    pub power: Option<PowerHooks>,
}

/// A board that QEMU emulates: always one with hanrig's own firmware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmulatedBoard {
    /// The firmware, an ELF file for the MPS2 AN386.
    pub firmware: PathBuf,
}

/// How the hardware of a bench is emulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmulationSettings {
    /// Whether a frame takes as long on the air as it does in reality. Otherwise it takes no time.
    pub throttled: bool,
}
