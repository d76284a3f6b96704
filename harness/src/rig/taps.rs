//! The rig's taps: every interface passes through here, to be decoded for verdicts and kept as evidence.

use super::evidence::Evidence;
use super::observe::{
    AirObserver, DuisSighting, GatewayContent, GatewaySighting, Observations, Overheard, Party, ScreenSighting, Shown,
    WanDirection, WanObserver,
};
use crate::bench::Bench;
use crate::progress::ScenarioProgress;
use crate::runner::{BenchFault, EndOfScenario, ScenarioContext};
use hanrig_air::SniffedFrame;
use hanrig_dcc::dsp::Viewer;
use hanrig_dcc::duis::parse;
use hanrig_dcc::gateway::{CspToDsp, DspToCsp};
use hanrig_wire::dissect::KeyRing;
use hanrig_wire::mac;
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::Eui64;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// How many frames go by between two words on how far a transfer is.
const FRAMES_PER_PROGRESS: u64 = 256;
/// How long a frame of the attacker may take to the air: one that the sniffer has missed is not waited for longer.
const ON_ITS_WAY: Duration = Duration::from_secs(5);

/// The taps of one scenario.
#[derive(Debug)]
pub struct Taps {
    seen: Observations,
    evidence: Evidence,
    air: AirObserver,
    to_hub: WanObserver,
    from_hub: WanObserver,
    /// What the parties on the DUIS interface are called.
    names: BTreeMap<Eui64, String>,
    progress: ScenarioProgress,
    eavesdropping: bool,
    /// What the attacker has handed to its radio and when, until the sniffer hears it.
    injections: VecDeque<(Instant, Vec<u8>)>,
}

impl Taps {
    /// Taps for `bench`, with the keys to decrypt what its nodes say.
    ///
    /// # Errors
    /// When the evidence cannot be written.
    pub fn new(bench: &Bench, context: &ScenarioContext) -> Result<Self, BenchFault> {
        let mut ring = KeyRing::default();
        ring.add_network_key(bench.network.network_key, None);
        let mut keys = vec![(bench.network.network_key, "network key".to_owned())];
        for device in bench.on_han() {
            let link_key = device.install_code.link_key();
            ring.add_link_key(link_key, device.eui, Some(bench.hub.eui));
            keys.push((link_key, format!("link key of {} {}", device.name, device.eui)));
        }
        let mut evidence = Evidence::new(context.out_dir.as_deref(), bench.epoch, &keys)?;
        let certificates = &bench.certificates;
        evidence.text("root.pem", "the certificate that all others rest on", &certificates.root_pem());
        evidence.text("certificates.pem", "what DUIS messages are signed with", &certificates.to_pem());
        Ok(Self {
            seen: Observations::default(),
            evidence,
            air: AirObserver::new(ring),
            to_hub: WanObserver::new(WanDirection::ToHub),
            from_hub: WanObserver::new(WanDirection::FromHub),
            names: bench.data.users.iter().map(|(eui, user)| (*eui, user.name.clone())).collect(),
            progress: context.progress.clone(),
            eavesdropping: false,
            injections: VecDeque::new(),
        })
    }

    /// What was observed until now.
    pub const fn seen(&self) -> &Observations {
        &self.seen
    }

    /// A frame that the sniffer heard.
    pub fn frame(&mut self, frame: &SniffedFrame) {
        self.evidence.frame(frame);
        if self.is_injected(frame) {
            // What an attacker says in the name of another is not that other's word.
            self.seen.frames += 1;
            self.seen.injected += 1;
            self.seen.revision += 1;
            return;
        }
        if self.eavesdropping {
            self.seen.revision += 1;
            self.seen.overheard.push(Overheard { at: frame.at, octets: Arc::clone(&frame.psdu) });
        }
        self.air.on_frame(frame, &mut self.seen);
        if self.seen.frames.is_multiple_of(FRAMES_PER_PROGRESS)
            && let Some(image) = self.seen.fetched.values().filter_map(|images| images.last()).next_back()
        {
            self.progress.transfer(image.covered() as u64, u64::from(image.size));
        }
    }

    /// Keeps every frame from now on.
    pub const fn eavesdrop(&mut self) {
        self.eavesdropping = true;
    }

    /// Notes that the attacker sends this frame.
    pub fn injecting(&mut self, at: Instant, octets: &[u8]) {
        self.injections.retain(|(sent, _)| *sent + ON_ITS_WAY > at);
        self.injections.push_back((at, octets.to_vec()));
    }

