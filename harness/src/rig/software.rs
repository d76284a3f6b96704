//! The Devices that software plays, each behind one face: every driver runs them the same way, and can take their power.

use super::driver::FlashContent;
use super::participants::{device_config, hub_config, ppmid_config};
use crate::bench::{Bench, Device as BenchDevice, Ppmid as BenchPpmid};
use crate::runner::BenchFault;
use embedded_storage::nor_flash::NorFlash as _;
use hanrig_air::{AirEvent, TransmitResult as AirResult};
use hanrig_ch::CommunicationsHub;
use hanrig_devices::Device;
use hanrig_ppmid::Ppmid;
use hanrig_wire::time::Instant;
use hanrig_wire::types::FirmwareVersion;
use hanrig_zigbee::store::{RamFlash, Region, StoreError};
use hanrig_zigbee::{ReceiveFilter, Transmit, TransmitResult};

/// What a Device wants its driver to do.
#[derive(Debug)]
pub enum Output {
    /// Send this frame by radio.
    Radio(Transmit),
    /// Send these octets to the CSP.
    Wan(Vec<u8>),
    /// One line for its log.
    Log(String),
}

/// A Device that is switched on.
pub trait Participant: core::fmt::Debug {
    /// The power has come.
    fn start(&mut self, now: Instant);
    /// Does what is due at `now`.
    fn poll(&mut self, now: Instant);
    /// When [`Self::poll`] is next wanted, at `now` or later.
    fn poll_at(&self, now: Instant) -> Option<Instant>;
    /// A frame that its radio received, FCS included.
    fn on_frame(&mut self, now: Instant, octets: &[u8], lqi: u8);
    /// What became of the frame last handed to its radio.
    fn on_transmit_done(&mut self, now: Instant, result: TransmitResult);
    /// What the medium tells of its radio, where the medium does the radio's part of the MAC.
    fn on_air_event(&mut self, now: Instant, event: AirEvent) {
        match event {
            AirEvent::Received { psdu, lqi, .. } => self.on_frame(now, &psdu, lqi),
            AirEvent::TransmitDone { result, csma: true, .. } => {
                let result = match result {
                    AirResult::Sent => TransmitResult::Sent,
                    AirResult::ChannelAccessFailure => TransmitResult::ChannelAccessFailure,
                };
                self.on_transmit_done(now, result);
            }
            // Nobody waits for the end of an acknowledgement.
            AirEvent::TransmitDone { csma: false, .. } | AirEvent::Sniffed(_) => {}
        }
    }
    /// What its radio is to receive now.
    fn receive_filter(&self) -> ReceiveFilter;
    /// The next thing to do.
    fn take_output(&mut self) -> Option<Output>;
    /// The power has gone: what is left is the flash.
    fn into_flash(self: Box<Self>) -> RamFlash;
    /// The WAN link came up or went down. A Device without one passes it over.
    fn on_wan_link(&mut self, _now: Instant, _up: bool) {}
    /// Octets from the CSP.
    fn on_wan_octets(&mut self, _now: Instant, _octets: &[u8]) {}
    /// Where in its flash something is, as far as that is known and there.
    fn place_of(&self, _content: FlashContent) -> Option<Region> {
        None
    }
    /// Installs an image by an engineer's tool. `None` when there is no tool for this Device.
    fn update_locally(&mut self, _now: Instant, _image: &[u8]) -> Option<Result<(), String>> {
        None
    }
}

impl Participant for CommunicationsHub<RamFlash> {
    fn start(&mut self, now: Instant) {
        Self::start(self, now);
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

    fn into_flash(self: Box<Self>) -> RamFlash {
        Self::into_flash(*self)
    }

    fn on_wan_link(&mut self, now: Instant, up: bool) {
        Self::on_wan_link(self, now, up);
    }

    fn on_wan_octets(&mut self, now: Instant, octets: &[u8]) {
        Self::on_wan_octets(self, now, octets);
    }
}

impl Participant for Ppmid<RamFlash> {
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

    fn receive_filter(&self) -> ReceiveFilter {
        Self::receive_filter(self)
    }

