//! Frames and messages of the WAN link; the layout is in the documentation of [`super`].

use crate::gbcs::Envelope;
use crate::time::Utc;
use crate::types::{DeviceType, Eui64, FirmwareVersion, Key128};
use alloc::vec::Vec;
use core::fmt;

/// Version of the layout.
pub const VERSION: u8 = 1;
/// Most octets of a frame, framing not counted.
pub const MAXIMUM_FRAME_LENGTH: usize = 4096;
/// Most octets of a GBCS message.
pub const MAXIMUM_GBCS: usize = MAXIMUM_FRAME_LENGTH - HEADER_LENGTH;
/// Most octets of an image in one frame.
pub const MAXIMUM_IMAGE_DATA: usize = 1024;
/// Most target Devices of one image: more than a HAN has.
pub const MAXIMUM_TARGETS: usize = 64;

/// Version, sequence and message type.
const HEADER_LENGTH: usize = 4;

const ACK: u8 = 0x00;
const GBCS: u8 = 0x01;
const SET_TIME: u8 = 0x10;
const ADD_DEVICE: u8 = 0x11;
const REMOVE_DEVICE: u8 = 0x12;
const IMAGE_BEGIN: u8 = 0x13;
const IMAGE_DATA: u8 = 0x14;
const IMAGE_CANCEL: u8 = 0x15;
const HELLO: u8 = 0x20;
const IMAGE_STATUS: u8 = 0x21;

const READY: u8 = 0;
const RECEIVED: u8 = 1;
const COMPLETE: u8 = 2;
const REFUSED: u8 = 3;

/// Why octets are not a frame, or a message does not fit one. Offsets count from the frame's first octet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WanError {
    /// The frame ends too early.
    #[error("{field} at offset {offset} takes {needed} octets, but {available} are left")]
    Truncated {
        /// What was being read.
        field: &'static str,
        /// Where it starts.
        offset: usize,
        /// Octets it takes.
        needed: usize,
        /// Octets there are.
        available: usize,
    },
    /// An octet is none of those that the layout knows.
    #[error("{field} at offset {offset} is {found:#04x}, expected {expected}")]
    Unexpected {
        /// What was being read.
        field: &'static str,
        /// Where it is.
        offset: usize,
        /// Its value.
        found: u8,
        /// What would have been right.
        expected: &'static str,
    },
    /// There is too much of something, or none of it.
    #[error("{field} of {found} {unit}, expected 1 to {maximum}")]
    Size {
        /// What there is too much or none of.
        field: &'static str,
        /// What is counted.
        unit: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        maximum: usize,
    },
    /// Octets follow the message.
    #[error("the message ends at offset {offset}, but {count} octets follow")]
    Trailing {
        /// Where the message ends.
        offset: usize,
        /// How many octets there are beyond.
        count: usize,
    },
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WanFrame {
    /// The sender's number for the frame; without meaning in an Ack.
    pub sequence: u16,
    /// The message.
    pub message: WanMessage,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WanMessage {
    /// Either way: a frame has come.
    Ack {
        /// The sequence of the frame that is acknowledged.
        sequence: u16,
    },
    /// Either way: a GBCS message. To the hub, for the hub itself or a Device on its HAN, by its recipient; from the hub,
    /// a Response or an Alert.
    Gbcs {
        /// The whole message, at most [`MAXIMUM_GBCS`] octets.
        octets: Vec<u8>,
    },
    /// To the hub: the time of day.
    SetTime {
        /// The time when the frame is sent.
        utc: Utc,
    },
    /// To the hub: a Device Log entry.
    AddDevice {
        /// The Device that may join.
        device: Eui64,
        /// What it is.
        device_type: DeviceType,
        /// Its preconfigured link key, derived from its install code.
        link_key: Key128,
    },
    /// To the hub: take a Device out of the Device Log.
    RemoveDevice {
        /// The Device.
        device: Eui64,
    },
    /// To the hub: an OTA Upgrade Image is about to come.
    ImageBegin {
        /// The CSP's number for the transfer.
        transfer: u32,
        /// What the targets are.
        device_type: DeviceType,
        /// The Devices that the image is for, 1 to [`MAXIMUM_TARGETS`].
        targets: Vec<Eui64>,
        /// Octets of the whole OTA Upgrade Image.
        size: u32,
        /// SHA-256 of the whole OTA Upgrade Image.
        sha256: [u8; 32],
    },
    /// To the hub: some of the image.
    ImageData {
        /// The transfer.
        transfer: u32,
        /// Where in the OTA Upgrade Image the octets belong.
        offset: u32,
        /// The octets, 1 to [`MAXIMUM_IMAGE_DATA`].
        octets: Vec<u8>,
    },
    /// To the hub: give up the transfer, or discard its image where the transfer is complete.
    ImageCancel {
        /// The transfer.
        transfer: u32,
    },
    /// From the hub: after each start, and when the link comes up.
    Hello {
        /// The hub's CHF.
        hub: Eui64,
        /// The hub's own active firmware version.
        firmware_version: FirmwareVersion,
    },
    /// From the hub: how a transfer stands.
    ImageStatus {
        /// The transfer.
        transfer: u32,
        /// How it stands.
        status: ImageStatus,
    },
}

/// How a transfer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageStatus {
    /// ImageBegin is accepted: send from this offset on.
    Ready {
        /// The first octet that the hub lacks.
        next_offset: u32,
    },
    /// The hub has stored all octets before this offset.
    Received {
        /// The first octet that the hub lacks.
        next_offset: u32,
    },
    /// The hub has the whole image, and it has the right hash.
    Complete,
    /// The hub does not take the image.
    Refused(RefusalReason),
}

