//! The part of the MAC that cannot wait for the Device: filter, acknowledge, channel access, repeat.
//!
//! The Device works through a frame's cryptography in software for longer than an acknowledgement may take. So this runs
//! in an executor of its own, at an interrupt's priority, and the Device's node is told that the radio acknowledges. A frame
//! that there is no room for is not acknowledged, and its sender tries again.
//!
//! Constants are those of IEEE 802.15.4-2006, 7.4.2, for 2.4 GHz O-QPSK.

use core::cell::Cell;
use critical_section::Mutex;
use embassy_futures::select::{Either3, select3};
use embassy_nrf::radio::ieee802154::{Packet, Radio};
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::Channel;
use embassy_sync::signal::Signal;
use embassy_time::{Duration, Instant, with_deadline};
use hanrig_wire::mac::{Address, BROADCAST, FrameType, MacCommand, MacFrame, MacHeader};
use hanrig_wire::types::Eui64;
use hanrig_zigbee::{ReceiveFilter, TransmitResult};

/// Octets of a PSDU without its FCS, which the hardware computes and checks.
pub type Octets = heapless::Vec<u8, 125>;

/// A frame received with a right FCS.
#[derive(Clone, Debug)]
pub struct Received {
    /// Without the FCS.
    pub octets: Octets,
    /// Link quality indication, 0 to 255.
    pub lqi: u8,
}

/// A frame to send.
#[derive(Clone, Debug)]
pub struct ToSend {
    /// Without the FCS.
    pub octets: Octets,
    /// Whether to perform CSMA-CA.
    pub csma: bool,
    /// The channel to send on.
    pub channel: u8,
}

/// Frames for the Device.
pub static RECEIVED: Channel<CriticalSectionRawMutex, Received, 16> = Channel::new();
/// Frames of the Device.
pub static TO_SEND: Channel<CriticalSectionRawMutex, ToSend, 4> = Channel::new();
/// What became of each frame sent with `csma` set, in their order.
pub static SENT: Channel<CriticalSectionRawMutex, TransmitResult, 4> = Channel::new();

static FILTER: Mutex<Cell<ReceiveFilter>> =
    Mutex::new(Cell::new(ReceiveFilter { channel: 11, pan_id: BROADCAST, short: BROADCAST, extended: Eui64(0) }));
static FILTER_CHANGED: Signal<CriticalSectionRawMutex, ()> = Signal::new();

/// What to receive and to acknowledge from now on.
pub fn set_filter(filter: ReceiveFilter) {
    let before = critical_section::with(|cs| FILTER.borrow(cs).replace(filter));
    if before != filter {
        FILTER_CHANGED.signal(());
    }
}

fn filter() -> ReceiveFilter {
    critical_section::with(|cs| FILTER.borrow(cs).get())
}

/// aUnitBackoffPeriod, 20 symbols.
const BACKOFF: Duration = Duration::from_micros(320);
/// macAckWaitDuration, 54 symbols.
const ACK_WAIT: Duration = Duration::from_micros(864);
const MIN_BE: u32 = 3;
const MAX_BE: u32 = 5;
const MAX_CSMA_BACKOFFS: u32 = 4;
const MAX_FRAME_RETRIES: u32 = 3;

/// The radio and what it is doing.
pub struct Mac {
    radio: Radio<'static>,
    packet: Packet,
    channel: u8,
    /// State of the generator that backoffs are drawn from.
    random: u32,
}

impl core::fmt::Debug for Mac {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Mac").field("channel", &self.channel).finish_non_exhaustive()
    }
}

impl Mac {
    /// A MAC for this radio. No two boards should have the same `seed`.
    pub fn new(radio: Radio<'static>, seed: u32) -> Self {
        // The generator never leaves zero.
        Self { radio, packet: Packet::new(), channel: 0, random: seed.max(1) }
    }

    /// Receives and sends for good.
    pub async fn run(mut self) -> ! {
        loop {
            self.tune(filter().channel);
            let received = self.radio.receive(&mut self.packet);
            match select3(received, TO_SEND.receive(), FILTER_CHANGED.wait()).await {
                Either3::First(Ok(())) => {
                    self.on_packet(None).await;
                }
                // A wrong FCS, or another filter.
                Either3::First(Err(_)) | Either3::Third(()) => {}
                Either3::Second(frame) => {
                    let result = self.send(&frame).await;
                    if frame.csma {
                        SENT.send(result).await;
                    }
                }
            }
        }
    }

    fn tune(&mut self, channel: u8) {
        // The driver accepts no other.
        if channel != self.channel && (11..=26).contains(&channel) {
            self.channel = channel;
            self.radio.set_channel(channel);
        }
    }

