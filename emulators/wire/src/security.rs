//! ZigBee security: AES-CCM* frames, keyed hashes, install codes.
//!
//! Frames are secured at level 5 (encryption and a 4-octet MIC, ZigBee 4.3), in place: [`SecuredFrame`] names where in a
//! buffer a layer's header, auxiliary header and payload are, [`SecuredFrame::seal`] encrypts what is there and
//! [`SecuredFrame::open`] decrypts it. A [`CcmKey`] is expanded once and then used for every frame.

use crate::radio::{Layer, Malformed, Reader};
use crate::types::{Eui64, Key128};
use aes::Aes128Enc;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use alloc::vec::Vec;
use ccm::aead::AeadInOut;
use ccm::consts::{U4, U13};
use core::fmt;
use core::str::FromStr;

/// Octets of the message integrity code at security level 5.
pub const MIC_LEN: usize = 4;

/// Security level 5, ENC-MIC-32. On the air the subfield is 0 (4.3.1.1): both ends know the level.
const LEVEL: u8 = 5;
const LEVEL_MASK: u8 = 7;

/// Which key a frame is secured with (4.5.1.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum KeyId {
    /// A data key: the link key.
    Data,
    /// A network key.
    Network,
    /// The key-transport key, derived from the link key.
    KeyTransport,
    /// The key-load key, derived from the link key.
    KeyLoad,
}

/// The auxiliary security header (4.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct AuxHeader {
    /// Key identifier.
    pub key_id: KeyId,
    /// Outgoing frame counter of whoever secured the frame.
    pub frame_counter: u32,
    /// Extended address of whoever secured the frame, when the frame carries it (extended nonce).
    pub source: Option<Eui64>,
    /// Sequence number of the network key; only with [`KeyId::Network`].
    pub key_sequence: Option<u8>,
}

impl AuxHeader {
    /// How many octets it takes.
    pub const fn octets(&self) -> usize {
        5 + if self.source.is_some() { 8 } else { 0 } + if self.key_sequence.is_some() { 1 } else { 0 }
    }

    /// The security control octet as it is on the air, with level 0.
    const fn control(&self) -> u8 {
        let key_id = match self.key_id {
            KeyId::Data => 0,
            KeyId::Network => 1,
            KeyId::KeyTransport => 2,
            KeyId::KeyLoad => 3,
        };
        key_id << 3 | (self.source.is_some() as u8) << 5
    }

    /// Appends the header's octets.
    pub fn emit(&self, frame: &mut Vec<u8>) {
        frame.push(self.control());
        frame.extend_from_slice(&self.frame_counter.to_le_bytes());
        if let Some(source) = self.source {
            frame.extend_from_slice(&source.to_le_bytes());
        }
        if let Some(sequence) = self.key_sequence {
            frame.push(sequence);
        }
    }

    /// Reads the header at the start of `octets`, which lie in a frame of `layer`.
    ///
    /// # Errors
    /// Where it is cut short.
    pub fn parse(layer: Layer, octets: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(layer, octets);
        let control = reader.u8("security control")?;
        let key_id = match control >> 3 & 3 {
            0 => KeyId::Data,
            1 => KeyId::Network,
            2 => KeyId::KeyTransport,
            _ => KeyId::KeyLoad,
        };
        Ok(Self {
            key_id,
            frame_counter: reader.u32("security frame counter")?,
            source: if control & 0x20 != 0 { Some(reader.eui("security source address")?) } else { None },
            key_sequence: if key_id == KeyId::Network { Some(reader.u8("key sequence number")?) } else { None },
        })
    }

    /// The CCM* nonce (4.5.2.2) for a frame secured by `source`.
    fn nonce(&self, source: Eui64) -> [u8; 13] {
        let mut nonce = [0; 13];
        let (address, rest) = nonce.split_at_mut(8);
        address.copy_from_slice(&source.to_le_bytes());
        let (counter, control) = rest.split_at_mut(4);
        counter.copy_from_slice(&self.frame_counter.to_le_bytes());
        control.fill(self.control() | LEVEL);
        nonce
    }
}

/// A key with its cipher ready for use.
#[derive(Clone)]
pub struct CcmKey {
    key: Key128,
    ccm: ccm::Ccm<Aes128Enc, U4, U13>,
}

impl CcmKey {
    /// Expands `key`.
    pub fn new(key: Key128) -> Self {
        Self { key, ccm: Aes128Enc::new(&key.0.into()).into() }
    }

    /// The key itself.
    pub const fn key(&self) -> Key128 {
        self.key
    }
}

impl fmt::Debug for CcmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CcmKey(..)")
    }
}