/// Why a hub does not take an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RefusalReason {
    /// It is larger than the block for it.
    TooLarge = 0,
    /// A target is not on the HAN.
    NoSuchDevice = 1,
    /// The block holds an image that is not to be overwritten.
    BlockBusy = 2,
    /// The octets that came have another SHA-256.
    BadHash = 3,
    /// The hub could not store it.
    StoreFailure = 4,
    /// There is no such transfer: the hub has started again, or the octets do not follow those before.
    UnknownTransfer = 5,
}

impl RefusalReason {
    /// Every reason, in the order of their numbers.
    pub const ALL: [Self; 6] =
        [Self::TooLarge, Self::NoSuchDevice, Self::BlockBusy, Self::BadHash, Self::StoreFailure, Self::UnknownTransfer];
}

/// Takes big-endian fields off the front.
struct Reader<'a> {
    octets: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], WanError> {
        let Some((taken, rest)) = self.octets.split_first_chunk::<N>() else {
            let available = self.octets.len();
            return Err(WanError::Truncated { field, offset: self.offset, needed: N, available });
        };
        self.octets = rest;
        self.offset += N;
        Ok(*taken)
    }

    fn u8(&mut self, field: &'static str) -> Result<u8, WanError> {
        self.array(field).map(|[octet]| octet)
    }

    fn u16(&mut self, field: &'static str) -> Result<u16, WanError> {
        self.array(field).map(u16::from_be_bytes)
    }

    fn u32(&mut self, field: &'static str) -> Result<u32, WanError> {
        self.array(field).map(u32::from_be_bytes)
    }

    fn eui(&mut self, field: &'static str) -> Result<Eui64, WanError> {
        self.array(field).map(Eui64::from_be_bytes)
    }

    /// An octet that is the index of one of `values`.
    fn one_of<T: Copy>(&mut self, field: &'static str, expected: &'static str, values: &[T]) -> Result<T, WanError> {
        let found = self.u8(field)?;
        values.get(usize::from(found)).copied().ok_or_else(|| self.unexpected(field, found, expected))
    }

    fn device_type(&mut self) -> Result<DeviceType, WanError> {
        self.one_of("device type", "0 to 5", &DeviceType::ALL)
    }

    /// About the octet just read.
    fn unexpected(&self, field: &'static str, found: u8, expected: &'static str) -> WanError {
        WanError::Unexpected { field, offset: self.offset.saturating_sub(1), found, expected }
    }

    /// All that is left.
    fn rest(&mut self, field: &'static str, maximum: usize) -> Result<Vec<u8>, WanError> {
        let octets = core::mem::take(&mut self.octets);
        check_size(field, "octets", octets.len(), maximum)?;
        self.offset += octets.len();
        Ok(octets.to_vec())
    }

    fn end(&self) -> Result<(), WanError> {
        match self.octets.len() {
            0 => Ok(()),
            count => Err(WanError::Trailing { offset: self.offset, count }),
        }
    }
}

fn check_size(field: &'static str, unit: &'static str, found: usize, maximum: usize) -> Result<(), WanError> {
    if (1..=maximum).contains(&found) { Ok(()) } else { Err(WanError::Size { field, unit, found, maximum }) }
}

/// The number of a type of Device: its place in [`DeviceType::ALL`].
fn device_type_number(device_type: DeviceType) -> u8 {
    DeviceType::ALL.iter().position(|known| *known == device_type).unwrap_or(0) as u8
}

