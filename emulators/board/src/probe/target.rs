//! The chip behind the debug port: core state, debug registers, memory, and the two lines that hold it.
//!
//! QEMU gives access to memory only while the machine is stopped. A running core is therefore stopped for an access and
//! let run again by [`Target::settle`], once for all accesses of a packet. To the debugger it was running all the time.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::fpb::{self, Fpb};
use super::machine::Machine;
use super::scs::{self, CoreRegister};
use super::stats::ProbeStats;
use crate::gdb::{GdbError, StopReason};
use crate::memory_map::{DECODED, MEMORY, POWER_LOSS_FILL, SRAM};

/// How long a single step may take before the core is taken to sleep: when it has just executed WFI or WFE, and when not.
/// The second is for a host that is busy.
const STEP_PATIENCE: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(500)];
/// Encodings of WFI and WFE.
const SLEEP_INSTRUCTIONS: [u16; 2] = [0xBF30, 0xBF20];
/// From here up are the registers of the core and its debug system.
const PRIVATE_PERIPHERALS: u32 = 0xE000_0000;

/// What the core does while it has power and is not held in reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CoreState {
    Running,
    Halted,
    /// It can neither execute nor take a fault. QEMU would abort, so it is not let run.
    LockedUp,
}

#[derive(Debug)]
pub(crate) struct Target<M> {
    machine: M,
    state: CoreState,
    powered: bool,
    reset_line: bool,
    /// When the machine was stopped for an access while the core runs.
    stopped_at: Option<Instant>,
    fpb: Fpb,
    set_breakpoints: BTreeSet<u32>,
    /// Octet that keeps its value whatever the probe writes to it.
    pub(crate) worn_octet: Option<u32>,
    debug_enabled: bool,
    mask_interrupts: bool,
    reset_seen: bool,
    retired: bool,
    dcrdr: u32,
    demcr: u32,
    dfsr: u32,
    pub(crate) stats: ProbeStats,
}

impl<M: Machine> Target<M> {
    /// A chip without power. `machine` must be stopped.
    pub(crate) fn new(machine: M) -> Self {
        Self {
            machine,
            state: CoreState::LockedUp,
            powered: false,
            reset_line: false,
            stopped_at: None,
            fpb: Fpb::default(),
            set_breakpoints: BTreeSet::new(),
            worn_octet: None,
            debug_enabled: false,
            mask_interrupts: false,
            reset_seen: true,
            retired: false,
            dcrdr: 0,
            demcr: 0,
            dfsr: 0,
            stats: ProbeStats::default(),
        }
    }

    #[cfg(test)]
    pub(crate) fn machine_mut(&mut self) -> &mut M {
        &mut self.machine
    }

    pub(crate) fn is_powered(&self) -> bool {
        self.powered
    }

    pub(crate) fn is_held_in_reset(&self) -> bool {
        self.reset_line
    }

    /// What the core does, or `None` while it has no power or is held in reset.
    pub(crate) fn core_state(&mut self) -> Result<Option<CoreState>, GdbError> {
        self.notice_stop()?;
        Ok(self.is_clocked().then_some(self.state))
    }

    /// Takes the power away: data memory is lost, code memory and PSRAM are not.
    pub(crate) fn power_off(&mut self) -> Result<(), GdbError> {
        if self.powered {
            self.stop()?;
            self.powered = false;
            self.machine.system_reset()?;
            let lost = vec![POWER_LOSS_FILL; SRAM.len()];
            self.machine.write_memory(SRAM.start, &lost)?;
        }
        Ok(())
    }

    /// Gives power: the core starts from its reset vector, unless it is held in reset.
    pub(crate) fn power_on(&mut self) -> Result<(), GdbError> {
        if !self.powered {
            self.powered = true;
            (self.debug_enabled, self.mask_interrupts, self.dcrdr, self.demcr, self.dfsr) = (false, false, 0, 0, 0);
            self.fpb = Fpb::default();
            self.sync_breakpoints()?;
            self.leave_reset()?;
        }
        self.settle()
    }

    /// Pulls nRESET: the core stops and the peripherals are reset.
    pub(crate) fn assert_reset(&mut self) -> Result<(), GdbError> {
        if !self.reset_line {
            self.reset_line = true;
            self.reset_seen = true;
            self.stop()?;
            self.machine.system_reset()?;
        }
        Ok(())
    }

