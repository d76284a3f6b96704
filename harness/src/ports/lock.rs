//! A probe or port serves one rig at a time: advisory locks that say who has what.
//!
//! A lock is a file in a folder of the user's own, locked (`flock`) for as long as it is held and removed afterwards, the
//! folder with the last. It says who holds it. A rig that was killed leaves the file but no lock, so nothing needs tidying up.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Environment variable that names another folder for locks than the user's runtime folder.
pub const LOCK_FOLDER_VARIABLE: &str = "HANRIG_LOCK_DIR";
/// How long a holder's own description may be, in octets.
const LONGEST_HOLDER: u64 = 4096;
/// How often to begin again when the holder removes the file just as it is opened.
const ATTEMPTS: u32 = 100;

/// Why a probe or port is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another rig has it.
    #[error("{what} is in use by {holder}; wait until it is done, or stop it")]
    InUse {
        /// What was wanted, such as `probe 0483:374b:066F`.
        what: String,
        /// Who has it.
        holder: Holder,
    },
    /// The lock file cannot be used.
    #[error("cannot lock {what} with the file {}", path.display())]
    File {
        /// What was wanted.
        what: String,
        /// The lock file, or its folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process.
    pub pid: u32,
    /// Its command line.
    pub command: String,
    /// Since when, in the form of RFC 3339; empty when not known.
    pub since: String,
}

impl Holder {
    fn myself() -> Self {
        let words: Vec<_> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
        let mut command = words.join(" ");
        if let Some(word) = words.first()
            && let Some(name) = Path::new(word).file_name()
        {
            command.replace_range(..word.len(), &name.to_string_lossy());
        }
        let now = OffsetDateTime::now_utc().replace_millisecond(0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let command = command.chars().take(500).collect();
        Self { pid: std::process::id(), command, since: now.format(&Rfc3339).unwrap_or_default() }
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.pid == 0 {
            return f.write_str("a process that does not say who it is");
        }
        write!(f, "process {} ({}", self.pid, self.command)?;
        if !self.since.is_empty() {
            write!(f, ", since {}", self.since)?;
        }
        f.write_str(")")
    }
}

/// A probe or port that this rig has, until this is dropped.
#[derive(Debug)]
pub struct PortLock {
    path: PathBuf,
    // Closing it gives the lock up.
    _file: File,
}

impl PortLock {
    /// Takes the lock for what `identity` stands for. Whatever two rigs could mean by the same thing must have one
    /// identity: [`path_identity`] gives that of a path. `what` is how messages call it.
    ///
    /// # Errors
    ///
    /// When another rig, or this one, has it already; when lock files cannot be made.
    pub fn take(what: &str, identity: &str) -> Result<Self, LockError> {
        Self::take_in(&folder(), what, identity)
    }

    /// As [`take`](Self::take), with locks in `folder`.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    pub fn take_in(folder: &Path, what: &str, identity: &str) -> Result<Self, LockError> {
        let path = folder.join(file_name(identity));
        let failed = |path: &Path, source| LockError::File { what: what.to_owned(), path: path.to_owned(), source };
        for _ in 0..ATTEMPTS {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false).mode(0o600);
            let mut file = match prepare(folder).and_then(|()| options.open(&path)) {
                Ok(file) => file,
                // Whoever gave up the last lock removed the folder just now.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(failed(&path, source)),
            };
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(LockError::InUse { what: what.to_owned(), holder: holder(&mut file) });
                }
                Err(TryLockError::Error(source)) => return Err(failed(&path, source)),
            }
            // Its holder may have removed the file between opening and locking it: then this lock is of a file that
            // nobody else would find.
            if !same_file(&file, &path) {
                continue;
            }
            write_holder(&mut file).map_err(|source| failed(&path, source))?;
            return Ok(Self { path, _file: file });
        }
        Err(failed(&path, io::Error::other("the lock file keeps being replaced")))
    }
}

impl Drop for PortLock {
    fn drop(&mut self) {
        // Before the lock is given up, so that nobody else's file is removed.
        drop(fs::remove_file(&self.path));
        // Only when nothing else is in it.
        if let Some(folder) = self.path.parent() {
            drop(fs::remove_dir(folder));
        }
    }
}

/// What stands for the file, device or socket at `path`, whatever links lead to it.
pub fn path_identity(path: &Path) -> String {
    let path = fs::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned());
    format!("path {}", path.display())
}

/// A path in the user's own folder, for a file that nobody else is to reach. The folder is there as long as a lock is held.
pub(super) fn private_path(name: &str) -> io::Result<PathBuf> {
    let folder = folder();
    prepare(&folder)?;
    Ok(folder.join(name))
}

fn folder() -> PathBuf {
    if let Some(folder) = std::env::var_os(LOCK_FOLDER_VARIABLE).filter(|folder| !folder.is_empty()) {
        return folder.into();
    }
    match std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from) {
        Some(folder) if folder.is_absolute() && folder.is_dir() => folder.join("hanrig"),
        _ => std::env::temp_dir().join(format!("hanrig-{}", rustix::process::getuid().as_raw())),
    }
}

/// Makes the folder, readable by its user alone, and refuses one that somebody else made.
fn prepare(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let owner = fs::symlink_metadata(folder)?.uid();
    if owner == rustix::process::getuid().as_raw() {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("the folder belongs to user {owner}")))
    }
}

/// A readable name, and a hash so that two identities never share one.
fn file_name(identity: &str) -> String {
    let readable: String = identity.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(60).collect();
    let hash = Sha256::digest(identity.as_bytes());
    format!("{readable}-{}.lock", hex::encode(hash.first_chunk::<8>().unwrap_or(&[0; 8])))
}

fn same_file(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(opened), Ok(found)) => opened.dev() == found.dev() && opened.ino() == found.ino(),
        _ => false,
    }
}

fn write_holder(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    serde_json::to_writer(&mut *file, &Holder::myself())?;
    file.flush()
}

fn holder(file: &mut File) -> Holder {
    let mut text = String::new();
    let read = file.take(LONGEST_HOLDER).read_to_string(&mut text).ok();
    read.and_then(|_| serde_json::from_str(&text).ok()).unwrap_or(Holder {
        pid: 0,
        command: String::new(),
        since: String::new(),
    })
}
