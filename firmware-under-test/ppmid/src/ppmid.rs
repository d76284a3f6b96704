//! The PPMID as a whole: its owner's interface, its HAN and its clocks.

use crate::config::PpmidConfig;
use crate::faults::{Fault, Faults};
use crate::firmware::PageBuffer;
use crate::gbcs;
use crate::state::State;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};
use embedded_storage::nor_flash::NorFlash;
use hanrig_wire::ota_file::MAXIMUM_IMAGE_SIZE;
use hanrig_wire::time::{Duration, Instant, Utc};
use hanrig_wire::types::Eui64;
use hanrig_wire::zcl::ota::OtaCommand;
use hanrig_wire::zcl::tunneling::{MAXIMUM_TRANSFER_SIZE, PROTOCOL_GB_HRGP, TunnelCommand, TunnelStatus};
use hanrig_wire::zcl::{DefaultResponse, Direction, FrameType, Status, ZclHeader, global, ota, time, tunneling};
use hanrig_zigbee::ota::client::{Client, ClientConfig, ClientEvent, Transfer};
use hanrig_zigbee::store::{Region, StateStore, StoreError};
use hanrig_zigbee::{
    ApsConfig, Destination, Event, Handle, Incoming, MacConfig, Node, NodeConfig, Outgoing, ReceiveFilter, Role,
    SimpleDescriptor, Transmit, TransmitResult,
};

/// What the PPMID wants its owner to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this frame by radio.
    Radio(Transmit),
    /// One line for the PPMID's log.
    Log(String),
}

/// Octets of flash for the state record, from the start on. Erased, they make a Device that is new.
pub const STATE_SIZE: u32 = 32 * 1024;
pub(crate) const SLOT_START: u32 = STATE_SIZE;
/// Octets of flash for one OTA Upgrade Image, in whole erase blocks of up to 4 KiB.
pub(crate) const SLOT_SIZE: u32 = (MAXIMUM_IMAGE_SIZE as u32).next_multiple_of(4096);

/// How many octets of flash a PPMID needs.
pub const fn flash_size() -> u32 {
    STATE_SIZE + SLOT_SIZE
}

const PROFILE: u16 = 0x0109;
const ENDPOINT: u8 = 1;
/// How long after a discovery or a reading of the time that got no answer the next one follows.
const ASK_AGAIN: Duration = Duration::from_secs(60);
/// How often the clock is set by the hub's.
const SET_CLOCK_EVERY: Duration = Duration::from_secs(24 * 3600);
/// How long after an Alert that did not arrive it is sent again.
const SEND_AGAIN: Duration = Duration::from_secs(30);

/// How long the PPMID stays on the air before it restarts, so that what it owes the hub (acknowledgements) gets out.
const FAREWELL: Duration = Duration::from_millis(500);

/// A restart into new firmware.
#[derive(Clone, Copy, Debug)]
enum Restart {
    /// Goes down then.
    GoingDown(Instant),
    /// Is back then.
    Down(Instant),
}

/// The Communications Hub, once it is found.
#[derive(Clone, Copy, Debug)]
struct Hub {
    eui: Eui64,
    endpoint: u8,
}

/// The reference PPMID.
#[derive(Debug)]
pub struct Ppmid<F> {
    pub(crate) config: PpmidConfig,
    node: Node,
    pub(crate) client: Client,
    pub(crate) flash: F,
    store: StateStore,
    pub(crate) state: State,
    /// Whether `state` differs from what is stored.
    pub(crate) unsaved: bool,
    pub(crate) page: PageBuffer,
    hub: Option<Hub>,
    /// The tunnel that the hub has opened.
    tunnel: Option<u16>,
    next_tunnel: u16,
    /// What UTC is at `Instant::ZERO`, once the hub has told.
    epoch: Option<Utc>,
    discover_at: Option<Instant>,
    set_clock_at: Option<Instant>,
    query_at: Option<Instant>,
    restart: Option<Restart>,
    /// The Alert under way, and when to send it again.
    report: Option<Handle>,
    report_at: Option<Instant>,
    sequence: u8,
    outputs: VecDeque<Output>,
    pub(crate) faults: Faults,
}

fn node_of(config: &PpmidConfig, state: &State) -> Node {
    Node::new(
        NodeConfig {
            eui64: config.eui64,
            role: Role::EndDevice { link_key: config.link_key, channels: config.channels.clone() },
            endpoints: vec![SimpleDescriptor {
                endpoint: ENDPOINT,
                profile: PROFILE,
                // In-Premises Display.
                device: 0x0502,
                version: 0,
                input_clusters: vec![tunneling::CLUSTER],
                output_clusters: vec![ota::CLUSTER, time::CLUSTER],
            }],
            mac: MacConfig { radio_acknowledges: config.radio_acknowledges, ..MacConfig::default() },
            aps: ApsConfig::default(),
            seed: config.seed,
            manufacturer_code: config.manufacturer_code,
        },
        state.node.clone(),
    )
}

