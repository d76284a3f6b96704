//! The Data Service Provider: checks Service Requests, splits distributions by region, tracks them, and turns what comes
//! back into Service Responses and DCC Alerts.
//!
//! [`Dsp`] is a state machine. [`Dsp::on_request`] answers a Service Request at once, as the HTTP body would;
//! [`Dsp::on_csp`] takes what a CSP sends; what is to be sent is taken from [`Dsp::take_output`].
//!
//! # Readings
//!
//! Where the documents are silent or disagree, beside the interpretations of the catalogue:
//!
//! - A request's structure is checked first, then signature and certificate, then what its sender may do. Its RequestID
//!   counts as used once the request was taken: one that was refused may come again.
//! - SRV 11.2 uses the Unknown Remote Party pattern for every type of Device: the answer comes to the Access Control
//!   Broker, who checks its MAC. SRV 11.3 is the Supplier's own Command, and its answer is the Device's to the Supplier.
//! - SRV 1.6 goes the way of SRV 11.3, for a GSME or an ESME of one element and to be carried out at once. Anomaly
//!   detection does not count it.
//! - The DSP changes the SMI to whatever version a Device tells (DSP-16), also one that the CPL does not have (DSP-18).
//! - The tracking timeout runs from the last change of status, the only time that FIA Table 2 keeps. Who sent the latest
//!   update of a Device (DSP-23) is kept beyond it: a hub may discard an image two weeks after it got it.
//! - A distribution request that a CSP refuses for good (HTTP 400) yields N22 without a retry, as does one that no CSP
//!   takes within the retry window; the Devices become REJECTED_BY_CSP, as FIA Table 3 has it for N22.
//! - A request that anomaly detection quarantines is answered with a code of its own, and with the answer proper once the
//!   DCC Service Desk lets it go on. Requests are counted, not Devices.
//! - SECMP0024 gives no numbers: the notice before hubs get new firmware is N901, for all Users, and the Alert that a hub
//!   has activated it N902, for the Responsible Suppliers of the hub.
//! - A Device that passed the DSP's checks and whose CSP has not reported yet has no status in FIA Table 3. It is held as
//!   AWAITING_CSP and counts as in progress: otherwise two distributions to one Device could be approved one after the
//!   other.
//! - N59 goes out per CSP report, so a request that spans two regions yields one N59 per region and Supplier.
//! - Responsible Suppliers of an ESME, GSME or HCALCS, as recipients of N59, are those of the CHF, as for a PPMID
//!   (BR 4.1.3).
//! - An activation Alert (0x8F8B) makes the PPMID FIRMWARE_ACTIVATED whatever its outcome: FIA Table 3 knows no other
//!   status, and the PPMID must not stay in progress. A failed activation is told by the reason code of the tracking
//!   record, by the Service Audit Trail and by N39; the SMI stays as it was.
//! - The DCC checks the Hash and the version that the request names against the CPL, not the OTA Header: that check is
//!   the Supplier's (SUP-04).

mod activate;
mod alerts;
mod anomaly;
mod audit;
mod codes;
mod command;
mod config;
mod delivery;
mod distribution;
mod faults;
mod hub_firmware;
mod payment_mode;
mod protection;
mod read;
mod responsible;
mod spoil;
mod status;
mod tracking;
mod update;
mod validation;

pub use activate::{Activation, ActivationState};
pub use audit::{AuditEntry, AuditEvent};
pub use codes::{Outcome, UpdateRefusal};
pub use config::{DeviceKeys, DspConfig};
#[cfg(feature = "planted-faults")]
pub use faults::Fault;
pub use hub_firmware::{Decision, HubFirmwareError, HubRelease, Incident, Stage, StageRecord};
pub use status::{FirmwareUpdateStatus, ResetError, Viewer};
pub use tracking::{ProcessingStatus, TrackingRecord};

