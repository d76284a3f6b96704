//! Where the DCC's data come from: a TOML file, or a folder of them.

use crate::bench::MAX_BENCH_FILE;
use crate::input::{self, InputError};
use hanrig_dcc::data::{DataError, DccData};
use std::io;
use std::path::{Path, PathBuf};

/// The most of each data file that is read: 64 MiB, so that an SMI of 50,000 Devices fits.
const MAX_DATA: u64 = 16 * MAX_BENCH_FILE;

/// Why the data cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The folder cannot be read.
    #[error("cannot read folder {}", .0.display())]
    Folder(PathBuf, #[source] io::Error),
    /// The folder has no data.
    #[error("folder {} has no file *.toml; expected the DCC's data there, or name a file", .0.display())]
    Empty(PathBuf),
    /// The data are wrong.
    #[error(transparent)]
    Data(#[from] DataError),
}

/// Reads the data at `path`: a file, or all files `*.toml` of a folder together.
///
/// # Errors
///
/// When a file cannot be read, or the files do not hold data of a DCC.
pub fn read(path: &Path) -> Result<DccData, SourceError> {
    let files = if path.is_dir() { files(path)? } else { vec![path.to_owned()] };
    let mut texts = Vec::new();
    for file in files {
        texts.push((file.display().to_string(), input::read_text(&file, MAX_DATA)?));
    }
    let texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Ok(DccData::read(&texts)?)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let failed = |source| SourceError::Folder(folder.to_owned(), source);
    let mut files = Vec::new();
    for entry in folder.read_dir().map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() { Err(SourceError::Empty(folder.to_owned())) } else { Ok(files) }
}
