//! A model of a NOR flash in the PSRAM, which keeps its octets through a reset.
//!
//! It has a NOR flash's ways: erase blocks of 4 KiB that become all ones, and writes of whole words that can only clear
//! bits. As with a flash that something else was in before, what it holds at the very first start means nothing: all ones on
//! the virtual board, zeros in an emulator started by hand. Whoever writes erases first.
//!
//! With the feature `faults` the power can go in the middle of a write: [`HANRIG_POWER_LEFT`](crate::rig).
#![expect(unsafe_code, reason = "the region is memory that the linker does not hand out")]

use crate::rig;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};

/// Octets of flash.
pub const SIZE: usize = 2 * 1024 * 1024;

/// The flash. There is one.
pub struct PsramFlash {
    cells: &'static mut [u8; SIZE],
}

impl fmt::Debug for PsramFlash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PsramFlash").finish_non_exhaustive()
    }
}

/// What the flash refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlashError {
    /// Outside the flash.
    OutOfBounds,
    /// Not on a boundary that the flash knows.
    NotAligned,
}

impl fmt::Display for FlashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfBounds => "outside the flash",
            Self::NotAligned => "not aligned",
        })
    }
}

impl core::error::Error for FlashError {}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            Self::NotAligned => NorFlashErrorKind::NotAligned,
        }
    }
}

impl PsramFlash {
    /// The flash, the first time; `None` after that.
    pub fn take() -> Option<Self> {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        if TAKEN.swap(true, Ordering::AcqRel) {
            return None;
        }
        // SAFETY: `memory.x` sets these `SIZE` octets of PSRAM aside, nothing else points to them, and this is the only
        // reference that is ever made. Any octets are a valid array of octets.
        let cells = unsafe { &mut *rig::flash_region().cast::<[u8; SIZE]>() };
        Some(Self { cells })
    }

    fn range(&mut self, from: u32, to: u32, align: usize) -> Result<&mut [u8], FlashError> {
        let (from, to) = (from as usize, to as usize);
        if !from.is_multiple_of(align) || !to.is_multiple_of(align) {
            return Err(FlashError::NotAligned);
        }
        self.cells.get_mut(from..to).ok_or(FlashError::OutOfBounds)
    }
}

fn end(offset: u32, length: usize) -> Result<u32, FlashError> {
    u32::try_from(length).ok().and_then(|length| offset.checked_add(length)).ok_or(FlashError::OutOfBounds)
}

impl ErrorType for PsramFlash {
    type Error = FlashError;
}

impl ReadNorFlash for PsramFlash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, octets: &mut [u8]) -> Result<(), FlashError> {
        let cells = self.range(offset, end(offset, octets.len())?, Self::READ_SIZE)?;
        octets.copy_from_slice(cells);
        Ok(())
    }

    fn capacity(&self) -> usize {
        SIZE
    }
}

impl NorFlash for PsramFlash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 4096;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        let cells = self.range(from, to, Self::ERASE_SIZE)?;
        let powered = rig::powered(cells.len());
        let done = cells.len().min(powered);
        if let Some(cells) = cells.get_mut(..done) {
            cells.fill(0xFF);
        }
        if done < cells.len() { rig::power_lost() } else { Ok(()) }
    }

    fn write(&mut self, offset: u32, octets: &[u8]) -> Result<(), FlashError> {
        let cells = self.range(offset, end(offset, octets.len())?, Self::WRITE_SIZE)?;
        let powered = rig::powered(cells.len());
        for (cell, octet) in cells.iter_mut().zip(octets).take(powered) {
            *cell &= octet;
        }
        if powered < octets.len() { rig::power_lost() } else { Ok(()) }
    }
}
