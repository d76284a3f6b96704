//! What was observed, on which interface, when, and where the evidence of it is.
//!
//! Everything here was decoded from octets on an interface by the rig's own decoders; nothing comes from inside a
//! participant. Each sighting has a reference to its place in the evidence.

mod air;
mod duis;
mod gateway;
mod image;
mod screen;
mod wan;

pub use air::{AirObserver, AirSighting, Heard, OtaHeard};
pub use duis::{DuisSighting, Party};
pub use gateway::{GatewayContent, GatewaySighting};
pub use image::ImageSeen;
pub use screen::{ScreenSighting, Shown};
pub use wan::{WanDirection, WanObserver, WanSighting};

use hanrig_reports::Observation;
use hanrig_wire::time::Instant;
use hanrig_wire::types::Eui64;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// All that was observed in a scenario.
#[derive(Debug, Default)]
pub struct Observations {
    /// On the air, in the order of its frames.
    pub air: Vec<AirSighting>,
    /// Images as they were carried on the air, by the Device that fetched them; the newest last.
    pub fetched: BTreeMap<Eui64, Vec<ImageSeen>>,
    /// On the WAN link.
    pub wan: Vec<WanSighting>,
    /// Images as they were carried on the WAN, by the CSP's number for the transfer.
    pub delivered: BTreeMap<u32, ImageSeen>,
    /// On the SM WAN Gateway between DSP and CSP.
    pub gateway: Vec<GatewaySighting>,
    /// On the DUIS interface.
    pub duis: Vec<DuisSighting>,
    /// On the screens of SSI and SSMI.
    pub screens: Vec<ScreenSighting>,
    /// Frames that the sniffer heard.
    pub frames: u64,
    /// Frames and documents that the rig could not decode, which it should have been able to.
    pub undecoded: Undecoded,
    /// Frames of the rig's own attacker that the sniffer heard: they are evidence, and nobody's word.
    pub injected: u64,
    /// Every frame that was not the attacker's own, as it was on the air, since somebody listens in.
    pub overheard: Vec<Overheard>,
    /// APS acknowledgements on the air.
    pub acknowledgements: Vec<ApsAcknowledgement>,
    /// Changes whenever something is added.
    pub revision: u64,
}

/// What could not be decoded: anything may have been in it, so nothing counts as absent where there is any.
#[derive(Debug, Default)]
pub struct Undecoded {
    /// How many frames and documents.
    pub count: u64,
    first: String,
}

impl Undecoded {
    /// Notes one, with its place in the evidence.
    fn note(&mut self, place: impl FnOnce() -> String) {
        if self.count == 0 {
            self.first = place();
        }
        self.count += 1;
    }

    /// A document of the evidence that does not parse.
    pub fn document(&mut self, file: &str) {
        self.note(|| file.to_owned());
    }

    /// Whether there is none.
    pub const fn is_none(&self) -> bool {
        self.count == 0
    }
}

impl fmt::Display for Undecoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            1 => write!(f, "something could not be decoded: {}", self.first),
            count => write!(f, "{count} frames or documents could not be decoded, the first: {}", self.first),
        }
    }
}

/// What acknowledges a message end to end: whoever sends it has decrypted the message and taken it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApsAcknowledgement {
    /// Who has taken the message.
    pub from: Eui64,
    /// The message's APS counter.
    pub counter: u8,
}

/// A frame as it was on the air.
#[derive(Clone, Debug)]
pub struct Overheard {
    /// When it began.
    pub at: Instant,
    /// MAC header, payload and frame check sequence.
    pub octets: Arc<[u8]>,
}

/// Something observed that can be shown in a report.
pub trait Sighting {
    /// When.
    fn at(&self) -> Instant;
    /// On which interface, what, and where the evidence is.
    fn observation(&self) -> Observation;
}
