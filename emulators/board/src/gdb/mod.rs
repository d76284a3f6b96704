//! Client of QEMU's gdbstub over a Unix socket.
//!
//! The stub answers only while the machine is stopped, and any octet sent while it runs stops it: so [`GdbClient`] keeps
//! track of whether the machine runs, and a call that needs it stopped says so with [`GdbError::Running`].

mod packet;
mod registers;

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use self::registers::{Register, RegisterMap};

/// Octets of memory in one packet: two digits each, in the 4096 octets that QEMU takes.
const MEMORY_CHUNK: usize = 2000;
/// Packets that a reply may consist of before the stub is taken for something else.
const MAX_CONSOLE_PACKETS: usize = 10_000;

/// What went wrong between the virtual probe and QEMU.
#[derive(Debug, thiserror::Error)]
pub enum GdbError {
    /// The stub's socket could not be opened.
    #[error("cannot open the gdbstub at {}: {source}", path.display())]
    Connect {
        /// Socket.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// Reading or writing failed.
    #[error("lost the gdbstub: {0}")]
    Io(#[from] std::io::Error),
    /// QEMU closed the socket: it ended.
    #[error("the gdbstub closed the connection")]
    Closed,
    /// No answer in time.
    #[error("the gdbstub did not answer {command} within {after:?}")]
    Timeout {
        /// The command, shortened.
        command: String,
        /// How long was waited.
        after: Duration,
    },
    /// The stub answered with an error number.
    #[error("the gdbstub refused {command} with error {code:#04x}")]
    Refused {
        /// The command, shortened.
        command: String,
        /// Number from the `E` packet; QEMU says 0x14 for an address where nothing is.
        code: u8,
    },
    /// The answer is not one to this command.
    #[error("the gdbstub answered {command} with {answer:?}, expected {expected}")]
    Unexpected {
        /// The command, shortened.
        command: String,
        /// The answer, shortened.
        answer: String,
        /// What should have come.
        expected: &'static str,
    },
    /// The stub has no such register.
    #[error("the gdbstub has no register {0}")]
    NoRegister(String),
    /// The machine runs, and this needs it stopped.
    #[error("the machine runs: stop it before {0}")]
    Running(&'static str),
}

impl GdbError {
    /// Whether the stub lives and only refused what was asked: a fault of the access, not of the bench.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::NoRegister(_))
    }
}

/// Why the machine stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// It was asked to.
    Interrupt,
    /// Breakpoint, watchpoint, or the end of a single step.
    Trap,
    /// Another signal number.
    Other(u8),
}

/// A connection to the gdbstub of a QEMU with one Arm core.
#[derive(Debug)]
pub struct GdbClient {
    stream: UnixStream,
    received: Vec<u8>,
    acknowledges: bool,
    /// A packet is still to be acknowledged. That is done with the next thing sent: one write less for each command.
    unacknowledged: bool,
    running: bool,
    timeout: Duration,
    registers: RegisterMap,
}

impl GdbClient {
    /// Connects to the stub at `path` and reads the target description. The machine must be stopped (`-S`).
    ///
    /// `timeout` bounds the wait for each answer.
    ///
    /// # Errors
    /// When the socket cannot be opened or what answers there is no gdbstub.
    pub fn connect(path: &Path, timeout: Duration) -> Result<Self, GdbError> {
        let connect = |source| GdbError::Connect { path: path.to_owned(), source };
        let stream = UnixStream::connect(path).map_err(connect)?;
        stream.set_write_timeout(Some(timeout)).map_err(connect)?;
        let mut client = Self {
            stream,
            received: Vec::new(),
            acknowledges: true,
            unacknowledged: false,
            running: false,
            timeout,
            registers: RegisterMap::default(),
        };
        client.command("qSupported:xmlRegisters=arm")?;
        // Older stubs do not know this, and go on with acknowledgements.
        client.acknowledges = client.command("QStartNoAckMode")? != b"OK";
        // Registers have numbers only once the description was read: QEMU refuses `p` and `P` before.
        let mut documents = vec!["target.xml".to_owned()];
        while let Some(name) = documents.pop() {
            let document = client.read_description(&name)?;
            let included = client.registers.add(&document).map_err(|error| GdbError::Unexpected {
                command: format!("qXfer:features:read:{name}"),
                answer: error,
                expected: "an XML target description",
            })?;
            if documents.len() + included.len() > 32 {
                break;
            }
            documents.extend(included.into_iter().rev());
        }
        Ok(client)
    }

