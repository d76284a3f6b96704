//! What a lab may want otherwise: readings of the documents where they disagree or are silent, and the parameters that
//! they leave to be agreed. One TOML file holds them all; what it leaves out is as documented here.
//!
//! ```toml
//! tracking_timeout = "3days"
//! hcalcs_suppliers = "import_supplier_and_gas_supplier"
//!
//! [long_retry]
//! window = "1day"
//!
//! [[anomaly_threshold]]
//! user = "90-B3-D5-1F-30-01-00-00"
//! service_reference = "11.4"
//! requests = 20
//! period = "1day"
//! ```
//!
//! The readings that concern hub and Devices are not here: they are part of a bench's hub profile and declarations.
//!
//! Times are written as a number and a unit: `30s`, `15min`, `1h`, `4days`, or several of them.

mod csp;

pub use csp::{CspSettings, NorthSettings, SecondRequest, SouthAndCentralSettings};

use crate::duis::DccAlertCode;
use crate::gateway::RejectionReason;
use hanrig_wire::ota_file::MAXIMUM_IMAGE_SIZE;
use hanrig_wire::time::Duration;
use hanrig_wire::types::Eui64;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(crate) const HOUR: Duration = Duration::from_secs(60 * 60);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The settings of the DCC's side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// I-01: the largest OTA Upgrade Image, in octets: 768,000. The alternative is 750,000.
    pub maximum_image_size: usize,
    /// The most Devices of one request (BR 4.1.2): 50,000.
    pub maximum_devices: usize,
    /// I-03: who gets N60, N61 and N62: the sender.
    pub transfer_alert_recipients: AlertRecipients,
    /// I-06: who may update an HCALCS: the Import Supplier.
    pub hcalcs_suppliers: HcalcsSuppliers,
    /// How long a Device stays in progress after the last change of its status (DSP-09, I-07): a week. The documents
    /// leave it to be agreed; Table 2 knows no other time than that of the last change.
    #[serde(with = "duration_text")]
    pub tracking_timeout: Duration,
    /// How long a tracking record is kept after its last change, once the update is over (FIA 4.8): a week.
    #[serde(with = "duration_text")]
    pub tracking_retention: Duration,
    /// The use case by which SRV 11.2 reads an HCALCS (I-11): CS08.
    pub hcalcs_version_read: VersionRead,
    /// The use case by which SRV 11.2 reads an ESME or a GSME: their own, ECS52 and GCS38.
    pub meter_version_read: VersionRead,
    /// I-13: which Alert tells of which reason of a CSP's rejection: N18, N19, N20 or N22. A reason without an entry
    /// gives N18.
    pub rejection_alerts: BTreeMap<RejectionReason, DccAlertCode>,
    /// I-13: which Alert tells of which fault of a version that a PPMID or HCALCS told.
    pub version_alerts: VersionAlerts,
    /// What the DSP does when a CSP is busy or not available (DSP-12).
    pub long_retry: LongRetry,
    /// I-19: how long after the request an image may take to its hub before the sender is told that it did not get
    /// there: five days.
    #[serde(with = "duration_text")]
    pub delivery_period: Duration,
    /// How long a Device may take to answer a Command: a day.
    #[serde(with = "duration_text")]
    pub response_timeout: Duration,
    /// How long Service Users know beforehand that hubs get new firmware (CHFW-01): seven days. A shorter notice is
    /// refused.
    #[serde(with = "duration_text")]
    pub hub_firmware_notice: Duration,
    /// How many hubs the stages of a hub firmware release may have (CHFW-02).
    pub hub_firmware_stages: HubFirmwareStages,
    /// I-17: anomaly detection thresholds. SRV 11.4 is counted apart always; without a threshold nothing is quarantined.
    #[serde(rename = "anomaly_threshold", skip_serializing_if = "Vec::is_empty")]
    pub anomaly_thresholds: Vec<AnomalyThreshold>,
    /// Whether the DSP takes Service Requests without a signature: it refuses them.
    pub unsigned_requests: UnsignedRequests,
    /// What the CSPs can do.
    pub csp: CspSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            maximum_image_size: MAXIMUM_IMAGE_SIZE,
            maximum_devices: 50_000,
            transfer_alert_recipients: AlertRecipients::Sender,
            hcalcs_suppliers: HcalcsSuppliers::ImportSupplier,
            tracking_timeout: 7 * DAY,
            tracking_retention: 7 * DAY,
            hcalcs_version_read: VersionRead::Cs08,
            meter_version_read: VersionRead::DeviceType,
            rejection_alerts: BTreeMap::from([
                (RejectionReason::ImageIntegrity, DccAlertCode::N18),
                (RejectionReason::UnknownDevice, DccAlertCode::N19),
                (RejectionReason::NotReachable, DccAlertCode::N20),
                (RejectionReason::ServiceWindow, DccAlertCode::N20),
            ]),
            version_alerts: VersionAlerts::default(),
            long_retry: LongRetry::default(),
            delivery_period: 5 * DAY,
            response_timeout: DAY,
            hub_firmware_notice: 7 * DAY,
            hub_firmware_stages: HubFirmwareStages::default(),
            anomaly_thresholds: Vec::new(),
            unsigned_requests: UnsignedRequests::Refused,
            csp: CspSettings::default(),
        }
    }
}

