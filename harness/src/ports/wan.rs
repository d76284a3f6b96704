//! The link to a Communications Hub: a serial port, a socket, or a program that adapts a vendor's own link.
//!
//! What goes over it is the octet stream that [`hanrig_wire::wan`] tells of: frames in HDLC-like framing. Nothing here
//! looks into it.
//!
//! # Adapters
//!
//! A vendor's hub has a WAN of its own. A program of the vendor's translates between that and the octet stream:
//!
//! - the rig starts it in the folder of the bench file, with the arguments that stand there;
//! - octets for the hub come on its standard input, octets from the hub go to its standard output, unbuffered and nothing
//!   else with them;
//! - what it writes to its standard error goes to the log of the run, line by line;
//! - the link is up while it runs. When the hub has no WAN it ends, with any exit code, and the rig starts it again;
//! - when its standard input ends, the rig is done with it: it ends too, within half a second, or is killed.

use std::fmt;
use std::io::{self, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::event::{PortEventKind, PortSender};
use super::lock::{LockError, PortLock, path_identity};
use super::process::{OwnedChild, command_line, listen};
use super::ready::ready;
use super::serial::{READ_WAIT, Read, Serial, SerialError, SerialSettings, SerialWriter, read};
use super::thread::{OwnedThread, Stop};

/// How long it takes until a lost link is tried again.
const RETRY: Duration = Duration::from_millis(200);
/// How long a link may fail to come up before that is a fault of the bench.
const FAULT_AFTER: Duration = Duration::from_secs(2);
/// How long a connection may take to be made, and a write to be taken.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long an adapter may take to end by itself.
const GRACE: Duration = Duration::from_millis(500);
/// What a pipe that is ready takes at once.
const PIPE_PIECE: usize = 4096;

/// What is at the rig's end of the link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WanTarget {
    /// A serial port.
    Serial(SerialSettings),
    /// A TCP server: `HOST:PORT`.
    Tcp(String),
    /// A server on a Unix socket.
    Unix(PathBuf),
    /// An adapter.
    Exec {
        /// The program and its arguments.
        command: Vec<String>,
        /// The folder in which it runs, and relative to which its path is.
        folder: Option<PathBuf>,
    },
}

impl fmt::Display for WanTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial(settings) => settings.fmt(f),
            Self::Tcp(address) => write!(f, "TCP address {address}"),
            Self::Unix(path) => write!(f, "socket {}", path.display()),
            Self::Exec { command, .. } => write!(f, "adapter {}", command_line(command)),
        }
    }
}

/// A WAN link. It comes up and down by itself, which arrives as [`PortEventKind::WanLink`]; octets arrive as
/// [`PortEventKind::Wan`], and that it does not come up, though nobody cut it, as [`PortEventKind::Fault`].
pub trait WanLink: Send {
    /// Sends octets to the hub. On a link that is down they are lost, as on any: the protocol repeats them.
    fn send(&self, octets: Vec<u8>);

    /// Cuts the link, or lets it come up again. It is not cut at first.
    fn set_cut(&self, cut: bool);

    /// Whether it is up.
    fn is_up(&self) -> bool;
}

/// Why a WAN link does not work.
#[derive(Debug, thiserror::Error)]
pub enum WanError {
    /// Another rig has it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The serial port does not work.
    #[error("the WAN link does not come up")]
    Serial(#[from] SerialError),
    /// Nobody takes the connection, or the program does not start.
    #[error("the WAN link does not come up: cannot {} {target}{}", doing(target), advice(target))]
    Connect {
        /// What is at the rig's end.
        target: WanTarget,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The other side ends again and again, without having said anything.
    #[error("the WAN link does not stay up: {target} ends at once{}", last_words(target))]
    Ends {
        /// What is at the rig's end.
        target: WanTarget,
    },
    /// A thread for it cannot be had.
    #[error("cannot start a thread for the WAN link")]
    Thread(#[source] io::Error),
}

const fn doing(target: &WanTarget) -> &'static str {
    match target {
        WanTarget::Exec { .. } => "start the",
        _ => "connect to",
    }
}

const fn advice(target: &WanTarget) -> &'static str {
    match target {
        WanTarget::Exec { .. } => "; is it there, and may it be run?",
        _ => "; is the hub's end running?",
    }
}

const fn last_words(target: &WanTarget) -> &'static str {
    match target {
        WanTarget::Exec { .. } => "; what it said is in the log",
        _ => "; is another program connected to it?",
    }
}

