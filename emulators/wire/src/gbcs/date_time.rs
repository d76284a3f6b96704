//! The COSEM date-time that a Device puts into a Response's header.
//!
//! Twelve octets: year (2), month, day, day of week, hour, minute, second, hundredths, deviation (2), clock status.
//! 0xFF and the deviation 0x8000 stand for *not specified*; GBCS leaves day of week, deviation and status so, and its
//! times are UTC.

use crate::time::Utc;
use alloc::format;

const NOT_SPECIFIED: u8 = 0xFF;
const DEVIATION_NOT_SPECIFIED: [u8; 2] = [0x80, 0x00];

/// As GBCS fills it: date and time to the second.
pub fn cosem_date_time(utc: Utc) -> [u8; 12] {
    let text = utc.to_generalized_time();
    let digits = |from: usize, to: usize| text.get(from..to).and_then(|d| d.parse::<u16>().ok()).unwrap_or(0);
    let [year_high, year_low] = digits(0, 4).to_be_bytes();
    let [deviation_high, deviation_low] = DEVIATION_NOT_SPECIFIED;
    [
        year_high,
        year_low,
        digits(4, 6) as u8,
        digits(6, 8) as u8,
        NOT_SPECIFIED,
        digits(8, 10) as u8,
        digits(10, 12) as u8,
        digits(12, 14) as u8,
        0,
        deviation_high,
        deviation_low,
        NOT_SPECIFIED,
    ]
}

/// The time that such a date-time says, to the second. `None` where a part is not specified, is none of the calendar, or
/// the deviation is other than zero or not specified.
pub fn utc_from_cosem_date_time(octets: &[u8; 12]) -> Option<Utc> {
    let [year_high, year_low, month, day, _, hour, minute, second, _, deviation_high, deviation_low, _] = *octets;
    let deviation = [deviation_high, deviation_low];
    if deviation != DEVIATION_NOT_SPECIFIED && deviation != [0, 0] {
        return None;
    }
    let year = u16::from_be_bytes([year_high, year_low]);
    Utc::from_generalized_time(&format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z"))
}
