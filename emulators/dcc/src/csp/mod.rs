//! A Communications Service Provider: validates distribution requests, brings images and GBCS messages to the hubs of its
//! region, and tells the DSP what became of them (FIA 3.3, 3.4, 3.5).
//!
//! [`Csp`] is a state machine over octet streams: [`Csp::on_hub_octets`] takes what a hub sent on its WAN link,
//! [`Csp::take_output`] gives what to send. Each hub has a link of its own, so transfers to several hubs go on side by
//! side; on one hub they go one after the other, ESME and GSME first. There is no retry of a distribution (DSP-25).
//!
//! The region says which of the two CSPs it is, and how it guards its capacity:
//!
//! - **South and Central**: admission control. While too many Devices wait for an image, a request is answered with busy
//!   (HTTP 503).
//! - **North**: firmware jobs on the channels of base stations. A request becomes one or more jobs; while there is none
//!   left it is answered with busy. A base station carries as many jobs at a time as it has channels, and those for ESME
//!   and GSME get a channel first. A hub of which no base station is known is taken to have one of its own.

mod admission;
mod faults;
mod link;

#[cfg(feature = "planted-faults")]
pub use faults::Fault;

use crate::data::CspRegion;
use crate::faults::Faults;
use crate::gateway::{
    BusyReason, CspReply, CspToDsp, DistributionReply, DistributionRequest, DspToCsp, GbcsMessage, HubFirmwareReport,
    RejectedDevice, RejectionReason, TransferNotification, TransferStatus, ValidationReport,
};
use crate::hash::FirmwareHash;
use crate::settings::CspSettings;
use admission::Jobs;
use hanrig_wire::time::{Duration, Instant, Utc};
use hanrig_wire::types::{DeviceType, Eui64, Key128};
use hanrig_wire::wan::{MAXIMUM_GBCS, MAXIMUM_TARGETS, WanMessage};
use link::{HubLink, Transfer, TransferEnd};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// What a CSP is told once.
#[derive(Clone, Debug)]
pub struct CspConfig {
    /// Its region.
    pub region: CspRegion,
    /// The time of day at [`Instant::ZERO`].
    pub clock: Utc,
    /// How long a frame may go without its Ack before it is sent again: 2 s.
    pub retransmit_after: Duration,
    /// How often a hub is told the time: daily.
    pub time_interval: Duration,
    /// The most messages that wait for one hub.
    pub queue_length: usize,
    /// What it can do.
    pub settings: CspSettings,
}

impl CspConfig {
    /// The usual values.
    pub fn new(region: CspRegion, clock: Utc) -> Self {
        let day = 24 * 60 * 60;
        Self {
            region,
            clock,
            retransmit_after: Duration::from_secs(2),
            time_interval: Duration::from_secs(day),
            queue_length: 1024,
            settings: CspSettings::default(),
        }
    }
}

/// What a CSP sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CspOutput {
    /// To the DSP.
    ToDsp(CspToDsp),
    /// On the WAN link of a hub.
    ToHub {
        /// The hub.
        hub: Eui64,
        /// One frame, with its HDLC framing.
        octets: Vec<u8>,
    },
}

/// How far the transfer is that a hub is getting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferProgress {
    /// The CSP's number for the transfer.
    pub transfer: u32,
    /// Octets sent.
    pub sent: u32,
    /// Octets of the whole OTA Upgrade Image.
    pub size: u32,
}

/// A Communications Service Provider.
#[derive(Debug)]
pub struct Csp {
    config: CspConfig,
    hubs: BTreeMap<Eui64, HubLink>,
    outputs: VecDeque<CspOutput>,
    last_transfer: u32,
    /// How many Devices wait for an image or are getting one.
    load: usize,
    jobs: Jobs,
    /// Transfer notifications that wait to be sent as a batch, and when.
    batch: Vec<TransferNotification>,
    batch_due: Option<Instant>,
    /// Whether a request has been answered with busy.
    was_busy: bool,
    faults: Faults<faults::Fault>,
}