/// A WAN link that comes up again whenever it was lost.
pub struct WanPort {
    shared: Arc<Shared>,
    // Without it, the writer's thread ends.
    octets: Option<Sender<Vec<u8>>>,
    reader: Option<OwnedThread>,
    writer: Option<JoinHandle<()>>,
    _lock: PortLock,
}

#[derive(Default)]
struct Shared {
    cut: AtomicBool,
    up: AtomicBool,
    /// How many writes are still to be made.
    unwritten: AtomicUsize,
    /// Whether what the link had is being taken from it, and is not told yet.
    in_hand: AtomicBool,
    writer: Mutex<Option<Writer>>,
}

impl Shared {
    fn writer(&self) -> MutexGuard<'_, Option<Writer>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for WanPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WanPort").field("up", &self.is_up()).finish_non_exhaustive()
    }
}

impl WanPort {
    /// Takes the link for this rig and begins to bring it up.
    ///
    /// # Errors
    ///
    /// When another rig has it. Whatever else keeps it from coming up is told later.
    pub fn open(target: WanTarget, events: PortSender) -> Result<Self, WanError> {
        let lock = match &target {
            WanTarget::Serial(settings) => Serial::lock(settings)?,
            WanTarget::Unix(path) => PortLock::take(&target.to_string(), &path_identity(path))?,
            WanTarget::Tcp(_) | WanTarget::Exec { .. } => {
                PortLock::take(&target.to_string(), &format!("WAN {target}"))?
            }
        };
        let shared = Arc::new(Shared::default());
        let (octets, queue) = mpsc::channel();
        let its = Arc::clone(&shared);
        let writer = thread::Builder::new().name("WAN writer".to_owned()).spawn(move || write_all(&queue, &its));
        let writer = writer.map_err(WanError::Thread)?;
        let its = Arc::clone(&shared);
        let reader = OwnedThread::start("WAN reader", move |stop| {
            Keeper { target, shared: its, events, failing_since: None, told: false }.keep(stop);
        });
        let reader = reader.map_err(WanError::Thread)?;
        Ok(Self { shared, octets: Some(octets), reader: Some(reader), writer: Some(writer), _lock: lock })
    }

    /// Whether all that was to be sent is in the link's hands. What the link itself holds back is not seen here.
    pub fn is_written(&self) -> bool {
        self.shared.unwritten.load(Ordering::Acquire) == 0
    }

    /// Whether all that has come out of the link was told; what an adapter has said is not seen here.
    pub fn is_read(&self) -> bool {
        let readable = self.shared.writer().as_ref().is_some_and(Writer::is_readable);
        // In this order: what is not to be read any more is in hand, or was told.
        !readable && !self.shared.in_hand.load(Ordering::Acquire)
    }
}

impl WanLink for WanPort {
    fn send(&self, octets: Vec<u8>) {
        if let Some(sender) = &self.octets {
            self.shared.unwritten.fetch_add(1, Ordering::Release);
            drop(sender.send(octets));
        }
    }

    fn set_cut(&self, cut: bool) {
        self.shared.cut.store(cut, Ordering::Release);
    }

    fn is_up(&self) -> bool {
        self.shared.up.load(Ordering::Acquire)
    }
}

impl Drop for WanPort {
    fn drop(&mut self) {
        self.octets = None;
        self.reader = None;
        if let Some(writer) = self.writer.take() {
            drop(writer.join());
        }
    }
}

/// What reads from a link that is up.
enum Reader {
    Serial(Serial),
    Tcp(TcpStream),
    Unix(UnixStream),
    Exec { stdout: ChildStdout, log: Option<OwnedThread>, adapter: OwnedChild },
}

/// What writes to it.
enum Writer {
    Serial(SerialWriter),
    Tcp(TcpStream),
    Unix(UnixStream),
    Exec(ChildStdin),
}

