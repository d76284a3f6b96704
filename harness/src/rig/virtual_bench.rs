//! The driver that plays every role in software, in virtual time.
//!
//! It is a discrete-event simulation: participants are told what happened and the time, say what they do, and time then
//! jumps to the next moment at which anything is due. One seed gives the same events, octet for octet. Every interface
//! between participants goes through the [taps](super::taps), and the octets go on unchanged.

use super::dcc_side::DccSide;
use super::driver::{Cannot, Driver, FlashContent, Pending};
use super::observe::{Observations, WanDirection};
use super::participants::seed_for;
use super::software::{Output, SoftwareDevice};
use super::taps::Taps;
use super::transceiver::{Told, Transceiver, Tuned};
#[cfg(feature = "planted-faults")]
use crate::bench::Planted;
use crate::bench::{Band, Bands, Bench};
use crate::runner::{BenchFault, EndOfScenario, ScenarioContext};
use hanrig_air::{Air, AirConfig, AirEvent, RadioId};
use hanrig_dcc::data::DccData;
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::{Eui64, FirmwareVersion};
use hanrig_zigbee::Transmit;
use std::collections::{BTreeMap, VecDeque};

/// How long octets take over the WAN, either way.
const WAN_LATENCY: Duration = Duration::from_millis(50);
/// How many events may fall on one instant before the bench is taken to go round in circles.
const EVENTS_PER_INSTANT: u32 = 100_000;

/// Octets on their way over the WAN.
#[derive(Debug)]
struct Underway {
    due: Instant,
    direction: WanDirection,
    octets: Vec<u8>,
}

/// A Device in its place on the bench.
#[derive(Debug)]
struct Seat {
    /// What its log is called.
    log: String,
    eui: Eui64,
    /// What it speaks on.
    bands: Vec<Tuned>,
    /// `None` while it is switched off.
    radio: Option<Radio>,
    device: SoftwareDevice,
}

/// A Device's radio.
#[derive(Debug)]
enum Radio {
    /// At 2.4 GHz; the Device does all of the MAC.
    Plain(RadioId),
    /// On another band, or on two: it acknowledges and repeats by itself.
    Own(Box<Transceiver>),
}

impl Radio {
    fn poll_at(&self) -> Option<Instant> {
        match self {
            Self::Plain(_) => None,
            Self::Own(transceiver) => transceiver.poll_at(),
        }
    }

    fn ids(&self) -> Vec<RadioId> {
        match self {
            Self::Plain(radio) => vec![*radio],
            Self::Own(transceiver) => transceiver.radios().collect(),
        }
    }
}

/// Where the hub sits.
const HUB: usize = 0;

/// The bench in motion.
#[derive(Debug)]
pub struct VirtualBench {
    now: Instant,
    air: Air,
    channel: u8,
    /// The probability that a frame is lost between two that are in range of each other.
    loss: f64,
    /// The hub first.
    seats: Vec<Seat>,
    dcc: DccSide,
    /// Whether the WAN carries anything.
    wan: bool,
    underway: VecDeque<Underway>,
    taps: Taps,
    /// The radio of somebody who is no part of the premises.
    attacker: Option<RadioId>,
}

/// Where a Device of this band speaks.
fn tuned_to(bench: &Bench, band: Band) -> Result<Tuned, BenchFault> {
    match band {
        Band::TwoPointFour => Ok(Tuned { page: 0, channel: bench.network.channel }),
        Band::SubGhz => {
            let sub_ghz = bench.network.sub_ghz;
            let sub_ghz = sub_ghz.ok_or_else(|| BenchFault::new("the bench names no channel below 1 GHz"))?;
            Ok(Tuned { page: sub_ghz.page, channel: sub_ghz.channel })
        }
    }
}

/// Where the hub speaks.
fn bands_of_hub(bench: &Bench) -> Vec<Tuned> {
    let second = bench.network.sub_ghz.filter(|_| bench.hub.profile.bands == Bands::Dual);
    let second = second.map(|sub_ghz| Tuned { page: sub_ghz.page, channel: sub_ghz.channel });
    [Tuned { page: 0, channel: bench.network.channel }].into_iter().chain(second).collect()
}

fn fault(what: &str, error: &dyn core::fmt::Display) -> BenchFault {
    BenchFault::new(format!("{what}: {error}"))
}

