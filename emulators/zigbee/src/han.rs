//! What every Device on a hub's HAN does, whatever else it is.
//!
//! [`HanDevice`] joins the network, finds the hub's OTA server, sets its clock by the hub's, runs the client of the OTA
//! Upgrade Cluster, and serves the tunnel in which GBCS messages travel. What to do with an image, with a GBCS message or
//! with an Image Notify is its owner's decision, and comes to it as a [`HanEvent`].

use crate::api::{
    ApsConfig, Destination, Event, Handle, Incoming, MacConfig, NodeConfig, Outgoing, ReceiveFilter, Role, SendError,
    SimpleDescriptor, Transmit, TransmitResult,
};
use crate::laxity::{Laxities, Laxity};
use crate::node::Node;
use crate::ota::client::{Client, ClientConfig, ClientEvent};
use crate::state::PersistentState;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};
use hanrig_wire::time::{Duration, Instant, Utc};
use hanrig_wire::types::{Eui64, FirmwareVersion, Key128};
use hanrig_wire::zcl::ota::{ImageNotify, OtaCommand};
use hanrig_wire::zcl::tunneling::{MAXIMUM_TRANSFER_SIZE, PROTOCOL_GB_HRGP, TunnelCommand, TunnelStatus};
use hanrig_wire::zcl::{DefaultResponse, Direction, FrameType, Status, ZclHeader, global, ota, time, tunneling};

/// The profile of Smart Energy.
const PROFILE: u16 = 0x0109;
const ENDPOINT: u8 = 1;
/// How long after a discovery or a reading of the time that got no answer the next one follows.
const ASK_AGAIN: Duration = Duration::from_secs(60);
/// How often the clock is set by the hub's.
const SET_CLOCK_EVERY: Duration = Duration::from_secs(24 * 3600);
/// Image Block Request.
const BLOCK_REQUEST: u8 = 0x03;

/// What a Device's HAN side is told before it starts.
#[derive(Clone, Debug)]
pub struct HanConfig {
    /// Entity identifier.
    pub eui64: Eui64,
    /// ZigBee device identifier of its endpoint: what kind of Device it is.
    pub device_identifier: u16,
    /// The link key derived from its install code.
    pub link_key: Key128,
    /// The channels to look for its hub on, in this order.
    pub channels: Vec<u8>,
    /// Whether its radio acknowledges and repeats frames by itself, as an OpenThread RCP does.
    pub radio_acknowledges: bool,
    /// Seed of all that is chosen at random.
    pub seed: [u8; 32],
    /// What its OTA client is like.
    pub client: ClientConfig,
}

/// What the owner has to know or to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HanEvent {
    /// One line for the Device's log.
    Log(String),
    /// The hub's OTA server is found: a transfer that was cut off can go on.
    HubFound,
    /// The clock was set.
    ClockSet {
        /// To what.
        utc: Utc,
        /// Whether it was not set before.
        first: bool,
    },
    /// The hub has opened a tunnel: [`HanDevice::send_gbcs`] works.
    TunnelOpen,
    /// A GBCS message.
    Gbcs(Vec<u8>),
    /// The hub tells of an image: a Device that wants to know more calls [`HanDevice::follow_notify`].
    ImageNotify(ImageNotify),
    /// What the OTA client wants. Frames to send are for [`HanDevice::send_ota`].
    Client(ClientEvent),
    /// What became of a message.
    Sent {
        /// The message.
        handle: Handle,
        /// `Ok` where the hub has acknowledged it.
        result: Result<(), SendError>,
    },
    /// [`HanDevice::persistent_state`] changed in a way that must outlive a loss of power.
    PersistNeeded,
}

/// How long the hub may take, at first and at most, to open a tunnel to a Device that has announced itself. An announcement
/// is a broadcast, which nobody acknowledges: one that was lost is made good by another.
const TUNNEL_PATIENCE: Duration = Duration::from_secs(30);
const LONGEST_TUNNEL_PATIENCE: Duration = Duration::from_secs(1800);

/// The Communications Hub, once it is found.
#[derive(Clone, Copy, Debug)]
struct Hub {
    eui: Eui64,
    endpoint: u8,
}