/// A link key with the keys derived from it, all ready for use.
#[derive(Clone, Debug)]
pub struct LinkKey {
    /// The link key itself ([`KeyId::Data`]).
    pub data: CcmKey,
    /// The key-transport key ([`KeyId::KeyTransport`]).
    pub transport: CcmKey,
    /// The key-load key ([`KeyId::KeyLoad`]).
    pub load: CcmKey,
}

impl LinkKey {
    /// Derives and expands all three.
    pub fn new(key: Key128) -> Self {
        Self {
            data: CcmKey::new(key),
            transport: CcmKey::new(key_transport_key(key)),
            load: CcmKey::new(key_load_key(key)),
        }
    }

    /// The one that a key identifier names; none for the network key.
    pub const fn get(&self, id: KeyId) -> Option<&CcmKey> {
        match id {
            KeyId::Data => Some(&self.data),
            KeyId::KeyTransport => Some(&self.transport),
            KeyId::KeyLoad => Some(&self.load),
            KeyId::Network => None,
        }
    }
}

/// Why a secured frame was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// There is no room for a message integrity code.
    #[error("the frame ends inside the message integrity code")]
    TooShort,
    /// The message integrity code does not match: another key, or not the sender's octets.
    #[error("the message integrity code is wrong")]
    BadMic,
}

/// Where in a buffer a layer's secured frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecuredFrame {
    /// Where the layer's header starts.
    pub header_at: usize,
    /// Where the auxiliary header starts.
    pub aux_at: usize,
    /// Where the payload starts.
    pub payload_at: usize,
}

impl SecuredFrame {
    /// Encrypts in place from `payload_at` to the end of `frame` and appends the MIC. `aux` is what was emitted at
    /// `aux_at`; `source` is who secures the frame. If the positions are not in order within `frame`, the frame is
    /// emptied, so that nothing leaves unsecured.
    pub fn seal(self, key: &CcmKey, aux: &AuxHeader, source: Eui64, frame: &mut Vec<u8>) {
        match self.encrypt(key, aux, source, frame) {
            Some(mic) => frame.extend_from_slice(&mic),
            None => frame.clear(),
        }
    }

    fn encrypt(self, key: &CcmKey, aux: &AuxHeader, source: Eui64, frame: &mut [u8]) -> Option<[u8; MIC_LEN]> {
        let control = aux.control();
        let (head, payload) = frame.split_at_mut_checked(self.payload_at)?;
        *head.get_mut(self.aux_at)? = control | LEVEL;
        let mic = key
            .ccm
            .encrypt_inout_detached(&aux.nonce(source).into(), head.get(self.header_at..)?, payload.into())
            .ok()?;
        *head.get_mut(self.aux_at)? = control;
        Some(mic.into())
    }

    /// Decrypts in place from `payload_at` up to the MIC at the end of `frame`, and removes the MIC. `aux` is what was
    /// parsed at `aux_at`; `source` is who secured the frame. After an error the payload is of no use.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(self, key: &CcmKey, aux: &AuxHeader, source: Eui64, frame: &mut Vec<u8>) -> Result<(), OpenError> {
        let mic_at = frame.len().checked_sub(MIC_LEN).filter(|at| *at >= self.payload_at).ok_or(OpenError::TooShort)?;
        let Some((head, tail)) = frame.split_at_mut_checked(self.payload_at) else {
            return Err(OpenError::TooShort);
        };
        let Some((payload, mic)) = tail.split_last_chunk_mut::<MIC_LEN>() else {
            return Err(OpenError::TooShort);
        };
        let on_air = match head.get_mut(self.aux_at) {
            Some(control) => core::mem::replace(control, *control & !LEVEL_MASK | LEVEL),
            None => return Err(OpenError::TooShort),
        };
        let aad = head.get(self.header_at..).ok_or(OpenError::TooShort)?;
        let opened = key.ccm.decrypt_inout_detached(&aux.nonce(source).into(), aad, payload.into(), &(*mic).into());
        if let Some(control) = head.get_mut(self.aux_at) {
            *control = on_air;
        }
        opened.map_err(|_| OpenError::BadMic)?;
        frame.truncate(mic_at);
        Ok(())
    }
}

