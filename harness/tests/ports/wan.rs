//! The WAN link over every kind of target: octets both ways, up and down, cut and back, and what goes wrong.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use crate::support::{Pty, next, next_fault, until};
use hanrig::ports::{Events, PortEventKind, PortEvents, WanLink, WanPort, WanTarget};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket};

#[track_caller]
fn wait_link(told: &mut PortEvents, expected: bool) {
    next(told, |event| match event.kind {
        PortEventKind::WanLink { up } => {
            assert_eq!(up, expected);
            Some(())
        }
        _ => None,
    });
}

#[track_caller]
fn wait_octets(told: &mut PortEvents, expected: &[u8]) {
    let mut heard: Vec<u8> = Vec::new();
    next(told, |event| {
        if let PortEventKind::Wan { octets } = &event.kind {
            heard.extend(octets);
        }
        (heard.len() >= expected.len()).then(|| assert_eq!(heard, expected))
    });
}

fn shell(folder: &Path, script: &str) -> WanTarget {
    let command = ["sh", "-c", script].map(str::to_owned).to_vec();
    WanTarget::Exec { command, folder: Some(folder.to_owned()) }
}

#[test]
fn over_a_serial_port() {
    let pty = Pty::open();
    let (events, mut told) = Events::channel();
    let wan = WanPort::open(WanTarget::Serial(pty.settings()), events.port("wan")).unwrap();
    wait_link(&mut told, true);
    wan.send(b"~to the hub~".to_vec());
    pty.wait_written(|written| written == b"~to the hub~");
    pty.write(b"~from the hub~");
    wait_octets(&mut told, b"~from the hub~");
}

#[test]
fn over_tcp_cut_and_back() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (events, mut told) = Events::channel();
    let target = WanTarget::Tcp(listener.local_addr().unwrap().to_string());
    let wan = WanPort::open(target, events.port("wan")).unwrap();
    let (mut hub, _) = listener.accept().unwrap();
    wait_link(&mut told, true);
    hub.write_all(b"hello").unwrap();
    wait_octets(&mut told, b"hello");

    wan.set_cut(true);
    // From then on, though the link is not closed yet.
    wan.send(b"lost".to_vec());
    wait_link(&mut told, false);
    assert!(!wan.is_up());
    // Lost, as on any link that is down; and the hub sees its end.
    wan.send(b"lost".to_vec());
    assert_eq!(hub.read(&mut [0; 8]).unwrap(), 0);

    wan.set_cut(false);
    let (mut hub, _) = listener.accept().unwrap();
    wait_link(&mut told, true);
    wan.send(b"again".to_vec());
    let mut octets = [0; 5];
    hub.read_exact(&mut octets).unwrap();
    assert_eq!(&octets, b"again");
    drop(hub);
    wait_link(&mut told, false);
}

#[test]
fn over_a_unix_socket_that_comes_late() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.sock");
    let (events, mut told) = Events::channel();
    let wan = WanPort::open(WanTarget::Unix(path.clone()), events.port("wan")).unwrap();
    let fault = next_fault(&mut told);
    let expected = format!(
        "the WAN link does not come up: cannot connect to socket {}; is the hub's end running?: ",
        path.display()
    );
    assert!(fault.starts_with(&expected), "{fault}");
    let listener = UnixListener::bind(&path).unwrap();
    let (mut hub, _) = listener.accept().unwrap();
    wait_link(&mut told, true);
    wan.send(b"x".to_vec());
    assert_eq!(hub.read(&mut [0; 8]).unwrap(), 1);
}

#[test]
fn a_drained_link_has_told_all_that_came_and_written_all_that_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let (events, mut told) = Events::channel();
    let wan = WanPort::open(WanTarget::Unix(path), events.port("wan")).unwrap();
    let (mut hub, _) = listener.accept().unwrap();
    wait_link(&mut told, true);
    let mut heard = 0;
    for round in 1..=500 {
        hub.write_all(b"to the rig").unwrap();
        wan.send(b"to the hub".to_vec());
        until(|| wan.is_written() && wan.is_read());
        while let Ok(event) = told.try_recv() {
            if let PortEventKind::Wan { octets } = event.kind {
                heard += octets.len();
            }
        }
        assert_eq!(heard, round * 10);
        // What is written waits here: there is no need to wait for it.
        hub.set_nonblocking(true).unwrap();
        hub.read_exact(&mut [0; 10]).unwrap();
        hub.set_nonblocking(false).unwrap();
    }
}

