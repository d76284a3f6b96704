//! A look into the memory of the machine from outside of QEMU, without stopping it.
//!
//! The gdbstub reads memory only while the machine is stopped, and a debugger polls RTT a hundred times a second. QEMU's
//! monitor says where in its own address space it keeps the machine's memory, and Linux lets the parent of a process
//! read that (`/proc/PID/mem`). Only for reading: a write behind QEMU's back would leave stale translated code.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use crate::gdb::{GdbClient, GdbError};
use crate::memory_map::{CODE, PSRAM, SRAM};

/// Reads up to this many octets are repeated until two agree.
const CHECKED: usize = 64;
/// How often they are repeated at most.
const ATTEMPTS: usize = 8;

/// Memory that can be read while the machine runs.
#[derive(Debug)]
pub(crate) struct HostMemory {
    process: File,
    /// Addresses as the core sees them, and where QEMU has the first of them.
    regions: Vec<(Range<u32>, u64)>,
}

impl HostMemory {
    /// Finds the memory of the QEMU with process identifier `pid`, whose machine is stopped.
    ///
    /// `None` where the kernel or this QEMU do not allow it: then the machine is stopped for reading.
    pub(crate) fn find(pid: u32, gdb: &mut GdbClient) -> Result<Option<Self>, GdbError> {
        let Ok(process) = File::open(format!("/proc/{pid}/mem")) else { return Ok(None) };
        let mut regions = Vec::new();
        for range in [CODE, SRAM, PSRAM] {
            let answer = match gdb.monitor(&format!("gpa2hva {:#x}", range.start)) {
                Ok(answer) => answer,
                Err(error) if error.is_refusal() => return Ok(None),
                Err(error) => return Err(error),
            };
            let Some(host) = host_address(&answer) else { return Ok(None) };
            regions.push((range, host));
        }
        let memory = Self { process, regions };
        // The proof that it is this memory, and that the kernel lets it be read.
        for (range, _) in &memory.regions {
            let (mut seen, mut expected) = ([0; 32], [0; 32]);
            gdb.read_memory(range.start, &mut expected)?;
            if !memory.read(range.start, &mut seen) || seen != expected {
                return Ok(None);
            }
        }
        Ok(Some(memory))
    }

    /// Reads memory; `false` when it is not here.
    pub(crate) fn read(&self, address: u32, data: &mut [u8]) -> bool {
        let end = u64::from(address) + data.len() as u64;
        let inside = |(range, _): &&(Range<u32>, u64)| range.contains(&address) && end <= u64::from(range.end);
        let Some((range, host)) = self.regions.iter().find(inside) else { return false };
        let at = host + u64::from(address - range.start);
        if self.process.read_exact_at(data, at).is_err() {
            return false;
        }
        if data.len() > CHECKED {
            return true;
        }
        // The kernel does not promise to copy a word in one piece while the core writes to it.
        let mut again = vec![0; data.len()];
        for _ in 0..ATTEMPTS {
            if self.process.read_exact_at(&mut again, at).is_err() {
                return false;
            }
            if again == data {
                return true;
            }
            data.copy_from_slice(&again);
        }
        // It changes faster than it can be read: the caller stops the machine.
        false
    }
}

/// Address in `Host virtual address for 0x20000000 (mps.ssram23) is 0x7f7549200000`.
fn host_address(answer: &str) -> Option<u64> {
    let digits = answer.trim().rsplit_once(" is 0x")?.1;
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::host_address;

    #[test]
    fn the_monitor_s_answer_is_read() {
        let answer = "Host virtual address for 0x20000000 (mps.ssram23) is 0x7f7549200000\r\n";
        assert_eq!(host_address(answer), Some(0x7F75_4920_0000));
        assert_eq!(host_address("No memory is mapped at address 0x30000000\r\n"), None);
    }
}
