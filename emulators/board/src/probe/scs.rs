//! Registers of the Cortex-M4's debug system that the virtual board models itself: addresses, bits and constants.
//!
//! Named as in the ARMv7-M Architecture Reference Manual (DDI 0403E), C1. QEMU models none of them, as it debugs through
//! its gdbstub.

/// Debug Fault Status Register (C1.6.1).
pub(crate) const DFSR: u32 = 0xE000_ED30;
/// Application Interrupt and Reset Control Register (B3.2.6).
pub(crate) const AIRCR: u32 = 0xE000_ED0C;
/// Debug Halting Control and Status Register (C1.6.2).
pub(crate) const DHCSR: u32 = 0xE000_EDF0;
/// Debug Core Register Selector Register (C1.6.3).
pub(crate) const DCRSR: u32 = 0xE000_EDF4;
/// Debug Core Register Data Register (C1.6.4).
pub(crate) const DCRDR: u32 = 0xE000_EDF8;
/// Debug Exception and Monitor Control Register (C1.6.5).
pub(crate) const DEMCR: u32 = 0xE000_EDFC;

/// Vector Table Offset Register (B3.2.5).
pub(crate) const VTOR: u32 = 0xE000_ED08;
/// Offset of the HardFault vector in the vector table (B1.5.3).
pub(crate) const HARD_FAULT_VECTOR: u32 = 0x0C;
/// xPSR: the core executes Thumb instructions, which is all that it can (B1.4.2).
pub(crate) const XPSR_T: u32 = 1 << 24;

pub(crate) const DHCSR_C_DEBUGEN: u32 = 1 << 0;
pub(crate) const DHCSR_C_HALT: u32 = 1 << 1;
pub(crate) const DHCSR_C_STEP: u32 = 1 << 2;
pub(crate) const DHCSR_C_MASKINTS: u32 = 1 << 3;
pub(crate) const DHCSR_S_REGRDY: u32 = 1 << 16;
pub(crate) const DHCSR_S_HALT: u32 = 1 << 17;
pub(crate) const DHCSR_S_LOCKUP: u32 = 1 << 19;
pub(crate) const DHCSR_S_RETIRE_ST: u32 = 1 << 24;
pub(crate) const DHCSR_S_RESET_ST: u32 = 1 << 25;
/// Upper half of a write to DHCSR that takes effect.
pub(crate) const DHCSR_KEY: u32 = 0xA05F;

pub(crate) const DFSR_HALTED: u32 = 1 << 0;
pub(crate) const DFSR_BKPT: u32 = 1 << 1;
pub(crate) const DFSR_VCATCH: u32 = 1 << 3;
pub(crate) const DFSR_EXTERNAL: u32 = 1 << 4;

pub(crate) const DEMCR_VC_CORERESET: u32 = 1 << 0;

pub(crate) const AIRCR_VECTRESET: u32 = 1 << 0;
pub(crate) const AIRCR_SYSRESETREQ: u32 = 1 << 2;
/// Upper half of a write to AIRCR that takes effect.
pub(crate) const AIRCR_KEY: u32 = 0x05FA;

/// DCRSR: the transfer is a write to the register.
pub(crate) const DCRSR_REGWNR: u32 = 1 << 16;

/// Where a core register is found in QEMU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CoreRegister {
    /// A register of the target description.
    Whole(String),
    /// Half of a double-precision register: its name, and whether it is the upper half.
    Half(String, bool),
    /// Not to be had: reads as zero, ignores writes.
    Absent,
}

/// The core register that DCRSR.REGSEL selects.
///
/// QEMU gives one stack pointer, the current one, and neither CONTROL nor the masks. Both MSP and PSP are answered with
/// it; CONTROL, FAULTMASK, BASEPRI and PRIMASK read as zero.
pub(crate) fn core_register(selector: u32) -> CoreRegister {
    match selector & 0x7F {
        number @ 0..=12 => CoreRegister::Whole(format!("r{number}")),
        13 | 17 | 18 => CoreRegister::Whole("sp".to_owned()),
        14 => CoreRegister::Whole("lr".to_owned()),
        15 => CoreRegister::Whole("pc".to_owned()),
        16 => CoreRegister::Whole("xpsr".to_owned()),
        33 => CoreRegister::Whole("fpscr".to_owned()),
        number @ 64..=95 => CoreRegister::Half(format!("d{}", (number - 64) / 2), number % 2 == 1),
        _ => CoreRegister::Absent,
    }
}

/// Base address of the ROM table, as AP register BASE gives it.
pub(crate) const ROM_TABLE: u32 = 0xE00F_F000;

/// Word of the ROM table or of a component's identification registers, or `None` where QEMU is asked instead.
///
/// The table lists the System Control Space and the breakpoint unit. There is no DWT, ITM, TPIU or ETM.
pub(crate) fn identification(address: u32) -> Option<u32> {
    let (base, class, part) = match address & 0xFFFF_F000 {
        ROM_TABLE => (ROM_TABLE, 0x1, 0x4C4),
        0xE000_E000 => (0xE000_E000, 0xE, 0x00C),
        0xE000_2000 => (0xE000_2000, 0xE, 0x003),
        _ => return None,
    };
    match address - base {
        // JEP106 identity 0x3B with four continuation codes: Arm. Revision 0.
        0xFD0 => Some(0x04),
        0xFD4..=0xFDC => Some(0),
        0xFE0 => Some(part & 0xFF),
        0xFE4 => Some(0xB0 | part >> 8),
        0xFE8 => Some(0x0B),
        0xFEC => Some(0),
        0xFF0 => Some(0x0D),
        0xFF4 => Some(class << 4),
        0xFF8 => Some(0x05),
        0xFFC => Some(0xB1),
        offset if base == ROM_TABLE => Some(match offset {
            0x0 => 0xFFF0_F003,
            // The data watchpoint unit's row, marked as not present.
            0x4 => 0xFFF0_2002,
            0x8 => 0xFFF0_3003,
            // MEMTYPE: system memory can be reached through this port.
            0xFCC => 1,
            _ => 0,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{CoreRegister, core_register, identification};

    #[rstest]
    #[case(0, CoreRegister::Whole("r0".into()))]
    #[case(15, CoreRegister::Whole("pc".into()))]
    #[case(16, CoreRegister::Whole("xpsr".into()))]
    #[case(64, CoreRegister::Half("d0".into(), false))]
    #[case(95, CoreRegister::Half("d15".into(), true))]
    #[case(20, CoreRegister::Absent)]
    fn selectors_name_registers(#[case] selector: u32, #[case] expected: CoreRegister) {
        assert_eq!(core_register(selector), expected);
    }

    #[test]
    fn components_say_who_they_are() {
        let component_class = |base: u32| identification(base + 0xFF4).map(|word| word >> 4);
        assert_eq!(component_class(0xE00F_F000), Some(0x1));
        assert_eq!(component_class(0xE000_E000), Some(0xE));
        assert_eq!(identification(0xE00F_F00C), Some(0));
        assert_eq!(identification(0xE000_ED00), None);
    }
}