impl Reader {
    /// Whether there is something to read, or comes in a moment; `None` where one cannot look before one reads.
    fn has_octets(&self) -> Option<bool> {
        let ready = match self {
            Self::Tcp(stream) => ready(stream, PollFlags::IN, READ_WAIT),
            Self::Unix(stream) => ready(stream, PollFlags::IN, READ_WAIT),
            Self::Serial(_) | Self::Exec { .. } => return None,
        };
        // Whoever reads learns of an error.
        Some(ready.unwrap_or(true))
    }

    fn read<'a>(&mut self, buffer: &'a mut [u8]) -> Read<'a> {
        match self {
            Self::Serial(serial) => serial.read(buffer),
            Self::Tcp(stream) => read(stream, buffer),
            Self::Unix(stream) => read(stream, buffer),
            Self::Exec { stdout, adapter, .. } => match ready(&*stdout, PollFlags::IN, READ_WAIT) {
                Ok(true) => read(stdout, buffer),
                // What the adapter started may keep its output open, and is no adapter.
                Ok(false) => match adapter.has_ended() {
                    // It may have said something just before its end.
                    Ok(true) => match ready(&*stdout, PollFlags::IN, Duration::ZERO) {
                        Ok(true) => read(stdout, buffer),
                        Ok(false) => Read::End(io::ErrorKind::UnexpectedEof.into()),
                        Err(error) => Read::End(error),
                    },
                    Ok(false) => Read::Nothing,
                    Err(error) => Read::End(error),
                },
                Err(error) => Read::End(error),
            },
        }
    }

    /// Closes the link; the writer's end is closed already.
    fn close(self) {
        match self {
            Self::Serial(serial) => drop(serial),
            Self::Tcp(stream) => drop(stream.shutdown(Shutdown::Both)),
            Self::Unix(stream) => drop(stream.shutdown(Shutdown::Both)),
            Self::Exec { stdout, log, mut adapter } => {
                drop(stdout);
                drop(adapter.wait(GRACE));
                drop(adapter);
                drop(log);
            }
        }
    }
}

impl Writer {
    fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        match self {
            Self::Serial(serial) => serial.write(octets).map_err(io::Error::other),
            Self::Tcp(stream) => stream.write_all(octets),
            Self::Unix(stream) => stream.write_all(octets),
            Self::Exec(stdin) => {
                for piece in octets.chunks(PIPE_PIECE) {
                    if !ready(&*stdin, PollFlags::OUT, PATIENCE)? {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    stdin.write_all(piece)?;
                }
                Ok(())
            }
        }
    }

    /// Whether the link has something for the reader, where one can look.
    fn is_readable(&self) -> bool {
        let readable = match self {
            Self::Tcp(stream) => ready(stream, PollFlags::IN, Duration::ZERO),
            Self::Unix(stream) => ready(stream, PollFlags::IN, Duration::ZERO),
            Self::Serial(_) | Self::Exec(_) => return false,
        };
        readable.unwrap_or(false)
    }

    fn shutdown(&self) {
        match self {
            Self::Tcp(stream) => drop(stream.shutdown(Shutdown::Both)),
            Self::Unix(stream) => drop(stream.shutdown(Shutdown::Both)),
            Self::Serial(_) | Self::Exec(_) => {}
        }
    }
}

/// Writes what there is to send; loses it while the link is cut or down.
fn write_all(queue: &Receiver<Vec<u8>>, shared: &Shared) {
    for octets in queue {
        let mut writer = shared.writer();
        // Lost from when it is cut, though the reader has not closed it yet.
        if !shared.cut.load(Ordering::Acquire)
            && let Some(open) = writer.as_mut()
            && open.write(&octets).is_err()
        {
            // So that the reader notices. Closing an adapter's standard input ends the adapter.
            open.shutdown();
            *writer = None;
        }
        drop(writer);
        shared.unwritten.fetch_sub(1, Ordering::Release);
    }
}

/// Keeps a link up.
struct Keeper {
    target: WanTarget,
    shared: Arc<Shared>,
    events: PortSender,
    failing_since: Option<Instant>,
    told: bool,
}

