//! What a CSP takes on: admission control, firmware jobs and channels, the service window (CSP-02, CSP-04, CSP-06).

use super::Csp;
use super::faults::Fault;
use super::link::HubLink;
use crate::data::CspRegion;
use crate::gateway::{BusyReason, DistributionRequest};
use crate::settings::SecondRequest;
use hanrig_wire::time::{Duration, Instant, Utc};
use hanrig_wire::types::Eui64;
use std::collections::{BTreeMap, BTreeSet};

/// A base station: one that is named, or that of a hub of which none is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Station {
    Named(u32),
    Of(Eui64),
}

/// A firmware job of CSP North.
#[derive(Debug)]
struct Job {
    is_for_meter: bool,
    devices: usize,
    /// How many transfers are left, by base station and hub.
    hubs: BTreeMap<Station, BTreeMap<Eui64, usize>>,
}

/// The firmware jobs, and which of them each base station carries.
#[derive(Debug)]
pub(super) struct Jobs {
    last: u32,
    jobs: BTreeMap<u32, Job>,
    stations: BTreeMap<Eui64, u32>,
    on_air: BTreeMap<Station, BTreeSet<u32>>,
    /// Jobs that want a channel, ESME's and GSME's first.
    waiting: BTreeMap<Station, BTreeSet<(bool, u32)>>,
}

impl Jobs {
    pub(super) const fn new() -> Self {
        Self {
            last: 0,
            jobs: BTreeMap::new(),
            stations: BTreeMap::new(),
            on_air: BTreeMap::new(),
            waiting: BTreeMap::new(),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.jobs.len()
    }

    pub(super) fn set_station(&mut self, hub: Eui64, station: u32) {
        self.stations.insert(hub, station);
    }

    fn station(&self, hub: Eui64) -> Station {
        self.stations.get(&hub).map_or(Station::Of(hub), |station| Station::Named(*station))
    }

    /// Whether a job has one of the channels of a hub's base station; it takes one if it can.
    pub(super) fn take_channel(&mut self, hub: Eui64, number: u32, channels: usize) -> bool {
        let station = self.station(hub);
        let on_air = self.on_air.entry(station).or_default();
        if on_air.contains(&number) {
            return true;
        }
        let Some(job) = self.jobs.get(&number) else { return true };
        let waiting = self.waiting.entry(station).or_default();
        waiting.insert((!job.is_for_meter, number));
        // What waits ahead of it goes first.
        let rank = waiting.iter().position(|(_, waits)| *waits == number).unwrap_or(0);
        if on_air.len() + rank >= channels {
            return false;
        }
        waiting.remove(&(!job.is_for_meter, number));
        on_air.insert(number)
    }

    /// A transfer of a job is over. Gives the hubs that can use a channel which that has freed, ESME's and GSME's first.
    pub(super) fn transfer_ended(&mut self, hub: Eui64, number: u32) -> Vec<Eui64> {
        let station = self.station(hub);
        let Some(job) = self.jobs.get_mut(&number) else { return Vec::new() };
        let order = (!job.is_for_meter, number);
        if let Some(hubs) = job.hubs.get_mut(&station) {
            if let Some(left) = hubs.get_mut(&hub) {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    hubs.remove(&hub);
                }
            }
            if !hubs.is_empty() {
                return Vec::new();
            }
            job.hubs.remove(&station);
        }
        if job.hubs.is_empty() {
            self.jobs.remove(&number);
        }
        if let Some(on_air) = self.on_air.get_mut(&station) {
            on_air.remove(&number);
        }
        if let Some(waiting) = self.waiting.get_mut(&station) {
            waiting.remove(&order);
        }
        let mut jobs: Vec<_> = self.jobs.iter().filter(|(_, job)| job.hubs.contains_key(&station)).collect();
        jobs.sort_by_key(|(number, job)| (!job.is_for_meter, **number));
        jobs.into_iter().filter_map(|(_, job)| job.hubs.get(&station)).flat_map(|hubs| hubs.keys().copied()).collect()
    }

