//! The host of an RCP, against a scripted RCP.

use hanrig_wire::hdlc;
use hanrig_wire::mac;
use hanrig_wire::spinel::host::{
    DownReason, HostConfig, HostEvent, RadioSettings, RcpHost, TransmitId, TransmitOutcome, TransmitRequest,
};
use hanrig_wire::spinel::{
    LastStatus, Message, Property, PropertyId, ReceivedFrame, ResetKind, SpinelFrame, Status, TransmitFrame,
    TransmitReport,
};
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::Eui64;
use proptest::prelude::*;
use rstest::rstest;

/// An RCP of a few lines: sets what it is told to set, and keeps frames to send for the test.
struct Rcp {
    decoder: hdlc::Decoder,
    set: Vec<Property>,
    /// Transaction and frame.
    transmits: Vec<(u8, TransmitFrame)>,
    resets: Vec<Option<ResetKind>>,
    protocol: u32,
    capabilities: Vec<u32>,
    refuses: Option<PropertyId>,
    /// Says nothing.
    dead: bool,
    /// So many answers are lost.
    loses: usize,
}

impl Rcp {
    fn new() -> Self {
        Self {
            decoder: hdlc::Decoder::new(1300),
            set: Vec::new(),
            transmits: Vec::new(),
            resets: Vec::new(),
            protocol: 4,
            capabilities: vec![24, 34, 513],
            refuses: None,
            dead: false,
            loses: 0,
        }
    }

    fn answer(&mut self, octets: &[u8]) -> Vec<u8> {
        let frames: Vec<_> = self.decoder.push_all(octets).map(Result::unwrap).collect();
        let mut output = Vec::new();
        for frame in frames {
            let frame = SpinelFrame::parse(&frame).unwrap();
            let transaction = frame.header.transaction;
            let answer = match frame.message {
                Message::Reset(kind) => {
                    self.resets.push(kind);
                    Property::LastStatus(LastStatus::new(Status::RESET_POWER_ON))
                }
                Message::Get(id) if self.refuses == Some(id) => {
                    Property::LastStatus(LastStatus::new(Status::PROP_NOT_FOUND))
                }
                Message::Get(PropertyId::PROTOCOL_VERSION) => {
                    Property::ProtocolVersion { major: self.protocol, minor: 3 }
                }
                Message::Get(PropertyId::NCP_VERSION) => Property::NcpVersion("OPENTHREAD/test".into()),
                Message::Get(PropertyId::CAPS) => Property::Caps(self.capabilities.clone()),
                Message::Get(PropertyId::HWADDR) => Property::HwAddr(Eui64(7)),
                Message::Set(Property::Transmit(transmit)) => {
                    self.transmits.push((transaction, transmit));
                    continue;
                }
                Message::Set(property) if self.refuses == Some(property.id()) => {
                    Property::LastStatus(LastStatus::new(Status::INVALID_ARGUMENT))
                }
                Message::Set(property) => {
                    self.set.push(property.clone());
                    property
                }
                other => panic!("not expected of a host: {other:?}"),
            };
            if self.loses > 0 {
                self.loses -= 1;
            } else if !self.dead {
                output.extend(is(transaction, answer));
            }
        }
        output
    }
}

fn is(transaction: u8, property: Property) -> Vec<u8> {
    hdlc::encode(&SpinelFrame::new(transaction, Message::Is(property)).to_vec())
}

fn status(transaction: u8, status: Status) -> Vec<u8> {
    let report = TransmitReport { frame_pending: false, header_updated: true, acknowledgement: None };
    is(transaction, Property::LastStatus(LastStatus { status, report: Some(report) }))
}

fn exchange(host: &mut RcpHost, rcp: &mut Rcp, now: Instant) {
    while let Some(octets) = host.take_output() {
        let answer = rcp.answer(&octets);
        host.on_octets(now, &answer);
    }
}

fn events(host: &mut RcpHost) -> Vec<HostEvent> {
    std::iter::from_fn(|| host.take_event()).collect()
}

fn settings() -> RadioSettings {
    RadioSettings {
        channel: 15,
        pan_id: 0x1A62,
        short_address: 0x0001,
        long_address: Eui64(0xAB),
        tx_power_dbm: Some(4),
        ..RadioSettings::default()
    }
}

/// Lets time pass, with the RCP answering at once, until `host` has nothing more to wait for before `until`.
fn run(host: &mut RcpHost, rcp: &mut Rcp, until: Instant) {
    while let Some(at) = host.poll_at().filter(|at| *at <= until) {
        host.poll(at);
        exchange(host, rcp, at);
    }
}

