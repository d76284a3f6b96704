//! Others' programs, and how they are missed.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The binary under test.
pub(crate) const HANRIG: &str = env!("CARGO_BIN_EXE_hanrig");

/// The output of `command`, which succeeds; `None`, with a note, where there is no such program.
pub(crate) fn output(command: &mut Command) -> Option<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.output() {
        Ok(output) => Some(output),
        Err(error) => {
            missing(&format!("{name}: {error}"));
            None
        }
    }
}

/// What `command` writes to standard output; it succeeds. `None`, with a note, where there is no such program.
pub(crate) fn stdout(command: &mut Command) -> Option<String> {
    let output = output(command)?;
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Notes that something cannot be run for want of a tool.
pub(crate) fn missing(what: &str) {
    assert!(std::env::var_os("HANRIG_REQUIRE_TOOLS").is_none(), "{what}");
    println!("not run: {what}");
}

/// The published vectors below `name`; `None`, with a note, where they are not at hand.
pub(crate) fn vectors(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("HANRIG_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"), PathBuf::from);
    let path = root.join(name);
    if path.is_dir() {
        return Some(path);
    }
    println!("not run: no vectors at {}", path.display());
    None
}

/// What `hanrig` writes to standard output; it ends with exit code 0.
pub(crate) fn hanrig(args: &[&str]) -> String {
    let output = Command::new(HANRIG).args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
