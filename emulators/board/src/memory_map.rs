//! Where things are on the MPS2 AN386 as QEMU models it: for whoever writes firmware for the virtual board.
//!
//! Read from QEMU itself (`info mtree`, `info qtree`) and its `hw/arm/mps2.c`; addresses agree with Arm's application
//! note AN386 ("Example Cortex-M4 Subsystem Design for the V2M-MPS2").
//!
//! | range | size | what | after a reset | after power off |
//! |---|---|---|---|---|
//! | `0x0000_0000` | 4 MiB | SSRAM1: vectors, code, constants | kept | kept (plays program flash) |
//! | `0x0040_0000` | 4 MiB | alias of SSRAM1 | | |
//! | `0x0100_0000` | 16 KiB | block RAM, aliased up to `0x0100_FFFF` | kept | kept |
//! | `0x2000_0000` | 4 MiB | SSRAM2 and 3: data, stack, RTT | kept | overwritten ([`POWER_LOSS_FILL`]) |
//! | `0x2040_0000` | 4 MiB | alias of SSRAM2 and 3 | | |
//! | `0x2100_0000` | 16 MiB | PSRAM | kept | kept, in a file (plays data flash) |
//! | `0x4000_0000` | | peripherals, below | reset | reset |
//! | `0xE000_0000` | | private peripheral bus of the Cortex-M4 | reset | reset |
//!
//! PSRAM is the one to use as a flash model: it is a file shared with QEMU, so its content also survives a killed QEMU
//! process, and it starts as 0xFF like erased flash. Bit-band aliases of `0x2000_0000` and `0x4000_0000` are at
//! `0x2200_0000` and `0x4200_0000`. Everything between the rows reads as zero and ignores writes (QEMU's "unimplemented
//! device") or, above `0x4120_0000` and below the private peripheral bus, faults.
//!
//! The core is a Cortex-M4 with FPU and 32 external interrupts (IRQ 0 to 31); VTOR is 0 after a reset. SYSCLK is
//! [`SYSCLK_HZ`]; SysTick counts SYSCLK, or a 1 MHz reference clock when CLKSOURCE is 0. There is no cycle-accurate time:
//! instructions take no modelled time, timers and SysTick run in real time.
//!
//! | peripheral | address | interrupt |
//! |---|---|---|
//! | CMSDK timer 0 | `0x4000_0000` | 8 |
//! | CMSDK timer 1 | `0x4000_1000` | 9 |
//! | CMSDK dual timer | `0x4000_2000` | 10 |
//! | UART 0 | `0x4000_4000` | 0 receive, 1 transmit, 12 overflow |
//! | UART 1 | `0x4000_5000` | 2 receive, 3 transmit, 12 overflow |
//! | UART 2 | `0x4000_6000` | 4 receive, 5 transmit, 12 overflow |
//! | UART 3 | `0x4000_7000` | 18 receive, 19 transmit, 12 overflow |
//! | UART 4 | `0x4000_9000` | 20 receive, 21 transmit, 12 overflow |
//! | CMSDK watchdog | `0x4000_8000` | NMI, then system reset |
//! | FPGAIO (LEDs, 1 Hz, 100 Hz and cycle counters) | `0x4002_8000` | |
//!
//! A CMSDK APB UART has DATA at 0x00, STATE at 0x04 (bit 0 transmit buffer full, bit 1 receive buffer full, bits 2 and 3
//! their overruns), CTRL at 0x08 (bit 0 transmit enable, 1 receive enable, 2 transmit interrupt, 3 receive interrupt, 4
//! and 5 overrun interrupts), INTSTATUS and INTCLEAR at 0x0C (the bits of STATE's order; write one to clear) and BAUDDIV
//! at 0x10. **BAUDDIV must be at least 16**: QEMU's UART neither sends nor receives before. One octet is buffered each
//! way; the host side does not send the next before the firmware has read the last, so nothing is lost at any speed.
//!
//! A CMSDK timer counts down at SYSCLK: CTRL 0x00 (bit 0 enable, bit 3 interrupt), VALUE 0x04, RELOAD 0x08, INTSTATUS and
//! INTCLEAR 0x0C. The dual timer at 0x00 and 0x20: LOAD, VALUE, CONTROL, INTCLR, RIS, MIS, BGLOAD, as in Arm's SP804.

use std::ops::Range;

/// Code memory (SSRAM1), addresses in octets. QEMU takes the vector table from its first word.
pub const CODE: Range<u32> = 0x0000_0000..0x0040_0000;
/// Data memory (SSRAM2 and SSRAM3), addresses in octets.
pub const SRAM: Range<u32> = 0x2000_0000..0x2040_0000;
/// Pseudo-static RAM, addresses in octets: the flash model of a device under test.
pub const PSRAM: Range<u32> = 0x2100_0000..0x2200_0000;
/// All ranges of static memory, aliases included, addresses in octets.
pub const MEMORY: [Range<u32>; 4] =
    [0x0000_0000..0x0080_0000, 0x0100_0000..0x0101_0000, 0x2000_0000..0x2080_0000, 0x2100_0000..0x2200_0000];
/// All ranges below the private peripheral bus that answer, addresses in octets. An access elsewhere is a bus fault.
pub const DECODED: [Range<u32>; 4] =
    [0x0000_0000..0x2400_0000, 0x4000_0000..0x4020_0100, 0x4100_0000..0x4120_0000, 0x4200_0000..0x4400_0000];
/// Clock of the core, the timers and the UARTs, in hertz.
pub const SYSCLK_HZ: u32 = 25_000_000;
/// Base addresses of UART 0 to UART 4.
pub const UARTS: [u32; 5] = [0x4000_4000, 0x4000_5000, 0x4000_6000, 0x4000_7000, 0x4000_9000];
/// Receive interrupts of UART 0 to UART 4.
pub const UART_RX_IRQS: [u8; 5] = [0, 2, 4, 18, 20];
/// Transmit interrupts of UART 0 to UART 4.
pub const UART_TX_IRQS: [u8; 5] = [1, 3, 5, 19, 21];
/// Interrupt that all five UARTs share for overruns.
pub const UART_OVERRUN_IRQ: u8 = 12;
/// Base addresses of CMSDK timer 0, timer 1 and the dual timer.
pub const TIMERS: [u32; 3] = [0x4000_0000, 0x4000_1000, 0x4000_2000];
/// Interrupts of CMSDK timer 0, timer 1 and the dual timer.
pub const TIMER_IRQS: [u8; 3] = [8, 9, 10];
/// Octet that data memory is filled with when the board is switched off, so that firmware cannot live on what it left
/// there.
pub const POWER_LOSS_FILL: u8 = 0xA5;
