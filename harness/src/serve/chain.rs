//! The DCC and what is behind it, as one deterministic machine: DSP, CSPs, and the premises that software plays.
//!
//! [`Chain::apply`] takes what happens at a time, [`Chain::advance`] lets time pass; whatever is due is done at the very
//! moment at which it is due, however late its owner calls. So the same inputs at the same times give the same messages,
//! octet for octet, which is what the journal rests on: [`Chain::digest`] tells whether they did.

use super::ServeFault;
use super::identities;
use super::input::Input;
use super::premises::Premises;
use crate::bench::Bench;
use hanrig_dcc::Settings;
use hanrig_dcc::csp::{Csp, CspConfig, CspOutput};
use hanrig_dcc::data::{CspRegion, DataError, DccData};
use hanrig_dcc::dsp::{DeviceKeys, Dsp, DspConfig, DspOutput, ResetError, Viewer};
use hanrig_dcc::security::Protection;
use hanrig_wire::time::{Instant, Utc};
use hanrig_wire::types::Eui64;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How many events may fall on one instant before the participants are taken to go round in circles.
const EVENTS_PER_INSTANT: u32 = 1_000_000;

/// The most hubs that software plays with their Devices: each Device has a flash of its own, of about 2 MB.
pub const MAXIMUM_SOFTWARE_HUBS: usize = 64;

/// What a chain is made of.
#[derive(Clone, Debug)]
pub struct ChainConfig {
    /// Identities and keys: Access Control Broker, Suppliers, manufacturers, and Devices as far as they are on it.
    pub bench: Bench,
    /// The time of day at [`Instant::ZERO`].
    pub epoch: Utc,
    /// Seed of everything random.
    pub seed: u64,
    /// Which reading of the documents holds.
    pub settings: Settings,
    /// What the DSP signs with, and whose requests it takes; without it no signature is made or checked.
    pub protection: Option<Protection>,
    /// Whether software plays the hubs of the data and the Devices behind them.
    pub software_hubs: bool,
    /// The hubs that are reached over a WAN link of their own.
    pub external_hubs: BTreeSet<Eui64>,
}

/// What came of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Nothing that anybody waits for.
    Done,
    /// The synchronous answer to a Service Request, as DUIS XML.
    Response(String),
    /// Whether a Device was released.
    Reset(Result<(), ResetError>),
    /// Whether there was such a quarantined request.
    Found(bool),
    /// Whether the data were taken.
    Data(Result<(), DataError>),
}

/// A message for a User.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserMessage {
    /// The User.
    pub user: Eui64,
    /// Service Response, Device Alert or DCC Alert, as DUIS XML.
    pub xml: String,
}

/// The DCC and what is behind it.
#[derive(Debug)]
pub struct Chain {
    config: ChainConfig,
    now: Instant,
    dsp: Dsp,
    csps: BTreeMap<CspRegion, Csp>,
    premises: BTreeMap<Eui64, Premises>,
    /// The data as they were last loaded; what the DSP holds may have changed since.
    loaded: DccData,
    messages: VecDeque<UserMessage>,
    to_external: VecDeque<(Eui64, Vec<u8>)>,
    links_up: BTreeSet<Eui64>,
    digest: [u8; 32],
}

impl Chain {
    /// A chain that holds no data yet; the first input brings them.
    pub fn new(config: ChainConfig) -> Self {
        let mut dsp_config = DspConfig::new(
            config.bench.access_control_broker.eui,
            config.epoch,
            config.bench.access_control_broker.keys.ka.clone(),
        );
        dsp_config.settings = config.settings.clone();
        dsp_config.protection = config.protection.clone();
        let suppliers = config.bench.suppliers.iter();
        dsp_config.user_keys.extend(suppliers.map(|supplier| (supplier.eui, supplier.keys.ds.verifying_key())));
        Self {
            dsp: Dsp::new(dsp_config, DccData::default()),
            config,
            now: Instant::ZERO,
            csps: BTreeMap::new(),
            premises: BTreeMap::new(),
            loaded: DccData::default(),
            messages: VecDeque::new(),
            to_external: VecDeque::new(),
            links_up: BTreeSet::new(),
            digest: [0; 32],
        }
    }

    /// The time.
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// The time of day.
    pub fn utc(&self) -> Utc {
        self.dsp.utc(self.now)
    }

    /// The time of day at the start of the chain's time line.
    pub const fn epoch(&self) -> Utc {
        self.config.epoch
    }

    /// The DSP, to be looked at.
    pub const fn dsp(&self) -> &Dsp {
        &self.dsp
    }

    /// The data as they were last loaded.
    pub const fn loaded(&self) -> &DccData {
        &self.loaded
    }