    /// Whether a frame is the attacker's. A radio may compute the frame check sequence anew.
    fn is_injected(&mut self, frame: &SniffedFrame) -> bool {
        let content = |octets: &[u8]| octets.len().checked_sub(mac::FCS_LEN);
        let sent = self.injections.iter().position(|(_, sent)| {
            content(sent) == content(&frame.psdu)
                && content(sent).is_some_and(|length| sent.get(..length) == frame.psdu.get(..length))
        });
        sent.and_then(|place| self.injections.remove(place)).is_some()
    }

    /// Octets on the WAN link.
    pub fn wan(&mut self, at: Instant, direction: WanDirection, octets: &[u8]) {
        let (observer, name) = match direction {
            WanDirection::ToHub => (&mut self.to_hub, "CSP to hub"),
            WanDirection::FromHub => (&mut self.from_hub, "hub to CSP"),
        };
        let evidence = &mut self.evidence;
        observer
            .on_octets(at, octets, &mut self.seen, |_, frame| evidence.wan(at, name, &frame.summary, &frame.octets));
    }

    /// A message from the DSP to a CSP.
    pub fn to_csp(&mut self, at: Instant, message: &DspToCsp) {
        let line = self.evidence.gateway(at, "DSP", message);
        self.gateway(at, line, GatewayContent::ToCsp(message.clone()));
    }

    /// A message from a CSP to the DSP.
    pub fn to_dsp(&mut self, at: Instant, message: &CspToDsp) {
        let line = self.evidence.gateway(at, "CSP", message);
        self.gateway(at, line, GatewayContent::ToDsp(message.clone()));
    }

    fn gateway(&mut self, at: Instant, line: u64, content: GatewayContent) {
        self.seen.gateway.push(GatewaySighting { at, line, content });
        self.seen.revision += 1;
    }

    /// A message on the DUIS interface.
    pub fn duis(&mut self, at: Instant, from: Party, to: Party, xml: &str) {
        match parse(xml) {
            Ok(message) => {
                let what = format!("{} {}", self.name_of(from), DuisSighting::what(&message));
                let what = match to {
                    Party::User(_) => format!("{what} to {}", self.name_of(to)),
                    Party::Dsp => what,
                };
                let file = self.evidence.duis(&what, xml);
                let document = (from == Party::Dsp).then(|| xml.to_owned());
                self.seen.duis.push(DuisSighting { at, from, to, file, message, document });
            }
            Err(error) => {
                let file = self.evidence.duis("unreadable", xml);
                self.log("bench", at, &format!("{file} does not parse: {error}"));
                // What a User sends that is no DUIS message, a step has it send on purpose.
                if from == Party::Dsp {
                    self.seen.undecoded.document(&file);
                }
            }
        }
        self.seen.revision += 1;
    }

    /// What somebody was shown on SSI or SSMI.
    pub fn screen(&mut self, at: Instant, viewer: Viewer, shown: Shown) {
        let name = match viewer {
            Viewer::User(user) => self.name_of(Party::User(user)),
            Viewer::ServiceDesk => "DCC Service Desk".to_owned(),
        };
        let line = self.evidence.screen(at, &name, &shown);
        self.seen.screens.push(ScreenSighting { at, line, viewer, shown });
        self.seen.revision += 1;
    }

    fn name_of(&self, party: Party) -> String {
        match party {
            Party::Dsp => "dsp".to_owned(),
            Party::User(eui) => self.names.get(&eui).cloned().unwrap_or_else(|| eui.to_string()),
        }
    }

    /// A line that a device, or the bench itself, logged.
    pub fn log(&mut self, device: &str, at: Instant, line: &str) {
        self.evidence.log(device, at, line);
    }

    /// Gets the evidence so far to its files.
    pub fn flush(&mut self) {
        self.evidence.flush();
    }

    /// Closes the evidence and counts what was seen; `counters` are the driver's own.
    pub fn finish(&mut self, mut counters: BTreeMap<String, u64>) -> EndOfScenario {
        let blocks = self.seen.air.iter().filter(|sighting| sighting.is_block()).count();
        for (name, count) in [
            ("frames sniffed", self.seen.frames),
            ("frames not decoded", self.seen.undecoded.count),
            ("frames of the attacker", self.seen.injected),
            ("image blocks", blocks as u64),
            ("WAN messages", self.seen.wan.len() as u64),
            ("DUIS messages", self.seen.duis.len() as u64),
        ] {
            counters.insert(name.to_owned(), count);
        }
        match self.evidence.finish() {
            Ok(evidence) => EndOfScenario { evidence, counters, fault: None },
            Err(fault) => EndOfScenario { evidence: Vec::new(), counters, fault: Some(fault) },
        }
    }
}