    fn take_output(&mut self) -> Option<Output> {
        Self::take_output(self).map(|output| match output {
            hanrig_ppmid::Output::Radio(transmit) => Output::Radio(transmit),
            hanrig_ppmid::Output::Log(line) => Output::Log(line),
        })
    }

    fn into_flash(self: Box<Self>) -> RamFlash {
        Self::into_flash(*self)
    }

    fn update_locally(&mut self, now: Instant, image: &[u8]) -> Option<Result<(), String>> {
        Some(Self::update_locally(self, now, image).map_err(|error| error.to_string()))
    }
}

impl Participant for Device<RamFlash> {
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

    fn receive_filter(&self) -> ReceiveFilter {
        Self::receive_filter(self)
    }

    fn take_output(&mut self) -> Option<Output> {
        Self::take_output(self).map(|output| match output {
            hanrig_devices::Output::Radio(transmit) => Output::Radio(transmit),
            hanrig_devices::Output::Log(line) => Output::Log(line),
        })
    }

    fn into_flash(self: Box<Self>) -> RamFlash {
        Self::into_flash(*self)
    }

    fn place_of(&self, content: FlashContent) -> Option<Region> {
        match content {
            FlashContent::RunningFirmware => Some(self.running_firmware()),
            FlashContent::HeldImage => self.held_image(),
        }
    }
}

type Made = Result<Box<dyn Participant>, StoreError>;

/// A Device that software plays, with or without power.
pub struct SoftwareDevice {
    name: String,
    /// Makes the Device that is switched on with a flash, and with other firmware than it was made with.
    make: Box<dyn Fn(RamFlash, Option<FirmwareVersion>) -> Made>,
    /// The firmware that was put on it since.
    firmware: Option<FirmwareVersion>,
    /// `None` while the power is off.
    on: Option<Box<dyn Participant>>,
    /// What is left while the power is off.
    flash: Option<RamFlash>,
}

impl core::fmt::Debug for SoftwareDevice {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SoftwareDevice").field("name", &self.name).field("on", &self.on.is_some()).finish()
    }
}

impl SoftwareDevice {
    /// The hub of `bench`. `radio_acknowledges` where its radio is one that acknowledges frames by itself.
    pub fn hub(bench: &Bench, seed: u64, radio_acknowledges: bool) -> Self {
        let mut config = hub_config(bench, seed);
        config.radio_acknowledges = radio_acknowledges;
        #[cfg(feature = "planted-faults")]
        let planted = bench.planted.clone();
        Self::made("hub", hanrig_ch::flash_size(), move |flash, firmware| {
            let mut config = config.clone();
            config.firmware_version = firmware.unwrap_or(config.firmware_version);
            #[cfg_attr(not(feature = "planted-faults"), expect(unused_mut, reason = "faults are planted in it"))]
            let mut hub = CommunicationsHub::new(config, flash)?;
            #[cfg(feature = "planted-faults")]
            for fault in &planted {
                if let crate::bench::Planted::Hub(fault) = fault {
                    hub.plant(*fault);
                }
            }
            Ok(Box::new(hub))
        })
    }

    /// A PPMID of `bench`.
    ///
    /// # Errors
    /// When the bench does not know its manufacturer.
    pub fn ppmid(bench: &Bench, ppmid: &BenchPpmid, seed: u64, radio_acknowledges: bool) -> Result<Self, BenchFault> {
        let mut config = ppmid_config(bench, ppmid, seed)?;
        config.radio_acknowledges = radio_acknowledges;
        #[cfg(feature = "planted-faults")]
        let planted = bench.planted.clone();
        Ok(Self::new(&ppmid.name, hanrig_ppmid::flash_size(), move |flash| {
            #[cfg_attr(not(feature = "planted-faults"), expect(unused_mut, reason = "faults are planted in it"))]
            let mut ppmid = Ppmid::new(config.clone(), flash)?;
            #[cfg(feature = "planted-faults")]
            for fault in &planted {
                if let crate::bench::Planted::Ppmid(fault) = fault {
                    ppmid.plant(*fault);
                }
            }
            Ok(Box::new(ppmid))
        }))
    }