impl Keeper {
    fn keep(&mut self, stop: &Stop) {
        while !stop.is_set() {
            if self.shared.cut.load(Ordering::Acquire) {
                self.failing_since = None;
                thread::sleep(READ_WAIT);
                continue;
            }
            match self.connect() {
                Ok((reader, writer)) => self.serve(reader, writer, stop),
                Err(error) => self.failed(&error),
            }
            let again = Instant::now() + RETRY;
            while Instant::now() < again && !stop.is_set() {
                thread::sleep(READ_WAIT);
            }
        }
    }

    /// Notes that the link did not come up, and tells it once it has failed for long.
    fn failed(&mut self, error: &WanError) {
        let since = *self.failing_since.get_or_insert_with(Instant::now);
        if !self.told && since.elapsed() >= FAULT_AFTER {
            self.told = true;
            self.events.fault(error);
        }
    }

    fn serve(&mut self, mut reader: Reader, writer: Writer, stop: &Stop) {
        let began = Instant::now();
        *self.shared.writer() = Some(writer);
        self.shared.up.store(true, Ordering::Release);
        self.events.send(PortEventKind::WanLink { up: true });
        let mut buffer = [0; 8192];
        let mut heard = false;
        while !stop.is_set() && !self.shared.cut.load(Ordering::Acquire) {
            let has_octets = reader.has_octets();
            if has_octets == Some(false) {
                continue;
            }
            self.shared.in_hand.store(has_octets.is_some(), Ordering::Release);
            let ended = match reader.read(&mut buffer) {
                Read::Nothing => false,
                Read::Octets(octets) => {
                    heard = true;
                    self.events.send(PortEventKind::Wan { octets: octets.to_vec() });
                    false
                }
                Read::End(_) => true,
            };
            self.shared.in_hand.store(false, Ordering::Release);
            if ended {
                break;
            }
        }
        self.shared.up.store(false, Ordering::Release);
        drop(self.shared.writer().take());
        reader.close();
        self.events.send(PortEventKind::WanLink { up: false });
        if heard || began.elapsed() >= FAULT_AFTER {
            (self.failing_since, self.told) = (None, false);
        } else if !stop.is_set() && !self.shared.cut.load(Ordering::Acquire) {
            self.failed(&WanError::Ends { target: self.target.clone() });
        }
    }

    fn connect(&self) -> Result<(Reader, Writer), WanError> {
        let connected = match &self.target {
            WanTarget::Serial(settings) => {
                let serial = Serial::open_locked(settings)?;
                let writer = serial.writer()?;
                return Ok((Reader::Serial(serial), Writer::Serial(writer)));
            }
            WanTarget::Tcp(address) => connect_tcp(address),
            WanTarget::Unix(path) => connect_unix(path).and_then(|stream| {
                stream.set_read_timeout(Some(READ_WAIT))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                Ok((Reader::Unix(stream.try_clone()?), Writer::Unix(stream)))
            }),
            WanTarget::Exec { command, folder } => self.start(command, folder.as_deref()),
        };
        connected.map_err(|source| WanError::Connect { target: self.target.clone(), source })
    }

    fn start(&self, command: &[String], folder: Option<&Path>) -> io::Result<(Reader, Writer)> {
        let mut adapter = OwnedChild::start(command, folder, Stdio::piped(), Stdio::piped())?;
        let child = adapter.child();
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("it has no standard input or output"));
        };
        let name = command.first().map(String::as_str).unwrap_or_default();
        let device: Arc<str> = Path::new(name).file_name().unwrap_or_default().to_string_lossy().into();
        let log = child.stderr.take().map(|stderr| {
            let events = self.events.clone();
            listen(stderr, move |line| events.send(PortEventKind::Log { device: Arc::clone(&device), line }))
        });
        let log = log.transpose()?;
        Ok((Reader::Exec { stdout, log, adapter }, Writer::Exec(stdin)))
    }
}

/// As [`UnixStream::connect`], which waits for ever for a server that takes no more connections.
fn connect_unix(path: &Path) -> io::Result<UnixStream> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

fn connect_tcp(address: &str) -> io::Result<(Reader, Writer)> {
    let mut refused = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(READ_WAIT))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                return Ok((Reader::Tcp(stream.try_clone()?), Writer::Tcp(stream)));
            }
            Err(error) => refused = error,
        }
    }
    Err(refused)
}
