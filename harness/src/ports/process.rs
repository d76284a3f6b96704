//! Programs that the rig runs, with everything that they start themselves.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// How often a program that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// A program in a process group of its own, which is killed when this is dropped.
#[derive(Debug)]
pub(super) struct OwnedChild {
    child: Child,
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
        Ok(Self { child: command.spawn()? })
    }

    pub(super) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits until the program ends by itself, no longer than `limit`.
    pub(super) fn wait(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let deadline = Instant::now() + limit;
        loop {
            let status = self.child.try_wait()?;
            if status.is_some() || Instant::now() >= deadline {
                return Ok(status);
            }
            thread::sleep(LOOK);
        }
    }
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
        // The group may outlive the program itself. Its number stays taken until the program was waited for.
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // That there is none any more is what is wanted.
            let _ = kill_process_group(group, Signal::KILL);
        }
        drop(self.child.wait());
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