fn ready() -> (RcpHost, Rcp) {
    let (mut host, mut rcp) = (RcpHost::new(HostConfig::new(settings())), Rcp::new());
    host.start(Instant::ZERO);
    exchange(&mut host, &mut rcp, Instant::ZERO);
    assert!(matches!(events(&mut host).as_slice(), [HostEvent::Ready(_)]));
    (host, rcp)
}

/// A data frame in the PAN, with the acknowledgement request bit.
fn frame() -> Vec<u8> {
    let mut psdu = vec![0x61, 0x88, 0x2A, 0x62, 0x1A, 0x00, 0x00, 0x01, 0x00, 0x55];
    mac::append_fcs(&mut psdu);
    psdu
}

#[test]
fn brings_the_rcp_up() {
    let (mut host, mut rcp) = (RcpHost::new(HostConfig::new(settings())), Rcp::new());
    assert_eq!(host.poll_at(), None);
    host.start(Instant::ZERO);
    exchange(&mut host, &mut rcp, Instant::ZERO);
    let [HostEvent::Ready(identity)] = &events(&mut host)[..] else { panic!("not ready") };
    assert_eq!(
        (identity.version.as_str(), identity.hw_addr, identity.protocol_minor),
        ("OPENTHREAD/test", Eui64(7), 3)
    );
    assert!(host.is_ready());
    assert_eq!(rcp.resets, [Some(ResetKind::Stack)]);
    let expected = [
        Property::PhyEnabled(true),
        Property::PhyChan(15),
        Property::MacPanId(0x1A62),
        Property::MacShortAddress(1),
        Property::MacLongAddress(Eui64(0xAB)),
        Property::MacPromiscuousMode(Default::default()),
        Property::PhyTxPower(4),
        Property::MacRawStreamEnabled(true),
    ];
    assert_eq!(rcp.set, expected);
    assert_eq!(host.poll_at(), None, "nothing is waited for");
}

#[rstest]
#[case::acknowledged(Status::OK, TransmitOutcome::Acknowledged { pending: false })]
#[case::not_acknowledged(Status::NO_ACK, TransmitOutcome::NoAck)]
#[case::no_channel(Status::CCA_FAILURE, TransmitOutcome::ChannelAccessFailure)]
#[case::refused(Status::INVALID_STATE, TransmitOutcome::Refused(Status::INVALID_STATE))]
fn tells_what_became_of_a_frame(#[case] of_rcp: Status, #[case] outcome: TransmitOutcome) {
    let (mut host, mut rcp) = ready();
    let id = host.transmit(Instant(10), TransmitRequest::new(frame(), 15));
    exchange(&mut host, &mut rcp, Instant(10));
    let (transaction, sent) = rcp.transmits.pop().unwrap();
    assert_eq!((sent.psdu, sent.channel, sent.max_frame_retries, sent.csma), (frame(), 15, 3, true));
    host.on_octets(Instant(20), &status(transaction, of_rcp));
    assert_eq!(events(&mut host), [HostEvent::TransmitDone { id, outcome }]);
}

#[test]
fn a_frame_without_acknowledgement_request_is_sent() {
    let (mut host, mut rcp) = ready();
    let id = host.transmit(Instant(10), TransmitRequest::new(vec![0x03, 0x08, 1, 0xFF, 0xFF, 0xFF, 0xFF, 7, 0, 0], 15));
    exchange(&mut host, &mut rcp, Instant(10));
    host.on_octets(Instant(20), &status(rcp.transmits[0].0, Status::OK));
    assert_eq!(events(&mut host), [HostEvent::TransmitDone { id, outcome: TransmitOutcome::Sent }]);
}

#[test]
fn sends_one_frame_at_a_time_and_settings_between() {
    let (mut host, mut rcp) = ready();
    rcp.set.clear();
    let first = host.transmit(Instant(10), TransmitRequest::new(frame(), 15));
    let second = host.transmit(Instant(10), TransmitRequest::new(frame(), 20));
    host.set_settings(Instant(10), RadioSettings { short_address: 2, ..settings() });
    exchange(&mut host, &mut rcp, Instant(10));
    assert_eq!((rcp.transmits.len(), rcp.set.len()), (1, 0));
    host.on_octets(Instant(20), &status(rcp.transmits[0].0, Status::OK));
    exchange(&mut host, &mut rcp, Instant(20));
    assert_eq!(rcp.set, [Property::PhyChan(20), Property::MacShortAddress(2)]);
    assert_eq!(rcp.transmits[1].1.channel, 20);
    assert_ne!(rcp.transmits[0].0, rcp.transmits[1].0, "another transaction");
    assert_eq!(host.settings().channel, 20);
    host.on_octets(Instant(30), &status(rcp.transmits[1].0, Status::NO_ACK));
    let done = |id, outcome| HostEvent::TransmitDone { id, outcome };
    let expected =
        [done(first, TransmitOutcome::Acknowledged { pending: false }), done(second, TransmitOutcome::NoAck)];
    assert_eq!(events(&mut host), expected);
}

