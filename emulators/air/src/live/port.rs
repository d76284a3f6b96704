//! Ports: a pseudo-terminal or another octet stream, served by a thread of its own.

use super::engine::{Command, StationId};
use super::outbox::Outbox;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

/// Octets read at once.
const CHUNK: usize = 4096;

/// A pseudo-terminal in raw mode, and a symbolic link to it if wanted. Both are gone when it is dropped.
#[derive(Debug)]
pub(super) struct Pty {
    /// Kept open, so that the terminal keeps its mode while nobody else has it open.
    _terminal: OwnedFd,
    path: PathBuf,
    link: Option<PathBuf>,
}

impl Pty {
    /// The terminal, and our side of it.
    pub(super) fn open(link: Option<&Path>) -> io::Result<(Self, OwnedFd)> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let ours = openpt(flags)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let path = PathBuf::from(OsString::from_vec(ptsname(&ours, Vec::new())?.into_bytes()));
        let terminal = ioctl_tiocgptpeer(&ours, flags)?;
        let mut mode = tcgetattr(&terminal)?;
        mode.make_raw();
        tcsetattr(&terminal, OptionalActions::Now, &mode)?;
        let mut pty = Self { _terminal: terminal, path, link: None };
        if let Some(link) = link {
            // One that an earlier run left behind; anything else is not ours to remove.
            if link.is_symlink() {
                std::fs::remove_file(link)?;
            }
            std::os::unix::fs::symlink(&pty.path, link)?;
            pty.link = Some(link.to_owned());
        }
        Ok((pty, ours))
    }

    /// What to open: the link where there is one.
    pub(super) fn path(&self) -> &Path {
        self.link.as_deref().unwrap_or(&self.path)
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if let Some(link) = &self.link
            && std::fs::read_link(link).is_ok_and(|target| target == self.path)
        {
            let _ = std::fs::remove_file(link);
        }
    }
}

/// What the medium's thread and a port's thread share.
#[derive(Debug)]
pub(super) struct Shared {
    outbox: Mutex<Outbox>,
    wake: OwnedFd,
    stop: AtomicBool,
    /// Part of what was taken from the outbox is not written yet.
    writing: AtomicBool,
    /// What the port had may have been taken from it, and is not handed to the medium yet.
    reading: AtomicBool,
    /// Octets written to the port, and octets read from it and handed to the medium.
    written: AtomicU64,
    read: AtomicU64,
}

impl Shared {
    fn new(limit: usize) -> io::Result<Arc<Self>> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let [stop, writing, reading] = [(); 3].map(|()| AtomicBool::new(false));
        let (written, read) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(Arc::new(Self { outbox: Mutex::new(Outbox::new(limit)), wake, stop, writing, reading, written, read }))
    }

    /// Held briefly by either side, never over I/O.
    pub(super) fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the port's thread that there is something to write, or that it is to stop.
    pub(super) fn wake(&self) {
        // The only error is that it is awake already.
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }
}

/// A port that is plugged in. It is unplugged when this is dropped.
#[derive(Debug)]
pub(super) struct Port {
    shared: Arc<Shared>,
    /// To look at; the thread has one to read from.
    fd: OwnedFd,
    thread: Option<JoinHandle<()>>,
    pub(super) pty: Option<Pty>,
}

impl Port {
    pub(super) fn open(
        station: StationId,
        plug: u64,
        fd: OwnedFd,
        pty: Option<Pty>,
        limit: usize,
        commands: SyncSender<Command>,
    ) -> io::Result<Self> {
        fcntl_setfl(&fd, fcntl_getfl(&fd)? | OFlags::NONBLOCK)?;
        let shared = Shared::new(limit)?;
        let ours = fd.try_clone()?;
        let served = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("air port".to_owned()).spawn(move || {
            serve(&fd, &served, |octets| commands.send(Command::Input { station, plug, octets }).is_ok());
            if !served.stop.load(Ordering::Acquire) {
                let _ = commands.send(Command::Closed { station, plug });
            }
        })?;
        Ok(Self { shared, fd: ours, thread: Some(thread), pty })
    }

