//! The part of a MAC that a radio does by itself: filter, acknowledge, repeat.
//!
//! A [`MacRadio`] stands between a radio of an [`Air`] and its owner. Whoever runs the medium tells it what the medium tells of
//! its radio, polls it when [`MacRadio::poll_at`] has come, and gives its [`MacEvent`]s to the owner.

use crate::frame::{RadioId, TransmitId, TransmitResult, fcs_is_good};
use crate::medium::Air;
use crate::phy::Phy;
use hanrig_wire::mac::{self, Address, FrameType, MacCommand, MacFrame, MacHeader};
use hanrig_wire::spinel::Status;
use hanrig_wire::spinel::host::{TransmitOutcome, TransmitRequest};
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::Eui64;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// PAN identifier and short address of a device that has none.
const NONE: u16 = 0xFFFF;

/// What a radio's MAC is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacSettings {
    /// Channel, 11 to 26.
    pub channel: u8,
    /// macPANId; 0xFFFF while in no network, which lets all beacons through.
    pub pan_id: u16,
    /// macShortAddress; 0xFFFF for none.
    pub short_address: u16,
    /// Extended address.
    pub long_address: Eui64,
    /// Whether frames are received that are for others, acknowledgements included. They are not acknowledged.
    pub promiscuous: bool,
    /// Whether the owner does all of the MAC: every frame is received, right or wrong, none is acknowledged, and a
    /// transmission ends when its last octet has left.
    pub raw: bool,
}

impl Default for MacSettings {
    /// Channel 11, no network, no addresses, a MAC that filters and acknowledges.
    fn default() -> Self {
        Self { channel: 11, pan_id: NONE, short_address: NONE, long_address: Eui64(0), promiscuous: false, raw: false }
    }
}

/// Whose data requests are acknowledged with the frame pending bit.
#[derive(Debug, Default)]
pub(crate) struct SourceMatch {
    /// Off: everybody's.
    pub(crate) enabled: bool,
    pub(crate) short: BTreeSet<u16>,
    pub(crate) long: BTreeSet<Eui64>,
}

impl SourceMatch {
    fn pending(&self, frame: &MacFrame<'_>) -> bool {
        let poll = frame.header.frame_type == FrameType::Command
            && matches!(MacCommand::parse(frame.payload), Ok(MacCommand::DataRequest));
        poll && (!self.enabled
            || match frame.header.source {
                Address::None => false,
                Address::Short(short) => self.short.contains(&short),
                Address::Extended(long) => self.long.contains(&long),
            })
    }
}

/// A frame off the air.
#[derive(Clone, Debug)]
pub struct Heard {
    /// MAC header, payload and frame check sequence.
    pub psdu: Arc<[u8]>,
    /// Channel.
    pub channel: u8,
    /// Received signal strength, in dBm.
    pub rssi_dbm: i8,
    /// Link quality indication.
    pub lqi: u8,
    /// When its last octet had arrived.
    pub at: Instant,
    /// Whether it was acknowledged with the frame pending bit set.
    pub acked_pending: bool,
}

/// What a radio with a MAC of its own tells its owner.
#[derive(Debug)]
pub enum MacEvent {
    /// A frame that passed the filter.
    Received(Heard),
    /// A transmission has ended.
    Done {
        /// What [`MacRadio::transmit`] was told.
        token: u32,
        /// How.
        outcome: TransmitOutcome,
        /// The acknowledgement that ended it.
        acknowledgement: Option<Heard>,
    },
}

#[derive(Debug)]
struct Job {
    token: u32,
    psdu: Arc<[u8]>,
    channel: u8,
    csma: bool,
    wants_acknowledgement: bool,
    sequence: u8,
    retries: u8,
    /// How often CSMA-CA is gone through before the channel counts as busy.
    rounds: u8,
    rounds_left: u8,
}

#[derive(Debug)]
enum Phase {
    OnAir(TransmitId),
    AwaitAck(Instant),
}

/// A radio that does its part of the MAC by itself.
#[derive(Debug)]
pub struct MacRadio {
    id: RadioId,
    settings: MacSettings,
    pub(crate) source_match: SourceMatch,
    /// The medium's macMaxCSMABackoffs.
    medium_backoffs: u8,
    turnaround: Duration,
    ack_wait: Duration,
    acks: VecDeque<(Instant, Vec<u8>)>,
    current: Option<(Job, Phase)>,
    queue: VecDeque<Job>,
}