#[test]
fn restores_the_frame_check_sequence() {
    let (mut host, _) = ready();
    let mut psdu = frame();
    let length = psdu.len();
    psdu[length - 2..].copy_from_slice(&[0xAA, 0xBB]);
    let told = |error, psdu: &[u8]| {
        is(
            0,
            Property::Received(ReceivedFrame {
                psdu: psdu.to_vec(),
                channel: 15,
                lqi: 9,
                error,
                ..ReceivedFrame::none()
            }),
        )
    };
    host.on_octets(Instant(5), &told(0, &psdu));
    host.on_octets(Instant(6), &told(1, &[]));
    host.on_octets(Instant(7), &told(0, &[1, 2]));
    host.on_octets(Instant(8), &told(0, &[0; 128]));
    let [HostEvent::Received(reception)] = &events(&mut host)[..] else { panic!("one frame") };
    assert_eq!((&reception.psdu, reception.channel, reception.lqi), (&frame(), 15, 9));
    assert_eq!(host.counters().receive_errors, 3);
}

#[test]
fn asks_again_when_an_answer_is_lost() {
    let (mut host, mut rcp) = (RcpHost::new(HostConfig::new(settings())), Rcp::new());
    host.start(Instant::ZERO);
    let reset = host.take_output().unwrap();
    let answer = rcp.answer(&reset);
    rcp.loses = 2;
    host.on_octets(Instant::ZERO, &answer);
    exchange(&mut host, &mut rcp, Instant::ZERO);
    run(&mut host, &mut rcp, Instant(8_400_000));
    assert!(host.is_ready());
    assert_eq!((host.counters().timeouts, rcp.resets.len()), (2, 1));
}

#[test]
fn starts_over_when_the_rcp_falls_silent() {
    let (mut host, mut rcp) = ready();
    rcp.dead = true;
    let id = host.transmit(Instant(10), TransmitRequest::new(frame(), 15));
    let waiting = host.transmit(Instant(10), TransmitRequest::new(frame(), 15));
    exchange(&mut host, &mut rcp, Instant(10));
    run(&mut host, &mut rcp, Instant(20_000_000));
    let down = HostEvent::Down(DownReason::NoAnswer { waiting_for: PropertyId::STREAM_RAW });
    let done = |id| HostEvent::TransmitDone { id, outcome: TransmitOutcome::Unavailable };
    assert_eq!(events(&mut host), [done(id), done(waiting), down]);
    assert!(
        rcp.resets.contains(&Some(ResetKind::Platform)),
        "the chip is reset when resetting the stack does not help"
    );
    let refused = host.transmit(Instant(20_000_000), TransmitRequest::new(frame(), 15));
    assert_eq!(events(&mut host), [done(refused)], "not while it is down");
    // It comes back.
    rcp.dead = false;
    run(&mut host, &mut rcp, Instant(30_000_000));
    assert!(matches!(&events(&mut host)[..], [HostEvent::Ready(_)]));
}

#[test]
fn recovers_from_a_reset_of_the_rcp() {
    let (mut host, mut rcp) = ready();
    rcp.set.clear();
    let id = host.transmit(Instant(10), TransmitRequest::new(frame(), 15));
    exchange(&mut host, &mut rcp, Instant(10));
    host.on_octets(Instant(20), &is(0, Property::LastStatus(LastStatus::new(Status::RESET_WATCHDOG))));
    assert!(!host.is_ready());
    exchange(&mut host, &mut rcp, Instant(20));
    let events = events(&mut host);
    assert_eq!(events[0], HostEvent::TransmitDone { id, outcome: TransmitOutcome::Unavailable });
    assert_eq!(events[1], HostEvent::Down(DownReason::Reset(Status::RESET_WATCHDOG)));
    assert!(matches!(events[2], HostEvent::Ready(_)));
    assert_eq!(rcp.set.len(), 8, "it is set up again");
    assert_eq!(host.counters().unexpected_resets, 1);
    // The report of the frame from before comes to nothing.
    host.on_octets(Instant(30), &status(rcp.transmits[0].0, Status::OK));
    assert_eq!((host.take_event(), host.counters().stray_answers), (None, 1));
}

