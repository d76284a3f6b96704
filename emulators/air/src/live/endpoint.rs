//! Virtual dongles: an RCP or a sniffer behind a port.

use super::engine::{Command, StationId};
use super::port::{Port, Pty};
use super::{EndpointStats, LiveError};
use crate::frame::RadioId;
use hanrig_wire::spinel::Status;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};

/// A virtual RCP or sniffer. It is unplugged and taken off the medium when this is dropped; a pseudo-terminal, and the
/// link to it, go with it.
#[derive(Debug)]
pub struct Endpoint {
    station: StationId,
    radio: RadioId,
    commands: SyncSender<Command>,
    port: Option<Port>,
    link: Option<PathBuf>,
    plugs: u64,
    limit: usize,
}

impl Endpoint {
    pub(super) const fn new(
        station: StationId,
        radio: RadioId,
        commands: SyncSender<Command>,
        link: Option<PathBuf>,
        limit: usize,
    ) -> Self {
        Self { station, radio, commands, port: None, link, plugs: 0, limit }
    }

    /// Its radio's identifier on the medium, for [`LiveAir::with_air`](super::LiveAir::with_air); the sniffer's for a
    /// sniffer.
    pub const fn radio_id(&self) -> RadioId {
        self.radio
    }

    /// What to open to talk to it, while it is plugged in and on a pseudo-terminal: the link where there is one.
    pub fn path(&self) -> Option<&Path> {
        self.port.as_ref()?.pty.as_ref().map(Pty::path)
    }

    /// Whether it was plugged in and not unplugged. A stream whose other end was closed counts as plugged in here;
    /// [`Self::stats`] tells.
    pub const fn is_plugged(&self) -> bool {
        self.port.is_some()
    }

    /// Plugs it in on a new pseudo-terminal, after unplugging it from what it was on. It starts anew. The path differs from
    /// the one before; a link is the same.
    ///
    /// # Errors
    /// What the system says of the pseudo-terminal or the link.
    pub fn plug(&mut self) -> Result<(), LiveError> {
        self.unplug();
        let (pty, ours) =
            Pty::open(self.link.as_deref()).map_err(|source| LiveError::Pty { link: self.link.clone(), source })?;
        self.connect(ours, Some(pty))
    }

    /// Plugs it in on a stream: a socket, a serial port. It starts anew.
    ///
    /// # Errors
    /// What the system says of the stream.
    pub fn plug_into(&mut self, stream: impl Into<OwnedFd>) -> Result<(), LiveError> {
        self.unplug();
        self.connect(stream.into(), None)
    }

    fn connect(&mut self, fd: OwnedFd, pty: Option<Pty>) -> Result<(), LiveError> {
        self.plugs += 1;
        let port = Port::open(self.station, self.plugs, fd, pty, self.limit, self.commands.clone())
            .map_err(LiveError::Port)?;
        let shared = port.shared().clone();
        self.port = Some(port);
        self.commands
            .send(Command::Plug { station: self.station, plug: self.plugs, shared })
            .map_err(|_| LiveError::Stopped)
    }

    /// Pulls it out: whoever has its port open is hung up on, and an RCP's radio falls silent.
    pub fn unplug(&mut self) {
        if self.port.take().is_some() {
            let _ = self.commands.send(Command::Unplug { station: self.station });
        }
    }

    /// The dongle resets itself for the reason said, as after a crash of its firmware: its settings are lost, and an RCP tells
    /// its host of the reset.
    pub fn reset(&self, status: Status) {
        let _ = self.commands.send(Command::Reset { station: self.station, status });
    }

    /// Has what it tells from now on come to its port so much later, until it is plugged in anew: its radio is as quick as
    /// ever.
    pub fn set_latency(&self, latency: std::time::Duration) {
        if let Some(port) = &self.port {
            port.shared().outbox().set_latency(latency);
        }
    }

    /// Lets `pieces` of at least `long` octets of what it tells come to its port from now on, with all that is shorter; the
    /// next of them waits, and all after it, until more may pass, [`Self::let_all_through`] or it is plugged in anew. Its radio
    /// goes on.
    pub fn let_through(&self, pieces: usize, long: usize) {
        if let Some(port) = &self.port {
            port.shared().outbox().let_through(pieces, long);
            port.shared().wake();
        }
    }

    /// Ends [`Self::let_through`].
    pub fn let_all_through(&self) {
        if let Some(port) = &self.port {
            port.shared().outbox().let_all_through();
            port.shared().wake();
        }
    }

    /// Whether something waits because of [`Self::let_through`].
    pub fn is_holding(&self) -> bool {
        self.port.as_ref().is_some_and(|port| port.shared().outbox().is_held())
    }

    /// How many octets its port has written, and how many it has read and handed over; `None` while some wait to be written,
    /// and when it is not plugged in. Whoever has the other end can tell by this whether anything is on its way.
    pub fn carried(&self) -> Option<(u64, u64)> {
        self.port.as_ref()?.carried()
    }

    /// Whether all that has come to its port was read and handed over; also when it is not plugged in. What was handed over
    /// has been done once [`Self::stats`] answers.
    pub fn is_read(&self) -> bool {
        self.port.as_ref().is_none_or(Port::is_read)
    }

    /// Counts since it was made.
    pub fn stats(&self) -> EndpointStats {
        let (reply, answer) = sync_channel(1);
        let _ = self.commands.send(Command::Stats { station: self.station, reply });
        answer.recv().unwrap_or_default()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.port = None;
        let _ = self.commands.send(Command::Detach { station: self.station });
    }
}
