//! What tests of the ports share: pseudo-terminals in the place of serial ports, and events with a limit on waiting.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use hanrig::ports::{PortEvent, PortEventKind, PortEvents, SerialSettings};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// Longer than anything takes, also on a machine with other things to do.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// The device's end of a serial port.
pub(super) struct Pty {
    device: File,
    pub(super) path: PathBuf,
    written: Arc<Mutex<Vec<u8>>>,
}

impl Pty {
    pub(super) fn open() -> Self {
        let device: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&device).unwrap();
        unlockpt(&device).unwrap();
        // No echo, no translation of line ends: what is written before the port is opened must not come back.
        let mut modes = tcgetattr(device.as_fd()).unwrap();
        modes.make_raw();
        tcsetattr(device.as_fd(), OptionalActions::Now, &modes).unwrap();
        let path = PathBuf::from(ptsname(&device, Vec::new()).unwrap().into_string().unwrap());
        let device = File::from(device);
        let written = Arc::new(Mutex::new(Vec::new()));
        let (mut reader, its) = (device.try_clone().unwrap(), Arc::downgrade(&written));
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Some(written) = its.upgrade() {
                // Nobody has opened the port, or nobody has any more: the end of the file, and perhaps not for good.
                match reader.read(&mut buffer) {
                    Ok(length) if length > 0 => written.lock().unwrap().extend(&buffer[..length]),
                    _ => thread::sleep(Duration::from_millis(5)),
                }
            }
        });
        Self { device, path, written }
    }

    pub(super) fn settings(&self) -> SerialSettings {
        SerialSettings { path: self.path.clone(), baud: 115_200 }
    }

    pub(super) fn write(&mut self, octets: &[u8]) {
        self.device.write_all(octets).unwrap();
    }

    /// What the rig wrote.
    pub(super) fn written(&self) -> Vec<u8> {
        self.written.lock().unwrap().clone()
    }

    /// Waits until `done` says so of what the rig wrote.
    pub(super) fn wait_written(&self, mut done: impl FnMut(&[u8]) -> bool) {
        until(|| done(&self.written()));
    }
}

/// Waits until `done` says so.
#[track_caller]
pub(super) fn until(mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "it did not happen");
        thread::sleep(Duration::from_millis(2));
    }
}

/// The next event that `wanted` makes something of; others are passed over.
#[track_caller]
pub(super) fn next<T>(events: &mut PortEvents, mut wanted: impl FnMut(&PortEvent) -> Option<T>) -> T {
    let mut passed = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    loop {
        match events.try_recv() {
            Ok(event) => match wanted(&event) {
                Some(value) => return value,
                None => passed.push(event),
            },
            Err(error) => {
                assert!(Instant::now() < deadline, "it was not told ({error}), but {passed:#?}");
                thread::sleep(Duration::from_millis(2));
            }
        }
    }
}

/// The next fault.
#[track_caller]
pub(super) fn next_fault(events: &mut PortEvents) -> String {
    next(events, |event| match &event.kind {
        PortEventKind::Fault(fault) => Some(fault.to_string()),
        _ => None,
    })
}
