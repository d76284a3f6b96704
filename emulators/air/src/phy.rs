//! What a PHY costs in time, and the constants of CSMA-CA.

use hanrig_wire::mac;
use hanrig_wire::time::Duration;

/// The longest PSDU, in octets: aMaxPHYPacketSize.
pub const MAX_PSDU: usize = mac::MAX_FRAME;

/// The shortest PSDU taken, in octets: one octet and its frame check sequence.
pub const MIN_PSDU: usize = mac::FCS_LEN + 1;

/// The timing of a PHY (IEEE 802.15.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phy {
    /// Time on the air of one octet.
    pub octet_time: Duration,
    /// Octets sent before the PSDU: preamble, start-of-frame delimiter and PHR.
    pub header_octets: u32,
    /// aUnitBackoffPeriod: 20 symbols.
    pub unit_backoff_period: Duration,
    /// aTurnaroundTime: 12 symbols from receiving to sending.
    pub turnaround: Duration,
    /// How long a clear channel assessment listens: 8 symbols.
    pub cca: Duration,
}

impl Phy {
    /// 2.4 GHz O-QPSK, channels 11 to 26: 250 kbit/s, 62.5 ksymbol/s, a preamble of 4 octets, a start-of-frame delimiter
    /// of 1 and a PHR of 1.
    pub const O_QPSK_2450: Self = Self {
        octet_time: Duration::from_micros(32),
        header_octets: 6,
        unit_backoff_period: Duration::from_micros(320),
        turnaround: Duration::from_micros(192),
        cca: Duration::from_micros(128),
    };

    /// Time on the air of a frame, from the first symbol of the preamble to the last of the PSDU.
    ///
    /// `psdu_octets` counts the frame check sequence.
    pub fn airtime(&self, psdu_octets: usize) -> Duration {
        let octets = u32::try_from(psdu_octets).unwrap_or(u32::MAX).saturating_add(self.header_octets);
        self.octet_time.saturating_mul(octets)
    }
}

impl Default for Phy {
    fn default() -> Self {
        Self::O_QPSK_2450
    }
}

/// The MAC PIB attributes of unslotted CSMA-CA (IEEE 802.15.4-2006, 7.5.1.4 and table 86).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Csma {
    /// macMinBE: the first backoff exponent.
    pub min_be: u8,
    /// macMaxBE: the greatest backoff exponent.
    pub max_be: u8,
    /// macMaxCSMABackoffs: how many times a busy channel is tried again.
    pub max_csma_backoffs: u8,
}

impl Default for Csma {
    /// The defaults of IEEE 802.15.4: 3, 5 and 4.
    fn default() -> Self {
        Self { min_be: 3, max_be: 5, max_csma_backoffs: 4 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::acknowledgement(5, 352)]
    #[case::shortest(MIN_PSDU, 288)]
    #[case::longest(MAX_PSDU, 4256)]
    fn airtime_at_250_kbit_s(#[case] psdu_octets: usize, #[case] microseconds: u64) {
        assert_eq!(Phy::O_QPSK_2450.airtime(psdu_octets), Duration::from_micros(microseconds));
    }

    #[test]
    fn times_in_symbols() {
        let phy = Phy::O_QPSK_2450;
        let symbol = phy.octet_time / 2;
        assert_eq!(phy.unit_backoff_period, symbol * 20);
        assert_eq!(phy.turnaround, symbol * 12);
        assert_eq!(phy.cca, symbol * 8);
    }
}