/// The HAN side of a Device.
#[derive(Debug)]
pub struct HanDevice {
    node: Node,
    client: Client,
    hub: Option<Hub>,
    /// The tunnel that the hub has opened.
    tunnel: Option<u16>,
    next_tunnel: u16,
    /// What UTC is at `Instant::ZERO`, once the hub has told.
    epoch: Option<Utc>,
    discover_at: Option<Instant>,
    set_clock_at: Option<Instant>,
    /// When to announce the Device again, while the hub has opened no tunnel.
    announce_at: Option<Instant>,
    /// How long it waits for a tunnel then.
    tunnel_patience: Duration,
    sequence: u8,
    events: VecDeque<HanEvent>,
    lax: Laxities,
}

impl HanDevice {
    /// A Device that runs version `running`, in no network or in the one that it remembers.
    pub fn new(config: &HanConfig, restored: Option<PersistentState>, running: FirmwareVersion) -> Self {
        let node = Node::new(
            NodeConfig {
                eui64: config.eui64,
                role: Role::EndDevice { link_key: config.link_key, channels: config.channels.clone() },
                endpoints: vec![SimpleDescriptor {
                    endpoint: ENDPOINT,
                    profile: PROFILE,
                    device: config.device_identifier,
                    version: 0,
                    input_clusters: vec![tunneling::CLUSTER],
                    output_clusters: vec![ota::CLUSTER, time::CLUSTER],
                }],
                mac: MacConfig { radio_acknowledges: config.radio_acknowledges, ..MacConfig::default() },
                aps: ApsConfig::default(),
                seed: config.seed,
                manufacturer_code: config.client.manufacturer_code,
            },
            restored,
        );
        Self {
            node,
            client: Client::new(config.client.clone(), running),
            hub: None,
            tunnel: None,
            next_tunnel: 0,
            epoch: None,
            discover_at: None,
            set_clock_at: None,
            announce_at: None,
            tunnel_patience: TUNNEL_PATIENCE,
            sequence: 0,
            events: VecDeque::new(),
            lax: Laxities::new(),
        }
    }

    /// Joins the hub's network, or goes on in the one that is remembered.
    pub fn start(&mut self, now: Instant) {
        self.node.start(now);
    }

    /// Leaves a check out from now on.
    #[cfg(feature = "planted-faults")]
    pub fn relax(&mut self, laxity: crate::Laxity) {
        self.lax.add(laxity);
        self.node.relax(laxity);
        self.client.relax(laxity);
    }

    /// What must outlive a loss of power.
    pub fn persistent_state(&self) -> PersistentState {
        self.node.persistent_state()
    }

    /// The next frame for the radio.
    pub fn take_transmit(&mut self) -> Option<Transmit> {
        self.node.take_transmit()
    }

    /// What the radio is to receive now.
    pub const fn receive_filter(&self) -> ReceiveFilter {
        self.node.receive_filter()
    }

    /// The OTA client.
    pub const fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// The time of day, once the hub has told it.
    pub fn utc(&self, now: Instant) -> Option<Utc> {
        self.epoch.map(|epoch| epoch.after(now - Instant::ZERO))
    }

    /// When it is `utc`, once the hub has told the time; what is past is at `Instant::ZERO`.
    pub fn instant_of(&self, utc: Utc) -> Option<Instant> {
        let epoch = self.epoch?;
        Some(Instant(u64::try_from(utc.0.saturating_sub(epoch.0)).unwrap_or(0).saturating_mul(1000)))
    }

    /// Whether the hub has opened a tunnel.
    pub const fn is_tunnel_open(&self) -> bool {
        self.tunnel.is_some()
    }

    /// When [`Self::poll`] is next wanted.
    pub fn poll_at(&self) -> Option<Instant> {
        [self.node.poll_at(), self.client.poll_at(), self.discover_at, self.set_clock_at, self.announce_at]
            .into_iter()
            .flatten()
            .min()
    }

    /// Does what is due at `now`.
    pub fn poll(&mut self, now: Instant) {
        self.node.poll(now);
        self.client.poll(now);
        if self.discover_at.take_if(|at| *at <= now).is_some() {
            self.discover_at = Some(now + ASK_AGAIN);
            self.node.discover(now, PROFILE, ota::CLUSTER, true);
        }
        if self.announce_at.take_if(|at| *at <= now).is_some() && self.tunnel.is_none() {
            self.tunnel_patience = (self.tunnel_patience * 2).min(LONGEST_TUNNEL_PATIENCE);
            self.announce_at = Some(now + self.tunnel_patience);
            self.node.announce_again(now);
        }
        if self.set_clock_at.take_if(|at| *at <= now).is_some() {
            self.set_clock_at = Some(now + ASK_AGAIN);
            self.sequence = self.sequence.wrapping_add(1);
            let frame = time::read_request(self.sequence);
            self.send(now, time::CLUSTER, frame, true);
        }
    }