use crate::data::{CspRegion, DccData};
use crate::duis::{
    self, DccAlert, DccAlertCode, DccAlertMessage, DuisMessage, Request, RequestId, Response, ResponseBody,
    ResponseMessage, ResponsePayload, SchemaVersion, ServiceReference, ServiceRequest,
};
use crate::faults::Faults;
use crate::gateway::{CspToDsp, DspToCsp};
use crate::security::ProtectionError;
use anomaly::Anomalies;
use codes::Refusal;
use command::Commands;
use delivery::Deliveries;
use distribution::Distribution;
use hanrig_wire::gbcs::Message;
use hanrig_wire::time::{Instant, Utc};
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion};
use responsible::ResponsibleSuppliers;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::OnceLock;
use tracking::Tracking;

/// The longest that [`Dsp::audit_trail`] grows; the oldest entries go first.
const MAXIMUM_AUDIT_ENTRIES: usize = 1 << 20;

/// What the DSP sends of its own accord.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DspOutput {
    /// A Service Response or DCC Alert for a User.
    ToUser {
        /// The User.
        user: Eui64,
        /// The DUIS message.
        xml: String,
    },
    /// A message for a CSP.
    ToCsp {
        /// Whose.
        region: CspRegion,
        /// The message.
        message: DspToCsp,
    },
}

/// Which batch of a request a CSP's report is about.
type BatchKey = (RequestId, CspRegion, DeviceType);

/// The Data Service Provider.
#[derive(Debug)]
pub struct Dsp {
    config: DspConfig,
    data: DccData,
    tracking: Tracking,
    audit: VecDeque<AuditEntry>,
    outputs: VecDeque<DspOutput>,
    /// How many of `outputs`, from the front, are as they go out: signed where they are for Users.
    ready: usize,
    /// Batches whose CSP has not reported yet.
    distributions: BTreeMap<BatchKey, Distribution>,
    /// Distribution requests that their CSP has not taken yet, and images that are to be at their hub by a time.
    deliveries: Deliveries,
    anomalies: Anomalies,
    hub_releases: BTreeMap<FirmwareVersion, HubRelease>,
    /// The hubs that were sent firmware and have not told of it yet: which, and when.
    hub_updates: BTreeMap<Eui64, (FirmwareVersion, Instant)>,
    /// Which firmware each hub told that it runs.
    hub_versions: BTreeMap<Eui64, FirmwareVersion>,
    /// Commands without a response yet.
    commands: Commands,
    /// Pre-Commands that wait to be signed.
    pre_commands: BTreeMap<RequestId, Message>,
    /// The SRV 11.3 that went to Devices, oldest first.
    activations: Vec<Activation>,
    /// The Responsible Suppliers of each hub, as long as the data stay as they are.
    responsible: OnceLock<ResponsibleSuppliers>,
    used_request_ids: BTreeSet<RequestId>,
    /// The counter of the last GBCS message and of the last Alert.
    originator_counter: u64,
    now: Instant,
    faults: Faults<faults::Fault>,
}

impl Dsp {
    /// A DSP with its data.
    pub fn new(config: DspConfig, data: DccData) -> Self {
        let tracking = Tracking::new(config.settings.tracking_timeout, config.settings.tracking_retention);
        Self {
            config,
            data,
            tracking,
            deliveries: Deliveries::default(),
            anomalies: Anomalies::default(),
            hub_releases: BTreeMap::new(),
            hub_updates: BTreeMap::new(),
            hub_versions: BTreeMap::new(),
            audit: VecDeque::new(),
            outputs: VecDeque::new(),
            ready: 0,
            distributions: BTreeMap::new(),
            commands: Commands::default(),
            pre_commands: BTreeMap::new(),
            activations: Vec::new(),
            responsible: OnceLock::new(),
            used_request_ids: BTreeSet::new(),
            originator_counter: 0,
            now: Instant::ZERO,
            faults: Faults::none(),
        }
    }

    /// What the DCC holds.
    pub const fn data(&self) -> &DccData {
        &self.data
    }

    /// What the DCC holds, to be edited: the next request is checked against it.
    pub fn data_mut(&mut self) -> &mut DccData {
        if !self.faulty(faults::Fault::RegistrationIsStale) {
            self.responsible = OnceLock::new();
        }
        &mut self.data
    }

    /// Has the DSP know the public keys of a Device or CHF that came after it was made.
    pub fn set_device_keys(&mut self, device: Eui64, keys: DeviceKeys) {
        self.config.device_keys.insert(device, keys);
    }