/// The Matyas-Meyer-Oseas hash with AES-128 (ZigBee B.6). Messages of up to 8191 octets, whose length in bits the padding
/// can hold.
pub fn mmo_hash(message: &[u8]) -> [u8; 16] {
    let mut state = [0u8; 16];
    let mut absorb = |block: &[u8; 16]| {
        let mut out = (*block).into();
        Aes128Enc::new(&state.into()).encrypt_block(&mut out);
        for ((state, out), octet) in state.iter_mut().zip(out.iter()).zip(block) {
            *state = out ^ octet;
        }
    };
    let (blocks, rest) = message.as_chunks::<16>();
    blocks.iter().for_each(&mut absorb);
    let mut last = [0u8; 16];
    for (octet, from) in last.iter_mut().zip(rest.iter().chain(core::iter::once(&0x80))) {
        *octet = *from;
    }
    if rest.len() > 13 {
        absorb(&last);
        last = [0; 16];
    }
    let bits = (message.len() as u16).wrapping_mul(8).to_be_bytes();
    last[14..].copy_from_slice(&bits);
    absorb(&last);
    state
}

/// The keyed hash (ZigBee B.1.4): HMAC with [`mmo_hash`] over one octet.
pub fn keyed_hash(key: Key128, octet: u8) -> [u8; 16] {
    let mut inner = [0; 17];
    let mut outer = [0; 32];
    for (i, k) in key.0.iter().enumerate() {
        inner[i] = k ^ 0x36;
        outer[i] = k ^ 0x5C;
    }
    inner[16] = octet;
    outer[16..].copy_from_slice(&mmo_hash(&inner));
    mmo_hash(&outer)
}

/// The key-transport key of a link key (4.5.3).
pub fn key_transport_key(link_key: Key128) -> Key128 {
    Key128(keyed_hash(link_key, 0x00))
}

/// The key-load key of a link key (4.5.3).
pub fn key_load_key(link_key: Key128) -> Key128 {
    Key128(keyed_hash(link_key, 0x02))
}

/// Why octets or a text are not an install code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InstallCodeError {
    /// The length is none of those allowed.
    #[error("an install code of {0} octets, expected 8, 10, 14 or 18 (6, 8, 12 or 16 and a CRC of 2)")]
    Length(usize),
    /// The CRC does not match the code: mistyped.
    #[error("CRC of the install code is {found:04X}, expected {expected:04X}")]
    Crc {
        /// As the code has it, in the order of its octets.
        found: u16,
        /// As computed, in the same order.
        expected: u16,
    },
    /// The text is not hexadecimal.
    #[error("an install code is written in hexadecimal digits, two for each octet")]
    NotHexadecimal,
}

/// An install code with its CRC (Smart Energy 5.4.8.1.1), checked.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct InstallCode(Vec<u8>);

impl InstallCode {
    /// Checks the octets of a code, the CRC last and least significant octet first.
    ///
    /// # Errors
    /// [`InstallCodeError::Length`] and [`InstallCodeError::Crc`].
    pub fn new(octets: &[u8]) -> Result<Self, InstallCodeError> {
        if !matches!(octets.len(), 8 | 10 | 14 | 18) {
            return Err(InstallCodeError::Length(octets.len()));
        }
        let Some((code, crc)) = octets.split_last_chunk::<2>() else {
            return Err(InstallCodeError::Length(octets.len()));
        };
        let expected = Self::crc(code);
        if expected != *crc {
            return Err(InstallCodeError::Crc {
                found: u16::from_be_bytes(*crc),
                expected: u16::from_be_bytes(expected),
            });
        }
        Ok(Self(octets.to_vec()))
    }

    /// The CRC of a code without it, in the order of the octets.
    pub fn crc(code: &[u8]) -> [u8; 2] {
        const X25: crc::Crc<u16> = crc::Crc::<u16>::new(&crc::CRC_16_IBM_SDLC);
        X25.checksum(code).to_le_bytes()
    }

    /// The octets, CRC included.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }

    /// The link key: the MMO hash over code and CRC (Smart Energy 5.4.8.1.2).
    pub fn link_key(&self) -> Key128 {
        Key128(mmo_hash(&self.0))
    }
}

impl FromStr for InstallCode {
    type Err = InstallCodeError;

    /// Hexadecimal digits; spaces, `-` and `:` between octets are passed over.
    fn from_str(text: &str) -> Result<Self, InstallCodeError> {
        let mut octets = Vec::new();
        let mut high = None;
        for c in text.chars().filter(|c| !" -:".contains(*c)) {
            let digit = c.to_digit(16).ok_or(InstallCodeError::NotHexadecimal)? as u8;
            match high.take() {
                None => high = Some(digit),
                Some(h) => octets.push(h << 4 | digit),
            }
        }
        if high.is_some() {
            return Err(InstallCodeError::NotHexadecimal);
        }
        Self::new(&octets)
    }
}

impl fmt::Display for InstallCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02X}"))
    }
}

impl fmt::Debug for InstallCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
