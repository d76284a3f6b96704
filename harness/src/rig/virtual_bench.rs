//! The driver that plays every role in software, in virtual time.
//!
//! It is a discrete-event simulation: participants are told what happened and the time, say what they do, and time then
//! jumps to the next moment at which anything is due. One seed gives the same events, octet for octet. Every interface
//! between participants is tapped: what goes over it is decoded by the rig's observers and kept as evidence, and the
//! octets go on unchanged.

use super::driver::{Cannot, Driver, Pending};
use super::evidence::Evidence;
use super::observe::{
    AirObserver, DuisSighting, GatewayContent, GatewaySighting, Observations, Party, WanDirection, WanObserver,
};
use crate::bench::{Bench, Ppmid as PpmidOfBench};
use crate::progress::ScenarioProgress;
use crate::runner::{BenchFault, EndOfScenario, ScenarioContext};
use hanrig_air::{Air, AirConfig, AirEvent, RadioId, TransmitResult as AirResult};
use hanrig_ch::{CommunicationsHub, HubConfig, HubProfile};
use hanrig_dcc::csp::{Csp, CspConfig, CspOutput};
use hanrig_dcc::data::{CspRegion, DccData};
use hanrig_dcc::dsp::{DeviceKeys, Dsp, DspConfig, DspOutput};
use hanrig_dcc::duis::{DuisMessage, Request, parse};
use hanrig_ppmid::{AccessControlBroker, Declaration, Ppmid, PpmidConfig};
use hanrig_wire::dissect::KeyRing;
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::{DeviceType, Eui64};
use hanrig_zigbee::store::RamFlash;
use hanrig_zigbee::{Transmit, TransmitResult};
use sha2::{Digest, Sha256};
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
    name: String,
    eui: Eui64,
    radio: RadioId,
    device: Ppmid<RamFlash>,
}

/// The bench in motion.
#[derive(Debug)]
pub struct VirtualBench {
    now: Instant,
    air: Air,
    hub_eui: Eui64,
    hub_radio: RadioId,
    hub: CommunicationsHub<RamFlash>,
    seats: Vec<Seat>,
    region: CspRegion,
    csp: Csp,
    dsp: Dsp,
    underway: VecDeque<Underway>,
    air_observer: AirObserver,
    to_hub: WanObserver,
    from_hub: WanObserver,
    seen: Observations,
    evidence: Evidence,
    progress: ScenarioProgress,
}

