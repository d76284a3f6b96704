//! What a DSP is told once.

use crate::security::Protection;
use crate::settings::Settings;
use hanrig_wire::gbcs::{PublicKey, SecretKey, VerifyingKey};
use hanrig_wire::time::Utc;
use hanrig_wire::types::Eui64;
use std::collections::BTreeMap;

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
    /// The public keys with which the Users sign Pre-Commands, by identifier.
    pub user_keys: BTreeMap<Eui64, VerifyingKey>,
    /// What the DSP signs responses and Alerts with, and whose requests it takes. Without it nothing is signed, and no
    /// request's signature holds.
    pub protection: Option<Protection>,
    /// Which reading of the documents holds.
    pub settings: Settings,
}

impl DspConfig {
    /// A configuration with the usual settings and nobody's keys and certificates.
    pub fn new(eui: Eui64, clock: Utc, key_agreement: SecretKey) -> Self {
        Self {
            eui,
            clock,
            key_agreement,
            device_keys: BTreeMap::new(),
            user_keys: BTreeMap::new(),
            protection: None,
            settings: Settings::default(),
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
