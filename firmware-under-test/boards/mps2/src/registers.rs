//! Memory-mapped registers, the one place that reads and writes them.
#![expect(unsafe_code, reason = "registers are at addresses that only the hardware's description vouches for")]

/// The registers of one peripheral: `SIZE` octets from a base address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registers<const SIZE: usize> {
    base: usize,
}

impl<const SIZE: usize> Registers<SIZE> {
    /// The registers of a peripheral at `base`.
    ///
    /// # Safety
    /// Every whole word of the `SIZE` octets from `base` must be a register of the AN386 that can be read and written
    /// without breaking what other code relies on.
    pub(crate) const unsafe fn new(base: usize) -> Self {
        Self { base }
    }

    /// Reads the register at `offset`, a multiple of 4 below `SIZE`, which is checked when this is compiled.
    pub(crate) fn read<const OFFSET: usize>(self) -> u32 {
        const { assert!(OFFSET + 4 <= SIZE && OFFSET.is_multiple_of(4)) };
        // SAFETY: `new`'s caller vouches for the addresses, and the offset is among them.
        unsafe { core::ptr::with_exposed_provenance::<u32>(self.base + OFFSET).read_volatile() }
    }

    /// Writes the register at `offset`, as [`Self::read`].
    pub(crate) fn write<const OFFSET: usize>(self, value: u32) {
        const { assert!(OFFSET + 4 <= SIZE && OFFSET.is_multiple_of(4)) };
        // SAFETY: as in `read`.
        unsafe { core::ptr::with_exposed_provenance_mut::<u32>(self.base + OFFSET).write_volatile(value) }
    }
}
