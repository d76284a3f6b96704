//! The board as a bench sees it: started, powered, reset, unplugged, killed.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::gdb::{GdbClient, GdbError};
use crate::memory_map::{PSRAM, UARTS};
use crate::probe::{CoreState, Dap, Port, ProbeServer, ProbeStats, QemuMachine, Target};
use crate::qemu::{Qemu, QemuExit, find_program};

/// The longest path that a Unix socket can have on Linux, in octets.
const SOCKET_PATH: usize = 107;

/// What board to start.
#[derive(Debug, Clone)]
pub struct BoardConfig {
    /// Name for messages and for the files in `work_dir`; letters, digits, `-` and `_`.
    pub name: String,
    /// Folder for the sockets and the PSRAM file. Made when it is not there. Short: a socket's path has 107 octets at most.
    pub work_dir: PathBuf,
    /// Firmware to load before the board is powered, or none: probe-rs loads it.
    pub elf: Option<PathBuf>,
    /// UARTs that get a socket, from UART 0 on; up to 5.
    pub uarts: usize,
    /// Whether the board has power from the start. Without, sockets can be connected before the first instruction.
    pub powered: bool,
    /// QEMU to run: a name to look up in the search path, or a path.
    pub qemu: PathBuf,
    /// How long QEMU may take to start, and to answer a request.
    pub timeout: Duration,
}

impl BoardConfig {
    /// A powered board with all five UARTs and no firmware.
    pub fn new(name: impl Into<String>, work_dir: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            work_dir: work_dir.into(),
            elf: None,
            uarts: UARTS.len(),
            powered: true,
            qemu: PathBuf::from("qemu-system-arm"),
            timeout: Duration::from_secs(10),
        }
    }
}

/// Why a board could not be started or used.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// QEMU is not installed.
    #[error("board {board}: {} is not installed (Debian: apt-get install --no-install-recommends qemu-system-arm)", program.display())]
    NoQemu {
        /// Name of the board.
        board: String,
        /// What was looked for.
        program: PathBuf,
    },
    /// The configuration makes no sense.
    #[error("board {board}: {what}")]
    Config {
        /// Name of the board.
        board: String,
        /// What is wrong, and what was expected.
        what: String,
    },
    /// A file or socket could not be made or read.
    #[error("board {board}: {}: {source}", path.display())]
    File {
        /// Name of the board.
        board: String,
        /// File or folder.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// The firmware file is no ELF for this board.
    #[error("board {board}: firmware {}: {what}", path.display())]
    Firmware {
        /// Name of the board.
        board: String,
        /// The firmware file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// QEMU ended.
    #[error("board {board}: {exit}")]
    Ended {
        /// Name of the board.
        board: String,
        /// How.
        exit: QemuExit,
    },
    /// QEMU lives but does not do what it should.
    #[error("board {board}: {source}")]
    Machine {
        /// Name of the board.
        board: String,
        /// Cause.
        source: GdbError,
    },
}

/// What a board does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BoardState {
    /// It has no power.
    Off,
    /// The probe holds it in reset.
    HeldInReset,
    /// It executes firmware, or sleeps in it.
    Running,
    /// The debugger halted it, or a breakpoint did.
    Halted,
    /// There is no firmware to start.
    LockedUp,
    /// QEMU ended.
    Ended(QemuExit),
    /// QEMU lives and cannot be reached any more; why.
    Lost(String),
}

/// A running virtual board. Ends QEMU and removes its sockets when dropped; the PSRAM file stays.
#[derive(Debug)]
pub struct QemuBoard {
    name: String,
    timeout: Duration,
    work_dir: PathBuf,
    uarts: Vec<PathBuf>,
    probe_path: PathBuf,
    // Dropped in this order: the probe first, so that its client hears an orderly end.
    probe: Mutex<Option<ProbeServer>>,
    port: Arc<Port>,
    qemu: Qemu,
}

