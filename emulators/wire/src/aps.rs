//! ZigBee application support sub-layer frames (ZigBee specification, 2.2.5 and 4.4.10).
//!
//! [`ApsFrame::parse`] reads the header; what follows it (auxiliary header and ciphertext when
//! [`ApsHeader::security`] is set) is [`ApsFrame::payload`], to be opened with [`crate::security`].

use crate::radio::{Layer, Malformed, Reader};
use crate::types::{Eui64, Key128};
use alloc::vec::Vec;

/// Smart Energy profile identifier.
pub const PROFILE_SMART_ENERGY: u16 = 0x0109;

/// How an APS frame is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Delivery {
    /// To one device.
    Unicast,
    /// To every device that the NWK broadcast reaches.
    Broadcast,
    /// To a group.
    Group,
}

/// The endpoints and what they speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Addressing {
    /// Destination endpoint; none when a group is addressed.
    pub destination_endpoint: Option<u8>,
    /// Group address, when a group is addressed.
    pub group: Option<u16>,
    /// Cluster identifier.
    pub cluster: u16,
    /// Profile identifier.
    pub profile: u16,
    /// Source endpoint.
    pub source_endpoint: u8,
}

/// What a frame is, with the fields that only it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum ApsKind {
    /// Application data.
    Data(Addressing),
    /// APS command.
    Command,
    /// Acknowledgement: with addressing for data, without (acknowledgement format 1) for a command.
    Ack(Option<Addressing>),
}

/// Fragmentation, from the extended header (2.2.5.1.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Fragment {
    /// No extended header, or one that says that the frame is whole.
    #[default]
    None,
    /// Block 0.
    First {
        /// How many blocks the message has.
        blocks: u8,
    },
    /// A later block.
    Part {
        /// Its number, from 1.
        block: u8,
    },
    /// In an acknowledgement.
    Ack {
        /// The first block of the window.
        first_block: u8,
        /// Which blocks of the window have arrived, the first in bit 0.
        received: u8,
    },
}

/// The APS header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ApsHeader {
    /// Frame type and addressing.
    pub kind: ApsKind,
    /// Delivery mode.
    pub delivery: Delivery,
    /// Whether an auxiliary header and a MIC follow.
    pub security: bool,
    /// Whether an acknowledgement is asked for.
    pub ack_request: bool,
    /// APS counter.
    pub counter: u8,
    /// Fragmentation.
    pub fragment: Fragment,
}

impl ApsHeader {
    /// The header of the acknowledgement that this frame asks for. For a fragment, the caller fills in
    /// [`Self::fragment`].
    pub const fn acknowledgement(&self) -> Self {
        let kind = match self.kind {
            ApsKind::Data(a) => ApsKind::Ack(Some(Addressing {
                destination_endpoint: Some(a.source_endpoint),
                group: None,
                cluster: a.cluster,
                profile: a.profile,
                source_endpoint: match a.destination_endpoint {
                    Some(endpoint) => endpoint,
                    None => 0,
                },
            })),
            ApsKind::Command | ApsKind::Ack(_) => ApsKind::Ack(None),
        };
        Self {
            kind,
            delivery: Delivery::Unicast,
            security: self.security,
            ack_request: false,
            counter: self.counter,
            fragment: Fragment::None,
        }
    }

    /// Appends the header's octets.
    pub fn emit(&self, frame: &mut Vec<u8>) {
        let (kind, addressing) = match &self.kind {
            ApsKind::Data(addressing) => (0, Some(addressing)),
            ApsKind::Command => (1, None),
            ApsKind::Ack(Some(addressing)) => (2, Some(addressing)),
            ApsKind::Ack(None) => (2 | 0x10, None),
        };
        let delivery = match self.delivery {
            Delivery::Unicast => 0,
            Delivery::Broadcast => 2,
            Delivery::Group => 3,
        };
        frame.push(
            kind | delivery << 2
                | u8::from(self.security) << 5
                | u8::from(self.ack_request) << 6
                | u8::from(self.fragment != Fragment::None) << 7,
        );
        if let Some(addressing) = addressing {
            match (self.delivery, addressing.group) {
                (Delivery::Group, group) => frame.extend_from_slice(&group.unwrap_or(0).to_le_bytes()),
                _ => frame.push(addressing.destination_endpoint.unwrap_or(0)),
            }
            frame.extend_from_slice(&addressing.cluster.to_le_bytes());
            frame.extend_from_slice(&addressing.profile.to_le_bytes());
            frame.push(addressing.source_endpoint);
        }
        frame.push(self.counter);
        match self.fragment {
            Fragment::None => {}
            Fragment::First { blocks } => frame.extend_from_slice(&[1, blocks]),
            Fragment::Part { block } => frame.extend_from_slice(&[2, block]),
            // The first window's acknowledgement answers the first block.
            Fragment::Ack { first_block: 0, received } => frame.extend_from_slice(&[1, 0, received]),
            Fragment::Ack { first_block, received } => frame.extend_from_slice(&[2, first_block, received]),
        }
    }

    fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let control = reader.u8("frame control")?;
        let delivery = match control >> 2 & 3 {
            0 => Delivery::Unicast,
            2 => Delivery::Broadcast,
            3 => Delivery::Group,
            other => {
                return Err(reader.wrong(
                    1,
                    "delivery mode",
                    u32::from(other),
                    "0 (unicast), 2 (broadcast) or 3 (group)",
                ));
            }
        };
        let kind = match control & 3 {
            0 => ApsKind::Data(Self::parse_addressing(reader, delivery)?),
            1 => ApsKind::Command,
            2 if control & 0x10 != 0 => ApsKind::Ack(None),
            2 => ApsKind::Ack(Some(Self::parse_addressing(reader, delivery)?)),
            other => {
                return Err(reader.wrong(1, "frame type", u32::from(other), "0 (data), 1 (command) or 2 (ack)"));
            }
        };
        let counter = reader.u8("APS counter")?;
        let fragment = if control & 0x80 != 0 {
            Self::parse_fragment(reader, matches!(kind, ApsKind::Ack(_)))?
        } else {
            Fragment::None
        };
        Ok(Self { kind, delivery, security: control & 0x20 != 0, ack_request: control & 0x40 != 0, counter, fragment })
    }

    fn parse_addressing(reader: &mut Reader<'_>, delivery: Delivery) -> Result<Addressing, Malformed> {
        let (destination_endpoint, group) = match delivery {
            Delivery::Group => (None, Some(reader.u16("group address")?)),
            _ => (Some(reader.u8("destination endpoint")?), None),
        };
        Ok(Addressing {
            destination_endpoint,
            group,
            cluster: reader.u16("cluster identifier")?,
            profile: reader.u16("profile identifier")?,
            source_endpoint: reader.u8("source endpoint")?,
        })
    }

    fn parse_fragment(reader: &mut Reader<'_>, ack: bool) -> Result<Fragment, Malformed> {
        let control = reader.u8("extended frame control")? & 3;
        if control == 0 {
            return Ok(Fragment::None);
        }
        let block = reader.u8("block number")?;
        match (control, ack) {
            (3, _) => Err(reader.wrong(2, "fragmentation", 3, "0 (whole), 1 (first) or 2 (part)")),
            (_, true) => Ok(Fragment::Ack { first_block: block, received: reader.u8("ack bitfield")? }),
            (1, false) => Ok(Fragment::First { blocks: block }),
            (_, false) => Ok(Fragment::Part { block }),
        }
    }
}

/// An APS frame in someone's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApsFrame<'a> {
    /// The header.
    pub header: ApsHeader,
    /// Octets that the header takes: the auxiliary header or the payload starts there.
    pub header_len: usize,
    /// What follows the header.
    pub payload: &'a [u8],
}

impl<'a> ApsFrame<'a> {
    /// Reads the payload of a NWK data frame.
    ///
    /// # Errors
    /// Where the header is malformed.
    pub fn parse(octets: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(Layer::Aps, octets);
        let header = ApsHeader::parse(&mut reader)?;
        Ok(Self { header, header_len: reader.offset(), payload: reader.rest() })
    }
}

/// What a Transport-Key command carries (4.4.10.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum TransportedKey {
    /// Standard network key.
    Network {
        /// The key.
        key: Key128,
        /// Its sequence number.
        sequence: u8,
        /// Who is to have it.
        destination: Eui64,
        /// The trust centre.
        source: Eui64,
    },
    /// Trust centre link key.
    TrustCentreLink {
        /// The key.
        key: Key128,
        /// Who is to have it.
        destination: Eui64,
        /// The trust centre.
        source: Eui64,
    },
    /// Application link key.
    ApplicationLink {
        /// The key.
        key: Key128,
        /// The device it is shared with.
        partner: Eui64,
        /// Whether the receiver asked for it.
        initiator: bool,
    },
}

