//! What a node is told and what it tells: configuration, requests and events.

use alloc::vec::Vec;
use core::time::Duration;
use hanrig_wire::types::{Eui64, Key128};
pub use hanrig_wire::zdp::SimpleDescriptor;

/// Everything a node needs to know before it is started.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// The node's own extended address.
    pub eui64: Eui64,
    /// What it is in the network.
    pub role: Role,
    /// The application endpoints that the ZDO server describes to others.
    pub endpoints: Vec<SimpleDescriptor>,
    /// MAC timing and retries.
    pub mac: MacConfig,
    /// APS timing, retries, fragmentation and queue.
    pub aps: ApsConfig,
    /// Seed of all that the node chooses at random: sequence numbers, short addresses.
    pub seed: [u8; 32],
    /// Manufacturer code of the node descriptor.
    pub manufacturer_code: u16,
}

/// What a node is in the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// ZigBee coordinator and trust centre: forms the network and admits devices.
    Coordinator {
        /// Channel, 11 to 26.
        channel: u8,
        /// PAN identifier, 0x0000 to 0xFFFE.
        pan_id: u16,
        /// Extended PAN identifier.
        extended_pan_id: u64,
        /// The network key that the trust centre hands to each device that joins.
        network_key: Key128,
    },
    /// An end device whose receiver is on when idle.
    EndDevice {
        /// The link key shared with the trust centre, derived from the install code.
        link_key: Key128,
        /// The channels to scan, in this order, 11 to 26 each.
        channels: Vec<u8>,
    },
}

/// MAC constants of IEEE 802.15.4-2006 (7.4.2), for 2.4 GHz O-QPSK by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacConfig {
    /// Whether the radio itself does what IEEE 802.15.4 leaves to the MAC between two frames: acknowledges what is addressed
    /// to the node ([`Node::receive_filter`](crate::Node::receive_filter)), waits for acknowledgements and repeats frames.
    /// An OpenThread RCP does. The node then does none of it.
    pub radio_acknowledges: bool,
    /// macMaxFrameRetries: how often a frame is sent again when it is not acknowledged.
    pub max_frame_retries: u8,
    /// macAckWaitDuration, from the end of the frame.
    pub ack_wait: Duration,
    /// aTurnaroundTime, from the end of a frame received to the start of its acknowledgement.
    pub turnaround: Duration,
    /// How long an acknowledgement takes on the air: nothing else is handed to the radio meanwhile.
    pub ack_airtime: Duration,
    /// How long beacons are collected on each channel.
    pub scan: Duration,
    /// macResponseWaitTime: from the association request to the poll for its response, and from the poll to giving up.
    pub response_wait: Duration,
}

impl Default for MacConfig {
    fn default() -> Self {
        Self {
            radio_acknowledges: false,
            max_frame_retries: 3,
            ack_wait: Duration::from_micros(864),
            turnaround: Duration::from_micros(192),
            ack_airtime: Duration::from_micros(352),
            scan: Duration::from_micros(138_240),
            response_wait: Duration::from_micros(491_520),
        }
    }
}

/// APS constants of the ZigBee specification (2.2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApsConfig {
    /// apscAckWaitDuration.
    pub ack_wait: Duration,
    /// apscMaxFrameRetries: how often a frame (or the missing blocks of a window) is sent again.
    pub retries: u8,
    /// The most octets of ASDU in one fragment; never more than fits a frame.
    pub fragment_size: usize,
    /// apscMaxWindowSize: fragments in flight before an acknowledgement, 1 to 8. The same at both ends.
    pub window: u8,
    /// How many messages may be under way at once; one more is refused.
    pub queue: usize,
}

impl Default for ApsConfig {
    fn default() -> Self {
        Self { ack_wait: Duration::from_millis(1600), retries: 3, fragment_size: 64, window: 4, queue: 32 }
    }
}

/// A frame for the radio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// The whole frame, FCS included.
    pub octets: Vec<u8>,
    /// Whether to perform CSMA-CA first. An acknowledgement goes at once: the node has already waited the turnaround
    /// time, and the radio sends it ahead of a frame that is still in its backoff. No
    /// [`Node::on_transmit_done`](crate::Node::on_transmit_done) is awaited for it.
    pub csma: bool,
    /// The channel to send on.
    pub channel: u8,
}

