//! A debug probe and the chip behind it.
//!
//! [`Probe`] is what a rig does with one; [`ProbeRs`] does it with every probe that the probe-rs library knows. A chip is
//! *held* when it is to be as good as switched off: its reset line is asserted, or, with a probe that has none, its core
//! is halted and starts from reset when it is released.

mod find;
mod firmware;
mod probe_rs;
mod relay;

use std::fmt;
use std::path::PathBuf;

pub use self::find::{FoundProbe, found_probes};
pub use self::firmware::{Firmware, FirmwareError, FirmwareFormat, Symbol};
pub use self::probe_rs::ProbeRs;
use super::lock::LockError;

/// Which probe, and what is behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeSettings {
    /// The probe: its serial number, or `VID:PID` or `VID:PID:SERIAL` with hexadecimal VID and PID. A Glasgow probe behind
    /// a socket is `20b7:9db1:unix:PATH` or `20b7:9db1:tcp:HOST:PORT`.
    pub probe: String,
    /// The chip, as probe-rs calls it, such as `nRF52840_xxAA`.
    pub chip: String,
    /// A file of YAML in the form of probe-rs that describes the chip, when probe-rs does not know it by itself.
    pub chip_description: Option<PathBuf>,
    /// Clock of the debug port in kHz; `None` leaves it to the probe.
    pub speed_khz: Option<u32>,
    /// Whether a probe behind a socket says itself that it is gone, as that of an emulated board does. A relay says it for
    /// others, and each exchange takes longer by that.
    pub says_goodbye: bool,
}

/// What is known of a probe that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeInfo {
    /// Its selector: `VID:PID:SERIAL`.
    pub selector: String,
    /// What kind of probe it is.
    pub name: String,
    /// The chip.
    pub chip: String,
    /// The kind of its first core.
    pub core: String,
}

/// What a rig does with a chip through a probe. All of it takes time: [`ProbeHandle`](super::ProbeHandle) does it on a
/// thread of its own.
pub trait Probe: Send {
    /// What is known of it.
    fn info(&self) -> &ProbeInfo;

    /// Writes `firmware` into the chip, reads it back, and leaves the core halted where it starts from reset, so that memory
    /// can be written before it runs. From now on, [`rtt_read`](Self::rtt_read) looks where this firmware has its log.
    ///
    /// # Errors
    ///
    /// [`ProbeError::Flash`] when it cannot be written, [`ProbeError::Verify`] when the chip does not hold it afterwards.
    fn load(&mut self, firmware: &Firmware) -> Result<(), ProbeError>;

    /// Compares what the chip holds with `firmware`.
    ///
    /// # Errors
    ///
    /// [`ProbeError::Verify`] with the first octet that differs.
    fn verify(&mut self, firmware: &Firmware) -> Result<(), ProbeError>;

    /// Says that `firmware` is in the chip already, so that its log is found.
    fn assume(&mut self, firmware: &Firmware);

    /// Resets the chip and lets it run.
    ///
    /// # Errors
    ///
    /// When the chip does not do so.
    fn reset(&mut self) -> Result<(), ProbeError>;

    /// Resets the chip and halts its core before the first instruction.
    ///
    /// # Errors
    ///
    /// When the chip does not do so.
    fn reset_and_halt(&mut self) -> Result<(), ProbeError>;

    /// Holds the chip, as if it were switched off.
    ///
    /// # Errors
    ///
    /// When the probe cannot do so.
    fn hold_in_reset(&mut self) -> Result<(), ProbeError>;

    /// Lets go of a chip that is held: it starts from reset. Otherwise the same as [`reset`](Self::reset).
    ///
    /// # Errors
    ///
    /// When the chip does not answer afterwards.
    fn release(&mut self) -> Result<(), ProbeError>;

    /// Lets the core run.
    ///
    /// # Errors
    ///
    /// When the chip does not do so.
    fn run(&mut self) -> Result<(), ProbeError>;

    /// Halts the core where it is.
    ///
    /// # Errors
    ///
    /// When the chip does not do so.
    fn halt(&mut self) -> Result<(), ProbeError>;

    /// Whether the core is halted.
    ///
    /// # Errors
    ///
    /// When the chip does not answer.
    fn is_halted(&mut self) -> Result<bool, ProbeError>;

