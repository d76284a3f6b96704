//! Firmware of the Communications Hubs themselves (SECMP0024): notice to the Service Users, the stages of a release, and
//! the Alert when a hub has activated new firmware.

use super::audit::{AuditEntry, AuditEvent};
use super::faults::Fault;
use super::{Dsp, DspOutput};
use crate::data::CspRegion;
use crate::duis::{CommunicationsHubFirmwareActivation, CommunicationsHubFirmwareNotice, DccAlert, DccAlertCode};
use crate::gateway::{DspToCsp, HubFirmwareReport, HubFirmwareRequest};
use hanrig_wire::time::{Duration, Instant, Utc};
use hanrig_wire::types::{Eui64, FirmwareVersion};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// The stages of a release, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// 10 to 20 hubs.
    MicroPilot,
    /// About 5,000 hubs.
    Pilot,
    /// All others.
    RollOut,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MicroPilot => "micro pilot",
            Self::Pilot => "pilot",
            Self::RollOut => "roll-out",
        })
    }
}

/// An incident that was raised at a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Incident {
    /// Category, 1 the gravest.
    pub category: u8,
    /// What happened.
    pub text: String,
}

/// What was decided on the incidents of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The next stage may begin.
    Proceed,
    /// The release ends.
    Stop,
}

/// One stage of a release, as far as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StageRecord {
    /// The hubs.
    pub hubs: Vec<Eui64>,
    /// The incidents raised.
    pub incidents: Vec<Incident>,
    /// What was decided, once it is.
    pub decision: Option<Decision>,
}

/// A release of hub firmware.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HubRelease {
    /// The version.
    pub firmware_version: FirmwareVersion,
    /// When the first hub may get it.
    #[serde(serialize_with = "crate::duis::time_text")]
    pub not_before: Utc,
    /// The stages that have begun.
    pub stages: BTreeMap<Stage, StageRecord>,
}

/// Why a release does not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HubFirmwareError {
    /// The Service Users would know too late.
    #[error("the notice is {given}, at least {least} are required", given = humantime::format_duration(*given), least = humantime::format_duration(*least))]
    ShortNotice {
        /// What it would be.
        given: Duration,
        /// What it has to be.
        least: Duration,
    },
    /// No such release was announced.
    #[error("no release of version {0} was announced")]
    NotAnnounced(FirmwareVersion),
    /// The time of the notice is not over.
    #[error("the release begins at {0}")]
    TooEarly(Utc),
    /// The stage has begun before.
    #[error("the {0} has begun before")]
    Begun(Stage),
    /// The stage has not begun.
    #[error("the {0} has not begun")]
    NotBegun(Stage),
    /// Nobody has decided to proceed after the stage before.
    #[error("there is no decision to proceed after the {0}")]
    NoDecision(Stage),
    /// The stage has too few hubs or too many.
    #[error("{hubs} hubs for the {stage}, expected {least} to {most}")]
    Hubs {
        /// The stage.
        stage: Stage,
        /// How many there are.
        hubs: usize,
        /// The fewest.
        least: usize,
        /// The most.
        most: usize,
    },
    /// A hub has another update in progress (FIA 6.2.1).
    #[error("hub {0} has a firmware update in progress")]
    InProgress(Eui64),
    /// There is no such hub.
    #[error("no hub has the identifier {0}")]
    UnknownHub(Eui64),
}

impl Dsp {
    /// The releases of hub firmware, in order of version.
    pub fn hub_releases(&self) -> impl Iterator<Item = &HubRelease> {
        self.hub_releases.values()
    }

    /// Gives all Service Users notice that hubs get new firmware, not before a time.
    ///
    /// # Errors
    ///
    /// That the notice is too short (CHFW-01).
    pub fn announce_hub_firmware(
        &mut self,
        now: Instant,
        firmware_version: FirmwareVersion,
        not_before: Utc,
    ) -> Result<(), HubFirmwareError> {
        self.now = now;
        let least = self.config.settings.hub_firmware_notice;
        let given = u64::try_from(not_before.0.saturating_sub(self.utc(now).0)).unwrap_or(0);
        let given = Duration::from_millis(given);
        if given < least && !self.faulty(Fault::ShortHubNotice) {
            return Err(HubFirmwareError::ShortNotice { given, least });
        }
        let release = HubRelease { firmware_version, not_before, stages: BTreeMap::new() };
        self.hub_releases.insert(firmware_version, release);
        let users: Vec<_> = self.data.users.keys().copied().filter(|_| !self.faulty(Fault::NoHubNotice)).collect();
        let notice = CommunicationsHubFirmwareNotice { firmware_version, not_before };
        for user in users {
            let alert = DccAlert::CommunicationsHubFirmwareNotice(notice.clone());
            self.send_alert(user, DccAlertCode::N901, alert);
        }
        Ok(())
    }

