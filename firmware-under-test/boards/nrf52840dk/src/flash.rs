//! The DK's external flash, a Macronix MX25R6435F of 8 MB, over QSPI.
//!
//! The peripheral moves whole words between whole words by DMA. The driver asserts that, so this puts a buffer in between
//! and takes any address and length to read, and any whole words to write.

use core::fmt;
use embassy_nrf::peripherals::QSPI;
use embassy_nrf::qspi::{self, Qspi};
use embassy_nrf::{Peri, interrupt};
use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};

/// Octets of flash.
const CAPACITY: u32 = 8 * 1024 * 1024;
/// Octets moved at once: a page of the flash.
const PAGE: usize = 256;
const WORD: usize = 4;

/// The commands of the flash chip that the peripheral has no task for.
mod command {
    pub(super) const READ_STATUS: u8 = 0x05;
    pub(super) const WRITE_STATUS: u8 = 0x01;
}
/// Status register: quad enable.
const QUAD_ENABLE: u8 = 1 << 6;

#[repr(align(4))]
struct Page([u8; PAGE]);

/// The flash.
pub struct ExternalFlash {
    qspi: Qspi<'static>,
    page: Page,
}

impl fmt::Debug for ExternalFlash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExternalFlash").finish_non_exhaustive()
    }
}

/// What the flash refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlashError {
    /// Outside the flash.
    OutOfBounds,
    /// Not on a boundary that the flash knows.
    NotAligned,
    /// The peripheral.
    Driver(qspi::Error),
}

impl fmt::Display for FlashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfBounds => f.write_str("outside the flash"),
            Self::NotAligned => f.write_str("not aligned"),
            Self::Driver(error) => write!(f, "QSPI: {error:?}"),
        }
    }
}

impl core::error::Error for FlashError {}

impl From<qspi::Error> for FlashError {
    fn from(error: qspi::Error) -> Self {
        Self::Driver(error)
    }
}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            Self::NotAligned => NorFlashErrorKind::NotAligned,
            Self::Driver(_) => NorFlashErrorKind::Other,
        }
    }
}

/// The pins of the DK's flash, in the order of the driver: clock, select, data 0 to 3.
pub type Pins = (
    Peri<'static, embassy_nrf::peripherals::P0_19>,
    Peri<'static, embassy_nrf::peripherals::P0_17>,
    Peri<'static, embassy_nrf::peripherals::P0_20>,
    Peri<'static, embassy_nrf::peripherals::P0_21>,
    Peri<'static, embassy_nrf::peripherals::P0_22>,
    Peri<'static, embassy_nrf::peripherals::P0_23>,
);

impl ExternalFlash {
    /// Switches the flash on, with all four data lines.
    ///
    /// # Errors
    /// When the flash does not take the command that enables them.
    pub fn start(
        peripheral: Peri<'static, QSPI>,
        interrupts: impl interrupt::typelevel::Binding<interrupt::typelevel::QSPI, qspi::InterruptHandler<QSPI>> + 'static,
        (sck, csn, io0, io1, io2, io3): Pins,
    ) -> Result<Self, FlashError> {
        let mut config = qspi::Config::default();
        config.capacity = CAPACITY;
        config.frequency = qspi::Frequency::M32;
        config.read_opcode = qspi::ReadOpcode::Read4io;
        config.write_opcode = qspi::WriteOpcode::Pp4io;
        config.write_page_size = qspi::WritePageSize::_256bytes;
        let mut qspi = Qspi::new(peripheral, interrupts, sck, csn, io0, io1, io2, io3, config);
        let mut status = [0];
        qspi.blocking_custom_instruction(command::READ_STATUS, &[], &mut status)?;
        if status[0] & QUAD_ENABLE == 0 {
            qspi.blocking_custom_instruction(command::WRITE_STATUS, &[status[0] | QUAD_ENABLE], &mut [])?;
        }
        Ok(Self { qspi, page: Page([0; PAGE]) })
    }
}

fn check(from: u32, to: u32, align: usize) -> Result<(), FlashError> {
    if !(from as usize).is_multiple_of(align) || !(to as usize).is_multiple_of(align) {
        return Err(FlashError::NotAligned);
    }
    if from > to || to > CAPACITY { Err(FlashError::OutOfBounds) } else { Ok(()) }
}

fn end(offset: u32, length: usize) -> Result<u32, FlashError> {
    u32::try_from(length).ok().and_then(|length| offset.checked_add(length)).ok_or(FlashError::OutOfBounds)
}

impl ErrorType for ExternalFlash {
    type Error = FlashError;
}

impl ReadNorFlash for ExternalFlash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, octets: &mut [u8]) -> Result<(), FlashError> {
        check(offset, end(offset, octets.len())?, Self::READ_SIZE)?;
        let mut at = offset;
        let mut rest = octets;
        while !rest.is_empty() {
            let skip = at as usize % WORD;
            let length = rest.len().min(PAGE - skip);
            let (piece, after) = rest.split_at_mut(length);
            let words = (skip + length).next_multiple_of(WORD);
            let page = self.page.0.get_mut(..words).ok_or(FlashError::OutOfBounds)?;
            self.qspi.blocking_read(at - skip as u32, page)?;
            for (octet, read) in piece.iter_mut().zip(page.iter().skip(skip)) {
                *octet = *read;
            }
            at += length as u32;
            rest = after;
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        CAPACITY as usize
    }
}

impl NorFlash for ExternalFlash {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = 4096;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        check(from, to, Self::ERASE_SIZE)?;
        for address in (from..to).step_by(Self::ERASE_SIZE) {
            self.qspi.blocking_erase(address)?;
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, octets: &[u8]) -> Result<(), FlashError> {
        check(offset, end(offset, octets.len())?, Self::WRITE_SIZE)?;
        let mut at = offset;
        let mut rest = octets;
        while !rest.is_empty() {
            // A write that runs over the end of a page begins again at its start: so up to the end.
            let length = rest.len().min(PAGE - at as usize % PAGE);
            let (piece, after) = rest.split_at(length);
            let page = self.page.0.get_mut(..length).ok_or(FlashError::OutOfBounds)?;
            page.copy_from_slice(piece);
            self.qspi.blocking_write(at, page)?;
            at += length as u32;
            rest = after;
        }
        Ok(())
    }
}
