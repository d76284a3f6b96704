//! Virtual RCPs.

use crate::bench::{CHANNEL, Host, PAN, air, data, open, settings, wait_for};
use hanrig_air::live::{Endpoint, LiveAir, MacSettings, NoticeKind, Pace};
use hanrig_wire::mac::{self, Address, FrameType, MacCommand, MacHeader};
use hanrig_wire::spinel::host::{DownReason, HostEvent, RadioSettings, TransmitOutcome, TransmitRequest};
use hanrig_wire::spinel::{PromiscuousMode, Status};
use hanrig_wire::types::Eui64;
use rstest::rstest;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;

const ACKNOWLEDGED: TransmitOutcome = TransmitOutcome::Acknowledged { pending: false };

fn dongle(air: &LiveAir, name: &str, short: u16) -> (Endpoint, Host) {
    let endpoint = air.rcp_on_pty(name, Eui64(short.into()), None).unwrap();
    let host = Host::start(air, open(endpoint.path().unwrap()), settings(short));
    (endpoint, host)
}

#[rstest]
fn two_hosts_exchange_frames(#[values(Pace::Airtime, Pace::Unthrottled)] pace: Pace) {
    let air = air(pace);
    let (_a, mut a) = dongle(&air, "a", 1);
    let (_b, mut b) = dongle(&air, "b", 2);
    assert!(matches!(&a.events[..], [HostEvent::Ready(identity)] if identity.hw_addr == Eui64(1)));
    let mut last = 0;
    for sequence in 0..20 {
        assert_eq!(a.send(data(sequence, 1, 2, b"ping")), ACKNOWLEDGED);
        let reception = b.receive();
        assert_eq!(reception.psdu, data(sequence, 1, 2, b"ping"));
        assert_eq!((reception.channel, reception.rssi_dbm, reception.lqi), (CHANNEL, -50, 255));
        assert!(reception.timestamp > last, "on one time line");
        last = reception.timestamp;
        assert_eq!(b.send(data(sequence, 2, 1, b"pong")), ACKNOWLEDGED);
        assert_eq!(a.receive().psdu, data(sequence, 2, 1, b"pong"));
    }
    assert!(last <= air.clock().now().as_micros());
    // 40 frames and 40 acknowledgements, and nobody was told of an acknowledgement.
    let stats = air.stats().unwrap();
    assert_eq!((stats.transmitted, stats.overlapped), (80, 0));
    assert!(a.events.iter().chain(&b.events).all(|event| !matches!(event, HostEvent::Received(_))));
}

#[test]
fn broadcasts_are_not_acknowledged() {
    let air = air(Pace::Unthrottled);
    let (_a, mut a) = dongle(&air, "a", 1);
    let (_b, mut b) = dongle(&air, "b", 2);
    assert_eq!(a.send(data(1, 1, 0xFFFF, b"all")), TransmitOutcome::Sent);
    assert_eq!(b.receive().psdu, data(1, 1, 0xFFFF, b"all"));
    assert_eq!(air.stats().unwrap().transmitted, 1);
}

#[test]
fn repeats_what_is_not_acknowledged() {
    let air = air(Pace::Airtime);
    let (a_end, mut a) = dongle(&air, "a", 1);
    let (b_end, mut b) = dongle(&air, "b", 2);
    let (from, to) = (a_end.radio_id(), b_end.radio_id());
    air.with_air(move |air| air.set_loss(from, to, 1.0)).unwrap();
    assert_eq!(a.send(data(1, 1, 2, b"lost")), TransmitOutcome::NoAck);
    assert_eq!(air.stats().unwrap().transmitted, 4, "macMaxFrameRetries is 3");
    assert_eq!(a.send(data(2, 1, 7, b"nobody")), TransmitOutcome::NoAck);
    // Acknowledgements lost: the frame arrives again and again.
    air.with_air(move |air| {
        air.set_loss(from, to, 0.0);
        air.set_loss(to, from, 1.0);
    })
    .unwrap();
    assert_eq!(a.send(data(3, 1, 2, b"heard")), TransmitOutcome::NoAck);
    for _ in 0..4 {
        assert_eq!(b.receive().psdu, data(3, 1, 2, b"heard"));
    }
}

#[test]
fn tells_that_the_channel_is_busy() {
    let air = air(Pace::Airtime);
    let (_a, mut a) = dongle(&air, "a", 1);
    let raw = MacSettings { channel: CHANNEL, raw: true, ..MacSettings::default() };
    let (jammer, _events) = air.radio("jammer", raw).unwrap();
    for _ in 0..500 {
        let noise = TransmitRequest { csma: false, ..TransmitRequest::new(vec![0x55; 127], CHANNEL) };
        jammer.transmit(noise);
    }
    assert_eq!(a.send(data(1, 1, 0xFFFF, b"?")), TransmitOutcome::ChannelAccessFailure);
    // Where CSMA-CA is not wanted the frame goes out whatever there is.
    let id = a.rcp.transmit(
        air.clock().now(),
        TransmitRequest { csma: false, ..TransmitRequest::new(data(2, 1, 0xFFFF, b"!"), CHANNEL) },
    );
    let outcome = wait_for("the end of a transmission", || {
        a.turn();
        a.take(|event| match event {
            HostEvent::TransmitDone { id: done, outcome } if *done == id => Some(*outcome),
            _ => None,
        })
    });
    assert_eq!(outcome, TransmitOutcome::Sent);
}