#[test]
fn over_an_adapter() {
    let folder = tempfile::tempdir().unwrap();
    let (events, mut told) = Events::channel();
    let wan = WanPort::open(shell(folder.path(), "echo starting >&2; exec cat"), events.port("wan")).unwrap();
    let (device, line) = next(&mut told, |event| match &event.kind {
        PortEventKind::Log { device, line } => Some((device.to_string(), line.clone())),
        _ => None,
    });
    assert_eq!((device.as_str(), line.as_str()), ("sh", "starting"));
    until(|| wan.is_up());
    wan.send(b"there and back".to_vec());
    wait_octets(&mut told, b"there and back");
}

#[test]
fn an_adapter_that_ended_is_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let (events, mut told) = Events::channel();
    // Each run answers one line and ends: the hub lost its WAN.
    let wan = WanPort::open(shell(folder.path(), "read line; echo \"$line\""), events.port("wan")).unwrap();
    for _ in 0..2 {
        wait_link(&mut told, true);
        wan.send(b"ping\n".to_vec());
        wait_octets(&mut told, b"ping\n");
        wait_link(&mut told, false);
    }
}

#[test]
fn an_adapter_that_leaves_something_behind_is_started_again_too() {
    let folder = tempfile::tempdir().unwrap();
    let (events, mut told) = Events::channel();
    // It has left the adapter's group, and keeps its output and log open.
    let script = "setsid sleep 40 & read line; echo \"$line\"";
    let wan = WanPort::open(shell(folder.path(), script), events.port("wan")).unwrap();
    for _ in 0..2 {
        wait_link(&mut told, true);
        wan.send(b"ping\n".to_vec());
        wait_octets(&mut told, b"ping\n");
        wait_link(&mut told, false);
    }
}

#[test]
fn over_a_unix_socket_that_takes_no_more_connections() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.sock");
    let socket = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    bind(&socket, &SocketAddrUnix::new(&path).unwrap()).unwrap();
    listen(&socket, 0).unwrap();
    let _other = UnixStream::connect(&path).unwrap();
    let (events, mut told) = Events::channel();
    let wan = WanPort::open(WanTarget::Unix(path), events.port("wan")).unwrap();
    let fault = next_fault(&mut told);
    assert!(fault.starts_with("the WAN link does not come up: cannot connect to socket "), "{fault}");
    drop(wan);
}

#[test]
fn an_adapter_and_all_it_started_end_with_the_link() {
    let folder = tempfile::tempdir().unwrap();
    let (events, mut told) = Events::channel();
    // Neither heeds the end of its standard input.
    let script = "sleep 1000 & echo $! > child; echo $$ > parent; wait";
    let wan = WanPort::open(shell(folder.path(), script), events.port("wan")).unwrap();
    wait_link(&mut told, true);
    let pid = |name: &str| fs::read_to_string(folder.path().join(name)).ok()?.trim().parse::<u32>().ok();
    until(|| pid("child").is_some() && pid("parent").is_some());
    drop(wan);
    for name in ["child", "parent"] {
        let status = format!("/proc/{}/stat", pid(name).unwrap());
        // One that nobody waits for yet is dead all the same.
        until(|| fs::read_to_string(&status).map_or(true, |stat| stat.contains(") Z ")));
    }
}

#[test]
fn an_adapter_that_cannot_be_started_or_does_not_stay_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (events, mut told) = Events::channel();
    let target =
        WanTarget::Exec { command: vec!["./no-such-adapter".to_owned()], folder: Some(folder.path().to_owned()) };
    let wan = WanPort::open(target, events.port("wan")).unwrap();
    let fault = next_fault(&mut told);
    let expected =
        "the WAN link does not come up: cannot start the adapter ./no-such-adapter; is it there, and may it be run?";
    assert!(fault.starts_with(expected), "{fault}");
    drop(wan);
    let wan = WanPort::open(shell(folder.path(), "exit 1"), events.port("wan")).unwrap();
    insta::assert_snapshot!(next_fault(&mut told), @"the WAN link does not stay up: adapter sh -c 'exit 1' ends at once; what it said is in the log");
    drop(wan);
}

#[test]
fn one_link_serves_one_rig() {
    let (events, _told) = Events::channel();
    let target = WanTarget::Tcp("127.0.0.1:9".to_owned());
    let _first = WanPort::open(target.clone(), events.port("wan")).unwrap();
    let error = WanPort::open(target, events.port("wan")).unwrap_err().to_string();
    assert!(error.starts_with("TCP address 127.0.0.1:9 is in use by process "), "{error}");
}