    /// Releases nRESET: the core starts from its reset vector.
    pub(crate) fn clear_reset(&mut self) -> Result<(), GdbError> {
        if self.reset_line {
            self.reset_line = false;
            self.leave_reset()?;
        }
        self.settle()
    }

    /// Lets the machine run again if the core is running. To be called after every packet of accesses.
    pub(crate) fn settle(&mut self) -> Result<(), GdbError> {
        // Also tells a machine that is gone from one that has nothing to say.
        self.notice_stop()?;
        if self.is_clocked() && self.state == CoreState::Running {
            self.machine.resume()?;
            self.retired = true;
        }
        if let Some(stopped_at) = self.stopped_at.take() {
            self.stats.stopped += stopped_at.elapsed();
        }
        Ok(())
    }

    /// Reads memory: `data.len()` octets as accesses of `width` (1, 2 or 4) octets, from an `address` aligned to it.
    pub(crate) fn read(&mut self, address: u32, width: u32, data: &mut [u8]) -> Result<(), GdbError> {
        if address < PRIVATE_PERIPHERALS {
            if self.machine.is_running() && self.machine.peek(address, data) {
                self.stats.peeks += 1;
                return Ok(());
            }
            self.stop()?;
            return self.machine.read_memory(address, data);
        }
        let mut at = address;
        for access in data.chunks_mut(width as usize) {
            let word = self.read_word(at & !3)?.to_le_bytes();
            let lane = word.iter().skip((at & 3) as usize);
            access.iter_mut().zip(lane).for_each(|(octet, value)| *octet = *value);
            at = at.wrapping_add(width);
        }
        Ok(())
    }

    /// Writes memory, as [`Target::read`].
    pub(crate) fn write(&mut self, address: u32, width: u32, data: &[u8]) -> Result<(), GdbError> {
        if address < PRIVATE_PERIPHERALS {
            self.stop()?;
            if !lies_in(&MEMORY, address, data.len()) {
                if !lies_in(&DECODED, address, data.len()) {
                    return Err(GdbError::Refused { command: format!("a write to {address:#010x}"), code: 0x14 });
                }
                return self.machine.write_device(address, data);
            }
            let worn = self.worn_octet.filter(|worn| (worn.wrapping_sub(address) as usize) < data.len());
            let Some(worn) = worn else { return self.machine.write_memory(address, data) };
            let mut kept = [0];
            self.machine.read_memory(worn, &mut kept)?;
            self.machine.write_memory(address, data)?;
            return self.machine.write_memory(worn, &kept);
        }
        let mut at = address;
        for access in data.chunks(width as usize) {
            match *access {
                [a, b, c, d] => self.write_word(at, u32::from_le_bytes([a, b, c, d]))?,
                // The debug registers take words only; others are QEMU's to judge.
                _ if !is_modelled(at & !3) => {
                    self.stop()?;
                    self.machine.write_memory(at, access)?;
                }
                _ => {}
            }
            at = at.wrapping_add(width);
        }
        Ok(())
    }

    fn read_word(&mut self, address: u32) -> Result<u32, GdbError> {
        match address {
            scs::DHCSR => self.read_dhcsr(),
            scs::DCRSR => Ok(0),
            scs::DCRDR => Ok(self.dcrdr),
            scs::DEMCR => Ok(self.demcr),
            scs::DFSR => {
                self.notice_stop()?;
                Ok(self.dfsr)
            }
            fpb::BASE..0xE000_2FD0 => Ok(self.fpb.read(address - fpb::BASE)),
            _ => {
                if let Some(word) = scs::identification(address) {
                    return Ok(word);
                }
                self.stop()?;
                let mut word = [0; 4];
                self.machine.read_memory(address, &mut word)?;
                Ok(u32::from_le_bytes(word))
            }
        }
    }

