//! The clock, from a CMSDK APB timer that runs freely, and the alarm, from another.
#![expect(unsafe_code, reason = "the timers' addresses are vouched for here")]

use crate::registers::Registers;
use core::cell::Cell;
use core::sync::atomic::{AtomicBool, Ordering};
use critical_section::Mutex;
use hanrig_device::clock::device_time;
use hanrig_wire::time::{Duration, Instant};

/// Timers and UARTs of the AN386 are clocked at 25 MHz.
pub(crate) const PERIPHERAL_HZ: u32 = 25_000_000;
const TICKS_PER_US: u64 = (PERIPHERAL_HZ / 1_000_000) as u64;

type Timer = Registers<16>;
// SAFETY: CMSDK APB timers 0 and 1 of the AN386: CTRL, VALUE, RELOAD, INTSTATUS; used nowhere else.
const CLOCK: Timer = unsafe { Timer::new(0x4000_0000) };
// SAFETY: as above.
const ALARM: Timer = unsafe { Timer::new(0x4000_1000) };

const CTRL: usize = 0x0;
const VALUE: usize = 0x4;
const RELOAD: usize = 0x8;
const INTERRUPT: usize = 0xC;
const ENABLE: u32 = 1;
const INTERRUPT_ENABLE: u32 = 1 << 3;

/// How often the clock's timer has run down: every 171.8 s.
static TURNS: Mutex<Cell<u32>> = Mutex::new(Cell::new(0));
static WENT_OFF: AtomicBool = AtomicBool::new(false);

/// Starts the clock at zero.
pub(crate) fn start() {
    CLOCK.write::<CTRL>(0);
    CLOCK.write::<INTERRUPT>(1);
    CLOCK.write::<RELOAD>(u32::MAX);
    CLOCK.write::<VALUE>(u32::MAX);
    CLOCK.write::<CTRL>(ENABLE | INTERRUPT_ENABLE);
}

/// What time it is for the Device.
pub(crate) fn now() -> Instant {
    device_time(uptime())
}

/// How long the board is up, on the time line of its own oscillator.
pub(crate) fn uptime() -> Instant {
    let ticks = critical_section::with(|cs| {
        let mut turns = TURNS.borrow(cs).get();
        let mut value = CLOCK.read::<VALUE>();
        if CLOCK.read::<INTERRUPT>() != 0 {
            // It ran down, before or after it was read, and its interrupt has not been served.
            value = CLOCK.read::<VALUE>();
            turns = turns.wrapping_add(1);
        }
        u64::from(turns) << 32 | u64::from(u32::MAX - value)
    });
    Instant(ticks / TICKS_PER_US)
}

/// Sets the alarm to go off after `delay`, at most two minutes and a half, instead of when it was set to before.
pub(crate) fn set_alarm(delay: Duration) {
    // A period of a few ticks is over before the core sleeps.
    let micros = u32::try_from(delay.as_micros()).unwrap_or(u32::MAX).clamp(10, 150_000_000);
    ALARM.write::<CTRL>(0);
    ALARM.write::<INTERRUPT>(1);
    WENT_OFF.store(false, Ordering::Release);
    ALARM.write::<RELOAD>(micros * TICKS_PER_US as u32);
    ALARM.write::<VALUE>(micros * TICKS_PER_US as u32);
    ALARM.write::<CTRL>(ENABLE | INTERRUPT_ENABLE);
}

/// Whether the alarm went off since it was set.
pub(crate) fn alarm_went_off() -> bool {
    WENT_OFF.load(Ordering::Acquire)
}

/// Timer 0's interrupt: the clock ran down.
pub(crate) fn on_clock() {
    critical_section::with(|cs| {
        CLOCK.write::<INTERRUPT>(1);
        let turns = TURNS.borrow(cs);
        turns.set(turns.get().wrapping_add(1));
    });
}

/// Timer 1's interrupt: the alarm goes off. The timer would run again by itself.
pub(crate) fn on_alarm() {
    WENT_OFF.store(true, Ordering::Release);
    ALARM.write::<CTRL>(0);
    ALARM.write::<INTERRUPT>(1);
}