    /// Whether the machine runs, as far as is known without asking: see [`GdbClient::poll_stop`].
    pub fn is_running(&self) -> bool {
        self.running
    }

    /// Lets the machine run.
    ///
    /// # Errors
    /// When the stub is gone.
    pub fn resume(&mut self) -> Result<(), GdbError> {
        if !self.running {
            self.send(b"c")?;
            self.running = true;
        }
        Ok(())
    }

    /// Stops the machine and says why it stopped: it may have hit a breakpoint before the request came. `None` when it
    /// was stopped already.
    ///
    /// # Errors
    /// When the stub is gone or does not stop in time.
    pub fn interrupt(&mut self) -> Result<Option<StopReason>, GdbError> {
        if !self.running {
            return Ok(None);
        }
        self.transmit(vec![0x03])?;
        let reason = self.wait_for_stop("interrupt", self.timeout)?;
        Ok(Some(reason))
    }

    /// Says whether the machine stopped of itself since it was let run. Does not wait.
    ///
    /// # Errors
    /// When the stub is gone, which is found out here also while the machine is stopped.
    pub fn poll_stop(&mut self) -> Result<Option<StopReason>, GdbError> {
        self.stream.set_nonblocking(true)?;
        let read = self.receive();
        self.stream.set_nonblocking(false)?;
        match read {
            Ok(()) => {}
            Err(GdbError::Io(error)) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        while let Some(packet) = packet::take(&mut self.received) {
            self.unacknowledged = self.acknowledges;
            if let Some(reason) = packet.ok().as_deref().and_then(stop_reason)
                && self.running
            {
                self.running = false;
                return Ok(Some(reason));
            }
        }
        Ok(None)
    }

    /// Executes one instruction, with interrupts and timers held back.
    ///
    /// A core that sleeps in WFI cannot step, as nothing can wake it: it is stopped again after `patience`, and that is
    /// the step.
    ///
    /// # Errors
    /// [`GdbError::Running`], or the stub is gone.
    pub fn step(&mut self, patience: Duration) -> Result<(), GdbError> {
        self.need_stopped("a step")?;
        self.send(b"s")?;
        self.running = true;
        match self.wait_for_stop("s", patience) {
            Ok(_) => Ok(()),
            Err(GdbError::Timeout { .. }) => self.interrupt().map(|_| ()),
            Err(error) => Err(error),
        }
    }

    /// Reads memory from `address` as the core sees it.
    ///
    /// # Errors
    /// [`GdbError::Refused`] where nothing is; [`GdbError::Running`]; or the stub is gone.
    pub fn read_memory(&mut self, address: u32, data: &mut [u8]) -> Result<(), GdbError> {
        self.need_stopped("reading memory")?;
        let mut at = address;
        for chunk in data.chunks_mut(MEMORY_CHUNK) {
            let command = format!("m{at:x},{:x}", chunk.len());
            let answer = self.command(&command)?;
            match packet::from_hex(&answer) {
                Some(octets) if octets.len() == chunk.len() => chunk.copy_from_slice(&octets),
                _ => return Err(refusal(&command, &answer, "as many octets as asked for, in hexadecimal")),
            }
            at = at.wrapping_add(chunk.len() as u32);
        }
        Ok(())
    }

    /// Writes memory from `address` as the core sees it. Translated code is discarded where it is overwritten.
    ///
    /// QEMU takes a write where no memory is, and does nothing.
    ///
    /// # Errors
    /// As [`GdbClient::read_memory`].
    pub fn write_memory(&mut self, address: u32, data: &[u8]) -> Result<(), GdbError> {
        self.need_stopped("writing memory")?;
        let mut at = address;
        for chunk in data.chunks(MEMORY_CHUNK) {
            let mut command = format!("M{at:x},{:x}:", chunk.len()).into_bytes();
            command.extend(packet::to_hex(chunk));
            let answer = self.exchange(&command)?;
            if answer != b"OK" {
                return Err(refusal(&format!("M{at:x},{:x}", chunk.len()), &answer, "OK"));
            }
            at = at.wrapping_add(chunk.len() as u32);
        }
        Ok(())
    }

    /// Writes to the registers of peripherals, which [`GdbClient::write_memory`] silently does not.
    ///
    /// The private peripheral bus is out of reach, and an address where nothing is takes the write as well.
    ///
    /// # Errors
    /// When the stub is gone, or the machine runs.
    pub fn write_device(&mut self, address: u32, data: &[u8]) -> Result<(), GdbError> {
        self.need_stopped("writing to a peripheral")?;
        self.expect_ok("Qqemu.PhyMemMode:1")?;
        let written = self.write_memory(address, data);
        self.expect_ok("Qqemu.PhyMemMode:0")?;
        written
    }

    /// Reads the register that the target description calls `name`, little-endian in as many octets as it is wide.
    ///
    /// # Errors
    /// [`GdbError::NoRegister`], [`GdbError::Running`], or the stub is gone.
    pub fn read_register(&mut self, name: &str) -> Result<Vec<u8>, GdbError> {
        self.need_stopped("reading a register")?;
        let Register { number, size } = self.register(name)?;
        let command = format!("p{number:x}");
        let answer = self.command(&command)?;
        match packet::from_hex(&answer) {
            Some(octets) if octets.len() == size => Ok(octets),
            _ => Err(refusal(&command, &answer, "a register's octets in hexadecimal")),
        }
    }

    /// Writes the register that the target description calls `name`.
    ///
    /// # Errors
    /// As [`GdbClient::read_register`].
    pub fn write_register(&mut self, name: &str, value: &[u8]) -> Result<(), GdbError> {
        self.need_stopped("writing a register")?;
        let Register { number, .. } = self.register(name)?;
        let digits = String::from_utf8_lossy(&packet::to_hex(value)).into_owned();
        self.expect_ok(&format!("P{number:x}={digits}"))
    }

    /// Sets a breakpoint on the instruction at `address`.
    ///
    /// # Errors
    /// When the stub refuses or is gone, or the machine runs.
    pub fn set_breakpoint(&mut self, address: u32) -> Result<(), GdbError> {
        self.need_stopped("setting a breakpoint")?;
        self.expect_ok(&format!("Z1,{address:x},2"))
    }

    /// Removes the breakpoint at `address`.
    ///
    /// # Errors
    /// As [`GdbClient::set_breakpoint`].
    pub fn clear_breakpoint(&mut self, address: u32) -> Result<(), GdbError> {
        self.need_stopped("removing a breakpoint")?;
        self.expect_ok(&format!("z1,{address:x},2"))
    }

    /// Has QEMU's monitor execute `command` and returns what it printed.
    ///
    /// # Errors
    /// When the stub refuses or is gone, or the machine runs.
    pub fn monitor(&mut self, command: &str) -> Result<String, GdbError> {
        self.need_stopped("a monitor command")?;
        let mut request = b"qRcmd,".to_vec();
        request.extend(packet::to_hex(command.as_bytes()));
        let shown = format!("qRcmd {command}");
        self.send(&request)?;
        let mut printed = Vec::new();
        for _ in 0..MAX_CONSOLE_PACKETS {
            let answer = self.receive_packet(&shown, self.timeout)?;
            match answer.as_slice() {
                b"OK" => return Ok(String::from_utf8_lossy(&printed).into_owned()),
                [b'O', text @ ..] => printed.extend(packet::from_hex(text).unwrap_or_default()),
                _ => return Err(refusal(&shown, &answer, "OK")),
            }
        }
        Err(refusal(&shown, b"", "an end of the output"))
    }

    /// Resets the machine: core, peripherals, not the content of memory. It stays stopped, and the reset is over when this
    /// returns.
    ///
    /// # Errors
    /// As [`GdbClient::monitor`].
    pub fn system_reset(&mut self) -> Result<(), GdbError> {
        self.monitor("system_reset")?;
        // QEMU resets when its main loop comes round, which is before it reads the next packet: the answer to one more is
        // the proof that the reset is over.
        self.command("?").map(|_| ())
    }

    fn need_stopped(&self, what: &'static str) -> Result<(), GdbError> {
        if self.running { Err(GdbError::Running(what)) } else { Ok(()) }
    }

    fn register(&self, name: &str) -> Result<Register, GdbError> {
        self.registers.get(name).ok_or_else(|| GdbError::NoRegister(name.to_owned()))
    }

    fn read_description(&mut self, name: &str) -> Result<String, GdbError> {
        let mut text = Vec::new();
        loop {
            let command = format!("qXfer:features:read:{name}:{:x},ffb", text.len());
            let answer = self.command(&command)?;
            let Some((mark @ (b'l' | b'm'), part)) = answer.split_first() else {
                return Err(refusal(&command, &answer, "a part of the target description"));
            };
            text.extend_from_slice(part);
            if *mark == b'l' || part.is_empty() || text.len() > packet::MAX_PACKET {
                return Ok(String::from_utf8_lossy(&text).into_owned());
            }
        }
    }

    fn expect_ok(&mut self, command: &str) -> Result<(), GdbError> {
        let answer = self.command(command)?;
        if answer == b"OK" { Ok(()) } else { Err(refusal(command, &answer, "OK")) }
    }

    fn command(&mut self, command: &str) -> Result<Vec<u8>, GdbError> {
        self.exchange(command.as_bytes())
    }

    fn exchange(&mut self, command: &[u8]) -> Result<Vec<u8>, GdbError> {
        self.send(command)?;
        let shown = String::from_utf8_lossy(command.get(..40).unwrap_or(command)).into_owned();
        self.receive_packet(&shown, self.timeout)
    }

    fn send(&mut self, command: &[u8]) -> Result<(), GdbError> {
        self.transmit(packet::encode(command))
    }

    fn transmit(&mut self, mut octets: Vec<u8>) -> Result<(), GdbError> {
        // The stub takes an acknowledgement for what it is before it looks at whether the machine runs.
        if std::mem::take(&mut self.unacknowledged) {
            octets.insert(0, b'+');
        }
        Ok(self.stream.write_all(&octets)?)
    }

    fn wait_for_stop(&mut self, command: &str, patience: Duration) -> Result<StopReason, GdbError> {
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let answer = self.receive_packet(command, left)?;
            if let Some(reason) = stop_reason(&answer) {
                self.running = false;
                return Ok(reason);
            }
        }
    }

