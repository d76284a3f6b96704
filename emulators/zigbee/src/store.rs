//! Non-volatile state on NOR flash that survives a loss of power at any write.
//!
//! A participant keeps its state as one serialised record. [`StateStore`] appends each new version of it to two banks of
//! whole erase blocks and never touches the newest whole record while it writes the next one: after a loss of power at any point the
//! last record that was written whole is read back. The flash itself is behind `embedded-storage`'s traits, so that a
//! board's flash driver and the model of a flash, [`RamFlash`], serve alike.

use alloc::vec;
use alloc::vec::Vec;
use crc::{CRC_32_ISO_HDLC, Crc};
use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};

const CHECK: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
/// Marks the head of a record: "HRS1".
const MAGIC: u32 = 0x3153_5248;
/// Magic, sequence, length, check.
const HEAD: u32 = 16;

/// Why state could not be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The flash refused an access.
    #[error("the flash refused to {doing} at {address:#x}: {kind:?}")]
    Flash {
        /// Read, write or erase.
        doing: &'static str,
        /// Where.
        address: u32,
        /// What the driver says.
        kind: NorFlashErrorKind,
    },
    /// The record is larger than half of the store.
    #[error("a record of {size} octets does not fit a bank of {bank} octets")]
    TooLarge {
        /// The record's size.
        size: usize,
        /// The size of one bank: half of the region, in whole erase blocks.
        bank: u32,
    },
}

/// A region of a flash, in whole erase blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its first address.
    pub start: u32,
    /// Its size in octets.
    pub size: u32,
}

/// The newest version of one record, kept in a region of at least two erase blocks, which are parted into two banks.
#[derive(Debug)]
pub struct StateStore {
    region: Region,
    /// Sequence number of the newest record.
    sequence: u32,
    /// Where the next record goes, from the start of the region.
    next: u32,
}

impl StateStore {
    /// Finds the newest whole record in `region`.
    ///
    /// # Errors
    /// When the flash cannot be read.
    pub fn open<F: NorFlash>(flash: &mut F, region: Region) -> Result<(Self, Option<Vec<u8>>), StoreError> {
        let mut store = Self { region, sequence: 0, next: 0 };
        let mut newest: Option<(u32, Vec<u8>)> = None;
        let bank_size = store.bank_size::<F>();
        for bank in [0, bank_size] {
            let mut at = bank;
            while at + HEAD <= bank + bank_size {
                let Some((sequence, record)) = store.read_record(flash, at, bank + bank_size)? else { break };
                at += Self::footprint::<F>(record.len());
                if newest.as_ref().is_none_or(|(s, _)| sequence > *s) {
                    newest = Some((sequence, record));
                    store.next = at;
                }
            }
        }
        let Some((sequence, record)) = newest else { return Ok((store, None)) };
        store.sequence = sequence;
        Ok((store, Some(record)))
    }

    /// Writes `record` as the newest version.
    ///
    /// # Errors
    /// When the flash refuses, or the record does not fit one bank; the version before stays readable.
    pub fn write<F: NorFlash>(&mut self, flash: &mut F, record: &[u8]) -> Result<(), StoreError> {
        let bank_size = self.bank_size::<F>();
        let footprint = Self::footprint::<F>(record.len());
        if footprint > bank_size {
            return Err(StoreError::TooLarge { size: record.len(), bank: bank_size });
        }
        let left = (bank_size - self.next % bank_size) % bank_size;
        // The rest of a bank may hold a record that was cut off: only a blank rest takes another one.
        if left < footprint || !self.is_blank(flash, self.next, footprint)? {
            self.next = self.next.next_multiple_of(bank_size) % (2 * bank_size);
            let start = self.region.start + self.next;
            flash.erase(start, start + bank_size).map_err(flash_error("erase", start))?;
        }
        let sequence = self.sequence.wrapping_add(1);
        let length = record.len() as u32;
        let mut octets = vec![0xFF; footprint as usize];
        let head = [MAGIC.to_le_bytes(), sequence.to_le_bytes(), length.to_le_bytes(), check(sequence, record)];
        for (place, octet) in octets.iter_mut().zip(head.as_flattened().iter().chain(record)) {
            *place = *octet;
        }
        let address = self.region.start + self.next;
        flash.write(address, &octets).map_err(flash_error("write", address))?;
        self.sequence = sequence;
        self.next += footprint;
        Ok(())
    }

