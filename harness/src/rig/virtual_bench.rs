//! The driver that plays every role in software, in virtual time.
//!
//! It is a discrete-event simulation: participants are told what happened and the time, say what they do, and time then
//! jumps to the next moment at which anything is due. One seed gives the same events, octet for octet. Every interface
//! between participants goes through the [taps](super::taps), and the octets go on unchanged.

use super::dcc_side::DccSide;
use super::driver::{Cannot, Driver, Pending};
use super::observe::{Observations, WanDirection};
use super::participants::{hub_config, ppmid_config, seed_for};
use super::taps::Taps;
use crate::bench::Bench;
#[cfg(feature = "planted-faults")]
use crate::bench::Planted;
use crate::runner::{BenchFault, EndOfScenario, ScenarioContext};
use hanrig_air::{Air, AirConfig, AirEvent, RadioId, TransmitResult as AirResult};
use hanrig_ch::CommunicationsHub;
use hanrig_dcc::data::DccData;
use hanrig_dcc::duis::Request;
use hanrig_ppmid::Ppmid;
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::Eui64;
use hanrig_zigbee::store::RamFlash;
use hanrig_zigbee::{Transmit, TransmitResult};
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

/// A PPMID in its place on the bench.
#[derive(Debug)]
struct Seat {
    /// What its log is called.
    log: String,
    eui: Eui64,
    radio: RadioId,
    device: Ppmid<RamFlash>,
}