    /// Begins a stage of a release: its hubs get the firmware.
    ///
    /// # Errors
    ///
    /// What stands against it (CHFW-01, CHFW-02); nothing is sent then.
    pub fn begin_hub_stage(
        &mut self,
        now: Instant,
        firmware_version: FirmwareVersion,
        stage: Stage,
        hubs: &[Eui64],
    ) -> Result<(), HubFirmwareError> {
        self.now = now;
        let release = self.hub_releases.get(&firmware_version);
        let release = release.ok_or(HubFirmwareError::NotAnnounced(firmware_version))?;
        if self.utc(now) < release.not_before && !self.faulty(Fault::BeginsBeforeNotice) {
            return Err(HubFirmwareError::TooEarly(release.not_before));
        }
        if release.stages.contains_key(&stage) {
            return Err(HubFirmwareError::Begun(stage));
        }
        if !self.faulty(Fault::HubStagesUnchecked) {
            self.check_stage(release, stage, hubs.len())?;
        }
        let mut by_region: BTreeMap<CspRegion, Vec<Eui64>> = BTreeMap::new();
        for hub in hubs {
            if self.hub_in_progress(*hub) && !self.faulty(Fault::HubProgressUnchecked) {
                return Err(HubFirmwareError::InProgress(*hub));
            }
            let region = self.data.hubs.get(hub).ok_or(HubFirmwareError::UnknownHub(*hub))?.region;
            by_region.entry(region).or_default().push(*hub);
        }
        if let Some(release) = self.hub_releases.get_mut(&firmware_version) {
            let record = StageRecord { hubs: hubs.to_vec(), incidents: Vec::new(), decision: None };
            release.stages.insert(stage, record);
        }
        for hub in hubs {
            self.hub_updates.insert(*hub, (firmware_version, now));
        }
        by_region.retain(|_, _| !self.faulty(Fault::HubStageUnsent));
        for (region, hubs) in by_region {
            let message = DspToCsp::HubFirmwareRequest(HubFirmwareRequest { firmware_version, hubs });
            self.outputs.push_back(DspOutput::ToCsp { region, message });
        }
        Ok(())
    }

    /// Whether a hub was sent firmware that it has not told of yet, and the tracking timeout has not passed.
    fn hub_in_progress(&self, hub: Eui64) -> bool {
        let timeout = self.config.settings.tracking_timeout;
        self.hub_updates.get(&hub).is_some_and(|(_, since)| self.now < *since + timeout)
    }

    fn check_stage(&self, release: &HubRelease, stage: Stage, hubs: usize) -> Result<(), HubFirmwareError> {
        let limits = self.config.settings.hub_firmware_stages;
        let (before, least, most) = match stage {
            Stage::MicroPilot => (None, limits.micro_pilot_least, limits.micro_pilot_most),
            Stage::Pilot => (Some(Stage::MicroPilot), 1, limits.pilot_most),
            Stage::RollOut => (Some(Stage::Pilot), 1, usize::MAX),
        };
        let decided = |stage| release.stages.get(&stage).and_then(|record| record.decision);
        if let Some(before) = before.filter(|before| decided(*before) != Some(Decision::Proceed)) {
            return Err(HubFirmwareError::NoDecision(before));
        }
        if !(least..=most).contains(&hubs) {
            return Err(HubFirmwareError::Hubs { stage, hubs, least, most });
        }
        Ok(())
    }

    /// Records the incidents of a stage and what was decided on them.
    ///
    /// # Errors
    ///
    /// That the release was not announced or the stage has not begun.
    pub fn decide_hub_stage(
        &mut self,
        firmware_version: FirmwareVersion,
        stage: Stage,
        incidents: Vec<Incident>,
        decision: Decision,
    ) -> Result<(), HubFirmwareError> {
        let release = self.hub_releases.get_mut(&firmware_version);
        let release = release.ok_or(HubFirmwareError::NotAnnounced(firmware_version))?;
        let record = release.stages.get_mut(&stage).ok_or(HubFirmwareError::NotBegun(stage))?;
        record.incidents = incidents;
        record.decision = Some(decision);
        Ok(())
    }

    /// A hub told which firmware it runs: if it is another one than before, its Suppliers get an Alert (CH-21).
    pub(super) fn hub_firmware_report(&mut self, region: CspRegion, report: HubFirmwareReport) {
        let HubFirmwareReport { hub, firmware_version } = report;
        if self.data.hubs.get(&hub).is_none_or(|hub| hub.region != region) {
            let entry = AuditEntry::new(AuditEvent::CspMessageDropped).device(hub);
            self.record(entry.detail(format!("CSP {region} does not serve hub {hub}")));
            return;
        }
        if self.hub_updates.get(&hub).is_some_and(|(version, _)| *version == firmware_version) {
            self.hub_updates.remove(&hub);
        }
        let in_smi = self.data.smi.devices.get(&hub).map(|device| device.firmware_version);
        let before = self.hub_versions.insert(hub, firmware_version).or(in_smi);
        let Some(before) = before.filter(|before| *before != firmware_version) else { return };
        let entry = AuditEntry::new(AuditEvent::HubFirmwareActivated).device(hub);
        self.record(entry.detail(format!("firmware version {firmware_version}, {before} before")));
        self.update_smi(hub, firmware_version);
        let told = if self.faulty(Fault::HubActivationTellsOldVersion) { before } else { firmware_version };
        let body = CommunicationsHubFirmwareActivation { device_id: hub, firmware_version: told };
        let users = if self.faulty(Fault::HubActivationUnreported) { Vec::new() } else { self.suppliers(hub) };
        for user in users {
            let alert = DccAlert::CommunicationsHubFirmwareActivation(body.clone());
            self.send_alert(user, DccAlertCode::N902, alert);
        }
    }
}