    fn write_word(&mut self, address: u32, value: u32) -> Result<(), GdbError> {
        match address {
            scs::DHCSR => self.write_dhcsr(value),
            scs::DCRSR => self.transfer_register(value),
            scs::DCRDR => {
                self.dcrdr = value;
                Ok(())
            }
            scs::DEMCR => {
                self.demcr = value;
                Ok(())
            }
            scs::DFSR => {
                self.dfsr &= !value;
                Ok(())
            }
            scs::AIRCR
                if value >> 16 == scs::AIRCR_KEY && value & (scs::AIRCR_SYSRESETREQ | scs::AIRCR_VECTRESET) != 0 =>
            {
                if self.is_clocked() {
                    self.leave_reset()
                } else {
                    Ok(())
                }
            }
            fpb::BASE..0xE000_2FD0 => {
                self.fpb.write(address - fpb::BASE, value);
                self.sync_breakpoints()
            }
            _ => {
                self.stop()?;
                self.machine.write_memory(address, &value.to_le_bytes())
            }
        }
    }

    fn read_dhcsr(&mut self) -> Result<u32, GdbError> {
        self.notice_stop()?;
        let held = !self.is_clocked();
        let mut value = scs::DHCSR_S_REGRDY;
        let mut set = |condition: bool, bits: u32| value |= if condition { bits } else { 0 };
        set(self.debug_enabled, scs::DHCSR_C_DEBUGEN);
        set(self.mask_interrupts, scs::DHCSR_C_MASKINTS);
        set(!held && self.state == CoreState::Halted, scs::DHCSR_S_HALT | scs::DHCSR_C_HALT);
        set(!held && self.state == CoreState::LockedUp, scs::DHCSR_S_LOCKUP);
        set(self.retired, scs::DHCSR_S_RETIRE_ST);
        set(held || self.reset_seen, scs::DHCSR_S_RESET_ST);
        self.reset_seen = false;
        self.retired = false;
        Ok(value)
    }

