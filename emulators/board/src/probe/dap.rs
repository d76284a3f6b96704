//! The debug access port: an ADIv5 SW-DP (DPv1) with one AHB-AP, as in a Cortex-M4. See Arm IHI 0031E.
//!
//! Every access is complete when it is answered, so the answer WAIT never occurs. An access to memory that does not
//! answer sets STICKYERR; from then on all transfers are answered FAULT, except reads of DPIDR and CTRL/STAT and writes
//! to ABORT, until ABORT clears it (B4.2.4). AP reads are posted: each gives the result of the one before, RDBUFF the
//! last.
//!
//! Three things differ from a real port, to the debugger's advantage. A failed *write* is answered FAULT itself, where a
//! real port has acknowledged before it knows. After a FAULT the rest of the packet is neither executed nor answered, as
//! probe-rs stops reading there and would take the remaining answers for those of its next transfers. And a line reset
//! clears the sticky flags: probe-rs selects a bank before it clears them, so it could not open the port again.

use super::machine::Machine;
use super::scs::ROM_TABLE;
use super::target::Target;
use super::wire::{SwdCommand, SwdResponse};
use crate::gdb::GdbError;

/// SW-DP of a Cortex-M4, DPv1.
const DPIDR: u32 = 0x2BA0_1477;
/// AHB-AP of a Cortex-M4.
const AP_IDR: u32 = 0x2477_0011;
/// BASE: format of ADIv5, entry present.
const AP_BASE: u32 = ROM_TABLE | 3;

const CTRL_WRITABLE: u32 = 0x5000_0F0D;
const CTRL_STICKYERR: u32 = 1 << 5;
const CTRL_READOK: u32 = 1 << 6;
const CDBGPWRUPREQ: u32 = 1 << 28;
const CSYSPWRUPREQ: u32 = 1 << 30;
const ABORT_STKERRCLR: u32 = 1 << 2;

const CSW_DEVICE_ENABLED: u32 = 1 << 6;
const CSW_SIZE: u32 = 0x7;
const CSW_ADDRESS_INCREMENT: u32 = 0x30;
const CSW_READ_ONLY: u32 = 0x0080_00C8;
const CSW_RESET: u32 = 0x0300_0002;
/// TAR counts within its lowest ten bits (C2.2.2).
const TAR_WRAP: u32 = 0x400;
/// Ones in a row that reset the line (B4.3.3).
const LINE_RESET_BITS: u32 = 50;

const AP_CSW: u8 = 0x00;
const AP_TAR: u8 = 0x04;
const AP_DRW: u8 = 0x0C;
const AP_BD0: u8 = 0x10;
const AP_BD3: u8 = 0x1C;

#[derive(Debug)]
pub(crate) struct Dap<M> {
    pub(crate) target: Target<M>,
    ctrl: u32,
    select: u32,
    sticky_error: bool,
    read_ok: bool,
    posted: u32,
    csw: u32,
    tar: u32,
    ones: u32,
}

/// What an AP access came to. The outer error of the calls below is a lost machine.
type Access<T> = Result<Result<T, Faulted>, GdbError>;

/// Memory did not answer.
#[derive(Debug)]
struct Faulted;

impl<M: Machine> Dap<M> {
    pub(crate) fn new(target: Target<M>) -> Self {
        Self {
            target,
            ctrl: 0,
            select: 0,
            sticky_error: false,
            read_ok: false,
            posted: 0,
            csw: CSW_RESET,
            tar: 0,
            ones: 0,
        }
    }

    /// Executes the transfers of a packet and appends the responses, up to and including the first that is not OK.
    ///
    /// # Errors
    /// The machine is lost. The responses then end with [`SwdResponse::Error`].
    pub(crate) fn execute(&mut self, commands: &[SwdCommand], out: &mut Vec<SwdResponse>) -> Result<(), GdbError> {
        let executed = self.execute_all(commands, out).and_then(|()| self.target.settle());
        if executed.is_err() {
            // A packet that is answered in full but leaves the machine lost is found out by the next one.
            let transfers = commands.iter().filter(|command| !matches!(command, SwdCommand::Sequence { .. })).count();
            if out.len() < transfers {
                out.push(SwdResponse::Error);
            }
        }
        executed
    }

