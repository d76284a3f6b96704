//! A switch in a board's supply, for what a reset line does not do: programs that switch it.
//!
//! With `on = ["uhubctl", "-l", "1-1", "-p", "2", "-a", "on"]` and the like for `off`, a switchable USB hub does it.
//! A program is told nothing, and says by its exit code whether it did it.

use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use super::process::{OwnedChild, command_line};

/// How much of what a program says is read, in octets.
const MAX_SAID: u64 = 64 << 10;

/// A switch in a board's supply.
pub trait Power: Send + std::fmt::Debug {
    /// Switches the board on or off. Returns when it is done.
    ///
    /// # Errors
    ///
    /// When it cannot be done.
    fn set(&mut self, on: bool) -> Result<(), PowerError>;
}

/// Why a board was not switched.
#[derive(Debug, thiserror::Error)]
pub enum PowerError {
    /// The program cannot be run.
    #[error("cannot run the power hook {command}")]
    Start {
        /// The program and its arguments.
        command: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The program said that it failed.
    #[error("the power hook {command} ended with {status}{}", if said.is_empty() { String::new() } else { format!(": {said}") })]
    Failed {
        /// The program and its arguments.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// The last line that it wrote to its standard error.
        said: String,
    },
    /// A switch that is no program did not do it.
    #[error("the switch in the board's supply failed")]
    Switch {
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The program did not end in time.
    #[error("the power hook {command} did not end within {} s and was killed", limit.as_secs_f64())]
    Hangs {
        /// The program and its arguments.
        command: String,
        /// How long it may take.
        limit: Duration,
    },
}

/// A supply that two programs switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PowerHooks {
    /// The program that switches on, with its arguments.
    pub on: Vec<String>,
    /// The program that switches off, with its arguments.
    pub off: Vec<String>,
    /// The folder in which they run.
    pub folder: Option<PathBuf>,
    /// How long they may take.
    pub limit: Duration,
}

impl Power for PowerHooks {
    fn set(&mut self, on: bool) -> Result<(), PowerError> {
        let words = if on { &self.on } else { &self.off };
        let command = command_line(words);
        let failed = |source| PowerError::Start { command: command.clone(), source };
        let mut program =
            OwnedChild::start(words, self.folder.as_deref(), Stdio::null(), Stdio::null()).map_err(failed)?;
        // Read while it runs: a program that says much would otherwise wait for a reader.
        let reader = program.child().stderr.take().map(|stderr| {
            thread::spawn(move || {
                let mut said = Vec::new();
                drop(stderr.take(MAX_SAID).read_to_end(&mut said));
                said
            })
        });
        let ended = program.wait(self.limit).map_err(failed)?;
        // Ends what it may have left running, so that the reader comes to an end.
        drop(program);
        let said = reader.and_then(|reader| reader.join().ok()).unwrap_or_default();
        match ended {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(PowerError::Failed { command, status, said: last_line(&said) }),
            None => Err(PowerError::Hangs { command, limit: self.limit }),
        }
    }
}

fn last_line(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}