impl Csp {
    /// A CSP without hubs.
    pub const fn new(config: CspConfig) -> Self {
        Self {
            config,
            hubs: BTreeMap::new(),
            outputs: VecDeque::new(),
            last_transfer: 0,
            load: 0,
            jobs: Jobs::new(),
            batch: Vec::new(),
            batch_due: None,
            was_busy: false,
            faults: Faults::none(),
        }
    }

    /// What it can do, to be changed: what it has taken on stays.
    pub const fn settings_mut(&mut self) -> &mut CspSettings {
        &mut self.config.settings
    }

    /// How many Devices wait for an image or are getting one.
    pub const fn load(&self) -> usize {
        self.load
    }

    /// How many firmware jobs there are; none but in CSP North.
    pub fn firmware_jobs(&self) -> usize {
        self.jobs.count()
    }

    /// Says by which base station CSP North reaches a hub. A hub that is not known becomes known.
    pub fn set_base_station(&mut self, hub: Eui64, base_station: u32) {
        self.add_hub(hub);
        self.jobs.set_station(hub, base_station);
    }

    /// The region.
    pub const fn region(&self) -> CspRegion {
        self.config.region
    }

    /// Makes a hub known. Its link is down until [`Csp::set_link`] says otherwise.
    pub fn add_hub(&mut self, hub: Eui64) {
        self.hubs.entry(hub).or_default();
    }

    /// Makes a Device known on a hub, which is told of it (AddDevice) once its link is up. A hub that is not known
    /// becomes known.
    pub fn provision(&mut self, now: Instant, hub: Eui64, device: Eui64, device_type: DeviceType, link_key: Key128) {
        let link = self.hubs.entry(hub).or_default();
        link.devices.insert(device, device_type);
        link.queue(WanMessage::AddDevice { device, device_type, link_key });
        self.pump(now, hub);
    }

    /// Makes a Device known on a hub that was told of it before.
    pub fn know_device(&mut self, hub: Eui64, device: Eui64, device_type: DeviceType) {
        self.hubs.entry(hub).or_default().devices.insert(device, device_type);
    }

    /// Takes a Device off a hub, which is told (RemoveDevice).
    pub fn remove_device(&mut self, now: Instant, hub: Eui64, device: Eui64) {
        if let Some(link) = self.hubs.get_mut(&hub) {
            link.devices.remove(&device);
            link.queue(WanMessage::RemoveDevice { device });
            self.pump(now, hub);
        }
    }

    /// The link of a hub has come up or gone down. Nothing is sent while it is down; what was under way goes on after.
    pub fn set_link(&mut self, now: Instant, hub: Eui64, up: bool) {
        if let Some(link) = self.hubs.get_mut(&hub) {
            if let Some(job) = link.next_job().filter(|_| !up) {
                self.jobs.withdraw(hub, job);
            }
            link.set_up(up);
            self.pump(now, hub);
        }
    }

    /// Takes a message from the DSP, and gives the answer that its HTTP interface would. The answer to a distribution
    /// request is an output too, ahead of what else comes of the request.
    pub fn on_dsp(&mut self, now: Instant, message: DspToCsp) -> CspReply {
        match message {
            DspToCsp::DistributionRequest(request) => self.distribution_request(now, request),
            DspToCsp::HubFirmwareRequest(request) => {
                match request.hubs.iter().find(|hub| !self.hubs.contains_key(hub)) {
                    Some(hub) => CspReply::Refused { reason: format!("hub {hub} is not of this region") },
                    None => CspReply::Accepted,
                }
            }
            DspToCsp::Gbcs(GbcsMessage { hub, octets }) => {
                let queue_length = self.config.queue_length;
                let Some(link) = self.hubs.get_mut(&hub) else {
                    return CspReply::Refused { reason: format!("hub {hub} is not of this region") };
                };
                if octets.is_empty() || octets.len() > MAXIMUM_GBCS {
                    let reason = format!("GBCS message of {} octets, expected 1 to {MAXIMUM_GBCS}", octets.len());
                    return CspReply::Refused { reason };
                }
                if link.queue_length() >= queue_length {
                    let reason = format!("{queue_length} messages wait for hub {hub}");
                    return CspReply::Busy { reason_code: BusyReason::QueueFull, reason };
                }
                link.queue(WanMessage::Gbcs { octets });
                self.pump(now, hub);
                CspReply::Accepted
            }
        }
    }

