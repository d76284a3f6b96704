//! What the debug registers need of a machine, so that they can be tested without QEMU; and QEMU as that machine.

use std::time::Duration;

use crate::gdb::{GdbClient, GdbError, StopReason};
use crate::host_memory::HostMemory;

/// A core with its memory, that can be stopped, looked into and let run. See [`GdbClient`] for what the calls do.
pub(crate) trait Machine {
    fn is_running(&self) -> bool;
    fn resume(&mut self) -> Result<(), GdbError>;
    fn interrupt(&mut self) -> Result<Option<StopReason>, GdbError>;
    fn poll_stop(&mut self) -> Result<Option<StopReason>, GdbError>;
    fn step(&mut self, patience: Duration) -> Result<(), GdbError>;
    fn system_reset(&mut self) -> Result<(), GdbError>;
    /// Reads memory of a running machine without stopping it; `false` when that cannot be.
    fn peek(&self, address: u32, data: &mut [u8]) -> bool;
    fn read_memory(&mut self, address: u32, data: &mut [u8]) -> Result<(), GdbError>;
    fn write_memory(&mut self, address: u32, data: &[u8]) -> Result<(), GdbError>;
    fn write_device(&mut self, address: u32, data: &[u8]) -> Result<(), GdbError>;
    fn read_register(&mut self, name: &str) -> Result<Vec<u8>, GdbError>;
    fn write_register(&mut self, name: &str, value: &[u8]) -> Result<(), GdbError>;
    fn set_breakpoint(&mut self, address: u32) -> Result<(), GdbError>;
    fn clear_breakpoint(&mut self, address: u32) -> Result<(), GdbError>;
}

/// The machine in a QEMU process.
#[derive(Debug)]
pub(crate) struct QemuMachine {
    gdb: GdbClient,
    memory: Option<HostMemory>,
}

impl QemuMachine {
    /// The stopped machine of the QEMU with process identifier `pid`.
    pub(crate) fn new(mut gdb: GdbClient, pid: u32) -> Result<Self, GdbError> {
        let memory = HostMemory::find(pid, &mut gdb)?;
        Ok(Self { gdb, memory })
    }
}

impl Machine for QemuMachine {
    fn is_running(&self) -> bool {
        self.gdb.is_running()
    }

    fn resume(&mut self) -> Result<(), GdbError> {
        self.gdb.resume()
    }

    fn interrupt(&mut self) -> Result<Option<StopReason>, GdbError> {
        self.gdb.interrupt()
    }

    fn poll_stop(&mut self) -> Result<Option<StopReason>, GdbError> {
        self.gdb.poll_stop()
    }

    fn step(&mut self, patience: Duration) -> Result<(), GdbError> {
        self.gdb.step(patience)
    }

    fn system_reset(&mut self) -> Result<(), GdbError> {
        self.gdb.system_reset()
    }

    fn peek(&self, address: u32, data: &mut [u8]) -> bool {
        self.memory.as_ref().is_some_and(|memory| memory.read(address, data))
    }

    fn read_memory(&mut self, address: u32, data: &mut [u8]) -> Result<(), GdbError> {
        self.gdb.read_memory(address, data)
    }

    fn write_memory(&mut self, address: u32, data: &[u8]) -> Result<(), GdbError> {
        self.gdb.write_memory(address, data)
    }

    fn write_device(&mut self, address: u32, data: &[u8]) -> Result<(), GdbError> {
        self.gdb.write_device(address, data)
    }

    fn read_register(&mut self, name: &str) -> Result<Vec<u8>, GdbError> {
        self.gdb.read_register(name)
    }

    fn write_register(&mut self, name: &str, value: &[u8]) -> Result<(), GdbError> {
        self.gdb.write_register(name, value)
    }

    fn set_breakpoint(&mut self, address: u32) -> Result<(), GdbError> {
        self.gdb.set_breakpoint(address)
    }

    fn clear_breakpoint(&mut self, address: u32) -> Result<(), GdbError> {
        self.gdb.clear_breakpoint(address)
    }
}
