//! The state machine.

use super::api::{
    DownReason, HostConfig, HostCounters, HostEvent, RadioSettings, RcpIdentity, Reception, TransmitId,
    TransmitOutcome, TransmitRequest,
};
use crate::hdlc;
use crate::mac;
use crate::spinel::{
    LastStatus, MAXIMUM_FRAME_LENGTH, Message, PROTOCOL_MAJOR, PromiscuousMode, Property, PropertyId, ReceiveFlags,
    ReceivedFrame, ResetKind, SpinelFrame, Status, TransmitFrame, capability,
};
use crate::time::Instant;
use crate::types::Eui64;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

/// How often a request is sent in all.
const TRIES: u8 = 3;
/// Events waiting to be taken beyond which frames received are dropped.
const MAX_EVENTS: usize = 256;
/// Transmissions waiting beyond which more are refused.
const MAX_TRANSMITS: usize = 32;

/// Where the host is with the RCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Off,
    /// RESET was sent.
    Resetting {
        until: Instant,
        attempt: u32,
    },
    /// Learning who it is, then setting it up.
    Starting {
        step: usize,
    },
    Ready,
    /// After a refusal, before the next attempt.
    Resting {
        until: Instant,
    },
}

/// What is asked of an RCP that was reset, before it is set up.
const INTRODUCTION: [PropertyId; 4] =
    [PropertyId::PROTOCOL_VERSION, PropertyId::CAPS, PropertyId::NCP_VERSION, PropertyId::HWADDR];

/// A request without its answer.
#[derive(Clone, Debug)]
struct Request {
    message: Message,
    property: PropertyId,
    transaction: u8,
    until: Instant,
    tries_left: u8,
}

#[derive(Clone, Copy, Debug)]
struct Flight {
    id: TransmitId,
    transaction: u8,
    wants_acknowledgement: bool,
    until: Instant,
}

/// What the RCP is known to be set to.
#[derive(Clone, Copy, Debug, Default)]
struct Applied {
    phy: bool,
    channel: Option<u8>,
    pan_id: Option<u16>,
    short_address: Option<u16>,
    long_address: Option<Eui64>,
    promiscuous: Option<PromiscuousMode>,
    tx_power_dbm: Option<i8>,
    raw_stream: bool,
}

impl Applied {
    /// The first thing that is not as it should be.
    fn difference(&self, wanted: &RadioSettings) -> Option<Property> {
        if !self.phy {
            return Some(Property::PhyEnabled(true));
        }
        if self.channel != Some(wanted.channel) {
            return Some(Property::PhyChan(wanted.channel));
        }
        if self.pan_id != Some(wanted.pan_id) {
            return Some(Property::MacPanId(wanted.pan_id));
        }
        if self.short_address != Some(wanted.short_address) {
            return Some(Property::MacShortAddress(wanted.short_address));
        }
        if self.long_address != Some(wanted.long_address) {
            return Some(Property::MacLongAddress(wanted.long_address));
        }
        if self.promiscuous != Some(wanted.promiscuous) {
            return Some(Property::MacPromiscuousMode(wanted.promiscuous));
        }
        if let Some(dbm) = wanted.tx_power_dbm
            && self.tx_power_dbm != Some(dbm)
        {
            return Some(Property::PhyTxPower(dbm));
        }
        (!self.raw_stream).then_some(Property::MacRawStreamEnabled(true))
    }

    /// Takes down what the RCP was set to: what was asked for, since an RCP may answer with the nearest that it can.
    fn apply(&mut self, property: &Property) {
        match *property {
            Property::PhyEnabled(on) => self.phy = on,
            Property::PhyChan(channel) => self.channel = Some(channel),
            Property::MacPanId(pan_id) => self.pan_id = Some(pan_id),
            Property::MacShortAddress(short) => self.short_address = Some(short),
            Property::MacLongAddress(long) => self.long_address = Some(long),
            Property::MacPromiscuousMode(mode) => self.promiscuous = Some(mode),
            Property::PhyTxPower(dbm) => self.tx_power_dbm = Some(dbm),
            Property::MacRawStreamEnabled(on) => self.raw_stream = on,
            _ => {}
        }
    }
}

