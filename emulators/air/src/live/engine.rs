//! The thread that runs the medium against the clock.
//!
//! The medium stays the discrete-event simulation that it is: what is due is done in the order of time, each at its own
//! time, even where the thread comes to it late. So acknowledgements, which are made in here, come at the microsecond at
//! which they should, and no load of the machine makes one late.

use super::clock::LiveClock;
use super::port::Shared;
use super::radio::{RadioEvent, RadioReception, Sink};
use super::rcp::Rcp;
use super::sniffer::Sniffer;
use super::{EndpointStats, Notice, NoticeKind};
use crate::frame::{AirEvent, RadioId, SniffedFrame};
use crate::mac::{Heard, MacEvent, MacRadio, MacSettings};
use crate::medium::Air;
use crate::phy::Phy;
use hanrig_wire::spinel::Status;
use hanrig_wire::spinel::host::{TransmitId, TransmitRequest};
use hanrig_wire::time::Instant;
use hanrig_wire::types::Eui64;
use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};

/// Notices kept beyond which the oldest go.
const MAX_NOTICES: usize = 1024;
/// Commands taken in one go before time is looked at again.
const BATCH: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StationId(pub(super) u64);

/// What stations are made of.
pub(super) enum NewStation {
    Radio { settings: MacSettings, sink: Sink },
    Rcp { eui: Eui64 },
    Sniffer,
}

pub(super) enum Command {
    Attach { name: String, station: NewStation, reply: SyncSender<(StationId, RadioId)> },
    Detach { station: StationId },
    Plug { station: StationId, plug: u64, shared: Arc<Shared> },
    Unplug { station: StationId },
    Input { station: StationId, plug: u64, octets: Vec<u8> },
    Closed { station: StationId, plug: u64 },
    Reset { station: StationId, status: Status },
    Set { station: StationId, settings: MacSettings },
    Transmit { station: StationId, id: TransmitId, request: TransmitRequest },
    Stats { station: StationId, reply: SyncSender<EndpointStats> },
    Sniff { sink: tokio::sync::mpsc::UnboundedSender<SniffedFrame> },
    With(Box<dyn FnOnce(&mut Air) + Send>),
    Stop,
}

struct Line {
    plug: u64,
    shared: Arc<Shared>,
}

#[expect(clippy::large_enum_variant, reason = "a medium has a handful of stations")]
enum Kind {
    Radio { mac: MacRadio, sink: Sink },
    Rcp(Box<Rcp>),
    Sniffer(Sniffer),
}

struct Station {
    name: String,
    kind: Kind,
    line: Option<Line>,
    /// Of lines that were unplugged.
    past: EndpointStats,
}

/// Notices wait here for whoever wants them.
pub(super) type Notices = Arc<Mutex<VecDeque<Notice>>>;

pub(super) struct Engine {
    air: Air,
    clock: LiveClock,
    commands: Receiver<Command>,
    notices: Notices,
    stations: BTreeMap<StationId, Station>,
    by_radio: BTreeMap<RadioId, StationId>,
    sniffed: Vec<tokio::sync::mpsc::UnboundedSender<SniffedFrame>>,
    /// How far the medium has come.
    time: Instant,
    next_station: u64,
    medium: Medium,
}

/// What the stations have to know of the medium.
#[derive(Clone, Copy)]
pub(super) struct Medium {
    pub(super) phy: Phy,
    pub(super) max_csma_backoffs: u8,
}

impl Engine {
    pub(super) fn new(
        air: Air,
        medium: Medium,
        clock: LiveClock,
        commands: Receiver<Command>,
        notices: Notices,
    ) -> Self {
        Self {
            air,
            clock,
            commands,
            notices,
            stations: BTreeMap::new(),
            by_radio: BTreeMap::new(),
            sniffed: Vec::new(),
            time: clock.now(),
            next_station: 0,
            medium,
        }
    }