    /// Takes octets that a hub sent on its WAN link. Whatever is no frame of a known hub is passed over.
    pub fn on_hub_octets(&mut self, now: Instant, hub: Eui64, octets: &[u8]) {
        let Some(link) = self.hubs.get_mut(&hub) else { return };
        for event in link.on_octets(now, &self.config, octets) {
            match event {
                link::Event::Send(octets) => self.outputs.push_back(CspOutput::ToHub { hub, octets }),
                link::Event::Gbcs(octets) => self.tell_dsp(CspToDsp::Gbcs(GbcsMessage { hub, octets })),
                link::Event::Firmware(firmware_version) => {
                    self.tell_dsp(CspToDsp::HubFirmwareReport(HubFirmwareReport { hub, firmware_version }));
                }
                link::Event::TransferEnded(end) => self.transfer_ended(now, hub, end),
            }
        }
        self.pump(now, hub);
    }

    /// The next message to send, in the order in which they were made.
    pub fn take_output(&mut self) -> Option<CspOutput> {
        self.outputs.pop_front()
    }

    /// When [`Csp::poll`] is next wanted.
    pub fn poll_at(&self) -> Option<Instant> {
        self.hubs.values().filter_map(HubLink::poll_at).chain(self.batch_due).min()
    }

    /// Does what is due: repeats frames without an Ack, tells hubs the time, gives up transfers that took too long.
    pub fn poll(&mut self, now: Instant) {
        let hubs: Vec<Eui64> = self.hubs.keys().copied().collect();
        for hub in hubs {
            if let Some(link) = self.hubs.get_mut(&hub) {
                let ended = link.poll(now, &self.config);
                ended.into_iter().for_each(|end| self.transfer_ended(now, hub, end));
            }
            self.pump(now, hub);
        }
        if self.batch_due.is_some_and(|due| due <= now) {
            self.batch_due = None;
            let notifications = std::mem::take(&mut self.batch);
            self.tell_dsp(CspToDsp::TransferNotifications { notifications });
        }
    }

    /// How far the transfer is that a hub is getting; `None` when it is getting none.
    pub fn progress(&self, hub: Eui64) -> Option<TransferProgress> {
        self.hubs.get(&hub)?.progress()
    }

    fn tell_dsp(&mut self, message: CspToDsp) {
        self.outputs.extend(self.spoil_report(message).into_iter().map(CspOutput::ToDsp));
    }

    /// Sends what a hub's link has to send now.
    fn pump(&mut self, now: Instant, hub: Eui64) {
        let Some(link) = self.hubs.get_mut(&hub) else { return };
        let channels = self.config.settings.north.channels;
        let may_begin = link.next_job().is_none_or(|job| self.jobs.take_channel(hub, job, channels));
        if let Some(octets) = link.pump(now, &self.config, may_begin) {
            self.outputs.push_back(CspOutput::ToHub { hub, octets });
        }
    }

    /// A transfer is over: the DSP is told, and what it took up is free for others.
    fn transfer_ended(&mut self, now: Instant, hub: Eui64, end: TransferEnd) {
        self.load = self.load.saturating_sub(end.targets.len());
        let freed = end.job.map(|job| self.jobs.transfer_ended(hub, job)).unwrap_or_default();
        let notification = notification(hub, end);
        if self.config.settings.notification_batch.is_zero() {
            self.tell_dsp(CspToDsp::TransferNotification(notification));
        } else {
            self.batch.push(notification);
            self.batch_due.get_or_insert(now + self.config.settings.notification_batch);
        }
        for hub in freed {
            self.pump(now, hub);
        }
    }

