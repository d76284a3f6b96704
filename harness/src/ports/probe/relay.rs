//! Between probe-rs and a probe behind a socket.
//!
//! probe-rs reads from such a probe until an answer is whole. When the other side has closed the socket, it reads nothing
//! again and again, and never comes back (seen with 0.32). What this relay adds is an end: it hands octets on unchanged,
//! and when the probe is gone it sends what is no packet, which probe-rs takes for an error.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hanrig_board::NO_PACKET;
use probe_rs::probe::DebugProbeSelector;

use crate::ports::lock;

/// How long a connection to a probe may take to be made.
const PATIENCE: Duration = Duration::from_secs(5);

/// A relay between probe-rs and one probe; ends when it is dropped.
#[derive(Debug)]
pub(super) struct Relay {
    selector: DebugProbeSelector,
    probe: Stream,
    path: PathBuf,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Stream {
    fn connect(address: &str) -> Option<io::Result<Self>> {
        if let Some(path) = address.strip_prefix("unix:") {
            return Some(UnixStream::connect(path).map(Self::Unix));
        }
        let address = address.strip_prefix("tcp:")?;
        Some(connect_tcp(address).map(Self::Tcp))
    }

    fn try_clone(&self) -> io::Result<Self> {
        match self {
            Self::Unix(stream) => stream.try_clone().map(Self::Unix),
            Self::Tcp(stream) => stream.try_clone().map(Self::Tcp),
        }
    }

    fn shutdown(&self) {
        // One that is closed already is as well.
        drop(match self {
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
        });
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(buffer),
            Self::Tcp(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.write(octets),
            Self::Tcp(stream) => stream.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Relay {
    /// A relay to the probe that `selector` means, when that is behind a socket.
    pub(super) fn for_probe(selector: &DebugProbeSelector) -> io::Result<Option<Self>> {
        let address = selector.serial_number.as_deref().and_then(|serial| Some((serial, Stream::connect(serial)?)));
        let Some((address, probe)) = address else { return Ok(None) };
        let probe =
            probe.map_err(|error| io::Error::new(error.kind(), format!("no connection to {address}: {error}")))?;
        let path = lock::private_path(&socket_name())?;
        let listener = bind(&path)?;
        let mut relay = Self {
            selector: DebugProbeSelector {
                serial_number: Some(format!("unix:{}", path.display())),
                ..selector.clone()
            },
            probe,
            path,
            thread: None,
        };
        let probe = relay.probe.try_clone()?;
        let thread = thread::Builder::new().name("probe relay".to_owned()).spawn(move || serve(&listener, &probe))?;
        relay.thread = Some(thread);
        Ok(Some(relay))
    }

    /// What probe-rs is to open instead.
    pub(super) fn selector(&self) -> &DebugProbeSelector {
        &self.selector
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.probe.shutdown();
        // In case that nobody ever came: the thread still waits for somebody.
        drop(UnixStream::connect(&self.path));
        drop(fs::remove_file(&self.path));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn connect_tcp(address: &str) -> io::Result<TcpStream> {
    let mut refused = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// A socket at `path`, also when a rig that was killed has left one there: its number may be this process's now.
fn bind(path: &Path) -> io::Result<UnixListener> {
    let left_behind = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && UnixStream::connect(path).is_err_and(left_behind) => {
            fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        bound => bound,
    }
}

/// Serves the first who comes.
fn serve(listener: &UnixListener, probe: &Stream) {
    let Ok((rig, _)) = listener.accept() else { return };
    let (Ok(mut from_rig), Ok(mut to_probe)) = (rig.try_clone(), probe.try_clone()) else { return };
    let Ok(mut from_probe) = probe.try_clone() else { return };
    thread::scope(|scope| {
        scope.spawn(move || {
            drop(copy(&mut from_rig, &mut to_probe));
            to_probe.shutdown();
        });
        let mut to_rig = &rig;
        drop(copy(&mut from_probe, &mut to_rig));
        drop(to_rig.write_all(&NO_PACKET));
        drop(rig.shutdown(Shutdown::Both));
    });
}

/// Hands octets on as they come.
fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => to.write_all(buffer.get(..length).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A name that no other relay has.
fn socket_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("probe-{}-{}.sock", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_a_killed_rig_left_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("probe.sock");
        drop(bind(&path).unwrap());
        assert!(path.exists());
        let listener = bind(&path).unwrap();
        let error = bind(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "one that is listened to is left alone");
        drop(listener);
    }
}