impl Settings {
    /// Reads a TOML file.
    ///
    /// # Errors
    ///
    /// TOML that does not parse, and a field that is unknown or has a value that it cannot have; the message names line
    /// and column.
    pub fn from_toml(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// The settings as a TOML file, which [`Settings::from_toml`] reads back as equal settings.
    ///
    /// # Errors
    ///
    /// None that these types can cause; TOML's own error is passed on.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }
}

/// Who gets the Alerts on the transfer of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertRecipients {
    /// The sender of the update request (FIA Table 3).
    Sender,
    /// Every Responsible Supplier (Modification Report).
    ResponsibleSuppliers,
}

/// What becomes of a Service Request without a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnsignedRequests {
    /// It is refused, as SEC Appendix AB 6.1 has it.
    Refused,
    /// It is taken: for clients in a lab that cannot sign. One that is signed is checked all the same.
    Taken,
}

/// Who may update an HCALCS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HcalcsSuppliers {
    /// The Import Supplier alone (BR 3.5).
    ImportSupplier,
    /// Either Responsible Supplier (FIA Appendix D, item 10).
    ImportSupplierAndGasSupplier,
}

/// The use case by which a Device's firmware version is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionRead {
    /// CS08.
    Cs08,
    /// The one that GBCS has for the Device type: GCS38 for a GSME, ECS52 for an ESME and (FIA 3.2.4) an HCALCS.
    DeviceType,
}

/// Which Alert tells of which fault of a version: N49, N50 or N51.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VersionAlerts {
    /// The entry of Device Model and version has been removed.
    pub removed: DccAlertCode,
    /// No entry of the Device type has the version.
    pub not_listed: DccAlertCode,
    /// The version is listed for other Device Models only.
    pub other_model: DccAlertCode,
}

impl Default for VersionAlerts {
    fn default() -> Self {
        Self { removed: DccAlertCode::N49, not_listed: DccAlertCode::N50, other_model: DccAlertCode::N51 }
    }
}

/// What the DSP does when a CSP is busy or not available (FIA 3.2.5 Control 2): once at once, then at each interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LongRetry {
    /// Between two tries: an hour.
    #[serde(with = "duration_text")]
    pub interval: Duration,
    /// How long after the first try the last one is: four days.
    #[serde(with = "duration_text")]
    pub window: Duration,
    /// How long a CSP may take to answer before it counts as not available: a minute.
    #[serde(with = "duration_text")]
    pub answer_timeout: Duration,
}

impl Default for LongRetry {
    fn default() -> Self {
        Self { interval: HOUR, window: 4 * DAY, answer_timeout: Duration::from_secs(60) }
    }
}

/// How many hubs the stages of a hub firmware release may have before roll-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HubFirmwareStages {
    /// The fewest of the micro pilot: 10.
    pub micro_pilot_least: usize,
    /// The most of the micro pilot: 20.
    pub micro_pilot_most: usize,
    /// The most of the pilot: 5,000.
    pub pilot_most: usize,
}

impl Default for HubFirmwareStages {
    fn default() -> Self {
        Self { micro_pilot_least: 10, micro_pilot_most: 20, pilot_most: 5000 }
    }
}

/// How many requests a User may send in a period before the next ones are quarantined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnomalyThreshold {
    /// The User.
    pub user: Eui64,
    /// Which requests: SRV 11.1 covers ESME, GSME and HCALCS.
    pub service_reference: CountedService,
    /// The most requests that pass.
    pub requests: u32,
    /// In how long.
    #[serde(with = "duration_text")]
    pub period: Duration,
}

/// A request that anomaly detection counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CountedService {
    /// SRV 11.1.
    #[serde(rename = "11.1")]
    UpdateFirmware,
    /// SRV 11.3, counted as Signed Pre-Commands.
    #[serde(rename = "11.3")]
    ActivateFirmware,
    /// SRV 11.4.
    #[serde(rename = "11.4")]
    UpdatePpmidFirmware,
}

/// A length of time as text.
pub(crate) mod duration_text {
    use super::Duration;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(crate) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_duration(*duration))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_duration(&text)
            .map_err(|e| D::Error::custom(format_args!("{text:?} is no length of time such as 4days or 30min: {e}")))
    }
}
