//! The sniffer on a pseudo-terminal: what it is told, what it tells, and what becomes of the port.

use std::fs;

use crate::support::{Pty, next, next_fault, until};
use hanrig::ports::{Events, NrfSniffer, PortEventKind, SerialError, Sniffer};

#[test]
fn it_is_set_up_heard_and_put_to_sleep() {
    let pty = Pty::open();
    let (events, mut told) = Events::channel();
    let mut sniffer = NrfSniffer::open(&pty.settings(), 15, events.port("sniffer")).unwrap();
    pty.wait_written(|written| written == b"sleep\r\nchannel 15\r\nreceive\r\n");

    pty.write(b"receive\r\nreceived: 02002a");
    pty.write(b"b1c3 power: -42 lqi: 220 time: 1000\r\n");
    let (port, octets, rssi, lqi, time) = next(&mut told, |event| match &event.kind {
        PortEventKind::Frame { octets, rssi, lqi, device_time_us } => {
            Some((event.port.to_string(), octets.clone(), *rssi, *lqi, *device_time_us))
        }
        _ => None,
    });
    assert_eq!((port.as_str(), rssi, lqi, time), ("sniffer", -42, 220, 1000));
    assert_eq!(octets, [0x02, 0x00, 0x2A, 0xB1, 0xC3]);

    pty.write(b"received: 02zz power: 1 lqi: 2 time: 3\n\xFF\xFE\n");
    for expected in 1..=2 {
        let total = next(&mut told, |event| match &event.kind {
            PortEventKind::Garbled { total, .. } => Some(*total),
            _ => None,
        });
        assert_eq!(total, expected);
    }
    assert_eq!((sniffer.counters().frames, sniffer.counters().garbled), (1, 2));

    sniffer.set_channel(20).unwrap();
    pty.wait_written(|written| written.ends_with(b"sleep\r\nchannel 20\r\nreceive\r\n"));
    drop(sniffer);
    pty.wait_written(|written| written.ends_with(b"receive\r\nsleep\r\n"));
    // Nothing holds the port any more.
    drop(NrfSniffer::open(&pty.settings(), 15, events.port("sniffer")).unwrap());
}

#[test]
fn that_it_was_unplugged_is_told() {
    let pty = Pty::open();
    let path = pty.path.clone();
    let (events, mut told) = Events::channel();
    let mut sniffer = NrfSniffer::open(&pty.settings(), 15, events.port("sniffer")).unwrap();
    drop(pty);
    let fault = next_fault(&mut told);
    assert!(
        fault.starts_with(&format!("serial port {} is gone; was the device unplugged?", path.display())),
        "{fault}"
    );
    until(|| sniffer.set_channel(11).is_err());
}

#[test]
fn one_port_serves_one_rig() {
    let pty = Pty::open();
    let (events, _told) = Events::channel();
    let first = NrfSniffer::open(&pty.settings(), 15, events.port("first")).unwrap();
    // Under another name it is still the same port.
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("sniffer");
    std::os::unix::fs::symlink(&pty.path, &link).unwrap();
    let settings = hanrig::ports::SerialSettings { path: link.clone(), baud: 115_200 };
    let error = NrfSniffer::open(&settings, 15, events.port("second")).unwrap_err();
    assert!(matches!(error, SerialError::Lock(_)), "{error}");
    let text = error.to_string();
    let process = format!("serial port {} is in use by process {} (ports-", link.display(), std::process::id());
    assert!(text.starts_with(&process), "{text}");
    assert!(text.contains(", since 20") && text.ends_with("); wait until it is done, or stop it"), "{text}");
    drop(first);
    drop(NrfSniffer::open(&settings, 15, events.port("second")).unwrap());
}

#[test]
fn a_port_that_is_not_there_is_told_with_those_that_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ttyACM7");
    let settings = hanrig::ports::SerialSettings { path: path.clone(), baud: 115_200 };
    let (events, _told) = Events::channel();
    let error = NrfSniffer::open(&settings, 15, events.port("sniffer")).unwrap_err().to_string();
    assert!(error.starts_with(&format!("there is no serial port {}; ", path.display())), "{error}");
    fs::write(&path, "").unwrap();
    let error = NrfSniffer::open(&settings, 15, events.port("sniffer")).unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot open serial port {}", path.display())), "{error}");
}