#[test]
fn filters_unless_promiscuous() {
    let air = air(Pace::Unthrottled);
    let (_a, mut a) = dongle(&air, "a", 1);
    let (_b, mut b) = dongle(&air, "b", 2);
    let (_c, mut c) = dongle(&air, "c", 3);
    let promiscuous = RadioSettings { promiscuous: PromiscuousMode::Full, ..settings(3) };
    c.rcp.set_settings(air.clock().now(), promiscuous);
    // The answer to this comes after that to the setting.
    assert_eq!(c.send(data(0, 3, 0xFFFF, b"")), TransmitOutcome::Sent);
    assert_eq!(a.send(data(9, 1, 2, b"for b")), ACKNOWLEDGED);
    assert_eq!(c.receive().psdu, data(9, 1, 2, b"for b"));
    let acknowledgement = c.receive().psdu;
    assert_eq!((acknowledgement.len(), acknowledgement[2]), (5, 9));
    assert_eq!(b.receive().psdu, data(0, 3, 0xFFFF, b""));
    assert_eq!(b.receive().psdu, data(9, 1, 2, b"for b"));
    assert_eq!(a.receive().psdu, data(0, 3, 0xFFFF, b""));
    a.turn();
    assert!(!a.events.iter().any(|event| matches!(event, HostEvent::Received(_))), "nothing else was for a");
}

#[test]
fn extended_addresses_and_data_requests() {
    let air = air(Pace::Unthrottled);
    let (_a, mut a) = dongle(&air, "a", 1);
    let (_b, mut b) = dongle(&air, "b", 2);
    let long = settings(2).long_address;
    let mut psdu = Vec::new();
    let (to, from) = (Address::Extended(long), Address::Extended(settings(1).long_address));
    MacHeader::within(FrameType::Command, 7, PAN, to, from).emit(&mut psdu);
    MacCommand::DataRequest.emit(&mut psdu);
    mac::append_fcs(&mut psdu);
    assert_eq!(a.send(psdu.clone()), TransmitOutcome::Acknowledged { pending: true });
    assert_eq!(b.receive().psdu, psdu);
}

#[test]
fn follows_its_settings() {
    let air = air(Pace::Unthrottled);
    let (_a, mut a) = dongle(&air, "a", 1);
    let (_b, mut b) = dongle(&air, "b", 2);
    let moved = RadioSettings { short_address: 0x55, ..settings(2) };
    b.rcp.set_settings(air.clock().now(), moved);
    assert_eq!(b.send(data(1, 0x55, 1, b"moved")), ACKNOWLEDGED);
    assert_eq!(a.send(data(1, 1, 2, b"old address")), TransmitOutcome::NoAck);
    assert_eq!(a.send(data(2, 1, 0x55, b"new address")), ACKNOWLEDGED);
    b.rcp.set_settings(air.clock().now(), RadioSettings { channel: 20, ..moved });
    wait_for("the channel", || {
        b.turn();
        (a.send(data(3, 1, 0x55, b"channel")) == TransmitOutcome::NoAck).then_some(())
    });
}

#[test]
fn finds_its_way_through_garbage() {
    let air = air(Pace::Unthrottled);
    let (endpoint, mut a) = dongle(&air, "a", 1);
    let (_b, mut b) = dongle(&air, "b", 2);
    let garbage: Vec<u8> = (0..2000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for sequence in 0..5 {
        // What the host sends.
        a.port.write_all(&garbage).unwrap();
        a.port.write_all(&[0x7E]).unwrap();
        assert_eq!(a.send(data(sequence, 1, 2, b"through")), ACKNOWLEDGED);
        assert_eq!(b.receive().psdu, data(sequence, 1, 2, b"through"));
        // What the host receives.
        a.rcp.on_octets(air.clock().now(), &garbage);
    }
    assert!(endpoint.stats().malformed > 0);
}

#[test]
fn unplugged_and_plugged_in_again() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("dongle");
    let air = air(Pace::Unthrottled);
    let (_a, mut a) = dongle(&air, "a", 1);
    let mut endpoint = air.rcp_on_pty("b", Eui64(2), Some(&link)).unwrap();
    assert_eq!(endpoint.path(), Some(link.as_path()));
    let mut b = Host::start(&air, open(&link), settings(2));
    assert_eq!(a.send(data(1, 1, 2, b"there")), ACKNOWLEDGED);

    endpoint.unplug();
    assert!(!endpoint.is_plugged() && !link.exists() && endpoint.path().is_none());
    wait_for("the hang-up", || {
        b.turn();
        b.gone.then_some(())
    });
    assert_eq!(a.send(data(2, 1, 2, b"gone")), TransmitOutcome::NoAck);

    b.port = Box::new(std::io::Cursor::new(Vec::new()));
    endpoint.plug().unwrap();
    b.port = Box::new(open(&link));
    b.restart();
    assert_eq!(a.send(data(3, 1, 2, b"back")), ACKNOWLEDGED);
    assert_eq!((endpoint.stats().unplugged, endpoint.stats().plugged), (1, true));

    // Its number may be given to another terminal at once, so its name tells nothing of it.
    let mut terminal = open(&link);
    drop(endpoint);
    assert!(!link.is_symlink());
    drop(b);
    wait_for("the terminal to hang up", || match terminal.read(&mut [0; 64]) {
        Ok(0) => Some(()),
        Ok(_) => None,
        Err(error) => (error.kind() != ErrorKind::WouldBlock).then_some(()),
    });
    // The thread of the medium does one thing after the other: with this answered, it was told before of what went.
    air.stats().unwrap();
    let kinds: Vec<_> =
        air.take_notices().into_iter().filter(|notice| notice.endpoint == "b").map(|notice| notice.kind).collect();
    assert_eq!(kinds, [NoticeKind::Plugged, NoticeKind::Unplugged, NoticeKind::Plugged, NoticeKind::Unplugged]);
}