    fn write_dhcsr(&mut self, value: u32) -> Result<(), GdbError> {
        if value >> 16 != scs::DHCSR_KEY {
            return Ok(());
        }
        self.notice_stop()?;
        // A core that a vector catch halted before debugging was enabled stays halted when that is enabled: so probe-rs
        // expects it when it connects under reset.
        let enables = !self.debug_enabled && value & scs::DHCSR_C_DEBUGEN != 0;
        self.debug_enabled = value & scs::DHCSR_C_DEBUGEN != 0;
        self.mask_interrupts = self.debug_enabled && value & scs::DHCSR_C_MASKINTS != 0;
        if !self.is_clocked() {
            return Ok(());
        }
        let halt = self.debug_enabled && value & scs::DHCSR_C_HALT != 0;
        let step = self.debug_enabled && value & scs::DHCSR_C_STEP != 0;
        match self.state {
            CoreState::Running | CoreState::LockedUp if halt => {
                self.stop()?;
                if self.state != CoreState::Halted {
                    self.state = CoreState::Halted;
                    self.dfsr |= scs::DFSR_HALTED;
                }
            }
            CoreState::Halted if !halt && !enables => {
                if !self.can_run()? {
                    self.state = CoreState::LockedUp;
                } else if step {
                    self.step()?;
                    self.retired = true;
                    self.dfsr |= scs::DFSR_HALTED;
                } else {
                    self.state = CoreState::Running;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Executes an instruction. A core that sleeps stays where it is, after the WFI: nothing wakes it while it is stepped.
    fn step(&mut self) -> Result<(), GdbError> {
        let pc = word(&self.machine.read_register("pc")?);
        let mut before = [0; 2];
        let asleep = match self.machine.read_memory(pc.wrapping_sub(2), &mut before) {
            Ok(()) => SLEEP_INSTRUCTIONS.contains(&u16::from_le_bytes(before)),
            Err(error) if error.is_refusal() => false,
            Err(error) => return Err(error),
        };
        let [short, long] = STEP_PATIENCE;
        self.machine.step(if asleep { short } else { long })
    }

    /// Moves a core register to or from DCRDR (C1.6.3). Only a halted core does that.
    fn transfer_register(&mut self, selection: u32) -> Result<(), GdbError> {
        self.notice_stop()?;
        if !self.is_clocked() || self.state != CoreState::Halted {
            return Ok(());
        }
        let write = selection & scs::DCRSR_REGWNR != 0;
        let (name, upper) = match scs::core_register(selection) {
            CoreRegister::Whole(name) => (name, false),
            CoreRegister::Half(name, upper) => (name, upper),
            CoreRegister::Absent => {
                if !write {
                    self.dcrdr = 0;
                }
                return Ok(());
            }
        };
        let mut octets = self.machine.read_register(&name)?;
        let mut halves = octets.chunks_exact_mut(4).skip(usize::from(upper));
        let Some(half) = halves.next() else { return Ok(()) };
        if write {
            half.copy_from_slice(&self.dcrdr.to_le_bytes());
            self.machine.write_register(&name, &octets)
        } else {
            self.dcrdr = word(half);
            Ok(())
        }
    }

    /// Starts the core from its reset vector, or halts it there.
    fn leave_reset(&mut self) -> Result<(), GdbError> {
        self.stop()?;
        self.machine.system_reset()?;
        self.reset_seen = true;
        self.state = if self.demcr & scs::DEMCR_VC_CORERESET != 0 {
            self.dfsr |= scs::DFSR_VCATCH;
            CoreState::Halted
        } else if self.can_run()? {
            CoreState::Running
        } else {
            CoreState::LockedUp
        };
        Ok(())
    }

    /// Whether the core can execute from where it is, or else take the HardFault for that it cannot.
    ///
    /// QEMU gives up on a core that can do neither, where a real one locks up: as it does on a board without firmware.
    fn can_run(&mut self) -> Result<bool, GdbError> {
        let state = word(&self.machine.read_register("xpsr")?);
        let pc = word(&self.machine.read_register("pc")?);
        if state & scs::XPSR_T != 0 && self.is_readable(pc)? {
            return Ok(true);
        }
        let mut octets = [0; 4];
        self.machine.read_memory(scs::VTOR, &mut octets)?;
        let vector = u32::from_le_bytes(octets).wrapping_add(scs::HARD_FAULT_VECTOR);
        if !self.is_readable(vector)? {
            return Ok(false);
        }
        self.machine.read_memory(vector, &mut octets)?;
        let handler = u32::from_le_bytes(octets);
        Ok(handler & 1 == 1 && self.is_readable(handler & !1)?)
    }

    fn is_readable(&mut self, address: u32) -> Result<bool, GdbError> {
        match self.machine.read_memory(address, &mut [0; 2]) {
            Ok(()) => Ok(true),
            Err(error) if error.is_refusal() => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn is_clocked(&self) -> bool {
        self.powered && !self.reset_line
    }

    fn sync_breakpoints(&mut self) -> Result<(), GdbError> {
        let wanted = self.fpb.breakpoints();
        if wanted != self.set_breakpoints {
            self.stop()?;
            for address in self.set_breakpoints.difference(&wanted) {
                self.machine.clear_breakpoint(*address)?;
            }
            for address in wanted.difference(&self.set_breakpoints) {
                self.machine.set_breakpoint(*address)?;
            }
            self.set_breakpoints = wanted;
        }
        Ok(())
    }

    /// Stops the machine for an access. It may turn out to have halted at a breakpoint.
    fn stop(&mut self) -> Result<(), GdbError> {
        if self.machine.is_running() {
            self.stopped_at.get_or_insert_with(Instant::now);
            self.stats.stops += 1;
            if let Some(reason) = self.machine.interrupt()? {
                self.note_stop(reason);
            }
        }
        Ok(())
    }

    fn notice_stop(&mut self) -> Result<(), GdbError> {
        if let Some(reason) = self.machine.poll_stop()? {
            self.note_stop(reason);
        }
        Ok(())
    }

    fn note_stop(&mut self, reason: StopReason) {
        self.dfsr |= match reason {
            StopReason::Interrupt => return,
            StopReason::Trap => scs::DFSR_BKPT,
            StopReason::Other(_) => scs::DFSR_EXTERNAL,
        };
        self.state = CoreState::Halted;
    }
}

/// Little-endian value of a register's octets.
fn word(octets: &[u8]) -> u32 {
    octets.iter().take(4).rev().fold(0, |word, octet| word << 8 | u32::from(*octet))
}

fn lies_in(ranges: &[Range<u32>], address: u32, length: usize) -> bool {
    let end = u64::from(address) + length as u64;
    ranges.iter().any(|range| range.contains(&address) && end <= u64::from(range.end))
}

fn is_modelled(address: u32) -> bool {
    matches!(address, scs::DHCSR..=scs::DEMCR | scs::DFSR | scs::AIRCR | fpb::BASE..=0xE000_2FFF)
        || scs::identification(address).is_some()
}
