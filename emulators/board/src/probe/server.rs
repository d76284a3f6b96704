//! The socket of the virtual probe.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::dap::Dap;
use super::machine::QemuMachine;
use super::wire::{self, ROOT, RootCommand, SWD, SwdCommand, SwdResponse};
use crate::gdb::GdbError;

/// What probe-rs 0.32 expects; the version is that of the applet's protocol.
const IDENTIFIER: &[u8; 12] = b"probe-rs,v01";
/// What a second client reads in its place. As long as the identifier, because probe-rs reads so many octets and shows them.
const IN_USE: &[u8; 12] = b"probe in use";
const REFERENCE_CLOCK_HZ: u32 = 48_000_000;
/// What tells probe-rs that the probe is gone: when nothing more comes, it reads on for ever (seen with 0.32). These are empty
/// packets: each packet ends with a zero, and none is empty.
pub const NO_PACKET: [u8; 8] = [0; 8];
/// How long a new client waits for the one before it to be gone, which may just be closing.
const HANDOVER: Duration = Duration::from_millis(500);
/// How long a client that is refused has to say what it wants.
const REFUSAL: Duration = Duration::from_secs(2);

/// The debug port, shared by the server and the board's power switch.
#[derive(Debug)]
pub(crate) struct Port {
    inner: Mutex<PortState>,
}

#[derive(Debug)]
struct PortState {
    dap: Dap<QemuMachine>,
    /// Why QEMU cannot be reached any more.
    lost: Option<String>,
}

impl Port {
    pub(crate) fn new(dap: Dap<QemuMachine>) -> Self {
        Self { inner: Mutex::new(PortState { dap, lost: None }) }
    }

    /// Does something with the debug port. An error that is no refusal marks it as lost.
    pub(crate) fn with<T>(
        &self,
        act: impl FnOnce(&mut Dap<QemuMachine>) -> Result<T, GdbError>,
    ) -> Result<T, GdbError> {
        let mut state = self.lock();
        if state.lost.is_some() {
            return Err(GdbError::Closed);
        }
        let result = act(&mut state.dap);
        if let Err(error) = &result
            && !error.is_refusal()
        {
            state.lost = Some(error.to_string());
        }
        result
    }

    /// Why QEMU cannot be reached any more, if so.
    pub(crate) fn lost(&self) -> Option<String> {
        self.lock().lost.clone()
    }

    fn lock(&self) -> MutexGuard<'_, PortState> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn transfer(&self, commands: &[SwdCommand]) -> Vec<SwdResponse> {
        let mut responses = Vec::with_capacity(commands.len());
        if let Err(GdbError::Closed) = self.with(|dap| dap.execute(commands, &mut responses))
            && responses.is_empty()
            && commands.iter().any(|command| !matches!(command, SwdCommand::Sequence { .. }))
        {
            responses.push(SwdResponse::Error);
        }
        responses
    }
}

/// A probe that is plugged in. Unplugs it when dropped.
#[derive(Debug)]
pub(crate) struct ProbeServer {
    path: PathBuf,
    shared: Arc<Shared>,
    acceptor: Option<thread::JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    port: Arc<Port>,
    seat: Mutex<Seat>,
    vacated: Condvar,
}

/// Who uses the probe.
#[derive(Debug, Default)]
struct Seat {
    taken: Option<UnixStream>,
    unplugged: bool,
}

impl ProbeServer {
    /// Listens at `path`, where nothing must be.
    pub(crate) fn start(path: &Path, port: Arc<Port>) -> std::io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        let shared = Arc::new(Shared { port, seat: Mutex::default(), vacated: Condvar::new() });
        let serving = Arc::clone(&shared);
        let acceptor = thread::Builder::new().name("probe".to_owned()).spawn(move || accept(&listener, &serving))?;
        Ok(Self { path: path.to_owned(), shared, acceptor: Some(acceptor) })
    }
}

