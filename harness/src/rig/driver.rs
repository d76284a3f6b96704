//! What a driver of a bench can do, whatever the bench is made of.
//!
//! Steps use this and nothing else, so no step knows on which bench it runs. A driver tells what it cannot do
//! ([`Cannot`]), and the scenario is then *not applicable* with that reason, never passed.

use super::dcc_side::DccSide;
use super::observe::Observations;
use super::taps::Taps;
use crate::runner::{BenchFault, EndOfScenario, StepError};
use core::pin::Pin;
use hanrig_dcc::data::DccData;
use hanrig_dcc::duis::Request;
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::{Eui64, FirmwareVersion};

/// Why a driver did not do what a step asked of it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Cannot {
    /// The bench has no means for it: the scenario is not applicable there.
    #[error("{0}")]
    NotOnThisBench(String),
    /// The bench cannot wait as long as the step wants, and what it waits for has not come.
    #[error("{0}")]
    CannotWait(String),
    /// A Device under test has stopped working.
    #[error("{0}")]
    DeviceStopped(String),
    /// The bench failed.
    #[error(transparent)]
    Fault(#[from] BenchFault),
}

impl From<Cannot> for StepError {
    fn from(cannot: Cannot) -> Self {
        match cannot {
            Cannot::NotOnThisBench(what) => Self::not_applicable(what),
            Cannot::CannotWait(what) => Self::inconclusive(what),
            Cannot::DeviceStopped(what) => Self::fail(what),
            Cannot::Fault(fault) => fault.into(),
        }
    }
}

/// Something that a Device keeps in flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlashContent {
    /// The firmware that runs.
    RunningFirmware,
    /// An image that it holds and does not run.
    HeldImage,
}

/// What an asynchronous operation of a driver gives. A world never leaves its thread, so neither does this.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A bench in motion.
pub trait Driver: core::fmt::Debug {
    /// Bench time.
    fn now(&self) -> Instant;

    /// What was observed until now.
    fn observations(&self) -> &Observations;