impl QemuBoard {
    /// Starts QEMU and plugs the probe in.
    ///
    /// Returns when both answer. The board's code memory is empty unless `config` names firmware; its PSRAM is what the
    /// file in the work folder holds, or 0xFF when there is none yet.
    ///
    /// # Errors
    /// [`BoardError`] says what to do about it.
    pub fn start(config: BoardConfig) -> Result<Self, BoardError> {
        let BoardConfig { name, work_dir, elf, uarts, powered, qemu, timeout } = config;
        let problem = |what: String| BoardError::Config { board: name.clone(), what };
        let legal = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
        if name.is_empty() || !name.chars().all(legal) {
            return Err(problem(format!("{name:?} is no board name, expected letters, digits, - and _")));
        }
        if uarts > UARTS.len() {
            return Err(problem(format!("{uarts} UARTs were asked for, the board has {}", UARTS.len())));
        }
        let program = find_program(&qemu).ok_or(BoardError::NoQemu { board: name.clone(), program: qemu })?;
        let file = |path: &Path| {
            let (board, path) = (name.clone(), path.to_owned());
            move |source| BoardError::File { board, path, source }
        };
        std::fs::create_dir_all(&work_dir).map_err(file(&work_dir))?;
        let work_dir = std::path::absolute(&work_dir).map_err(file(&work_dir))?;
        let psram = psram_path(&work_dir, &name);
        erase_new(&psram).map_err(file(&psram))?;
        let socket = |kind: &str| -> Result<PathBuf, BoardError> {
            let path = work_dir.join(format!("{name}-{kind}.sock"));
            let length = path.as_os_str().len();
            if length > SOCKET_PATH {
                return Err(problem(format!(
                    "socket path {} has {length} octets, {SOCKET_PATH} are possible: use a shorter work folder",
                    path.display()
                )));
            }
            remove_stale(&path).map_err(file(&path))?;
            Ok(path)
        };
        let (gdb_path, probe_path) = (socket("gdb")?, socket("probe")?);
        let uarts = (0..uarts).map(|index| socket(&format!("uart{index}"))).collect::<Result<Vec<_>, _>>()?;

        let qemu = Qemu::spawn(&program, &arguments(&gdb_path, &psram, &uarts)).map_err(file(&program))?;
        let gdb = connect(&qemu, &gdb_path, timeout, &name)?;
        let machine =
            QemuMachine::new(gdb, qemu.pid()).map_err(|source| BoardError::Machine { board: name.clone(), source })?;
        let port = Arc::new(Port::new(Dap::new(Target::new(machine))));
        let probe = ProbeServer::start(&probe_path, Arc::clone(&port)).map_err(file(&probe_path))?;
        let board = Self { name, timeout, work_dir, uarts, probe_path, probe: Mutex::new(Some(probe)), port, qemu };
        if let Some(elf) = elf {
            board.load(&elf)?;
        }
        if powered {
            board.power_on()?;
        }
        Ok(board)
    }

    /// Name from the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Selector for probe-rs: `20b7:9db1:unix:` and the path of the probe's socket.
    pub fn selector(&self) -> String {
        format!("20b7:9db1:unix:{}", self.probe_path.display())
    }

    /// Socket of UART `index`, or `None` when that has none.
    ///
    /// One client at a time, any number one after the other. What the firmware sends while nobody is connected is lost.
    pub fn uart(&self, index: usize) -> Option<&Path> {
        self.uarts.get(index).map(PathBuf::as_path)
    }

    /// The file that is the PSRAM, address 0x2100_0000 at offset 0. It shows what the firmware writes at once.
    pub fn psram_file(&self) -> PathBuf {
        psram_path(&self.work_dir, &self.name)
    }

    /// Process identifier of QEMU.
    pub fn pid(&self) -> u32 {
        self.qemu.pid()
    }

