//! Firmware for the tests of the virtual board: counts, logs over RTT, echoes UART 1, and keeps a boot count in PSRAM.
//!
//! Its symbols are what the tests look at: `COUNTER` counts turns of the main loop, `COMMAND` makes it misbehave.

#![no_std]
#![no_main]

use core::ptr::{read_volatile, write_volatile};
use core::sync::atomic::{AtomicU32, Ordering};

use cortex_m_rt::{entry, exception};
use panic_halt as _;
use rtt_target::{ChannelMode, rprintln, rtt_init, set_print_channel};

/// First word of PSRAM: 0xFFFF_FFFF when erased, else how often the firmware started.
const BOOTS: *mut u32 = 0x2100_0000 as *mut u32;
const UART1: usize = 0x4000_5000;

/// Turns of the main loop.
#[unsafe(no_mangle)]
static COUNTER: AtomicU32 = AtomicU32::new(0);
/// Milliseconds since the start, by SysTick.
#[unsafe(no_mangle)]
static TICKS: AtomicU32 = AtomicU32::new(0);
/// What the debugger wants: 0 nothing, 1 sleep between turns, 2 reset, 3 lock up.
#[unsafe(no_mangle)]
static COMMAND: AtomicU32 = AtomicU32::new(0);
/// Makes the image about as large as real firmware.
#[unsafe(no_mangle)]
#[used]
static BALLAST: [u8; 200 * 1024] = ballast();

const fn ballast() -> [u8; 200 * 1024] {
    let mut octets = [0; 200 * 1024];
    let mut value: u32 = 1;
    let mut index = 0;
    while index < octets.len() {
        value = value.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        octets[index] = (value >> 24) as u8;
        index += 1;
    }
    octets
}

#[entry]
fn main() -> ! {
    let channels = rtt_init! {
        up: { 0: { size: 4096, mode: ChannelMode::NoBlockSkip, name: "Terminal" } }
    };
    set_print_channel(channels.up.0);

    // SAFETY: PSRAM is memory of this board that nothing else uses.
    let boots = unsafe { read_volatile(BOOTS) }.wrapping_add(1).max(1);
    unsafe { write_volatile(BOOTS, boots) };
    rprintln!("boot {}", boots);

    // SAFETY: the registers of UART 1: BAUDDIV, then CTRL with transmitter and receiver on.
    unsafe {
        write_volatile((UART1 + 0x10) as *mut u32, 16);
        write_volatile((UART1 + 0x08) as *mut u32, 3);
    }
    if let Some(mut core) = cortex_m::Peripherals::take() {
        core.SYST.set_clock_source(cortex_m::peripheral::syst::SystClkSource::Core);
        core.SYST.set_reload(25_000 - 1);
        core.SYST.clear_current();
        core.SYST.enable_counter();
        core.SYST.enable_interrupt();
    }

    let mut reported = 0;
    loop {
        turn();
        let ticks = TICKS.load(Ordering::Relaxed);
        if ticks.wrapping_sub(reported) >= 100 {
            reported = ticks;
            rprintln!("tick {}", ticks);
        }
        match COMMAND.load(Ordering::Relaxed) {
            1 => cortex_m::asm::wfi(),
            2 => cortex_m::peripheral::SCB::sys_reset(),
            3 => lock_up(),
            _ => {}
        }
    }
}

/// One turn of the main loop: counts, and sends back what UART 1 received.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn turn() {
    COUNTER.fetch_add(1, Ordering::Relaxed);
    // SAFETY: STATE and DATA of UART 1.
    unsafe {
        if read_volatile((UART1 + 0x04) as *const u32) & 2 != 0 {
            let octet = read_volatile(UART1 as *const u32);
            while read_volatile((UART1 + 0x04) as *const u32) & 1 != 0 {}
            write_volatile(UART1 as *mut u32, octet);
        }
    }
}

/// Faults in a fault handler.
fn lock_up() {
    // SAFETY: it does what it is for.
    unsafe {
        core::arch::asm!("cpsid f", "udf #0");
    }
}

#[exception]
fn SysTick() {
    TICKS.fetch_add(1, Ordering::Relaxed);
}