/// What became of a frame handed to the radio with `csma` set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransmitResult {
    /// Its last octet has left; where the radio acknowledges, and the frame asked for it, it was acknowledged.
    Sent,
    /// Where the radio acknowledges: no acknowledgement came, with all repetitions.
    NoAck,
    /// CSMA-CA found no idle channel; nothing was sent.
    ChannelAccessFailure,
}

/// What a node's radio receives, and acknowledges where it does that: IEEE 802.15.4-2006 7.5.6.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiveFilter {
    /// The channel to listen on, 11 to 26.
    pub channel: u8,
    /// macPANId; 0xFFFF before there is one.
    pub pan_id: u16,
    /// macShortAddress; 0xFFFF before there is one.
    pub short: u16,
    /// The extended address.
    pub extended: Eui64,
}

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Destination {
    /// A device whose short address the node knows.
    Device(Eui64),
    /// A short address, or a broadcast address (0xFFFC to 0xFFFF).
    Short(u16),
}

impl Destination {
    /// Every device whose receiver is on when idle (0xFFFD).
    pub const BROADCAST: Self = Self::Short(hanrig_wire::nwk::BROADCAST_RX_ON);
}

impl From<Eui64> for Destination {
    fn from(eui: Eui64) -> Self {
        Self::Device(eui)
    }
}

/// A message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Where it goes.
    pub destination: Destination,
    /// Application profile.
    pub profile: u16,
    /// Cluster.
    pub cluster: u16,
    /// Endpoint at this node.
    pub source_endpoint: u8,
    /// Endpoint at the destination; 0xFF is all of them.
    pub destination_endpoint: u8,
    /// The application's octets. What does not fit one frame is sent in fragments, which are always acknowledged.
    pub asdu: Vec<u8>,
    /// Whether an APS acknowledgement is asked for. Ignored for a broadcast.
    pub aps_ack: bool,
    /// Whether to encrypt with the link key shared with the destination.
    pub link_key: bool,
}

/// Identifies a message given to [`Node::send`](crate::Node::send) until its [`Event::Sent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(pub u32);

/// A message received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// Who secured it, as its authenticated NWK header says.
    pub source: Eui64,
    /// The sender's short address.
    pub source_short: u16,
    /// Application profile.
    pub profile: u16,
    /// Cluster.
    pub cluster: u16,
    /// Endpoint at the sender.
    pub source_endpoint: u8,
    /// Endpoint at this node; 0xFF is all of them.
    pub destination_endpoint: u8,
    /// The application's octets, reassembled.
    pub asdu: Vec<u8>,
    /// Whether it was encrypted with the link key. An application that demands it checks this.
    pub secured_with_link_key: bool,
    /// Whether it was a broadcast.
    pub broadcast: bool,
}

/// Why a message was not delivered, as far as the node can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The node is in no network.
    #[error("not joined to a network")]
    NotJoined,
    /// No short address is known for the EUI-64.
    #[error("no short address is known for the destination")]
    UnknownDestination,
    /// Link key encryption was asked for and there is no link key with the destination (or it is a broadcast).
    #[error("no link key is shared with the destination")]
    NoLinkKey,
    /// The ASDU needs more than 255 fragments, or a broadcast does not fit one frame.
    #[error("the message is too long")]
    TooLong,
    /// As many messages as the queue holds are under way.
    #[error("the outgoing queue is full")]
    QueueFull,
    /// The next hop never acknowledged the frame.
    #[error("no acknowledgement from the next hop")]
    NoMacAck,
    /// CSMA-CA found no idle channel.
    #[error("no access to the channel")]
    ChannelAccessFailure,
    /// The destination's APS acknowledgement did not come.
    #[error("no APS acknowledgement from the destination")]
    NoAck,
    /// The node left its network, or lost it, while the message was under way.
    #[error("the network was left before the message was through")]
    NetworkLeft,
}

/// Why an end device is not in a network after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// No beacon of a ZigBee PRO network that could be joined.
    #[error("no network found")]
    NoNetwork,
    /// The coordinator did not answer.
    #[error("no association response")]
    NoResponse,
    /// The trust centre does not admit this device.
    #[error("PAN access denied")]
    AccessDenied,
    /// The coordinator has no room.
    #[error("PAN at capacity")]
    AtCapacity,
    /// Associated, but no network key came that the link key opens.
    #[error("no network key received")]
    NoNetworkKey,
    /// The network key came, but nobody answers under it.
    #[error("the network does not answer")]
    NoConfirmation,
}

