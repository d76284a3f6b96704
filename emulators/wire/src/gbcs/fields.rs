//! Reading and writing the small DER structures of use case contents, with errors that name the field.

use crate::time::Utc;
use crate::types::{Eui64, FirmwareVersion};
use alloc::vec::Vec;
use core::time::Duration;
use der::asn1::{AnyRef, GeneralizedTime, Null, OctetStringRef};
use der::{Decode, Encode, ErrorKind, Reader, SliceReader, Tag, Tagged};

/// The invoke identifier of a DLMS access request: the last 24 bits of the originator counter.
pub(super) fn invoke_id(counter: u64) -> [u8; 3] {
    let [.., a, b, c] = counter.to_be_bytes();
    [a, b, c]
}

/// Why a content is not what its use case says. Offsets count from the content's first octet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// An element is not DER, or not the element that belongs there.
    #[error("{what}: {field} at content offset {offset}: expected {expected}, found: {kind}")]
    Der {
        /// Which content.
        what: &'static str,
        /// Which field of it.
        field: &'static str,
        /// Where the field starts.
        offset: usize,
        /// What would have been right.
        expected: &'static str,
        /// What the DER decoder says.
        kind: ErrorKind,
    },
    /// An element has a value or a length that the use case does not know.
    #[error("{what}: {field} at content offset {offset}: expected {expected}, found {found}")]
    Value {
        /// Which content.
        what: &'static str,
        /// Which field of it.
        field: &'static str,
        /// Where the field starts.
        offset: usize,
        /// What would have been right.
        expected: &'static str,
        /// The value, or the number of octets of an octet string.
        found: u64,
    },
    /// The content ends before a field.
    #[error("{what}: {field} is missing at content offset {offset}: expected {expected}")]
    Missing {
        /// Which content.
        what: &'static str,
        /// Which field of it.
        field: &'static str,
        /// Where it should start.
        offset: usize,
        /// What would have been right.
        expected: &'static str,
    },
    /// Something follows the last field.
    #[error("{what}: {count} octets follow the last field, at content offset {offset}")]
    Trailing {
        /// Which content.
        what: &'static str,
        /// Where the last field ends.
        offset: usize,
        /// How many octets follow.
        count: usize,
    },
}

/// The elements of one SEQUENCE, taken in turn.
pub(super) struct Fields<'a> {
    what: &'static str,
    reader: SliceReader<'a>,
    /// Content offset of the first element.
    base: usize,
}

impl<'a> Fields<'a> {
    /// Opens the SEQUENCE that `octets`, at content offset `base`, are.
    fn open_at(what: &'static str, octets: &'a [u8], base: usize) -> Result<Self, ContentError> {
        let wrong = |kind| ContentError::Der { what, field: "content", offset: base, expected: "a SEQUENCE", kind };
        let sequence = AnyRef::from_der(octets).map_err(|error| wrong(error.kind()))?;
        sequence.tag().assert_eq(Tag::Sequence).map_err(|error| wrong(error.kind()))?;
        let reader = SliceReader::new(sequence.value()).map_err(|error| wrong(error.kind()))?;
        Ok(Self { what, reader, base: base + octets.len().saturating_sub(sequence.value().len()) })
    }

    /// Opens the SEQUENCE that the whole content is.
    pub(super) fn open(what: &'static str, content: &'a [u8]) -> Result<Self, ContentError> {
        Self::open_at(what, content, 0)
    }

    fn offset(&self) -> usize {
        self.base + usize::try_from(self.reader.position()).unwrap_or(usize::MAX)
    }

    /// Whether another element follows.
    pub(super) fn more(&self) -> bool {
        !self.reader.is_finished()
    }

    fn element<T: Decode<'a, Error = der::Error>>(
        &mut self,
        field: &'static str,
        expected: &'static str,
    ) -> Result<T, ContentError> {
        let (what, offset) = (self.what, self.offset());
        if !self.more() {
            return Err(ContentError::Missing { what, field, offset, expected });
        }
        let wrong = |error: der::Error| ContentError::Der { what, field, offset, expected, kind: error.kind() };
        self.reader.decode().map_err(wrong)
    }

    pub(super) fn integer(&mut self, field: &'static str) -> Result<u64, ContentError> {
        self.element(field, "an INTEGER of 0 to 2^64-1")
    }

    /// An INTEGER that `known` takes.
    pub(super) fn known<T>(
        &mut self,
        field: &'static str,
        expected: &'static str,
        known: impl Fn(u64) -> Option<T>,
    ) -> Result<T, ContentError> {
        let (what, offset) = (self.what, self.offset());
        let found = self.element(field, expected)?;
        known(found).ok_or(ContentError::Value { what, field, offset, expected, found })
    }

    pub(super) fn alert_code(&mut self) -> Result<u16, ContentError> {
        self.known("alert code", "an INTEGER of 16 bits", |code| u16::try_from(code).ok())
    }

    pub(super) fn octets<const N: usize>(
        &mut self,
        field: &'static str,
        expected: &'static str,
    ) -> Result<[u8; N], ContentError> {
        let (what, offset) = (self.what, self.offset());
        let octets: &OctetStringRef = self.element(field, expected)?;
        let octets = octets.as_bytes();
        let found = octets.len() as u64;
        octets.try_into().map_err(|_| ContentError::Value { what, field, offset, expected, found })
    }

    pub(super) fn version(&mut self) -> Result<FirmwareVersion, ContentError> {
        let octets = self.octets("firmware version", "an OCTET STRING of 4 octets")?;
        Ok(FirmwareVersion(u32::from_be_bytes(octets)))
    }

    pub(super) fn eui(&mut self, field: &'static str) -> Result<Eui64, ContentError> {
        self.octets(field, "an OCTET STRING of 8 octets, an EUI-64").map(Eui64::from_be_bytes)
    }

    pub(super) fn time(&mut self, field: &'static str) -> Result<Utc, ContentError> {
        let time: GeneralizedTime = self.element(field, "a GeneralizedTime YYYYMMDDhhmmssZ")?;
        Ok(Utc::from_unix_seconds(i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX)))
    }

    /// The elements of a SEQUENCE within this one.
    pub(super) fn nested(&mut self, field: &'static str) -> Result<Self, ContentError> {
        let (what, offset) = (self.what, self.offset());
        let expected = "a SEQUENCE";
        if !self.more() {
            return Err(ContentError::Missing { what, field, offset, expected });
        }
        let octets = self.reader.tlv_bytes().map_err(|error| ContentError::Der {
            what,
            field,
            offset,
            expected,
            kind: error.kind(),
        })?;
        Self::open_at(what, octets, offset)
    }

    /// That no element is left.
    pub(super) fn end(self) -> Result<(), ContentError> {
        match usize::try_from(self.reader.remaining_len()).unwrap_or(usize::MAX) {
            0 => Ok(()),
            count => Err(ContentError::Trailing { what: self.what, offset: self.offset(), count }),
        }
    }
}