#[test]
fn the_host_recovers_from_a_crash_of_the_dongle() {
    let air = air(Pace::Unthrottled);
    let (_a, mut a) = dongle(&air, "a", 1);
    let (b_end, mut b) = dongle(&air, "b", 2);
    b.events.clear();
    b_end.reset(Status::RESET_CRASH);
    wait_for("the crash", || {
        b.turn();
        b.take(|event| (*event == HostEvent::Down(DownReason::Reset(Status::RESET_CRASH))).then_some(()))
    });
    b.ready();
    assert_eq!(a.send(data(1, 1, 2, b"again")), ACKNOWLEDGED);
}

#[test]
fn on_a_socket() {
    let air = air(Pace::Unthrottled);
    let (_a, mut a) = dongle(&air, "a", 1);
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut endpoint = air.rcp_on_stream("b", Eui64(2), theirs).unwrap();
    assert_eq!(endpoint.path(), None);
    ours.set_nonblocking(true).unwrap();
    let b = Host::start(&air, ours, settings(2));
    assert_eq!(a.send(data(1, 1, 2, b"socket")), ACKNOWLEDGED);
    // The emulator behind it is gone.
    drop(b);
    wait_for("the end of the stream", || (!endpoint.stats().plugged).then_some(()));
    assert_eq!(a.send(data(2, 1, 2, b"socket")), TransmitOutcome::NoAck);
    assert_eq!(air.take_notices().last().unwrap().kind, NoticeKind::Closed);
    // And is started again.
    let (ours, theirs) = UnixStream::pair().unwrap();
    endpoint.plug_into(theirs).unwrap();
    ours.set_nonblocking(true).unwrap();
    let _b = Host::start(&air, ours, settings(2));
    assert_eq!(a.send(data(3, 1, 2, b"socket")), ACKNOWLEDGED);
}

/// Nothing is asserted of how fast it is: it is printed (`cargo test -p hanrig-air --test live rate -- --nocapture`).
#[test]
fn rate() {
    const FRAMES: u32 = 500;
    let air = air(Pace::Unthrottled);
    let (_a, mut a) = dongle(&air, "a", 1);
    let (_b, mut b) = dongle(&air, "b", 2);
    let start = std::time::Instant::now();
    let (mut sent, mut received) = (0u32, 0u32);
    while sent < FRAMES {
        let outcome = a.send(data(sent as u8, 1, 2, &[0x55; 90]));
        assert_eq!(outcome, ACKNOWLEDGED);
        sent += 1;
        b.turn();
        received += b.events.drain(..).filter(|event| matches!(event, HostEvent::Received(_))).count() as u32;
    }
    while received < FRAMES {
        b.receive();
        received += 1;
    }
    let rate = f64::from(FRAMES) / start.elapsed().as_secs_f64();
    println!("{rate:.0} acknowledged frames a second from host to host, one at a time, unthrottled");
}

#[test]
fn what_a_busy_medium_has_not_taken_is_not_read() {
    /// Commands that wait for a medium that is busy.
    const QUEUE: u64 = 1024;
    const FLAG: &[u8] = &[0x7E];
    let air = air(Pace::Unthrottled);
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let endpoint = air.rcp_on_stream("rcp", Eui64(1), theirs).unwrap();
    let (busy, is_busy) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            air.with_air(move |_| {
                busy.send(()).unwrap();
                may_go_on.recv().unwrap();
            })
        });
        is_busy.recv().unwrap();
        for octet in 1..=QUEUE {
            ours.write_all(FLAG).unwrap();
            wait_for("an octet to be taken", || (endpoint.carried()?.1 == octet).then_some(()));
        }
        wait_for("the last of them to be handed over", || endpoint.is_read().then_some(()));
        ours.write_all(FLAG).unwrap();
        assert!(!endpoint.is_read(), "it waits in the port or in its reader's hand");
        go_on.send(()).unwrap();
        wait_for("the last octet", || endpoint.is_read().then_some(()));
        assert_eq!(endpoint.carried().unwrap().1, QUEUE + 1);
    });
}