impl VirtualBench {
    /// Switches on every participant of `bench`.
    ///
    /// # Errors
    /// When the evidence cannot be written or a participant does not start.
    pub fn start(bench: &Bench, context: &ScenarioContext) -> Result<Self, BenchFault> {
        let seed = context.seed;
        let air_seed = u64::from_be_bytes(*seed_for(seed, "air").first_chunk().unwrap_or(&[0; 8]));
        let air = Air::new(AirConfig { seed: air_seed, default_loss: bench.medium.loss, ..AirConfig::default() });
        let channel = bench.network.channel;
        let mut seats = Vec::new();
        let mut seat = |eui: Eui64, bands: Vec<Tuned>, device: SoftwareDevice| {
            seats.push(Seat { log: device.name().to_lowercase().replace(' ', "-"), eui, bands, radio: None, device });
        };
        let acknowledges = |bands: &[Tuned]| bands.len() != 1 || bands.iter().any(|tuned| tuned.page != 0);
        let bands = bands_of_hub(bench);
        let device = SoftwareDevice::hub(bench, seed, acknowledges(&bands));
        seat(bench.hub.eui, bands, device);
        for ppmid in &bench.ppmids {
            let bands = vec![tuned_to(bench, ppmid.band)?];
            let device = SoftwareDevice::ppmid(bench, ppmid, seed, acknowledges(&bands))?;
            seat(ppmid.eui, bands, device);
        }
        for device in &bench.devices {
            let bands = vec![tuned_to(bench, device.band)?];
            let software = SoftwareDevice::device(bench, device, seed, acknowledges(&bands))?;
            seat(device.eui, bands, software);
        }
        let mut virtual_bench = Self {
            now: Instant::ZERO,
            air,
            channel,
            loss: bench.medium.loss,
            seats,
            dcc: DccSide::new(bench)?,
            wan: true,
            underway: VecDeque::new(),
            taps: Taps::new(bench, context)?,
            attacker: None,
        };
        #[cfg(feature = "planted-faults")]
        virtual_bench.plant(bench);
        virtual_bench.switch_on(bench)?;
        Ok(virtual_bench)
    }

    #[cfg(feature = "planted-faults")]
    fn plant(&mut self, bench: &Bench) {
        for planted in bench.planted.iter().copied() {
            match planted {
                Planted::Dsp(fault) => self.dcc.dsp_mut().plant(fault),
                Planted::Csp(fault) => self.dcc.csp_mut().plant(fault),
                // Devices are made with theirs; Suppliers are not of this bench, but of the world of the scenario.
                Planted::Hub(_) | Planted::Ppmid(_) | Planted::Device(_) | Planted::Supplier(_) | Planted::Panel(_) => {
                }
            }
        }
    }

    fn switch_on(&mut self, bench: &Bench) -> Result<(), BenchFault> {
        self.dcc.provision(self.now, bench);
        for index in 0..self.seats.len() {
            self.set_seat_power(index, true)?;
        }
        self.settle();
        Ok(())
    }

    /// Gives a Device power or takes it. What it had on the air or on the WAN ends there.
    fn set_seat_power(&mut self, index: usize, on: bool) -> Result<(), BenchFault> {
        let now = self.now;
        let Some(seat) = self.seats.get_mut(index) else { return Ok(()) };
        if seat.device.on().is_some() == on {
            return Ok(());
        }
        match seat.radio.take() {
            Some(radio) => radio.ids().into_iter().for_each(|radio| self.air.detach(radio)),
            None => {
                let name = seat.device.name();
                seat.radio = Some(match seat.bands.as_slice() {
                    [Tuned { page: 0, channel }] => Radio::Plain(self.air.attach(name, *channel)),
                    bands => Radio::Own(Box::new(Transceiver::attach(&mut self.air, name, bands))),
                });
            }
        }
        seat.device.set_power(now, on)?;
        if index == HUB {
            self.link_changed();
        }
        Ok(())
    }

    /// Tells both ends of the WAN link whether it is there. What is under way is lost with it.
    fn link_changed(&mut self) {
        let (now, wan) = (self.now, self.wan);
        self.underway.clear();
        let hub = self.seats.get_mut(HUB).and_then(|seat| seat.device.on());
        self.dcc.set_link(now, wan && hub.is_some());
        if let Some(hub) = hub {
            hub.on_wan_link(now, wan);
        }
    }

    /// The radios of a seat; none while it is switched off.
    fn radios_of(&self, seat: usize) -> Vec<RadioId> {
        self.seats.get(seat).and_then(|seat| seat.radio.as_ref()).map(Radio::ids).unwrap_or_default()
    }

