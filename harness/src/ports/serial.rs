//! Serial ports, opened for one rig.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serialport::{SerialPort, TTYPort};

use super::lock::{LockError, PortLock, path_identity};

/// How long a read waits for octets: how late a thread notices that it is to end.
pub(super) const READ_WAIT: Duration = Duration::from_millis(20);
/// How long a write may wait for the other side.
const WRITE_PATIENCE: Duration = Duration::from_secs(2);

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
    #[error("cannot write to serial port {}; is the device still plugged in?", path.display())]
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
        serialport::ErrorKind::NoDevice => " (another program may have it)",
        _ => "",
    }
}

/// A serial port that is this rig's until it is dropped.
#[derive(Debug)]
pub(super) struct Serial {
    pub(super) path: PathBuf,
    pub(super) port: TTYPort,
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
        let builder = serialport::new(path.to_string_lossy(), settings.baud).timeout(READ_WAIT);
        match builder.open_native() {
            Ok(port) => Ok(Self { path, port, _lock: None }),
            Err(source) => Err(SerialError::Open { path, source }),
        }
    }

    /// A second handle of the port, to write while another thread reads.
    pub(super) fn writer(&self) -> Result<SerialWriter, SerialError> {
        let opened = self.port.try_clone_native().and_then(|mut port| {
            port.set_timeout(WRITE_PATIENCE)?;
            Ok(port)
        });
        match opened {
            Ok(port) => Ok(SerialWriter { path: self.path.clone(), port }),
            Err(source) => Err(SerialError::Open { path: self.path.clone(), source }),
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
    port: TTYPort,
}

impl SerialWriter {
    pub(super) fn write(&mut self, octets: &[u8]) -> Result<(), SerialError> {
        self.port.write_all(octets).map_err(|source| SerialError::Write { path: self.path.clone(), source })
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
