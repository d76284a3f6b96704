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

    /// Sub-GHz 2-FSK, channel pages 28 to 31: 100 kbit/s, 100 ksymbol/s, a preamble of 8 octets, a start-of-frame delimiter
    /// of 2 and a PHR of 2. The turnaround is 1 ms, and a backoff period is a turnaround and a clear channel assessment.
    pub const FSK_SUB_GHZ: Self = Self {
        octet_time: Duration::from_micros(80),
        header_octets: 12,
        unit_backoff_period: Duration::from_micros(1080),
        turnaround: Duration::from_micros(1000),
        cca: Duration::from_micros(80),
    };

    /// Everything takes no time.
    pub const INSTANT: Self = Self {
        octet_time: Duration::ZERO,
        header_octets: 0,
        unit_backoff_period: Duration::ZERO,
        turnaround: Duration::ZERO,
        cca: Duration::ZERO,
    };

    /// How long an acknowledgement is waited for after a frame: macAckWaitDuration, a backoff period, a turnaround, and the
    /// time of a preamble, a start-of-frame delimiter and six octets.
    pub fn ack_wait(&self) -> Duration {
        self.unit_backoff_period
            + self.turnaround
            + self.octet_time.saturating_mul(self.header_octets.saturating_add(5))
    }

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

    #[rstest]
    #[case::acknowledgement(5, 1360)]
    #[case::longest(MAX_PSDU, 11_120)]
    fn airtime_at_100_kbit_s(#[case] psdu_octets: usize, #[case] microseconds: u64) {
        assert_eq!(Phy::FSK_SUB_GHZ.airtime(psdu_octets), Duration::from_micros(microseconds));
    }

    #[test]
    fn an_acknowledgement_is_waited_for_as_long_as_the_standard_says() {
        // 54 symbols of 16 us (IEEE 802.15.4-2006, 7.4.2).
        assert_eq!(Phy::O_QPSK_2450.ack_wait(), Duration::from_micros(864));
        let phy = Phy::FSK_SUB_GHZ;
        assert!(phy.ack_wait() > phy.turnaround + phy.airtime(5));
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