    /// What the board does.
    pub fn state(&self) -> BoardState {
        let state = self.port.with(|dap| {
            let target = &mut dap.target;
            if !target.is_powered() {
                return Ok(BoardState::Off);
            }
            if target.is_held_in_reset() {
                return Ok(BoardState::HeldInReset);
            }
            Ok(match target.core_state()? {
                Some(CoreState::Running) => BoardState::Running,
                Some(CoreState::Halted) => BoardState::Halted,
                Some(CoreState::LockedUp) | None => BoardState::LockedUp,
            })
        });
        match state {
            Ok(state) if self.qemu.exit().is_none() => state,
            _ => match self.qemu.wait(Duration::from_secs(1)) {
                Some(exit) => BoardState::Ended(exit),
                None => BoardState::Lost(self.port.lost().unwrap_or_else(|| "no answer".to_owned())),
            },
        }
    }

    /// How QEMU ended, or `None` while it lives.
    pub fn exit(&self) -> Option<QemuExit> {
        self.qemu.exit()
    }

    /// What the probe did so far.
    pub fn stats(&self) -> ProbeStats {
        self.port.with(|dap| Ok(dap.target.stats)).unwrap_or_default()
    }

    /// Switches the power off. Data memory is overwritten, code memory and PSRAM are kept; the probe hears nothing from
    /// the chip.
    ///
    /// # Errors
    /// When QEMU ended or does not answer.
    pub fn hold_off(&self) -> Result<(), BoardError> {
        self.machine(|dap| dap.target.power_off())
    }

    /// Switches the power on: the firmware starts.
    ///
    /// # Errors
    /// When QEMU ended or does not answer.
    pub fn power_on(&self) -> Result<(), BoardError> {
        self.machine(|dap| dap.target.power_on())
    }

    /// Loads the segments of an ELF file at their physical addresses, without the probe. Does not reset.
    ///
    /// # Errors
    /// When the file cannot be read, is no ELF, lies outside of memory, or QEMU ended.
    pub fn load(&self, elf: &Path) -> Result<(), BoardError> {
        let firmware = |what: String| BoardError::Firmware { board: self.name.clone(), path: elf.to_owned(), what };
        let data = std::fs::read(elf).map_err(|error| firmware(error.to_string()))?;
        let segments = loadable(&data).map_err(firmware)?;
        for (address, content) in segments {
            match self.machine(|dap| {
                dap.target.write(address, 4, content)?;
                dap.target.settle()
            }) {
                Err(BoardError::Machine { source, .. }) if source.is_refusal() => {
                    return Err(firmware(format!("there is no memory at {address:#010x}")));
                }
                other => other?,
            }
        }
        Ok(())
    }

    /// Wears an octet of memory out, so that it keeps its value whatever the probe writes to it, or heals it with `None`.
    /// For tests of whether a failed write is noticed.
    ///
    /// # Errors
    /// When QEMU ended.
    pub fn wear_out(&self, address: Option<u32>) -> Result<(), BoardError> {
        self.machine(|dap| {
            dap.target.worn_octet = address;
            Ok(())
        })
    }

    /// Unplugs the probe: its client hears a broken connection, and it cannot be opened. The board goes on.
    pub fn unplug_probe(&self) {
        let probe = self.probe.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(probe);
    }

    /// Plugs the probe in again.
    ///
    /// # Errors
    /// When its socket cannot be made.
    pub fn plug_probe(&self) -> Result<(), BoardError> {
        let mut probe = self.probe.lock().unwrap_or_else(PoisonError::into_inner);
        if probe.is_none() {
            let server = ProbeServer::start(&self.probe_path, Arc::clone(&self.port)).map_err(|source| {
                BoardError::File { board: self.name.clone(), path: self.probe_path.clone(), source }
            })?;
            *probe = Some(server);
        }
        Ok(())
    }

    /// Kills QEMU, as a crash would. For tests of what the bench does then.
    pub fn kill(&self) {
        self.qemu.kill();
        let _ = self.qemu.wait(self.timeout);
    }

