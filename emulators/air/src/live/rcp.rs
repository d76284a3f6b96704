//! A virtual radio co-processor: what an OpenThread RCP does with the Spinel frames of its host.

use super::outbox::Outbox;
use crate::mac::{Heard, MacEvent, MacRadio, MacSettings};
use crate::medium::Air;
use hanrig_wire::hdlc;
use hanrig_wire::spinel::host::{TransmitOutcome, TransmitRequest};
use hanrig_wire::spinel::{
    LastStatus, MAXIMUM_FRAME_LENGTH, Message, PROTOCOL_MAJOR, PromiscuousMode, Property, PropertyId, ReceiveFlags,
    ReceivedFrame, ResetKind, SpinelFrame, Status, TransmitFrame, TransmitReport, capability,
};
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::Eui64;

/// Channels of 2.4 GHz O-QPSK.
const CHANNELS: std::ops::RangeInclusive<u8> = 11..=26;
/// Entries that a list of source addresses holds.
const MAX_SOURCES: usize = 64;
/// Bits of `otRadioCaps`: acknowledgement timeout, transmit retries, CSMA backoff.
const RADIO_CAPS: u32 = 0b1101;
const PROTOCOL_MINOR: u32 = 3;
const VERSION: &str = concat!("HANRIG-VIRTUAL-RCP/", env!("CARGO_PKG_VERSION"));

#[derive(Debug)]
pub(super) struct Rcp {
    mac: MacRadio,
    decoder: hdlc::Decoder,
    eui: Eui64,
    enabled: bool,
    raw_stream: bool,
    promiscuous: PromiscuousMode,
    tx_power_dbm: i8,
    last_status: Status,
    /// Transaction of the frame that is being sent.
    sending: Option<u8>,
    /// From the end of a start-of-frame delimiter to the end of a frame, beside the octets of the PSDU.
    octet_time: Duration,
    malformed: u64,
    /// Numbers transmissions, so that the end of one from before a reset is not taken for that of another.
    token: u32,
    /// A spell of dropping has begun.
    pub(super) overflowed: bool,
}

impl Rcp {
    pub(super) fn new(mac: MacRadio, eui: Eui64, octet_time: Duration) -> Self {
        Self {
            mac,
            decoder: hdlc::Decoder::new(MAXIMUM_FRAME_LENGTH),
            eui,
            enabled: false,
            raw_stream: false,
            promiscuous: PromiscuousMode::Off,
            tx_power_dbm: 0,
            last_status: Status::OK,
            sending: None,
            octet_time,
            malformed: 0,
            token: 0,
            overflowed: false,
        }
    }

    pub(super) const fn mac(&self) -> &MacRadio {
        &self.mac
    }

    /// Frames from the host that were damaged or make no sense.
    pub(super) fn errors(&self) -> u64 {
        self.malformed + self.decoder.counters().errors()
    }

    /// Stops, as when its power goes.
    pub(super) fn power_off(&mut self, air: &mut Air) {
        self.forget(air);
        air.set_receiver(self.mac.id(), false);
    }

    /// Starts, and says why.
    pub(super) fn boot(&mut self, air: &mut Air, status: Status, out: &mut Outbox) {
        self.forget(air);
        self.last_status = status;
        self.tell(out, 0, Property::LastStatus(LastStatus::new(status)));
    }

    fn forget(&mut self, air: &mut Air) {
        self.mac.clear();
        self.mac.source_match = Default::default();
        self.mac.set(air, MacSettings { long_address: self.eui, ..MacSettings::default() });
        self.enabled = false;
        self.raw_stream = false;
        self.promiscuous = PromiscuousMode::Off;
        self.tx_power_dbm = 0;
        self.sending = None;
        self.token = self.token.wrapping_add(1);
        self.tune(air);
    }

    /// The receiver is on while the host wants frames.
    fn tune(&mut self, air: &mut Air) {
        air.set_receiver(self.mac.id(), self.enabled && self.raw_stream);
    }

    pub(super) fn on_octets(&mut self, air: &mut Air, now: Instant, octets: &[u8], out: &mut Outbox) {
        for octet in octets {
            let Some(Ok(frame)) = self.decoder.push(*octet) else { continue };
            match SpinelFrame::parse(&frame) {
                Ok(frame) if frame.header.interface != 0 => {
                    self.status(out, frame.header.transaction, Status::INVALID_INTERFACE);
                }
                Ok(frame) => self.frame(air, now, frame, out),
                Err(_) => {
                    self.malformed += 1;
                    if let Ok(header) = SpinelFrame::parse_header(&frame) {
                        self.status(out, header.transaction, Status::PARSE_ERROR);
                    }
                }
            }
        }
    }