    fn execute_all(&mut self, commands: &[SwdCommand], out: &mut Vec<SwdResponse>) -> Result<(), GdbError> {
        let mut rest = commands;
        while let Some((command, after)) = rest.split_first() {
            self.target.stats.transfers += 1;
            if !matches!(command, SwdCommand::Sequence { .. }) && !self.target.is_powered() {
                out.push(SwdResponse::Error);
                return Ok(());
            }
            let mut used = 1;
            match *command {
                SwdCommand::Sequence { len, bits } => self.drive(len, bits),
                SwdCommand::Read { ap: false, address } => out.push(self.read_dp(address)),
                SwdCommand::Write { ap: false, address, value } => out.push(self.write_dp(address, value)),
                _ if self.sticky_error => out.push(SwdResponse::Fault),
                _ if self.ctrl & CDBGPWRUPREQ == 0 => {
                    self.sticky_error = true;
                    out.push(SwdResponse::Fault);
                }
                SwdCommand::Read { ap: true, address } => {
                    used = rest.iter().take_while(|next| *next == command).count();
                    self.read_ap(self.register(address), used, out)?;
                }
                SwdCommand::Write { ap: true, address, .. } => {
                    let values: Vec<u32> = rest
                        .iter()
                        .map_while(|next| match next {
                            SwdCommand::Write { ap: true, address: same, value } if *same == address => Some(*value),
                            _ => None,
                        })
                        .collect();
                    used = values.len();
                    self.write_ap(self.register(address), &values, out)?;
                }
            }
            if matches!(out.last(), Some(SwdResponse::Fault | SwdResponse::Error)) {
                return Ok(());
            }
            rest = commands_after(rest, used, after);
        }
        Ok(())
    }

    /// Drives bits on the line and watches for a line reset.
    fn drive(&mut self, len: u8, bits: u32) {
        for bit in 0..len {
            self.ones = if bits >> bit & 1 == 1 { self.ones.saturating_add(1) } else { 0 };
            if self.ones == LINE_RESET_BITS {
                self.select = 0;
                self.sticky_error = false;
            }
        }
    }

    fn read_dp(&mut self, address: u8) -> SwdResponse {
        match (address, self.select & 0xF) {
            (0x0, _) => SwdResponse::Data(DPIDR),
            (0x4, 0) => SwdResponse::Data(self.status()),
            _ if self.sticky_error => SwdResponse::Fault,
            (0x8 | 0xC, _) => SwdResponse::Data(self.posted),
            _ => SwdResponse::Data(0),
        }
    }

    fn write_dp(&mut self, address: u8, value: u32) -> SwdResponse {
        match (address, self.select & 0xF) {
            (0x0, _) => self.sticky_error &= value & ABORT_STKERRCLR == 0,
            _ if self.sticky_error => return SwdResponse::Fault,
            (0x4, 0) => self.ctrl = value & CTRL_WRITABLE,
            (0x8, _) => self.select = value,
            _ => {}
        }
        SwdResponse::Ok
    }

    /// CTRL/STAT as read: the power requests are granted at once.
    fn status(&self) -> u32 {
        let mut value = self.ctrl;
        let mut set = |condition: bool, bits: u32| value |= if condition { bits } else { 0 };
        set(self.ctrl & CDBGPWRUPREQ != 0, CDBGPWRUPREQ << 1);
        set(self.ctrl & CSYSPWRUPREQ != 0, CSYSPWRUPREQ << 1);
        set(self.sticky_error, CTRL_STICKYERR);
        set(self.read_ok, CTRL_READOK);
        value
    }

    /// The AP register that SELECT and `address` name, or `None` where there is no AP.
    fn register(&self, address: u8) -> Option<u8> {
        let [bank, _, _, port] = self.select.to_le_bytes();
        (port == 0).then_some(bank & 0xF0 | address)
    }

    fn read_ap(&mut self, register: Option<u8>, count: usize, out: &mut Vec<SwdResponse>) -> Result<(), GdbError> {
        let values = match register {
            Some(AP_DRW) => self.read_memory(count)?,
            Some(register @ AP_BD0..=AP_BD3) => self.read_banked(register, count)?,
            Some(AP_CSW) => Ok(vec![self.csw | CSW_DEVICE_ENABLED; count]),
            Some(AP_TAR) => Ok(vec![self.tar; count]),
            Some(0xF8) => Ok(vec![AP_BASE; count]),
            Some(0xFC) => Ok(vec![AP_IDR; count]),
            // CFG says: little-endian, neither large addresses nor large data.
            _ => Ok(vec![0; count]),
        };
        match values {
            Ok(values) => {
                for value in values {
                    out.push(SwdResponse::Data(std::mem::replace(&mut self.posted, value)));
                }
                self.read_ok = true;
            }
            Err(Faulted) => {
                out.push(SwdResponse::Data(std::mem::take(&mut self.posted)));
                self.sticky_error = true;
                self.read_ok = false;
                if count > 1 {
                    out.push(SwdResponse::Fault);
                }
            }
        }
        Ok(())
    }