    fn seat_of(&self, device: Eui64) -> Result<usize, Cannot> {
        let seat = self.seats.iter().position(|seat| seat.eui == device);
        seat.ok_or_else(|| Cannot::NotOnThisBench(format!("{device} is not a Device of this bench")))
    }

    /// Takes and delivers what the participants have to say, until all are silent at this instant.
    fn settle(&mut self) {
        loop {
            let mut quiet = true;
            for index in 0..self.seats.len() {
                while let Some(output) = self.seats.get_mut(index).and_then(|seat| seat.device.on()?.take_output()) {
                    quiet = false;
                    self.on_output(index, output);
                }
                if let Some(seat) = self.seats.get_mut(index)
                    && let (Some(Radio::Own(transceiver)), Some(device)) = (&mut seat.radio, seat.device.on())
                {
                    transceiver.set_filter(&mut self.air, device.receive_filter());
                }
            }
            for octets in self.dcc.settle(self.now, &mut self.taps) {
                quiet = false;
                self.carry(WanDirection::ToHub, octets);
            }
            while let Some(event) = self.air.take_event() {
                quiet = false;
                self.on_air_event(event);
            }
            if quiet {
                return;
            }
        }
    }

    fn transmit(&mut self, radio: RadioId, transmit: Transmit) {
        self.air.set_channel(radio, transmit.channel);
        if let Err(error) = self.air.transmit(self.now, radio, transmit.octets, transmit.csma) {
            self.taps.log("bench", self.now, &format!("frame not sent: {error}"));
        }
    }

    fn on_output(&mut self, index: usize, output: Output) {
        let now = self.now;
        let Some(seat) = self.seats.get_mut(index) else { return };
        match output {
            Output::Radio(transmit) => match &mut seat.radio {
                Some(Radio::Plain(radio)) => {
                    let radio = *radio;
                    self.transmit(radio, transmit);
                }
                Some(Radio::Own(transceiver)) => {
                    if let Some(device) = seat.device.on() {
                        transceiver.set_filter(&mut self.air, device.receive_filter());
                    }
                    let told = transceiver.transmit(&mut self.air, now, &transmit);
                    self.tell(index, told);
                }
                None => {}
            },
            Output::Wan(octets) => {
                self.taps.wan(self.now, WanDirection::FromHub, &octets);
                self.carry(WanDirection::FromHub, octets);
            }
            Output::Log(line) => self.taps.log(&seat.log, self.now, &line),
        }
    }

    fn on_air_event(&mut self, event: AirEvent) {
        let now = self.now;
        let (AirEvent::Received { radio, .. } | AirEvent::TransmitDone { radio, .. }) = event else {
            if let AirEvent::Sniffed(frame) = event {
                self.taps.frame(&frame);
            }
            return;
        };
        let has_it = |seat: &Seat| seat.radio.as_ref().is_some_and(|own| own.ids().contains(&radio));
        let Some(index) = self.seats.iter().position(has_it) else { return };
        let Some(seat) = self.seats.get_mut(index) else { return };
        if let Some(Radio::Own(transceiver)) = &mut seat.radio {
            let told = transceiver.on_event(&mut self.air, now, &event);
            return self.tell(index, told);
        }
        if let Some(device) = seat.device.on() {
            device.on_air_event(now, event);
        }
    }

    /// Hands on what a radio with a MAC of its own tells.
    fn tell(&mut self, index: usize, told: Vec<Told>) {
        let now = self.now;
        let Some(device) = self.seats.get_mut(index).and_then(|seat| seat.device.on()) else { return };
        for told in told {
            match told {
                Told::Received(psdu, lqi) => device.on_frame(now, &psdu, lqi),
                Told::Done(result) => device.on_transmit_done(now, result),
            }
        }
    }

    /// Does what is due in the radios that have a MAC of their own.
    fn poll_radios(&mut self) {
        let now = self.now;
        for index in 0..self.seats.len() {
            let Some(seat) = self.seats.get_mut(index) else { return };
            if let Some(Radio::Own(transceiver)) = &mut seat.radio
                && transceiver.poll_at().is_some_and(|at| at <= now)
            {
                let told = transceiver.poll(&mut self.air, now);
                self.tell(index, told);
            }
        }
    }