    pub(super) fn on_received(&mut self, air: &mut Air, heard: Heard, out: &mut Outbox) {
        let mut events = Vec::new();
        self.mac.on_received(air, heard, &mut events);
        self.on_mac(events, out);
    }

    pub(super) fn on_transmit_done(
        &mut self,
        air: &mut Air,
        now: Instant,
        id: crate::TransmitId,
        result: crate::TransmitResult,
        out: &mut Outbox,
    ) {
        let mut events = Vec::new();
        self.mac.on_transmit_done(air, now, id, result, &mut events);
        self.on_mac(events, out);
    }

    pub(super) fn poll(&mut self, air: &mut Air, now: Instant, out: &mut Outbox) {
        let mut events = Vec::new();
        self.mac.poll(air, now, &mut events);
        self.on_mac(events, out);
    }

    fn on_mac(&mut self, events: Vec<MacEvent>, out: &mut Outbox) {
        for event in events {
            match event {
                MacEvent::Received(heard) if self.enabled && self.raw_stream => {
                    let frame = SpinelFrame::new(0, Message::Is(Property::Received(self.told(&heard))));
                    self.push(out, &frame, false);
                }
                MacEvent::Received(_) => {}
                MacEvent::Done { token, outcome, acknowledgement } if token == self.token => {
                    self.sent(outcome, acknowledgement.as_ref(), out);
                }
                MacEvent::Done { .. } => {}
            }
        }
    }

    fn sent(&mut self, outcome: TransmitOutcome, acknowledgement: Option<&Heard>, out: &mut Outbox) {
        let Some(transaction) = self.sending.take() else { return };
        self.token = self.token.wrapping_add(1);
        let (status, frame_pending) = match outcome {
            TransmitOutcome::Sent => (Status::OK, false),
            TransmitOutcome::Acknowledged { pending } => (Status::OK, pending),
            TransmitOutcome::NoAck => (Status::NO_ACK, false),
            TransmitOutcome::ChannelAccessFailure => (Status::CCA_FAILURE, false),
            TransmitOutcome::Refused(status) => (status, false),
            TransmitOutcome::Unavailable => (Status::FAILURE, false),
        };
        let acknowledgement = Some(acknowledgement.map_or_else(ReceivedFrame::none, |heard| self.told(heard)));
        let report = Some(TransmitReport { frame_pending, header_updated: true, acknowledgement });
        self.last_status = status;
        self.tell(out, transaction, Property::LastStatus(LastStatus { status, report }));
    }

    /// A frame as it is told to the host.
    fn told(&self, heard: &Heard) -> ReceivedFrame {
        // The PHR and the PSDU come after the start-of-frame delimiter.
        let octets = u32::try_from(heard.psdu.len() + 1).unwrap_or(u32::MAX);
        let after = u64::try_from(self.octet_time.saturating_mul(octets).as_micros()).unwrap_or(u64::MAX);
        ReceivedFrame {
            psdu: heard.psdu.to_vec(),
            rssi_dbm: heard.rssi_dbm,
            noise_dbm: -128,
            flags: ReceiveFlags(if heard.acked_pending { ReceiveFlags::ACKED_PENDING } else { 0 }),
            channel: heard.channel,
            lqi: heard.lqi,
            timestamp: heard.at.as_micros().saturating_sub(after),
            error: 0,
        }
    }

    fn push(&mut self, out: &mut Outbox, frame: &SpinelFrame, matters: bool) {
        self.overflowed |= out.push(hdlc::encode(&frame.to_vec()), matters);
    }

    fn tell(&mut self, out: &mut Outbox, transaction: u8, property: Property) {
        self.push(out, &SpinelFrame::new(transaction, Message::Is(property)), true);
    }

    fn status(&mut self, out: &mut Outbox, transaction: u8, status: Status) {
        self.last_status = status;
        self.tell(out, transaction, Property::LastStatus(LastStatus::new(status)));
    }