    /// The hubs that are not software and whose link is up.
    pub const fn links_up(&self) -> &BTreeSet<Eui64> {
        &self.links_up
    }

    /// A digest over all messages and answers so far, in their order.
    pub const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The next message for a User, in the order in which they were made.
    pub fn take_message(&mut self) -> Option<UserMessage> {
        self.messages.pop_front()
    }

    /// The next octets for a hub that is not software.
    pub fn take_octets(&mut self) -> Option<(Eui64, Vec<u8>)> {
        self.to_external.pop_front()
    }

    /// When anything is next due.
    pub fn next_event(&self) -> Option<Instant> {
        let csps = self.csps.values().filter_map(Csp::poll_at);
        let premises = self.premises.values().filter_map(|premises| premises.poll_at(self.now));
        csps.chain(premises).chain(self.dsp.poll_at()).min()
    }

    /// Lets time pass until `until`, and does all that is due until then.
    ///
    /// # Errors
    ///
    /// When the participants never fall silent.
    pub fn advance(&mut self, until: Instant) -> Result<(), ServeFault> {
        let mut at_this_instant = 0;
        while let Some(next) = self.next_event().filter(|next| *next <= until) {
            if next > self.now {
                self.now = next;
                at_this_instant = 0;
            }
            at_this_instant += 1;
            if at_this_instant > EVENTS_PER_INSTANT {
                return Err(ServeFault::Circles(self.utc()));
            }
            self.dispatch();
        }
        self.now = self.now.max(until);
        Ok(())
    }

    /// Does all that is due now.
    fn dispatch(&mut self) {
        let now = self.now;
        for premises in self.premises.values_mut().filter(|premises| premises.poll_at(now).is_some_and(|at| at <= now))
        {
            premises.poll(now);
        }
        for csp in self.csps.values_mut().filter(|csp| csp.poll_at().is_some_and(|at| at <= now)) {
            csp.poll(now);
        }
        if self.dsp.poll_at().is_some_and(|at| at <= now) {
            self.dsp.poll(now);
        }
        self.settle();
    }

    /// Carries messages between DSP, CSPs, hubs and Users until all are silent.
    fn settle(&mut self) {
        let now = self.now;
        loop {
            let from_hub =
                self.premises.iter_mut().find_map(|(hub, premises)| Some((*hub, premises.take_from_hub(now)?)));
            if let Some((hub, octets)) = from_hub {
                self.on_hub_octets(hub, &octets);
            } else if let Some((region, output)) =
                self.csps.iter_mut().find_map(|(region, csp)| Some((*region, csp.take_output()?)))
            {
                match output {
                    CspOutput::ToDsp(message) => self.dsp.on_csp(now, region, message),
                    CspOutput::ToHub { hub, octets } => match self.premises.get_mut(&hub) {
                        Some(premises) => premises.send_to_hub(now, octets),
                        None => self.to_external.push_back((hub, octets)),
                    },
                }
            } else if let Some(output) = self.dsp.take_output() {
                match output {
                    DspOutput::ToUser { user, xml } => {
                        self.note(user, &xml);
                        self.messages.push_back(UserMessage { user, xml });
                    }
                    DspOutput::ToCsp { region, message } => {
                        if let Some(csp) = self.csps.get_mut(&region) {
                            csp.on_dsp(now, message);
                        }
                    }
                }
            } else {
                return;
            }
        }
    }

    /// Takes what happens now.
    ///
    /// # Errors
    ///
    /// When a participant does not start or they never fall silent. What is merely wrong with the input is part of the
    /// result.
    pub fn apply(&mut self, input: &Input) -> Result<Applied, ServeFault> {
        let now = self.now;
        let applied = match input {
            Input::Data { toml } => match DccData::read(&[("journal", toml)]) {
                Ok(data) => {
                    self.load(data)?;
                    Applied::Data(Ok(()))
                }
                Err(error) => Applied::Data(Err(error)),
            },
            Input::Request { user, document } => {
                let response = self.dsp.on_request(now, *user, document);
                self.note(*user, &response);
                Applied::Response(response)
            }
            Input::Advance { until } => {
                self.advance(*until)?;
                Applied::Done
            }
            Input::Reset { device } => {
                Applied::Reset(self.dsp.reset_firmware_update_status(now, Viewer::ServiceDesk, *device))
            }
            Input::Release { request } => Applied::Found(self.dsp.release_quarantined(now, *request)),
            Input::Discard { request } => Applied::Found(self.dsp.discard_quarantined(now, *request)),
            Input::HubLink { hub, up } => {
                if *up {
                    self.links_up.insert(*hub);
                } else {
                    self.links_up.remove(hub);
                }
                self.with_csp(*hub, |csp| csp.set_link(now, *hub, *up));
                Applied::Done
            }
            Input::HubOctets { hub, octets } => {
                self.on_hub_octets(*hub, octets);
                Applied::Done
            }
        };
        self.settle();
        Ok(applied)
    }

