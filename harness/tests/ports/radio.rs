//! The radio on a virtual radio co-processor.

use hanrig::ports::radio::RadioEvent;
use hanrig::ports::{Events, PortEventKind, PortEvents, Radio, RcpRadio, SerialSettings};
use hanrig_air::live::{Endpoint, LiveAir, LiveConfig};
use hanrig_wire::spinel::PromiscuousMode;
use hanrig_wire::spinel::host::{RadioSettings, TransmitOutcome, TransmitRequest};
use hanrig_wire::types::Eui64;

use crate::support::{Pty, next, next_fault};

/// A beacon request; the radio computes the last two octets.
const BEACON_REQUEST: [u8; 10] = [0x03, 0x08, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x00, 0x00];

fn settings(eui: u64) -> RadioSettings {
    RadioSettings {
        channel: 15,
        long_address: Eui64(eui),
        promiscuous: PromiscuousMode::Off,
        ..RadioSettings::default()
    }
}

fn open(endpoint: &Endpoint, eui: u64) -> (RcpRadio, PortEvents) {
    let (events, mut told) = Events::channel();
    let port = SerialSettings { path: endpoint.path().unwrap().to_owned(), baud: 115_200 };
    let radio = RcpRadio::open(&port, settings(eui), events.port("radio")).unwrap();
    next(&mut told, |event| matches!(&event.kind, PortEventKind::Radio(RadioEvent::Ready(_))).then_some(()));
    (radio, told)
}

#[test]
fn frames_go_from_radio_to_radio() {
    let air = LiveAir::start(LiveConfig::default()).unwrap();
    let ends = [1, 2].map(|eui| air.rcp_on_pty(&format!("rcp{eui}"), Eui64(eui), None).unwrap());
    let (sender, mut sent) = open(&ends[0], 1);
    let (_receiver, mut received) = open(&ends[1], 2);
    let ids = [(); 2].map(|()| sender.transmit(TransmitRequest::new(BEACON_REQUEST.to_vec(), 15)));
    assert_ne!(ids[0], ids[1]);
    for expected in ids {
        let outcome = next(&mut sent, |event| match &event.kind {
            PortEventKind::Radio(RadioEvent::TransmitDone { id, outcome }) if *id == expected => Some(*outcome),
            _ => None,
        });
        assert_eq!(outcome, TransmitOutcome::Sent);
    }
    let psdu = next(&mut received, |event| match &event.kind {
        PortEventKind::Radio(RadioEvent::Received(reception)) => Some(reception.psdu.clone()),
        _ => None,
    });
    assert_eq!(psdu[..8], BEACON_REQUEST[..8]);
}

#[test]
fn what_is_sent_over_a_radio_that_is_gone_is_answered() {
    let air = LiveAir::start(LiveConfig::default()).unwrap();
    let mut end = air.rcp_on_pty("rcp", Eui64(1), None).unwrap();
    let (radio, mut told) = open(&end, 1);
    end.unplug();
    let fault = next_fault(&mut told);
    assert!(fault.contains("is gone; was the device unplugged?"), "{fault}");
    let id = radio.transmit(TransmitRequest::new(BEACON_REQUEST.to_vec(), 15));
    let outcome = next(&mut told, |event| match &event.kind {
        PortEventKind::Radio(RadioEvent::TransmitDone { id: done, outcome }) if *done == id => Some(*outcome),
        _ => None,
    });
    assert_eq!(outcome, TransmitOutcome::Unavailable);
}

#[test]
fn a_device_that_is_no_radio_is_told() {
    let pty = Pty::open();
    let (events, mut told) = Events::channel();
    let radio = RcpRadio::open(&pty.settings(), settings(1), events.port("radio")).unwrap();
    let down = next(&mut told, |event| match &event.kind {
        PortEventKind::Radio(RadioEvent::Down(reason)) => Some(reason.to_string()),
        _ => None,
    });
    assert!(down.starts_with("the RCP does not answer"), "{down}");
    drop(radio);
}
