//! Identifiers and small values that more than one format carries.

use core::fmt;
use core::str::FromStr;

/// An EUI-64: the entity identifier of a Device, a User or a DCC party.
///
/// GBCS and DUIS write it most significant octet first, IEEE 802.15.4 and ZigBee send it least significant octet first;
/// the number held here is the same in both.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Eui64(pub u64);

impl Eui64 {
    /// The octets as GBCS and DUIS order them.
    pub const fn to_be_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// The octets as IEEE 802.15.4 and ZigBee order them.
    pub const fn to_le_bytes(self) -> [u8; 8] {
        self.0.to_le_bytes()
    }

    /// From the octets as GBCS and DUIS order them.
    pub const fn from_be_bytes(octets: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(octets))
    }

    /// From the octets as IEEE 802.15.4 and ZigBee order them.
    pub const fn from_le_bytes(octets: [u8; 8]) -> Self {
        Self(u64::from_le_bytes(octets))
    }
}

impl fmt::Display for Eui64 {
    /// As DUIS writes it: `00-DB-12-34-56-78-90-A4`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, octet) in self.to_be_bytes().iter().enumerate() {
            if i > 0 {
                f.write_str("-")?;
            }
            write!(f, "{octet:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Eui64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is not an identifier of the kind asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
pub struct ParseIdError {
    /// What would have been right.
    pub expected: &'static str,
}

impl FromStr for Eui64 {
    type Err = ParseIdError;

    /// Sixteen hexadecimal digits; the octets may be parted by `-` or `:`.
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        parse_octets(text, 8)
            .map(Self)
            .ok_or(ParseIdError { expected: "an EUI-64 of 16 hexadecimal digits, such as 00-DB-12-34-56-78-90-A4" })
    }
}

/// `octets` octets in hexadecimal, either all together or all parted by one kind of separator.
fn parse_octets(text: &str, octets: usize) -> Option<u64> {
    let bytes = text.as_bytes();
    let step = match bytes.len() {
        n if n == octets * 2 => 2,
        n if n == octets * 3 - 1 => 3,
        _ => return None,
    };
    let separator = if step == 3 { Some(bytes[2]).filter(|s| b"-:".contains(s))? } else { 0 };
    let mut value = 0u64;
    for i in 0..octets {
        let at = i * step;
        for digit in &bytes[at..at + 2] {
            value = value << 4 | u64::from(char::from(*digit).to_digit(16)?);
        }
        if step == 3 && i + 1 < octets && bytes[at + 2] != separator {
            return None;
        }
    }
    Some(value)
}

/// A firmware version: the file version of an OTA header.
///
/// DUIS writes eight hexadecimal characters (`00000020`, the `Display` form), the CPL parts the octets with colons.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FirmwareVersion(pub u32);

impl fmt::Display for FirmwareVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08X}", self.0)
    }
}

impl fmt::Debug for FirmwareVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for FirmwareVersion {
    type Err = ParseIdError;

    /// Eight hexadecimal digits, with or without colons.
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        parse_octets(text, 4).map(|v| Self(v as u32)).ok_or(ParseIdError {
            expected: "a firmware version of 8 hexadecimal digits, such as 00000020 or 00:00:00:20",
        })
    }
}

/// The types of Device that this project knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "UPPERCASE"))]
pub enum DeviceType {
    /// Electricity Smart Metering Equipment.
    Esme,
    /// Gas Smart Metering Equipment.
    Gsme,
    /// Pre-Payment Meter Interface Device.
    Ppmid,
    /// HAN Connected Auxiliary Load Control Switch.
    Hcalcs,
    /// Communications Hub Function.
    Chf,
    /// Gas Proxy Function.
    Gpf,
}

impl DeviceType {
    /// Every type, in the order of the wire link's numbers.
    pub const ALL: [Self; 6] = [Self::Esme, Self::Gsme, Self::Ppmid, Self::Hcalcs, Self::Chf, Self::Gpf];
}

impl fmt::Display for DeviceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Esme => "ESME",
            Self::Gsme => "GSME",
            Self::Ppmid => "PPMID",
            Self::Hcalcs => "HCALCS",
            Self::Chf => "CHF",
            Self::Gpf => "GPF",
        })
    }
}

/// A 128-bit symmetric key (network key, link key).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key128(pub [u8; 16]);

impl fmt::Debug for Key128 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for octet in self.0 {
            write!(f, "{octet:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Key128 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl FromStr for Key128 {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let wrong = ParseIdError { expected: "a key of 32 hexadecimal digits" };
        if text.len() != 32 || !text.is_ascii() {
            return Err(wrong);
        }
        let mut key = [0; 16];
        for (octet, pair) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = core::str::from_utf8(pair).map_err(|_| wrong)?;
            *octet = u8::from_str_radix(pair, 16).map_err(|_| wrong)?;
        }
        Ok(Self(key))
    }
}

#[cfg(feature = "serde")]
mod as_text {
    use super::{Eui64, FirmwareVersion, Key128};
    use core::fmt;
    use core::marker::PhantomData;
    use core::str::FromStr;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Visitor};

    struct TextVisitor<T>(PhantomData<T>);

    impl<T: FromStr<Err = super::ParseIdError>> Visitor<'_> for TextVisitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    macro_rules! as_text {
        ($type:ty, $binary:ty) => {
            impl Serialize for $type {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    if serializer.is_human_readable() {
                        serializer.collect_str(self)
                    } else {
                        self.0.serialize(serializer)
                    }
                }
            }
            impl<'de> Deserialize<'de> for $type {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    if deserializer.is_human_readable() {
                        deserializer.deserialize_str(TextVisitor(PhantomData))
                    } else {
                        <$binary>::deserialize(deserializer).map(Self)
                    }
                }
            }
        };
    }

    as_text!(Eui64, u64);
    as_text!(FirmwareVersion, u32);
    as_text!(Key128, [u8; 16]);
}