    /// Lets the bench run until `done` says so of what was observed, or until `deadline`. Tells whether `done` did. A bench
    /// in real time looks on for a moment after the deadline, for what happened before and is not read yet: what was observed
    /// then may be of a time after it.
    fn run_until<'a>(
        &'a mut self,
        deadline: Instant,
        done: &'a mut dyn FnMut(&Observations) -> bool,
    ) -> Pending<'a, Result<bool, Cannot>>;

    /// Whether a bench in real time has moved its clocks on after `since`: what comes just after such a jump may have been on
    /// its way before it.
    fn has_jumped_since(&self, since: Instant) -> bool {
        let _ = since;
        false
    }

    /// Lets `duration` pass. On a bench that cannot jump in time a long one is [`Cannot::NotOnThisBench`].
    fn let_pass(&mut self, duration: Duration) -> Pending<'_, Result<(), Cannot>>;

    /// Has `user` send a Service Request to the DSP. Its Service Response is observed on the DUIS interface.
    ///
    /// # Errors
    /// When the bench has no way to the DSP.
    fn send_request(&mut self, user: Eui64, request: &Request) -> Result<(), Cannot> {
        self.send_document(user, &request.to_xml())
    }

    /// Has `user` post a document to the DSP as if it were a Service Request.
    ///
    /// # Errors
    /// When the bench has no way to the DSP.
    fn send_document(&mut self, user: Eui64, xml: &str) -> Result<(), Cannot>;

    /// Changes what the DCC holds: CPL, SMI, registration data.
    ///
    /// # Errors
    /// When the bench's DCC is not the rig's own.
    fn edit_dcc(&mut self, edit: &mut dyn FnMut(&mut DccData)) -> Result<(), Cannot>;

    /// Has somebody do something about the DCC's own systems, who is no part of the bench: a User on SSI, the DCC Service
    /// Desk, or who can make a CSP busy.
    ///
    /// # Errors
    /// When the bench's DCC is not the rig's own.
    fn operate_dcc(&mut self, act: &mut dyn FnMut(Instant, &mut DccSide, &mut Taps)) -> Result<(), Cannot>;

    /// Has the hub start again with other firmware of its own, as its maker and the CSP install it.
    ///
    /// # Errors
    /// When the rig has no means for that.
    fn update_hub(&mut self, version: FirmwareVersion) -> Result<(), Cannot>;

    /// Installs `image` on a Device by other means than over the air.
    ///
    /// # Errors
    /// When the bench has no such means for that Device, or it failed.
    fn update_locally<'a>(&'a mut self, device: Eui64, image: &'a [u8]) -> Pending<'a, Result<(), Cannot>>;

    /// Gives `device` power, or takes it: it is off until it gets power again, and keeps what its flash holds.
    ///
    /// # Errors
    /// When the bench cannot switch that Device, or it failed.
    fn set_power(&mut self, device: Eui64, on: bool) -> Pending<'_, Result<(), Cannot>>;

    /// Resets `device`, which starts again at once.
    ///
    /// # Errors
    /// When the bench cannot reset that Device, or it failed.
    fn reset(&mut self, device: Eui64) -> Pending<'_, Result<(), Cannot>>;

    /// Cuts the hub's WAN link, or lets it come back.
    ///
    /// # Errors
    /// When the link is not the rig's.
    fn set_wan(&mut self, up: bool) -> Result<(), Cannot>;

    /// Puts `device` out of range of all others, or back into range. The sniffer hears it all the same.
    ///
    /// # Errors
    /// When the air is not the rig's.
    fn set_in_range(&mut self, device: Eui64, in_range: bool) -> Result<(), Cannot>;

    /// Has somebody with a radio of their own, who is no part of the premises, listen in from now on:
    /// [`Observations::overheard`] holds what they hear.
    ///
    /// # Errors
    /// When the bench has no radio for that.
    fn eavesdrop(&mut self) -> Result<(), Cannot>;

    /// Has them put a frame on the air: MAC header, payload and frame check sequence, 3 to 127 octets, right or wrong. It
    /// goes by CSMA-CA, or at once whatever is on the air. Frames of theirs are evidence, and no sightings.
    ///
    /// # Errors
    /// When the bench has no radio for that, or no frame has that length.
    fn inject(&mut self, octets: Vec<u8>, csma: bool) -> Result<(), Cannot>;

    /// Puts `device` and `other` out of each other's range: neither hears the other, nor that it sends. Everyone else hears
    /// both.
    ///
    /// # Errors
    /// When the air is not the rig's.
    fn hide(&mut self, device: Eui64, other: Eui64) -> Result<(), Cannot>;

    /// Lets the bench run until a transfer to `device`, in blocks of at most `block_size` octets, has come to `octets` by what
    /// `covered` makes of what was observed, or until `deadline`. Tells whether it has. Where a bench in real time can do that,
    /// the Device then hears no more of the transfer until power, range or WAN link change or time goes on: however busy the
    /// machine is, what the rig does next comes in the middle of the transfer.
    fn run_until_fetched<'a>(
        &'a mut self,
        device: Eui64,
        deadline: Instant,
        (octets, block_size): (usize, u8),
        covered: &'a dyn Fn(&Observations) -> usize,
    ) -> Pending<'a, Result<bool, Cannot>> {
        let _ = (device, block_size);
        Box::pin(async move { self.run_until(deadline, &mut |seen| covered(seen) >= octets).await })
    }

    /// Has `device` get what its radio hears so much later, where the bench can do that: gives a rig that runs in real time
    /// the time to do something between a frame and its answer. It ends when power, range or WAN link change. Elsewhere it
    /// does nothing.
    ///
    /// # Errors
    /// When the bench failed.
    fn slow_down(&mut self, device: Eui64, latency: Duration) -> Result<(), Cannot> {
        let _ = (device, latency);
        Ok(())
    }

    /// Has the CSP send the hub a GBCS message that the DSP has not sent.
    ///
    /// # Errors
    /// When the bench has no CSP of the rig's own.
    fn send_to_hub(&mut self, octets: Vec<u8>) -> Result<(), Cannot>;

    /// Has a Device's flash lose octets while the Device is switched off, and switches it on again.
    ///
    /// # Errors
    /// When the bench cannot reach that Device's flash, or the Device holds nothing of the kind.
    fn damage_flash(&mut self, device: Eui64, content: FlashContent) -> Pending<'_, Result<(), Cannot>>;

    /// Stops the bench and closes the evidence.
    fn stop(&mut self) -> EndOfScenario;
}