    fn receive_packet(&mut self, command: &str, patience: Duration) -> Result<Vec<u8>, GdbError> {
        let timeout = || GdbError::Timeout { command: command.to_owned(), after: patience };
        let deadline = Instant::now() + patience;
        loop {
            match packet::take(&mut self.received) {
                Some(Ok(packet)) => {
                    self.unacknowledged = self.acknowledges;
                    return Ok(packet);
                }
                Some(Err(())) => return Err(refusal(command, b"a damaged packet", "a packet with its checksum")),
                None => {}
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(timeout());
            }
            self.stream.set_read_timeout(Some(left))?;
            match self.receive() {
                Ok(()) => {}
                Err(GdbError::Io(error)) if error.kind() == ErrorKind::WouldBlock => return Err(timeout()),
                Err(error) => return Err(error),
            }
        }
    }

    fn receive(&mut self) -> Result<(), GdbError> {
        let mut buffer = [0; 8192];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(GdbError::Closed),
                Ok(count) => {
                    self.received.extend_from_slice(buffer.get(..count).unwrap_or_default());
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Reads a stop reply (`T05...`, `S02`); `None` for other packets.
fn stop_reason(packet: &[u8]) -> Option<StopReason> {
    let [b'T' | b'S', signal @ ..] = packet else { return None };
    let [signal] = packet::from_hex(signal.get(..2)?)?[..] else { return None };
    Some(match signal {
        2 => StopReason::Interrupt,
        5 => StopReason::Trap,
        other => StopReason::Other(other),
    })
}

fn refusal(command: &str, answer: &[u8], expected: &'static str) -> GdbError {
    if let [b'E', digits @ ..] = answer
        && let Some(&[code]) = packet::from_hex(digits).as_deref()
    {
        return GdbError::Refused { command: command.to_owned(), code };
    }
    let answer = String::from_utf8_lossy(answer.get(..80).unwrap_or(answer)).into_owned();
    GdbError::Unexpected { command: command.to_owned(), answer, expected }
}

#[cfg(test)]
mod tests {
    use super::{GdbError, StopReason, refusal, stop_reason};

    #[test]
    fn stop_replies_are_told_apart() {
        assert_eq!(stop_reason(b"T05thread:01;"), Some(StopReason::Trap));
        assert_eq!(stop_reason(b"S02"), Some(StopReason::Interrupt));
        assert_eq!(stop_reason(b"T0bthread:01;"), Some(StopReason::Other(11)));
        assert_eq!(stop_reason(b"OK"), None);
        assert_eq!(stop_reason(b"T"), None);
    }

    #[test]
    fn an_error_number_is_a_refusal() {
        let error = refusal("m60000000,4", b"E14", "OK");
        assert!(matches!(error, GdbError::Refused { code: 0x14, .. }));
        assert_eq!(error.to_string(), "the gdbstub refused m60000000,4 with error 0x14");
    }
}
