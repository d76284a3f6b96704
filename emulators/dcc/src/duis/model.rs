//! The parts that every DUIS message has: identifiers, codes, the signature.

use super::value;
use hanrig_wire::types::Eui64;
use serde::{Serialize, Serializer};
use std::fmt;

/// The identifier of a Service Request, and turned round, of a Service Response or Alert: originator, target and the
/// originator's counter, written `90-B3-D5-1F-30-01-00-00:00-DB-12-34-56-78-90-A4:1000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId {
    /// Who sends: a User in a request, a Device or the DCC in a response.
    pub originator: Eui64,
    /// Who it is for: a Device, or the DCC for a Non-Device request.
    pub target: Eui64,
    /// The originator counter.
    pub counter: u64,
}

impl RequestId {
    /// The ResponseID that answers this request: the same with originator and target exchanged.
    pub const fn response(self) -> Self {
        Self { originator: self.target, target: self.originator, counter: self.counter }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.originator, self.target, self.counter)
    }
}

impl std::str::FromStr for RequestId {
    type Err = value::Expected;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        value::request_id(text)
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for RequestId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = value::Expected;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $check(text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }
    };
}

checked_text! {
    /// The version of the DUIS schema that a message follows, such as `5.4`.
    SchemaVersion, value::check_schema_version
}

checked_text! {
    /// A Service Reference or Service Reference Variant, such as `11.4` or `6.15.1`.
    ServiceReference, value::check_service_reference
}

checked_text! {
    /// A Response Code: a letter (I success or acknowledgement, W warning, E error) and digits, such as `I0`, `I99`.
    ResponseCode, value::check_response_code
}

impl SchemaVersion {
    /// The version of the published vectors for SRV 11.4, which messages made here carry.
    pub fn current() -> Self {
        Self("5.4".to_owned())
    }
}

impl ServiceReference {
    /// A reference known to be well formed.
    pub(crate) fn known(text: &'static str) -> Self {
        Self(text.to_owned())
    }
}

impl ResponseCode {
    /// A code known to be well formed.
    pub(crate) fn known(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// Whether this is an error: nothing of the request was done.
    pub fn is_error(&self) -> bool {
        self.0.starts_with('E')
    }

    /// Whether this is a warning: part of the request was done.
    pub fn is_warning(&self) -> bool {
        self.0.starts_with('W')
    }
}

/// What an enveloped XML signature carries beside its fixed algorithms (exclusive C14N, ecdsa-sha256, sha256).
///
/// It is read and written back. Whether it holds, [`verify`](crate::security::verify) tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Signature {
    /// SHA-256 digest over the message, as the signer claims.
    #[serde(serialize_with = "base64_text")]
    pub digest_value: Vec<u8>,
    /// ECDSA signature, r || s.
    #[serde(serialize_with = "base64_text")]
    pub signature_value: Vec<u8>,
    /// Issuer of the signer's certificate, such as `CN=U1, OU=07`.
    #[serde(rename = "X509IssuerName")]
    pub issuer_name: String,
    /// Serial number of the signer's certificate, in decimal.
    #[serde(rename = "X509SerialNumber")]
    pub serial_number: String,
}

/// Serialises octets as base64 text.
pub(crate) fn base64_text<S: Serializer>(octets: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value::to_base64(octets))
}

/// Serialises a 16-bit code as four hexadecimal digits.
pub(crate) fn code_text<S: Serializer>(code: &u16, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{code:04X}"))
}

/// Serialises a time as DUIS writes it.
pub(crate) fn time_text<S: Serializer>(time: &hanrig_wire::time::Utc, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

/// Serialises a time as DUIS writes it, if there is one.
pub(crate) fn optional_time_text<S: Serializer>(
    time: &Option<hanrig_wire::time::Utc>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.serialize_some(&time.to_string()),
        None => serializer.serialize_none(),
    }
}
