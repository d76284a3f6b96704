//! The Hash of a Manufacturer Image.

use hanrig_wire::types::ParseIdError;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// The Hash that identifies a Manufacturer Image on the CPL, in SRV 11.3 and in N59: SHA-256 over the Manufacturer Image
/// alone, without OTA Header and without the signature that SRV 11.1 appends (interpretation I-02).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FirmwareHash(pub [u8; 32]);

impl FirmwareHash {
    /// SHA-256 over `octets`.
    pub fn of(octets: &[u8]) -> Self {
        Self(Sha256::digest(octets).into())
    }
}

impl fmt::Display for FirmwareHash {
    /// 64 hexadecimal digits in upper case, as DUIS writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for octet in self.0 {
            write!(f, "{octet:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for FirmwareHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for FirmwareHash {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let mut octets = [0; 32];
        hex::decode_to_slice(text, &mut octets)
            .map_err(|_| ParseIdError { expected: "a Hash of 64 hexadecimal digits" })?;
        Ok(Self(octets))
    }
}

impl Serialize for FirmwareHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FirmwareHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