impl MacRadio {
    /// The MAC of a radio on a medium whose macMaxCSMABackoffs is `medium_backoffs`, with the timing of its band's `phy`.
    pub fn new(id: RadioId, settings: MacSettings, medium_backoffs: u8, phy: Phy) -> Self {
        // A medium on which nothing takes time has participants that do.
        let ack_wait = phy.ack_wait().max(Phy::O_QPSK_2450.ack_wait());
        let turnaround = phy.turnaround;
        Self {
            id,
            settings,
            source_match: SourceMatch::default(),
            medium_backoffs,
            turnaround,
            ack_wait,
            acks: VecDeque::new(),
            current: None,
            queue: VecDeque::new(),
        }
    }

    /// Its radio on the medium.
    pub const fn id(&self) -> RadioId {
        self.id
    }

    /// What it is set to.
    pub const fn settings(&self) -> &MacSettings {
        &self.settings
    }

    /// Sets it. A change of channel waits for the end of a transmission under way.
    pub fn set(&mut self, air: &mut Air, settings: MacSettings) {
        self.settings = settings;
        if self.current.is_none() {
            air.set_channel(self.id, settings.channel);
        }
    }

    /// Whether a transmission is under way.
    pub(crate) const fn is_sending(&self) -> bool {
        self.current.is_some()
    }

    /// Forgets all that is under way, without a word. A frame that is with the medium still goes out.
    pub(crate) fn clear(&mut self) {
        self.acks.clear();
        self.current = None;
        self.queue.clear();
    }

    /// Sends a frame, after those handed over before. It ends with one [`MacEvent::Done`] with `token`.
    pub fn transmit(
        &mut self,
        air: &mut Air,
        now: Instant,
        token: u32,
        request: TransmitRequest,
        events: &mut Vec<MacEvent>,
    ) {
        let wants_acknowledgement = request.wants_acknowledgement() && !self.settings.raw;
        let mut psdu = request.psdu;
        if !self.settings.raw && psdu.len() > mac::FCS_LEN {
            psdu.truncate(psdu.len() - mac::FCS_LEN);
            mac::append_fcs(&mut psdu);
        }
        let rounds = (u16::from(request.max_csma_backoffs) + 1).div_ceil(u16::from(self.medium_backoffs) + 1);
        let rounds = u8::try_from(rounds).unwrap_or(u8::MAX);
        self.queue.push_back(Job {
            token,
            sequence: psdu.get(2).copied().unwrap_or_default(),
            psdu: psdu.into(),
            channel: request.channel,
            csma: request.csma,
            wants_acknowledgement,
            retries: request.max_frame_retries,
            rounds,
            rounds_left: rounds,
        });
        self.next(air, now, events);
    }

    fn next(&mut self, air: &mut Air, now: Instant, events: &mut Vec<MacEvent>) {
        while self.current.is_none() {
            let Some(job) = self.queue.pop_front() else { return };
            self.settings.channel = job.channel;
            air.set_channel(self.id, job.channel);
            self.launch(air, now, job, events);
        }
    }

    fn launch(&mut self, air: &mut Air, now: Instant, job: Job, events: &mut Vec<MacEvent>) {
        match air.transmit(now, self.id, Arc::clone(&job.psdu), job.csma) {
            Ok(id) => self.current = Some((job, Phase::OnAir(id))),
            Err(_) => events.push(MacEvent::Done {
                token: job.token,
                outcome: TransmitOutcome::Refused(Status::INVALID_ARGUMENT),
                acknowledgement: None,
            }),
        }
    }

    /// The current transmission is over.
    fn landed(
        &mut self,
        air: &mut Air,
        now: Instant,
        job: &Job,
        outcome: TransmitOutcome,
        acknowledgement: Option<Heard>,
        events: &mut Vec<MacEvent>,
    ) {
        events.push(MacEvent::Done { token: job.token, outcome, acknowledgement });
        self.next(air, now, events);
    }