    /// A hub of a job cannot be reached: the job does not stand in the way of others while it waits.
    pub(super) fn withdraw(&mut self, hub: Eui64, number: u32) {
        let station = self.station(hub);
        if let (Some(job), Some(waiting)) = (self.jobs.get(&number), self.waiting.get_mut(&station)) {
            waiting.remove(&(!job.is_for_meter, number));
        }
    }
}

/// Splits a request into jobs.
#[derive(Debug)]
pub(super) struct JobPlanner {
    is_for_meter: bool,
    devices_per_job: usize,
    current: Option<u32>,
}

impl JobPlanner {
    /// The job of a transfer to a hub for so many Devices.
    pub(super) fn job_for(&mut self, jobs: &mut Jobs, hub: Eui64, devices: usize) -> u32 {
        let has_room = |number: &u32| {
            jobs.jobs.get(number).is_some_and(|job| job.devices.saturating_add(devices) <= self.devices_per_job)
        };
        let number = self.current.filter(has_room).unwrap_or_else(|| {
            jobs.last = jobs.last.wrapping_add(1);
            jobs.last
        });
        self.current = Some(number);
        let station = jobs.station(hub);
        let job = jobs.jobs.entry(number).or_insert_with(|| Job {
            is_for_meter: self.is_for_meter,
            devices: 0,
            hubs: BTreeMap::new(),
        });
        job.devices = job.devices.saturating_add(devices);
        *job.hubs.entry(station).or_default().entry(hub).or_default() += 1;
        number
    }
}

impl Csp {
    /// Why a request is not taken now, if it is not.
    pub(super) fn busy(&self, request: &DistributionRequest) -> Option<(BusyReason, String)> {
        let devices = request.devices.len();
        let settings = &self.config.settings;
        match self.config.region {
            CspRegion::South | CspRegion::Central => {
                let most = settings.south_and_central.devices;
                (self.load.saturating_add(devices) > most).then(|| {
                    let load = self.load;
                    let reason = format!("{load} Devices wait, {devices} more are asked for, {most} are taken at most");
                    (BusyReason::AdmissionControl, reason)
                })
            }
            CspRegion::North => {
                let (most, jobs) = (settings.north.jobs, self.jobs.count());
                let asked = devices.div_ceil(settings.north.devices_per_job.max(1)).max(1);
                (jobs.saturating_add(asked) > most).then(|| {
                    let reason = format!(
                        "{jobs} firmware jobs are under way, {asked} more are needed, {most} are taken at most"
                    );
                    (BusyReason::NoJob, reason)
                })
            }
        }
    }

    /// The jobs of a request; none but in CSP North.
    pub(super) fn plan_jobs(&self, is_for_meter: bool) -> Option<JobPlanner> {
        let devices_per_job = self.config.settings.north.devices_per_job;
        let north = self.config.region == CspRegion::North;
        let is_for_meter = is_for_meter && !self.faulty(Fault::MetersNotFirst);
        north.then_some(JobPlanner { is_for_meter, devices_per_job, current: None })
    }

    /// Whether another transfer to a hub can be completed within the service window.
    pub(super) fn fits_in_window(&self, link: &HubLink) -> bool {
        let settings = &self.config.settings;
        let ahead = u32::try_from(link.transfers()).unwrap_or(u32::MAX);
        match settings.second_request {
            _ if ahead == 0 || self.faulty(Fault::SecondRequestDropped) => true,
            SecondRequest::Reject => false,
            SecondRequest::Schedule => {
                settings.transfer_estimate.saturating_mul(ahead.saturating_add(1)) <= settings.service_window
            }
        }
    }

    /// When a transfer that begins now has failed: at the end of the service window, or when the DCC has told the User
    /// that it has.
    pub(super) fn deadline(&self, now: Instant, deliver_by: Utc) -> Instant {
        let here = self.config.clock.after(now - Instant::ZERO);
        let left = Duration::from_millis(u64::try_from(deliver_by.0.saturating_sub(here.0)).unwrap_or(0));
        now + self.config.settings.service_window.min(left)
    }
}