impl WanFrame {
    /// From a frame's octets, without framing.
    pub fn parse(octets: &[u8]) -> Result<Self, WanError> {
        if octets.len() > MAXIMUM_FRAME_LENGTH {
            check_size("frame", "octets", octets.len(), MAXIMUM_FRAME_LENGTH)?;
        }
        let mut reader = Reader { octets, offset: 0 };
        let version = reader.u8("layout version")?;
        if version != VERSION {
            return Err(reader.unexpected("layout version", version, "1"));
        }
        let sequence = reader.u16("sequence")?;
        let message = WanMessage::parse(&mut reader)?;
        reader.end()?;
        Ok(Self { sequence, message })
    }

    /// The frame's octets, without framing. Fails where the message has too many octets or targets, or none.
    pub fn emit(&self) -> Result<Vec<u8>, WanError> {
        self.message.check()?;
        let mut octets = Vec::with_capacity(64);
        octets.push(VERSION);
        octets.extend(self.sequence.to_be_bytes());
        octets.push(self.message.type_number());
        self.message.emit_into(&mut octets);
        Ok(octets)
    }
}

impl fmt::Display for WanFrame {
    /// `#7 ImageCancel transfer 3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.message {
            WanMessage::Ack { .. } => self.message.fmt(f),
            message => write!(f, "#{} {message}", self.sequence),
        }
    }
}

impl WanMessage {
    const fn type_number(&self) -> u8 {
        match self {
            Self::Ack { .. } => ACK,
            Self::Gbcs { .. } => GBCS,
            Self::SetTime { .. } => SET_TIME,
            Self::AddDevice { .. } => ADD_DEVICE,
            Self::RemoveDevice { .. } => REMOVE_DEVICE,
            Self::ImageBegin { .. } => IMAGE_BEGIN,
            Self::ImageData { .. } => IMAGE_DATA,
            Self::ImageCancel { .. } => IMAGE_CANCEL,
            Self::Hello { .. } => HELLO,
            Self::ImageStatus { .. } => IMAGE_STATUS,
        }
    }

    fn parse(reader: &mut Reader<'_>) -> Result<Self, WanError> {
        let message = match reader.u8("message type")? {
            ACK => Self::Ack { sequence: reader.u16("acknowledged sequence")? },
            GBCS => Self::Gbcs { octets: reader.rest("GBCS message", MAXIMUM_GBCS)? },
            SET_TIME => Self::SetTime { utc: Utc(i64::from_be_bytes(reader.array("time")?)) },
            ADD_DEVICE => Self::AddDevice {
                device: reader.eui("device")?,
                device_type: reader.device_type()?,
                link_key: Key128(reader.array("link key")?),
            },
            REMOVE_DEVICE => Self::RemoveDevice { device: reader.eui("device")? },
            IMAGE_BEGIN => {
                let transfer = reader.u32("transfer")?;
                let device_type = reader.device_type()?;
                let size = reader.u32("image size")?;
                let sha256 = reader.array("image SHA-256")?;
                let count = usize::from(reader.u8("number of targets")?);
                check_size("image", "targets", count, MAXIMUM_TARGETS)?;
                let targets = (0..count).map(|_| reader.eui("target")).collect::<Result<_, _>>()?;
                Self::ImageBegin { transfer, device_type, targets, size, sha256 }
            }
            IMAGE_DATA => Self::ImageData {
                transfer: reader.u32("transfer")?,
                offset: reader.u32("image offset")?,
                octets: reader.rest("image data", MAXIMUM_IMAGE_DATA)?,
            },
            IMAGE_CANCEL => Self::ImageCancel { transfer: reader.u32("transfer")? },
            HELLO => Self::Hello {
                hub: reader.eui("hub")?,
                firmware_version: FirmwareVersion(reader.u32("firmware version")?),
            },
            IMAGE_STATUS => {
                let transfer = reader.u32("transfer")?;
                let status = match reader.u8("image status")? {
                    READY => ImageStatus::Ready { next_offset: reader.u32("next offset")? },
                    RECEIVED => ImageStatus::Received { next_offset: reader.u32("next offset")? },
                    COMPLETE => ImageStatus::Complete,
                    REFUSED => ImageStatus::Refused(reader.one_of("refusal reason", "0 to 5", &RefusalReason::ALL)?),
                    found => return Err(reader.unexpected("image status", found, "0 to 3")),
                };
                Self::ImageStatus { transfer, status }
            }
            found => {
                return Err(reader.unexpected("message type", found, "0x00, 0x01, 0x10 to 0x15, 0x20 or 0x21"));
            }
        };
        Ok(message)
    }