/// A host of one RCP. See the [module's documentation](super) for how it is driven.
#[derive(Debug)]
pub struct RcpHost {
    config: HostConfig,
    state: State,
    decoder: hdlc::Decoder,
    wanted: RadioSettings,
    applied: Applied,
    identity: RcpIdentity,
    request: Option<Request>,
    flight: Option<Flight>,
    queue: VecDeque<(TransmitId, TransmitRequest)>,
    next_transmit: u32,
    last_transaction: u8,
    /// Whether [`HostEvent::Down`] is the last that was told.
    told_down: bool,
    output: VecDeque<Vec<u8>>,
    events: VecDeque<HostEvent>,
    counters: HostCounters,
}

impl RcpHost {
    /// A host that does nothing until [`Self::start`].
    pub fn new(config: HostConfig) -> Self {
        Self {
            state: State::Off,
            decoder: hdlc::Decoder::new(MAXIMUM_FRAME_LENGTH),
            wanted: config.settings,
            applied: Applied::default(),
            identity: RcpIdentity { version: String::new(), protocol_minor: 0, hw_addr: Eui64(0) },
            request: None,
            flight: None,
            queue: VecDeque::new(),
            next_transmit: 0,
            last_transaction: 0,
            told_down: false,
            output: VecDeque::new(),
            events: VecDeque::new(),
            counters: HostCounters::default(),
            config,
        }
    }

    /// Resets the RCP and brings it up, from whatever state it is in. To be called again when the serial port was opened
    /// anew.
    pub fn start(&mut self, now: Instant) {
        self.decoder = hdlc::Decoder::new(MAXIMUM_FRAME_LENGTH);
        self.output.clear();
        self.abandon();
        self.reset(now, 0);
    }

    /// Whether the RCP is set up and receives.
    pub fn is_ready(&self) -> bool {
        self.state == State::Ready
    }

    /// What the radio is to be set to.
    pub const fn settings(&self) -> RadioSettings {
        self.wanted
    }

    /// Sets the radio. What differs from before is sent, ahead of the transmissions that wait.
    pub fn set_settings(&mut self, now: Instant, settings: RadioSettings) {
        self.wanted = settings;
        self.proceed(now);
    }

    /// Counts since the host was made.
    pub fn counters(&self) -> HostCounters {
        let mut counters = self.counters;
        let framing = self.decoder.counters();
        counters.framing.frames += framing.frames;
        counters.framing.check_sequence += framing.check_sequence;
        counters.framing.too_short += framing.too_short;
        counters.framing.too_long += framing.too_long;
        counters.framing.aborted += framing.aborted;
        counters.framing.skipped_octets += framing.skipped_octets;
        counters
    }

    /// Sends a frame, after those that wait. Always ends with one [`HostEvent::TransmitDone`], even if it fails at once:
    /// when the RCP is not ready, when 32 wait already, and when the frame has a length that none has.
    pub fn transmit(&mut self, now: Instant, request: TransmitRequest) -> TransmitId {
        let id = TransmitId(self.next_transmit);
        self.next_transmit = self.next_transmit.wrapping_add(1);
        if !(mac::FCS_LEN + 1..=mac::MAX_FRAME).contains(&request.psdu.len()) {
            self.done(id, TransmitOutcome::Refused(Status::INVALID_ARGUMENT));
        } else if self.state != State::Ready || self.queue.len() >= MAX_TRANSMITS {
            self.done(id, TransmitOutcome::Unavailable);
        } else {
            self.queue.push_back((id, request));
            self.proceed(now);
        }
        id
    }

