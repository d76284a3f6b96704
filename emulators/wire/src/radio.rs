//! What the radio layers ([`mac`](crate::mac), [`nwk`](crate::nwk), [`aps`](crate::aps), [`zdp`](crate::zdp)) share:
//! a bounds-checked little-endian reader and the error that says where a frame went wrong.

use crate::types::Eui64;
use core::fmt;

/// A layer of the radio protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Layer {
    /// IEEE 802.15.4 medium access control.
    Mac,
    /// ZigBee network layer.
    Nwk,
    /// ZigBee application support sub-layer.
    Aps,
    /// ZigBee device profile.
    Zdp,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mac => "MAC",
            Self::Nwk => "NWK",
            Self::Aps => "APS",
            Self::Zdp => "ZDP",
        })
    }
}

/// Why octets are not a frame of their layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{layer} frame, octet {offset}: {kind}")]
pub struct Malformed {
    /// The layer.
    pub layer: Layer,
    /// Offset from the start of this layer's frame, in octets.
    pub offset: usize,
    /// What is wrong there.
    pub kind: MalformedKind,
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedKind {
    /// The frame ends before the field does.
    #[error("the frame ends inside the {0}")]
    Truncated(&'static str),
    /// The field holds a value that has no meaning there.
    #[error("{field} is {found:#x}, expected {expected}")]
    Value {
        /// The field.
        field: &'static str,
        /// What it holds.
        found: u32,
        /// What would have been right.
        expected: &'static str,
    },
}

/// Reads a frame from its start; never reads past its end.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
    layer: Layer,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(layer: Layer, octets: &'a [u8]) -> Self {
        Self { octets, at: 0, layer }
    }

    pub(crate) const fn offset(&self) -> usize {
        self.at
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.octets.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn take(&mut self, n: usize, field: &'static str) -> Result<&'a [u8], Malformed> {
        let taken = self.rest().get(..n).ok_or(Malformed {
            layer: self.layer,
            offset: self.at,
            kind: MalformedKind::Truncated(field),
        })?;
        self.at += n;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], Malformed> {
        let mut octets = [0; N];
        octets.copy_from_slice(self.take(N, field)?);
        Ok(octets)
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, Malformed> {
        self.array::<1>(field).map(|[octet]| octet)
    }

    pub(crate) fn u16(&mut self, field: &'static str) -> Result<u16, Malformed> {
        self.array(field).map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, Malformed> {
        self.array(field).map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self, field: &'static str) -> Result<u64, Malformed> {
        self.array(field).map(u64::from_le_bytes)
    }

    pub(crate) fn eui(&mut self, field: &'static str) -> Result<Eui64, Malformed> {
        self.array(field).map(Eui64::from_le_bytes)
    }

    /// The error for a value read `back` octets before here.
    pub(crate) const fn wrong(
        &self,
        back: usize,
        field: &'static str,
        found: u32,
        expected: &'static str,
    ) -> Malformed {
        Malformed {
            layer: self.layer,
            offset: self.at.saturating_sub(back),
            kind: MalformedKind::Value { field, found, expected },
        }
    }
}
