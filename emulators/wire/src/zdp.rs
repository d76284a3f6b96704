//! ZigBee device profile messages (ZigBee specification, 2.4): discovery, and the announcement of a device.

use crate::mac::Capability;
use crate::radio::{Layer, Malformed, MalformedKind, Reader};
use crate::types::Eui64;
use alloc::vec::Vec;

/// The profile identifier of ZDP.
pub const PROFILE: u16 = 0x0000;
/// The ZDO endpoint.
pub const ENDPOINT: u8 = 0;

/// Cluster identifiers. A response has the request's with [`RESPONSE`](cluster::RESPONSE) set.
pub mod cluster {
    /// NWK_addr_req.
    pub const NWK_ADDR: u16 = 0x0000;
    /// IEEE_addr_req.
    pub const IEEE_ADDR: u16 = 0x0001;
    /// Node_Desc_req.
    pub const NODE_DESC: u16 = 0x0002;
    /// Simple_Desc_req.
    pub const SIMPLE_DESC: u16 = 0x0004;
    /// Active_EP_req.
    pub const ACTIVE_EP: u16 = 0x0005;
    /// Match_Desc_req.
    pub const MATCH_DESC: u16 = 0x0006;
    /// Device_annce.
    pub const DEVICE_ANNCE: u16 = 0x0013;
    /// The bit that a response adds.
    pub const RESPONSE: u16 = 0x8000;
}

/// Status of a response (2.4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum ZdpStatus {
    /// SUCCESS.
    Success,
    /// INV_REQUESTTYPE.
    InvalidRequestType,
    /// DEVICE_NOT_FOUND.
    DeviceNotFound,
    /// INVALID_EP.
    InvalidEndpoint,
    /// NOT_ACTIVE.
    NotActive,
    /// NOT_SUPPORTED.
    NotSupported,
    /// Another value.
    Other(u8),
}

impl ZdpStatus {
    /// The octet.
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0x00,
            Self::InvalidRequestType => 0x80,
            Self::DeviceNotFound => 0x81,
            Self::InvalidEndpoint => 0x82,
            Self::NotActive => 0x83,
            Self::NotSupported => 0x84,
            Self::Other(code) => code,
        }
    }

    /// From the octet.
    pub const fn from_code(code: u8) -> Self {
        match code {
            0x00 => Self::Success,
            0x80 => Self::InvalidRequestType,
            0x81 => Self::DeviceNotFound,
            0x82 => Self::InvalidEndpoint,
            0x83 => Self::NotActive,
            0x84 => Self::NotSupported,
            other => Self::Other(other),
        }
    }
}

/// A simple descriptor (2.3.2.5): what an application endpoint is and speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct SimpleDescriptor {
    /// Endpoint, 1 to 240.
    pub endpoint: u8,
    /// Application profile.
    pub profile: u16,
    /// Application device identifier.
    pub device: u16,
    /// Application device version, 0 to 15.
    pub version: u8,
    /// Clusters it serves.
    pub input_clusters: Vec<u16>,
    /// Clusters it is a client of.
    pub output_clusters: Vec<u16>,
}

/// A node descriptor (2.3.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct NodeDescriptor {
    /// Logical type: 0 coordinator, 1 router, 2 end device.
    pub logical_type: u8,
    /// MAC capability.
    pub capability: Capability,
    /// Manufacturer code.
    pub manufacturer_code: u16,
    /// Most octets of an unfragmented NWK payload that it takes.
    pub maximum_buffer: u8,
    /// Most octets of an incoming ASDU.
    pub maximum_incoming: u16,
    /// Server mask: bit 0 primary trust centre; bits 9 to 15 the stack's compliance revision.
    pub server_mask: u16,
    /// Most octets of an outgoing ASDU.
    pub maximum_outgoing: u16,
}

/// The 2.4 GHz bit of the frequency band field, at the place it has in the first two octets.
const BAND_2400: u16 = 0x4000;