    fn install(&mut self, device: Eui64, image: &[u8]) -> Result<(), Cannot> {
        let (now, seat) = (self.now, self.seat_of(device)?);
        let seat = self.seats.get_mut(seat).and_then(|seat| seat.device.on());
        let seat = seat.ok_or_else(|| BenchFault::new(format!("{device} is switched off")))?;
        seat.update_locally(now, image)
            .ok_or_else(|| Cannot::NotOnThisBench(format!("{device} has no local update")))?
            .map_err(|error| fault("the local update failed", &error))?;
        self.settle();
        Ok(())
    }

    fn power(&mut self, device: Eui64, on: bool) -> Result<(), Cannot> {
        let seat = self.seat_of(device)?;
        self.set_seat_power(seat, on)?;
        let state = if on { "on" } else { "off" };
        if let Some(seat) = self.seats.get(seat) {
            self.taps.log("bench", self.now, &format!("{} switched {state}", seat.log));
        }
        self.settle();
        Ok(())
    }

    fn carry(&mut self, direction: WanDirection, octets: Vec<u8>) {
        if !self.wan {
            return;
        }
        self.underway.push_back(Underway { due: self.now + WAN_LATENCY, direction, octets });
    }

    fn next_event(&self) -> Option<Instant> {
        [
            self.air.poll_at(),
            self.seats.iter().filter_map(|seat| seat.device.poll_at(self.now)).min(),
            self.seats.iter().filter_map(|seat| seat.radio.as_ref()?.poll_at()).min(),
            self.dcc.poll_at(),
            self.underway.front().map(|underway| underway.due),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Does all that is due now.
    fn dispatch(&mut self) {
        let now = self.now;
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if due(self.air.poll_at()) {
            self.air.poll(now);
            self.settle();
        }
        while let Some(Underway { direction, octets, .. }) = self.underway.pop_front_if(|underway| underway.due <= now)
        {
            match direction {
                WanDirection::ToHub => {
                    if let Some(hub) = self.seats.get_mut(HUB).and_then(|seat| seat.device.on()) {
                        hub.on_wan_octets(now, &octets);
                    }
                }
                WanDirection::FromHub => self.dcc.on_hub_octets(now, &octets),
            }
            self.settle();
        }
        self.poll_radios();
        for seat in &mut self.seats {
            seat.device.poll(now);
        }
        if due(self.dcc.poll_at()) {
            self.dcc.poll(now);
        }
        self.settle();
    }

    fn advance(&mut self, deadline: Instant, done: &mut dyn FnMut(&Observations) -> bool) -> Result<bool, BenchFault> {
        let mut looked_at = None;
        let mut at_this_instant = 0;
        loop {
            let revision = self.taps.seen().revision;
            if looked_at != Some(revision) {
                looked_at = Some(revision);
                if done(self.taps.seen()) {
                    return Ok(true);
                }
            }
            let Some(next) = self.next_event().filter(|next| *next <= deadline) else {
                self.now = self.now.max(deadline);
                return Ok(false);
            };
            if next > self.now {
                self.now = next;
                at_this_instant = 0;
            }
            at_this_instant += 1;
            if at_this_instant > EVENTS_PER_INSTANT {
                return Err(BenchFault::new(format!("the software participants go round in circles at {}", self.now)));
            }
            self.dispatch();
        }
    }
}

impl Driver for VirtualBench {
    fn now(&self) -> Instant {
        self.now
    }

    fn observations(&self) -> &Observations {
        self.taps.seen()
    }

    fn run_until<'a>(
        &'a mut self,
        deadline: Instant,
        done: &'a mut dyn FnMut(&Observations) -> bool,
    ) -> Pending<'a, Result<bool, Cannot>> {
        Box::pin(async move { self.advance(deadline, done).map_err(Cannot::from) })
    }

