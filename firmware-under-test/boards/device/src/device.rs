//! Hub and PPMID behind one face, so that one main loop serves both.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use embedded_storage::nor_flash::NorFlash;
use hanrig_ch::CommunicationsHub;
use hanrig_ppmid::Ppmid;
use hanrig_wire::time::Instant;
use hanrig_zigbee::{ReceiveFilter, Transmit, TransmitResult};

/// What a Device wants its board to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this frame by radio.
    Radio(Transmit),
    /// Send these octets over the WAN link.
    Wan(Vec<u8>),
    /// One line for the log.
    Log(String),
}

/// A state machine that a board runs.
pub trait Device {
    /// The power is on.
    fn start(&mut self, now: Instant);
    /// Does what is due at `now`.
    fn poll(&mut self, now: Instant);
    /// When [`Self::poll`] is next wanted, at `now` or later.
    fn poll_at(&self, now: Instant) -> Option<Instant>;
    /// A frame that the radio received, FCS included.
    fn on_frame(&mut self, now: Instant, octets: &[u8], lqi: u8);
    /// What became of the frame last handed to the radio with `csma` set.
    fn on_transmit_done(&mut self, now: Instant, result: TransmitResult);
    /// Octets from the WAN link. A Device without one passes them over.
    fn on_wan_octets(&mut self, now: Instant, octets: &[u8]);
    /// What the radio is to receive.
    fn receive_filter(&self) -> ReceiveFilter;
    /// The next thing to do.
    fn take_output(&mut self) -> Option<Output>;
    /// Installs an image that came by an engineer's tool (PPMID-13).
    ///
    /// # Errors
    /// When the image is not taken, and why.
    fn update_locally(&mut self, now: Instant, image: &[u8]) -> Result<(), String>;
}

impl<F: NorFlash> Device for CommunicationsHub<F> {
    fn start(&mut self, now: Instant) {
        Self::start(self, now);
        // A UART has no carrier: what is lost while nobody listens is sent again until the CSP acknowledges it.
        self.on_wan_link(now, true);
    }

    fn poll(&mut self, now: Instant) {
        Self::poll(self, now);
    }

    fn poll_at(&self, now: Instant) -> Option<Instant> {
        Self::poll_at(self, now)
    }

    fn on_frame(&mut self, now: Instant, octets: &[u8], lqi: u8) {
        Self::on_frame(self, now, octets, lqi);
    }

    fn on_transmit_done(&mut self, now: Instant, result: TransmitResult) {
        Self::on_transmit_done(self, now, result);
    }

    fn on_wan_octets(&mut self, now: Instant, octets: &[u8]) {
        Self::on_wan_octets(self, now, octets);
    }

    fn receive_filter(&self) -> ReceiveFilter {
        Self::receive_filter(self)
    }

    fn take_output(&mut self) -> Option<Output> {
        Self::take_output(self).map(|output| match output {
            hanrig_ch::Output::Radio(transmit) => Output::Radio(transmit),
            hanrig_ch::Output::Wan(octets) => Output::Wan(octets),
            hanrig_ch::Output::Log(line) => Output::Log(line),
        })
    }

    fn update_locally(&mut self, _: Instant, _: &[u8]) -> Result<(), String> {
        Err("a Communications Hub is not updated this way".into())
    }
}

impl<F: NorFlash> Device for Ppmid<F> {
    fn start(&mut self, now: Instant) {
        Self::start(self, now);
    }

    fn poll(&mut self, now: Instant) {
        Self::poll(self, now);
    }

    fn poll_at(&self, _: Instant) -> Option<Instant> {
        Self::poll_at(self)
    }

    fn on_frame(&mut self, now: Instant, octets: &[u8], lqi: u8) {
        Self::on_frame(self, now, octets, lqi);
    }

    fn on_transmit_done(&mut self, now: Instant, result: TransmitResult) {
        Self::on_transmit_done(self, now, result);
    }

    fn on_wan_octets(&mut self, _: Instant, _: &[u8]) {}

    fn receive_filter(&self) -> ReceiveFilter {
        Self::receive_filter(self)
    }

    fn take_output(&mut self) -> Option<Output> {
        Self::take_output(self).map(|output| match output {
            hanrig_ppmid::Output::Radio(transmit) => Output::Radio(transmit),
            hanrig_ppmid::Output::Log(line) => Output::Log(line),
        })
    }

    fn update_locally(&mut self, now: Instant, image: &[u8]) -> Result<(), String> {
        Self::update_locally(self, now, image).map_err(|error| format!("{error}"))
    }
}