fn client_of(config: &PpmidConfig, state: &State) -> Client {
    let declaration = &config.declaration;
    Client::new(
        ClientConfig {
            hardware_version: declaration.sends_hardware_version.then_some(config.hardware_version),
            block_size: declaration.block_size,
            block_pause: declaration.block_pause,
            ..ClientConfig::new(config.manufacturer_code, config.image_type)
        },
        state.running,
    )
}

impl<F: NorFlash> Ppmid<F> {
    /// A PPMID that is switched on with what its flash holds.
    ///
    /// # Errors
    /// When the flash cannot be read.
    pub fn new(config: PpmidConfig, mut flash: F) -> Result<Self, StoreError> {
        let (store, record) = StateStore::open(&mut flash, Region { start: 0, size: STATE_SIZE })?;
        let state = record
            .and_then(|record| postcard::from_bytes(&record).ok())
            .unwrap_or_else(|| State::new(config.factory_version));
        Ok(Self {
            node: node_of(&config, &state),
            client: client_of(&config, &state),
            config,
            flash,
            store,
            state,
            unsaved: false,
            page: PageBuffer::default(),
            hub: None,
            tunnel: None,
            next_tunnel: 0,
            epoch: None,
            discover_at: None,
            set_clock_at: None,
            query_at: None,
            restart: None,
            report: None,
            report_at: None,
            sequence: 0,
            outputs: VecDeque::new(),
            faults: Faults::default(),
        })
    }

    /// Joins the hub's network, or goes on in the one that the flash remembers.
    pub fn start(&mut self, now: Instant) {
        self.log(format!("firmware version {}", self.state.running));
        self.node.start(now);
        self.settle(now);
    }

    /// Gives back the flash, as when the power goes.
    pub fn into_flash(self) -> F {
        self.flash
    }

    /// The next thing to do.
    pub fn take_output(&mut self) -> Option<Output> {
        self.outputs.pop_front().or_else(|| self.node.take_transmit().map(Output::Radio))
    }

    /// What the radio is to receive now: a radio that filters and acknowledges must be told when it changes.
    pub const fn receive_filter(&self) -> ReceiveFilter {
        self.node.receive_filter()
    }

