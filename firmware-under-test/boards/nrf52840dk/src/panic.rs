//! A firmware that cannot go on.
//!
//! A rig must see it: it says so on RTT and stops, rather than start again as if nothing had been.
#![expect(unsafe_code, reason = "a fault handler is named")]

use core::fmt;
use core::panic::PanicInfo;
use cortex_m_rt::{ExceptionFrame, exception};
use hanrig_device::log;

fn stop(what: fmt::Arguments<'_>) -> ! {
    cortex_m::interrupt::disable();
    log::last_words(what, |_| {});
    loop {
        cortex_m::asm::wfi();
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    stop(format_args!("{info}"))
}

// SAFETY: it neither returns nor touches what the fault may have left half done, but for the log, which it checks.
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    stop(format_args!("hard fault: {frame:?}"))
}