    /// Runs until it is told to stop, or nobody is left who could.
    pub(super) fn run(mut self) {
        loop {
            let first = match self.poll_at() {
                None => self.commands.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(at) => self.commands.recv_timeout(at.saturating_since(self.clock.now())),
            };
            let mut next = match first {
                Ok(command) => Some(command),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let now = self.clock.now();
            self.advance(now);
            for _ in 0..BATCH {
                let Some(command) = next.or_else(|| self.commands.try_recv().ok()) else { break };
                if !self.command(now.max(self.time), command) {
                    return;
                }
                next = None;
            }
            self.advance(now);
        }
    }

    fn poll_at(&self) -> Option<Instant> {
        self.stations.values().filter_map(Station::poll_at).chain(self.air.poll_at()).min()
    }

    /// Does all that is due, in the order of time.
    fn advance(&mut self, now: Instant) {
        while let Some(at) = self.poll_at().filter(|at| *at <= now) {
            self.time = self.time.max(at);
            // Ends of frames before what follows from them.
            self.air.poll(self.time);
            self.route();
            for station in self.stations.values_mut() {
                if station.poll_at().is_some_and(|at| at <= self.time) {
                    station.poll(&mut self.air, self.time);
                }
            }
            self.tell_overflows();
        }
        self.time = self.time.max(now);
        self.air.poll(self.time);
    }

    /// Hands out what happened on the medium.
    fn route(&mut self) {
        let time = self.time;
        while let Some(event) = self.air.take_event() {
            match event {
                AirEvent::Sniffed(frame) => {
                    for station in self.stations.values_mut() {
                        station.on_sniffed(&frame, time);
                    }
                    self.sniffed.retain(|sink| sink.send(frame.clone()).is_ok());
                }
                AirEvent::Received { radio, psdu, rssi_dbm, lqi } => {
                    let Some(station) = self.by_radio.get(&radio).and_then(|id| self.stations.get_mut(id)) else {
                        continue;
                    };
                    let channel = station.channel();
                    let heard = Heard { psdu, channel, rssi_dbm, lqi, at: time, acked_pending: false };
                    station.on_received(&mut self.air, heard);
                }
                AirEvent::TransmitDone { radio, id, csma: _, result } => {
                    if let Some(station) = self.by_radio.get(&radio).and_then(|id| self.stations.get_mut(id)) {
                        station.on_transmit_done(&mut self.air, time, id, result);
                    }
                }
            }
        }
    }

    fn notice(&self, endpoint: &str, kind: NoticeKind) {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        if notices.len() >= MAX_NOTICES {
            notices.pop_front();
        }
        notices.push_back(Notice { at: self.time, endpoint: endpoint.to_owned(), kind });
    }

    fn tell_overflows(&mut self) {
        let overflowed: Vec<_> = self
            .stations
            .values_mut()
            .filter_map(|station| station.overflowed().then(|| station.name.clone()))
            .collect();
        for name in overflowed {
            self.notice(&name, NoticeKind::Dropping);
        }
    }

    /// Says whether to go on.
    fn command(&mut self, now: Instant, command: Command) -> bool {
        self.time = self.time.max(now);
        match command {
            Command::Stop => return false,
            Command::With(function) => function(&mut self.air),
            Command::Sniff { sink } => self.sniffed.push(sink),
            Command::Attach { name, station, reply } => {
                let attached = self.attach(name, station);
                let _ = reply.send(attached);
            }
            Command::Detach { station } => self.detach(station),
            Command::Plug { station, plug, shared } => self.plug(station, plug, shared),
            Command::Unplug { station } => self.unplug(station, None),
            Command::Closed { station, plug } => self.unplug(station, Some(plug)),
            Command::Stats { station, reply } => {
                let stats = self.stations.get(&station).map(Station::stats).unwrap_or_default();
                let _ = reply.send(stats);
            }
            command => self.command_to_station(now, command),
        }
        self.tell_overflows();
        true
    }

    fn command_to_station(&mut self, now: Instant, command: Command) {
        let (Command::Input { station: id, .. }
        | Command::Reset { station: id, .. }
        | Command::Set { station: id, .. }
        | Command::Transmit { station: id, .. }) = &command
        else {
            return;
        };
        let Some(station) = self.stations.get_mut(id) else { return };
        match command {
            Command::Input { plug, octets, .. } => station.on_octets(&mut self.air, now, plug, &octets),
            Command::Reset { status, .. } => station.reset(&mut self.air, status),
            Command::Set { settings, .. } => {
                if let Kind::Radio { mac, .. } = &mut station.kind {
                    mac.set(&mut self.air, settings);
                }
            }
            Command::Transmit { id, request, .. } => {
                if let Kind::Radio { mac, sink } = &mut station.kind {
                    let mut events = Vec::new();
                    mac.transmit(&mut self.air, now, id.0, request, &mut events);
                    sink.tell(now, events);
                }
            }
            _ => {}
        }
    }

    fn attach(&mut self, name: String, station: NewStation) -> (StationId, RadioId) {
        let id = StationId(self.next_station);
        self.next_station += 1;
        let Medium { phy, max_csma_backoffs } = self.medium;
        let mut radio = |settings: MacSettings| {
            let radio = self.air.attach(&name, settings.channel);
            self.by_radio.insert(radio, id);
            MacRadio::new(radio, settings, max_csma_backoffs, phy)
        };
        let (kind, radio) = match station {
            NewStation::Radio { settings, sink } => {
                let mac = radio(settings);
                let radio = mac.id();
                (Kind::Radio { mac, sink }, radio)
            }
            NewStation::Rcp { eui } => {
                let mut rcp = Box::new(Rcp::new(radio(MacSettings::default()), eui, phy.octet_time));
                rcp.power_off(&mut self.air);
                let radio = rcp.mac().id();
                (Kind::Rcp(rcp), radio)
            }
            NewStation::Sniffer => (Kind::Sniffer(Sniffer::new()), RadioId::SNIFFER),
        };
        self.stations.insert(id, Station { name, kind, line: None, past: EndpointStats::default() });
        (id, radio)
    }

    fn detach(&mut self, id: StationId) {
        self.unplug(id, None);
        if let Some(station) = self.stations.remove(&id)
            && let Some(radio) = station.radio()
        {
            self.by_radio.remove(&radio);
            self.air.detach(radio);
        }
    }

    fn plug(&mut self, id: StationId, plug: u64, shared: Arc<Shared>) {
        self.unplug(id, None);
        let Some(station) = self.stations.get_mut(&id) else { return };
        station.line = Some(Line { plug, shared });
        station.reset(&mut self.air, Status::RESET_POWER_ON);
        let name = station.name.clone();
        self.notice(&name, NoticeKind::Plugged);
    }

    /// Of the line `plug` only, where it is said.
    fn unplug(&mut self, id: StationId, plug: Option<u64>) {
        let Some(station) = self.stations.get_mut(&id) else { return };
        let Some(line) = station.line.take_if(|line| plug.is_none_or(|plug| plug == line.plug)) else { return };
        let outbox = line.shared.outbox();
        station.past.told += outbox.queued;
        station.past.dropped += outbox.dropped;
        drop(outbox);
        station.past.unplugged += 1;
        if let Kind::Rcp(rcp) = &mut station.kind {
            rcp.power_off(&mut self.air);
        }
        let name = station.name.clone();
        self.notice(&name, if plug.is_some() { NoticeKind::Closed } else { NoticeKind::Unplugged });
    }
}

impl Station {
    fn radio(&self) -> Option<RadioId> {
        match &self.kind {
            Kind::Radio { mac, .. } => Some(mac.id()),
            Kind::Rcp(rcp) => Some(rcp.mac().id()),
            Kind::Sniffer(_) => None,
        }
    }