    /// Reads memory from `address` on.
    ///
    /// # Errors
    ///
    /// When the chip does not answer or has no memory there.
    fn read(&mut self, address: u64, octets: &mut [u8]) -> Result<(), ProbeError>;

    /// Writes memory from `address` on; flash memory as well, the rest of its sectors kept. A chip whose flash was written
    /// is halted afterwards where it starts from reset, since the core itself did it.
    ///
    /// # Errors
    ///
    /// When the chip does not answer or has no memory there.
    fn write(&mut self, address: u64, octets: &[u8]) -> Result<(), ProbeError>;

    /// The lines that came since the last call on up channel 0 of the firmware's RTT log. None while the chip is held, and
    /// before the firmware has set up its log.
    ///
    /// # Errors
    ///
    /// When the chip does not answer.
    fn rtt_read(&mut self) -> Result<Vec<String>, ProbeError>;
}

/// Why a probe does not do what it was asked: what, which probe, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// There is no such probe.
    #[error("there is no probe {selector}; {}", Found(found))]
    NotFound {
        /// What was looked for.
        selector: String,
        /// Those that there are, as `VID:PID:SERIAL (name)`.
        found: Vec<String>,
    },
    /// Several probes fit.
    #[error("probe {selector} could be any of {}; name it as VID:PID:SERIAL", found.join(", "))]
    Ambiguous {
        /// What was looked for.
        selector: String,
        /// Those that fit.
        found: Vec<String>,
    },
    /// Another rig has it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// It cannot be opened.
    #[error(
        "probe {probe} cannot be opened; is another program using it, and may this user use it (udev rules of probe-rs)?"
    )]
    Open {
        /// The probe.
        probe: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The chip has no description.
    #[error("chip {chip} is not known{}; name it as probe-rs does, or give a chip description", Similar(similar))]
    UnknownChip {
        /// The chip.
        chip: String,
        /// Chips with names like that.
        similar: Vec<String>,
    },
    /// The description of the chip cannot be used.
    #[error("chip description {}: {message}", path.display())]
    ChipDescription {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// The chip does not answer.
    #[error("chip {chip} does not answer to probe {probe}; is the board powered and the debug cable in its place?")]
    NoAnswer {
        /// The probe.
        probe: String,
        /// The chip.
        chip: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// Something that the chip was to do failed.
    #[error("probe {probe} cannot {doing}; is the board powered and its cables in their place?")]
    Access {
        /// The probe.
        probe: String,
        /// What was to be done.
        doing: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The firmware is no such file.
    #[error(transparent)]
    Firmware(#[from] FirmwareError),
    /// The firmware cannot be written.
    #[error("firmware {} cannot be written into chip {chip} with probe {probe}", path.display())]
    Flash {
        /// The probe.
        probe: String,
        /// The chip.
        chip: String,
        /// The firmware.
        path: PathBuf,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The chip holds something else than the firmware.
    #[error(
        "chip {chip} at probe {probe} does not hold firmware {}: address {address:#010x} has {found:#04x}, expected {expected:#04x}",
        path.display()
    )]
    Verify {
        /// The probe.
        probe: String,
        /// The chip.
        chip: String,
        /// The firmware.
        path: PathBuf,
        /// The first address that differs.
        address: u64,
        /// What is there.
        found: u8,
        /// What the firmware has.
        expected: u8,
    },
    /// The chip is held.
    #[error("probe {probe} cannot {doing} while the chip is held in reset")]
    Held {
        /// The probe.
        probe: String,
        /// What was to be done.
        doing: String,
    },
    /// The probe's driver does not come back.
    #[error("probe {probe} did not answer within {seconds} s; plug it in again")]
    Hangs {
        /// The probe.
        probe: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The probe's driver broke down.
    #[error("the driver of probe {probe} broke down: {message}")]
    Driver {
        /// The probe.
        probe: String,
        /// What it said.
        message: String,
    },
    /// The probe's thread has ended.
    #[error("probe {probe} is closed")]
    Closed {
        /// The probe.
        probe: String,
    },
}

/// What probe-rs says.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

struct Found<'a>(&'a [String]);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("no probe was found; is it plugged in, and may this user use it?");
        }
        write!(f, "found are {}", self.0.join(", "))
    }
}

struct Similar<'a>(&'a [String]);

impl fmt::Display for Similar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, " (known are {})", self.0.join(", "))
    }
}