    fn check(&self) -> Result<(), WanError> {
        match self {
            Self::Gbcs { octets } => check_size("GBCS message", "octets", octets.len(), MAXIMUM_GBCS),
            Self::ImageBegin { targets, .. } => check_size("image", "targets", targets.len(), MAXIMUM_TARGETS),
            Self::ImageData { octets, .. } => check_size("image data", "octets", octets.len(), MAXIMUM_IMAGE_DATA),
            _ => Ok(()),
        }
    }

    fn emit_into(&self, to: &mut Vec<u8>) {
        match self {
            Self::Ack { sequence } => to.extend(sequence.to_be_bytes()),
            Self::Gbcs { octets } => to.extend_from_slice(octets),
            Self::SetTime { utc } => to.extend(utc.0.to_be_bytes()),
            Self::AddDevice { device, device_type, link_key } => {
                to.extend(device.to_be_bytes());
                to.push(device_type_number(*device_type));
                to.extend(link_key.0);
            }
            Self::RemoveDevice { device } => to.extend(device.to_be_bytes()),
            Self::ImageBegin { transfer, device_type, targets, size, sha256 } => {
                to.extend(transfer.to_be_bytes());
                to.push(device_type_number(*device_type));
                to.extend(size.to_be_bytes());
                to.extend(sha256);
                // Checked to be at most 64 before.
                to.push(targets.len() as u8);
                to.extend(targets.iter().flat_map(|target| target.to_be_bytes()));
            }
            Self::ImageData { transfer, offset, octets } => {
                to.extend(transfer.to_be_bytes());
                to.extend(offset.to_be_bytes());
                to.extend_from_slice(octets);
            }
            Self::ImageCancel { transfer } => to.extend(transfer.to_be_bytes()),
            Self::Hello { hub, firmware_version } => {
                to.extend(hub.to_be_bytes());
                to.extend(firmware_version.0.to_be_bytes());
            }
            Self::ImageStatus { transfer, status } => {
                to.extend(transfer.to_be_bytes());
                match status {
                    ImageStatus::Ready { next_offset } => {
                        to.push(READY);
                        to.extend(next_offset.to_be_bytes());
                    }
                    ImageStatus::Received { next_offset } => {
                        to.push(RECEIVED);
                        to.extend(next_offset.to_be_bytes());
                    }
                    ImageStatus::Complete => to.push(COMPLETE),
                    ImageStatus::Refused(reason) => to.extend([REFUSED, *reason as u8]),
                }
            }
        }
    }
}

impl fmt::Display for WanMessage {
    /// One line, without link keys and images.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ack { sequence } => write!(f, "Ack #{sequence}"),
            Self::Gbcs { octets } => match Envelope::parse(octets) {
                Ok(envelope) => write!(f, "Gbcs {envelope}"),
                Err(error) => write!(f, "Gbcs {} octets, not a GBCS message: {error}", octets.len()),
            },
            Self::SetTime { utc } => write!(f, "SetTime {utc}"),
            Self::AddDevice { device, device_type, .. } => write!(f, "AddDevice {device_type} {device}"),
            Self::RemoveDevice { device } => write!(f, "RemoveDevice {device}"),
            Self::ImageBegin { transfer, device_type, targets, size, .. } => {
                write!(f, "ImageBegin transfer {transfer}, {size} octets, for {device_type}")?;
                targets.iter().try_for_each(|target| write!(f, " {target}"))
            }
            Self::ImageData { transfer, offset, octets } => {
                write!(f, "ImageData transfer {transfer}, {} octets at {offset}", octets.len())
            }
            Self::ImageCancel { transfer } => write!(f, "ImageCancel transfer {transfer}"),
            Self::Hello { hub, firmware_version } => write!(f, "Hello from {hub}, firmware version {firmware_version}"),
            Self::ImageStatus { transfer, status } => write!(f, "ImageStatus transfer {transfer}, {status}"),
        }
    }
}

impl fmt::Display for ImageStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready { next_offset } => write!(f, "ready for offset {next_offset}"),
            Self::Received { next_offset } => write!(f, "received up to offset {next_offset}"),
            Self::Complete => f.write_str("complete"),
            Self::Refused(reason) => write!(f, "refused: {reason}"),
        }
    }
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "too large",
            Self::NoSuchDevice => "no such device",
            Self::BlockBusy => "block busy",
            Self::BadHash => "bad hash",
            Self::StoreFailure => "store failure",
            Self::UnknownTransfer => "unknown transfer",
        })
    }
}