    fn channel(&self) -> u8 {
        match &self.kind {
            Kind::Radio { mac, .. } => mac.settings().channel,
            Kind::Rcp(rcp) => rcp.mac().settings().channel,
            Kind::Sniffer(_) => 0,
        }
    }

    fn poll_at(&self) -> Option<Instant> {
        match &self.kind {
            Kind::Radio { mac, .. } => mac.poll_at(),
            Kind::Rcp(rcp) => rcp.mac().poll_at(),
            Kind::Sniffer(_) => None,
        }
    }

    fn stats(&self) -> EndpointStats {
        let mut stats = self.past;
        if let Some(line) = &self.line {
            let outbox = line.shared.outbox();
            stats.told += outbox.queued;
            stats.dropped += outbox.dropped;
        }
        stats.plugged = self.line.is_some();
        match &self.kind {
            Kind::Radio { .. } => {}
            Kind::Rcp(rcp) => stats.malformed = rcp.errors(),
            Kind::Sniffer(sniffer) => stats.malformed = sniffer.errors(),
        }
        stats
    }

    fn overflowed(&mut self) -> bool {
        match &mut self.kind {
            Kind::Radio { sink, .. } => std::mem::take(&mut sink.overflowed),
            Kind::Rcp(rcp) => std::mem::take(&mut rcp.overflowed),
            Kind::Sniffer(sniffer) => std::mem::take(&mut sniffer.overflowed),
        }
    }