    /// The Service Audit Trail, oldest entry first.
    pub fn audit_trail(&self) -> impl Iterator<Item = &AuditEntry> {
        self.audit.iter()
    }

    /// The tracking record of a Device.
    pub fn tracking(&self, device: Eui64) -> Option<&TrackingRecord> {
        self.tracking.get(device)
    }

    /// The tracking records of all Devices, in order of identifier.
    pub fn tracking_records(&self) -> impl Iterator<Item = &TrackingRecord> {
        self.tracking.records()
    }

    /// The time of day at an instant.
    pub fn utc(&self, now: Instant) -> Utc {
        self.config.clock.after(now - Instant::ZERO)
    }

    /// The next message to send, in the order in which they were made.
    pub fn take_output(&mut self) -> Option<DspOutput> {
        if self.ready == 0 {
            self.sign_outputs();
        }
        self.ready = self.ready.saturating_sub(1);
        self.outputs.pop_front()
    }

    /// When [`Dsp::poll`] is next wanted.
    pub fn poll_at(&self) -> Option<Instant> {
        [self.commands.next_deadline(), self.deliveries.next_due(), self.tracking.next_expiry()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Does what is due: gives up on Devices that do not answer, sends again to CSPs that were busy, tells of images that
    /// are late, forgets old tracking records.
    pub fn poll(&mut self, now: Instant) {
        self.now = now;
        self.expire_commands();
        self.poll_deliveries();
        self.tracking.expire(now);
    }

    /// Takes a Service Request that `sender` posted, and gives the synchronous answer, a DUIS response. Any input gives
    /// an answer: a request that cannot be read is refused with the outcome that says so, and the Service Audit Trail
    /// tells line and column. So is one whose signature or certificate does not hold (SR-08).
    pub fn on_request(&mut self, now: Instant, sender: Eui64, xml: &[u8]) -> String {
        self.now = now;
        let mended = self.mended(xml);
        let xml = &*mended;
        let response = match duis::parse_bytes(xml) {
            Ok(message) => match (self.check_protection(xml, &message), message) {
                (Ok(()), DuisMessage::Request(request)) => self.request(sender, &request),
                (Err(error), DuisMessage::Request(request)) => self.unverified(sender, &request, &error),
                (_, DuisMessage::Response(_)) => {
                    let detail = "a response was sent where a Service Request belongs".to_owned();
                    self.unreadable(sender, None, detail)
                }
            },
            Err(e) => {
                let header = duis::request_header(xml);
                self.unreadable(sender, header, e.to_string())
            }
        };
        self.signed(response.to_xml())
    }

    /// Takes a message from the CSP of a region.
    pub fn on_csp(&mut self, now: Instant, region: CspRegion, message: CspToDsp) {
        self.now = now;
        match message {
            CspToDsp::DistributionReply(reply) => self.distribution_reply(region, &reply),
            CspToDsp::HubFirmwareReport(report) => self.hub_firmware_report(region, report),
            CspToDsp::ValidationReport(report) => self.validation_report(region, &report),
            CspToDsp::TransferNotification(notification) => self.transfer_notification(region, &notification),
            CspToDsp::TransferNotifications { notifications } => {
                for notification in self.taken_of_batch(&notifications) {
                    self.transfer_notification(region, notification);
                }
            }
            CspToDsp::Gbcs(message) => self.gbcs_message(region, &message),
        }
    }

    fn request(&mut self, sender: Eui64, request: &Request) -> Response {
        let checked = self
            .check_sender(sender, request)
            .and_then(|()| self.check_anomaly(sender, request))
            .and_then(|()| self.process(sender, request));
        self.outcome(request, checked)
    }

    /// The answer to a request that was processed or refused, which is recorded.
    fn outcome(&mut self, request: &Request, processed: Result<(Outcome, ResponsePayload), Refusal>) -> Response {
        let (outcome, payload) = match processed {
            Ok((outcome, payload)) => {
                self.record(AuditEntry::new(AuditEvent::RequestAccepted).request(request.request_id).outcome(outcome));
                (outcome, payload)
            }
            Err(Refusal { outcome, detail }) => {
                let entry = AuditEntry::new(AuditEvent::RequestRefused).request(request.request_id).outcome(outcome);
                self.record(entry.detail(detail));
                (outcome, ResponsePayload::None)
            }
        };
        self.response(Some(request.request_id), Some(request.body.reference()), outcome, payload)
    }

    fn process(&mut self, sender: Eui64, request: &Request) -> Result<(Outcome, ResponsePayload), Refusal> {
        let processed = match &request.body {
            ServiceRequest::UpdatePaymentMode(mode) => self.update_payment_mode(sender, request.request_id, *mode)?,
            ServiceRequest::ReadInventory { device_id } => self.read_inventory(*device_id)?,
            ServiceRequest::UpdateFirmware(update) => {
                self.update_firmware(update::Service::UpdateFirmware, sender, request.request_id, update)?
            }
            ServiceRequest::UpdatePpmidFirmware(update) => {
                self.update_firmware(update::Service::UpdatePpmidFirmware, sender, request.request_id, update)?
            }
            ServiceRequest::ReadFirmwareVersion => self.read_firmware_version(sender, request.request_id)?,
            ServiceRequest::ActivateFirmware { execution_date_time, hash } => {
                self.activate_firmware(sender, request.request_id, *hash, *execution_date_time)?
            }
            ServiceRequest::SignedPreCommand { gbcs_payload } => {
                self.signed_pre_command(sender, request.request_id, gbcs_payload)?
            }
        };
        self.used_request_ids.insert(request.request_id);
        Ok(processed)
    }

    fn unverified(&mut self, sender: Eui64, request: &Request, error: &ProtectionError) -> Response {
        let outcome = Outcome::ProtectionNotVerified;
        let entry = AuditEntry::new(AuditEvent::RequestRefused).request(request.request_id).user(sender);
        self.record(entry.outcome(outcome).detail(error.to_string()));
        self.response(Some(request.request_id), Some(request.body.reference()), outcome, ResponsePayload::None)
    }

    fn unreadable(&mut self, sender: Eui64, header: Option<(RequestId, ServiceReference)>, detail: String) -> Response {
        let (request_id, reference) = header.unzip();
        let entry = AuditEntry::new(AuditEvent::RequestRefused).outcome(Outcome::InvalidStructure).user(sender);
        self.record(AuditEntry { request_id, ..entry }.detail(detail));
        self.response(request_id, reference, Outcome::InvalidStructure, ResponsePayload::None)
    }

    fn response(
        &self,
        request_id: Option<RequestId>,
        reference: Option<ServiceReference>,
        outcome: Outcome,
        payload: ResponsePayload,
    ) -> Response {
        Response {
            schema_version: SchemaVersion::current(),
            request_id,
            response_id: request_id.map(RequestId::response),
            response_code: outcome.code(),
            response_date_time: self.utc(self.now),
            body: ResponseBody::ResponseMessage(ResponseMessage {
                service_reference: reference.clone(),
                service_reference_variant: reference,
                payload,
            }),
            signature: None,
        }
    }

    /// Queues a DCC Alert.
    fn send_alert(&mut self, user: Eui64, code: DccAlertCode, alert: DccAlert) {
        let counter = self.next_counter();
        let response = Response {
            schema_version: SchemaVersion::current(),
            request_id: None,
            response_id: Some(RequestId { originator: self.config.eui, target: user, counter }),
            response_code: Outcome::Success.code(),
            response_date_time: self.utc(self.now),
            body: ResponseBody::DccAlertMessage(DccAlertMessage { code, alert }),
            signature: None,
        };
        self.record(AuditEntry::new(AuditEvent::DccAlertSent).user(user).detail(code.to_string()));
        self.outputs.push_back(DspOutput::ToUser { user, xml: response.to_xml() });
    }

    /// A counter higher than all before: the time of day in milliseconds, or one more than the last.
    fn next_counter(&mut self) -> u64 {
        let clock = u64::try_from(self.utc(self.now).0).unwrap_or(0);
        self.originator_counter = clock.max(self.originator_counter.saturating_add(1));
        self.originator_counter
    }

    fn record(&mut self, entry: AuditEntry) {
        if self.audit.len() >= MAXIMUM_AUDIT_ENTRIES {
            self.audit.pop_front();
        }
        let time = self.utc(self.now);
        self.audit.push_back(AuditEntry { time, ..entry });
    }
}
