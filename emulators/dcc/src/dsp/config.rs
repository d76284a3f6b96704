//! What a DSP is told once.

use crate::duis::DccAlertCode;
use crate::gateway::RejectionReason;
use hanrig_wire::gbcs::{PublicKey, SecretKey, VerifyingKey};
use hanrig_wire::ota_file::MAXIMUM_IMAGE_SIZE;
use hanrig_wire::time::{Duration, Utc};
use hanrig_wire::types::Eui64;
use std::collections::BTreeMap;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a DSP is told once.
#[derive(Clone, Debug)]
pub struct DspConfig {
    /// The DCC's identifier: target of Non-Device requests, and the Access Control Broker in GBCS messages.
    pub eui: Eui64,
    /// The time of day at [`Instant::ZERO`](hanrig_wire::time::Instant::ZERO).
    pub clock: Utc,
    /// The Access Control Broker's key agreement key, with which Commands get their MAC.
    pub key_agreement: SecretKey,
    /// The public keys of the Devices, CHFs included, by identifier.
    pub device_keys: BTreeMap<Eui64, DeviceKeys>,
    /// Which reading of the documents holds.
    pub interpretations: Interpretations,
    /// How long a tracking record is kept after its last change, once the update is over (FIA 4.8): a week.
    pub tracking_retention: Duration,
    /// How long a Device may take to answer a Command: a day.
    pub response_timeout: Duration,
}

impl DspConfig {
    /// A configuration with the usual values and no Device's keys.
    pub fn new(eui: Eui64, clock: Utc, key_agreement: SecretKey) -> Self {
        Self {
            eui,
            clock,
            key_agreement,
            device_keys: BTreeMap::new(),
            interpretations: Interpretations::default(),
            tracking_retention: 7 * DAY,
            response_timeout: DAY,
        }
    }
}

/// The public keys of a Device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceKeys {
    /// For digital signing.
    pub signing: VerifyingKey,
    /// For key agreement.
    pub key_agreement: PublicKey,
}

/// Which reading of the documents holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpretations {
    /// I-01: the largest OTA Upgrade Image, in octets.
    pub maximum_image_size: usize,
    /// The most Devices of one request (BR 4.1.2).
    pub maximum_devices: usize,
    /// I-13: which Alert tells of which reason of a CSP's rejection. A reason without an entry gives N18.
    pub rejection_alerts: BTreeMap<RejectionReason, DccAlertCode>,
}

impl Default for Interpretations {
    fn default() -> Self {
        Self {
            maximum_image_size: MAXIMUM_IMAGE_SIZE,
            maximum_devices: 50_000,
            rejection_alerts: BTreeMap::from([
                (RejectionReason::ImageIntegrity, DccAlertCode::N18),
                (RejectionReason::UnknownDevice, DccAlertCode::N19),
                (RejectionReason::NotReachable, DccAlertCode::N20),
            ]),
        }
    }
}
