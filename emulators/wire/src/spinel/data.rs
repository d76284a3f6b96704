//! The data types: reading and appending.

use super::error::{SpinelError, SpinelErrorKind};
use crate::types::Eui64;
use alloc::string::String;
use alloc::vec::Vec;

/// Octets of a packed unsigned integer that can matter to 32 bits.
const PACKED_OCTETS: usize = 5;

#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    octets: &'a [u8],
    /// Of `octets` in the whole frame.
    offset: usize,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(octets: &'a [u8]) -> Self {
        Self { octets, offset: 0 }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    pub(super) const fn error(&self, kind: SpinelErrorKind) -> SpinelError {
        SpinelError { offset: self.offset, kind }
    }

    /// All that is left.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        let rest = core::mem::take(&mut self.octets);
        self.offset += rest.len();
        rest
    }

    pub(super) fn take(&mut self, length: usize, field: &'static str) -> Result<&'a [u8], SpinelError> {
        let (taken, rest) =
            self.octets.split_at_checked(length).ok_or(self.error(SpinelErrorKind::Truncated { field }))?;
        self.octets = rest;
        self.offset += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], SpinelError> {
        let (taken, rest) =
            self.octets.split_first_chunk::<N>().ok_or(self.error(SpinelErrorKind::Truncated { field }))?;
        self.octets = rest;
        self.offset += N;
        Ok(*taken)
    }

    /// `C`.
    pub(super) fn u8(&mut self, field: &'static str) -> Result<u8, SpinelError> {
        self.array::<1>(field).map(|[octet]| octet)
    }

    /// `c`.
    pub(super) fn i8(&mut self, field: &'static str) -> Result<i8, SpinelError> {
        self.array(field).map(i8::from_le_bytes)
    }

    /// `S`.
    pub(super) fn u16(&mut self, field: &'static str) -> Result<u16, SpinelError> {
        self.array(field).map(u16::from_le_bytes)
    }

    /// `L`.
    pub(super) fn u32(&mut self, field: &'static str) -> Result<u32, SpinelError> {
        self.array(field).map(u32::from_le_bytes)
    }

    /// `X`.
    pub(super) fn u64(&mut self, field: &'static str) -> Result<u64, SpinelError> {
        self.array(field).map(u64::from_le_bytes)
    }

    /// `E`.
    pub(super) fn eui(&mut self, field: &'static str) -> Result<Eui64, SpinelError> {
        self.array(field).map(Eui64::from_be_bytes)
    }

    /// `b`: any octet but 0 is true, as OpenThread reads it.
    pub(super) fn bool(&mut self, field: &'static str) -> Result<bool, SpinelError> {
        self.u8(field).map(|octet| octet != 0)
    }

    /// `i`.
    pub(super) fn packed(&mut self, field: &'static str) -> Result<u32, SpinelError> {
        let too_large = self.error(SpinelErrorKind::PackedInteger { field });
        let mut value = 0u64;
        for at in 0..PACKED_OCTETS {
            let octet = self.u8(field)?;
            value |= u64::from(octet & 0x7F) << (7 * at);
            if octet & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| too_large);
            }
        }
        Err(too_large)
    }

    /// `U`. A text that ends with its value need not have the zero octet.
    pub(super) fn text(&mut self, field: &'static str) -> Result<String, SpinelError> {
        let wrong = self.error(SpinelErrorKind::Text { field });
        let length = self.octets.iter().position(|octet| *octet == 0);
        let text = self.take(length.unwrap_or(self.octets.len()), field)?;
        if length.is_some() {
            self.take(1, field)?;
        }
        core::str::from_utf8(text).map(String::from).map_err(|_| wrong)
    }

    /// `d` and `t(..)`: octets after their length in 16 bits. Offsets within go on from where they are in the frame.
    pub(super) fn block(&mut self, field: &'static str) -> Result<Self, SpinelError> {
        let length = self.u16(field)?;
        let offset = self.offset;
        let octets = self.take(length.into(), field)?;
        Ok(Self { octets, offset })
    }

    /// Elements to the end.
    pub(super) fn list<T>(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<T, SpinelError>,
    ) -> Result<Vec<T>, SpinelError> {
        let mut elements = Vec::new();
        while !self.is_empty() {
            elements.push(element(self)?);
        }
        Ok(elements)
    }
}

/// Appends `i`.
pub(super) fn emit_packed(mut value: u32, frame: &mut Vec<u8>) {
    while value >= 0x80 {
        // The low seven bits: nothing is lost.
        frame.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    frame.push(value as u8);
}

/// Appends `U`. A zero octet would end the text early, so the text ends before it.
pub(super) fn emit_text(text: &str, frame: &mut Vec<u8>) {
    frame.extend(text.bytes().take_while(|octet| *octet != 0));
    frame.push(0);
}

/// Appends `d` or `t(..)`: what `inner` appends, after its length. More than 65535 octets are cut.
pub(super) fn emit_block(frame: &mut Vec<u8>, inner: impl FnOnce(&mut Vec<u8>)) {
    let at = frame.len();
    frame.extend_from_slice(&[0, 0]);
    inner(frame);
    let length = u16::try_from(frame.len() - at - 2).unwrap_or(u16::MAX);
    frame.truncate(at + 2 + usize::from(length));
    if let Some(field) = frame.get_mut(at..at + 2) {
        field.copy_from_slice(&length.to_le_bytes());
    }
}
