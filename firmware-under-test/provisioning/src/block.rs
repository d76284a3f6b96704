//! The block that carries it: head, check, payload.

use crate::model::Provisioning;
use alloc::vec;
use alloc::vec::Vec;
use crc::{CRC_32_ISO_HDLC, Crc};

/// The symbol under which a firmware's ELF file says where the block goes.
pub const SYMBOL: &str = "HANRIG_PROVISIONING";
/// Octets that a firmware sets aside for the block.
pub const REGION_SIZE: usize = 2048;
/// The first word of a block: the letters `HRPV`.
pub const MAGIC: u32 = u32::from_le_bytes(*b"HRPV");
/// The version of the layout that this crate reads and writes.
pub const VERSION: u16 = 4;
/// Octets before the payload.
pub const HEAD: usize = 16;

const CHECK: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// Why octets are not a provisioning block, or cannot be made into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// Nothing was written: the first word is all zeros or all ones.
    #[error("no provisioning block was written")]
    Blank,
    /// Something else is there.
    #[error("expected the word {MAGIC:#010x} at offset 0, found {found:#010x}")]
    Magic {
        /// The word that is there.
        found: u32,
    },
    /// The layout is of another version.
    #[error("expected version {VERSION} of the layout at offset 4, found {found}")]
    Version {
        /// The version that is there.
        found: u16,
    },
    /// The block is longer than what there is.
    #[error("the payload of {length} octets does not fit the {available} octets there are for it")]
    Length {
        /// The payload's length.
        length: usize,
        /// What there is for it.
        available: usize,
    },
    /// The payload is damaged.
    #[error("the payload's CRC-32 is {found:#010x}, expected {expected:#010x}")]
    Check {
        /// What the head says.
        expected: u32,
        /// What the payload has.
        found: u32,
    },
    /// The payload is whole and makes no sense, as one written by another version of the rig.
    #[error("the payload is no provisioning of this version")]
    Payload,
}

/// Makes a block, in whole words, for the rig to write to [`SYMBOL`].
///
/// # Errors
/// [`BlockError::Length`] when it needs more than [`REGION_SIZE`] octets, which only an absurd list of channels can do.
pub fn encode(provisioning: &Provisioning) -> Result<Vec<u8>, BlockError> {
    let payload = postcard::to_allocvec(provisioning).map_err(|_| BlockError::Payload)?;
    let available = REGION_SIZE - HEAD;
    let length = u32::try_from(payload.len())
        .ok()
        .filter(|_| payload.len() <= available)
        .ok_or(BlockError::Length { length: payload.len(), available })?;
    let mut block = vec![0; (HEAD + payload.len()).next_multiple_of(4)];
    let version = u32::from(VERSION);
    let head = [MAGIC, version, length, CHECK.checksum(&payload)].map(u32::to_le_bytes);
    for (place, octet) in block.iter_mut().zip(head.as_flattened().iter().chain(&payload)) {
        *place = *octet;
    }
    Ok(block)
}

/// Reads a block from the region that it was written to; what follows it does not matter.
///
/// # Errors
/// Why it is none. [`BlockError::Blank`] is the usual one, on a board that nobody provisioned.
pub fn decode(region: &[u8]) -> Result<Provisioning, BlockError> {
    let short = BlockError::Length { length: HEAD, available: region.len() };
    let (head, rest) = region.split_first_chunk::<HEAD>().ok_or(short)?;
    let mut words = head.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap_or_default()));
    let mut word = || words.next().unwrap_or_default();
    match word() {
        MAGIC => {}
        0 | u32::MAX => return Err(BlockError::Blank),
        found => return Err(BlockError::Magic { found }),
    }
    // The upper half of the second word is reserved.
    let found = word() as u16;
    if found != VERSION {
        return Err(BlockError::Version { found });
    }
    let length = word() as usize;
    let payload = rest.get(..length).ok_or(BlockError::Length { length, available: rest.len() })?;
    let expected = word();
    let found = CHECK.checksum(payload);
    if found != expected {
        return Err(BlockError::Check { expected, found });
    }
    postcard::from_bytes(payload).map_err(|_| BlockError::Payload)
}