    /// How many octets were written to it and read from it, when none waits to be written; `None` while some do.
    pub(super) fn carried(&self) -> Option<(u64, u64)> {
        // While the outbox is locked nothing is taken from it.
        let outbox = self.shared.outbox();
        let is_written = outbox.is_empty() && !self.shared.writing.load(Ordering::Acquire);
        let octets = |count: &AtomicU64| count.load(Ordering::Acquire);
        is_written.then(|| (octets(&self.shared.written), octets(&self.shared.read)))
    }

    /// Whether all that has come to it was handed to the medium, as far as it is still to be.
    pub(super) fn is_read(&self) -> bool {
        if self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
            return true;
        }
        let mut port = [PollFd::new(&self.fd, PollFlags::IN)];
        let is_empty =
            poll(&mut port, Some(&Timespec::default())).is_ok() && !port[0].revents().contains(PollFlags::IN);
        // In this order: what is not to be read any more is in hand, or was handed over.
        is_empty && !self.shared.reading.load(Ordering::Acquire)
    }

    pub(super) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.shared.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Moves octets both ways until the port is closed or it is told to stop.
fn serve(fd: &OwnedFd, shared: &Shared, mut deliver: impl FnMut(Vec<u8>) -> bool) {
    let mut chunk = vec![0; CHUNK];
    let mut writing: (Vec<u8>, usize) = (Vec::new(), 0);
    loop {
        let (octets, done) = &writing;
        let due = if *done < octets.len() { Some(Instant::now()) } else { shared.outbox().due() };
        let wait = due.map(|due| due.saturating_duration_since(Instant::now()));
        let wants_write = wait.is_some_and(|wait| wait.is_zero());
        let interest = if wants_write { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
        // What is delayed wakes the thread when it may go; what may go waits for the port.
        let wait = wait.filter(|_| !wants_write).and_then(|wait| Timespec::try_from(wait).ok());
        let mut fds = [PollFd::new(fd, interest), PollFd::new(&shared.wake, PollFlags::IN)];
        match poll(&mut fds, wait.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return,
        }
        let (port, wake) = (fds[0].revents(), fds[1].revents());
        if shared.stop.load(Ordering::Acquire) {
            return;
        }
        if wake.contains(PollFlags::IN) {
            let _ = rustix::io::read(&shared.wake, &mut [0; 8]);
        }
        if port.contains(PollFlags::OUT) && !write_some(fd, shared, &mut writing) {
            return;
        }
        if port.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            shared.reading.store(true, Ordering::Release);
            match rustix::io::read(fd, &mut chunk) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                Ok(0) | Err(_) => return,
                Ok(n) if deliver(chunk.get(..n).unwrap_or_default().to_vec()) => {
                    shared.read.fetch_add(n as u64, Ordering::Release);
                }
                Ok(_) => return,
            }
            shared.reading.store(false, Ordering::Release);
        }
    }
}

/// Writes as much as the port takes. Says whether it is still there.
fn write_some(fd: &OwnedFd, shared: &Shared, (octets, done): &mut (Vec<u8>, usize)) -> bool {
    loop {
        let left = octets.get(*done..).unwrap_or_default();
        if left.is_empty() {
            let mut outbox = shared.outbox();
            let next = outbox.pop(Instant::now());
            shared.writing.store(next.is_some(), Ordering::Release);
            drop(outbox);
            let Some(next) = next else { return true };
            (*octets, *done) = (next, 0);
            continue;
        }
        match rustix::io::write(fd, left) {
            Ok(n) => {
                *done += n;
                shared.written.fetch_add(n as u64, Ordering::Release);
            }
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return true,
            Err(_) => return false,
        }
    }
}
