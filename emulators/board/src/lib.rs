//! A virtual board: a Cortex-M4 in QEMU, its UARTs on Unix sockets, behind a virtual debug probe.
//!
//! [`QemuBoard`] starts `qemu-system-arm -M mps2-an386` and a server that speaks the protocol of the Glasgow Interface
//! Explorer's `probe-rs` applet. probe-rs, unmodified, opens it like any probe, with the selector that
//! [`QemuBoard::selector`] gives and the chip that [`registry`] adds; it loads and verifies firmware, resets, halts, steps,
//! sets breakpoints, reads RTT, and holds the board in reset. What firmware finds on the board is in [`memory_map`].
//!
//! ```no_run
//! use hanrig_board::{BoardConfig, CHIP, QemuBoard, registry};
//! use probe_rs::Permissions;
//! use probe_rs::probe::{DebugProbeSelector, list::Lister};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let board = QemuBoard::start(BoardConfig::new("ppmid", "/tmp/bench/ppmid"))?;
//! let selector: DebugProbeSelector = board.selector().parse()?;
//! let probe = Lister::new().open(selector)?;
//! let mut session = probe.attach_with_registry(CHIP, Permissions::default(), &registry()?)?;
//! session.core(0)?.reset()?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is modelled and what is not
//!
//! Debug port, memory access port, core registers, halting, stepping, six breakpoints, vector catch of a reset, nRESET and
//! the power switch are. Not modelled: data watchpoints, ITM and SWO, the DebugMonitor exception, BKPT as a halt (QEMU
//! raises a HardFault), C_MASKINTS while the core runs (it counts for steps), vector catch of faults and of a reset that
//! the firmware itself requests, CONTROL and the interrupt masks as registers (they read as zero), and S_SLEEP. What the
//! debugger writes to the NVIC, SysTick and the rest of the System Control Space, debug registers and AIRCR apart, is
//! lost: QEMU's gdbstub writes to memory and, at addresses below `0xE000_0000`, to peripherals.
//!
//! A core that locks up (a fault inside a fault handler) ends QEMU: [`QemuExit::is_lockup`] tells such an end, which is the
//! firmware's, from one that is the bench's. A board without firmware is held locked up instead.
//!
//! Memory of a running core is read without stopping it where the host allows that (Linux, a QEMU of the same user);
//! everything else stops the machine for a fraction of a millisecond, and its clocks stand still meanwhile.
//! [`ProbeStats`] says how often and how long in all.

mod board;
mod chip;
mod gdb;
mod host_memory;
pub mod memory_map;
mod probe;
mod qemu;

pub use self::board::{BoardConfig, BoardError, BoardState, QemuBoard};
pub use self::chip::{CHIP, CHIP_DESCRIPTION, add_to, registry};
pub use self::gdb::{GdbClient, GdbError, StopReason};
pub use self::probe::{NO_PACKET, ProbeStats};
pub use self::qemu::QemuExit;
