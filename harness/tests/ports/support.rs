//! What tests of the ports share: pseudo-terminals in the place of serial ports, and events with a limit on waiting.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hanrig::ports::{PortEvent, PortEventKind, PortEvents, SerialSettings};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// Longer than anything takes, also on a machine with other things to do.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// The device's end of a serial port. Dropping it unplugs the device: nothing keeps its end open afterwards.
pub(super) struct Pty {
    device: Arc<File>,
    pub(super) path: PathBuf,
    written: Arc<Mutex<Vec<u8>>>,
    stop: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

impl Pty {
    /// A device that takes all that it is told.
    pub(super) fn open() -> Self {
        let mut pty = Self::deaf();
        let (device, written, stop) = (Arc::clone(&pty.device), Arc::clone(&pty.written), Arc::clone(&pty.stop));
        pty.reader = Some(thread::spawn(move || {
            let mut buffer = [0; 4096];
            while !stop.load(Ordering::Acquire) {
                // Never in a read that does not come back: it would keep the device plugged in.
                let mut polled = [PollFd::new(&*device, PollFlags::IN)];
                let wait = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
                poll(&mut polled, Some(&wait)).unwrap();
                if polled[0].revents().contains(PollFlags::IN) {
                    let length = (&*device).read(&mut buffer).unwrap_or_default();
                    written.lock().unwrap().extend(&buffer[..length]);
                } else {
                    // Nothing was told, or nobody has the port open any more, and perhaps not for good.
                    thread::sleep(Duration::from_millis(1));
                }
            }
        }));
        pty
    }

    /// A device that reads nothing.
    pub(super) fn deaf() -> Self {
        let device: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&device).unwrap();
        unlockpt(&device).unwrap();
        // No echo, no translation of line ends: what is written before the port is opened must not come back.
        let mut modes = tcgetattr(device.as_fd()).unwrap();
        modes.make_raw();
        tcsetattr(device.as_fd(), OptionalActions::Now, &modes).unwrap();
        let path = PathBuf::from(ptsname(&device, Vec::new()).unwrap().into_string().unwrap());
        let (device, written) = (Arc::new(File::from(device)), Arc::default());
        Self { device, path, written, stop: Arc::default(), reader: None }
    }

    pub(super) fn settings(&self) -> SerialSettings {
        SerialSettings { path: self.path.clone(), baud: 115_200 }
    }

    pub(super) fn write(&self, octets: &[u8]) {
        (&*self.device).write_all(octets).unwrap();
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

impl Drop for Pty {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(reader) = self.reader.take() {
            drop(reader.join());
        }
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