    fn frame(&mut self, air: &mut Air, now: Instant, frame: SpinelFrame, out: &mut Outbox) {
        let transaction = frame.header.transaction;
        match frame.message {
            Message::Noop => self.status(out, transaction, Status::OK),
            Message::Reset(kind) => {
                // What waits is lost with the RCP's memory.
                out.clear();
                let status = match kind {
                    Some(ResetKind::Stack) => Status::RESET_POWER_ON,
                    _ => Status::RESET_SOFTWARE,
                };
                self.boot(air, status, out);
            }
            Message::Get(id) => match self.get(now, id) {
                Some(property) => self.tell(out, transaction, property),
                None => self.status(out, transaction, Status::PROP_NOT_FOUND),
            },
            Message::Set(Property::Transmit(frame)) => {
                if let Err(status) = self.transmit(air, now, transaction, frame, out) {
                    self.status(out, transaction, status);
                }
            }
            Message::Set(property) => match self.set(air, &property) {
                Ok(()) => self.tell(out, transaction, property),
                Err(status) => self.status(out, transaction, status),
            },
            Message::Insert(property) => match self.insert(&property) {
                Ok(()) => self.push(out, &SpinelFrame::new(transaction, Message::Inserted(property)), true),
                Err(status) => self.status(out, transaction, status),
            },
            Message::Remove(property) => match self.remove(&property) {
                Ok(()) => self.push(out, &SpinelFrame::new(transaction, Message::Removed(property)), true),
                Err(status) => self.status(out, transaction, status),
            },
            Message::Is(_) | Message::Inserted(_) | Message::Removed(_) | Message::Other { .. } => {
                self.status(out, transaction, Status::INVALID_COMMAND);
            }
        }
    }

    fn get(&self, now: Instant, id: PropertyId) -> Option<Property> {
        let settings = self.mac.settings();
        Some(match id {
            PropertyId::LAST_STATUS => Property::LastStatus(LastStatus::new(self.last_status)),
            PropertyId::PROTOCOL_VERSION => Property::ProtocolVersion { major: PROTOCOL_MAJOR, minor: PROTOCOL_MINOR },
            PropertyId::NCP_VERSION => Property::NcpVersion(VERSION.to_owned()),
            PropertyId::INTERFACE_TYPE => Property::InterfaceType(3),
            PropertyId::CAPS => {
                Property::Caps(vec![capability::PHY_2450_OQPSK, capability::CONFIG_RADIO, capability::MAC_RAW])
            }
            PropertyId::HWADDR => Property::HwAddr(self.eui),
            PropertyId::PHY_ENABLED => Property::PhyEnabled(self.enabled),
            PropertyId::PHY_CHAN => Property::PhyChan(settings.channel),
            PropertyId::PHY_CHAN_SUPPORTED => Property::PhyChanSupported(CHANNELS.collect()),
            PropertyId::PHY_TX_POWER => Property::PhyTxPower(self.tx_power_dbm),
            PropertyId::PHY_RSSI => Property::PhyRssi(-100),
            PropertyId::PHY_RX_SENSITIVITY => Property::PhyRxSensitivity(-100),
            PropertyId::MAC_15_4_LADDR => Property::MacLongAddress(settings.long_address),
            PropertyId::MAC_15_4_SADDR => Property::MacShortAddress(settings.short_address),
            PropertyId::MAC_15_4_PANID => Property::MacPanId(settings.pan_id),
            PropertyId::MAC_RAW_STREAM_ENABLED => Property::MacRawStreamEnabled(self.raw_stream),
            PropertyId::MAC_PROMISCUOUS_MODE => Property::MacPromiscuousMode(self.promiscuous),
            PropertyId::RADIO_CAPS => Property::RadioCaps(RADIO_CAPS),
            PropertyId::MAC_SRC_MATCH_ENABLED => Property::MacSrcMatchEnabled(self.mac.source_match.enabled),
            PropertyId::MAC_SRC_MATCH_SHORT_ADDRESSES => {
                Property::MacSrcMatchShort(self.mac.source_match.short.iter().copied().collect())
            }
            PropertyId::MAC_SRC_MATCH_EXTENDED_ADDRESSES => {
                Property::MacSrcMatchExtended(self.mac.source_match.long.iter().copied().collect())
            }
            PropertyId::RCP_TIMESTAMP => Property::RcpTimestamp(now.as_micros()),
            _ => return None,
        })
    }

