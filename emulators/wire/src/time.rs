//! Time as the participants are told it.
//!
//! No participant reads a clock. Each is told an [`Instant`] on the bench's own time line, and where a message needs the
//! time of day, a [`Utc`] that came over the WAN or the HAN.

use alloc::string::String;
use core::fmt;
use core::ops::{Add, AddAssign, Sub};
pub use core::time::Duration;

/// A point on the bench's time line, in microseconds since the bench was started.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Instant(pub u64);

impl Instant {
    /// The start of the bench.
    pub const ZERO: Self = Self(0);

    /// Microseconds since the start.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero when it is not after.
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(rhs.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, rhs: Duration) {
        *self = *self + rhs;
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, rhs: Self) -> Duration {
        self.saturating_since(rhs)
    }
}

impl fmt::Display for Instant {
    /// Seconds with six decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// Coordinated Universal Time, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Utc(pub i64);

/// Seconds from 1970-01-01 to 2000-01-01, where ZigBee's UTCTime starts.
const ZIGBEE_EPOCH_S: i64 = 946_684_800;

impl Utc {
    /// Seconds since 1970.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// From seconds since 1970.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// ZCL UTCTime: seconds since 2000. Saturates outside what 32 bits hold.
    pub fn to_zigbee(self) -> u32 {
        u32::try_from((self.unix_seconds() - ZIGBEE_EPOCH_S).clamp(0, i64::from(u32::MAX))).unwrap_or(0)
    }

    /// From ZCL UTCTime.
    pub const fn from_zigbee(seconds: u32) -> Self {
        Self::from_unix_seconds(seconds as i64 + ZIGBEE_EPOCH_S)
    }

    /// This time moved on by `duration`.
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    fn parts(self) -> time::OffsetDateTime {
        time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .unwrap_or(time::OffsetDateTime::UNIX_EPOCH)
    }

    /// ASN.1 GeneralizedTime as GBCS writes it: `20150101000000Z`.
    pub fn to_generalized_time(self) -> String {
        let t = self.parts();
        alloc::format!(
            "{:04}{:02}{:02}{:02}{:02}{:02}Z",
            t.year(),
            u8::from(t.month()),
            t.day(),
            t.hour(),
            t.minute(),
            t.second()
        )
    }

    /// From ASN.1 GeneralizedTime as GBCS writes it.
    pub fn from_generalized_time(text: &str) -> Option<Self> {
        let digits = text.strip_suffix('Z').filter(|d| d.len() == 14 && d.bytes().all(|b| b.is_ascii_digit()))?;
        let number = |at: core::ops::Range<usize>| digits[at].parse::<u16>().ok();
        let date = time::Date::from_calendar_date(
            i32::from(number(0..4)?),
            time::Month::try_from(number(4..6)? as u8).ok()?,
            number(6..8)? as u8,
        )
        .ok()?;
        let clock = time::Time::from_hms(number(8..10)? as u8, number(10..12)? as u8, number(12..14)? as u8).ok()?;
        Some(Self::from_unix_seconds(time::OffsetDateTime::new_utc(date, clock).unix_timestamp()))
    }
}

impl fmt::Display for Utc {
    /// As XML Schema and DUIS write it: `2022-08-17T15:45:42.790Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = self.parts();
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            t.year(),
            u8::from(t.month()),
            t.day(),
            t.hour(),
            t.minute(),
            t.second(),
            t.millisecond()
        )
    }
}