    /// Validates a request, reports, and starts the transfers to the hubs.
    fn distribution_request(&mut self, now: Instant, request: DistributionRequest) -> CspReply {
        let busy = self.busy(&request);
        let is_busy = busy.is_some();
        self.was_busy |= is_busy;
        let reply = match self.spoil_busy(busy) {
            Some((reason_code, reason)) => CspReply::Busy { reason_code, reason },
            None => CspReply::Accepted,
        };
        let answer = DistributionReply {
            request_id: request.request_id,
            device_type: request.device_type,
            reply: reply.clone(),
        };
        self.tell_dsp(CspToDsp::DistributionReply(answer));
        if reply != CspReply::Accepted && !self.faulty(faults::Fault::BusyAndTakes) {
            return reply;
        }
        let DistributionRequest { request_id, device_type, image, image_hash, deliver_by, devices } = request;
        let deadline = self.deadline(now, deliver_by);
        let intact = !image.is_empty() && FirmwareHash::of(&image) == image_hash && u32::try_from(image.len()).is_ok();
        let mut rejected = Vec::new();
        let mut accepted: BTreeMap<Eui64, Vec<Eui64>> = BTreeMap::new();
        for target in devices {
            let reason = match self.hubs.get(&target.hub) {
                _ if !intact => Some(RejectionReason::ImageIntegrity),
                None => Some(RejectionReason::NotReachable),
                Some(link) if link.devices.get(&target.device) != Some(&device_type) => {
                    Some(RejectionReason::UnknownDevice)
                }
                Some(link) if !self.fits_in_window(link) => Some(RejectionReason::ServiceWindow),
                Some(_) => None,
            };
            match self.spoil_rejection(reason) {
                Some(_) if self.faulty(faults::Fault::DropsUnknownDevices) => {}
                Some(reason) => rejected.push(RejectedDevice { device: target.device, reason }),
                None => accepted.entry(target.hub).or_default().push(target.device),
            }
        }
        let report = ValidationReport { request_id, device_type, rejected };
        self.tell_dsp(CspToDsp::ValidationReport(report));
        let image = self.spoil_image(image);
        let image_hash = self.spoil_hash(image_hash, &image);
        if is_busy && self.faulty(faults::Fault::TakesAndDrops) {
            accepted.clear();
        }
        let is_for_meter = matches!(device_type, DeviceType::Esme | DeviceType::Gsme);
        let mut planner = self.plan_jobs(is_for_meter);
        for (hub, targets) in accepted {
            if self.drops(self.hubs.get(&hub)) {
                continue;
            }
            for targets in targets.chunks(MAXIMUM_TARGETS) {
                let job = planner.as_mut().map(|planner| planner.job_for(&mut self.jobs, hub, targets.len()));
                self.load += targets.len();
                self.last_transfer = self.last_transfer.wrapping_add(1);
                let transfer = Transfer::new(
                    self.last_transfer,
                    request_id,
                    device_type,
                    targets.to_vec(),
                    Arc::clone(&image),
                    image_hash,
                    deadline,
                    job,
                );
                if self.faulty(faults::Fault::NotifiesBeforeDelivery) {
                    let end = TransferEnd { request_id, targets: targets.to_vec(), job: None, reason: None };
                    let notification = CspToDsp::TransferNotification(notification(hub, end));
                    self.outputs.push_back(CspOutput::ToDsp(notification));
                }
                let meters_first = !self.faulty(faults::Fault::MetersNotFirst);
                if let Some(link) = self.hubs.get_mut(&hub) {
                    link.schedule(transfer, meters_first);
                }
            }
            self.pump(now, hub);
        }
        CspReply::Accepted
    }
}

fn notification(hub: Eui64, end: TransferEnd) -> TransferNotification {
    let status = if end.reason.is_none() { TransferStatus::Successful } else { TransferStatus::Failed };
    TransferNotification { request_id: end.request_id, hub, devices: end.targets, status, reason: end.reason }
}
