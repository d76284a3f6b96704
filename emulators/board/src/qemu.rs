//! The QEMU process: started, watched, and never left behind.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// Lines of what QEMU printed that are kept.
const STDERR_LINES: usize = 20;
/// The longest line of what QEMU printed that is kept, in characters.
const STDERR_LINE: usize = 500;

/// How the QEMU process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QemuExit {
    status: Option<ExitStatus>,
    stderr: Vec<String>,
}

impl QemuExit {
    /// Whether QEMU gave up because the firmware locked the core up (a fault inside a fault handler).
    ///
    /// A real core stays locked up until it is reset; QEMU aborts. So this is a fault of the device under test, and any
    /// other exit is one of the bench.
    pub fn is_lockup(&self) -> bool {
        self.stderr.iter().any(|line| line.contains("Lockup"))
    }

    /// The last lines that QEMU printed.
    pub fn stderr(&self) -> &[String] {
        &self.stderr
    }
}

impl std::fmt::Display for QemuExit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.status.map(|status| (status.code(), status.signal())) {
            Some((Some(code), _)) => write!(f, "QEMU ended with exit code {code}")?,
            Some((None, Some(signal))) => write!(f, "QEMU was ended by signal {signal}")?,
            _ => f.write_str("QEMU ended, its status is not known")?,
        }
        // A crash prints the registers as well: the line that says why comes first.
        let why = self.stderr.iter().find(|line| line.contains("fatal") || line.contains("rror"));
        let last = self.stderr.iter().rfind(|line| !line.is_empty() && !line.contains("warning:"));
        match why.or(last) {
            Some(line) => write!(f, ": {line}"),
            None => Ok(()),
        }
    }
}

/// A running or ended QEMU. Ends it when dropped.
#[derive(Debug)]
pub(crate) struct Qemu {
    pid: u32,
    shared: Arc<Shared>,
    supervisor: Option<thread::JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Debug)]
struct State {
    child: Option<Child>,
    exit: Option<QemuExit>,
}

impl Qemu {
    /// Starts `program`. Its standard error is kept, its standard input and output are closed.
    ///
    /// The process ends when this one does, however that ends: the kernel's parent death signal sees to it, by way of
    /// `setpriv` (util-linux), as setting it from here would need code between fork and exec.
    pub(crate) fn spawn(program: &Path, arguments: &[OsString]) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::new(State { child: None, exit: None }), ended: Condvar::new() });
        let (started, start) = mpsc::sync_channel(1);
        let (program, arguments) = (program.to_owned(), arguments.to_owned());
        let supervised = Arc::clone(&shared);
        // The parent death signal comes when the *thread* that started the process ends: so that is one that stays until
        // the process is gone, and not a caller's, which may be a short-lived worker of an executor.
        let supervisor = thread::Builder::new().name("qemu".to_owned()).spawn(move || {
            let mut child = match spawn_guarded(&program, &arguments) {
                Ok(child) => child,
                Err(error) => {
                    let _ = started.send(Err(error));
                    return;
                }
            };
            let stderr = child.stderr.take();
            let pid = child.id();
            supervised.lock().child = Some(child);
            let _ = started.send(Ok(pid));
            // Standard error is closed when the process ends, and not before.
            let lines = stderr.map(tail).unwrap_or_default();
            let mut state = supervised.lock();
            let status = state.child.as_mut().and_then(|child| child.wait().ok());
            state.child = None;
            state.exit = Some(QemuExit { status, stderr: lines });
            supervised.ended.notify_all();
        })?;
        let pid = start.recv().unwrap_or_else(|_| Err(std::io::Error::other("the thread that starts QEMU ended")))?;
        Ok(Self { pid, shared, supervisor: Some(supervisor) })
    }

    /// Process identifier of QEMU.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// How it ended, or `None` while it lives.
    pub(crate) fn exit(&self) -> Option<QemuExit> {
        self.shared.lock().exit.clone()
    }

    /// Waits for it to end, at most `patience`.
    pub(crate) fn wait(&self, patience: Duration) -> Option<QemuExit> {
        let deadline = Instant::now() + patience;
        let mut state = self.shared.lock();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if state.exit.is_some() || left.is_zero() {
                return state.exit.clone();
            }
            state = self.shared.ended.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Ends it at once, as a crash would.
    pub(crate) fn kill(&self) {
        if let Some(child) = &mut self.shared.lock().child {
            let _ = child.kill();
        }
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        self.kill();
        if let Some(supervisor) = self.supervisor.take() {
            let _ = supervisor.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts `program` so that it does not outlive this process, where `setpriv` is installed.
fn spawn_guarded(program: &Path, arguments: &[OsString]) -> std::io::Result<Child> {
    let piped = |mut command: Command| {
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()
    };
    if let Some(setpriv) = find_program("setpriv") {
        let mut command = Command::new(setpriv);
        command.arg("--pdeathsig").arg("KILL").arg("--").arg(program);
        return piped(command);
    }
    piped(Command::new(program))
}

/// Looks `name` up in the search path, or takes it as it is when it has a slash in it.
pub(crate) fn find_program(name: impl AsRef<Path>) -> Option<PathBuf> {
    let name = name.as_ref();
    if name.components().count() > 1 {
        return name.is_file().then(|| name.to_owned());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn tail(stderr: impl std::io::Read) -> Vec<String> {
    let mut lines = VecDeque::new();
    for line in BufReader::new(stderr).split(b'\n') {
        let Ok(line) = line else { break };
        let line: String = String::from_utf8_lossy(&line).trim_end().chars().take(STDERR_LINE).collect();
        if lines.len() == STDERR_LINES {
            // The first lines of a crash say why, the rest are registers.
            lines.remove(STDERR_LINES / 2);
        }
        lines.push_back(line);
    }
    lines.into()
}
