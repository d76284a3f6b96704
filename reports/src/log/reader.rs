//! Reads a run log line by line.

use std::borrow::Cow;
use std::io::{self, BufRead, Read};
use std::path::PathBuf;

use serde::Deserialize;

use super::{Event, FORMAT};
use crate::printable::excerpt;

/// The longest line that is read, in octets without the line feed: 64 MiB, far above what a step with its observations
/// comes to, and a bound on what a file that is no run log can make the reader hold.
pub const MAX_LINE: usize = 64 << 20;

/// The longest detail of what is wrong with a line, in characters.
const LONGEST_DETAIL: usize = 600;

/// Why a run log cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The file cannot be opened.
    #[error("{}: cannot open", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The file cannot be read on.
    #[error("line {line}: cannot read")]
    Io {
        /// Line, from 1.
        line: u64,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A line, not the last, is not an event.
    #[error("line {line}, column {column}: {detail} (each line is one event as a JSON object)")]
    Malformed {
        /// Line, from 1.
        line: u64,
        /// Octet within the line, from 1.
        column: usize,
        /// What is wrong there.
        detail: String,
    },
    /// A line is longer than [`MAX_LINE`].
    #[error("line {line}: longer than {MAX_LINE} octets (each line is one event as a JSON object)")]
    TooLong {
        /// Line, from 1.
        line: u64,
    },
    /// The log is of another version of the format.
    #[error("line {line}: run log format {found}; expected format {FORMAT}")]
    Format {
        /// Line, from 1.
        line: u64,
        /// The version that it says.
        found: u64,
    },
    /// The log does not begin with `run_started`.
    #[error("line {line}: {found}; expected event run_started at the start of a run log")]
    NotStarted {
        /// Line, from 1.
        line: u64,
        /// What is there instead.
        found: &'static str,
    },
    /// A second run begins in the same file.
    #[error("line {line}: a second event run_started; expected one run in a log")]
    SecondRun {
        /// Line, from 1.
        line: u64,
    },
}

/// What a line of a run log turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// An event.
    Event(Event),
    /// An event of a kind that this version does not know: its name.
    Unknown(String),
    /// The file ends within a line, as when the run was killed.
    Truncated(Truncated),
}

/// The file ends within a line, as when the run was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truncated {
    /// The line that was cut, from 1.
    pub line: u64,
    /// Octets of it that are there.
    pub octets: usize,
}

/// A streaming reader of a run log: an iterator over its lines, holding one of them at a time.
///
/// Every whole event before a cut is given; the cut comes last, as [`Record::Truncated`]. A malformed line gives an error
/// with its number, and the next call goes on with the line after it. After an I/O error or a line that is too long the
/// reader ends.
#[derive(Debug)]
pub struct LogReader<R> {
    input: R,
    buffer: Vec<u8>,
    line: u64,
    ended: bool,
}

impl<R: BufRead> LogReader<R> {
    /// A reader of the log in `input`.
    pub const fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), line: 0, ended: false }
    }

    /// The number of the line that was read last, from 1; 0 before the first.
    pub const fn line(&self) -> u64 {
        self.line
    }

    fn stop(&mut self, error: LogError) -> Option<Result<Record, LogError>> {
        self.ended = true;
        Some(Err(error))
    }
}

impl<R: BufRead> Iterator for LogReader<R> {
    type Item = Result<Record, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            self.buffer.clear();
            self.line = self.line.saturating_add(1);
            let line = self.line;
            // One octet for the line feed, and one more than fits to tell "too long" from "just fits".
            let limit = MAX_LINE as u64 + 2;
            if let Err(source) = self.input.by_ref().take(limit).read_until(b'\n', &mut self.buffer) {
                return self.stop(LogError::Io { line, source });
            }
            let whole = self.buffer.last() == Some(&b'\n');
            if whole {
                self.buffer.pop();
            }
            if self.buffer.len() > MAX_LINE {
                return self.stop(LogError::TooLong { line });
            }
            self.ended = !whole;
            if self.buffer.trim_ascii().is_empty() {
                continue;
            }
            return Some(match parse(&self.buffer, line) {
                Err(LogError::Malformed { .. }) if !whole => {
                    Ok(Record::Truncated(Truncated { line, octets: self.buffer.len() }))
                }
                result => result,
            });
        }
        None
    }
}

/// The part of a line that says how to read the rest.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
}

/// The part of `run_started` that every version of the format has.
#[derive(Deserialize)]
struct Version {
    format: u64,
}

fn parse(text: &[u8], line: u64) -> Result<Record, LogError> {
    let malformed =
        |error: serde_json::Error| LogError::Malformed { line, column: error.column(), detail: detail(&error) };
    let kind: Kind<'_> = serde_json::from_slice(text).map_err(malformed)?;
    // By kind rather than as an `Event`, whose deserializer cannot say at which column a field is wrong.
    let event = match kind.event.as_ref() {
        "run_started" => {
            // Before the rest, which another version may have in another shape.
            let version: Version = serde_json::from_slice(text).map_err(malformed)?;
            if version.format != u64::from(FORMAT) {
                return Err(LogError::Format { line, found: version.format });
            }
            serde_json::from_slice(text).map(Event::RunStarted)
        }
        "scenario_started" => serde_json::from_slice(text).map(Event::ScenarioStarted),
        "step_finished" => serde_json::from_slice(text).map(Event::StepFinished),
        "scenario_finished" => serde_json::from_slice(text).map(Event::ScenarioFinished),
        "run_finished" => serde_json::from_slice(text).map(Event::RunFinished),
        _ => return Ok(Record::Unknown(kind.event.into_owned())),
    };
    event.map(Record::Event).map_err(malformed)
}

/// The parser's message without its own "at line 1 column N", which counts lines within the line.
fn detail(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let detail = match text.rfind(" at line ") {
        Some(end) if error.line() > 0 => text.get(..end).unwrap_or(&text),
        _ => &text,
    };
    // It may quote all of a line.
    excerpt(detail, LONGEST_DETAIL).into_owned()
}