impl NodeDescriptor {
    fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(u16::from(self.logical_type & 7) | BAND_2400).to_le_bytes());
        out.push(self.capability.0);
        out.extend_from_slice(&self.manufacturer_code.to_le_bytes());
        out.push(self.maximum_buffer);
        out.extend_from_slice(&self.maximum_incoming.to_le_bytes());
        out.extend_from_slice(&self.server_mask.to_le_bytes());
        out.extend_from_slice(&self.maximum_outgoing.to_le_bytes());
        out.push(0);
    }

    fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let descriptor = Self {
            logical_type: (reader.u16("logical type")? & 7) as u8,
            capability: Capability(reader.u8("MAC capability")?),
            manufacturer_code: reader.u16("manufacturer code")?,
            maximum_buffer: reader.u8("maximum buffer size")?,
            maximum_incoming: reader.u16("maximum incoming transfer size")?,
            server_mask: reader.u16("server mask")?,
            maximum_outgoing: reader.u16("maximum outgoing transfer size")?,
        };
        reader.u8("descriptor capability")?;
        Ok(descriptor)
    }
}

/// A ZDP message, without its transaction sequence number.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum ZdpMessage {
    /// NWK_addr_req, for the single device response.
    NwkAddrReq {
        /// The device asked for.
        eui: Eui64,
    },
    /// IEEE_addr_req, for the single device response.
    IeeeAddrReq {
        /// The device asked for.
        short: u16,
    },
    /// NWK_addr_rsp or IEEE_addr_rsp.
    AddrRsp {
        /// Whether it answers an IEEE_addr_req.
        ieee: bool,
        /// Outcome.
        status: ZdpStatus,
        /// The device.
        eui: Eui64,
        /// The device.
        short: u16,
    },
    /// Node_Desc_req.
    NodeDescReq {
        /// The device asked for.
        short: u16,
    },
    /// Node_Desc_rsp.
    NodeDescRsp {
        /// Outcome.
        status: ZdpStatus,
        /// The device.
        short: u16,
        /// The descriptor, on success.
        descriptor: Option<NodeDescriptor>,
    },
    /// Simple_Desc_req.
    SimpleDescReq {
        /// The device asked for.
        short: u16,
        /// The endpoint asked for.
        endpoint: u8,
    },
    /// Simple_Desc_rsp.
    SimpleDescRsp {
        /// Outcome.
        status: ZdpStatus,
        /// The device.
        short: u16,
        /// The descriptor, on success.
        descriptor: Option<SimpleDescriptor>,
    },
    /// Active_EP_req.
    ActiveEpReq {
        /// The device asked for.
        short: u16,
    },
    /// Active_EP_rsp.
    ActiveEpRsp {
        /// Outcome.
        status: ZdpStatus,
        /// The device.
        short: u16,
        /// Its endpoints.
        endpoints: Vec<u8>,
    },
    /// Match_Desc_req.
    MatchDescReq {
        /// The device asked for, or a broadcast address for all.
        short: u16,
        /// Profile.
        profile: u16,
        /// Clusters that a match serves.
        input_clusters: Vec<u16>,
        /// Clusters that a match is a client of.
        output_clusters: Vec<u16>,
    },
    /// Match_Desc_rsp.
    MatchDescRsp {
        /// Outcome.
        status: ZdpStatus,
        /// The device.
        short: u16,
        /// Its endpoints that match.
        endpoints: Vec<u8>,
    },
    /// Device_annce.
    DeviceAnnce {
        /// The device's short address.
        short: u16,
        /// The device.
        eui: Eui64,
        /// Its capability.
        capability: Capability,
    },
    /// Any other message, by its cluster; its fields are not kept.
    Other(u16),
}

impl ZdpMessage {
    /// The cluster it travels on.
    pub const fn cluster(&self) -> u16 {
        match self {
            Self::NwkAddrReq { .. } => cluster::NWK_ADDR,
            Self::IeeeAddrReq { .. } => cluster::IEEE_ADDR,
            Self::AddrRsp { ieee: false, .. } => cluster::NWK_ADDR | cluster::RESPONSE,
            Self::AddrRsp { ieee: true, .. } => cluster::IEEE_ADDR | cluster::RESPONSE,
            Self::NodeDescReq { .. } => cluster::NODE_DESC,
            Self::NodeDescRsp { .. } => cluster::NODE_DESC | cluster::RESPONSE,
            Self::SimpleDescReq { .. } => cluster::SIMPLE_DESC,
            Self::SimpleDescRsp { .. } => cluster::SIMPLE_DESC | cluster::RESPONSE,
            Self::ActiveEpReq { .. } => cluster::ACTIVE_EP,
            Self::ActiveEpRsp { .. } => cluster::ACTIVE_EP | cluster::RESPONSE,
            Self::MatchDescReq { .. } => cluster::MATCH_DESC,
            Self::MatchDescRsp { .. } => cluster::MATCH_DESC | cluster::RESPONSE,
            Self::DeviceAnnce { .. } => cluster::DEVICE_ANNCE,
            Self::Other(cluster) => *cluster,
        }
    }