    /// An ESME, a GSME or an HCALCS of `bench`.
    ///
    /// # Errors
    /// When the bench does not know its manufacturer or its Supplier.
    pub fn device(
        bench: &Bench,
        device: &BenchDevice,
        seed: u64,
        radio_acknowledges: bool,
    ) -> Result<Self, BenchFault> {
        let mut config = device_config(bench, device, seed)?;
        config.radio_acknowledges = radio_acknowledges;
        #[cfg(feature = "planted-faults")]
        let planted = bench.planted.clone();
        Ok(Self::new(&device.name, hanrig_devices::flash_size(), move |flash| {
            #[cfg_attr(not(feature = "planted-faults"), expect(unused_mut, reason = "faults are planted in it"))]
            let mut device = Device::new(config.clone(), flash)?;
            #[cfg(feature = "planted-faults")]
            for fault in &planted {
                if let crate::bench::Planted::Device(fault) = fault {
                    device.plant(*fault);
                }
            }
            Ok(Box::new(device))
        }))
    }

    /// A Device that `make` makes, with `flash_size` octets of flash, switched off.
    pub fn new(name: &str, flash_size: u32, make: impl Fn(RamFlash) -> Made + 'static) -> Self {
        Self::made(name, flash_size, move |flash, _| make(flash))
    }

    fn made(name: &str, flash_size: u32, make: impl Fn(RamFlash, Option<FirmwareVersion>) -> Made + 'static) -> Self {
        let (name, flash) = (name.to_owned(), Some(RamFlash::new(flash_size)));
        Self { name, make: Box::new(make), firmware: None, on: None, flash }
    }

    /// Has it run firmware of this version when it is next switched on. Of a Device, whose firmware is in its flash, this
    /// changes nothing.
    pub const fn set_firmware_version(&mut self, version: FirmwareVersion) {
        self.firmware = Some(version);
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Device, while it has power.
    pub fn on(&mut self) -> Option<&mut (dyn Participant + 'static)> {
        self.on.as_deref_mut()
    }

    /// When it next wants to be polled.
    pub fn poll_at(&self, now: Instant) -> Option<Instant> {
        self.on.as_ref().and_then(|device| device.poll_at(now))
    }

    /// Polls it if that is due.
    pub fn poll(&mut self, now: Instant) {
        if let Some(device) = self.on()
            && device.poll_at(now).is_some_and(|at| at <= now)
        {
            device.poll(now);
        }
    }

    /// Has its flash lose octets in the middle of `content`, while its power is off for a moment.
    ///
    /// # Errors
    /// When nothing of the kind is in its flash, or the flash cannot be written or read.
    pub fn damage_flash(&mut self, now: Instant, content: FlashContent) -> Result<(), BenchFault> {
        let Some(Region { start, size }) = self.on.as_ref().and_then(|device| device.place_of(content)) else {
            let what = match content {
                FlashContent::RunningFirmware => "firmware",
                FlashContent::HeldImage => "image",
            };
            return Err(BenchFault::new(format!("{} has no {what} in flash that could be damaged", self.name)));
        };
        self.set_power(now, false)?;
        if let Some(flash) = &mut self.flash {
            let middle = (start + size / 2) & !3;
            flash.write(middle, &[0; 4]).map_err(|error| BenchFault::new(format!("{}: {error}", self.name)))?;
        }
        self.set_power(now, true)
    }

    /// Gives it power, or takes it: then it forgets everything but its flash. What it has already, it keeps.
    ///
    /// # Errors
    /// When its flash cannot be read.
    pub fn set_power(&mut self, now: Instant, on: bool) -> Result<(), BenchFault> {
        if !on {
            if let Some(device) = self.on.take() {
                self.flash = Some(device.into_flash());
            }
        } else if let Some(flash) = self.flash.take() {
            let device = (self.make)(flash, self.firmware)
                .map_err(|error| BenchFault::new(format!("{} does not start: {error}", self.name)))?;
            self.on.insert(device).start(now);
        }
        Ok(())
    }
}