/// A seed for one participant, which no other has.
fn seed_for(seed: u64, who: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(seed.to_be_bytes());
    hash.update(who.as_bytes());
    hash.finalize().into()
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
        let region = bench
            .data
            .hubs
            .get(&bench.hub.eui)
            .map(|hub| hub.region)
            .ok_or_else(|| BenchFault::new(format!("no CSP region is known for hub {}", bench.hub.eui)))?;
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
            seats.push(Seat { name: ppmid.name.to_lowercase().replace(' ', "-"), eui: ppmid.eui, radio, device });
        }
        let keys: Vec<_> = core::iter::once((bench.network.network_key, "network key".to_owned()))
            .chain(
                bench.ppmids.iter().map(|p| (p.install_code.link_key(), format!("link key of {} {}", p.name, p.eui))),
            )
            .collect();
        let mut virtual_bench = Self {
            now: Instant::ZERO,
            air,
            hub_eui: bench.hub.eui,
            hub_radio,
            hub,
            seats,
            region,
            csp: Csp::new(csp_config(bench, region)),
            dsp: Dsp::new(dsp_config(bench), bench.data.clone()),
            underway: VecDeque::new(),
            air_observer: AirObserver::new(key_ring(bench)),
            to_hub: WanObserver::new(WanDirection::ToHub),
            from_hub: WanObserver::new(WanDirection::FromHub),
            seen: Observations::default(),
            evidence: Evidence::new(context.out_dir.as_deref(), bench.epoch, &keys)?,
            progress: context.progress.clone(),
        };
        virtual_bench.switch_on(bench);
        Ok(virtual_bench)
    }

    fn switch_on(&mut self, bench: &Bench) {
        let now = self.now;
        for ppmid in &bench.ppmids {
            self.csp.provision(now, self.hub_eui, ppmid.eui, DeviceType::Ppmid, ppmid.install_code.link_key());
        }
        self.hub.start(now);
        self.csp.set_link(now, self.hub_eui, true);
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
            while let Some(output) = self.csp.take_output() {
                quiet = false;
                self.on_csp_output(output);
            }
            while let Some(output) = self.dsp.take_output() {
                quiet = false;
                self.on_dsp_output(output);
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
            self.evidence.log("bench", self.now, &format!("frame not sent: {error}"));
        }
    }

    fn on_hub_output(&mut self, output: hanrig_ch::Output) {
        match output {
            hanrig_ch::Output::Radio(transmit) => self.transmit(self.hub_radio, transmit),
            hanrig_ch::Output::Wan(octets) => {
                let (at, evidence) = (self.now, &mut self.evidence);
                self.from_hub.on_octets(at, &octets, &mut self.seen, |_, frame| {
                    evidence.wan(at, "hub to CSP", &frame.summary, &frame.octets)
                });
                self.carry(WanDirection::FromHub, octets);
            }
            hanrig_ch::Output::Log(line) => self.evidence.log("hub", self.now, &line),
        }
    }

    fn on_ppmid_output(&mut self, index: usize, output: hanrig_ppmid::Output) {
        let Some(seat) = self.seats.get(index) else { return };
        match output {
            hanrig_ppmid::Output::Radio(transmit) => self.transmit(seat.radio, transmit),
            hanrig_ppmid::Output::Log(line) => self.evidence.log(&seat.name, self.now, &line),
        }
    }

    fn on_csp_output(&mut self, output: CspOutput) {
        match output {
            CspOutput::ToHub { octets, .. } => {
                let (at, evidence) = (self.now, &mut self.evidence);
                self.to_hub.on_octets(at, &octets, &mut self.seen, |_, frame| {
                    evidence.wan(at, "CSP to hub", &frame.summary, &frame.octets)
                });
                self.carry(WanDirection::ToHub, octets);
            }
            CspOutput::ToDsp(message) => {
                let line = self.evidence.gateway(self.now, "CSP", &message);
                let content = GatewayContent::ToDsp(message.clone());
                self.seen.gateway.push(GatewaySighting { at: self.now, line, content });
                self.seen.revision += 1;
                self.dsp.on_csp(self.now, self.region, message);
            }
        }
    }

    fn on_dsp_output(&mut self, output: DspOutput) {
        match output {
            DspOutput::ToUser { user, xml } => self.observe_duis(Party::Dsp, Party::User(user), &xml),
            DspOutput::ToCsp { region, message } => {
                let line = self.evidence.gateway(self.now, "DSP", &message);
                let content = GatewayContent::ToCsp(message.clone());
                self.seen.gateway.push(GatewaySighting { at: self.now, line, content });
                self.seen.revision += 1;
                if region == self.region {
                    self.csp.on_dsp(self.now, message);
                }
            }
        }
    }

    fn on_air_event(&mut self, event: AirEvent) {
        let now = self.now;
        match event {
            AirEvent::Sniffed(frame) => {
                self.evidence.frame(&frame);
                self.air_observer.on_frame(&frame, &mut self.seen);
                if self.seen.frames.is_multiple_of(256) {
                    self.tell_progress();
                }
            }
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

    fn carry(&mut self, direction: WanDirection, octets: Vec<u8>) {
        self.underway.push_back(Underway { due: self.now + WAN_LATENCY, direction, octets });
    }

    fn observe_duis(&mut self, from: Party, to: Party, xml: &str) {
        match parse(xml) {
            Ok(message) => {
                let what = format!("{} {}", self.name_of(from), DuisSighting::what(&message));
                let what = match to {
                    Party::User(_) => format!("{what} to {}", self.name_of(to)),
                    Party::Dsp => what,
                };
                let file = self.evidence.duis(&what, xml);
                self.seen.duis.push(DuisSighting { at: self.now, from, to, file, message });
            }
            Err(error) => {
                self.evidence.duis("unreadable", xml);
                self.evidence.log("bench", self.now, &format!("message on the DUIS interface does not parse: {error}"));
                self.seen.undecoded += 1;
            }
        }
        self.seen.revision += 1;
    }

    fn name_of(&self, party: Party) -> String {
        match party {
            Party::Dsp => "dsp".to_owned(),
            Party::User(eui) => {
                self.dsp.data().users.get(&eui).map_or_else(|| eui.to_string(), |user| user.name.clone())
            }
        }
    }

    fn tell_progress(&self) {
        if let Some(image) = self.seen.fetched.values().filter_map(|images| images.last()).next_back() {
            self.progress.transfer(image.covered() as u64, u64::from(image.size));
        }
    }

    fn next_event(&self) -> Option<Instant> {
        [
            self.air.poll_at(),
            self.hub.poll_at(self.now),
            self.seats.iter().filter_map(|seat| seat.device.poll_at()).min(),
            self.csp.poll_at(),
            self.dsp.poll_at(),
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
                WanDirection::FromHub => self.csp.on_hub_octets(now, self.hub_eui, &octets),
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
        if due(self.csp.poll_at()) {
            self.csp.poll(now);
        }
        if due(self.dsp.poll_at()) {
            self.dsp.poll(now);
        }
        self.settle();
    }

    fn advance(&mut self, deadline: Instant, done: &mut dyn FnMut(&Observations) -> bool) -> Result<bool, BenchFault> {
        let mut looked_at = None;
        let mut at_this_instant = 0;
        loop {
            if looked_at != Some(self.seen.revision) {
                looked_at = Some(self.seen.revision);
                if done(&self.seen) {
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
        &self.seen
    }

    fn run_until<'a>(
        &'a mut self,
        deadline: Instant,
        done: &'a mut dyn FnMut(&Observations) -> bool,
    ) -> Pending<'a, Result<bool, Cannot>> {
        Box::pin(async move { self.advance(deadline, done).map_err(Cannot::from) })
    }

    fn send_request(&mut self, user: Eui64, request: &Request) -> Result<(), Cannot> {
        let xml = DuisMessage::Request(request.clone()).to_xml();
        self.observe_duis(Party::User(user), Party::Dsp, &xml);
        let response = self.dsp.on_request(self.now, user, xml.as_bytes());
        self.observe_duis(Party::Dsp, Party::User(user), &response);
        self.settle();
        Ok(())
    }

    fn edit_dcc(&mut self, edit: &mut dyn FnMut(&mut DccData)) -> Result<(), Cannot> {
        edit(self.dsp.data_mut());
        Ok(())
    }

    fn update_locally(&mut self, device: Eui64, image: &[u8]) -> Result<(), Cannot> {
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

    fn stop(&mut self) -> EndOfScenario {
        let stats = self.air.stats();
        let blocks = self.seen.air.iter().filter(|sighting| sighting.is_block()).count() as u64;
        let counters = BTreeMap::from([
            ("frames on the air".to_owned(), stats.transmitted),
            ("frames sniffed".to_owned(), self.seen.frames),
            ("frames not decoded".to_owned(), self.seen.undecoded),
            ("image blocks".to_owned(), blocks),
            ("WAN messages".to_owned(), self.seen.wan.len() as u64),
            ("DUIS messages".to_owned(), self.seen.duis.len() as u64),
        ]);
        let (evidence, fault) = match self.evidence.finish() {
            Ok(evidence) => (evidence, None),
            Err(fault) => (Vec::new(), Some(fault)),
        };
        EndOfScenario { evidence, counters, fault }
    }
}

fn key_ring(bench: &Bench) -> KeyRing {
    let mut keys = KeyRing::default();
    keys.add_network_key(bench.network.network_key, None);
    for ppmid in &bench.ppmids {
        keys.add_link_key(ppmid.install_code.link_key(), ppmid.eui, Some(bench.hub.eui));
    }
    keys
}

fn hub_config(bench: &Bench, seed: u64) -> HubConfig {
    let (hub, network) = (&bench.hub, &bench.network);
    HubConfig {
        eui64: hub.eui,
        firmware_version: hub.firmware_version,
        manufacturer_code: hub.manufacturer_code,
        network: hanrig_ch::Network {
            channel: network.channel,
            pan_id: network.pan_id,
            extended_pan_id: network.extended_pan_id,
            network_key: network.network_key,
        },
        signing_key: hub.keys.ds.clone(),
        access_control_broker: bench.access_control_broker.eui,
        profile: HubProfile {
            retention: hub.profile.retention,
            stall: hub.profile.stall,
            notify_again: hub.profile.notify_again,
        },
        seed: seed_for(seed, "hub"),
    }
}

fn ppmid_config(bench: &Bench, ppmid: &PpmidOfBench, seed: u64) -> Result<PpmidConfig, BenchFault> {
    let manufacturer = bench.manufacturer(ppmid.manufacturer_code).ok_or_else(|| {
        BenchFault::new(format!(
            "{} is of manufacturer {:04X}, which is not on the bench",
            ppmid.name, ppmid.manufacturer_code
        ))
    })?;
    let broker = &bench.access_control_broker;
    let declared = &ppmid.declaration;
    Ok(PpmidConfig {
        eui64: ppmid.eui,
        manufacturer_code: ppmid.manufacturer_code,
        image_type: ppmid.model,
        hardware_version: ppmid.hardware_version,
        factory_version: ppmid.firmware_version,
        link_key: ppmid.install_code.link_key(),
        channels: vec![bench.network.channel],
        signing_key: ppmid.keys.ds.clone(),
        key_agreement: ppmid.keys.ka.clone(),
        access_control_broker: AccessControlBroker { eui64: broker.eui, key_agreement: broker.keys.ka.public_key() },
        manufacturer_key: manufacturer.signing_key.verifying_key(),
        declaration: Declaration {
            sends_hardware_version: declared.sends_hardware_version,
            block_size: declared.block_size,
            query_period: declared.query_period,
            ..Declaration::default()
        },
        seed: seed_for(seed, &ppmid.name),
    })
}

fn dsp_config(bench: &Bench) -> DspConfig {
    let broker = &bench.access_control_broker;
    let mut config = DspConfig::new(broker.eui, bench.epoch, broker.keys.ka.clone());
    let devices =
        core::iter::once((bench.hub.eui, &bench.hub.keys)).chain(bench.ppmids.iter().map(|p| (p.eui, &p.keys)));
    for (eui, keys) in devices {
        let keys = DeviceKeys { signing: keys.ds.verifying_key(), key_agreement: keys.ka.public_key() };
        config.device_keys.insert(eui, keys);
    }
    config
}

fn csp_config(bench: &Bench, region: CspRegion) -> CspConfig {
    CspConfig::new(region, bench.epoch)
}
