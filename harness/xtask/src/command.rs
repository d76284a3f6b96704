//! Commands, shown as they are run.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// Runs `command` with its output on the terminal. The error is for people.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    show(command);
    let status = command.status().map_err(|error| cannot_run(command, &error))?;
    ended(command, status)
}

/// As [`run`]; gives the lines of the output in which `mark` occurs, trimmed, whether the command succeeds or not.
pub(crate) fn run_and_note(command: &mut Command, mark: &str) -> (Result<(), String>, Vec<String>) {
    show(command);
    let mut noted = Vec::new();
    let done = read_lines(command, |line| {
        if line.contains(mark) {
            noted.push(line.trim().to_owned());
        }
    });
    (done.and_then(|status| ended(command, status)), noted)
}

/// What `command` writes to standard output; `None` when it cannot be run or fails. Nothing is shown.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether `command` can be run and succeeds. Nothing is shown.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    output(command).is_some()
}

/// Whether a program of this name is on the path.
pub(crate) fn is_on_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

fn show(command: &Command) {
    println!("$ {}", line(command));
}

fn cannot_run(command: &Command, error: &std::io::Error) -> String {
    format!("cannot run {}: {error}", command.get_program().to_string_lossy())
}

fn ended(command: &Command, status: ExitStatus) -> Result<(), String> {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    if status.success() { Ok(()) } else { Err(format!("{} ended with {status}", program.to_string_lossy())) }
}

/// Runs `command`, passes its standard output on and shows it to `each` line by line.
fn read_lines(command: &mut Command, mut each: impl FnMut(&str)) -> Result<ExitStatus, String> {
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| cannot_run(command, &error))?;
    if let Some(out) = child.stdout.take() {
        let mut out = BufReader::new(out);
        let mut octets = Vec::new();
        // Tests may write anything, so lines need not be UTF-8.
        while out.read_until(b'\n', &mut octets).is_ok_and(|count| count > 0) {
            each(&String::from_utf8_lossy(&octets));
            // When nobody reads this any more, the command is still to be run to its end.
            drop(std::io::stdout().write_all(&octets));
            octets.clear();
        }
    }
    child.wait().map_err(|error| cannot_run(command, &error))
}

/// The command as it could be typed.
fn line(command: &Command) -> String {
    let mut line = String::new();
    for (name, value) in command.get_envs() {
        // Where cargo builds is no news.
        if let Some(value) = value.filter(|_| name != "CARGO_TARGET_DIR") {
            // Writing to a String does not fail.
            let _ = write!(line, "{}={} ", name.to_string_lossy(), quoted(&value.to_string_lossy()));
        }
    }
    let program = Path::new(command.get_program());
    let name = if program.file_stem().is_some_and(|stem| stem == "cargo") { Path::new("cargo") } else { program };
    line.push_str(&quoted(&name.to_string_lossy()));
    for arg in command.get_args() {
        let _ = write!(line, " {}", quoted(&arg.to_string_lossy()));
    }
    line
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{word}'") }
}
