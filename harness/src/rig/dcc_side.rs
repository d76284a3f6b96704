//! The DCC's side of a bench in software: DSP and CSPs, with the taps between them. Every driver has it.

use super::observe::{Party, WanDirection};
use super::taps::Taps;
use crate::bench::Bench;
use crate::runner::BenchFault;
use hanrig_dcc::csp::{Csp, CspConfig, CspOutput};
use hanrig_dcc::data::{CspRegion, DccData};
use hanrig_dcc::dsp::{DeviceKeys, Dsp, DspConfig, DspOutput};
use hanrig_dcc::gateway::{DspToCsp, GbcsMessage};
use hanrig_dcc::settings::CspSettings;
use hanrig_wire::time::Instant;
use hanrig_wire::types::Eui64;
use std::collections::BTreeMap;

/// DSP and CSPs: the one that reaches the bench's hub, and one for each other region in which the bench's data have a hub.
#[derive(Debug)]
pub struct DccSide {
    hub: Eui64,
    csp: Csp,
    other_csps: BTreeMap<CspRegion, Csp>,
    dsp: Dsp,
    /// Whether the SM WAN Gateway between DSP and the hub's CSP carries anything.
    gateway: bool,
    /// Whether the next image loses an octet between DSP and the hub's CSP.
    damages_next_image: bool,
}

impl DccSide {
    /// The DCC of `bench`.
    ///
    /// # Errors
    /// When the bench does not say which CSP reaches its hub.
    pub fn new(bench: &Bench) -> Result<Self, BenchFault> {
        let hub = bench.hub.eui;
        let region = bench
            .data
            .hubs
            .get(&hub)
            .map(|hub| hub.region)
            .ok_or_else(|| BenchFault::new(format!("no CSP region is known for hub {hub}")))?;
        let config = |region| CspConfig { settings: bench.settings.csp, ..CspConfig::new(region, bench.epoch) };
        let mut csp = Csp::new(config(region));
        let mut other_csps = BTreeMap::new();
        for other in bench.data.hubs.values() {
            let csp = if other.region == region {
                &mut csp
            } else {
                let make = || Csp::new(config(other.region));
                other_csps.entry(other.region).or_insert_with(make)
            };
            csp.add_hub(other.id);
            // The Devices of the bench's own hub are made known when it is told of them.
            for device in bench.data.smi.on_hub(other.id).filter(|_| other.id != hub) {
                csp.know_device(other.id, device.id, device.device_type);
            }
        }
        let dsp = Dsp::new(dsp_config(bench), bench.data.clone());
        Ok(Self { hub, csp, other_csps, dsp, gateway: true, damages_next_image: false })
    }

    /// Has the CSP tell the hub which Devices may join, as soon as its link is up.
    pub fn provision(&mut self, now: Instant, bench: &Bench) {
        for device in bench.on_han() {
            self.csp.provision(now, self.hub, device.eui, device.device_type, device.install_code.link_key());
        }
    }

    /// The WAN link to the hub came up or went down.
    pub fn set_link(&mut self, now: Instant, up: bool) {
        self.csp.set_link(now, self.hub, up);
    }

    /// Octets from the hub.
    pub fn on_hub_octets(&mut self, now: Instant, octets: &[u8]) {
        self.csp.on_hub_octets(now, self.hub, octets);
    }

    /// A document that `user` posts as a Service Request.
    pub fn on_document(&mut self, now: Instant, user: Eui64, xml: &str, taps: &mut Taps) {
        taps.duis(now, Party::User(user), Party::Dsp, xml);
        let response = self.dsp.on_request(now, user, xml.as_bytes());
        taps.duis(now, Party::Dsp, Party::User(user), &response);
    }

    /// A GBCS message for the hub that the DSP has not sent.
    pub fn send_to_hub(&mut self, now: Instant, octets: Vec<u8>) {
        self.csp.on_dsp(now, DspToCsp::Gbcs(GbcsMessage { hub: self.hub, octets }));
    }

    /// What the DCC holds.
    pub fn data_mut(&mut self) -> &mut DccData {
        self.dsp.data_mut()
    }

