//! How the medium is set up.

use crate::phy::{Csma, Phy};
use std::collections::BTreeMap;

/// One direction between two radios that are in range of each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// Probability, 0 to 1, that a frame is missed; `None` for the default of the medium (or of the sniffer).
    ///
    /// A frame that is missed is still energy on the air: it keeps the channel busy and collides with others.
    pub loss: Option<f64>,
    /// Received signal strength, in dBm.
    pub rssi_dbm: i8,
    /// Link quality indication, 0 (worst) to 255.
    pub lqi: u8,
}

/// The set-up of an [`Air`](crate::Air).
#[derive(Clone, Debug)]
pub struct AirConfig {
    /// Timing of the PHY at 2.4 GHz, channel page 0.
    pub phy: Phy,
    /// Timing of the PHY below 1 GHz, channel pages 28 to 31.
    pub sub_ghz: Phy,
    /// Constants of CSMA-CA, the same for every radio.
    pub csma: Csma,
    /// Seed of everything random: backoffs and losses.
    pub seed: u64,
    /// Probability, 0 to 1, that a receiver misses a frame. It does not apply to the sniffer.
    pub default_loss: f64,
    /// Probability, 0 to 1, that the sniffer misses a frame.
    pub sniffer_loss: f64,
    /// Received signal strength where `links` does not say, in dBm.
    pub default_rssi_dbm: i8,
    /// Link quality indication where `links` does not say.
    pub default_lqi: u8,
    /// Directions that differ from the rest: (name of the sender, name of the receiver) to a link, or to `None` where the
    /// receiver is out of range and hears nothing at all of the sender. The sniffer's name is `sniffer`.
    pub links: BTreeMap<(String, String), Option<Link>>,
}

impl Default for AirConfig {
    /// 2.4 GHz O-QPSK and sub-GHz 2-FSK, the CSMA-CA constants of the standard, seed 0, no loss, everyone in range at -50 dBm and LQI 255.
    fn default() -> Self {
        Self {
            phy: Phy::default(),
            sub_ghz: Phy::FSK_SUB_GHZ,
            csma: Csma::default(),
            seed: 0,
            default_loss: 0.0,
            sniffer_loss: 0.0,
            default_rssi_dbm: -50,
            default_lqi: 255,
            links: BTreeMap::new(),
        }
    }
}