    /// When [`Self::poll`] is next wanted.
    pub fn poll_at(&self) -> Option<Instant> {
        [
            self.node.poll_at(),
            self.client.poll_at(),
            self.discover_at,
            self.set_clock_at,
            self.query_at,
            self.restart.map(|(Restart::GoingDown(at) | Restart::Down(at))| at),
            self.report_at,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Does what is due at `now`.
    pub fn poll(&mut self, now: Instant) {
        match self.restart {
            Some(Restart::GoingDown(at)) if at <= now => self.go_down(now),
            Some(Restart::Down(at)) if at <= now => {
                self.restart = None;
                self.start(now);
            }
            _ => {}
        }
        if matches!(self.restart, Some(Restart::Down(_))) {
            return;
        }
        self.node.poll(now);
        self.client.poll(now);
        if self.discover_at.take_if(|at| *at <= now).is_some() {
            self.discover_at = Some(now + ASK_AGAIN);
            self.node.discover(now, PROFILE, ota::CLUSTER, true);
        }
        if self.set_clock_at.take_if(|at| *at <= now).is_some() {
            self.set_clock_at = Some(now + ASK_AGAIN);
            self.sequence = self.sequence.wrapping_add(1);
            let frame = time::read_request(self.sequence);
            self.send(now, time::CLUSTER, frame, true);
        }
        if self.query_at.take_if(|at| *at <= now).is_some() {
            self.state.last_query = self.utc(now);
            self.unsaved = true;
            self.query_at = Some(now + self.query_period());
            if !self.faulty(Fault::NeverAsksUnprompted) {
                self.client.query(now);
            }
        }
        if self.report_at.take_if(|at| *at <= now).is_some() {
            self.send_report(now);
        }
        self.settle(now);
    }

    /// A frame that the radio received, FCS included.
    pub fn on_frame(&mut self, now: Instant, octets: &[u8], lqi: u8) {
        if !matches!(self.restart, Some(Restart::Down(_))) {
            self.node.on_frame(now, octets, lqi);
            self.settle(now);
        }
    }

    /// What became of the frame last handed to the radio.
    pub fn on_transmit_done(&mut self, now: Instant, result: TransmitResult) {
        self.node.on_transmit_done(now, result);
        self.settle(now);
    }

    pub(crate) fn log(&mut self, line: String) {
        self.outputs.push_back(Output::Log(line));
    }

    fn utc(&self, now: Instant) -> Option<Utc> {
        self.epoch.map(|epoch| epoch.after(now - Instant::ZERO))
    }

    /// Plans the restart into new firmware.
    pub(crate) fn restart(&mut self, now: Instant) {
        let wait = if self.faulty(Fault::ActivatesLate) { Duration::from_secs(3600) } else { FAREWELL };
        self.restart = Some(Restart::GoingDown(now + wait));
    }

    /// Goes down: everything but the flash is forgotten.
    fn go_down(&mut self, now: Instant) {
        self.state.node = Some(self.node.persistent_state());
        self.node = node_of(&self.config, &self.state);
        self.client = client_of(&self.config, &self.state);
        self.hub = None;
        self.tunnel = None;
        self.epoch = None;
        self.discover_at = None;
        self.set_clock_at = None;
        self.query_at = None;
        self.report = None;
        self.report_at = None;
        self.restart = Some(Restart::Down(now + self.config.declaration.restart));
        self.unsaved = true;
    }

    /// Takes the node's and the client's events, and stores the state when it changed.
    fn settle(&mut self, now: Instant) {
        loop {
            if let Some(event) = self.node.take_event() {
                self.on_node_event(now, event);
            } else if let Some(event) = self.client.take_event() {
                self.on_client_event(now, event);
            } else {
                break;
            }
        }
        if self.unsaved {
            self.unsaved = false;
            self.state.node = Some(self.node.persistent_state());
            let stored = postcard::to_allocvec(&self.state)
                .map_err(|_| StoreError::TooLarge { size: 0, bank: STATE_SIZE / 2 })
                .and_then(|record| self.store.write(&mut self.flash, &record));
            if let Err(error) = stored {
                self.log(format!("state not stored: {error}"));
            }
        }
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
                if let (None, Some(endpoint)) = (self.hub, endpoints.first()) {
                    self.on_hub_found(now, Hub { eui, endpoint: *endpoint });
                }
            }
            Event::Data(incoming) => self.on_data(now, &incoming),
            Event::Sent { handle, result } if self.report == Some(handle) => {
                self.report = None;
                match result {
                    Ok(()) => {
                        self.state.reports.pop_front();
                        self.unsaved = true;
                        self.report_at = (!self.state.reports.is_empty()).then_some(now);
                    }
                    Err(_) => self.report_at = Some(now + SEND_AGAIN),
                }
            }
            Event::PersistNeeded => self.unsaved = true,
            Event::Rejected(rejection) => self.log(format!("frame not taken: {}", rejection.reason)),
            Event::Discovered { .. }
            | Event::DiscoveryEnded { .. }
            | Event::Sent { .. }
            | Event::DeviceJoined { .. }
            | Event::DeviceLeft { .. } => {}
        }
    }

    /// The hub's OTA server is found: set the clock, plan the daily query, go on with a download.
    fn on_hub_found(&mut self, now: Instant, hub: Hub) {
        self.hub = Some(hub);
        self.discover_at = None;
        self.set_clock_at = Some(now);
        self.query_at = Some(now + self.first_query());
        self.resume_download(now);
    }

    fn on_client_event(&mut self, now: Instant, event: ClientEvent) {
        match event {
            ClientEvent::Send(frame) => {
                // Block requests are repeated by the client itself: no APS acknowledgement for those.
                let block_request = frame.get(2) == Some(&0x03);
                if let Some(transfer) = self.client.transfer().filter(|transfer| self.skips_rest(*transfer))
                    && block_request
                {
                    return self.client.resume(now, Transfer { offset: transfer.size, ..transfer });
                }
                if let Some(frame) = self.spoil_ota(frame) {
                    self.send(now, ota::CLUSTER, frame, !block_request);
                }
            }
            ClientEvent::Started(transfer) => self.begin_download(transfer),
            ClientEvent::Block { octets, .. } => self.store_block(&octets),
            ClientEvent::Downloaded(transfer) => self.verify_download(now, transfer),
            ClientEvent::Abandoned { transfer, status } => {
                self.log(format!("download of {} ended: {status}", transfer.image));
                self.state.transfer = None;
                self.unsaved = true;
            }
            ClientEvent::Activate(image) => self.activate(now, image),
            ClientEvent::Wait(image) => self.log(format!("{image} waits for another instruction")),
            ClientEvent::NoImage(status) => self.log(format!("no image: {status}")),
        }
    }

