//! Anomaly detection: requests are counted by User and service, SRV 11.4 apart from SRV 11.1 (DSP-17). Where a threshold
//! is set and passed, the requests are quarantined until the DCC Service Desk releases or discards them.

use super::audit::{AuditEntry, AuditEvent};
use super::codes::{Outcome, Refusal};
use super::faults::Fault;
use super::{Dsp, DspOutput};
use crate::duis::{self, Request, RequestId, ServiceRequest};
use crate::settings::CountedService;
use hanrig_wire::time::Instant;
use hanrig_wire::types::{DeviceType, Eui64};
use std::collections::{BTreeMap, VecDeque};

/// The counts, and what is quarantined.
#[derive(Debug, Default)]
pub(super) struct Anomalies {
    totals: BTreeMap<(Eui64, CountedService), u64>,
    /// When requests came that a threshold is set for. By Device type only where that is planted as a fault.
    recent: BTreeMap<(Eui64, CountedService, Option<DeviceType>), VecDeque<Instant>>,
    quarantine: BTreeMap<RequestId, Request>,
}

/// How a request is counted.
pub(super) fn counted(body: &ServiceRequest) -> Option<CountedService> {
    match body {
        ServiceRequest::UpdateFirmware(_) => Some(CountedService::UpdateFirmware),
        ServiceRequest::UpdatePpmidFirmware(_) => Some(CountedService::UpdatePpmidFirmware),
        ServiceRequest::SignedPreCommand { gbcs_payload } if duis::sets_payment_mode(gbcs_payload) => None,
        ServiceRequest::SignedPreCommand { .. } => Some(CountedService::ActivateFirmware),
        ServiceRequest::UpdatePaymentMode(_)
        | ServiceRequest::ReadInventory { .. }
        | ServiceRequest::ReadFirmwareVersion
        | ServiceRequest::ActivateFirmware { .. } => None,
    }
}

impl Dsp {
    /// How many requests each User has sent, by service.
    pub fn anomaly_counts(&self) -> impl Iterator<Item = (Eui64, CountedService, u64)> {
        self.anomalies.totals.iter().map(|((user, service), count)| (*user, *service, *count))
    }

    /// The requests that are quarantined.
    pub fn quarantined(&self) -> impl Iterator<Item = &Request> {
        self.anomalies.quarantine.values()
    }

    /// Lets a quarantined request go on. Its Service Response goes to its sender. Says whether there was one.
    pub fn release_quarantined(&mut self, now: Instant, id: RequestId) -> bool {
        self.now = now;
        let Some(request) = self.anomalies.quarantine.remove(&id) else { return false };
        self.record(AuditEntry::new(AuditEvent::Released).request(id));
        if self.faulty(Fault::ReleasesNothing) {
            return true;
        }
        let processed = self.process(id.originator, &request);
        let response = self.outcome(&request, processed);
        self.outputs.push_back(DspOutput::ToUser { user: id.originator, xml: response.to_xml() });
        true
    }

    /// Discards a quarantined request. Says whether there was one.
    pub fn discard_quarantined(&mut self, now: Instant, id: RequestId) -> bool {
        self.now = now;
        let found = self.anomalies.quarantine.remove(&id).is_some();
        if found {
            self.record(AuditEntry::new(AuditEvent::Discarded).request(id));
        }
        found
    }

    /// Counts a request, and quarantines it if a threshold is passed.
    pub(super) fn check_anomaly(&mut self, user: Eui64, request: &Request) -> Result<(), Refusal> {
        let Some(service) = counted(&request.body).map(|service| self.counted_as(service)) else { return Ok(()) };
        *self.anomalies.totals.entry((user, service)).or_default() += 1;
        let threshold = self.config.settings.anomaly_thresholds.iter();
        let threshold =
            threshold.copied().find(|threshold| threshold.user == user && threshold.service_reference == service);
        let Some(threshold) = threshold else { return Ok(()) };
        let now = self.now;
        let apart = self.counted_apart(&request.body);
        let recent = self.anomalies.recent.entry((user, service, apart)).or_default();
        while recent.front().is_some_and(|at| *at + threshold.period <= now) {
            recent.pop_front();
        }
        recent.push_back(now);
        let count = recent.len();
        if u32::try_from(count).is_ok_and(|count| count <= threshold.requests) || self.quarantines_nothing() {
            return Ok(());
        }
        let id = request.request_id;
        self.used_request_ids.insert(id);
        self.anomalies.quarantine.insert(id, request.clone());
        let most = threshold.requests;
        Err(Refusal::new(Outcome::Quarantined, format!("{count} requests within the period, at most {most} pass")))
    }
}
