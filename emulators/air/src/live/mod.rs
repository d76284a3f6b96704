//! The medium in real time: boards, software devices, dongles and sniffers on one air.
//!
//! [`LiveAir`] owns an [`Air`] and runs it against the wall clock on a thread of its own. To it attach
//!
//! - software radios: [`LiveAir::radio`];
//! - virtual RCPs, Spinel over HDLC-lite as an OpenThread RCP speaks it ([`hanrig_wire::spinel`]), on a pseudo-terminal or any
//!   stream, such as the socket behind a UART of an emulated board: [`LiveAir::rcp_on_pty`], [`LiveAir::rcp_on_stream`];
//! - virtual sniffers, the text protocol of the nRF Sniffer for 802.15.4, on a pseudo-terminal or any stream:
//!   [`LiveAir::sniffer_on_pty`], [`LiveAir::sniffer_on_stream`].
//!
//! Whoever would talk to a real dongle cannot tell these from one.
//!
//! # Time
//!
//! Every radio here has a MAC that filters, acknowledges, waits for acknowledgements and repeats frames by itself, because
//! neither a serial port nor an operating system keeps the turnaround time of 192 µs. These MACs run within the simulation,
//! to the microsecond, however late the thread is; only what comes from outside comes when it comes. Timestamps are
//! [`Instant`]s on the [`LiveClock`].
//!
//! CSMA-CA is the medium's. Its macMaxCSMABackoffs is the least that a frame gets; a request for more is met in whole rounds.
//!
//! With [`Pace::Unthrottled`] frames, turnarounds and backoffs take no time, so that a transfer takes as long as its
//! participants need and no longer. Nothing collides then. Where no acknowledgement comes, it is waited for as ever.
//!
//! # Slow readers
//!
//! Nobody holds up the medium: what a reader does not take in time waits in a bounded queue, then whole frames are dropped,
//! counted ([`EndpointStats::dropped`], [`RadioEvent::Dropped`]) and told ([`NoticeKind::Dropping`]).

mod clock;
mod endpoint;
mod engine;
mod outbox;
mod port;
mod radio;
mod rcp;
mod sniffer;

pub use crate::mac::MacSettings;
pub use clock::LiveClock;
pub use endpoint::Endpoint;
pub use radio::{LiveRadio, RadioEvent, RadioEvents, RadioReception};

use crate::{Air, AirConfig, AirStats, Phy, RadioId, SniffedFrame};
use engine::{Command, Engine, Medium, NewStation, Notices, StationId};
use hanrig_wire::time::Instant;
use hanrig_wire::types::Eui64;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::sync::atomic::AtomicU32;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Commands that wait for the medium's thread before who sends more has to wait.
const COMMANDS: usize = 1024;

/// How long things take on the air.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// As long as [`AirConfig::phy`] says.
    #[default]
    Airtime,
    /// No time.
    Unthrottled,
}

/// The set-up of a [`LiveAir`].
#[derive(Clone, Debug)]
pub struct LiveConfig {
    /// The medium. Links apply to stations by their names.
    pub air: AirConfig,
    /// How long things take.
    pub pace: Pace,
    /// The time line.
    pub clock: LiveClock,
    /// Octets that wait for the reader of a port before frames are dropped.
    pub port_queue: usize,
    /// Frames that wait at a software radio before more are dropped.
    pub radio_queue: usize,
}

impl Default for LiveConfig {
    /// The default medium at its real pace, a clock that starts now, 64 KiB and 1024 frames.
    fn default() -> Self {
        Self {
            air: AirConfig::default(),
            pace: Pace::Airtime,
            clock: LiveClock::new(),
            port_queue: 65_536,
            radio_queue: 1024,
        }
    }
}