    /// A frame that the radio received, FCS included.
    pub fn on_frame(&mut self, now: Instant, octets: &[u8], lqi: u8) {
        self.node.on_frame(now, octets, lqi);
    }

    /// What became of the frame last handed to the radio.
    pub fn on_transmit_done(&mut self, now: Instant, result: TransmitResult) {
        self.node.on_transmit_done(now, result);
    }

    /// The next event. What the owner does on one may bring about the next.
    pub fn take_event(&mut self, now: Instant) -> Option<HanEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if let Some(event) = self.node.take_event() {
                self.on_node_event(now, event);
            } else {
                return self.client.take_event().map(HanEvent::Client);
            }
        }
    }

    /// Asks about the image that the hub told of.
    pub fn follow_notify(&mut self, now: Instant, notify: &ImageNotify) {
        self.client.on_command(now, 0, &OtaCommand::ImageNotify(*notify));
    }

    /// Sends a frame of the OTA Upgrade Cluster to the hub.
    pub fn send_ota(&mut self, now: Instant, frame: Vec<u8>) {
        // Block requests are repeated by the client itself: no APS acknowledgement for those.
        let aps_ack = frame.get(2) != Some(&BLOCK_REQUEST);
        self.send(now, ota::CLUSTER, frame, aps_ack);
    }

    /// Sends a GBCS message in the tunnel; `None` where there is none.
    pub fn send_gbcs(&mut self, now: Instant, octets: &[u8]) -> Option<Handle> {
        let tunnel = self.tunnel?;
        self.sequence = self.sequence.wrapping_add(1);
        let command = TunnelCommand::TransferData { tunnel, direction: Direction::ServerToClient, data: octets };
        self.send(now, tunneling::CLUSTER, command.frame(self.sequence), true)
    }

    fn log(&mut self, line: String) {
        self.events.push_back(HanEvent::Log(line));
    }

    fn on_node_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::NetworkUp { short } => {
                self.log(format!("network up, short address {short:04X}"));
                self.discover_at = Some(now);
            }
            Event::NetworkDown { .. } => self.log("network lost".into()),
            Event::JoinFailed(error) => self.log(format!("not joined: {error}")),
            Event::Discovered { cluster: ota::CLUSTER, eui, endpoints, .. } => {
                // The hub is its network's trust centre: any node with the network key can say that it serves the cluster.
                if !self.node.is_trust_centre(eui) && !self.lax.has(Laxity::AnyServer) {
                    self.log(format!("OTA server of {eui} not taken: it is not the hub"));
                } else if let (None, Some(endpoint)) = (self.hub, endpoints.first()) {
                    self.hub = Some(Hub { eui, endpoint: *endpoint });
                    self.discover_at = None;
                    self.set_clock_at = Some(now);
                    self.announce_at = Some(now + self.tunnel_patience);
                    self.events.push_back(HanEvent::HubFound);
                }
            }
            Event::Data(incoming) => self.on_data(now, &incoming),
            Event::Sent { handle, result } => self.events.push_back(HanEvent::Sent { handle, result }),
            Event::PersistNeeded => self.events.push_back(HanEvent::PersistNeeded),
            Event::Rejected(rejection) => self.log(format!("frame not taken: {}", rejection.reason)),
            Event::Discovered { .. }
            | Event::DiscoveryEnded { .. }
            | Event::DeviceJoined { .. }
            | Event::DeviceLeft { .. } => {}
        }
    }

    fn on_data(&mut self, now: Instant, incoming: &Incoming) {
        let secured = incoming.secured_with_link_key || self.lax.has(Laxity::WithoutLinkKey);
        if incoming.profile != PROFILE || !secured {
            return self.log(format!("message of {} not taken: not secured with the link key", incoming.source));
        }
        let (header, payload) = match ZclHeader::parse(&incoming.asdu) {
            Ok(parsed) => parsed,
            Err(error) => return self.log(format!("message of {} not taken: {error}", incoming.source)),
        };
        match (incoming.cluster, header.frame_type) {
            (ota::CLUSTER, FrameType::Cluster) => match OtaCommand::parse(header.command, payload) {
                Ok(OtaCommand::ImageNotify(notify)) => self.events.push_back(HanEvent::ImageNotify(notify)),
                Ok(command) if command.direction() == Direction::ServerToClient => {
                    self.client.on_command(now, header.sequence, &command);
                }
                Ok(command) => self.log(format!("{} is not for a client", command.name())),
                Err(error) => self.log(format!("OTA command not taken: {error}")),
            },
            (ota::CLUSTER, FrameType::Global) if header.command == global::DEFAULT_RESPONSE => {
                if let Ok(response) = DefaultResponse::parse(payload) {
                    self.client.on_default_response(now, header.sequence, response);
                }
            }
            (time::CLUSTER, FrameType::Global) if header.command == global::READ_ATTRIBUTES_RESPONSE => {
                if let Ok(Some(utc)) = time::parse_read_response(payload) {
                    self.set_clock(now, utc);
                }
            }
            (tunneling::CLUSTER, FrameType::Cluster) => self.on_tunnel(now, incoming, &header, payload),
            (_, FrameType::Global) => {}
            _ => {
                let answer = DefaultResponse::answer(&header, Status::UNSUP_COMMAND);
                self.send(now, incoming.cluster, answer, true);
            }
        }
    }

    fn set_clock(&mut self, now: Instant, utc: Utc) {
        let first = self.epoch.is_none();
        self.epoch = Some(Utc(utc.0.saturating_sub(i64::try_from(now.as_micros() / 1000).unwrap_or(0))));
        self.set_clock_at = Some(now + SET_CLOCK_EVERY);
        self.events.push_back(HanEvent::ClockSet { utc, first });
    }

    fn on_tunnel(&mut self, now: Instant, incoming: &Incoming, header: &ZclHeader, payload: &[u8]) {
        match TunnelCommand::parse(header, payload) {
            Ok(TunnelCommand::RequestTunnel { protocol, flow_control, .. }) => {
                let status = match (protocol, flow_control) {
                    (PROTOCOL_GB_HRGP, false) => TunnelStatus::Success,
                    (PROTOCOL_GB_HRGP, true) => TunnelStatus::FlowControlNotSupported,
                    _ => TunnelStatus::ProtocolNotSupported,
                };
                let open = status == TunnelStatus::Success;
                if open {
                    self.next_tunnel = (self.next_tunnel + 1) % 0x7FFF;
                    self.tunnel = Some(self.next_tunnel);
                }
                let response = TunnelCommand::RequestTunnelResponse {
                    tunnel: if open { self.next_tunnel } else { 0xFFFF },
                    status,
                    maximum_transfer_size: MAXIMUM_TRANSFER_SIZE,
                };
                self.reply(now, incoming, response.frame(header.sequence));
                if open {
                    self.events.push_back(HanEvent::TunnelOpen);
                }
            }
            Ok(TunnelCommand::TransferData { tunnel, direction: Direction::ClientToServer, data }) => {
                if self.tunnel == Some(tunnel) {
                    self.events.push_back(HanEvent::Gbcs(data.to_vec()));
                } else {
                    let error =
                        TunnelCommand::TransferDataError { tunnel, direction: Direction::ServerToClient, status: 0 };
                    self.reply(now, incoming, error.frame(header.sequence));
                }
            }
            Ok(TunnelCommand::CloseTunnel { tunnel }) => {
                self.tunnel.take_if(|open| *open == tunnel);
            }
            Ok(_) => {}
            Err(error) => self.log(format!("tunnel command not taken: {error}")),
        }
    }

    fn reply(&mut self, now: Instant, to: &Incoming, frame: Vec<u8>) {
        if self.hub.is_none() {
            // The hub may ask for a tunnel before its OTA server was discovered.
            self.send_to(now, to.source, to.source_endpoint, to.cluster, frame, true);
        } else {
            self.send(now, to.cluster, frame, true);
        }
    }

    fn send(&mut self, now: Instant, cluster: u16, frame: Vec<u8>, aps_ack: bool) -> Option<Handle> {
        let hub = self.hub?;
        Some(self.send_to(now, hub.eui, hub.endpoint, cluster, frame, aps_ack))
    }

    fn send_to(
        &mut self,
        now: Instant,
        device: Eui64,
        endpoint: u8,
        cluster: u16,
        asdu: Vec<u8>,
        aps_ack: bool,
    ) -> Handle {
        self.node.send(
            now,
            Outgoing {
                destination: Destination::Device(device),
                profile: PROFILE,
                cluster,
                source_endpoint: ENDPOINT,
                destination_endpoint: endpoint,
                asdu,
                aps_ack,
                link_key: true,
            },
        )
    }
}
