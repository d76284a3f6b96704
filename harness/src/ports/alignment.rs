//! When the rig's clock showed what a device's clock shows.
//!
//! What a device tells reaches the rig late, and not always equally late: on a busy machine a frame that the sniffer heard
//! can be read after the message that it led to was read from another port. So what is told with the device's own time is
//! placed by that, and the rig's clock is used only to tell how far apart the two clocks are: as far as what came with the
//! least delay of late. Clocks of quartz drift apart by a few milliseconds at most in the time that counts as late.

use std::time::{Duration, Instant};

/// How long a measurement of the distance counts: between one and two of these.
const WINDOW: Duration = Duration::from_secs(20);
/// A device's clock that goes back by more than this has started again. What is told late, however late, does not go back.
const RESTARTED: Duration = Duration::from_millis(10);

/// How the clocks stand to each other.
#[derive(Debug)]
pub(crate) struct Alignment {
    epoch: Instant,
    window_began: Instant,
    /// By how many microseconds the rig's clock, from the epoch on, is ahead of the device's: the least seen in this window
    /// and in the one before.
    least: Option<i64>,
    least_before: Option<i64>,
    last_device_us: u64,
    last: Instant,
}

impl Alignment {
    /// Clocks of which nothing is known yet.
    pub(crate) fn new(now: Instant) -> Self {
        Self { epoch: now, window_began: now, least: None, least_before: None, last_device_us: 0, last: now }
    }

    /// When it was by the rig's clock what the device calls `device_us`; told at `now`. Never in the future, and never
    /// before what was told before it.
    pub(crate) fn place(&mut self, device_us: u64, now: Instant) -> Instant {
        if now.saturating_duration_since(self.window_began) > WINDOW {
            self.window_began = now;
            self.least_before = self.least.take();
        }
        let device = i64::try_from(device_us).unwrap_or(i64::MAX);
        let told = i64::try_from(now.saturating_duration_since(self.epoch).as_micros()).unwrap_or(i64::MAX);
        let ahead = told.saturating_sub(device);
        if u128::from(self.last_device_us.saturating_sub(device_us)) > RESTARTED.as_micros() {
            (self.least, self.least_before) = (None, None);
        }
        self.last_device_us = device_us;
        self.least = Some(self.least.map_or(ahead, |least| least.min(ahead)));
        let least = self.least.into_iter().chain(self.least_before).min().unwrap_or(ahead);
        let late = Duration::from_micros(u64::try_from(ahead.saturating_sub(least)).unwrap_or(0));
        self.last = now.checked_sub(late).unwrap_or(now).max(self.last);
        self.last
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn what_is_told_late_is_placed_when_it_was() {
        let start = Instant::now();
        let mut alignment = Alignment::new(start);
        // The device's clock began long before; what it tells takes 1 ms, and once 40 ms.
        assert_eq!(alignment.place(900_000_000, start + MS), start + MS);
        assert_eq!(alignment.place(900_100_000, start + 140 * MS), start + 101 * MS);
        assert_eq!(alignment.place(900_110_000, start + 141 * MS), start + 111 * MS);
        assert_eq!(alignment.place(900_200_000, start + 201 * MS), start + 201 * MS);
    }

    #[test]
    fn what_is_told_seconds_late_is_placed_when_it_was() {
        let start = Instant::now();
        let mut alignment = Alignment::new(start);
        assert_eq!(alignment.place(900_000_000, start + MS), start + MS);
        // The rig reads nothing for five seconds, and then all at once.
        for frame in 1..500_u32 {
            let device = 900_000_000 + u64::from(frame) * 10_000;
            assert_eq!(alignment.place(device, start + 5001 * MS), start + MS + frame * 10 * MS);
        }
    }

    #[test]
    fn clocks_that_drift_apart_stay_aligned() {
        let start = Instant::now();
        let mut alignment = Alignment::new(start);
        for second in 1..4000_u32 {
            // The device's clock is slow by 100 ppm.
            let told = start + Duration::from_secs(second.into());
            let placed = alignment.place(u64::from(second) * 999_900, told);
            assert!(told - placed < 5 * MS, "{:?} at {second} s", told - placed);
        }
    }

    #[test]
    fn a_clock_that_starts_again_is_aligned_anew() {
        let start = Instant::now();
        let mut alignment = Alignment::new(start);
        alignment.place(900_000_000, start + MS);
        assert_eq!(alignment.place(5, start + 100 * MS), start + 100 * MS);
        assert_eq!(alignment.place(10_005, start + 150 * MS), start + 110 * MS);
    }

    proptest! {
        #[test]
        fn times_never_go_back_nor_into_the_future(told in prop::collection::vec((any::<u64>(), 0..3_000_000_u64), 0..40)) {
            let start = Instant::now();
            let mut alignment = Alignment::new(start);
            let (mut now, mut last) = (start, start);
            for (device, passed) in told {
                now += Duration::from_micros(passed);
                let placed = alignment.place(device, now);
                prop_assert!(placed >= last && placed <= now);
                last = placed;
            }
        }
    }
}
