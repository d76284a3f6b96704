//! HDLC-lite: frames on an octet stream, such as a UART.
//!
//! The framing of RFC 1662 without address, control and protocol fields, as Spinel uses it too: a frame is `7E`, the
//! octets, the frame check sequence (16 bits, CRC of X.25, low octet first), `7E`. Within, an octet that has a meaning of
//! its own is sent as `7D` and itself XOR 0x20. One flag may end a frame and start the next; `7D 7E` gives a frame up.
//!
//! [`Decoder`] finds its way back at the next flag after anything: line noise, a lost octet, a start in the middle.

use alloc::vec::Vec;
use core::fmt;
use crc::{CRC_16_IBM_SDLC, Crc};

const FLAG: u8 = 0x7E;
const ESCAPE: u8 = 0x7D;
const FLIP: u8 = 0x20;
/// Octets of the frame check sequence.
const FCS_LENGTH: usize = 2;

static FCS: Crc<u16> = Crc::<u16>::new(&CRC_16_IBM_SDLC);

/// Flag and escape; XON and XOFF, which a UART with software flow control swallows; and 0xF8, which Spinel keeps for
/// vendors.
const fn is_special(octet: u8) -> bool {
    matches!(octet, FLAG | ESCAPE | 0x11 | 0x13 | 0xF8)
}

/// The octets of one frame as sent, flags and check sequence included, one at a time and without a buffer.
#[derive(Clone, Debug)]
pub struct Encoder<'a> {
    frame: &'a [u8],
    check_sequence: [u8; FCS_LENGTH],
    /// How many of opening flag, frame, check sequence and closing flag are sent.
    sent: usize,
    /// The second octet of an escape, where the first was just sent.
    escaped: Option<u8>,
}

impl<'a> Encoder<'a> {
    /// For a frame of any length. The receiver bounds the length: see [`Decoder::new`].
    pub fn new(frame: &'a [u8]) -> Self {
        Self { frame, check_sequence: FCS.checksum(frame).to_le_bytes(), sent: 0, escaped: None }
    }
}

impl Iterator for Encoder<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if let Some(octet) = self.escaped.take() {
            return Some(octet);
        }
        let sent = self.sent;
        self.sent = sent.saturating_add(1);
        let Some(at) = sent.checked_sub(1) else { return Some(FLAG) };
        let octet = self.frame.get(at).or_else(|| self.check_sequence.get(at - self.frame.len()));
        match octet {
            Some(octet) if is_special(*octet) => {
                self.escaped = Some(octet ^ FLIP);
                Some(ESCAPE)
            }
            Some(octet) => Some(*octet),
            None if at == self.frame.len() + FCS_LENGTH => Some(FLAG),
            None => None,
        }
    }
}

impl core::iter::FusedIterator for Encoder<'_> {}

/// The octets of one frame as sent.
pub fn encode(frame: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(frame.len() + frame.len() / 16 + 8);
    octets.extend(Encoder::new(frame));
    octets
}

/// What was wrong between two flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FramingError {
    /// The frame check sequence does not fit the octets.
    #[error("frame check sequence is {found:#06x}, expected {expected:#06x}")]
    CheckSequence {
        /// The one received.
        found: u16,
        /// That of the octets received.
        expected: u16,
    },
    /// There is no room for a frame check sequence.
    #[error("a frame of {length} octets, expected at least 2 for the frame check sequence")]
    TooShort {
        /// Octets between the flags.
        length: usize,
    },
    /// More octets came than the receiver takes.
    #[error("a frame of more than {maximum} octets")]
    TooLong {
        /// Most octets of a frame.
        maximum: usize,
    },
    /// The sender gave the frame up.
    #[error("the frame was given up by its sender")]
    Aborted,
}

