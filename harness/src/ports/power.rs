//! A switch in a board's supply, for what a reset line does not do: programs that switch it.
//!
//! With `on = ["uhubctl", "-l", "1-1", "-p", "2", "-a", "on"]` and the like for `off`, a switchable USB hub does it.
//! A program is told nothing, and says by its exit code whether it did it.

use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::process::{OwnedChild, command_line, listen};

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
        let said = Arc::new(Mutex::new(String::new()));
        let its_said = Arc::clone(&said);
        let listener = program.child().stderr.take().map(|stderr| {
            listen(stderr, move |line| {
                if !line.trim().is_empty() {
                    line.trim().clone_into(&mut its_said.lock().unwrap_or_else(PoisonError::into_inner));
                }
            })
        });
        let listener = listener.transpose().map_err(failed)?;
        let ended = program.wait(self.limit).map_err(failed)?;
        drop(program);
        // It reads to the end.
        drop(listener);
        let said = std::mem::take(&mut *said.lock().unwrap_or_else(PoisonError::into_inner));
        match ended {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(PowerError::Failed { command, status, said }),
            None => Err(PowerError::Hangs { command, limit: self.limit }),
        }
    }
}
