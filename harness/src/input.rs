//! Files and standard input, read up to a limit.
//!
//! Nothing is read whole before its size is known to be within the limit: a file of 100 MB is refused by its size, and a
//! stream is given up one octet past the limit.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The largest OTA file or image that is read: 16 MiB. The largest that the GB companion specification allows is 750KB.
pub const MAX_OTA_FILE: u64 = 16 << 20;

/// The largest DUIS message that is read: 8 MiB. An SRV 11.4 with an image of 750KB in base64 and 50,000 Device IDs comes
/// to about 3 MiB.
pub const MAX_DUIS: u64 = 8 << 20;

/// The largest GBCS message in hexadecimal that is read: 1 MiB.
pub const MAX_HEX: u64 = 1 << 20;

/// The largest file of keys that is read: 1 MiB.
pub const MAX_KEYS: u64 = 1 << 20;

/// Input cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The operating system does not give it.
    #[error("cannot read {name}")]
    Read {
        /// File, or `standard input`.
        name: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// It is a folder.
    #[error("{name} is a folder; expected a file")]
    Folder {
        /// The folder.
        name: String,
    },
    /// It is larger than is read.
    #[error("{name} is larger than {limit} octets, the most that is read of such input")]
    TooLarge {
        /// File, or `standard input`.
        name: String,
        /// The limit, in octets.
        limit: u64,
    },
    /// It is not text.
    #[error("{name}: offset {offset}: not UTF-8; expected text")]
    NotText {
        /// File, or `standard input`.
        name: String,
        /// Octets before the first that is no text.
        offset: usize,
    },
}

impl InputError {
    /// What is wrong, for a message that has named the input already.
    pub fn why(&self) -> String {
        match self {
            Self::Read { source, .. } => format!("cannot be read: {source}"),
            Self::Folder { .. } => "is a folder; expected a file".to_owned(),
            Self::TooLarge { limit, .. } => {
                format!("is larger than {limit} octets, the most that is read of such input")
            }
            Self::NotText { offset, .. } => format!("offset {offset}: not UTF-8; expected text"),
        }
    }
}

/// Where input comes from: a file, or with `-` standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl From<&Path> for Source {
    fn from(path: &Path) -> Self {
        if path == Path::new("-") { Self::Stdin } else { Self::File(path.to_owned()) }
    }
}

impl Source {
    /// What messages call it.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stdin => "standard input".to_owned(),
        }
    }

    /// All of it, when that is at most `limit` octets.
    ///
    /// # Errors
    ///
    /// When it cannot be read or is larger.
    pub fn read(&self, limit: u64) -> Result<Vec<u8>, InputError> {
        match self {
            Self::File(path) => read(path, limit),
            Self::Stdin => up_to(io::stdin().lock(), limit, || self.name()),
        }
    }

    /// All of it as text, when that is at most `limit` octets.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is larger or is not text.
    pub fn read_text(&self, limit: u64) -> Result<String, InputError> {
        text(self.read(limit)?, || self.name())
    }
}

/// The octets of the file at `path`, when those are at most `limit`.
///
/// # Errors
///
/// When it cannot be read or is larger.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, InputError> {
    let name = || path.display().to_string();
    let error = |source| InputError::Read { name: name(), source };
    let file = File::open(path).map_err(error)?;
    let metadata = file.metadata().map_err(error)?;
    if metadata.is_dir() {
        return Err(InputError::Folder { name: name() });
    }
    if metadata.len() > limit {
        return Err(InputError::TooLarge { name: name(), limit });
    }
    // The file may still grow, and a pipe has no size.
    up_to(file, limit, name)
}

/// The text of the file at `path`, when that is at most `limit` octets.
///
/// # Errors
///
/// When it cannot be read, is larger or is not text.
pub fn read_text(path: &Path, limit: u64) -> Result<String, InputError> {
    text(read(path, limit)?, || path.display().to_string())
}

fn up_to(input: impl Read, limit: u64, name: impl Fn() -> String) -> Result<Vec<u8>, InputError> {
    let mut octets = Vec::new();
    let taken = input.take(limit.saturating_add(1)).read_to_end(&mut octets);
    taken.map_err(|source| InputError::Read { name: name(), source })?;
    if octets.len() as u64 > limit { Err(InputError::TooLarge { name: name(), limit }) } else { Ok(octets) }
}

fn text(octets: Vec<u8>, name: impl Fn() -> String) -> Result<String, InputError> {
    String::from_utf8(octets)
        .map_err(|error| InputError::NotText { name: name(), offset: error.utf8_error().valid_up_to() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_hold() {
        assert_eq!(up_to(&b"12345"[..], 5, String::new).unwrap(), b"12345");
        let error = up_to(io::repeat(0), 5, || "it".to_owned()).unwrap_err();
        insta::assert_snapshot!(error, @"it is larger than 5 octets, the most that is read of such input");
    }

    #[test]
    fn what_is_no_text_is_told_with_its_place() {
        let error = text(b"ab\xFFc".to_vec(), || "it".to_owned()).unwrap_err();
        insta::assert_snapshot!(error, @"it: offset 2: not UTF-8; expected text");
    }
}
