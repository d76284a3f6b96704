//! The WAN link to one hub: stop-and-wait frames over HDLC, and the image transfer on top of them.

use super::{CspConfig, TransferProgress};
use crate::duis::RequestId;
use crate::hash::FirmwareHash;
use hanrig_wire::hdlc::{Decoder, Encoder};
use hanrig_wire::time::{Instant, Utc};
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion};
use hanrig_wire::wan::{ImageStatus, MAXIMUM_FRAME_LENGTH, MAXIMUM_IMAGE_DATA, RefusalReason, WanFrame, WanMessage};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// How often one transfer is begun again because the hub lost track of it.
const MAXIMUM_RESTARTS: u8 = 8;

/// What octets from a hub lead to.
pub(super) enum Event {
    /// Octets for the hub.
    Send(Vec<u8>),
    /// A GBCS message for the DSP.
    Gbcs(Vec<u8>),
    /// The hub runs another firmware than it did before, or says for the first time which.
    Firmware(FirmwareVersion),
    /// A transfer is over.
    TransferEnded(TransferEnd),
}

/// A transfer that is over.
pub(super) struct TransferEnd {
    pub(super) request_id: RequestId,
    pub(super) targets: Vec<Eui64>,
    /// The firmware job that it belonged to, where there are jobs.
    pub(super) job: Option<u32>,
    /// Why it failed; `None` when the hub has the image.
    pub(super) reason: Option<String>,
}

/// The transfer of one image to one hub.
#[derive(Debug)]
pub(super) struct Transfer {
    number: u32,
    request_id: RequestId,
    device_type: DeviceType,
    targets: Vec<Eui64>,
    image: Arc<[u8]>,
    sha256: FirmwareHash,
    deadline: Instant,
    job: Option<u32>,
    state: TransferState,
    restarts: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TransferState {
    /// ImageBegin is to be sent.
    Begin,
    /// ImageBegin is sent; the hub is to say where to go on.
    Begun,
    /// ImageData from this offset on is to be sent; at the image's end, the hub is to say that it is complete.
    Data { next: u32 },
}

impl Transfer {
    #[expect(clippy::too_many_arguments, reason = "each is a field")]
    pub(super) const fn new(
        number: u32,
        request_id: RequestId,
        device_type: DeviceType,
        targets: Vec<Eui64>,
        image: Arc<[u8]>,
        sha256: FirmwareHash,
        deadline: Instant,
        job: Option<u32>,
    ) -> Self {
        let state = TransferState::Begin;
        Self { number, request_id, device_type, targets, image, sha256, deadline, job, state, restarts: 0 }
    }

    /// The image's length; the CSP takes none that is longer than 32 bits count.
    fn size(&self) -> u32 {
        u32::try_from(self.image.len()).unwrap_or(u32::MAX)
    }

    fn is_for_meter(&self) -> bool {
        matches!(self.device_type, DeviceType::Esme | DeviceType::Gsme)
    }

    fn end(self, reason: Option<String>) -> TransferEnd {
        TransferEnd { request_id: self.request_id, targets: self.targets, job: self.job, reason }
    }

    /// The next message of the transfer, if it is the CSP's turn.
    fn next_message(&mut self) -> Option<WanMessage> {
        match self.state {
            TransferState::Begin => {
                self.state = TransferState::Begun;
                Some(WanMessage::ImageBegin {
                    transfer: self.number,
                    device_type: self.device_type,
                    targets: self.targets.clone(),
                    size: self.size(),
                    sha256: self.sha256.0,
                })
            }
            TransferState::Begun => None,
            TransferState::Data { next } => {
                let rest = self.image.get(usize::try_from(next).ok()?..)?;
                let octets = rest.get(..MAXIMUM_IMAGE_DATA).unwrap_or(rest).to_vec();
                let length = u32::try_from(octets.len()).ok().filter(|length| *length > 0)?;
                self.state = TransferState::Data { next: next.saturating_add(length) };
                Some(WanMessage::ImageData { transfer: self.number, offset: next, octets })
            }
        }
    }
}

/// A message that waits for its turn.
#[derive(Debug)]
enum Outgoing {
    Message(WanMessage),
    /// SetTime, with the time at which it is sent.
    SetTime,
}

/// A frame that has no Ack yet.
#[derive(Debug)]
struct InFlight {
    sequence: u16,
    message: WanMessage,
    octets: Vec<u8>,
    /// When it is sent again.
    due: Instant,
}

/// The link to one hub.
#[derive(Debug)]
pub(super) struct HubLink {
    pub(super) devices: BTreeMap<Eui64, DeviceType>,
    up: bool,
    /// Whether the hub ever said Hello: nothing is sent before.
    greeted: bool,
    decoder: Decoder,
    next_sequence: u16,
    last_received: Option<u16>,
    in_flight: Option<InFlight>,
    outgoing: VecDeque<Outgoing>,
    /// The first one is under way.
    transfers: VecDeque<Transfer>,
    next_time: Option<Instant>,
    firmware: Option<FirmwareVersion>,
}

impl Default for HubLink {
    fn default() -> Self {
        Self {
            devices: BTreeMap::new(),
            up: false,
            greeted: false,
            decoder: Decoder::new(MAXIMUM_FRAME_LENGTH),
            next_sequence: 0,
            last_received: None,
            in_flight: None,
            outgoing: VecDeque::new(),
            transfers: VecDeque::new(),
            next_time: None,
            firmware: None,
        }
    }
}

impl HubLink {
    pub(super) fn queue(&mut self, message: WanMessage) {
        self.outgoing.push_back(Outgoing::Message(message));
    }

