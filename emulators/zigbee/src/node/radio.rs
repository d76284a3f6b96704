//! The MAC's sending side: one frame at a time, its acknowledgement and retries; and acknowledgements of what is
//! received, which go ahead of everything.

use super::Node;
use crate::api::{SendError, Transmit, TransmitResult};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use hanrig_wire::aps::ApsHeader;
use hanrig_wire::mac::{AssociationStatus, MacHeader};
use hanrig_wire::nwk::NwkCommand;
use hanrig_wire::time::Instant;
use hanrig_wire::types::Eui64;

/// Jobs in the queue beyond which only messages, which have their own limit, are added.
const MAX_JOBS: usize = 512;

/// Something to send. It becomes a frame, with its sequence numbers and frame counters, only when its turn comes, so that
/// frame counters rise in the order of the frames on the air.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Job {
    /// Beacon request on a channel, to which the receiver is tuned with it.
    BeaconRequest { channel: u8 },
    /// Beacon.
    Beacon,
    /// Association request to the candidate coordinator.
    AssociationRequest,
    /// Poll for the association response.
    DataRequest,
    /// Association response.
    AssociationResponse { device: Eui64, short: u16, status: AssociationStatus },
    /// The network key to a device that has associated.
    TransportKey { device: Eui64 },
    /// A NWK command.
    Command { destination: u16, destination_eui: Eui64, command: NwkCommand },
    /// One block of a message; a message in one frame is its block 0.
    Message { id: u32, block: u8 },
    /// An APS acknowledgement.
    Ack { destination: u16, destination_eui: Eui64, header: ApsHeader },
}

/// How far the current frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// To be handed to the radio.
    Ready,
    /// The radio has it.
    Handed { acknowledged: bool },
    /// Sent; waiting for its acknowledgement.
    AwaitAck { until: Instant },
}

#[derive(Debug)]
struct Flight {
    job: Job,
    octets: Vec<u8>,
    sequence: u8,
    ack: bool,
    retries_left: u8,
    progress: Progress,
}

/// The MAC's sending side.
#[derive(Debug, Default)]
pub(super) struct Radio {
    queue: VecDeque<Job>,
    current: Option<Flight>,
    /// An acknowledgement in its turnaround time.
    ack_due: Option<(Instant, Vec<u8>)>,
    /// An acknowledgement to be handed over now.
    ack_ready: Option<Vec<u8>>,
    /// While the acknowledgement is on the air.
    quiet_until: Option<Instant>,
    /// A buffer for the next frame.
    spare: Vec<u8>,
}

impl Radio {
    pub(super) fn push(&mut self, job: Job) {
        if self.queue.len() < MAX_JOBS || matches!(job, Job::Message { .. }) {
            self.queue.push_back(job);
        }
    }

    pub(super) fn contains(&self, job: &Job) -> bool {
        self.queue.contains(job)
    }

    /// Drops queued jobs; the one in flight is not called back.
    pub(super) fn drop_jobs(&mut self, unwanted: impl Fn(&Job) -> bool) {
        self.queue.retain(|job| !unwanted(job));
    }

    pub(super) fn poll_at(&self) -> Option<Instant> {
        let await_ack = self.current.as_ref().and_then(|flight| match flight.progress {
            Progress::AwaitAck { until } => Some(until),
            _ => None,
        });
        [self.ack_due.as_ref().map(|(due, _)| *due), self.quiet_until, await_ack].into_iter().flatten().min()
    }
}

impl Node {
    /// Acknowledges a received frame after the turnaround time.
    pub(super) fn acknowledge(&mut self, now: Instant, sequence: u8, pending: bool) {
        if self.config.mac.radio_acknowledges {
            return;
        }
        let mut octets = Vec::with_capacity(5);
        MacHeader::ack(sequence, pending).emit(&mut octets);
        hanrig_wire::mac::append_fcs(&mut octets);
        self.radio.ack_due = Some((now + self.config.mac.turnaround, octets));
    }