    /// Carries messages between DSP, CSP and Users until all are silent, and gives what is to be sent to the hub.
    pub fn settle(&mut self, now: Instant, taps: &mut Taps) -> Vec<Vec<u8>> {
        let mut to_hub = Vec::new();
        loop {
            let output = self.csps().find_map(|csp| Some((csp.region(), csp.take_output()?)));
            if let Some((region, output)) = output {
                match output {
                    CspOutput::ToHub { octets, .. } => {
                        taps.wan(now, WanDirection::ToHub, &octets);
                        to_hub.push(octets);
                    }
                    CspOutput::ToDsp(_) if !self.carries(region) => {}
                    CspOutput::ToDsp(message) => {
                        taps.to_dsp(now, &message);
                        self.dsp.on_csp(now, region, message);
                    }
                }
            } else if let Some(output) = self.dsp.take_output() {
                match output {
                    DspOutput::ToUser { user, xml } => taps.duis(now, Party::Dsp, Party::User(user), &xml),
                    DspOutput::ToCsp { region, message } => {
                        taps.to_csp(now, &message);
                        if !self.carries(region) {
                            continue;
                        }
                        let message = self.damaged(message);
                        if let Some(csp) = self.csps().find(|csp| csp.region() == region) {
                            csp.on_dsp(now, message);
                        }
                    }
                }
            } else {
                return to_hub;
            }
        }
    }

    fn carries(&self, region: CspRegion) -> bool {
        self.gateway || region != self.csp.region()
    }

    /// The message as it comes to the CSP.
    fn damaged(&mut self, mut message: DspToCsp) -> DspToCsp {
        if let DspToCsp::DistributionRequest(request) = &mut message
            && core::mem::take(&mut self.damages_next_image)
            && let Some(last) = request.image.last_mut()
        {
            *last ^= 0x01;
        }
        message
    }

    /// Lets the SM WAN Gateway between DSP and the hub's CSP carry messages, or nothing, either way.
    pub const fn set_gateway(&mut self, up: bool) {
        self.gateway = up;
    }

    /// Has an octet of the next image change between DSP and the hub's CSP.
    pub const fn damage_next_image(&mut self) {
        self.damages_next_image = true;
    }

    /// What the hub's CSP can do, to be changed.
    pub const fn csp_settings_mut(&mut self) -> &mut CspSettings {
        self.csp.settings_mut()
    }

    /// The DSP, for its screens.
    pub(super) const fn dsp(&mut self) -> &mut Dsp {
        &mut self.dsp
    }

    /// When [`Self::poll`] is next wanted.
    pub fn poll_at(&self) -> Option<Instant> {
        let csps = core::iter::once(&self.csp).chain(self.other_csps.values());
        csps.filter_map(Csp::poll_at).chain(self.dsp.poll_at()).min()
    }

    /// Does what is due at `now`.
    pub fn poll(&mut self, now: Instant) {
        for csp in self.csps().filter(|csp| csp.poll_at().is_some_and(|at| at <= now)) {
            csp.poll(now);
        }
        if self.dsp.poll_at().is_some_and(|at| at <= now) {
            self.dsp.poll(now);
        }
    }

    fn csps(&mut self) -> impl Iterator<Item = &mut Csp> {
        core::iter::once(&mut self.csp).chain(self.other_csps.values_mut())
    }

    /// The DSP, to plant a fault in.
    #[cfg(feature = "planted-faults")]
    pub const fn dsp_mut(&mut self) -> &mut Dsp {
        &mut self.dsp
    }

    /// The CSP, to plant a fault in.
    #[cfg(feature = "planted-faults")]
    pub const fn csp_mut(&mut self) -> &mut Csp {
        &mut self.csp
    }
}

fn dsp_config(bench: &Bench) -> DspConfig {
    let broker = &bench.access_control_broker;
    let mut config = DspConfig::new(broker.eui, bench.epoch, broker.keys.ka.clone());
    config.settings = bench.settings.clone();
    let hub = core::iter::once((bench.hub.eui, &bench.hub.keys));
    for (eui, keys) in hub.chain(bench.on_han().map(|device| (device.eui, device.keys))) {
        let keys = DeviceKeys { signing: keys.ds.verifying_key(), key_agreement: keys.ka.public_key() };
        config.device_keys.insert(eui, keys);
    }
    config.protection = Some(bench.certificates.of_dcc());
    let suppliers = bench.suppliers.iter().map(|supplier| (supplier.eui, supplier.keys.ds.verifying_key()));
    config.user_keys.extend(suppliers);
    config
}