/// How often each error happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Good frames.
    pub frames: u64,
    /// [`FramingError::CheckSequence`].
    pub check_sequence: u64,
    /// [`FramingError::TooShort`].
    pub too_short: u64,
    /// [`FramingError::TooLong`].
    pub too_long: u64,
    /// [`FramingError::Aborted`].
    pub aborted: u64,
    /// Octets dropped while looking for a flag: before the first one, and after a frame that was too long.
    pub skipped_octets: u64,
}

impl Counters {
    /// All framing errors.
    pub const fn errors(&self) -> u64 {
        self.check_sequence + self.too_short + self.too_long + self.aborted
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} frames, {} with a wrong check sequence, {} too short, {} too long, {} aborted, {} octets skipped",
            self.frames, self.check_sequence, self.too_short, self.too_long, self.aborted, self.skipped_octets
        )
    }
}

/// Takes octets as they come and gives frames.
#[derive(Clone, Debug)]
pub struct Decoder {
    buffer: Vec<u8>,
    maximum: usize,
    escaped: bool,
    /// Octets are dropped until the next flag.
    hunting: bool,
    counters: Counters,
}

impl Decoder {
    /// For frames of at most `maximum` octets, check sequence and flags not counted. Holds no more than that.
    pub const fn new(maximum: usize) -> Self {
        let counters =
            Counters { frames: 0, check_sequence: 0, too_short: 0, too_long: 0, aborted: 0, skipped_octets: 0 };
        Self { buffer: Vec::new(), maximum, escaped: false, hunting: true, counters }
    }

    /// Takes one octet. Gives the frame that it ends, without its check sequence, or what was wrong with it.
    pub fn push(&mut self, octet: u8) -> Option<Result<Vec<u8>, FramingError>> {
        if octet == FLAG {
            return self.flag().map(|result| self.count(result));
        }
        if self.hunting {
            self.counters.skipped_octets += 1;
            return None;
        }
        if octet == ESCAPE {
            self.escaped = true;
            return None;
        }
        let octet = if core::mem::take(&mut self.escaped) { octet ^ FLIP } else { octet };
        if self.buffer.len() >= self.maximum.saturating_add(FCS_LENGTH) {
            self.hunting = true;
            self.buffer.clear();
            let error = FramingError::TooLong { maximum: self.maximum };
            return Some(self.count(Err(error)));
        }
        self.buffer.push(octet);
        None
    }

    /// Takes octets, and gives the frames and errors among them in turn.
    pub fn push_all<'a>(&'a mut self, octets: &'a [u8]) -> impl Iterator<Item = Result<Vec<u8>, FramingError>> + 'a {
        octets.iter().filter_map(|octet| self.push(*octet))
    }

    /// What happened since the decoder was made.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    fn flag(&mut self) -> Option<Result<Vec<u8>, FramingError>> {
        if core::mem::take(&mut self.hunting) {
            self.escaped = false;
            return None;
        }
        let mut frame = core::mem::take(&mut self.buffer);
        if core::mem::take(&mut self.escaped) {
            return Some(Err(FramingError::Aborted));
        }
        if frame.is_empty() {
            return None;
        }
        let Some((octets, check_sequence)) = frame.split_last_chunk::<FCS_LENGTH>() else {
            return Some(Err(FramingError::TooShort { length: frame.len() }));
        };
        let found = u16::from_le_bytes(*check_sequence);
        let expected = FCS.checksum(octets);
        if found != expected {
            return Some(Err(FramingError::CheckSequence { found, expected }));
        }
        frame.truncate(frame.len() - FCS_LENGTH);
        Some(Ok(frame))
    }

    fn count(&mut self, result: Result<Vec<u8>, FramingError>) -> Result<Vec<u8>, FramingError> {
        let counter = match &result {
            Ok(_) => &mut self.counters.frames,
            Err(FramingError::CheckSequence { .. }) => &mut self.counters.check_sequence,
            Err(FramingError::TooShort { .. }) => &mut self.counters.too_short,
            Err(FramingError::TooLong { .. }) => &mut self.counters.too_long,
            Err(FramingError::Aborted) => &mut self.counters.aborted,
        };
        *counter += 1;
        result
    }
}