/// Why a received frame was not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum RejectReason {
    /// Some layer's header or command does not parse.
    #[error("malformed frame")]
    Malformed,
    /// A NWK frame without security, outside of joining.
    #[error("NWK frame without security")]
    NwkUnsecured,
    /// Secured with a key sequence number that is not in use.
    #[error("unknown network key sequence number")]
    NwkUnknownKey,
    /// NWK decryption failed.
    #[error("NWK message integrity code is wrong")]
    NwkBadMic,
    /// The NWK frame counter is not above the last one of this sender.
    #[error("NWK frame counter was used before")]
    NwkReplay,
    /// Secured for an EUI-64 that this node has no link key with.
    #[error("no link key for the sender")]
    ApsNoKey,
    /// APS decryption failed.
    #[error("APS message integrity code is wrong")]
    ApsBadMic,
    /// The APS frame counter is not above the last one of this sender.
    #[error("APS frame counter was used before")]
    ApsReplay,
    /// An APS command or acknowledgement lacks the security it must have.
    #[error("APS frame lacks the security it must have")]
    ApsUnsecured,
    /// An association or rejoin request of a device that is not permitted.
    #[error("the device is not permitted to join")]
    NotPermitted,
    /// A secured frame of a device that the trust centre does not know.
    #[error("the sender is not a device of this network")]
    UnknownDevice,
}

/// A frame that was not believed, told so that the application can log it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Why.
    pub reason: RejectReason,
    /// The short address it claims to come from.
    pub source_short: Option<u16>,
    /// The EUI-64 it claims to come from.
    pub source: Option<Eui64>,
}

/// What the node tells its application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The network is formed, joined or resumed.
    NetworkUp {
        /// The node's own short address.
        short: u16,
    },
    /// An end device lost its network (the parent answers no more, or told it to leave) and, unless told to leave,
    /// looks for it.
    NetworkDown {
        /// Whether the trust centre told the device to leave: its stored network is gone.
        told_to_leave: bool,
    },
    /// An attempt to join failed. The node tries again by itself.
    JoinFailed(JoinError),
    /// Trust centre: a device has the network key and was heard with it.
    DeviceJoined {
        /// The device.
        eui: Eui64,
        /// The short address it was given.
        short: u16,
    },
    /// Trust centre: a device told that it leaves, or was told to.
    DeviceLeft {
        /// The device.
        eui: Eui64,
    },
    /// A message for an application endpoint.
    Data(Incoming),
    /// What became of a message. Every message sent ends with exactly one of these.
    Sent {
        /// The message.
        handle: Handle,
        /// With an APS acknowledgement asked for, `Ok` means that the destination acknowledged it; else that the next
        /// hop did, or, for a broadcast, that it was sent.
        result: Result<(), SendError>,
    },
    /// A device answered a discovery.
    Discovered {
        /// The profile asked for.
        profile: u16,
        /// The cluster asked for.
        cluster: u16,
        /// The device.
        eui: Eui64,
        /// Its short address.
        short: u16,
        /// Its matching endpoints, at least one.
        endpoints: Vec<u8>,
    },
    /// A discovery has ended.
    DiscoveryEnded {
        /// The profile asked for.
        profile: u16,
        /// The cluster asked for.
        cluster: u16,
        /// How many devices answered.
        found: usize,
    },
    /// The persistent state changed in a way that must outlive a power loss: store
    /// [`Node::persistent_state`](crate::Node::persistent_state).
    PersistNeeded,
    /// A frame was not believed.
    Rejected(Rejection),
}

/// Counts of what the node saw, since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames received with a correct FCS.
    pub received: u64,
    /// Frames received whose FCS is wrong: noise and collisions.
    pub bad_fcs: u64,
    /// Frames sent, MAC retries and acknowledgements included.
    pub sent: u64,
    /// MAC retries.
    pub mac_retries: u64,
    /// APS retransmissions, fragments counted one by one.
    pub aps_retries: u64,
    /// The same frame again from the MAC of a neighbour that missed the acknowledgement.
    pub mac_duplicates: u64,
    /// APS messages that had arrived before.
    pub aps_duplicates: u64,
    /// Frames not believed, each also told as [`Event::Rejected`].
    pub rejected: u64,
}
