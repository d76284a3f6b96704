//! One channel with a few nodes on it, in virtual time.

use hanrig_wire::mac;
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::{Eui64, Key128};
use hanrig_zigbee::{
    ApsConfig, Destination, Event, Handle, Incoming, MacConfig, Node, NodeConfig, Outgoing, PersistentState, Role,
    SendError, SimpleDescriptor, TransmitResult,
};

pub(crate) const HUB: Eui64 = Eui64(0x00DB_1234_5678_90A0);
pub(crate) const PPMID: Eui64 = Eui64(0x00DB_1234_5678_90A4);
pub(crate) const LINK_KEY: Key128 = Key128(*b"link key of test");
pub(crate) const NETWORK_KEY: Key128 = Key128(*b"network key test");
pub(crate) const CHANNEL: u8 = 15;
pub(crate) const OTA: u16 = 0x0019;

pub(crate) const H: usize = 0;
pub(crate) const P: usize = 1;

/// What becomes of a frame on its way to one receiver.
pub(crate) type Fate<'a> = Box<dyn FnMut(Instant, &[u8], usize) -> bool + 'a>;

struct Radio {
    node: Option<Node>,
    waiting: Option<(Instant, u8, Vec<u8>, u8)>,
    events: Vec<Event>,
}

pub(crate) struct Medium<'a> {
    pub(crate) now: Instant,
    radios: Vec<Radio>,
    on_air: Vec<(Instant, usize, Vec<u8>, bool, u8)>,
    pub(crate) captured: Vec<(Instant, Vec<u8>)>,
    /// Whether a frame reaches a receiver.
    pub(crate) reaches: Fate<'a>,
    random: u32,
}

pub(crate) fn hub_config() -> NodeConfig {
    NodeConfig {
        eui64: HUB,
        role: Role::Coordinator {
            channel: CHANNEL,
            pan_id: 0x1A62,
            extended_pan_id: 0x00DB_0000_0000_0001,
            network_key: NETWORK_KEY,
        },
        endpoints: vec![SimpleDescriptor {
            endpoint: 1,
            profile: 0x0109,
            device: 0x0500,
            version: 0,
            input_clusters: vec![OTA],
            output_clusters: vec![],
        }],
        mac: MacConfig::default(),
        aps: ApsConfig::default(),
        seed: [1; 32],
        manufacturer_code: 0x10C7,
    }
}

pub(crate) fn ppmid_config() -> NodeConfig {
    NodeConfig {
        eui64: PPMID,
        role: Role::EndDevice { link_key: LINK_KEY, channels: vec![11, CHANNEL, 20] },
        endpoints: vec![SimpleDescriptor {
            endpoint: 2,
            profile: 0x0109,
            device: 0x0502,
            version: 0,
            input_clusters: vec![],
            output_clusters: vec![OTA],
        }],
        seed: [2; 32],
        ..hub_config()
    }
}

pub(crate) fn message(to: impl Into<Destination>, asdu: Vec<u8>) -> Outgoing {
    let to = to.into();
    let (source_endpoint, destination_endpoint) = if to == Destination::Device(HUB) { (2, 1) } else { (1, 2) };
    Outgoing {
        destination: to,
        profile: 0x0109,
        cluster: OTA,
        source_endpoint,
        destination_endpoint,
        asdu,
        aps_ack: true,
        link_key: true,
    }
}

impl<'a> Medium<'a> {
    pub(crate) fn new() -> Self {
        Self {
            now: Instant::ZERO,
            radios: Vec::new(),
            on_air: Vec::new(),
            captured: Vec::new(),
            reaches: Box::new(|_, _, _| true),
            random: 12345,
        }
    }

    /// A started hub that permits the PPMID, and a started PPMID.
    pub(crate) fn pair() -> Self {
        let mut medium = Self::new();
        let hub = medium.add(Node::new(hub_config(), None));
        medium.node(hub).permit(PPMID, LINK_KEY);
        medium.add(Node::new(ppmid_config(), None));
        medium
    }

    /// A pair that has joined, with the events of that taken.
    pub(crate) fn joined() -> Self {
        let mut medium = Self::pair();
        medium.run_until(|m| m.node(P).is_joined() && m.node(H).short_of(PPMID).is_some());
        medium.run(Duration::from_secs(1));
        medium.take_events(H);
        medium.take_events(P);
        medium
    }

    pub(crate) fn add(&mut self, node: Node) -> usize {
        self.radios.push(Radio { node: Some(node), waiting: None, events: Vec::new() });
        let at = self.radios.len() - 1;
        let now = self.now;
        self.node(at).start(now);
        self.serve(at);
        at
    }

    pub(crate) fn node(&mut self, at: usize) -> &mut Node {
        self.radios[at].node.as_mut().expect("the node is powered")
    }

    /// Takes the power from a node; gives what it had stored.
    pub(crate) fn power_off(&mut self, at: usize) -> PersistentState {
        self.radios[at].waiting = None;
        self.radios[at].events.clear();
        self.radios[at].node.take().expect("the node is powered").persistent_state()
    }

    pub(crate) fn power_on(&mut self, at: usize, node: Node) {
        self.radios[at].node = Some(node);
        let now = self.now;
        self.node(at).start(now);
        self.serve(at);
    }

