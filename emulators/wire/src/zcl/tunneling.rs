//! The Tunneling cluster (0x0704 of Smart Energy), which carries GBCS messages between a Communications Hub and a Device.
//!
//! The Device is the server: the Communications Hub asks it for a tunnel of protocol GB-HRGP once the Device has joined.

use super::{Direction, Fields, ZclError, ZclHeader};
use alloc::vec::Vec;

/// The cluster's identifier.
pub const CLUSTER: u16 = 0x0704;
/// Protocol identifier of GBCS messages (GB-HRGP).
pub const PROTOCOL_GB_HRGP: u8 = 6;
/// The most octets of one GBCS message in a tunnel.
pub const MAXIMUM_TRANSFER_SIZE: u16 = 1500;

/// What a server says of a request for a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TunnelStatus {
    /// The tunnel is open.
    Success,
    /// No resources for one more.
    Busy,
    /// No more tunnels at all.
    NoMoreTunnelIds,
    /// The protocol is not supported.
    ProtocolNotSupported,
    /// Flow control is not supported.
    FlowControlNotSupported,
}

impl TunnelStatus {
    const ALL: [Self; 5] =
        [Self::Success, Self::Busy, Self::NoMoreTunnelIds, Self::ProtocolNotSupported, Self::FlowControlNotSupported];
}

/// A command of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TunnelCommand<'a> {
    /// 0x00, client to server.
    RequestTunnel {
        /// What the tunnel is to carry.
        protocol: u8,
        /// The manufacturer of a proprietary protocol, else 0xFFFF.
        manufacturer_code: u16,
        /// Whether transfers are to be acknowledged in the cluster.
        flow_control: bool,
        /// The most octets that the client takes at once.
        maximum_transfer_size: u16,
    },
    /// 0x00, server to client.
    RequestTunnelResponse {
        /// Identifies the tunnel; 0xFFFF where there is none.
        tunnel: u16,
        /// What became of the request.
        status: TunnelStatus,
        /// The most octets that the server takes at once.
        maximum_transfer_size: u16,
    },
    /// 0x01, client to server.
    CloseTunnel {
        /// The tunnel.
        tunnel: u16,
    },
    /// 0x02 to the server, 0x01 to the client.
    TransferData {
        /// The tunnel.
        tunnel: u16,
        /// Who sends.
        direction: Direction,
        /// A GBCS message, whole.
        data: &'a [u8],
    },
    /// 0x03 to the server, 0x02 to the client.
    TransferDataError {
        /// The tunnel.
        tunnel: u16,
        /// Who sends.
        direction: Direction,
        /// 0 no such tunnel, 1 wrong device, 2 data overflow.
        status: u8,
    },
}

impl<'a> TunnelCommand<'a> {
    /// Reads the payload of the cluster command `header.command`.
    pub fn parse(header: &ZclHeader, payload: &'a [u8]) -> Result<Self, ZclError> {
        let direction = header.direction;
        match (direction, header.command) {
            (Direction::ClientToServer, 0x00) => {
                let mut fields = Fields::of("RequestTunnel", payload);
                let command = Self::RequestTunnel {
                    protocol: fields.u8("protocol identifier")?,
                    manufacturer_code: fields.u16("manufacturer code")?,
                    flow_control: fields.u8("flow control support")? != 0,
                    maximum_transfer_size: fields.u16("maximum incoming transfer size")?,
                };
                fields.end()?;
                Ok(command)
            }
            (Direction::ServerToClient, 0x00) => {
                const WHAT: &str = "RequestTunnelResponse";
                let mut fields = Fields::of(WHAT, payload);
                let tunnel = fields.u16("tunnel identifier")?;
                let status = fields.u8("tunnel status")?;
                let status = TunnelStatus::ALL.get(usize::from(status)).copied().ok_or(ZclError::Undefined {
                    what: WHAT,
                    field: "tunnel status",
                    value: u32::from(status),
                })?;
                let maximum_transfer_size = fields.u16("maximum incoming transfer size")?;
                fields.end()?;
                Ok(Self::RequestTunnelResponse { tunnel, status, maximum_transfer_size })
            }
            (Direction::ClientToServer, 0x01) => {
                let mut fields = Fields::of("CloseTunnel", payload);
                let tunnel = fields.u16("tunnel identifier")?;
                fields.end()?;
                Ok(Self::CloseTunnel { tunnel })
            }
            (Direction::ClientToServer, 0x02) | (Direction::ServerToClient, 0x01) => {
                let mut fields = Fields::of("TransferData", payload);
                Ok(Self::TransferData { tunnel: fields.u16("tunnel identifier")?, direction, data: fields.rest() })
            }
            (Direction::ClientToServer, 0x03) | (Direction::ServerToClient, 0x02) => {
                let mut fields = Fields::of("TransferDataError", payload);
                let command = Self::TransferDataError {
                    tunnel: fields.u16("tunnel identifier")?,
                    direction,
                    status: fields.u8("transfer data status")?,
                };
                fields.end()?;
                Ok(command)
            }
            (_, command) => Err(ZclError::UnknownCommand { cluster: "Tunneling", command }),
        }
    }

    /// A whole ZCL frame with this command.
    pub fn frame(&self, sequence: u8) -> Vec<u8> {
        let to_server = |direction: Direction| u8::from(direction == Direction::ClientToServer);
        let (direction, command) = match self {
            Self::RequestTunnel { .. } => (Direction::ClientToServer, 0x00),
            Self::RequestTunnelResponse { .. } => (Direction::ServerToClient, 0x00),
            Self::CloseTunnel { .. } => (Direction::ClientToServer, 0x01),
            Self::TransferData { direction, .. } => (*direction, 0x01 + to_server(*direction)),
            Self::TransferDataError { direction, .. } => (*direction, 0x02 + to_server(*direction)),
        };
        let mut frame = Vec::with_capacity(16);
        ZclHeader::cluster(direction, sequence, command).emit(&mut frame);
        match self {
            Self::RequestTunnel { protocol, manufacturer_code, flow_control, maximum_transfer_size } => {
                frame.push(*protocol);
                frame.extend(manufacturer_code.to_le_bytes());
                frame.push(u8::from(*flow_control));
                frame.extend(maximum_transfer_size.to_le_bytes());
            }
            Self::RequestTunnelResponse { tunnel, status, maximum_transfer_size } => {
                frame.extend(tunnel.to_le_bytes());
                frame.push(*status as u8);
                frame.extend(maximum_transfer_size.to_le_bytes());
            }
            Self::CloseTunnel { tunnel } => frame.extend(tunnel.to_le_bytes()),
            Self::TransferData { tunnel, data, .. } => {
                frame.extend(tunnel.to_le_bytes());
                frame.extend_from_slice(data);
            }
            Self::TransferDataError { tunnel, status, .. } => {
                frame.extend(tunnel.to_le_bytes());
                frame.push(*status);
            }
        }
        frame
    }
}
