//! Serial ports, opened for one rig.

use std::fmt;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::fs::{Mode, OFlags};
use serialport::TTYPort;

use super::lock::{LockError, PortLock, path_identity};
use super::ready::ready;

/// How long a read waits for octets: how late a thread notices that it is to end.
pub(super) const READ_WAIT: Duration = Duration::from_millis(20);
/// How long a write may wait for the other side.
const WRITE_PATIENCE: Duration = Duration::from_secs(2);

/// How long a port may be somebody else's until it is told.
const LET_GO: Duration = Duration::from_secs(2);

/// A serial port and how to speak on it: eight data bits, no parity, one stop bit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerialSettings {
    /// The port: `/dev/serial/by-id/...` stays the same when devices are plugged in another order.
    pub path: PathBuf,
    /// Bits a second.
    pub baud: u32,
}

impl fmt::Display for SerialSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "serial port {}", self.path.display())
    }
}

/// Why a serial port does not work.
#[derive(Debug, thiserror::Error)]
pub enum SerialError {
    /// Another rig has it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// There is no such port.
    #[error("there is no serial port {}; {}", path.display(), Found(found))]
    NotFound {
        /// The port.
        path: PathBuf,
        /// Those that there are.
        found: Vec<String>,
    },
    /// It cannot be opened.
    #[error("cannot open serial port {}{}", path.display(), advice(source))]
    Open {
        /// The port.
        path: PathBuf,
        /// Why.
        #[source]
        source: serialport::Error,
    },
    /// Nothing can be written to it.
    #[error("cannot write to serial port {}; is the device still plugged in, and does it work?", path.display())]
    Write {
        /// The port.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is gone.
    #[error("serial port {} is gone; was the device unplugged?", path.display())]
    Gone {
        /// The port.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A thread for it cannot be had.
    #[error("cannot start a thread for serial port {}", path.display())]
    Thread {
        /// The port.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

struct Found<'a>(&'a [String]);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("no serial port was found; is the device plugged in?");
        }
        write!(f, "found are {}", self.0.join(", "))
    }
}

fn advice(error: &serialport::Error) -> &'static str {
    match error.kind() {
        serialport::ErrorKind::Io(io::ErrorKind::PermissionDenied) => {
            " (may this user use it? the group is often dialout)"
        }
        _ if is_busy(error) => " (another program may have it)",
        _ => "",
    }
}

fn is_busy(error: &serialport::Error) -> bool {
    matches!(error.kind(), serialport::ErrorKind::NoDevice | serialport::ErrorKind::Io(io::ErrorKind::ResourceBusy))
}

/// Opens the port twice: to read and write, and to set it and to keep other programs from it.
fn open(settings: &SerialSettings) -> Result<(File, TTYPort), serialport::Error> {
    // This one first: the other lets nobody else open the port.
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(&settings.path, flags, Mode::empty()).map_err(io::Error::from)?;
    let port = serialport::new(settings.path.to_string_lossy(), settings.baud).open_native()?;
    Ok((File::from(file), port))
}

/// How many octets have gone over a port.
#[derive(Debug, Default)]
pub struct Carried {
    read: AtomicU64,
    written: AtomicU64,
}

impl Carried {
    /// Octets that were read, and of which all that they tell has been told.
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Acquire)
    }

    /// Octets that were handed to the operating system to be written.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }
}

/// A serial port that is this rig's until it is dropped.
#[derive(Debug)]
pub(super) struct Serial {
    path: PathBuf,
    carried: Arc<Carried>,
    /// What the last read gave: whoever reads again is done with it.
    in_hand: u64,
    /// What is read from and written to. It never blocks: a device that reads no more would hold up whoever writes.
    file: File,
    /// Keeps the port as it was set, and from other programs.
    _port: TTYPort,
    // After the port, which is closed before another rig may have it.
    _lock: Option<PortLock>,
}

impl Serial {
    /// Takes the lock and opens the port.
    pub(super) fn open(settings: &SerialSettings) -> Result<Self, SerialError> {
        let lock = Self::lock(settings)?;
        Ok(Self { _lock: Some(lock), ..Self::open_locked(settings)? })
    }

    /// Takes the lock of the port.
    pub(super) fn lock(settings: &SerialSettings) -> Result<PortLock, LockError> {
        PortLock::take(&settings.to_string(), &path_identity(&settings.path))
    }

