//! How the rig moves a board's clock on.
#![expect(unsafe_code, reason = "the rig finds the words by their symbol's name")]

use core::cell::Cell;
use core::sync::atomic::{AtomicU32, Ordering};
use critical_section::Mutex;
use hanrig_wire::time::{Duration, Instant};

/// How far ahead of its own oscillator a board's clock is, as the rig sets it through the debug probe.
///
/// Five words, little-endian, at the symbol `HANRIG_CLOCK_OFFSET_US`:
///
/// | offset | word | written by |
/// |---|---|---|
/// | 0 | offset in microseconds, lower half | rig |
/// | 4 | offset in microseconds, upper half | rig |
/// | 8 | sequence | rig, last: another number than before |
/// | 12 | applied | firmware: the sequence that it has taken |
/// | 16 | idle | firmware: milliseconds until it has something to do by itself, 0 while it is at work |
///
/// The core has no 64-bit atomics, and the rig writes word by word while the firmware runs: so the offset counts only when
/// the sequence has changed. The firmware looks at least every 100 ms, acts on what the new time makes due, and then
/// writes `applied`; the rig waits for that before it writes another offset. The offset is the whole of it, not what is to be added
/// to the one before. One lower than the one in force is not taken, since time does not go back, but is marked as
/// applied. A reset clears all words: the clock of a board starts at zero. By `idle` the rig knows that a jump of the
/// clock overtakes no work, and how far it can go before something is due; `u32::MAX` stands for never.
#[derive(Debug)]
#[repr(C)]
struct ClockOffset {
    lower: AtomicU32,
    upper: AtomicU32,
    sequence: AtomicU32,
    applied: AtomicU32,
    idle: AtomicU32,
}

// SAFETY: no other symbol has this name.
#[unsafe(no_mangle)]
static HANRIG_CLOCK_OFFSET_US: ClockOffset = ClockOffset {
    lower: AtomicU32::new(0),
    upper: AtomicU32::new(0),
    sequence: AtomicU32::new(0),
    applied: AtomicU32::new(0),
    idle: AtomicU32::new(0),
};

/// The offset in force, in microseconds.
static IN_FORCE: Mutex<Cell<u64>> = Mutex::new(Cell::new(0));

/// What time it is for the Device, on a board that has been up for so long.
pub fn device_time(uptime: Instant) -> Instant {
    uptime + Duration::from_micros(critical_section::with(|cs| IN_FORCE.borrow(cs).get()))
}

/// Tells the rig that the firmware sleeps now, and has nothing to do by itself before `due` has passed.
pub fn sleeps(due: Option<Duration>) {
    let idle = due.map_or(u32::MAX, |due| u32::try_from(due.as_millis()).unwrap_or(u32::MAX));
    HANRIG_CLOCK_OFFSET_US.idle.store(idle, Ordering::Release);
}

/// Tells the rig that the firmware is at work.
pub fn works() {
    HANRIG_CLOCK_OFFSET_US.idle.store(0, Ordering::Release);
}

/// A time jump that is in force, and that the rig waits to hear of.
#[must_use = "the rig waits until it is told by `done`"]
#[derive(Debug)]
pub struct TimeJump {
    /// By how much the clock went on.
    pub ahead: Duration,
    sequence: u32,
}

impl TimeJump {
    /// Takes the offset that the rig has written, if it has written one.
    pub fn take() -> Option<Self> {
        let words = &HANRIG_CLOCK_OFFSET_US;
        let sequence = words.sequence.load(Ordering::Acquire);
        if sequence == words.applied.load(Ordering::Relaxed) {
            return None;
        }
        let upper = u64::from(words.upper.load(Ordering::Acquire));
        let lower = u64::from(words.lower.load(Ordering::Acquire));
        let ahead = critical_section::with(|cs| {
            let in_force = IN_FORCE.borrow(cs);
            let ahead = (upper << 32 | lower).saturating_sub(in_force.get());
            in_force.set(in_force.get() + ahead);
            ahead
        });
        Some(Self { ahead: Duration::from_micros(ahead), sequence })
    }

    /// Tells the rig that what the jump made due is done.
    pub fn done(self) {
        HANRIG_CLOCK_OFFSET_US.applied.store(self.sequence, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rig_writes(offset: u64, sequence: u32) {
        HANRIG_CLOCK_OFFSET_US.lower.store(offset as u32, Ordering::Relaxed);
        HANRIG_CLOCK_OFFSET_US.upper.store((offset >> 32) as u32, Ordering::Relaxed);
        HANRIG_CLOCK_OFFSET_US.sequence.store(sequence, Ordering::Relaxed);
    }

    // One test, because there is one clock.
    #[test]
    fn the_clock_goes_on_by_what_the_rig_writes_and_never_back() {
        const FORTNIGHT: u64 = 14 * 86_400 * 1_000_000;
        let uptime = Instant(1_000);
        assert!(TimeJump::take().is_none());
        assert_eq!(device_time(uptime), uptime);

        rig_writes(FORTNIGHT, 1);
        let jump = TimeJump::take().unwrap();
        assert_eq!(jump.ahead, Duration::from_micros(FORTNIGHT));
        assert_eq!(device_time(uptime), Instant(FORTNIGHT + 1_000));
        assert_eq!(HANRIG_CLOCK_OFFSET_US.applied.load(Ordering::Relaxed), 0, "the rig waits until it is done");
        jump.done();
        assert_eq!(HANRIG_CLOCK_OFFSET_US.applied.load(Ordering::Relaxed), 1);
        assert!(TimeJump::take().is_none());

        let idle = || HANRIG_CLOCK_OFFSET_US.idle.load(Ordering::Relaxed);
        assert_eq!(idle(), 0, "until it first sleeps, firmware is at work");
        sleeps(Some(Duration::from_micros(2_999)));
        assert_eq!(idle(), 2);
        sleeps(Some(Duration::from_micros(u64::from(u32::MAX) * 2_000)));
        assert_eq!(idle(), u32::MAX);
        sleeps(None);
        assert_eq!(idle(), u32::MAX);
        works();
        assert_eq!(idle(), 0);

        rig_writes(5, 2);
        let jump = TimeJump::take().unwrap();
        assert_eq!(jump.ahead, Duration::ZERO);
        jump.done();
        assert_eq!(device_time(uptime), Instant(FORTNIGHT + 1_000));
    }
}