    /// Xorshift, by Marsaglia.
    fn draw(&mut self) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        self.random
    }

    async fn send(&mut self, frame: &ToSend) -> TransmitResult {
        self.tune(frame.channel);
        let mut packet = Packet::new();
        packet.copy_from_slice(&frame.octets);
        if !frame.csma {
            return self
                .radio
                .try_send(&mut packet)
                .await
                .map_or(TransmitResult::ChannelAccessFailure, |()| TransmitResult::Sent);
        }
        let awaited = MacFrame::parse_without_fcs(&frame.octets)
            .ok()
            .filter(|parsed| parsed.header.ack_request)
            .map(|parsed| parsed.header.sequence);
        for _ in 0..=MAX_FRAME_RETRIES {
            if !self.contend(&mut packet).await {
                return TransmitResult::ChannelAccessFailure;
            }
            let acknowledged = match awaited {
                None => true,
                Some(sequence) => self.listen(Instant::now() + ACK_WAIT, Some(sequence)).await,
            };
            if acknowledged {
                return TransmitResult::Sent;
            }
        }
        TransmitResult::NoAck
    }

    /// Unslotted CSMA-CA (7.5.1.4). Whether the frame was sent.
    async fn contend(&mut self, packet: &mut Packet) -> bool {
        let mut exponent = MIN_BE;
        for _ in 0..=MAX_CSMA_BACKOFFS {
            let periods = self.draw() % (1 << exponent);
            self.listen(Instant::now() + BACKOFF * periods, None).await;
            if self.radio.try_send(packet).await.is_ok() {
                return true;
            }
            exponent = (exponent + 1).min(MAX_BE);
        }
        false
    }

    /// Receives until `deadline`, or until the acknowledgement of the frame with this sequence number; whether that came.
    async fn listen(&mut self, deadline: Instant, awaited: Option<u8>) -> bool {
        loop {
            match with_deadline(deadline, self.radio.receive(&mut self.packet)).await {
                Ok(Ok(())) => {
                    if self.on_packet(awaited).await {
                        return true;
                    }
                }
                Ok(Err(_)) => {}
                Err(_) => return false,
            }
        }
    }

    /// Acknowledges what was received where that is due, and hands it on. Whether it is the acknowledgement that is awaited.
    async fn on_packet(&mut self, awaited: Option<u8>) -> bool {
        let lqi = self.packet.lqi();
        let Ok(octets) = Octets::from_slice(&self.packet) else { return false };
        let Ok(frame) = MacFrame::parse_without_fcs(&octets) else { return false };
        let header = frame.header;
        if header.frame_type == FrameType::Ack {
            return awaited == Some(header.sequence);
        }
        let filter = filter();
        if !passes(&filter, &header) || RECEIVED.is_full() {
            return false;
        }
        if header.ack_request && is_addressed(&filter, &header) {
            // Whoever asks for data is told that there is some, and listens: what there is follows at once.
            let pending = header.frame_type == FrameType::Command
                && matches!(MacCommand::parse(frame.payload), Ok(MacCommand::DataRequest));
            self.acknowledge(header.sequence, pending).await;
        }
        // There was room, and nobody else fills it.
        let _ = RECEIVED.try_send(Received { octets, lqi });
        false
    }

    /// Sends an acknowledgement. The driver looks at the channel first, which leaves it within macAckWaitDuration.
    async fn acknowledge(&mut self, sequence: u8, pending: bool) {
        let mut packet = Packet::new();
        packet.copy_from_slice(&[if pending { 0x12 } else { 0x02 }, 0x00, sequence]);
        // If the channel is taken the sender tries again.
        let _ = self.radio.try_send(&mut packet).await;
    }
}

/// Whether a frame is for one of this node's own addresses.
fn is_addressed(filter: &ReceiveFilter, header: &MacHeader) -> bool {
    let pan = header.destination_pan.is_some_and(|pan| pan == filter.pan_id || pan == BROADCAST);
    pan && match header.destination {
        Address::None => false,
        Address::Short(short) => short == filter.short && short < 0xFFFE,
        Address::Extended(extended) => extended == filter.extended,
    }
}

/// Whether a frame is for this node at all (third level of filtering, 7.5.6.2).
fn passes(filter: &ReceiveFilter, header: &MacHeader) -> bool {
    let ours = |pan: Option<u16>| pan.is_some_and(|pan| pan == filter.pan_id || pan == BROADCAST);
    match header.destination {
        Address::None => {
            header.frame_type == FrameType::Beacon && (filter.pan_id == BROADCAST || ours(header.source_pan))
        }
        Address::Short(BROADCAST) => ours(header.destination_pan),
        _ => is_addressed(filter, header),
    }
}