    pub(super) fn queue_length(&self) -> usize {
        self.outgoing.len()
    }

    pub(super) fn set_up(&mut self, up: bool) {
        if !up {
            // Half a frame from before must not run into the first one after.
            self.decoder = Decoder::new(MAXIMUM_FRAME_LENGTH);
        }
        self.up = up;
        if let (true, Some(frame)) = (up, &mut self.in_flight) {
            // At once, rather than when its time comes.
            frame.due = Instant::ZERO;
        }
    }

    /// Puts a transfer in the queue: one for a meter ahead of those for PPMID and HCALCS that have not begun.
    pub(super) fn schedule(&mut self, transfer: Transfer, meters_first: bool) {
        let ahead = |other: &Transfer| other.is_for_meter() || other.state != TransferState::Begin;
        let at = if transfer.is_for_meter() && meters_first {
            self.transfers.iter().position(|other| !ahead(other)).unwrap_or(self.transfers.len())
        } else {
            self.transfers.len()
        };
        self.transfers.insert(at, transfer);
    }

    /// How many transfers are under way or wait.
    pub(super) fn transfers(&self) -> usize {
        self.transfers.len()
    }

    /// The firmware job of the transfer that is next, where it has not begun and could.
    pub(super) fn next_job(&self) -> Option<u32> {
        if !self.can_send() {
            return None;
        }
        self.transfers.front().filter(|transfer| transfer.state == TransferState::Begin)?.job
    }

    pub(super) fn progress(&self) -> Option<TransferProgress> {
        let transfer = self.transfers.front()?;
        let sent = match transfer.state {
            TransferState::Begin | TransferState::Begun => 0,
            TransferState::Data { next } => next,
        };
        Some(TransferProgress { transfer: transfer.number, sent, size: transfer.size() })
    }

    fn can_send(&self) -> bool {
        self.up && self.greeted
    }

    pub(super) fn poll_at(&self) -> Option<Instant> {
        let deadline = self.transfers.iter().map(|transfer| transfer.deadline).min();
        let (repeat, time) = if self.can_send() {
            (self.in_flight.as_ref().map(|frame| frame.due), self.next_time)
        } else {
            (None, None)
        };
        [deadline, repeat, time].into_iter().flatten().min()
    }

    /// Transfers whose time is over, and the time of day when it is due.
    pub(super) fn poll(&mut self, now: Instant, config: &CspConfig) -> Vec<TransferEnd> {
        let mut ended = Vec::new();
        while let Some(at) = self.transfers.iter().position(|transfer| transfer.deadline <= now) {
            if let Some(transfer) = self.transfers.remove(at) {
                if transfer.state != TransferState::Begin {
                    self.give_up(transfer.number);
                }
                ended.push(transfer.end(Some("not delivered within the delivery window".to_owned())));
            }
        }
        if self.can_send() && self.next_time.is_some_and(|due| due <= now) {
            self.next_time = Some(now + config.time_interval);
            self.outgoing.push_back(Outgoing::SetTime);
        }
        ended
    }

    /// Tells the hub that a transfer is off.
    fn give_up(&mut self, transfer: u32) {
        self.queue(WanMessage::ImageCancel { transfer });
    }

    /// The octets to send now: the frame without an Ack again if it is due, or else the next one if there is none.
    /// A transfer is begun only if it may.
    pub(super) fn pump(&mut self, now: Instant, config: &CspConfig, may_begin: bool) -> Option<Vec<u8>> {
        if !self.can_send() {
            return None;
        }
        if let Some(frame) = &mut self.in_flight {
            if frame.due > now {
                return None;
            }
            frame.due = now + config.retransmit_after;
            return Some(frame.octets.clone());
        }
        while let Some(message) = self.next_message(now, config, may_begin) {
            let sequence = self.next_sequence;
            // A message that does not fit a frame was refused when it was queued.
            if let Some(octets) = encode(sequence, &message) {
                self.next_sequence = sequence.wrapping_add(1);
                let due = now + config.retransmit_after;
                self.in_flight = Some(InFlight { sequence, message, octets: octets.clone(), due });
                return Some(octets);
            }
        }
        None
    }

