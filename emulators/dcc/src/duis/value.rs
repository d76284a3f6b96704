//! The simple types of DUIS: text to values and back.

use super::model::RequestId;
use crate::hash::FirmwareHash;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hanrig_wire::time::Utc;
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion};

/// What would have been right where a text is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {0}")]
pub struct Expected(pub String);

type Result<T> = std::result::Result<T, Expected>;

fn expected<T>(what: &str) -> Result<T> {
    Err(Expected(what.to_owned()))
}

/// An EUI-64 as DUIS writes it: octets in hexadecimal, parted by hyphens. Either case is read.
pub(super) fn eui(text: &str) -> Result<Eui64> {
    match text.parse() {
        Ok(eui) if text.len() == 23 && text.as_bytes().get(2) == Some(&b'-') => Ok(eui),
        _ => expected("an EUI-64 such as 00-DB-12-34-56-78-90-A4"),
    }
}

/// A list of EUI-64, parted by commas; white space around an item is not of it, as within base64.
pub(super) fn eui_list(text: &str) -> Result<Vec<Eui64>> {
    let mut list = Vec::new();
    for (index, item) in text.split(',').filter(|_| !text.is_empty()).enumerate() {
        match eui(item.trim_ascii()) {
            Ok(item) => list.push(item),
            Err(Expected(what)) => {
                let item = crate::excerpt(item);
                return Err(Expected(format!("{what} in place of {item:?}, item {} of the list", index + 1)));
            }
        }
    }
    if list.is_empty() { expected("at least one EUI-64 such as 00-DB-12-34-56-78-90-A4") } else { Ok(list) }
}

/// A RequestID or ResponseID.
pub(super) fn request_id(text: &str) -> Result<RequestId> {
    let wrong = || Expected("originator EUI-64, target EUI-64 and counter, parted by colons".to_owned());
    let mut parts = text.split(':');
    let (Some(originator), Some(target), Some(counter), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(wrong());
    };
    Ok(RequestId {
        originator: eui(originator).map_err(|_| wrong())?,
        target: eui(target).map_err(|_| wrong())?,
        counter: number(counter).ok_or_else(wrong)?,
    })
}

fn number(text: &str) -> Option<u64> {
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// A firmware version: eight hexadecimal characters.
pub(super) fn firmware_version(text: &str) -> Result<FirmwareVersion> {
    match text.parse() {
        Ok(version) if text.len() == 8 => Ok(version),
        _ => expected("a firmware version of 8 hexadecimal characters, such as 00000020"),
    }
}

/// A Hash: 64 hexadecimal characters.
pub(super) fn hash(text: &str) -> Result<FirmwareHash> {
    text.parse().or_else(|_| expected("a Hash of 64 hexadecimal characters"))
}

/// Octets in base64; white space between the characters is passed over.
pub(super) fn base64(text: &str) -> Result<Vec<u8>> {
    let bare;
    let text = if text.bytes().any(|b| b.is_ascii_whitespace()) {
        bare = text.split_ascii_whitespace().collect::<String>();
        &bare
    } else {
        text
    };
    STANDARD.decode(text).map_err(|e| Expected(format!("base64: {e}")))
}

/// Octets in base64, on one line.
pub(crate) fn to_base64(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

/// A CommandVariant: 1 to 8.
pub(super) fn command_variant(text: &str) -> Result<u8> {
    match text.parse() {
        Ok(variant @ 1..=8) if text.len() == 1 => Ok(variant),
        _ => expected("a command variant from 1 to 8"),
    }
}

/// A 16-bit code in four hexadecimal digits.
pub(super) fn code(text: &str) -> Result<u16> {
    let is_hex = text.len() == 4 && text.bytes().all(|b| b.is_ascii_hexdigit());
    u16::from_str_radix(text, 16)
        .ok()
        .filter(|_| is_hex)
        .ok_or_else(|| Expected("a code of 4 hexadecimal digits, such as 8F8A".to_owned()))
}

/// The names of CS09's outcomes, by number.
pub(super) const ACTIVATION_RESULTS: [&str; 2] = ["ActivationSuccess", "ActivationFailure"];

/// The outcome of an activation: 0 success, 1 failure.
pub(super) fn activation_result(text: &str) -> Result<u8> {
    let found = (0..).zip(ACTIVATION_RESULTS).find(|(_, name)| *name == text);
    found.map(|(code, _)| code).ok_or_else(|| Expected(ACTIVATION_RESULTS.join(" or ")))
}

/// A number from 0 to 255.
pub(super) fn octet(text: &str) -> Result<u8> {
    number(text).and_then(|n| u8::try_from(n).ok()).ok_or_else(|| Expected("a number from 0 to 255".to_owned()))
}

/// A number from 0 to 4294967295.
pub(super) fn unsigned(text: &str) -> Result<u32> {
    number(text).and_then(|n| u32::try_from(n).ok()).ok_or_else(|| Expected("a number from 0 to 4294967295".to_owned()))
}

/// A number from -2147483648 to 2147483647.
pub(super) fn signed(text: &str) -> Result<i32> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let parsed = text.parse().ok().filter(|_| plain);
    parsed.ok_or_else(|| Expected("a number from -2147483648 to 2147483647".to_owned()))
}

/// A truth value.
pub(super) fn boolean(text: &str) -> Result<bool> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => expected("true or false"),
    }
}