    /// Opens the port, the lock of which the caller has.
    pub(super) fn open_locked(settings: &SerialSettings) -> Result<Self, SerialError> {
        let path = settings.path.clone();
        if !path.exists() {
            return Err(SerialError::NotFound { path, found: names() });
        }
        let deadline = Instant::now() + LET_GO;
        loop {
            match open(settings) {
                Ok((file, port)) => {
                    let carried = Arc::default();
                    return Ok(Self { path, carried, in_hand: 0, file, _port: port, _lock: None });
                }
                // A program that this rig was just starting when it closed the port has it open until it runs.
                Err(source) if is_busy(&source) && Instant::now() < deadline => thread::sleep(READ_WAIT),
                Err(source) => return Err(SerialError::Open { path, source }),
            }
        }
    }

    /// Reads into `buffer` what comes within a moment.
    pub(super) fn read<'a>(&mut self, buffer: &'a mut [u8]) -> Read<'a> {
        self.carried.read.fetch_add(std::mem::take(&mut self.in_hand), Ordering::Release);
        let given = match ready(&self.file, PollFlags::IN, READ_WAIT) {
            Ok(true) => read(&mut self.file, buffer),
            Ok(false) => Read::Nothing,
            Err(error) => Read::End(error),
        };
        if let Read::Octets(octets) = &given {
            self.in_hand = octets.len() as u64;
        }
        given
    }

    /// What has gone over it, until now and from now on.
    pub(super) fn carried(&self) -> Arc<Carried> {
        Arc::clone(&self.carried)
    }

    /// Passes over what comes until nothing has for `quiet`, or for no longer than `limit`.
    pub(super) fn discard(&mut self, quiet: Duration, limit: Duration) -> Result<(), SerialError> {
        let deadline = Instant::now() + limit;
        let mut last = Instant::now();
        let mut buffer = [0; 4096];
        while last.elapsed() < quiet && Instant::now() < deadline {
            match self.read(&mut buffer) {
                Read::Octets(_) => last = Instant::now(),
                Read::Nothing => {}
                Read::End(error) => return Err(self.gone(error)),
            }
        }
        Ok(())
    }

    /// A second handle of the port, to write while another thread reads.
    pub(super) fn writer(&self) -> Result<SerialWriter, SerialError> {
        match self.file.try_clone() {
            Ok(file) => Ok(SerialWriter { path: self.path.clone(), carried: self.carried(), file }),
            Err(source) => Err(SerialError::Open { path: self.path.clone(), source: source.into() }),
        }
    }

    pub(super) fn gone(&self, source: io::Error) -> SerialError {
        SerialError::Gone { path: self.path.clone(), source }
    }
}

/// What writes to a serial port.
#[derive(Debug)]
pub(super) struct SerialWriter {
    path: PathBuf,
    carried: Arc<Carried>,
    file: File,
}

impl SerialWriter {
    /// Writes all of `octets`, or gives up after [`WRITE_PATIENCE`].
    pub(super) fn write(&mut self, octets: &[u8]) -> Result<(), SerialError> {
        self.write_all(octets).map_err(|source| SerialError::Write { path: self.path.clone(), source })
    }

    fn write_all(&mut self, mut octets: &[u8]) -> io::Result<()> {
        let deadline = Instant::now() + WRITE_PATIENCE;
        while !octets.is_empty() {
            match self.file.write(octets) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(taken) => {
                    self.carried.written.fetch_add(taken as u64, Ordering::Release);
                    octets = octets.get(taken..).unwrap_or_default();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        let seconds = WRITE_PATIENCE.as_secs();
                        return Err(io::Error::new(
                            io::ErrorKind::TimedOut,
                            format!("it has taken nothing for {seconds} s"),
                        ));
                    }
                    ready(&self.file, PollFlags::OUT, left)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// What a read gave.
pub(super) enum Read<'a> {
    Octets(&'a [u8]),
    /// Nothing yet.
    Nothing,
    /// Nothing ever again.
    End(io::Error),
}

/// Reads into `buffer`.
pub(super) fn read<'a>(port: &mut impl io::Read, buffer: &'a mut [u8]) -> Read<'a> {
    match port.read(buffer) {
        Ok(0) => Read::End(io::Error::from(io::ErrorKind::UnexpectedEof)),
        Ok(length) => Read::Octets(buffer.get(..length).unwrap_or_default()),
        Err(error) => match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Read::Nothing,
            _ => Read::End(error),
        },
    }
}

fn names() -> Vec<String> {
    serialport::available_ports()
        .map(|ports| ports.into_iter().map(|port| port.port_name).collect())
        .unwrap_or_default()
}

/// The name of a thread for the port at `path`.
pub(super) fn thread_name(kind: &str, path: &Path) -> String {
    format!("{kind} {}", path.file_name().unwrap_or_default().to_string_lossy())
}
