//! Where things are, and the cargo that builds them.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace that this task was built from.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// The folder of the root `Cargo.toml`.
    root: PathBuf,
    /// Where cargo builds.
    target: PathBuf,
    cargo: OsString,
}

impl Workspace {
    /// Finds it. The error is for people.
    pub(crate) fn find() -> Result<Self, String> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.ancestors().nth(2).ok_or("xtask is not two folders below the workspace")?.to_owned();
        // Cargo built this program into a folder of the target folder.
        let program = env::current_exe().map_err(|error| format!("cannot tell where this program is: {error}"))?;
        let target = program.ancestors().nth(2).ok_or("this program is not in a target folder")?.to_owned();
        Ok(Self { root, target, cargo: env::var_os("CARGO").unwrap_or_else(|| "cargo".into()) })
    }

    /// One for tests, with another cargo.
    #[cfg(test)]
    pub(crate) fn of(root: &Path, target: &Path, cargo: &Path) -> Self {
        Self { root: root.to_owned(), target: target.to_owned(), cargo: cargo.into() }
    }

    /// The workspace's folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// `path` below the target folder.
    pub(crate) fn target(&self, path: &str) -> PathBuf {
        self.target.join(path)
    }

    /// A command that runs at the workspace's root.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    /// Cargo with blank-separated arguments, building into the target folder that this task is in.
    pub(crate) fn cargo(&self, args: &str) -> Command {
        let mut command = self.command(&self.cargo);
        command.args(args.split_whitespace()).env("CARGO_TARGET_DIR", &self.target);
        command
    }
}