    fn set(&mut self, air: &mut Air, property: &Property) -> Result<(), Status> {
        let mut settings = *self.mac.settings();
        let sources = &mut self.mac.source_match;
        match property {
            Property::PhyEnabled(on) => self.enabled = *on,
            Property::PhyChan(channel) if !CHANNELS.contains(channel) => return Err(Status::INVALID_ARGUMENT),
            Property::PhyChan(channel) => settings.channel = *channel,
            Property::PhyTxPower(dbm) => self.tx_power_dbm = *dbm,
            Property::MacLongAddress(long) => settings.long_address = *long,
            Property::MacShortAddress(short) => settings.short_address = *short,
            Property::MacPanId(pan_id) => settings.pan_id = *pan_id,
            Property::MacRawStreamEnabled(on) if *on && !self.enabled => return Err(Status::INVALID_STATE),
            Property::MacRawStreamEnabled(on) => self.raw_stream = *on,
            Property::MacPromiscuousMode(mode) => {
                self.promiscuous = *mode;
                settings.promiscuous = *mode != PromiscuousMode::Off;
            }
            Property::MacSrcMatchEnabled(on) => sources.enabled = *on,
            Property::MacSrcMatchShort(list) if list.len() > MAX_SOURCES => return Err(Status::NOMEM),
            Property::MacSrcMatchShort(list) => sources.short = list.iter().copied().collect(),
            Property::MacSrcMatchExtended(list) if list.len() > MAX_SOURCES => return Err(Status::NOMEM),
            Property::MacSrcMatchExtended(list) => sources.long = list.iter().copied().collect(),
            Property::Other { .. } => return Err(Status::PROP_NOT_FOUND),
            _ => return Err(Status::INVALID_COMMAND_FOR_PROP),
        }
        self.mac.set(air, settings);
        self.tune(air);
        Ok(())
    }

    fn insert(&mut self, property: &Property) -> Result<(), Status> {
        let sources = &mut self.mac.source_match;
        match property {
            Property::MacSrcMatchShort(list) if sources.short.len() + list.len() <= MAX_SOURCES => {
                sources.short.extend(list);
            }
            Property::MacSrcMatchExtended(list) if sources.long.len() + list.len() <= MAX_SOURCES => {
                sources.long.extend(list);
            }
            Property::MacSrcMatchShort(_) | Property::MacSrcMatchExtended(_) => return Err(Status::NOMEM),
            Property::Other { .. } => return Err(Status::PROP_NOT_FOUND),
            _ => return Err(Status::INVALID_COMMAND_FOR_PROP),
        }
        Ok(())
    }

    fn remove(&mut self, property: &Property) -> Result<(), Status> {
        let sources = &mut self.mac.source_match;
        let found = match property {
            Property::MacSrcMatchShort(list) => list.iter().all(|short| sources.short.remove(short)),
            Property::MacSrcMatchExtended(list) => list.iter().all(|long| sources.long.remove(long)),
            Property::Other { .. } => return Err(Status::PROP_NOT_FOUND),
            _ => return Err(Status::INVALID_COMMAND_FOR_PROP),
        };
        if found { Ok(()) } else { Err(Status::ITEM_NOT_FOUND) }
    }