    fn on_octets(&mut self, air: &mut Air, now: Instant, plug: u64, octets: &[u8]) {
        let Some(line) = self.line.as_ref().filter(|line| line.plug == plug) else { return };
        match &mut self.kind {
            Kind::Radio { .. } => {}
            Kind::Rcp(rcp) => rcp.on_octets(air, now, octets, &mut line.shared.outbox()),
            Kind::Sniffer(sniffer) => sniffer.on_octets(octets),
        }
        line.shared.wake();
    }

    fn reset(&mut self, air: &mut Air, status: Status) {
        let Some(line) = &self.line else { return };
        match &mut self.kind {
            Kind::Radio { .. } => {}
            Kind::Rcp(rcp) => rcp.boot(air, status, &mut line.shared.outbox()),
            Kind::Sniffer(sniffer) => sniffer.boot(),
        }
        line.shared.wake();
    }

    fn on_sniffed(&mut self, frame: &SniffedFrame, end: Instant) {
        if let (Kind::Sniffer(sniffer), Some(line)) = (&mut self.kind, &self.line) {
            sniffer.on_frame(frame, end, &mut line.shared.outbox());
            line.shared.wake();
        }
    }

    fn on_received(&mut self, air: &mut Air, heard: Heard) {
        let at = heard.at;
        match (&mut self.kind, &self.line) {
            (Kind::Radio { mac, sink }, _) => {
                let mut events = Vec::new();
                mac.on_received(air, heard, &mut events);
                sink.tell(at, events);
            }
            (Kind::Rcp(rcp), Some(line)) => {
                rcp.on_received(air, heard, &mut line.shared.outbox());
                line.shared.wake();
            }
            _ => {}
        }
    }

    fn on_transmit_done(&mut self, air: &mut Air, now: Instant, id: crate::TransmitId, result: crate::TransmitResult) {
        match (&mut self.kind, &self.line) {
            (Kind::Radio { mac, sink }, _) => {
                let mut events = Vec::new();
                mac.on_transmit_done(air, now, id, result, &mut events);
                sink.tell(now, events);
            }
            (Kind::Rcp(rcp), Some(line)) => {
                rcp.on_transmit_done(air, now, id, result, &mut line.shared.outbox());
                line.shared.wake();
            }
            _ => {}
        }
    }

    fn poll(&mut self, air: &mut Air, now: Instant) {
        match (&mut self.kind, &self.line) {
            (Kind::Radio { mac, sink }, _) => {
                let mut events = Vec::new();
                mac.poll(air, now, &mut events);
                sink.tell(now, events);
            }
            (Kind::Rcp(rcp), Some(line)) => {
                rcp.poll(air, now, &mut line.shared.outbox());
                line.shared.wake();
            }
            _ => {}
        }
    }
}

impl Sink {
    fn tell(&mut self, now: Instant, events: Vec<MacEvent>) {
        for event in events {
            match event {
                MacEvent::Received(heard) => self.received(RadioReception {
                    at: heard.at,
                    psdu: heard.psdu,
                    channel: heard.channel,
                    rssi_dbm: heard.rssi_dbm,
                    lqi: heard.lqi,
                }),
                MacEvent::Done { token, outcome, acknowledgement: _ } => {
                    self.done(RadioEvent::TransmitDone { at: now, id: TransmitId(token), outcome });
                }
            }
        }
    }
}
