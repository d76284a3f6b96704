//! Programs that the rig runs, with everything that they start themselves.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::lines::Lines;
use super::ready::ready;
use super::serial::{READ_WAIT, Read, read};
use super::thread::OwnedThread;

/// How often a program that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(5);
/// How often a program's last words are read after it was done with: one that it left behind may go on for ever.
const LAST_READS: u32 = 64;

/// A program in a process group of its own, which is killed when this is dropped.
#[derive(Debug)]
pub(super) struct OwnedChild {
    child: Child,
    /// Whether the system has forgotten the program, and may give its number to another.
    forgotten: bool,
}

impl OwnedChild {
    /// Starts the program that is the first of `words` with the others as its arguments, in the folder `folder`.
    pub(super) fn start(words: &[String], folder: Option<&Path>, stdin: Stdio, stdout: Stdio) -> io::Result<Self> {
        let Some((program, arguments)) = words.split_first() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no program is named"));
        };
        let mut command = Command::new(program_in(program, folder));
        command.args(arguments).stdin(stdin).stdout(stdout).stderr(Stdio::piped()).process_group(0);
        if let Some(folder) = folder.filter(|folder| *folder != Path::new("")) {
            command.current_dir(folder);
        }
        Ok(Self { child: command.spawn()?, forgotten: false })
    }

    pub(super) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits until the program ends by itself, no longer than `limit`. What it has left running is then killed.
    pub(super) fn wait(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let deadline = Instant::now() + limit;
        while !self.has_ended()? {
            if Instant::now() >= deadline {
                return Ok(None);
            }
            thread::sleep(LOOK);
        }
        self.end().map(Some)
    }

    /// Whether the program has ended, though others that it started may go on.
    pub(super) fn has_ended(&self) -> io::Result<bool> {
        let Some(pid) = self.pid().filter(|_| !self.forgotten) else { return Ok(true) };
        // Not to be forgotten: until then nobody else gets its number, nor that of its group.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(pid), options)?.is_some())
    }

    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }

    /// Kills the whole group, and waits for the program.
    fn end(&mut self) -> io::Result<ExitStatus> {
        if let Some(group) = self.pid().filter(|_| !self.forgotten) {
            // That there is none any more is what is wanted.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let status = self.child.wait()?;
        self.forgotten = true;
        Ok(status)
    }
}

/// Hands the lines that a program writes to its standard error to `each`, on a thread of its own. When that is dropped, it
/// reads what is there still, and does not wait for more: a program that left the group may keep the other end open.
pub(super) fn listen(
    mut stderr: ChildStderr,
    mut each: impl FnMut(String) + Send + 'static,
) -> io::Result<OwnedThread> {
    OwnedThread::start("standard error", move |stop| {
        let mut lines = Lines::default();
        let mut buffer = [0; 4096];
        let mut last_reads = LAST_READS;
        while last_reads > 0 {
            let stopping = stop.is_set();
            last_reads -= u32::from(stopping);
            match ready(&stderr, PollFlags::IN, READ_WAIT) {
                Ok(true) => match read(&mut stderr, &mut buffer) {
                    Read::Octets(octets) => lines.push(octets).into_iter().for_each(&mut each),
                    Read::Nothing => {}
                    Read::End(_) => break,
                },
                Ok(false) if stopping => break,
                Ok(false) => {}
                Err(_) => break,
            }
        }
        lines.take().into_iter().for_each(&mut each);
    })
}

/// A program that is named with a path, relative to `folder`, or else one to be looked for in `PATH`.
fn program_in(program: &str, folder: Option<&Path>) -> std::path::PathBuf {
    let path = Path::new(program);
    match folder {
        Some(folder) if path.is_relative() && path.components().count() > 1 => {
            std::path::absolute(folder.join(path)).unwrap_or_else(|_| folder.join(path))
        }
        _ => path.to_owned(),
    }
}

impl Drop for OwnedChild {
    fn drop(&mut self) {
        if !self.forgotten {
            drop(self.end());
        }
    }
}

/// Words as a person would type them.
pub(super) fn command_line(words: &[String]) -> String {
    let quoted = words.iter().map(|word| {
        let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}