/// Why the medium, or something on it, could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The thread could not be started.
    #[error("cannot start the medium's thread")]
    Thread(#[source] std::io::Error),
    /// The medium was stopped.
    #[error("the medium was stopped")]
    Stopped,
    /// No pseudo-terminal, or no link to it.
    #[error("cannot open a pseudo-terminal{}", link.as_ref().map(|link| format!(" with a link at {}", link.display())).unwrap_or_default())]
    Pty {
        /// The link wanted.
        link: Option<PathBuf>,
        /// What the system says.
        source: std::io::Error,
    },
    /// A port could not be served.
    #[error("cannot serve the port")]
    Port(#[source] std::io::Error),
}

/// Something that whoever runs the bench may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// When.
    pub at: Instant,
    /// The name of the radio or endpoint.
    pub endpoint: String,
    /// What.
    pub kind: NoticeKind,
}

/// What a [`Notice`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// An endpoint was plugged in.
    Plugged,
    /// An endpoint was unplugged.
    Unplugged,
    /// The other end of an endpoint's stream was closed, or its port failed.
    Closed,
    /// Its reader is too slow: frames are being dropped. Told once for each spell.
    Dropping,
}

/// Counts of an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndpointStats {
    /// Whether it is plugged in now, and the other end of its stream is open.
    pub plugged: bool,
    /// How often it was unplugged or its stream closed.
    pub unplugged: u64,
    /// Frames or lines queued for the port.
    pub told: u64,
    /// Frames or lines dropped because the reader was too slow.
    pub dropped: u64,
    /// Frames or lines from the port that were damaged or not understood.
    pub malformed: u64,
}

/// The medium in real time. It stops when this is dropped; ports are closed when their [`Endpoint`]s are.
#[derive(Debug)]
pub struct LiveAir {
    commands: SyncSender<Command>,
    notices: Notices,
    clock: LiveClock,
    port_queue: usize,
    radio_queue: usize,
    thread: Option<JoinHandle<()>>,
}

impl LiveAir {
    /// Starts the medium.
    ///
    /// # Errors
    /// Where its thread cannot be started.
    pub fn start(config: LiveConfig) -> Result<Self, LiveError> {
        let LiveConfig { mut air, pace, clock, port_queue, radio_queue } = config;
        if pace == Pace::Unthrottled {
            air.phy = Phy::INSTANT;
            air.sub_ghz = Phy::INSTANT;
        }
        let medium = Medium { phy: air.phy, max_csma_backoffs: air.csma.max_csma_backoffs };
        let (commands, receiver) = sync_channel(COMMANDS);
        let notices = Notices::default();
        let engine = Engine::new(Air::new(air), medium, clock, receiver, notices.clone());
        let thread = std::thread::Builder::new()
            .name("air".to_owned())
            .spawn(move || engine.run())
            .map_err(LiveError::Thread)?;
        Ok(Self { commands, notices, clock, port_queue, radio_queue, thread: Some(thread) })
    }

    /// The time line.
    pub const fn clock(&self) -> LiveClock {
        self.clock
    }

    /// Attaches the radio of a software device.
    ///
    /// # Errors
    /// [`LiveError::Stopped`].
    pub fn radio(&self, name: &str, settings: MacSettings) -> Result<(LiveRadio, RadioEvents), LiveError> {
        let (sink, events) = radio::events(self.radio_queue);
        let (station, radio) = self.attach(name, NewStation::Radio { settings, sink })?;
        Ok((LiveRadio { station, radio, commands: self.commands.clone(), next: AtomicU32::new(0) }, events))
    }

    /// Attaches a virtual RCP with the factory-assigned address `eui` and plugs it in on a pseudo-terminal.
    ///
    /// A `link` is a symbolic link that is made to the pseudo-terminal, so that its path stays the same when it is plugged in
    /// again. A symbolic link that is there already is replaced.
    ///
    /// # Errors
    /// What the system says of the pseudo-terminal.
    pub fn rcp_on_pty(&self, name: &str, eui: Eui64, link: Option<&Path>) -> Result<Endpoint, LiveError> {
        let mut endpoint = self.endpoint(name, NewStation::Rcp { eui }, link)?;
        endpoint.plug()?;
        Ok(endpoint)
    }