/// The APS commands (4.4.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum ApsCommand {
    /// A key is handed over.
    TransportKey(TransportedKey),
    /// A router tells the trust centre what became of a device.
    UpdateDevice {
        /// The device.
        device: Eui64,
        /// Its short address.
        short: u16,
        /// 0 secured rejoin, 1 unsecured join, 2 left, 3 trust centre rejoin.
        status: u8,
    },
    /// The trust centre tells a router to remove a device.
    RemoveDevice(Eui64),
    /// A device proves that it has the link key.
    VerifyKey {
        /// Key type, 4 for the trust centre link key.
        key_type: u8,
        /// The device.
        source: Eui64,
        /// The keyed hash of the key over 0x03.
        hash: [u8; 16],
    },
    /// The trust centre answers that proof.
    ConfirmKey {
        /// 0 for success.
        status: u8,
        /// Key type.
        key_type: u8,
        /// The device.
        destination: Eui64,
    },
    /// Any other command, by its identifier; its payload is not kept.
    Other(u8),
}

impl ApsCommand {
    /// Reads the payload of a command frame.
    ///
    /// # Errors
    /// Where the command is cut short. Offsets count from the command identifier.
    pub fn parse(payload: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(Layer::Aps, payload);
        Ok(match reader.u8("command identifier")? {
            5 => {
                let key_type = reader.u8("key type")?;
                match key_type {
                    0 | 1 | 3 | 4 | 5 => {}
                    other => {
                        return Err(reader.wrong(
                            1,
                            "key type",
                            u32::from(other),
                            "1 (network), 3 (application link) or 4 (trust centre link)",
                        ));
                    }
                }
                let key = Key128(reader.array("key")?);
                Self::TransportKey(match key_type {
                    1 | 5 => TransportedKey::Network {
                        key,
                        sequence: reader.u8("key sequence number")?,
                        destination: reader.eui("destination address")?,
                        source: reader.eui("source address")?,
                    },
                    0 | 4 => TransportedKey::TrustCentreLink {
                        key,
                        destination: reader.eui("destination address")?,
                        source: reader.eui("source address")?,
                    },
                    _ => TransportedKey::ApplicationLink {
                        key,
                        partner: reader.eui("partner address")?,
                        initiator: reader.u8("initiator flag")? != 0,
                    },
                })
            }
            6 => Self::UpdateDevice {
                device: reader.eui("device address")?,
                short: reader.u16("device short address")?,
                status: reader.u8("device status")?,
            },
            7 => Self::RemoveDevice(reader.eui("device address")?),
            15 => Self::VerifyKey {
                key_type: reader.u8("key type")?,
                source: reader.eui("source address")?,
                hash: reader.array("key hash")?,
            },
            16 => Self::ConfirmKey {
                status: reader.u8("status")?,
                key_type: reader.u8("key type")?,
                destination: reader.eui("destination address")?,
            },
            other => Self::Other(other),
        })
    }

    /// Appends the payload of a command frame.
    pub fn emit(&self, frame: &mut Vec<u8>) {
        match *self {
            Self::TransportKey(TransportedKey::Network { key, sequence, destination, source }) => {
                frame.extend_from_slice(&[5, 1]);
                frame.extend_from_slice(&key.0);
                frame.push(sequence);
                frame.extend_from_slice(&destination.to_le_bytes());
                frame.extend_from_slice(&source.to_le_bytes());
            }
            Self::TransportKey(TransportedKey::TrustCentreLink { key, destination, source }) => {
                frame.extend_from_slice(&[5, 4]);
                frame.extend_from_slice(&key.0);
                frame.extend_from_slice(&destination.to_le_bytes());
                frame.extend_from_slice(&source.to_le_bytes());
            }
            Self::TransportKey(TransportedKey::ApplicationLink { key, partner, initiator }) => {
                frame.extend_from_slice(&[5, 3]);
                frame.extend_from_slice(&key.0);
                frame.extend_from_slice(&partner.to_le_bytes());
                frame.push(u8::from(initiator));
            }
            Self::UpdateDevice { device, short, status } => {
                frame.push(6);
                frame.extend_from_slice(&device.to_le_bytes());
                frame.extend_from_slice(&short.to_le_bytes());
                frame.push(status);
            }
            Self::RemoveDevice(device) => {
                frame.push(7);
                frame.extend_from_slice(&device.to_le_bytes());
            }
            Self::VerifyKey { key_type, source, hash } => {
                frame.extend_from_slice(&[15, key_type]);
                frame.extend_from_slice(&source.to_le_bytes());
                frame.extend_from_slice(&hash);
            }
            Self::ConfirmKey { status, key_type, destination } => {
                frame.extend_from_slice(&[16, status, key_type]);
                frame.extend_from_slice(&destination.to_le_bytes());
            }
            Self::Other(id) => frame.push(id),
        }
    }
}