    /// Octets came from the serial port.
    pub fn on_octets(&mut self, now: Instant, octets: &[u8]) {
        for octet in octets {
            if let Some(Ok(frame)) = self.decoder.push(*octet) {
                match SpinelFrame::parse(&frame) {
                    Ok(frame) => self.frame(now, frame),
                    Err(_) => self.counters.malformed += 1,
                }
            }
        }
    }

    /// When [`Self::poll`] is to be called next. Changes with every call of another method.
    pub fn poll_at(&self) -> Option<Instant> {
        let state = match self.state {
            State::Resetting { until, .. } | State::Resting { until } => Some(until),
            _ => None,
        };
        let request = self.request.as_ref().map(|request| request.until);
        let flight = self.flight.as_ref().map(|flight| flight.until);
        [state, request, flight].into_iter().flatten().min()
    }

    /// Does what is due.
    pub fn poll(&mut self, now: Instant) {
        match self.state {
            State::Resetting { until, attempt } if now >= until => {
                self.counters.timeouts += 1;
                self.tell_down(DownReason::NoAnswer { waiting_for: PropertyId::LAST_STATUS });
                self.reset(now, attempt.saturating_add(1));
            }
            State::Resting { until } if now >= until => self.reset(now, 0),
            _ => {}
        }
        if let Some(mut request) = self.request.take_if(|request| now >= request.until) {
            self.counters.timeouts += 1;
            match request.tries_left.checked_sub(1) {
                Some(left) => {
                    request.tries_left = left;
                    self.ask(now, request);
                }
                None => self.silent(now, request.property),
            }
        }
        if self.flight.as_ref().is_some_and(|flight| now >= flight.until) {
            self.counters.timeouts += 1;
            self.silent(now, PropertyId::STREAM_RAW);
        }
    }

    /// The next octets for the serial port: one frame. To be asked for, until there is none, after every call of another
    /// method.
    pub fn take_output(&mut self) -> Option<Vec<u8>> {
        self.output.pop_front()
    }

    /// The next event. To be asked for, until there is none, after every call of another method.
    pub fn take_event(&mut self) -> Option<HostEvent> {
        self.events.pop_front()
    }

    fn emit(&mut self, transaction: u8, message: Message) {
        self.output.push_back(hdlc::encode(&SpinelFrame::new(transaction, message).to_vec()));
    }

    /// A transaction that is not in use: there are 15, and two at most are.
    fn transaction(&mut self) -> u8 {
        let taken = [self.request.as_ref().map(|r| r.transaction), self.flight.as_ref().map(|f| f.transaction)];
        loop {
            self.last_transaction = self.last_transaction % 15 + 1;
            if !taken.contains(&Some(self.last_transaction)) {
                return self.last_transaction;
            }
        }
    }

    fn ask(&mut self, now: Instant, mut request: Request) {
        request.transaction = self.transaction();
        request.until = now + self.config.answer_wait;
        self.emit(request.transaction, request.message.clone());
        self.request = Some(request);
    }

    fn ask_anew(&mut self, now: Instant, message: Message, property: PropertyId) {
        self.ask(now, Request { message, property, transaction: 0, until: now, tries_left: TRIES - 1 });
    }

    fn done(&mut self, id: TransmitId, outcome: TransmitOutcome) {
        self.events.push_back(HostEvent::TransmitDone { id, outcome });
    }

    /// Ends everything under way.
    fn abandon(&mut self) {
        self.request = None;
        self.applied = Applied::default();
        let flight = self.flight.take().map(|flight| flight.id);
        let waiting: Vec<_> = flight.into_iter().chain(self.queue.drain(..).map(|(id, _)| id)).collect();
        for id in waiting {
            self.done(id, TransmitOutcome::Unavailable);
        }
    }

    fn tell_down(&mut self, reason: DownReason) {
        if !core::mem::replace(&mut self.told_down, true) {
            self.events.push_back(HostEvent::Down(reason));
        }
    }