    /// Adds an answer or a message to the digest.
    fn note(&mut self, user: Eui64, xml: &str) {
        let mut hash = Sha256::new();
        hash.update(self.digest);
        hash.update(user.to_be_bytes());
        hash.update(xml);
        self.digest = hash.finalize().into();
    }

    fn on_hub_octets(&mut self, hub: Eui64, octets: &[u8]) {
        let now = self.now;
        self.with_csp(hub, |csp| csp.on_hub_octets(now, hub, octets));
    }

    fn with_csp(&mut self, hub: Eui64, what: impl FnOnce(&mut Csp)) {
        let region = self.dsp.data().hubs.get(&hub).map(|hub| hub.region);
        if let Some(csp) = region.and_then(|region| self.csps.get_mut(&region)) {
            what(csp);
        }
    }

    /// Takes data that were loaded, in place of those before. What the DSP has learnt of a Device stays, unless the files say
    /// something else of it than they did.
    fn load(&mut self, data: DccData) -> Result<(), ServeFault> {
        let before = std::mem::replace(&mut self.loaded, data.clone());
        let live = self.dsp.data_mut();
        let learnt = std::mem::take(&mut live.smi.devices);
        *live = data;
        for (id, device) in learnt {
            if let Some(now) = live.smi.devices.get_mut(&id)
                && before.smi.devices.get(&id) == Some(&*now)
            {
                *now = device;
            }
        }
        self.change_hubs(&before)
    }

    /// Tells CSPs and premises of the hubs and Devices that came and went.
    fn change_hubs(&mut self, before: &DccData) -> Result<(), ServeFault> {
        let now = self.now;
        let after = self.loaded.clone();
        let of_csps: BTreeMap<Eui64, CspRegion> = after.hubs.values().map(|hub| (hub.id, hub.region)).collect();
        for (hub, region) in &of_csps {
            let config = &self.config;
            let csp = self.csps.entry(*region).or_insert_with(|| {
                let mut csp = CspConfig::new(*region, config.epoch);
                csp.settings = config.settings.csp;
                Csp::new(csp)
            });
            csp.add_hub(*hub);
            let bench = identities::premises(&self.config.bench, &after, *hub, self.config.seed);
            let Some(bench) = bench else { continue };
            let is_external = self.config.external_hubs.contains(hub);
            let is_software = self.config.software_hubs && !is_external;
            let is_new = |device: Eui64| before.smi.devices.get(&device).is_none_or(|device| device.hub != Some(*hub));
            for device in bench.on_han().filter(|device| is_new(device.eui)) {
                if is_software || is_external {
                    csp.provision(now, *hub, device.eui, device.device_type, device.install_code.link_key());
                } else {
                    csp.know_device(*hub, device.eui, device.device_type);
                }
            }
            let gone = before.smi.on_hub(*hub).map(|device| device.id);
            let gone: Vec<Eui64> =
                gone.filter(|id| after.smi.devices.get(id).is_none_or(|device| device.hub != Some(*hub))).collect();
            for device in &gone {
                csp.remove_device(now, *hub, *device);
            }
            if is_software {
                if let Some(premises) = self.premises.get_mut(hub) {
                    gone.iter().for_each(|device| premises.remove(*device));
                    premises.add(now, &bench, self.config.seed, is_new)?;
                } else {
                    self.premises.insert(*hub, Premises::start(now, &bench, self.config.seed)?);
                    csp.set_link(now, *hub, true);
                }
            }
            self.learn_keys(&bench);
        }
        let gone = before.hubs.values().filter(|hub| of_csps.get(&hub.id) != Some(&hub.region));
        for hub in gone {
            if let Some(csp) = self.csps.get_mut(&hub.region) {
                csp.set_link(now, hub.id, false);
            }
            if !of_csps.contains_key(&hub.id) {
                self.premises.remove(&hub.id);
            }
        }
        Ok(())
    }

    /// Has the DSP know the public keys of a hub and of the Devices behind it.
    fn learn_keys(&mut self, bench: &Bench) {
        let hub = core::iter::once((bench.hub.eui, &bench.hub.keys));
        let devices = bench.on_han().map(|device| (device.eui, device.keys));
        for (eui, keys) in hub.chain(devices) {
            let keys = DeviceKeys { signing: keys.ds.verifying_key(), key_agreement: keys.ka.public_key() };
            self.dsp.set_device_keys(eui, keys);
        }
    }
}
