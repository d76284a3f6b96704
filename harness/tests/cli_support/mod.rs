//! What tests of the command line share.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

/// What a command that ran left.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn hanrig(args: &[&str]) -> Ran {
    hanrig_in(Path::new("."), args, b"")
}

pub(crate) fn hanrig_in(folder: &Path, args: &[&str], input: &[u8]) -> Ran {
    let mut command = assert_cmd::Command::cargo_bin("hanrig").unwrap();
    let output = command.args(args).current_dir(folder).write_stdin(input).output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// What a command that is refused tells; it writes nothing else.
pub(crate) fn refused(args: &[&str]) -> String {
    let ran = hanrig(args);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{}", ran.err);
    ran.err
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A folder with what tests put there.
pub(crate) fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, octets) in files {
        fs::write(folder.path().join(name), octets).unwrap();
    }
    folder
}