/// A type of Device.
pub(super) fn device_type(text: &str) -> Result<DeviceType> {
    DeviceType::ALL
        .into_iter()
        .find(|t| t.to_string() == text)
        .ok_or_else(|| Expected("ESME, GSME, PPMID, HCALCS, CHF or GPF".to_owned()))
}

/// A time in UTC. Digits beyond the millisecond are dropped.
pub(crate) fn time(text: &str) -> Result<Utc> {
    let wrong = || Expected("a time in UTC such as 2022-08-17T15:45:42.790Z".to_owned());
    // xs:dateTime with Z: the date's shape is checked first, so that the digits alone make a GeneralizedTime.
    let bytes = text.as_bytes();
    let shape = bytes.len() >= 20
        && bytes.iter().zip(b"dddd-dd-ddTdd:dd:dd").all(|(b, shape)| match shape {
            b'd' => b.is_ascii_digit(),
            other => b == other,
        });
    if !shape {
        return Err(wrong());
    }
    let digits: String = text.chars().take(19).filter(char::is_ascii_digit).collect();
    let seconds = Utc::from_generalized_time(&format!("{digits}Z")).ok_or_else(wrong)?;
    let fraction = text.get(19..).and_then(|rest| rest.strip_suffix('Z')).ok_or_else(wrong)?;
    let milliseconds = match fraction.strip_prefix('.') {
        None if fraction.is_empty() => 0,
        Some(digits) if (1..=9).contains(&digits.len()) => {
            let first: String = digits.chars().chain("00".chars()).take(3).collect();
            number(digits).and(number(&first)).ok_or_else(wrong)?
        }
        _ => return Err(wrong()),
    };
    let milliseconds = i64::try_from(milliseconds).map_err(|_| wrong())?;
    Ok(Utc(seconds.0.saturating_add(milliseconds)))
}

/// Free text, which must not be empty.
pub(super) fn text(text: &str) -> Result<String> {
    if text.is_empty() { expected("text") } else { Ok(text.to_owned()) }
}

pub(super) fn check_schema_version(text: &str) -> Result<()> {
    dotted(text, 2..=2).then_some(()).ok_or_else(|| Expected("a schema version such as 5.4".to_owned()))
}

pub(super) fn check_service_reference(text: &str) -> Result<()> {
    dotted(text, 2..=3).then_some(()).ok_or_else(|| Expected("a service reference such as 11.4 or 6.15.1".to_owned()))
}

/// Numbers of up to three digits, parted by dots.
fn dotted(text: &str, parts: std::ops::RangeInclusive<usize>) -> bool {
    parts.contains(&text.split('.').count())
        && text.split('.').all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
}

pub(super) fn check_response_code(text: &str) -> Result<()> {
    let digits = text.strip_prefix(['I', 'W', 'E']).unwrap_or_default();
    if (1..=7).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) {
        Ok(())
    } else {
        expected("a response code such as I0, W110401 or E65")
    }
}
