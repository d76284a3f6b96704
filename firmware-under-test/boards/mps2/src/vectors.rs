//! The interrupts of the AN386.
#![expect(unsafe_code, reason = "the vector table is read by the hardware, and interrupts are switched on")]

use crate::{clock, uart};
use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;

/// The interrupts that are used.
#[derive(Clone, Copy, Debug)]
#[repr(u16)]
enum Interrupt {
    Uart1Receive = 2,
    Uart1Transmit = 3,
    Uart2Receive = 4,
    Uart2Transmit = 5,
    Timer0 = 8,
    Timer1 = 9,
}

impl Interrupt {
    const ALL: [Self; 6] =
        [Self::Uart1Receive, Self::Uart1Transmit, Self::Uart2Receive, Self::Uart2Transmit, Self::Timer0, Self::Timer1];
}

// SAFETY: the numbers are those of the AN386's NVIC, and each stands for one interrupt.
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        self as u16
    }
}

/// Switches on the interrupts that are used.
pub(crate) fn enable() {
    for interrupt in Interrupt::ALL {
        // SAFETY: no critical section relies on a mask, and the handlers' statics are ready from the start.
        unsafe { NVIC::unmask(interrupt) };
    }
}

/// One entry of the vector table.
#[derive(Clone, Copy)]
union Vector {
    handler: unsafe extern "C" fn(),
    reserved: usize,
}

extern "C" fn uart1_receive() {
    uart::RADIO.on_receive();
}
extern "C" fn uart1_transmit() {
    uart::RADIO.on_sent();
}
extern "C" fn uart2_receive() {
    uart::WAN.on_receive();
}
extern "C" fn uart2_transmit() {
    uart::WAN.on_sent();
}
extern "C" fn timer0() {
    clock::on_clock();
}
extern "C" fn timer1() {
    clock::on_alarm();
}

/// Entries 16 and up of the vector table. Those not used are never switched on.
// SAFETY: the section is where the linker script of cortex-m-rt wants exactly this symbol, and the table has an entry for
// each of the NVIC's 32 inputs.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [Vector; 32] = {
    const fn to(handler: unsafe extern "C" fn()) -> Vector {
        Vector { handler }
    }
    let mut table = [Vector { reserved: 0 }; 32];
    table[Interrupt::Uart1Receive as usize] = to(uart1_receive);
    table[Interrupt::Uart1Transmit as usize] = to(uart1_transmit);
    table[Interrupt::Uart2Receive as usize] = to(uart2_receive);
    table[Interrupt::Uart2Transmit as usize] = to(uart2_transmit);
    table[Interrupt::Timer0 as usize] = to(timer0);
    table[Interrupt::Timer1 as usize] = to(timer1);
    table
};