    fn reset(&mut self, now: Instant, attempt: u32) {
        // The stack alone first, which keeps a USB dongle on the bus; the whole chip if that does not help.
        let kind = if attempt.is_multiple_of(2) { ResetKind::Stack } else { ResetKind::Platform };
        self.emit(0, Message::Reset(Some(kind)));
        self.state = State::Resetting { until: now + self.config.reset_wait, attempt };
    }

    /// The RCP owes an answer that did not come.
    fn silent(&mut self, now: Instant, waiting_for: PropertyId) {
        self.abandon();
        self.tell_down(DownReason::NoAnswer { waiting_for });
        self.reset(now, 0);
    }

    /// The RCP is not what it should be, and resetting it at once would not help.
    fn rest(&mut self, now: Instant, reason: DownReason) {
        self.abandon();
        self.tell_down(reason);
        self.state = State::Resting { until: now + self.config.retry_wait };
    }

    fn frame(&mut self, now: Instant, frame: SpinelFrame) {
        let transaction = frame.header.transaction;
        match frame.message {
            _ if self.state == State::Off => {}
            Message::Is(Property::LastStatus(LastStatus { status, .. })) if transaction == 0 && status.is_reset() => {
                self.was_reset(now, status);
            }
            Message::Is(Property::Received(received)) if transaction == 0 => self.received(received),
            Message::Is(Property::StreamDebug(text)) if transaction == 0 && self.events.len() < MAX_EVENTS => {
                self.events.push_back(HostEvent::Debug(text));
            }
            Message::Is(property) if transaction != 0 => self.answer(now, transaction, property),
            _ => {}
        }
    }

    fn was_reset(&mut self, now: Instant, status: Status) {
        match self.state {
            State::Off | State::Resting { .. } => return,
            State::Resetting { .. } => {}
            State::Starting { .. } => self.abandon(),
            State::Ready => {
                self.counters.unexpected_resets += 1;
                self.abandon();
                self.tell_down(DownReason::Reset(status));
            }
        }
        self.state = State::Starting { step: 0 };
        self.proceed(now);
    }

    fn received(&mut self, received: ReceivedFrame) {
        let mut psdu = received.psdu;
        let whole = (mac::FCS_LEN + 1..=mac::MAX_FRAME).contains(&psdu.len());
        if received.error != 0 || !whole {
            self.counters.receive_errors += 1;
            return;
        }
        if self.state != State::Ready || received.flags.has(ReceiveFlags::TX) {
            return;
        }
        if self.events.len() >= MAX_EVENTS {
            self.counters.dropped += 1;
            return;
        }
        if !received.flags.has(ReceiveFlags::BAD_FCS) {
            psdu.truncate(psdu.len() - mac::FCS_LEN);
            mac::append_fcs(&mut psdu);
        }
        self.events.push_back(HostEvent::Received(Reception {
            psdu,
            channel: received.channel,
            rssi_dbm: received.rssi_dbm,
            lqi: received.lqi,
            timestamp: received.timestamp,
        }));
    }

    fn answer(&mut self, now: Instant, transaction: u8, property: Property) {
        if let Some(flight) = self.flight.take_if(|flight| flight.transaction == transaction) {
            self.transmitted(flight, property);
        } else if let Some(request) = self.request.take_if(|request| request.transaction == transaction) {
            match property {
                Property::LastStatus(LastStatus { status, .. }) if request.property != PropertyId::LAST_STATUS => {
                    return self.refused(now, &request, status);
                }
                property if property.id() == request.property => {
                    if let Err(reason) = self.accepted(&request, property) {
                        return self.rest(now, reason);
                    }
                }
                _ => {
                    // The answer to something else: the right one may still come.
                    self.counters.stray_answers += 1;
                    self.request = Some(request);
                }
            }
        } else {
            self.counters.stray_answers += 1;
        }
        self.proceed(now);
    }