    /// Attaches a virtual RCP and plugs it in on a stream.
    ///
    /// # Errors
    /// What the system says of the stream.
    pub fn rcp_on_stream(&self, name: &str, eui: Eui64, stream: impl Into<OwnedFd>) -> Result<Endpoint, LiveError> {
        let mut endpoint = self.endpoint(name, NewStation::Rcp { eui }, None)?;
        endpoint.plug_into(stream)?;
        Ok(endpoint)
    }

    /// Attaches a virtual sniffer and plugs it in on a pseudo-terminal, with a `link` as for [`Self::rcp_on_pty`].
    ///
    /// What it hears is what the medium's sniffer hears: its links, loss and range are those of `sniffer`.
    ///
    /// # Errors
    /// What the system says of the pseudo-terminal.
    pub fn sniffer_on_pty(&self, name: &str, link: Option<&Path>) -> Result<Endpoint, LiveError> {
        let mut endpoint = self.endpoint(name, NewStation::Sniffer, link)?;
        endpoint.plug()?;
        Ok(endpoint)
    }

    /// Attaches a virtual sniffer and plugs it in on a stream.
    ///
    /// # Errors
    /// What the system says of the stream.
    pub fn sniffer_on_stream(&self, name: &str, stream: impl Into<OwnedFd>) -> Result<Endpoint, LiveError> {
        let mut endpoint = self.endpoint(name, NewStation::Sniffer, None)?;
        endpoint.plug_into(stream)?;
        Ok(endpoint)
    }

    /// All that the medium's sniffer hears from now on, without a port between. Not bounded: to be read.
    ///
    /// # Errors
    /// [`LiveError::Stopped`].
    pub fn sniffed(&self) -> Result<tokio::sync::mpsc::UnboundedReceiver<SniffedFrame>, LiveError> {
        let (sink, receiver) = tokio::sync::mpsc::unbounded_channel();
        self.commands.send(Command::Sniff { sink }).map_err(|_| LiveError::Stopped)?;
        Ok(receiver)
    }

    /// Does something with the medium itself: sets loss or range. To be short, since the medium waits. Frames are not to be
    /// handed to it, nor events taken from it.
    ///
    /// # Errors
    /// [`LiveError::Stopped`].
    pub fn with_air<R: Send + 'static>(&self, f: impl FnOnce(&mut Air) -> R + Send + 'static) -> Result<R, LiveError> {
        let (reply, answer) = sync_channel(1);
        let function = Box::new(move |air: &mut Air| {
            let _ = reply.send(f(air));
        });
        self.commands.send(Command::With(function)).map_err(|_| LiveError::Stopped)?;
        answer.recv().map_err(|_| LiveError::Stopped)
    }

    /// Counts of the medium.
    ///
    /// # Errors
    /// [`LiveError::Stopped`].
    pub fn stats(&self) -> Result<AirStats, LiveError> {
        self.with_air(|air| air.stats())
    }

    /// The notices since they were last taken; the last 1024 at most.
    pub fn take_notices(&self) -> Vec<Notice> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
    }

    fn attach(&self, name: &str, station: NewStation) -> Result<(StationId, RadioId), LiveError> {
        let (reply, answer) = sync_channel(1);
        let attach = Command::Attach { name: name.to_owned(), station, reply };
        self.commands.send(attach).map_err(|_| LiveError::Stopped)?;
        answer.recv().map_err(|_| LiveError::Stopped)
    }

    fn endpoint(&self, name: &str, station: NewStation, link: Option<&Path>) -> Result<Endpoint, LiveError> {
        let (station, radio) = self.attach(name, station)?;
        Ok(Endpoint::new(station, radio, self.commands.clone(), link.map(Path::to_owned), self.port_queue))
    }
}

impl Drop for LiveAir {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