#[rstest]
#[case::protocol(|rcp: &mut Rcp| rcp.protocol = 5, "the RCP speaks Spinel 5, expected 4")]
#[case::no_radio(|rcp: &mut Rcp| rcp.capabilities.clear(), "the co-processor does not send raw MAC frames: its firmware is not that of an RCP")]
#[case::channel(|rcp: &mut Rcp| rcp.refuses = Some(PropertyId::PHY_CHAN), "the RCP refused PHY_CHAN: invalid argument")]
fn says_why_it_cannot_use_an_rcp(#[case] spoil: fn(&mut Rcp), #[case] reason: &str) {
    let (mut host, mut rcp) = (RcpHost::new(HostConfig::new(settings())), Rcp::new());
    spoil(&mut rcp);
    host.start(Instant::ZERO);
    exchange(&mut host, &mut rcp, Instant::ZERO);
    let [HostEvent::Down(down)] = &events(&mut host)[..] else { panic!("one event") };
    assert_eq!(down.to_string(), reason);
    // It is told once, and tried again.
    run(&mut host, &mut rcp, Instant(5_000_000));
    assert_eq!(host.take_event(), None);
    assert!(rcp.resets.len() > 3);
}

#[rstest]
#[case(PropertyId::PHY_TX_POWER)]
#[case(PropertyId::HWADDR)]
#[case(PropertyId::NCP_VERSION)]
fn does_without(#[case] property: PropertyId) {
    let (mut host, mut rcp) = (RcpHost::new(HostConfig::new(settings())), Rcp::new());
    rcp.refuses = Some(property);
    host.start(Instant::ZERO);
    exchange(&mut host, &mut rcp, Instant::ZERO);
    assert!(host.is_ready());
}

#[rstest]
#[case::too_short(vec![1, 2])]
#[case::too_long(vec![0; 128])]
fn refuses_what_is_no_frame(#[case] psdu: Vec<u8>) {
    let (mut host, _) = ready();
    let id = host.transmit(Instant(1), TransmitRequest::new(psdu, 15));
    let outcome = TransmitOutcome::Refused(Status::INVALID_ARGUMENT);
    assert_eq!(events(&mut host), [HostEvent::TransmitDone { id, outcome }]);
}

#[test]
fn transmissions_and_events_are_bounded() {
    let (mut host, _) = ready();
    for _ in 0..1000 {
        host.transmit(Instant(1), TransmitRequest::new(frame(), 15));
    }
    let events = events(&mut host);
    assert_eq!(events.len(), 1000 - 33, "one is with the RCP, 32 wait");
    let received = is(0, Property::Received(ReceivedFrame { psdu: frame(), ..ReceivedFrame::none() }));
    for _ in 0..1000 {
        host.on_octets(Instant(2), &received);
    }
    assert_eq!((std::iter::from_fn(|| host.take_event()).count(), host.counters().dropped), (256, 744));
}

/// Something that happens to a host.
#[derive(Clone, Debug)]
enum Step {
    Octets(Vec<u8>),
    Answer(u8, Property),
    Transmit,
    Channel(u8),
    Time(u32),
    Exchange,
}

fn step() -> impl Strategy<Value = Step> {
    let last = |status| Property::LastStatus(LastStatus::new(Status(status)));
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..60).prop_map(Step::Octets),
        (0u8..16, 0u32..130).prop_map(move |(transaction, status)| Step::Answer(transaction, last(status))),
        (0u8..16).prop_map(|transaction| Step::Answer(transaction, Property::PhyChan(3))),
        Just(Step::Transmit),
        (11u8..27).prop_map(Step::Channel),
        (0u32..6_000_000).prop_map(Step::Time),
        Just(Step::Exchange),
    ]
}

proptest! {
    /// Whatever comes, every transmission ends once, and the host gets the RCP up again when it is left in peace.
    #[test]
    fn survives_anything(steps in prop::collection::vec(step(), 0..60)) {
        let (mut host, mut rcp) = ready();
        let mut now = Instant(1);
        let (mut open, mut done) = (Vec::<TransmitId>::new(), Vec::new());
        for step in steps {
            match step {
                Step::Octets(octets) => host.on_octets(now, &octets),
                Step::Answer(transaction, property) => host.on_octets(now, &is(transaction, property)),
                Step::Transmit => open.push(host.transmit(now, TransmitRequest::new(frame(), 15))),
                Step::Channel(channel) => host.set_settings(now, RadioSettings { channel, ..settings() }),
                Step::Time(micros) => now += Duration::from_micros(micros.into()),
                Step::Exchange => exchange(&mut host, &mut rcp, now),
            }
            host.poll(now);
            if let Some(at) = host.poll_at() {
                prop_assert!(at > now, "nothing is left undone");
            }
        }
        // Left in peace, with an RCP that answers all but transmissions: those end by timeout.
        host.on_octets(now, &[0x7E]);
        exchange(&mut host, &mut rcp, now);
        let end = now + Duration::from_secs(300);
        run(&mut host, &mut rcp, end);
        prop_assert!(host.is_ready());
        for event in events(&mut host) {
            if let HostEvent::TransmitDone { id, .. } = event {
                done.push(id);
            }
        }
        done.sort();
        open.sort();
        prop_assert_eq!(done, open);
    }
}
