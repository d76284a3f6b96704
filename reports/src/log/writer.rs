//! Appends events to a run log.

use std::io::{self, Write};

use super::Event;

/// Writes a run log, one event a line, and flushes after each: what a killed run leaves behind is whole but for at most
/// its last line.
#[derive(Debug)]
pub struct LogWriter<W: Write> {
    out: W,
    line: Vec<u8>,
}

impl<W: Write> LogWriter<W> {
    /// A writer of a new log to `out`.
    pub const fn new(out: W) -> Self {
        Self { out, line: Vec::new() }
    }

    /// Appends `event` as a line and flushes.
    ///
    /// # Errors
    ///
    /// What `out` says.
    pub fn write(&mut self, event: &Event) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, event)?;
        self.line.push(b'\n');
        // One write for the whole line, so that a kill is unlikely to fall inside it.
        self.out.write_all(&self.line)?;
        self.out.flush()
    }

    /// What the log was written to.
    pub fn into_inner(self) -> W {
        self.out
    }
}