/// The octets of a content that is not DER, taken in turn.
pub(super) struct Octets<'a> {
    what: &'static str,
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Octets<'a> {
    pub(super) const fn open(what: &'static str, content: &'a [u8]) -> Self {
        Self { what, rest: content, offset: 0 }
    }

    /// Where the next octet is in the content.
    pub(super) const fn offset(&self) -> usize {
        self.offset
    }

    pub(super) fn take<const N: usize>(
        &mut self,
        field: &'static str,
        expected: &'static str,
    ) -> Result<[u8; N], ContentError> {
        let missing = ContentError::Missing { what: self.what, field, offset: self.offset, expected };
        let (octets, rest) = self.rest.split_first_chunk().ok_or(missing)?;
        self.rest = rest;
        self.offset += N;
        Ok(*octets)
    }

    /// Whether these octets come next.
    pub(super) fn next_are(&self, octets: &[u8]) -> bool {
        self.rest.starts_with(octets)
    }

    /// That these octets come next.
    pub(super) fn expect(
        &mut self,
        field: &'static str,
        expected: &'static str,
        octets: &[u8],
    ) -> Result<(), ContentError> {
        let (what, start) = (self.what, self.offset);
        for (at, wanted) in octets.iter().enumerate() {
            let offset = start + at;
            let Some((found, rest)) = self.rest.split_first() else {
                return Err(ContentError::Missing { what, field, offset, expected });
            };
            if found != wanted {
                return Err(ContentError::Value { what, field, offset, expected, found: u64::from(*found) });
            }
            self.rest = rest;
            self.offset = offset + 1;
        }
        Ok(())
    }

    /// That no octet is left.
    pub(super) fn end(self) -> Result<(), ContentError> {
        match self.rest.len() {
            0 => Ok(()),
            count => Err(ContentError::Trailing { what: self.what, offset: self.offset, count }),
        }
    }
}

/// Whether the whole content is NULL.
pub(super) fn is_null(content: &[u8]) -> bool {
    Null::from_der(content).is_ok()
}

/// That the whole content is NULL.
pub(super) fn expect_null(what: &'static str, content: &[u8]) -> Result<(), ContentError> {
    Null::from_der(content).map(|_| ()).map_err(|error| ContentError::Der {
        what,
        field: "content",
        offset: 0,
        expected: "NULL",
        kind: error.kind(),
    })
}

/// Elements of a SEQUENCE to be, in DER.
///
/// DER encoding fails only where a length passes 2^28, and contents have tens of octets.
#[derive(Default)]
pub(super) struct Elements(Vec<u8>);

impl Elements {
    fn add(mut self, element: &impl Encode) -> Self {
        self.0.extend(element.to_der().unwrap_or_default());
        self
    }

    pub(super) fn integer(self, value: u64) -> Self {
        self.add(&value)
    }

    pub(super) fn octets(self, octets: &[u8]) -> Self {
        let mut elements = self;
        if let Ok(octets) = OctetStringRef::new(octets) {
            elements = elements.add(&octets);
        }
        elements
    }

    pub(super) fn version(self, version: FirmwareVersion) -> Self {
        self.octets(&version.0.to_be_bytes())
    }

    /// Whole seconds; a time outside the years 1970 to 9999, which DER cannot say, is moved to the nearest end.
    pub(super) fn time(self, time: Utc) -> Self {
        const LAST: u64 = 253_402_300_799;
        let seconds = u64::try_from(time.unix_seconds()).unwrap_or(0).min(LAST);
        match GeneralizedTime::from_unix_duration(Duration::from_secs(seconds)) {
            Ok(time) => self.add(&time),
            Err(_) => self,
        }
    }

    pub(super) fn nested(mut self, sequence: Self) -> Self {
        self.0.extend(sequence.sequence());
        self
    }

    /// The SEQUENCE of these elements.
    pub(super) fn sequence(self) -> Vec<u8> {
        AnyRef::new(Tag::Sequence, &self.0).and_then(|sequence| sequence.to_der()).unwrap_or_default()
    }
}

/// NULL.
pub(super) fn null() -> Vec<u8> {
    Null.to_der().unwrap_or_default()
}