    /// The medium tells that a transmission of its radio has ended.
    pub fn on_transmit_done(
        &mut self,
        air: &mut Air,
        now: Instant,
        id: TransmitId,
        result: TransmitResult,
        events: &mut Vec<MacEvent>,
    ) {
        let ours = |(_, phase): &mut (Job, Phase)| matches!(phase, Phase::OnAir(sent) if *sent == id);
        let Some((mut job, _)) = self.current.take_if(ours) else { return };
        match result {
            TransmitResult::Sent if job.wants_acknowledgement => {
                self.current = Some((job, Phase::AwaitAck(now + self.ack_wait)));
            }
            TransmitResult::Sent => self.landed(air, now, &job, TransmitOutcome::Sent, None, events),
            TransmitResult::ChannelAccessFailure if job.rounds_left > 1 => {
                job.rounds_left -= 1;
                self.launch(air, now, job, events);
            }
            TransmitResult::ChannelAccessFailure => {
                self.landed(air, now, &job, TransmitOutcome::ChannelAccessFailure, None, events);
            }
        }
    }

    /// The medium tells that its radio has received a frame.
    pub fn on_received(&mut self, air: &mut Air, mut heard: Heard, events: &mut Vec<MacEvent>) {
        if self.settings.raw {
            events.push(MacEvent::Received(heard));
            return;
        }
        if !fcs_is_good(&heard.psdu) {
            return;
        }
        let psdu = Arc::clone(&heard.psdu);
        let Ok(frame) = MacFrame::parse(&psdu) else {
            // A frame of a later version of the standard, say: nothing that this MAC could filter.
            if self.settings.promiscuous {
                events.push(MacEvent::Received(heard));
            }
            return;
        };
        if frame.header.frame_type == FrameType::Ack {
            let now = heard.at;
            let ours = |(job, phase): &mut (Job, Phase)| {
                matches!(phase, Phase::AwaitAck(_)) && job.sequence == frame.header.sequence
            };
            let flight = self.current.take_if(ours);
            if self.settings.promiscuous {
                events.push(MacEvent::Received(heard.clone()));
            }
            if let Some((job, _)) = flight {
                let outcome = TransmitOutcome::Acknowledged { pending: frame.header.pending };
                self.landed(air, now, &job, outcome, Some(heard), events);
            }
            return;
        }
        let passes = self.passes(&frame.header);
        if passes && frame.header.ack_request && frame.header.destination != Address::Short(mac::BROADCAST) {
            let pending = self.source_match.pending(&frame);
            let mut octets = Vec::with_capacity(5);
            MacHeader::ack(frame.header.sequence, pending).emit(&mut octets);
            mac::append_fcs(&mut octets);
            self.acks.push_back((heard.at + self.turnaround, octets));
            heard.acked_pending = pending;
        }
        if passes || self.settings.promiscuous {
            events.push(MacEvent::Received(heard));
        }
    }

    /// Third level of filtering (IEEE 802.15.4-2006, 7.5.6.2), for a device that is not the PAN coordinator.
    fn passes(&self, header: &MacHeader) -> bool {
        let settings = &self.settings;
        let pan = |pan: Option<u16>| pan == Some(settings.pan_id) || pan == Some(mac::BROADCAST);
        match header.destination {
            Address::None => {
                header.frame_type == FrameType::Beacon && (settings.pan_id == NONE || pan(header.source_pan))
            }
            _ if !pan(header.destination_pan) => false,
            Address::Short(short) => short == mac::BROADCAST || short == settings.short_address,
            Address::Extended(long) => long == settings.long_address,
        }
    }

    /// When [`Self::poll`] has something to do next.
    pub fn poll_at(&self) -> Option<Instant> {
        let ack = self.acks.front().map(|(due, _)| *due);
        let wait = match &self.current {
            Some((_, Phase::AwaitAck(until))) => Some(*until),
            _ => None,
        };
        [ack, wait].into_iter().flatten().min()
    }

    /// Sends the acknowledgements that are due, and repeats what was not acknowledged in time.
    pub fn poll(&mut self, air: &mut Air, now: Instant, events: &mut Vec<MacEvent>) {
        while let Some((_, octets)) = self.acks.pop_front_if(|(due, _)| *due <= now) {
            // Of the right length; and where the radio was taken off the medium nobody misses it.
            let _ = air.transmit(now, self.id, octets, false);
        }
        let late = |(_, phase): &mut (Job, Phase)| matches!(phase, Phase::AwaitAck(until) if *until <= now);
        if let Some((mut job, _)) = self.current.take_if(late) {
            match job.retries.checked_sub(1) {
                Some(left) => {
                    job.retries = left;
                    job.rounds_left = job.rounds;
                    self.launch(air, now, job, events);
                }
                None => self.landed(air, now, &job, TransmitOutcome::NoAck, None, events),
            }
        }
    }
}
