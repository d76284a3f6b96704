//! Standard output and standard error.

use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};

/// Writes `text` to standard output.
///
/// # Errors
///
/// When it cannot be written; a closed pipe is left to the caller, who is told so by the error's kind.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Writes `octets`, which are no text, to standard output.
///
/// # Errors
///
/// As [`print`].
pub(super) fn write(octets: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(octets)?;
    out.flush()
}

/// Writes `value` as JSON, indented, with a line feed at the end.
///
/// # Errors
///
/// As [`print`].
pub(super) fn print_json(value: &serde_json::Value) -> io::Result<()> {
    print(&format!("{value:#}\n"))
}

/// Whether what goes to standard output may be coloured.
pub(super) fn colour() -> bool {
    anstream::stdout().current_choice() != anstream::ColorChoice::Never && io::stdout().is_terminal()
}

/// Whether what goes to standard error may be coloured.
pub(super) fn colour_of_stderr() -> bool {
    anstream::stderr().current_choice() != anstream::ColorChoice::Never
}

/// Tells an error. That standard error is closed, nobody can be told.
pub(super) fn error(text: &str) {
    let style = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    drop(writeln!(anstream::stderr(), "{style}error:{style:#} {text}"));
}

/// Tells something on standard error that is no error of the command. That it is closed, nobody can be told.
pub(super) fn note(text: &str) {
    drop(writeln!(anstream::stderr(), "{text}"));
}