    fn transmitted(&mut self, flight: Flight, property: Property) {
        let outcome = match property {
            Property::LastStatus(LastStatus { status: Status::OK, report }) => match flight.wants_acknowledgement {
                true => TransmitOutcome::Acknowledged { pending: report.is_some_and(|report| report.frame_pending) },
                false => TransmitOutcome::Sent,
            },
            Property::LastStatus(LastStatus { status: Status::NO_ACK, .. }) => TransmitOutcome::NoAck,
            Property::LastStatus(LastStatus { status: Status::CCA_FAILURE, .. }) => {
                TransmitOutcome::ChannelAccessFailure
            }
            Property::LastStatus(LastStatus { status, .. }) => TransmitOutcome::Refused(status),
            _ => TransmitOutcome::Refused(Status::FAILURE),
        };
        self.done(flight.id, outcome);
    }

    fn refused(&mut self, now: Instant, request: &Request, status: Status) {
        // An RCP that has no such setting is as good as one that is set.
        if let Message::Set(property @ Property::PhyTxPower(_)) = &request.message {
            self.applied.apply(property);
            return self.proceed(now);
        }
        // Old ones cannot tell these; nothing depends on them.
        if let (PropertyId::NCP_VERSION | PropertyId::HWADDR, State::Starting { step }) = (request.property, self.state)
        {
            self.state = State::Starting { step: step + 1 };
            return self.proceed(now);
        }
        self.rest(now, DownReason::Refused { property: request.property, status });
    }

    fn accepted(&mut self, request: &Request, property: Property) -> Result<(), DownReason> {
        match property {
            Property::ProtocolVersion { major, .. } if major != PROTOCOL_MAJOR => {
                return Err(DownReason::ProtocolVersion { major });
            }
            Property::ProtocolVersion { minor, .. } => self.identity.protocol_minor = minor,
            Property::Caps(caps) if !caps.contains(&capability::MAC_RAW) => return Err(DownReason::NoRawStream),
            Property::NcpVersion(version) => self.identity.version = version,
            Property::HwAddr(eui) => self.identity.hw_addr = eui,
            _ => {}
        }
        match (&request.message, self.state) {
            (Message::Set(property), _) => self.applied.apply(property),
            (Message::Get(_), State::Starting { step }) => self.state = State::Starting { step: step + 1 },
            _ => {}
        }
        Ok(())
    }

    /// Sends what is to be sent next, one request at a time.
    fn proceed(&mut self, now: Instant) {
        if self.request.is_some() {
            return;
        }
        match self.state {
            State::Starting { step } => {
                if let Some(property) = INTRODUCTION.get(step).copied() {
                    return self.ask_anew(now, Message::Get(property), property);
                }
            }
            State::Ready => {}
            State::Off | State::Resetting { .. } | State::Resting { .. } => return,
        }
        if self.flight.is_some() {
            return;
        }
        if let (State::Ready, Some((_, request))) = (self.state, self.queue.front()) {
            self.wanted.channel = request.channel;
        }
        if let Some(property) = self.applied.difference(&self.wanted) {
            let id = property.id();
            return self.ask_anew(now, Message::Set(property), id);
        }
        if self.state != State::Ready {
            self.state = State::Ready;
            self.told_down = false;
            self.events.push_back(HostEvent::Ready(self.identity.clone()));
        }
        if let Some((id, request)) = self.queue.pop_front() {
            self.launch(now, id, request);
        }
    }

    fn launch(&mut self, now: Instant, id: TransmitId, request: TransmitRequest) {
        let transaction = self.transaction();
        let wants_acknowledgement = request.wants_acknowledgement();
        let frame = TransmitFrame {
            max_csma_backoffs: request.max_csma_backoffs,
            max_frame_retries: request.max_frame_retries,
            csma: request.csma,
            header_updated: true,
            security_processed: true,
            ..TransmitFrame::new(request.psdu, request.channel)
        };
        self.emit(transaction, Message::Set(Property::Transmit(frame)));
        self.flight = Some(Flight { id, transaction, wants_acknowledgement, until: now + self.config.transmit_wait });
    }
}