impl Drop for ProbeServer {
    fn drop(&mut self) {
        let mut seat = self.shared.lock();
        seat.unplugged = true;
        if let Some(client) = &seat.taken {
            // What the client has sent is still answered; what it sends from now on is a broken pipe to it.
            let _ = client.shutdown(Shutdown::Read);
        }
        drop(seat);
        self.shared.vacated.notify_all();
        // Wakes the acceptor.
        let _ = UnixStream::connect(&self.path);
        let _ = std::fs::remove_file(&self.path);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Seat> {
        self.seat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the seat for `client`; `false` when another keeps it.
    fn sit(&self, client: &UnixStream) -> bool {
        let deadline = Instant::now() + HANDOVER;
        let mut seat = self.lock();
        loop {
            if seat.unplugged {
                return false;
            }
            if seat.taken.is_none() {
                seat.taken = client.try_clone().ok();
                return seat.taken.is_some();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            seat = self.vacated.wait_timeout(seat, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn stand_up(&self) {
        self.lock().taken = None;
        self.vacated.notify_all();
    }
}

fn accept(listener: &UnixListener, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        if shared.lock().unplugged {
            return;
        }
        let Ok(client) = client else { return };
        let shared = Arc::clone(shared);
        let served = thread::Builder::new().name("probe client".to_owned()).spawn(move || {
            if shared.sit(&client) {
                // A client that talks nonsense is dropped without a word. Where it is gone, there is nobody to tell.
                if Client::new(IDENTIFIER, Some(&shared.port)).serve(&client).is_ok() {
                    let _ = (&client).write_all(&NO_PACKET);
                }
                shared.stand_up();
            } else {
                let _ = client.set_read_timeout(Some(REFUSAL));
                let _ = Client::new(IN_USE, None).serve(&client);
            }
        });
        if served.is_err() {
            return;
        }
    }
}

/// One connection's protocol state.
struct Client<'a> {
    identifier: &'a [u8],
    /// `None` for a client that is refused.
    port: Option<&'a Port>,
    divisor: u16,
    root: Vec<u8>,
    swd: Vec<u8>,
}

impl<'a> Client<'a> {
    fn new(identifier: &'a [u8], port: Option<&'a Port>) -> Self {
        Self { identifier, port, divisor: 0, root: Vec::new(), swd: Vec::new() }
    }

    /// Answers until the client goes.
    fn serve(mut self, mut stream: &UnixStream) -> std::io::Result<()> {
        let mut input = Vec::new();
        let mut buffer = vec![0; 65536];
        loop {
            let count = match stream.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            input.extend_from_slice(buffer.get(..count).unwrap_or_default());
            let mut output = Vec::new();
            while let Some((target, content)) = wire::take_packet(&mut input).map_err(std::io::Error::other)? {
                match target {
                    SWD => self.swd_packet(&content, &mut output),
                    _ => self.root_packet(&content, &mut output)?,
                }
            }
            stream.write_all(&output)?;
        }
    }

    fn root_packet(&mut self, content: &[u8], output: &mut Vec<u8>) -> std::io::Result<()> {
        self.root.extend_from_slice(content);
        let mut answer = Vec::new();
        while let Some(command) = wire::take_root(&mut self.root).map_err(std::io::Error::other)? {
            match command {
                RootCommand::Identify => answer.extend_from_slice(self.identifier),
                RootCommand::GetReferenceClock => answer.extend(REFERENCE_CLOCK_HZ.to_le_bytes()),
                RootCommand::GetDivisor => answer.extend(self.divisor.to_le_bytes()),
                RootCommand::SetDivisor(divisor) => self.divisor = divisor,
                // There is no answer to these; a lost QEMU shows at the next transfer.
                RootCommand::AssertReset => drop(self.port.map(|port| port.with(|dap| dap.target.assert_reset()))),
                RootCommand::ClearReset => drop(self.port.map(|port| port.with(|dap| dap.target.clear_reset()))),
            }
        }
        wire::emit_packet(ROOT, &answer, output);
        Ok(())
    }

    fn swd_packet(&mut self, content: &[u8], output: &mut Vec<u8>) {
        self.swd.extend_from_slice(content);
        let commands = wire::take_swd(&mut self.swd);
        let Some(port) = self.port else { return };
        let mut answer = Vec::new();
        for response in port.transfer(&commands) {
            response.emit(&mut answer);
        }
        wire::emit_packet(SWD, &answer, output);
    }
}