    fn on_data(&mut self, now: Instant, incoming: &Incoming) {
        if incoming.profile != PROFILE || !incoming.secured_with_link_key {
            return self.log(format!("message of {} not taken: not secured with the link key", incoming.source));
        }
        let (header, payload) = match ZclHeader::parse(&incoming.asdu) {
            Ok(parsed) => parsed,
            Err(error) => return self.log(format!("message of {} not taken: {error}", incoming.source)),
        };
        match (incoming.cluster, header.frame_type) {
            (ota::CLUSTER, FrameType::Cluster) => match OtaCommand::parse(header.command, payload) {
                Ok(OtaCommand::ImageNotify(_)) if self.ignores_notify() => {}
                Ok(command) if command.direction() == Direction::ServerToClient => {
                    self.client.on_command(now, header.sequence, &command);
                }
                Ok(command) => self.log(format!("{} is not for a client", command.name())),
                Err(error) => self.log(format!("OTA command not taken: {error}")),
            },
            (ota::CLUSTER, FrameType::Global) if header.command == global::DEFAULT_RESPONSE => {
                if let Ok(response) = DefaultResponse::parse(payload) {
                    self.client.on_default_response(header.sequence, response);
                }
            }
            (time::CLUSTER, FrameType::Global) if header.command == global::READ_ATTRIBUTES_RESPONSE => {
                if let Ok(Some(utc)) = time::parse_read_response(payload) {
                    self.set_clock(now, utc);
                }
            }
            (tunneling::CLUSTER, FrameType::Cluster) => self.on_tunnel(now, incoming, &header, payload),
            (_, FrameType::Global) => {}
            _ => self.send(now, incoming.cluster, DefaultResponse::answer(&header, Status::UNSUP_COMMAND), true),
        }
    }

    fn set_clock(&mut self, now: Instant, utc: Utc) {
        let first = self.epoch.is_none();
        self.epoch = Some(Utc(utc.0.saturating_sub(i64::try_from(now.as_micros() / 1000).unwrap_or(0))));
        self.set_clock_at = Some(now + SET_CLOCK_EVERY);
        if first {
            // A restart must not make the unprompted queries more frequent than once a day (PPMID-02).
            if let Some(last) = self.state.last_query {
                let period = self.query_period();
                let passed = Duration::from_millis(u64::try_from(utc.0.saturating_sub(last.0)).unwrap_or(0));
                self.query_at = Some(now + period.saturating_sub(passed));
            }
            self.send_report(now);
        }
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
                self.send_report(now);
            }
            Ok(TunnelCommand::TransferData { tunnel, direction: Direction::ClientToServer, data }) => {
                if self.tunnel == Some(tunnel) {
                    self.on_gbcs(now, data);
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

    fn on_gbcs(&mut self, now: Instant, octets: &[u8]) {
        match gbcs::answer(&self.config, &self.faults, octets, self.state.broker_counter, self.state.running) {
            Ok(answered) => {
                self.state.broker_counter = Some(answered.counter);
                self.unsaved = true;
                if !self.faulty(Fault::NeverAnswers) {
                    self.transfer(now, &answered.response);
                }
            }
            Err(why) => self.log(format!("GBCS message not taken: {why}")),
        }
    }

    /// Tells of the oldest activation that is still to be told of, when there is a tunnel and the time is known.
    fn send_report(&mut self, now: Instant) {
        let (Some(report), Some(utc), None) = (self.state.reports.front().copied(), self.utc(now), self.report) else {
            return;
        };
        if self.tunnel.is_none() {
            return;
        }
        self.state.counter += 1;
        self.unsaved = true;
        let octets = gbcs::activation_alert(&self.config, &self.faults, report, self.state.counter, utc);
        self.report = self.transfer(now, &octets);
    }

    fn transfer(&mut self, now: Instant, octets: &[u8]) -> Option<Handle> {
        let tunnel = self.tunnel?;
        self.sequence = self.sequence.wrapping_add(1);
        let command = TunnelCommand::TransferData { tunnel, direction: Direction::ServerToClient, data: octets };
        self.send_handle(now, tunneling::CLUSTER, command.frame(self.sequence), true)
    }

    fn reply(&mut self, now: Instant, to: &Incoming, frame: Vec<u8>) {
        if self.hub.is_none() {
            // The hub may ask for a tunnel before its OTA server was discovered.
            self.send_to(now, to.source, to.source_endpoint, to.cluster, frame, true);
        } else {
            self.send(now, to.cluster, frame, true);
        }
    }

    fn send(&mut self, now: Instant, cluster: u16, frame: Vec<u8>, aps_ack: bool) {
        self.send_handle(now, cluster, frame, aps_ack);
    }

    fn send_handle(&mut self, now: Instant, cluster: u16, frame: Vec<u8>, aps_ack: bool) -> Option<Handle> {
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