    fn let_pass(&mut self, duration: Duration) -> Pending<'_, Result<(), Cannot>> {
        let deadline = self.now + duration;
        Box::pin(async move { self.advance(deadline, &mut |_| false).map(drop).map_err(Cannot::from) })
    }

    fn send_document(&mut self, user: Eui64, xml: &str) -> Result<(), Cannot> {
        self.dcc.on_document(self.now, user, xml, &mut self.taps);
        self.settle();
        Ok(())
    }

    fn edit_dcc(&mut self, edit: &mut dyn FnMut(&mut DccData)) -> Result<(), Cannot> {
        edit(self.dcc.data_mut());
        Ok(())
    }

    fn operate_dcc(&mut self, act: &mut dyn FnMut(Instant, &mut DccSide, &mut Taps)) -> Result<(), Cannot> {
        act(self.now, &mut self.dcc, &mut self.taps);
        self.settle();
        Ok(())
    }

    fn update_hub(&mut self, version: FirmwareVersion) -> Result<(), Cannot> {
        self.set_seat_power(HUB, false)?;
        if let Some(seat) = self.seats.get_mut(HUB) {
            seat.device.set_firmware_version(version);
            self.taps.log("bench", self.now, &format!("hub firmware {version} installed"));
        }
        self.set_seat_power(HUB, true)?;
        self.settle();
        Ok(())
    }

    fn update_locally<'a>(&'a mut self, device: Eui64, image: &'a [u8]) -> Pending<'a, Result<(), Cannot>> {
        Box::pin(async move { self.install(device, image) })
    }

    fn set_power(&mut self, device: Eui64, on: bool) -> Pending<'_, Result<(), Cannot>> {
        Box::pin(async move { self.power(device, on) })
    }

    fn reset(&mut self, device: Eui64) -> Pending<'_, Result<(), Cannot>> {
        Box::pin(async move {
            self.power(device, false)?;
            self.power(device, true)
        })
    }

    fn set_wan(&mut self, up: bool) -> Result<(), Cannot> {
        if up != self.wan {
            self.wan = up;
            self.taps.log("bench", self.now, if up { "WAN restored" } else { "WAN cut" });
            self.link_changed();
            self.settle();
        }
        Ok(())
    }

    fn set_in_range(&mut self, device: Eui64, in_range: bool) -> Result<(), Cannot> {
        let seat = self.seat_of(device)?;
        let own = self.radios_of(seat);
        if own.is_empty() {
            return Err(BenchFault::new(format!("{device} is switched off")).into());
        }
        let loss = if in_range { self.loss } else { 1.0 };
        let others: Vec<_> =
            (0..self.seats.len()).filter(|other| *other != seat).flat_map(|s| self.radios_of(s)).collect();
        for (radio, other) in own.iter().flat_map(|radio| others.iter().map(move |other| (*radio, *other))) {
            self.air.set_loss(radio, other, loss);
            self.air.set_loss(other, radio, loss);
        }
        let state = if in_range { "in range" } else { "out of range" };
        self.taps.log("bench", self.now, &format!("{device} {state}"));
        Ok(())
    }

    fn eavesdrop(&mut self) -> Result<(), Cannot> {
        self.taps.eavesdrop();
        Ok(())
    }

    fn inject(&mut self, octets: Vec<u8>, csma: bool) -> Result<(), Cannot> {
        let (now, channel) = (self.now, self.channel);
        let attacker = *self.attacker.get_or_insert_with(|| {
            let radio = self.air.attach("attacker", channel);
            // The sniffer listens for it.
            self.air.set_receiver(radio, false);
            radio
        });
        self.taps.injecting(now, &octets);
        self.air.transmit(now, attacker, octets, csma).map_err(|error| fault("the attacker cannot send", &error))?;
        Ok(())
    }

    fn hide(&mut self, device: Eui64, other: Eui64) -> Result<(), Cannot> {
        let (one, two) = (self.radios_of(self.seat_of(device)?), self.radios_of(self.seat_of(other)?));
        if one.is_empty() || two.is_empty() {
            return Err(BenchFault::new(format!("{device} or {other} is switched off")).into());
        }
        for (one, two) in one.iter().flat_map(|one| two.iter().map(move |two| (*one, *two))) {
            self.air.set_link(one, two, None);
            self.air.set_link(two, one, None);
        }
        self.taps.log("bench", self.now, &format!("{device} and {other} do not hear each other"));
        Ok(())
    }

    fn send_to_hub(&mut self, octets: Vec<u8>) -> Result<(), Cannot> {
        self.dcc.send_to_hub(self.now, octets);
        self.settle();
        Ok(())
    }

    fn damage_flash(&mut self, device: Eui64, content: FlashContent) -> Pending<'_, Result<(), Cannot>> {
        Box::pin(async move {
            let now = self.now;
            let index = self.seat_of(device)?;
            if let Some(seat) = self.seats.get_mut(index) {
                seat.device.damage_flash(now, content)?;
            }
            self.settle();
            Ok(())
        })
    }

    fn stop(&mut self) -> EndOfScenario {
        self.taps.finish(BTreeMap::from([("frames on the air".to_owned(), self.air.stats().transmitted)]))
    }
}