    /// The ASDU: transaction sequence number and message. Lists longer than 255 are cut, as their counts are octets.
    pub fn emit(&self, sequence: u8) -> Vec<u8> {
        let mut out = Vec::with_capacity(24);
        out.push(sequence);
        match self {
            Self::NwkAddrReq { eui } => {
                out.extend_from_slice(&eui.to_le_bytes());
                out.extend_from_slice(&[0, 0]);
            }
            Self::IeeeAddrReq { short } => {
                out.extend_from_slice(&short.to_le_bytes());
                out.extend_from_slice(&[0, 0]);
            }
            Self::AddrRsp { status, eui, short, .. } => {
                out.push(status.code());
                out.extend_from_slice(&eui.to_le_bytes());
                out.extend_from_slice(&short.to_le_bytes());
            }
            Self::NodeDescReq { short } | Self::ActiveEpReq { short } => out.extend_from_slice(&short.to_le_bytes()),
            Self::SimpleDescReq { short, endpoint } => {
                out.extend_from_slice(&short.to_le_bytes());
                out.push(*endpoint);
            }
            Self::NodeDescRsp { status, short, descriptor } => {
                out.push(status.code());
                out.extend_from_slice(&short.to_le_bytes());
                if let Some(descriptor) = descriptor {
                    descriptor.emit(&mut out);
                }
            }
            Self::SimpleDescRsp { status, short, descriptor } => {
                out.push(status.code());
                out.extend_from_slice(&short.to_le_bytes());
                let length_at = out.len();
                out.push(0);
                if let Some(descriptor) = descriptor {
                    out.push(descriptor.endpoint);
                    out.extend_from_slice(&descriptor.profile.to_le_bytes());
                    out.extend_from_slice(&descriptor.device.to_le_bytes());
                    out.push(descriptor.version & 0xF);
                    emit_list(&descriptor.input_clusters, u16::to_le_bytes, &mut out);
                    emit_list(&descriptor.output_clusters, u16::to_le_bytes, &mut out);
                    let length = out.len() - length_at - 1;
                    if let Some(octet) = out.get_mut(length_at) {
                        *octet = u8::try_from(length).unwrap_or(u8::MAX);
                    }
                }
            }
            Self::ActiveEpRsp { status, short, endpoints } | Self::MatchDescRsp { status, short, endpoints } => {
                out.push(status.code());
                out.extend_from_slice(&short.to_le_bytes());
                emit_list(endpoints, |e| [e], &mut out);
            }
            Self::MatchDescReq { short, profile, input_clusters, output_clusters } => {
                out.extend_from_slice(&short.to_le_bytes());
                out.extend_from_slice(&profile.to_le_bytes());
                emit_list(input_clusters, u16::to_le_bytes, &mut out);
                emit_list(output_clusters, u16::to_le_bytes, &mut out);
            }
            Self::DeviceAnnce { short, eui, capability } => {
                out.extend_from_slice(&short.to_le_bytes());
                out.extend_from_slice(&eui.to_le_bytes());
                out.push(capability.0);
            }
            Self::Other(_) => {}
        }
        out
    }

    /// Reads an ASDU of the ZDP profile: transaction sequence number and message.
    ///
    /// # Errors
    /// Where it is cut short. Offsets count from the transaction sequence number.
    pub fn parse(cluster: u16, asdu: &[u8]) -> Result<(u8, Self), Malformed> {
        let mut reader = Reader::new(Layer::Zdp, asdu);
        let sequence = reader.u8("transaction sequence number")?;
        let message = if cluster & cluster::RESPONSE != 0 {
            Self::parse_response(cluster, &mut reader)?
        } else {
            Self::parse_request(cluster, &mut reader)?
        };
        Ok((sequence, message))
    }

