//! Firmware as a file: what to write into a chip, and where it has its symbols.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use object::{Object, ObjectSymbol};

use crate::input::{self, InputError};

/// The largest firmware file that is read, in octets. An ELF file carries debug information too.
const MAX_FIRMWARE_FILE: u64 = 256 * 1024 * 1024;
/// The symbol of the RTT control block.
const RTT_SYMBOL: &str = "_SEGGER_RTT";

/// How a firmware file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirmwareFormat {
    /// ELF.
    Elf,
    /// Intel HEX.
    Hex,
    /// The octets alone, for `base` on.
    Bin {
        /// Address of the first octet.
        base: u64,
    },
}

/// A symbol of a firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Its address.
    pub address: u64,
    /// Its size in octets.
    pub size: u64,
}

/// Why a file is no firmware.
#[derive(Debug, thiserror::Error)]
pub enum FirmwareError {
    /// It cannot be read.
    #[error("cannot read the firmware")]
    Read(#[from] InputError),
    /// It is an ELF file that cannot be used.
    #[error("firmware {} is not a whole ELF file", path.display())]
    Elf {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: object::Error,
    },
    /// It is neither ELF nor Intel HEX.
    #[error("firmware {} is neither ELF nor Intel HEX; a raw image needs its base address", path.display())]
    NoBase {
        /// The file.
        path: PathBuf,
    },
    /// It has no such symbol.
    #[error("firmware {} has no symbol {name}{}", path.display(), if *elf { "" } else { ": only an ELF file has symbols" })]
    NoSymbol {
        /// The file.
        path: PathBuf,
        /// The symbol.
        name: String,
        /// Whether the file is one that has symbols.
        elf: bool,
    },
}

/// A firmware file.
#[derive(Clone, Debug)]
pub struct Firmware {
    path: PathBuf,
    octets: Vec<u8>,
    format: FirmwareFormat,
    symbols: BTreeMap<String, Symbol>,
}

impl Firmware {
    /// Reads the file at `path`, whose format its first octets tell. `base` is the address for one that is neither ELF
    /// nor Intel HEX.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is a broken ELF file, or has no format and no `base` is given.
    pub fn read(path: &Path, base: Option<u64>) -> Result<Self, FirmwareError> {
        Self::new(path, input::read(path, MAX_FIRMWARE_FILE)?, base)
    }

    /// As [`read`](Self::read), of `octets` that messages take to be in the file at `path`.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn new(path: &Path, octets: Vec<u8>, base: Option<u64>) -> Result<Self, FirmwareError> {
        let path = path.to_owned();
        let mut symbols = BTreeMap::new();
        let format = if octets.starts_with(b"\x7FELF") {
            match object::File::parse(&*octets) {
                Ok(file) => {
                    // Also those that a linker script sets to an address.
                    let defined = file.symbols().filter(|symbol| !symbol.is_undefined());
                    symbols.extend(defined.filter_map(|symbol| {
                        let place = Symbol { address: symbol.address(), size: symbol.size() };
                        Some((symbol.name().ok()?.to_owned(), place))
                    }));
                }
                Err(source) => return Err(FirmwareError::Elf { path, source }),
            }
            FirmwareFormat::Elf
        } else if let Some(base) = base {
            FirmwareFormat::Bin { base }
        } else if octets.starts_with(b":") {
            FirmwareFormat::Hex
        } else {
            return Err(FirmwareError::NoBase { path });
        };
        Ok(Self { path, octets, format, symbols })
    }

    /// Where it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's octets.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// How the file is written.
    pub const fn format(&self) -> FirmwareFormat {
        self.format
    }

    /// Where it has the symbol `name`.
    pub fn symbol(&self, name: &str) -> Option<Symbol> {
        self.symbols.get(name).copied()
    }

    /// As [`symbol`](Self::symbol), for a symbol that must be there.
    ///
    /// # Errors
    ///
    /// [`FirmwareError::NoSymbol`].
    pub fn require(&self, name: &str) -> Result<Symbol, FirmwareError> {
        self.symbol(name).ok_or_else(|| FirmwareError::NoSymbol {
            path: self.path.clone(),
            name: name.to_owned(),
            elf: self.format == FirmwareFormat::Elf,
        })
    }

    /// Address of the control block of its RTT log, when it has one.
    pub fn rtt(&self) -> Option<u64> {
        self.symbol(RTT_SYMBOL).map(|symbol| symbol.address)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formats_are_told_apart() {
        let read = |octets: &[u8], base| Firmware::new(Path::new("f"), octets.to_vec(), base);
        assert_eq!(read(b":00000001FF\n", None).unwrap().format(), FirmwareFormat::Hex);
        assert_eq!(read(b":\x01\x02", Some(16)).unwrap().format(), FirmwareFormat::Bin { base: 16 });
        insta::assert_snapshot!(read(b"\0\0\0\x20", None).unwrap_err(), @"firmware f is neither ELF nor Intel HEX; a raw image needs its base address");
        insta::assert_snapshot!(read(b"\x7FELF", None).unwrap_err(), @"firmware f is not a whole ELF file");
        let hex = read(b":00000001FF\n", None).unwrap();
        insta::assert_snapshot!(hex.require("HANRIG").unwrap_err(), @"firmware f has no symbol HANRIG: only an ELF file has symbols");
    }

    proptest! {
        #[test]
        fn no_file_makes_the_reader_panic(elf: bool, tail: Vec<u8>) {
            let mut octets = if elf { b"\x7FELF\x01\x01\x01\0".to_vec() } else { Vec::new() };
            octets.extend(tail);
            drop(Firmware::new(Path::new("f"), octets, None));
        }
    }
}