    fn machine<T>(&self, act: impl FnOnce(&mut Dap<QemuMachine>) -> Result<T, GdbError>) -> Result<T, BoardError> {
        self.port.with(act).map_err(|source| {
            let board = self.name.clone();
            // The socket closes a moment before the process is gone.
            let gone = matches!(source, GdbError::Closed | GdbError::Io(_));
            match gone.then(|| self.qemu.wait(Duration::from_secs(1))).flatten() {
                Some(exit) => BoardError::Ended { board, exit },
                None => BoardError::Machine { board, source },
            }
        })
    }
}

impl Drop for QemuBoard {
    fn drop(&mut self) {
        self.unplug_probe();
        self.qemu.kill();
        let _ = self.qemu.wait(self.timeout);
        for path in &self.uarts {
            let _ = std::fs::remove_file(path);
        }
        let _ = std::fs::remove_file(self.work_dir.join(format!("{}-gdb.sock", self.name)));
    }
}

fn psram_path(work_dir: &Path, name: &str) -> PathBuf {
    work_dir.join(format!("{name}-psram.bin"))
}

/// Makes the PSRAM file as erased flash, unless there is one of the right size.
fn erase_new(path: &Path) -> std::io::Result<()> {
    let size = PSRAM.len();
    if std::fs::metadata(path).is_ok_and(|data| data.is_file() && data.len() == size as u64) {
        return Ok(());
    }
    File::create(path)?.write_all(&vec![0xFF; size])
}

fn remove_stale(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn arguments(gdb: &Path, psram: &Path, uarts: &[PathBuf]) -> Vec<OsString> {
    // A comma in a value is doubled (QEMU's option syntax).
    let quoted = |path: &Path| path.to_string_lossy().replace(',', ",,");
    let mut arguments: Vec<String> = [
        "-M",
        "mps2-an386,memory-backend=psram",
        "-object",
        &format!("memory-backend-file,id=psram,size={},mem-path={},share=on", PSRAM.len(), quoted(psram)),
        // The default translation cache is a fifth of the host's memory; firmware is small.
        "-accel",
        "tcg,tb-size=32",
        "-S",
        "-display",
        "none",
        "-monitor",
        "none",
        "-nic",
        "none",
        "-gdb",
        &format!("unix:{},server=on,wait=off", quoted(gdb)),
    ]
    .map(str::to_owned)
    .into();
    for (index, path) in uarts.iter().enumerate() {
        arguments.push("-chardev".to_owned());
        arguments.push(format!("socket,id=uart{index},path={},server=on,wait=off", quoted(path)));
        arguments.push("-serial".to_owned());
        arguments.push(format!("chardev:uart{index}"));
    }
    if uarts.is_empty() {
        arguments.extend(["-serial".to_owned(), "none".to_owned()]);
    }
    arguments.into_iter().map(OsString::from).collect()
}

fn connect(qemu: &Qemu, path: &Path, timeout: Duration, name: &str) -> Result<GdbClient, BoardError> {
    let deadline = Instant::now() + timeout;
    loop {
        match GdbClient::connect(path, timeout) {
            Ok(client) => return Ok(client),
            Err(source) => {
                if let Some(exit) = qemu.exit() {
                    return Err(BoardError::Ended { board: name.to_owned(), exit });
                }
                let early = matches!(source, GdbError::Connect { .. });
                if !early || Instant::now() >= deadline {
                    return Err(BoardError::Machine { board: name.to_owned(), source });
                }
            }
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Address and content of what an ELF file has to be in memory.
fn loadable(data: &[u8]) -> Result<Vec<(u32, &[u8])>, String> {
    let file = object::read::elf::ElfFile32::<object::Endianness>::parse(data).map_err(|error| error.to_string())?;
    let mut segments = Vec::new();
    for header in file.elf_program_headers() {
        use object::read::elf::ProgramHeader;
        let endian = file.endian();
        if header.p_type(endian) == object::elf::PT_LOAD {
            let content = header.data(endian, data).map_err(|()| "a segment lies outside of the file".to_owned())?;
            if !content.is_empty() {
                segments.push((header.p_paddr(endian), content));
            }
        }
    }
    if segments.is_empty() { Err("there is nothing to load in it".to_owned()) } else { Ok(segments) }
}