/// The bench in motion.
#[derive(Debug)]
pub struct VirtualBench {
    now: Instant,
    air: Air,
    hub_radio: RadioId,
    hub: CommunicationsHub<RamFlash>,
    seats: Vec<Seat>,
    dcc: DccSide,
    underway: VecDeque<Underway>,
    taps: Taps,
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
        let mut air = Air::new(AirConfig { seed: air_seed, default_loss: bench.medium.loss, ..AirConfig::default() });
        let hub_radio = air.attach("hub", bench.network.channel);
        let hub = CommunicationsHub::new(hub_config(bench, seed), RamFlash::new(hanrig_ch::flash_size()))
            .map_err(|error| fault("the hub does not start", &error))?;
        let mut seats = Vec::new();
        for ppmid in &bench.ppmids {
            let device = Ppmid::new(ppmid_config(bench, ppmid, seed)?, RamFlash::new(hanrig_ppmid::flash_size()))
                .map_err(|error| fault("the PPMID does not start", &error))?;
            let radio = air.attach(&ppmid.name, bench.network.channel);
            let log = ppmid.name.to_lowercase().replace(' ', "-");
            seats.push(Seat { log, eui: ppmid.eui, radio, device });
        }
        let mut virtual_bench = Self {
            now: Instant::ZERO,
            air,
            hub_radio,
            hub,
            seats,
            dcc: DccSide::new(bench)?,
            underway: VecDeque::new(),
            taps: Taps::new(bench, context)?,
        };
        #[cfg(feature = "planted-faults")]
        virtual_bench.plant(bench);
        virtual_bench.switch_on(bench);
        Ok(virtual_bench)
    }

    #[cfg(feature = "planted-faults")]
    fn plant(&mut self, bench: &Bench) {
        for planted in bench.planted.iter().copied() {
            match planted {
                Planted::Hub(fault) => self.hub.plant(fault),
                Planted::Ppmid(fault) => self.seats.iter_mut().for_each(|seat| seat.device.plant(fault)),
                Planted::Dsp(fault) => self.dcc.dsp_mut().plant(fault),
                Planted::Csp(fault) => self.dcc.csp_mut().plant(fault),
                // Suppliers are not of this bench, but of the world of the scenario.
                Planted::Supplier(_) => {}
            }
        }
    }

    fn switch_on(&mut self, bench: &Bench) {
        let now = self.now;
        self.dcc.provision(now, bench);
        self.hub.start(now);
        self.dcc.set_link(now, true);
        self.hub.on_wan_link(now, true);
        for seat in &mut self.seats {
            seat.device.start(now);
        }
        self.settle();
    }

    /// Takes and delivers what the participants have to say, until all are silent at this instant.
    fn settle(&mut self) {
        loop {
            let mut quiet = true;
            while let Some(output) = self.hub.take_output() {
                quiet = false;
                self.on_hub_output(output);
            }
            for index in 0..self.seats.len() {
                while let Some(output) = self.seats.get_mut(index).and_then(|seat| seat.device.take_output()) {
                    quiet = false;
                    self.on_ppmid_output(index, output);
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

    fn on_hub_output(&mut self, output: hanrig_ch::Output) {
        match output {
            hanrig_ch::Output::Radio(transmit) => self.transmit(self.hub_radio, transmit),
            hanrig_ch::Output::Wan(octets) => {
                self.taps.wan(self.now, WanDirection::FromHub, &octets);
                self.carry(WanDirection::FromHub, octets);
            }
            hanrig_ch::Output::Log(line) => self.taps.log("hub", self.now, &line),
        }
    }

    fn on_ppmid_output(&mut self, index: usize, output: hanrig_ppmid::Output) {
        let Some(seat) = self.seats.get(index) else { return };
        match output {
            hanrig_ppmid::Output::Radio(transmit) => self.transmit(seat.radio, transmit),
            hanrig_ppmid::Output::Log(line) => self.taps.log(&seat.log, self.now, &line),
        }
    }

    fn on_air_event(&mut self, event: AirEvent) {
        let now = self.now;
        match event {
            AirEvent::Sniffed(frame) => self.taps.frame(&frame),
            AirEvent::Received { radio, psdu, lqi, .. } => {
                if radio == self.hub_radio {
                    self.hub.on_frame(now, &psdu, lqi);
                } else if let Some(seat) = self.seats.iter_mut().find(|seat| seat.radio == radio) {
                    seat.device.on_frame(now, &psdu, lqi);
                }
            }
            AirEvent::TransmitDone { radio, result, csma: true, .. } => {
                let result = match result {
                    AirResult::Sent => TransmitResult::Sent,
                    AirResult::ChannelAccessFailure => TransmitResult::ChannelAccessFailure,
                };
                if radio == self.hub_radio {
                    self.hub.on_transmit_done(now, result);
                } else if let Some(seat) = self.seats.iter_mut().find(|seat| seat.radio == radio) {
                    seat.device.on_transmit_done(now, result);
                }
            }
            // Nobody waits for the end of an acknowledgement.
            AirEvent::TransmitDone { csma: false, .. } => {}
        }
    }

    fn install(&mut self, device: Eui64, image: &[u8]) -> Result<(), Cannot> {
        let now = self.now;
        let seat = self
            .seats
            .iter_mut()
            .find(|seat| seat.eui == device)
            .ok_or_else(|| Cannot::NotOnThisBench(format!("{device} is not a Device of this bench")))?;
        seat.device.update_locally(now, image).map_err(|error| fault("the local update failed", &error))?;
        self.settle();
        Ok(())
    }

    fn carry(&mut self, direction: WanDirection, octets: Vec<u8>) {
        self.underway.push_back(Underway { due: self.now + WAN_LATENCY, direction, octets });
    }

    fn next_event(&self) -> Option<Instant> {
        [
            self.air.poll_at(),
            self.hub.poll_at(self.now),
            self.seats.iter().filter_map(|seat| seat.device.poll_at()).min(),
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
                WanDirection::ToHub => self.hub.on_wan_octets(now, &octets),
                WanDirection::FromHub => self.dcc.on_hub_octets(now, &octets),
            }
            self.settle();
        }
        if due(self.hub.poll_at(now)) {
            self.hub.poll(now);
        }
        for seat in &mut self.seats {
            if due(seat.device.poll_at()) {
                seat.device.poll(now);
            }
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

    fn send_request(&mut self, user: Eui64, request: &Request) -> Result<(), Cannot> {
        self.dcc.on_request(self.now, user, request, &mut self.taps);
        self.settle();
        Ok(())
    }

    fn edit_dcc(&mut self, edit: &mut dyn FnMut(&mut DccData)) -> Result<(), Cannot> {
        edit(self.dcc.data_mut());
        Ok(())
    }

    fn update_locally<'a>(&'a mut self, device: Eui64, image: &'a [u8]) -> Pending<'a, Result<(), Cannot>> {
        Box::pin(async move { self.install(device, image) })
    }

    fn stop(&mut self) -> EndOfScenario {
        self.taps.finish(BTreeMap::from([("frames on the air".to_owned(), self.air.stats().transmitted)]))
    }
}