    fn transmit(
        &mut self,
        air: &mut Air,
        now: Instant,
        transaction: u8,
        frame: TransmitFrame,
        out: &mut Outbox,
    ) -> Result<(), Status> {
        if !self.enabled || !self.raw_stream || self.mac.is_sending() {
            return Err(Status::INVALID_STATE);
        }
        if !CHANNELS.contains(&frame.channel) {
            return Err(Status::INVALID_ARGUMENT);
        }
        self.sending = Some(transaction);
        let request = TransmitRequest {
            psdu: frame.psdu,
            channel: frame.channel,
            csma: frame.csma,
            max_csma_backoffs: frame.max_csma_backoffs,
            max_frame_retries: frame.max_frame_retries,
        };
        let mut events = Vec::new();
        self.mac.transmit(air, now, self.token, request, &mut events);
        self.on_mac(events, out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AirConfig;
    use proptest::prelude::*;

    fn rcp() -> (Air, Rcp, Outbox) {
        let mut air = Air::new(AirConfig::default());
        let settings = MacSettings::default();
        let mac = MacRadio::new(air.attach("rcp", settings.channel), settings, 4, crate::Phy::O_QPSK_2450);
        let mut rcp = Rcp::new(mac, Eui64(9), Duration::from_micros(32));
        let mut out = Outbox::new(65_536);
        rcp.boot(&mut air, Status::RESET_POWER_ON, &mut out);
        out.clear();
        (air, rcp, out)
    }

    fn answers(out: &mut Outbox) -> Vec<SpinelFrame> {
        let mut decoder = hdlc::Decoder::new(MAXIMUM_FRAME_LENGTH);
        let mut frames = Vec::new();
        while let Some(octets) = out.pop(std::time::Instant::now()) {
            frames.extend(decoder.push_all(&octets).map(|frame| SpinelFrame::parse(&frame.unwrap()).unwrap()));
        }
        frames
    }

    fn ask(message: Message) -> SpinelFrame {
        let (mut air, mut rcp, mut out) = rcp();
        let octets = hdlc::encode(&SpinelFrame::new(3, message).to_vec());
        rcp.on_octets(&mut air, Instant(77), &octets, &mut out);
        let mut frames = answers(&mut out);
        assert_eq!(frames.len(), 1, "one answer");
        frames.remove(0)
    }

    fn status(status: Status) -> Message {
        Message::Is(Property::LastStatus(LastStatus::new(status)))
    }

    #[rstest::rstest]
    #[case::noop(Message::Noop, status(Status::OK))]
    #[case::clock(Message::Get(PropertyId::RCP_TIMESTAMP), Message::Is(Property::RcpTimestamp(77)))]
    #[case::unknown(Message::Get(PropertyId(0x4000)), status(Status::PROP_NOT_FOUND))]
    #[case::channel(Message::Set(Property::PhyChan(26)), Message::Is(Property::PhyChan(26)))]
    #[case::no_channel(Message::Set(Property::PhyChan(27)), status(Status::INVALID_ARGUMENT))]
    #[case::read_only(Message::Set(Property::HwAddr(Eui64(1))), status(Status::INVALID_COMMAND_FOR_PROP))]
    #[case::off(Message::Set(Property::MacRawStreamEnabled(true)), status(Status::INVALID_STATE))]
    #[case::frame_while_off(
        Message::Set(Property::Transmit(TransmitFrame::new(vec![0; 10], 11))),
        status(Status::INVALID_STATE)
    )]
    #[case::insert(
        Message::Insert(Property::MacSrcMatchShort(vec![5])),
        Message::Inserted(Property::MacSrcMatchShort(vec![5]))
    )]
    #[case::too_many(Message::Insert(Property::MacSrcMatchShort(vec![5; 65])), status(Status::NOMEM))]
    #[case::not_there(Message::Remove(Property::MacSrcMatchShort(vec![5])), status(Status::ITEM_NOT_FOUND))]
    #[case::answer(status(Status::OK), status(Status::INVALID_COMMAND))]
    fn answers_a_request(#[case] request: Message, #[case] answer: Message) {
        assert_eq!(ask(request), SpinelFrame::new(3, answer));
    }

    #[test]
    fn answers_what_does_not_parse() {
        let (mut air, mut rcp, mut out) = rcp();
        for frame in [&[0x83, 0x03, 0x36, 0x01][..], &[0x93, 0x00], &[0x03, 0x00], &[]] {
            rcp.on_octets(&mut air, Instant(1), &hdlc::encode(frame), &mut out);
        }
        let expected = [Status::PARSE_ERROR, Status::INVALID_INTERFACE].map(|s| SpinelFrame::new(3, status(s)));
        assert_eq!(answers(&mut out), expected);
        assert_eq!(rcp.errors(), 3, "neither has a frame without a flag in its header, nor one of no octets");
    }

    #[test]
    fn a_reset_forgets_the_settings() {
        let (mut air, mut rcp, mut out) = rcp();
        for message in [
            Message::Set(Property::MacPanId(5)),
            Message::Set(Property::PhyEnabled(true)),
            Message::Reset(Some(ResetKind::Platform)),
            Message::Get(PropertyId::MAC_15_4_PANID),
            Message::Get(PropertyId::PHY_ENABLED),
        ] {
            let octets = hdlc::encode(&SpinelFrame::new(3, message).to_vec());
            rcp.on_octets(&mut air, Instant(1), &octets, &mut out);
        }
        let expected = [
            SpinelFrame::new(0, status(Status::RESET_SOFTWARE)),
            SpinelFrame::new(3, Message::Is(Property::MacPanId(0xFFFF))),
            SpinelFrame::new(3, Message::Is(Property::PhyEnabled(false))),
        ];
        assert_eq!(answers(&mut out), expected, "what was not read before the reset is gone with it");
    }

    proptest! {
        /// Whatever a host sends, damaged or only senseless, each frame gets one answer at most, and the next is understood.
        #[test]
        fn survives_any_host(frames in prop::collection::vec((any::<bool>(), 0u8..16, 0u8..12, prop::collection::vec(any::<u8>(), 0..40)), 0..40)) {
            let (mut air, mut rcp, mut out) = rcp();
            for (framed, transaction, command, octets) in frames {
                let frame = [&[0x80 | transaction, command][..], &octets].concat();
                let sent = if framed { hdlc::encode(&frame) } else { [&octets[..], &[0x7E]].concat() };
                rcp.on_octets(&mut air, Instant(5), &sent, &mut out);
                prop_assert!(answers(&mut out).len() <= 1 + octets.iter().filter(|octet| **octet == 0x7E).count());
            }
            let octets = hdlc::encode(&SpinelFrame::new(7, Message::Noop).to_vec());
            rcp.on_octets(&mut air, Instant(6), &octets, &mut out);
            prop_assert_eq!(answers(&mut out).pop(), Some(SpinelFrame::new(7, status(Status::OK))));
        }
    }
}