    fn bank_size<F: NorFlash>(&self) -> u32 {
        let block = F::ERASE_SIZE.max(1) as u32;
        (self.region.size / 2 / block * block).max(block)
    }

    fn footprint<F: NorFlash>(length: usize) -> u32 {
        let align = F::WRITE_SIZE.max(4) as u32;
        (length as u32 + HEAD).div_ceil(align).saturating_mul(align)
    }

    fn is_blank<F: NorFlash>(&self, flash: &mut F, at: u32, size: u32) -> Result<bool, StoreError> {
        let mut octets = vec![0; size as usize];
        let address = self.region.start + at;
        flash.read(address, &mut octets).map_err(flash_error("read", address))?;
        Ok(octets.iter().all(|octet| *octet == 0xFF))
    }

    fn read_record<F: NorFlash>(&self, flash: &mut F, at: u32, end: u32) -> Result<Option<(u32, Vec<u8>)>, StoreError> {
        let mut head = [[0; 4]; 4];
        let address = self.region.start + at;
        flash.read(address, head.as_flattened_mut()).map_err(flash_error("read", address))?;
        let [magic, sequence, length, expected] = head;
        let (sequence, length) = (u32::from_le_bytes(sequence), u32::from_le_bytes(length));
        if u32::from_le_bytes(magic) != MAGIC || length > end.saturating_sub(at + HEAD) {
            return Ok(None);
        }
        let mut record = vec![0; length as usize];
        flash.read(address + HEAD, &mut record).map_err(flash_error("read", address + HEAD))?;
        Ok((check(sequence, &record) == expected).then_some((sequence, record)))
    }
}

fn check(sequence: u32, record: &[u8]) -> [u8; 4] {
    let mut digest = CHECK.digest();
    digest.update(&sequence.to_le_bytes());
    digest.update(record);
    digest.finalize().to_le_bytes()
}

/// Makes a flash driver's error ours.
pub fn flash_error<E: NorFlashError>(doing: &'static str, address: u32) -> impl Fn(E) -> StoreError {
    move |error| StoreError::Flash { doing, address, kind: error.kind() }
}

/// A model of a NOR flash in memory: erase blocks of 4 KiB, erased to ones, writes that only clear bits.
#[derive(Clone, Debug)]
pub struct RamFlash {
    octets: Vec<u8>,
    /// Octets that may still be written before the power goes, for tests of robustness.
    power_left: Option<u64>,
}

/// What the model refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RamFlashError {
    /// Outside the flash.
    #[error("outside the flash")]
    OutOfBounds,
    /// Not on a boundary that the flash knows.
    #[error("not aligned")]
    NotAligned,
    /// The power went while this was being written.
    #[error("the power is gone")]
    PowerLost,
}

impl NorFlashError for RamFlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            Self::NotAligned => NorFlashErrorKind::NotAligned,
            Self::PowerLost => NorFlashErrorKind::Other,
        }
    }
}

impl RamFlash {
    /// An erased flash of `size` octets, which is rounded up to whole erase blocks.
    pub fn new(size: u32) -> Self {
        let size = (size as usize).next_multiple_of(Self::ERASE_SIZE);
        Self { octets: vec![0xFF; size], power_left: None }
    }

    /// Takes the power away after `octets` more octets were written or erased; `None` gives it back.
    pub fn lose_power_after(&mut self, octets: Option<u64>) {
        self.power_left = octets;
    }

    fn range(&self, from: u32, length: usize) -> Result<core::ops::Range<usize>, RamFlashError> {
        let from = from as usize;
        let to = from.checked_add(length).filter(|to| *to <= self.octets.len()).ok_or(RamFlashError::OutOfBounds)?;
        Ok(from..to)
    }

