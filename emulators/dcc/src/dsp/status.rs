//! What SSI and SSMI show: the 'Firmware Update Status' of a Device, its reset by the DCC Service Desk, and RSAT_004
//! 'Firmware Activations Service Request Report' (FIA 4.11).

use super::Dsp;
use super::activate::Activation;
use super::audit::{AuditEntry, AuditEvent};
use super::faults::Fault;
use super::tracking::{ProcessingStatus, TrackingRecord};
use hanrig_wire::time::Instant;
use hanrig_wire::types::{DeviceType, Eui64};
use serde::Serialize;

/// Who looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// A Service User, through SSI.
    User(Eui64),
    /// The DCC Service Desk, through SSMI.
    ServiceDesk,
}

/// The last recorded status of a Device's firmware update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FirmwareUpdateStatus {
    /// The type of the Device.
    pub device_type: DeviceType,
    /// Whether a further update is refused.
    pub in_progress: bool,
    /// The tracking record.
    #[serde(flatten)]
    pub record: TrackingRecord,
}

/// Why a Device is not released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResetError {
    /// Service Users cannot reset.
    #[error("only the DCC Service Desk can reset the firmware update status of a Device")]
    NotAllowed,
    /// Nothing is tracked of the Device.
    #[error("no firmware update of {0} is tracked")]
    NotTracked(Eui64),
}

impl Dsp {
    /// The last recorded status of a Device's firmware update, as it is at `now`. `None` for a Device of which nothing is
    /// tracked, and for one that is not the User's: the two cannot be told apart.
    pub fn firmware_update_status(&self, now: Instant, viewer: Viewer, device: Eui64) -> Option<FirmwareUpdateStatus> {
        let found = self.data.smi.devices.get(&device)?;
        if !self.may_see(viewer, found.hub?) || self.hides_status(found.device_type) {
            return None;
        }
        let record = self.tracking.get(device)?.clone();
        let in_progress = self.tracking.is_in_progress(device, now);
        Some(FirmwareUpdateStatus { device_type: found.device_type, in_progress, record: self.shown_record(record) })
    }

    /// The SRV 11.3 that RSAT_004 lists for a viewer, oldest first: those to Devices that are the User's, or all.
    pub fn firmware_activations(&self, viewer: Viewer) -> impl Iterator<Item = &Activation> {
        self.activations.iter().filter(move |activation| {
            let hub = self.data.smi.devices.get(&activation.device).and_then(|device| device.hub);
            hub.is_some_and(|hub| self.may_see(viewer, hub)) && !self.leaves_out(activation.device_type)
        })
    }

    /// RSAT_004 as CSV, with a header line.
    pub fn firmware_activations_csv(&self, viewer: Viewer) -> String {
        let mut csv = "Service Request ID,Device ID,Device Type,Firmware Hash,Sent,Execution Date Time,Outcome,\
                       Firmware Version\r\n"
            .to_owned();
        for line in self.firmware_activations(viewer) {
            let execution = line.execution.map_or_else(String::new, |time| time.to_string());
            let version = line.firmware_version.map_or_else(String::new, |version| version.to_string());
            let (id, device, device_type, hash) = (line.request_id, line.device, line.device_type, line.hash);
            let (sent, outcome) = (line.sent, line.outcome.name());
            csv.push_str(&format!("{id},{device},{device_type},{hash},{sent},{execution},{outcome},{version}\r\n"));
        }
        csv
    }

    /// Releases a Device before its tracking timeout (RESET_BY_DCC): a new request is accepted then.
    ///
    /// # Errors
    ///
    /// That the viewer is not the DCC Service Desk, or that nothing is tracked of the Device.
    pub fn reset_firmware_update_status(
        &mut self,
        now: Instant,
        viewer: Viewer,
        device: Eui64,
    ) -> Result<(), ResetError> {
        self.now = now;
        if viewer != Viewer::ServiceDesk && !self.faulty(Fault::UsersMayReset) {
            return Err(ResetError::NotAllowed);
        }
        if self.tracking.get(device).is_none() {
            return Err(ResetError::NotTracked(device));
        }
        if !self.faulty(Fault::ResetIneffective) {
            let time = (now, self.utc(now));
            self.tracking.set(device, ProcessingStatus::ResetByDcc, None, time);
        }
        self.record(AuditEntry::new(AuditEvent::StatusReset).device(device));
        Ok(())
    }

    /// Whether what is behind a hub is a viewer's business.
    fn may_see(&self, viewer: Viewer, hub: Eui64) -> bool {
        match viewer {
            Viewer::ServiceDesk => true,
            Viewer::User(user) => {
                let responsible = self.responsible_suppliers(hub);
                responsible.iter().any(|(supplier, _)| *supplier == user) || self.faulty(Fault::StatusForStrangers)
            }
        }
    }
}