    pub(super) fn radio_poll(&mut self, now: Instant) {
        if self.radio.quiet_until.is_some_and(|until| now >= until) {
            self.radio.quiet_until = None;
        }
        if let Some((_, octets)) = self.radio.ack_due.take_if(|(due, _)| now >= *due) {
            self.radio.ack_ready = Some(octets);
            self.radio.quiet_until = Some(now + self.config.mac.ack_airtime);
        }
        let timed_out = |flight: &Flight| matches!(flight.progress, Progress::AwaitAck { until } if now >= until);
        if self.radio.current.as_ref().is_some_and(timed_out) {
            self.retry(now, SendError::NoMacAck);
        }
    }

    pub(super) fn radio_take(&mut self) -> Option<Transmit> {
        let (octets, csma) = if let Some(octets) = self.radio.ack_ready.take() {
            (octets, false)
        } else {
            if self.radio.ack_due.is_some() || self.radio.quiet_until.is_some() {
                return None;
            }
            let flight = self.radio.current.as_mut().filter(|flight| flight.progress == Progress::Ready)?;
            flight.progress = Progress::Handed { acknowledged: false };
            (flight.octets.clone(), true)
        };
        self.counters.sent += 1;
        Some(Transmit { octets, csma, channel: self.channel })
    }

    pub(super) fn radio_done(&mut self, now: Instant, result: TransmitResult) {
        let ack_wait = self.config.mac.ack_wait;
        let radio_acknowledges = self.config.mac.radio_acknowledges;
        let Some(flight) = &mut self.radio.current else { return };
        let Progress::Handed { acknowledged } = flight.progress else { return };
        match result {
            // Such a radio has tried as often as it may.
            TransmitResult::NoAck => self.landed(now, Err(SendError::NoMacAck)),
            TransmitResult::ChannelAccessFailure if radio_acknowledges => {
                self.landed(now, Err(SendError::ChannelAccessFailure));
            }
            TransmitResult::Sent if flight.ack && !acknowledged && !radio_acknowledges => {
                flight.progress = Progress::AwaitAck { until: now + ack_wait };
            }
            TransmitResult::Sent => self.landed(now, Ok(())),
            TransmitResult::ChannelAccessFailure => self.retry(now, SendError::ChannelAccessFailure),
        }
    }

    /// A MAC acknowledgement arrived.
    pub(super) fn radio_ack(&mut self, now: Instant, sequence: u8) {
        let Some(flight) = &mut self.radio.current else { return };
        if !flight.ack || flight.sequence != sequence {
            return;
        }
        match &mut flight.progress {
            Progress::Ready => {}
            Progress::Handed { acknowledged } => *acknowledged = true,
            Progress::AwaitAck { .. } => self.landed(now, Ok(())),
        }
    }

    fn retry(&mut self, now: Instant, failure: SendError) {
        let Some(flight) = &mut self.radio.current else { return };
        match flight.retries_left.checked_sub(1) {
            Some(left) => {
                flight.retries_left = left;
                flight.progress = Progress::Ready;
                self.counters.mac_retries += 1;
            }
            None => self.landed(now, Err(failure)),
        }
    }

    /// The current frame is through, or given up.
    fn landed(&mut self, now: Instant, result: Result<(), SendError>) {
        if let Some(flight) = self.radio.current.take() {
            self.radio.spare = flight.octets;
            self.job_done(now, flight.job, result);
        }
    }

    /// Makes the next job the current frame.
    pub(super) fn pump(&mut self, now: Instant) {
        while self.radio.current.is_none() {
            let Some(job) = self.radio.queue.pop_front() else { return };
            let mut octets = core::mem::take(&mut self.radio.spare);
            octets.clear();
            octets.reserve(hanrig_wire::mac::MAX_FRAME);
            match self.build(&job, &mut octets) {
                Some((sequence, ack)) => {
                    hanrig_wire::mac::append_fcs(&mut octets);
                    let retries_left = self.config.mac.max_frame_retries;
                    self.radio.current =
                        Some(Flight { job, octets, sequence, ack, retries_left, progress: Progress::Ready });
                }
                None => {
                    self.radio.spare = octets;
                    self.job_done(now, job, Err(SendError::NetworkLeft));
                }
            }
        }
    }
}