    /// How much of `length` octets is done before the power goes.
    fn draw_power(&mut self, length: usize) -> (usize, Result<(), RamFlashError>) {
        let Some(left) = &mut self.power_left else { return (length, Ok(())) };
        if *left < length as u64 {
            let done = *left as usize;
            *left = 0;
            (done, Err(RamFlashError::PowerLost))
        } else {
            *left -= length as u64;
            (length, Ok(()))
        }
    }
}

impl ErrorType for RamFlash {
    type Error = RamFlashError;
}

impl ReadNorFlash for RamFlash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, octets: &mut [u8]) -> Result<(), RamFlashError> {
        let range = self.range(offset, octets.len())?;
        octets.copy_from_slice(self.octets.get(range).ok_or(RamFlashError::OutOfBounds)?);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.octets.len()
    }
}

impl NorFlash for RamFlash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 4096;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), RamFlashError> {
        if !(from as usize).is_multiple_of(Self::ERASE_SIZE) || !(to as usize).is_multiple_of(Self::ERASE_SIZE) {
            return Err(RamFlashError::NotAligned);
        }
        let range = self.range(from, to.saturating_sub(from) as usize)?;
        let (done, result) = self.draw_power(range.len());
        if let Some(erased) = self.octets.get_mut(range.start..range.start + done) {
            erased.fill(0xFF);
        }
        result
    }

    fn write(&mut self, offset: u32, octets: &[u8]) -> Result<(), RamFlashError> {
        if !(offset as usize).is_multiple_of(Self::WRITE_SIZE) || !octets.len().is_multiple_of(Self::WRITE_SIZE) {
            return Err(RamFlashError::NotAligned);
        }
        let range = self.range(offset, octets.len())?;
        let (done, result) = self.draw_power(range.len());
        if let Some(written) = self.octets.get_mut(range.start..range.start + done) {
            for (place, octet) in written.iter_mut().zip(octets) {
                *place &= octet;
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    const REGION: Region = Region { start: 4096, size: 3 * 4096 };

    #[test]
    fn the_newest_record_is_read_back_over_many_turns_of_the_ring() {
        let mut flash = RamFlash::new(REGION.start + REGION.size);
        let (mut store, found) = StateStore::open(&mut flash, REGION).unwrap();
        assert_eq!(found, None);
        for turn in 0..100u32 {
            let record = vec![turn as u8; 200 + turn as usize * 7];
            store.write(&mut flash, &record).unwrap();
            let (reopened, found) = StateStore::open(&mut flash, REGION).unwrap();
            assert_eq!(found.as_deref(), Some(record.as_slice()), "turn {turn}");
            store = reopened;
        }
    }

    #[test]
    fn power_lost_at_any_octet_leaves_the_old_record_or_the_new_one() {
        for power in 0..9000 {
            let mut flash = RamFlash::new(REGION.start + REGION.size);
            let (mut store, _) = StateStore::open(&mut flash, REGION).unwrap();
            // Two records nearly fill a block, so that the third needs an erase.
            store.write(&mut flash, &[1; 1800]).unwrap();
            store.write(&mut flash, &[2; 1800]).unwrap();
            flash.lose_power_after(Some(power));
            let outcome = store.write(&mut flash, &[3; 1800]);
            flash.lose_power_after(None);
            let (mut store, found) = StateStore::open(&mut flash, REGION).unwrap();
            let expected = if outcome.is_ok() { 3 } else { 2 };
            assert_eq!(found, Some(vec![expected; 1800]), "power for {power} octets");
            store.write(&mut flash, &[4; 1800]).unwrap();
            assert_eq!(StateStore::open(&mut flash, REGION).unwrap().1, Some(vec![4; 1800]));
        }
    }

    #[test]
    fn a_record_that_cannot_fit_is_refused_and_the_old_one_stays() {
        let mut flash = RamFlash::new(REGION.start + REGION.size);
        let (mut store, _) = StateStore::open(&mut flash, REGION).unwrap();
        store.write(&mut flash, b"old").unwrap();
        let refused = store.write(&mut flash, &[0; 4096]).unwrap_err();
        assert_eq!(refused.to_string(), "a record of 4096 octets does not fit a bank of 4096 octets");
        assert_eq!(StateStore::open(&mut flash, REGION).unwrap().1.as_deref(), Some(b"old".as_slice()));
    }
}