    fn write_ap(&mut self, register: Option<u8>, values: &[u32], out: &mut Vec<SwdResponse>) -> Result<(), GdbError> {
        let written = match register {
            Some(AP_DRW) => self.write_memory(values)?,
            Some(register @ AP_BD0..=AP_BD3) => self.write_banked(register, values)?,
            Some(AP_CSW) => {
                if let Some(value) = values.last() {
                    // Of the sizes only 8, 16 and 32 bits exist; the field keeps what it has for others.
                    let size = if value & CSW_SIZE > 2 { self.csw } else { *value } & CSW_SIZE;
                    self.csw = value & !(CSW_SIZE | CSW_READ_ONLY) | size;
                }
                Ok(())
            }
            Some(AP_TAR) => {
                self.tar = values.last().copied().unwrap_or(self.tar);
                Ok(())
            }
            _ => Ok(()),
        };
        match written {
            Ok(()) => out.extend(values.iter().map(|_| SwdResponse::Ok)),
            Err(Faulted) => {
                self.sticky_error = true;
                out.push(SwdResponse::Fault);
            }
        }
        Ok(())
    }

    /// Octets that one access moves.
    fn width(&self) -> u32 {
        1 << (self.csw & CSW_SIZE).min(2)
    }

    /// The next accesses through DRW that lie in a row: their address and how many of `count` they are.
    fn run(&self, count: usize) -> (u32, usize) {
        let address = self.tar & !(self.width() - 1);
        if self.csw & CSW_ADDRESS_INCREMENT == 0 {
            return (address, 1);
        }
        let room = (TAR_WRAP - address % TAR_WRAP) / self.width();
        (address, count.min(room as usize))
    }

    fn advance(&mut self, accesses: usize) {
        if self.csw & CSW_ADDRESS_INCREMENT != 0 {
            let page = self.tar & !(TAR_WRAP - 1);
            self.tar = page | (self.tar.wrapping_add(accesses as u32 * self.width()) % TAR_WRAP);
        }
    }

    fn read_memory(&mut self, count: usize) -> Access<Vec<u32>> {
        let width = self.width();
        let mut values = Vec::with_capacity(count);
        while values.len() < count {
            let (address, accesses) = self.run(count - values.len());
            let mut octets = vec![0; accesses * width as usize];
            if let Err(fault) = faulted(self.target.read(address, width, &mut octets))? {
                return Ok(Err(fault));
            }
            let mut at = address;
            for access in octets.chunks(width as usize) {
                let value = access.iter().rev().fold(0u32, |value, octet| value << 8 | u32::from(*octet));
                values.push(value << (at % 4 * 8));
                at = at.wrapping_add(width);
            }
            self.advance(accesses);
        }
        Ok(Ok(values))
    }

    fn write_memory(&mut self, values: &[u32]) -> Access<()> {
        let width = self.width();
        let mut rest = values;
        while !rest.is_empty() {
            let (address, accesses) = self.run(rest.len());
            let (now, later) = rest.split_at_checked(accesses).unwrap_or((rest, &[]));
            let mut octets = Vec::with_capacity(now.len() * width as usize);
            let mut at = address;
            for value in now {
                octets.extend((value >> (at % 4 * 8)).to_le_bytes().iter().take(width as usize));
                at = at.wrapping_add(width);
            }
            if let Err(fault) = faulted(self.target.write(address, width, &octets))? {
                return Ok(Err(fault));
            }
            self.advance(accesses);
            rest = later;
        }
        Ok(Ok(()))
    }

    /// Banked data registers: the four words around TAR, always 32 bits.
    fn read_banked(&mut self, register: u8, count: usize) -> Access<Vec<u32>> {
        let mut values = Vec::with_capacity(count);
        for _ in 0..count {
            let mut word = [0; 4];
            if let Err(fault) = faulted(self.target.read(self.banked(register), 4, &mut word))? {
                return Ok(Err(fault));
            }
            values.push(u32::from_le_bytes(word));
        }
        Ok(Ok(values))
    }

    fn write_banked(&mut self, register: u8, values: &[u32]) -> Access<()> {
        for value in values {
            if let Err(fault) = faulted(self.target.write(self.banked(register), 4, &value.to_le_bytes()))? {
                return Ok(Err(fault));
            }
        }
        Ok(Ok(()))
    }

    fn banked(&self, register: u8) -> u32 {
        self.tar & !0xF | u32::from(register & 0xC)
    }
}

fn commands_after<'a>(rest: &'a [SwdCommand], used: usize, otherwise: &'a [SwdCommand]) -> &'a [SwdCommand] {
    rest.get(used..).unwrap_or(otherwise)
}

/// Tells memory that does not answer from a machine that is lost.
fn faulted<T>(result: Result<T, GdbError>) -> Access<T> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) if error.is_refusal() => Ok(Err(Faulted)),
        Err(error) => Err(error),
    }
}
