//! The sniffer on a pseudo-terminal: what it is told, what it tells, and what becomes of the port.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::support::{PATIENCE, Pty, next, next_fault, until};
use hanrig::ports::{Events, NrfSniffer, PortEventKind, SerialError, Sniffer};

#[test]
fn it_is_set_up_heard_and_put_to_sleep() {
    let pty = Pty::open();
    let (events, mut told) = Events::channel();
    let mut sniffer = NrfSniffer::open(&pty.settings(), 15, events.port("sniffer")).unwrap();
    pty.wait_written(|written| written == b"sleep\r\nchannel 15\r\nreceive\r\n");

    pty.write(b"receive\r\nreceived: 02002a");
    pty.write(b"b1c3 power: -42 lqi: 220 time: 1000\r\n");
    let (port, octets, rssi, lqi) = next(&mut told, |event| match &event.kind {
        PortEventKind::Frame { octets, rssi, lqi } => Some((event.port.to_string(), octets.clone(), *rssi, *lqi)),
        _ => None,
    });
    assert_eq!((port.as_str(), rssi, lqi), ("sniffer", -42, 220));
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
fn what_it_heard_before_is_passed_over() {
    let pty = Pty::open();
    let heard = |last: &str, time: u32| format!("received: 02002ab1{last} power: -42 lqi: 220 time: {time}\r\n");
    // For a rig that was killed; of the first it has read a part.
    pty.write([&heard("c3", 1)[9..], &heard("c4", 2)].concat().as_bytes());
    let (events, mut told) = Events::channel();
    let sniffer = NrfSniffer::open(&pty.settings(), 15, events.port("sniffer")).unwrap();
    pty.wait_written(|written| written == b"sleep\r\nchannel 15\r\nreceive\r\n");
    pty.write(heard("c5", 3).as_bytes());
    let octets = next(&mut told, |event| match &event.kind {
        PortEventKind::Frame { octets, .. } => Some(octets.clone()),
        _ => None,
    });
    assert_eq!(octets, [0x02, 0x00, 0x2A, 0xB1, 0xC5]);
    assert_eq!((sniffer.counters().frames, sniffer.counters().garbled), (1, 0));
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
fn a_device_that_reads_nothing_is_told_and_holds_nobody_up() {
    let pty = Pty::deaf();
    let (events, _told) = Events::channel();
    let mut sniffer = NrfSniffer::open(&pty.settings(), 15, events.port("sniffer")).unwrap();
    let (end, ended) = mpsc::channel();
    thread::spawn(move || {
        // As much as the port has room for, and then some.
        let error = (0..100_000).find_map(|_| sniffer.set_channel(15).err()).unwrap();
        drop(sniffer);
        end.send(hanrig::exit::chain(&error)).unwrap();
    });
    let told = ended.recv_timeout(PATIENCE).unwrap();
    let expected = "; is the device still plugged in, and does it work?: it has taken nothing for 2 s";
    assert!(told.starts_with("cannot write to serial port ") && told.ends_with(expected), "{told}");
}

#[test]
fn programs_that_are_started_meanwhile_keep_no_port() {
    let pty = Pty::open();
    let stop = AtomicBool::new(false);
    let (events, _told) = Events::channel();
    thread::scope(|scope| {
        for _ in 0..4 {
            // Each has what this process has open until it runs.
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    Command::new("true").status().unwrap();
                }
            });
        }
        let opened = (0..80).try_for_each(|_| NrfSniffer::open(&pty.settings(), 15, events.port("sniffer")).map(drop));
        stop.store(true, Ordering::Relaxed);
        opened.unwrap();
    });
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