    pub(crate) fn take_events(&mut self, at: usize) -> Vec<Event> {
        core::mem::take(&mut self.radios[at].events)
    }

    pub(crate) fn take_data(&mut self, at: usize) -> Vec<Incoming> {
        let events = self.take_events(at).into_iter();
        events.filter_map(|event| if let Event::Data(incoming) = event { Some(incoming) } else { None }).collect()
    }

    /// Sends, and runs until that is through.
    pub(crate) fn send(&mut self, at: usize, outgoing: Outgoing) -> Result<(), SendError> {
        let now = self.now;
        let handle = self.node(at).send(now, outgoing);
        self.serve(at);
        self.run_until(|m| m.result(at, handle).is_some());
        self.result(at, handle).expect("it has just been there")
    }

    fn result(&self, at: usize, handle: Handle) -> Option<Result<(), SendError>> {
        self.radios[at].events.iter().find_map(|event| match event {
            Event::Sent { handle: of, result } if *of == handle => Some(*result),
            _ => None,
        })
    }

    /// Puts octets on the air as a stranger would.
    pub(crate) fn inject(&mut self, octets: &[u8]) {
        self.captured.push((self.now, octets.to_vec()));
        for at in 0..self.radios.len() {
            let now = self.now;
            if let Some(node) = &mut self.radios[at].node {
                node.on_frame(now, octets, 200);
                self.serve(at);
            }
        }
    }

    pub(crate) fn run(&mut self, duration: Duration) {
        (0..self.radios.len()).for_each(|at| self.serve(at));
        let until = self.now + duration;
        while self.step(until) {}
        self.now = until;
    }

    pub(crate) fn run_until(&mut self, done: impl Fn(&mut Self) -> bool) {
        (0..self.radios.len()).for_each(|at| self.serve(at));
        let limit = self.now + Duration::from_secs(300);
        while !done(self) {
            assert!(self.step(limit), "nothing more happens and it is not done");
        }
    }

    fn serve(&mut self, at: usize) {
        while let Some(event) = self.radios[at].node.as_mut().and_then(Node::take_event) {
            self.radios[at].events.push(event);
        }
        while let Some(transmit) = self.radios[at].node.as_mut().and_then(Node::take_transmit) {
            if transmit.csma {
                assert!(self.radios[at].waiting.is_none(), "one frame at a time");
                self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let backoff = Duration::from_micros(u64::from(self.random >> 16 & 7) * 320 + 320);
                self.radios[at].waiting = Some((self.now + backoff, 0, transmit.octets, transmit.channel));
            } else {
                self.transmit(at, transmit.octets, false, transmit.channel);
            }
        }
    }

    fn transmit(&mut self, at: usize, octets: Vec<u8>, csma: bool, channel: u8) {
        assert!(octets.len() <= mac::MAX_FRAME, "a frame of {} octets", octets.len());
        let airtime = Duration::from_micros((octets.len() as u64 + 6) * 32);
        self.captured.push((self.now, octets.clone()));
        self.on_air.push((self.now + airtime, at, octets, csma, channel));
    }

    /// Does the next thing before `until`; says whether there was one.
    fn step(&mut self, until: Instant) -> bool {
        let polls = self.radios.iter().filter_map(|radio| radio.node.as_ref()?.poll_at());
        let starts = self.radios.iter().filter_map(|radio| Some(radio.waiting.as_ref()?.0));
        let ends = self.on_air.iter().map(|(end, ..)| *end);
        let Some(next) = polls.chain(starts).chain(ends).min().filter(|next| *next <= until) else { return false };
        self.now = self.now.max(next);
        let now = self.now;
        if let Some(at) = self.on_air.iter().position(|(end, ..)| *end <= now) {
            let (_, sender, octets, csma, channel) = self.on_air.remove(at);
            if csma && let Some(node) = &mut self.radios[sender].node {
                node.on_transmit_done(now, TransmitResult::Sent);
                self.serve(sender);
            }
            for at in (0..self.radios.len()).filter(|at| *at != sender) {
                let Some(node) = &mut self.radios[at].node else { continue };
                if node.channel() == channel && (self.reaches)(now, &octets, at) {
                    node.on_frame(now, &octets, 200);
                    self.serve(at);
                }
            }
            return true;
        }
        for at in 0..self.radios.len() {
            if self.radios[at].waiting.as_ref().is_some_and(|(start, ..)| *start <= now) {
                let (_, tries, octets, channel) = self.radios[at].waiting.take().expect("just seen");
                if self.on_air.is_empty() {
                    self.transmit(at, octets, true, channel);
                } else if tries < 4 {
                    self.radios[at].waiting = Some((now + Duration::from_micros(1280), tries + 1, octets, channel));
                } else {
                    self.node(at).on_transmit_done(now, TransmitResult::ChannelAccessFailure);
                    self.serve(at);
                }
                return true;
            }
        }
        for at in 0..self.radios.len() {
            let node = self.radios[at].node.as_mut().filter(|node| node.poll_at().is_some_and(|due| due <= now));
            if let Some(node) = node {
                node.poll(now);
                self.serve(at);
                return true;
            }
        }
        unreachable!("something was due");
    }
}
