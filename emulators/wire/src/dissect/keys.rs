//! The keys that a dissector may use.

use crate::security::{AuxHeader, CcmKey, KeyId, LinkKey};
use crate::types::{Eui64, Key128};
use alloc::vec::Vec;

/// A network key of a [`KeyRing`].
#[derive(Clone, Debug)]
pub struct RingNetworkKey {
    /// Its sequence number; none stands for any.
    pub sequence: Option<u8>,
    /// The key.
    pub key: CcmKey,
}

/// A link key of a [`KeyRing`].
#[derive(Clone, Debug)]
pub struct RingLinkKey {
    /// One of the two that share it.
    pub device: Eui64,
    /// The other; none stands for any.
    pub partner: Option<Eui64>,
    /// The key, with those derived from it.
    pub key: LinkKey,
}

impl RingLinkKey {
    fn serves(&self, a: Eui64, b: Option<Eui64>) -> bool {
        let matches = |partner: Option<Eui64>| match (self.partner, partner) {
            (Some(own), Some(other)) => own == other,
            _ => true,
        };
        self.device == a && matches(b) || b.is_none_or(|b| self.device == b) && matches(Some(a))
    }
}

/// The keys that a dissector may use.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    network: Vec<RingNetworkKey>,
    link: Vec<RingLinkKey>,
}

impl KeyRing {
    /// An empty ring.
    pub const fn new() -> Self {
        Self { network: Vec::new(), link: Vec::new() }
    }

    /// Adds a network key. The same key and sequence number again changes nothing.
    pub fn add_network_key(&mut self, key: Key128, sequence: Option<u8>) {
        if !self.network.iter().any(|k| k.sequence == sequence && k.key.key() == key) {
            self.network.push(RingNetworkKey { sequence, key: CcmKey::new(key) });
        }
    }

    /// Adds the link key that `device` shares with `partner` (with anyone, when that is none). The same key for the same
    /// pair again changes nothing; several keys for a pair are all tried.
    pub fn add_link_key(&mut self, key: Key128, device: Eui64, partner: Option<Eui64>) {
        let same = |k: &RingLinkKey| k.device == device && k.partner == partner && k.key.data.key() == key;
        if !self.link.iter().any(same) {
            self.link.push(RingLinkKey { device, partner, key: LinkKey::new(key) });
        }
    }

    /// The network keys, in the order in which they were added or learned.
    pub fn network_keys(&self) -> &[RingNetworkKey] {
        &self.network
    }

    /// The link keys, in the order in which they were added.
    pub fn link_keys(&self) -> &[RingLinkKey] {
        &self.link
    }

    pub(super) fn network_keys_for(&self, sequence: Option<u8>) -> impl Iterator<Item = &CcmKey> {
        // The newest key is the likeliest.
        self.network.iter().rev().filter(move |k| k.sequence.is_none() || k.sequence == sequence).map(|k| &k.key)
    }

    pub(super) fn aps_keys_for(
        &self,
        aux: &AuxHeader,
        source: Eui64,
        destination: Option<Eui64>,
    ) -> impl Iterator<Item = &CcmKey> {
        let id = aux.key_id;
        let network = self.network_keys_for(aux.key_sequence).filter(move |_| id == KeyId::Network);
        let link = self.link.iter().rev().filter(move |k| k.serves(source, destination));
        network.chain(link.filter_map(move |k| k.key.get(id)))
    }
}