    fn parse_request(cluster: u16, reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match cluster {
            cluster::NWK_ADDR => Self::NwkAddrReq { eui: reader.eui("IEEE address")? },
            cluster::IEEE_ADDR => Self::IeeeAddrReq { short: reader.u16("network address")? },
            cluster::NODE_DESC => Self::NodeDescReq { short: reader.u16("network address")? },
            cluster::SIMPLE_DESC => {
                Self::SimpleDescReq { short: reader.u16("network address")?, endpoint: reader.u8("endpoint")? }
            }
            cluster::ACTIVE_EP => Self::ActiveEpReq { short: reader.u16("network address")? },
            cluster::MATCH_DESC => Self::MatchDescReq {
                short: reader.u16("network address")?,
                profile: reader.u16("profile identifier")?,
                input_clusters: parse_clusters(reader, "input clusters")?,
                output_clusters: parse_clusters(reader, "output clusters")?,
            },
            cluster::DEVICE_ANNCE => Self::DeviceAnnce {
                short: reader.u16("network address")?,
                eui: reader.eui("IEEE address")?,
                capability: Capability(reader.u8("capability")?),
            },
            other => Self::Other(other),
        })
    }

    fn parse_response(cluster: u16, reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let request = cluster & !cluster::RESPONSE;
        if !matches!(
            request,
            cluster::NWK_ADDR
                | cluster::IEEE_ADDR
                | cluster::NODE_DESC
                | cluster::SIMPLE_DESC
                | cluster::ACTIVE_EP
                | cluster::MATCH_DESC
        ) {
            return Ok(Self::Other(cluster));
        }
        let status = ZdpStatus::from_code(reader.u8("status")?);
        let success = status == ZdpStatus::Success;
        if matches!(request, cluster::NWK_ADDR | cluster::IEEE_ADDR) {
            return Ok(Self::AddrRsp {
                ieee: request == cluster::IEEE_ADDR,
                status,
                eui: reader.eui("IEEE address")?,
                short: reader.u16("network address")?,
            });
        }
        let short = reader.u16("network address")?;
        Ok(match request {
            cluster::NODE_DESC => {
                let descriptor = if success { Some(NodeDescriptor::parse(reader)?) } else { None };
                Self::NodeDescRsp { status, short, descriptor }
            }
            cluster::SIMPLE_DESC => {
                let length = reader.u8("descriptor length")?;
                let descriptor = if success {
                    let within = reader.offset();
                    let octets = reader.take(usize::from(length), "simple descriptor")?;
                    Some(parse_simple_descriptor(octets).map_err(|e| Malformed { offset: e.offset + within, ..e })?)
                } else {
                    None
                };
                Self::SimpleDescRsp { status, short, descriptor }
            }
            cluster::ACTIVE_EP => {
                Self::ActiveEpRsp { status, short, endpoints: parse_endpoints(reader, success, "active endpoints")? }
            }
            _ => Self::MatchDescRsp { status, short, endpoints: parse_endpoints(reader, success, "match list")? },
        })
    }
}

fn emit_list<T: Copy, const N: usize>(list: &[T], octets: impl Fn(T) -> [u8; N], out: &mut Vec<u8>) {
    let count = u8::try_from(list.len()).unwrap_or(u8::MAX);
    out.push(count);
    for item in list.iter().take(usize::from(count)) {
        out.extend_from_slice(&octets(*item));
    }
}

fn parse_clusters(reader: &mut Reader<'_>, field: &'static str) -> Result<Vec<u16>, Malformed> {
    let count = reader.u8(field)?;
    let octets = reader.take(usize::from(count) * 2, field)?;
    Ok(octets.as_chunks::<2>().0.iter().map(|c| u16::from_le_bytes(*c)).collect())
}

/// A list of endpoints; a response that tells of a failure may leave it out.
fn parse_endpoints(reader: &mut Reader<'_>, success: bool, field: &'static str) -> Result<Vec<u8>, Malformed> {
    match reader.u8(field) {
        Ok(count) => Ok(reader.take(usize::from(count), field)?.to_vec()),
        Err(Malformed { kind: MalformedKind::Truncated(_), .. }) if !success => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn parse_simple_descriptor(octets: &[u8]) -> Result<SimpleDescriptor, Malformed> {
    let mut reader = Reader::new(Layer::Zdp, octets);
    Ok(SimpleDescriptor {
        endpoint: reader.u8("endpoint")?,
        profile: reader.u16("profile identifier")?,
        device: reader.u16("device identifier")?,
        version: reader.u8("device version")? & 0xF,
        input_clusters: parse_clusters(&mut reader, "input clusters")?,
        output_clusters: parse_clusters(&mut reader, "output clusters")?,
    })
}