    fn next_message(&mut self, now: Instant, config: &CspConfig, may_begin: bool) -> Option<WanMessage> {
        match self.outgoing.pop_front() {
            Some(Outgoing::Message(message)) => Some(message),
            Some(Outgoing::SetTime) => {
                let utc: Utc = config.clock.after(now - Instant::ZERO);
                Some(WanMessage::SetTime { utc })
            }
            None => {
                let transfer = self.transfers.front_mut()?;
                if transfer.state == TransferState::Begin && !may_begin { None } else { transfer.next_message() }
            }
        }
    }

    pub(super) fn on_octets(&mut self, now: Instant, config: &CspConfig, octets: &[u8]) -> Vec<Event> {
        if !self.up {
            return Vec::new();
        }
        // A frame that is damaged or makes no sense gets no Ack, and is sent again.
        let frames: Vec<WanFrame> =
            self.decoder.push_all(octets).flatten().filter_map(|frame| WanFrame::parse(&frame).ok()).collect();
        let mut events = Vec::new();
        for frame in frames {
            self.on_frame(now, config, frame, &mut events);
        }
        events
    }

    fn on_frame(&mut self, now: Instant, config: &CspConfig, frame: WanFrame, events: &mut Vec<Event>) {
        if let WanMessage::Ack { sequence } = frame.message {
            self.in_flight.take_if(|in_flight| in_flight.sequence == sequence);
            return;
        }
        let ack = WanMessage::Ack { sequence: frame.sequence };
        events.extend(encode(0, &ack).map(Event::Send));
        // Hello opens a new exchange whatever its sequence is, even if it is the one of the frame before.
        let hello = matches!(frame.message, WanMessage::Hello { .. });
        if !hello && self.last_received == Some(frame.sequence) {
            return;
        }
        self.last_received = Some(frame.sequence);
        match frame.message {
            WanMessage::Hello { firmware_version, .. } => {
                if self.firmware.replace(firmware_version) != Some(firmware_version) {
                    events.push(Event::Firmware(firmware_version));
                }
                self.on_hello(now, config);
            }
            WanMessage::Gbcs { octets } => events.push(Event::Gbcs(octets)),
            WanMessage::ImageStatus { transfer, status } => {
                events.extend(self.on_image_status(transfer, status).map(Event::TransferEnded));
            }
            // Nothing else is the hub's to send.
            WanMessage::Ack { .. }
            | WanMessage::SetTime { .. }
            | WanMessage::AddDevice { .. }
            | WanMessage::RemoveDevice { .. }
            | WanMessage::ImageBegin { .. }
            | WanMessage::ImageData { .. }
            | WanMessage::ImageCancel { .. } => {}
        }
    }

    /// The hub started, or its link came up: it is told the time, gets again what it has not acknowledged, and says
    /// itself where to go on with an image.
    fn on_hello(&mut self, now: Instant, config: &CspConfig) {
        self.greeted = true;
        if let Some(frame) = self.in_flight.take() {
            match frame.message {
                WanMessage::ImageBegin { .. } | WanMessage::ImageData { .. } | WanMessage::SetTime { .. } => {}
                message => self.outgoing.push_front(Outgoing::Message(message)),
            }
        }
        self.outgoing.retain(|outgoing| !matches!(outgoing, Outgoing::SetTime));
        self.outgoing.push_front(Outgoing::SetTime);
        self.next_time = Some(now + config.time_interval);
        if let Some(transfer) = self.transfers.front_mut() {
            transfer.state = TransferState::Begin;
        }
    }

    fn on_image_status(&mut self, number: u32, status: ImageStatus) -> Option<TransferEnd> {
        let transfer = self.transfers.front_mut().filter(|transfer| transfer.number == number)?;
        let failure = match status {
            ImageStatus::Ready { next_offset } if next_offset <= transfer.size() => {
                transfer.state = TransferState::Data { next: next_offset };
                return None;
            }
            ImageStatus::Ready { next_offset } => {
                let reason = format!("the hub asks for offset {next_offset}, beyond the image");
                self.give_up(number);
                Some(reason)
            }
            ImageStatus::Received { .. } => return None,
            ImageStatus::Complete => None,
            ImageStatus::Refused(RefusalReason::UnknownTransfer) if transfer.restarts < MAXIMUM_RESTARTS => {
                transfer.restarts += 1;
                transfer.state = TransferState::Begin;
                return None;
            }
            ImageStatus::Refused(reason) => Some(format!("refused by the hub: {reason}")),
        };
        // What is left of it in flight would only be refused.
        self.in_flight
            .take_if(|frame| matches!(frame.message, WanMessage::ImageData { transfer, .. } if transfer == number));
        self.transfers.pop_front().map(|transfer| transfer.end(failure))
    }
}

fn encode(sequence: u16, message: &WanMessage) -> Option<Vec<u8>> {
    let frame = WanFrame { sequence, message: message.clone() }.emit().ok()?;
    Some(Encoder::new(&frame).collect())
}
