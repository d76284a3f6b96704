//! Properties and their values.

use super::data::{Reader, emit_packed, emit_text};
use super::error::{SpinelError, SpinelErrorKind};
use super::raw::{ReceivedFrame, TransmitFrame};
use super::status::Status;
use crate::types::Eui64;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Names a property (`spinel_prop_key_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PropertyId(pub u32);

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident = $value:literal;)*) => {
        impl PropertyId {
            $($(#[$doc])* pub const $name: Self = Self($value);)*

            const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

identifiers! {
    /// How the last operation ended, or why the RCP was reset.
    LAST_STATUS = 0x00;
    /// Version of the protocol.
    PROTOCOL_VERSION = 0x01;
    /// What firmware it is, as text.
    NCP_VERSION = 0x02;
    /// What the RCP runs.
    INTERFACE_TYPE = 0x03;
    /// Capabilities.
    CAPS = 0x05;
    /// The factory-assigned EUI-64.
    HWADDR = 0x08;
    /// Whether the radio is powered.
    PHY_ENABLED = 0x20;
    /// Channel.
    PHY_CHAN = 0x21;
    /// Channels that the radio can be tuned to.
    PHY_CHAN_SUPPORTED = 0x22;
    /// Transmit power, in dBm.
    PHY_TX_POWER = 0x25;
    /// Signal strength on the channel now, in dBm.
    PHY_RSSI = 0x26;
    /// Receive sensitivity, in dBm.
    PHY_RX_SENSITIVITY = 0x27;
    /// Extended address.
    MAC_15_4_LADDR = 0x34;
    /// Short address.
    MAC_15_4_SADDR = 0x35;
    /// PAN identifier.
    MAC_15_4_PANID = 0x36;
    /// Whether frames received are told as STREAM_RAW.
    MAC_RAW_STREAM_ENABLED = 0x37;
    /// What frames are told.
    MAC_PROMISCUOUS_MODE = 0x38;
    /// Text for debugging.
    STREAM_DEBUG = 0x70;
    /// Frames.
    STREAM_RAW = 0x71;
    /// Version of the interface between OpenThread and its RCP.
    RCP_API_VERSION = 0xB0;
    /// What the RCP's radio does by itself.
    RADIO_CAPS = 0x120B;
    /// Whether the lists of source addresses decide on the frame pending bit of acknowledgements.
    MAC_SRC_MATCH_ENABLED = 0x1303;
    /// Short addresses with data pending.
    MAC_SRC_MATCH_SHORT_ADDRESSES = 0x1304;
    /// Extended addresses with data pending.
    MAC_SRC_MATCH_EXTENDED_ADDRESSES = 0x1305;
    /// The RCP's clock, in microseconds.
    RCP_TIMESTAMP = 0x0802;
}

impl fmt::Display for PropertyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "property {:#x}", self.0),
        }
    }
}

/// What frames an RCP tells (`SPINEL_MAC_PROMISCUOUS_MODE`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PromiscuousMode {
    /// Those that the address filter passes.
    #[default]
    Off,
    /// All of the network.
    Network,
    /// All that are whole.
    Full,
}

/// The value of LAST_STATUS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastStatus {
    /// The status.
    pub status: Status,
    /// What follows it when the request was to send a frame.
    pub report: Option<TransmitReport>,
}

impl LastStatus {
    /// A status alone.
    pub const fn new(status: Status) -> Self {
        Self { status, report: None }
    }
}

/// What became of a frame sent: `bb`, and the acknowledgement as in [`ReceivedFrame`] where the status is OK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransmitReport {
    /// The frame pending bit of the acknowledgement.
    pub frame_pending: bool,
    /// Whether the RCP changed the header of the frame, as MAC security makes it.
    pub header_updated: bool,
    /// The acknowledgement; an empty frame where none was asked for.
    pub acknowledgement: Option<ReceivedFrame>,
}

/// A property with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Property {
    /// [`PropertyId::LAST_STATUS`], `i`, with a report after a transmission.
    LastStatus(LastStatus),
    /// [`PropertyId::PROTOCOL_VERSION`], `ii`.
    ProtocolVersion {
        /// Major version: another one is not compatible.
        major: u32,
        /// Minor version.
        minor: u32,
    },
    /// [`PropertyId::NCP_VERSION`], `U`.
    NcpVersion(String),
    /// [`PropertyId::INTERFACE_TYPE`], `i`: 3 for Thread.
    InterfaceType(u32),
    /// [`PropertyId::CAPS`], `A(i)`: see [`super::capability`].
    Caps(Vec<u32>),
    /// [`PropertyId::HWADDR`], `E`.
    HwAddr(Eui64),
    /// [`PropertyId::PHY_ENABLED`], `b`.
    PhyEnabled(bool),
    /// [`PropertyId::PHY_CHAN`], `C`.
    PhyChan(u8),
    /// [`PropertyId::PHY_CHAN_SUPPORTED`], `A(C)`.
    PhyChanSupported(Vec<u8>),
    /// [`PropertyId::PHY_TX_POWER`], `c`, in dBm.
    PhyTxPower(i8),
    /// [`PropertyId::PHY_RSSI`], `c`, in dBm.
    PhyRssi(i8),
    /// [`PropertyId::PHY_RX_SENSITIVITY`], `c`, in dBm.
    PhyRxSensitivity(i8),
    /// [`PropertyId::MAC_15_4_LADDR`], `E`.
    MacLongAddress(Eui64),
    /// [`PropertyId::MAC_15_4_SADDR`], `S`; 0xFFFF for none.
    MacShortAddress(u16),
    /// [`PropertyId::MAC_15_4_PANID`], `S`; 0xFFFF for none.
    MacPanId(u16),
    /// [`PropertyId::MAC_RAW_STREAM_ENABLED`], `b`.
    MacRawStreamEnabled(bool),
    /// [`PropertyId::MAC_PROMISCUOUS_MODE`], `C`.
    MacPromiscuousMode(PromiscuousMode),
    /// [`PropertyId::STREAM_DEBUG`], `D`.
    StreamDebug(Vec<u8>),
    /// [`PropertyId::STREAM_RAW`] as a host sets it.
    Transmit(TransmitFrame),
    /// [`PropertyId::STREAM_RAW`] as an RCP tells it.
    Received(ReceivedFrame),
    /// [`PropertyId::RCP_API_VERSION`], `i`.
    RcpApiVersion(u32),
    /// [`PropertyId::RADIO_CAPS`], `i`: bits of OpenThread's `otRadioCaps`.
    RadioCaps(u32),
    /// [`PropertyId::MAC_SRC_MATCH_ENABLED`], `b`.
    MacSrcMatchEnabled(bool),
    /// [`PropertyId::MAC_SRC_MATCH_SHORT_ADDRESSES`], `A(S)`.
    MacSrcMatchShort(Vec<u16>),
    /// [`PropertyId::MAC_SRC_MATCH_EXTENDED_ADDRESSES`], `A(E)`.
    MacSrcMatchExtended(Vec<Eui64>),
    /// [`PropertyId::RCP_TIMESTAMP`], `X`, in microseconds.
    RcpTimestamp(u64),
    /// Any other, its value as it is.
    Other {
        /// Which.
        id: PropertyId,
        /// Its value's octets.
        value: Vec<u8>,
    },
}

impl Property {
    /// Which property it is.
    pub const fn id(&self) -> PropertyId {
        match self {
            Self::LastStatus(_) => PropertyId::LAST_STATUS,
            Self::ProtocolVersion { .. } => PropertyId::PROTOCOL_VERSION,
            Self::NcpVersion(_) => PropertyId::NCP_VERSION,
            Self::InterfaceType(_) => PropertyId::INTERFACE_TYPE,
            Self::Caps(_) => PropertyId::CAPS,
            Self::HwAddr(_) => PropertyId::HWADDR,
            Self::PhyEnabled(_) => PropertyId::PHY_ENABLED,
            Self::PhyChan(_) => PropertyId::PHY_CHAN,
            Self::PhyChanSupported(_) => PropertyId::PHY_CHAN_SUPPORTED,
            Self::PhyTxPower(_) => PropertyId::PHY_TX_POWER,
            Self::PhyRssi(_) => PropertyId::PHY_RSSI,
            Self::PhyRxSensitivity(_) => PropertyId::PHY_RX_SENSITIVITY,
            Self::MacLongAddress(_) => PropertyId::MAC_15_4_LADDR,
            Self::MacShortAddress(_) => PropertyId::MAC_15_4_SADDR,
            Self::MacPanId(_) => PropertyId::MAC_15_4_PANID,
            Self::MacRawStreamEnabled(_) => PropertyId::MAC_RAW_STREAM_ENABLED,
            Self::MacPromiscuousMode(_) => PropertyId::MAC_PROMISCUOUS_MODE,
            Self::StreamDebug(_) => PropertyId::STREAM_DEBUG,
            Self::Transmit(_) | Self::Received(_) => PropertyId::STREAM_RAW,
            Self::RcpApiVersion(_) => PropertyId::RCP_API_VERSION,
            Self::RadioCaps(_) => PropertyId::RADIO_CAPS,
            Self::MacSrcMatchEnabled(_) => PropertyId::MAC_SRC_MATCH_ENABLED,
            Self::MacSrcMatchShort(_) => PropertyId::MAC_SRC_MATCH_SHORT_ADDRESSES,
            Self::MacSrcMatchExtended(_) => PropertyId::MAC_SRC_MATCH_EXTENDED_ADDRESSES,
            Self::RcpTimestamp(_) => PropertyId::RCP_TIMESTAMP,
            Self::Other { id, .. } => *id,
        }
    }

    /// Reads a property. `told` is whether an RCP tells it, for STREAM_RAW has a layout for each direction.
    pub(super) fn parse(reader: &mut Reader<'_>, told: bool) -> Result<Self, SpinelError> {
        let id = PropertyId(reader.packed("property")?);
        Ok(match id {
            PropertyId::LAST_STATUS => Self::LastStatus(LastStatus::parse(reader)?),
            PropertyId::PROTOCOL_VERSION => Self::ProtocolVersion {
                major: reader.packed("major protocol version")?,
                minor: reader.packed("minor protocol version")?,
            },
            PropertyId::NCP_VERSION => Self::NcpVersion(reader.text("NCP version")?),
            PropertyId::INTERFACE_TYPE => Self::InterfaceType(reader.packed("interface type")?),
            PropertyId::CAPS => Self::Caps(reader.list(|reader| reader.packed("capability"))?),
            PropertyId::HWADDR => Self::HwAddr(reader.eui("hardware address")?),
            PropertyId::PHY_ENABLED => Self::PhyEnabled(reader.bool("PHY enabled")?),
            PropertyId::PHY_CHAN => Self::PhyChan(reader.u8("channel")?),
            PropertyId::PHY_CHAN_SUPPORTED => Self::PhyChanSupported(reader.rest().to_vec()),
            PropertyId::PHY_TX_POWER => Self::PhyTxPower(reader.i8("transmit power")?),
            PropertyId::PHY_RSSI => Self::PhyRssi(reader.i8("RSSI")?),
            PropertyId::PHY_RX_SENSITIVITY => Self::PhyRxSensitivity(reader.i8("receive sensitivity")?),
            PropertyId::MAC_15_4_LADDR => Self::MacLongAddress(reader.eui("extended address")?),
            PropertyId::MAC_15_4_SADDR => Self::MacShortAddress(reader.u16("short address")?),
            PropertyId::MAC_15_4_PANID => Self::MacPanId(reader.u16("PAN identifier")?),
            PropertyId::MAC_RAW_STREAM_ENABLED => Self::MacRawStreamEnabled(reader.bool("raw stream enabled")?),
            PropertyId::MAC_PROMISCUOUS_MODE => Self::MacPromiscuousMode(PromiscuousMode::parse(reader)?),
            PropertyId::STREAM_DEBUG => Self::StreamDebug(reader.rest().to_vec()),
            PropertyId::STREAM_RAW if told => Self::Received(ReceivedFrame::parse(reader)?),
            PropertyId::STREAM_RAW => Self::Transmit(TransmitFrame::parse(reader)?),
            PropertyId::RCP_API_VERSION => Self::RcpApiVersion(reader.packed("RCP API version")?),
            PropertyId::RADIO_CAPS => Self::RadioCaps(reader.packed("radio capabilities")?),
            PropertyId::MAC_SRC_MATCH_ENABLED => Self::MacSrcMatchEnabled(reader.bool("source match enabled")?),
            PropertyId::MAC_SRC_MATCH_SHORT_ADDRESSES => {
                Self::MacSrcMatchShort(reader.list(|reader| reader.u16("source match short address"))?)
            }
            PropertyId::MAC_SRC_MATCH_EXTENDED_ADDRESSES => {
                Self::MacSrcMatchExtended(reader.list(|reader| reader.eui("source match extended address"))?)
            }
            PropertyId::RCP_TIMESTAMP => Self::RcpTimestamp(reader.u64("timestamp")?),
            id => Self::Other { id, value: reader.rest().to_vec() },
        })
    }

    pub(super) fn emit(&self, frame: &mut Vec<u8>) {
        emit_packed(self.id().0, frame);
        match self {
            Self::LastStatus(status) => status.emit(frame),
            Self::ProtocolVersion { major, minor } => {
                emit_packed(*major, frame);
                emit_packed(*minor, frame);
            }
            Self::NcpVersion(text) => emit_text(text, frame),
            Self::Caps(caps) => caps.iter().for_each(|cap| emit_packed(*cap, frame)),
            Self::InterfaceType(number) | Self::RcpApiVersion(number) | Self::RadioCaps(number) => {
                emit_packed(*number, frame);
            }
            Self::HwAddr(eui) | Self::MacLongAddress(eui) => frame.extend_from_slice(&eui.to_be_bytes()),
            Self::PhyEnabled(on) | Self::MacRawStreamEnabled(on) | Self::MacSrcMatchEnabled(on) => {
                frame.push(u8::from(*on));
            }
            Self::PhyChan(channel) => frame.push(*channel),
            Self::PhyTxPower(dbm) | Self::PhyRssi(dbm) | Self::PhyRxSensitivity(dbm) => {
                frame.extend_from_slice(&dbm.to_le_bytes());
            }
            Self::MacShortAddress(number) | Self::MacPanId(number) => frame.extend_from_slice(&number.to_le_bytes()),
            Self::MacPromiscuousMode(mode) => frame.push(mode.code()),
            Self::Transmit(transmit) => transmit.emit(frame),
            Self::Received(received) => received.emit(frame),
            Self::MacSrcMatchShort(list) => list.iter().for_each(|short| frame.extend_from_slice(&short.to_le_bytes())),
            Self::MacSrcMatchExtended(list) => list.iter().for_each(|eui| frame.extend_from_slice(&eui.to_be_bytes())),
            Self::RcpTimestamp(time) => frame.extend_from_slice(&time.to_le_bytes()),
            Self::PhyChanSupported(octets) | Self::StreamDebug(octets) | Self::Other { value: octets, .. } => {
                frame.extend_from_slice(octets);
            }
        }
    }
}

impl PromiscuousMode {
    const fn code(self) -> u8 {
        match self {
            Self::Off => 0,
            Self::Network => 1,
            Self::Full => 2,
        }
    }

    fn parse(reader: &mut Reader<'_>) -> Result<Self, SpinelError> {
        let at = reader.clone();
        match reader.u8("promiscuous mode")? {
            0 => Ok(Self::Off),
            1 => Ok(Self::Network),
            2 => Ok(Self::Full),
            other => Err(at.error(SpinelErrorKind::Value {
                field: "promiscuous mode",
                found: other.into(),
                expected: "0 (off), 1 (network) or 2 (full)",
            })),
        }
    }
}

impl LastStatus {
    fn parse(reader: &mut Reader<'_>) -> Result<Self, SpinelError> {
        let status = Status(reader.packed("status")?);
        if reader.is_empty() {
            return Ok(Self::new(status));
        }
        let frame_pending = reader.bool("frame pending")?;
        // Older RCPs end here, or go on with something else.
        let header_updated = reader.bool("header updated").unwrap_or(false);
        let acknowledgement = if status == Status::OK { ReceivedFrame::parse(reader).ok() } else { None };
        Ok(Self { status, report: Some(TransmitReport { frame_pending, header_updated, acknowledgement }) })
    }

    fn emit(&self, frame: &mut Vec<u8>) {
        emit_packed(self.status.0, frame);
        if let Some(report) = &self.report {
            frame.extend_from_slice(&[u8::from(report.frame_pending), u8::from(report.header_updated)]);
            if let Some(acknowledgement) = report.acknowledgement.as_ref().filter(|_| self.status == Status::OK) {
                acknowledgement.emit(frame);
            }
        }
    }
}
