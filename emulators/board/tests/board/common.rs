//! What the tests share: the test firmware, boards in folders of their own, and waiting.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use hanrig_board::{BoardConfig, CHIP, QemuBoard, registry};
use object::{Object, ObjectSymbol};
use probe_rs::flashing::{DownloadOptions, ElfLoader, ElfOptions, FileDownloadError, download_file_with_options};
use probe_rs::probe::list::Lister;
use probe_rs::probe::{DebugProbeSelector, Probe};
use probe_rs::{MemoryInterface, Permissions, Session};

use crate::{test_firmware, tools};

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Firmware, built, with its symbols.
pub(crate) struct Firmware {
    pub(crate) elf: PathBuf,
    symbols: Vec<(String, u64)>,
}

impl Firmware {
    /// Address of `symbol`, without the Thumb bit.
    pub(crate) fn symbol(&self, symbol: &str) -> u64 {
        let found = self.symbols.iter().find(|(name, _)| name == symbol);
        found.unwrap_or_else(|| panic!("the test firmware has no {symbol}")).1 & !1
    }
}

/// The test firmware, or `None` when the tools for it are missing: then the test was not run.
pub(crate) fn firmware() -> Option<&'static Firmware> {
    static FIRMWARE: OnceLock<Option<Firmware>> = OnceLock::new();
    FIRMWARE.get_or_init(build).as_ref()
}

fn build() -> Option<Firmware> {
    if !tools::installed() {
        return None;
    }
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("test-firmware/Cargo.toml");
    let elf = test_firmware::build_test_firmware(&manifest, env!("CARGO_TARGET_TMPDIR"));
    let data = std::fs::read(&elf).unwrap();
    let symbols = object::File::parse(data.as_slice())
        .unwrap()
        .symbols()
        .filter_map(|symbol| Some((symbol.name().ok()?.to_owned(), symbol.address())))
        .collect();
    Some(Firmware { elf, symbols })
}

/// A folder for a board, with a name that is short enough for sockets.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("hb").tempdir().unwrap()
}

/// A board in `folder` without firmware.
pub(crate) fn blank_board(folder: &tempfile::TempDir, name: &str) -> QemuBoard {
    QemuBoard::start(BoardConfig::new(name, folder.path())).unwrap()
}

/// A board in `folder` that runs the test firmware.
pub(crate) fn board(folder: &tempfile::TempDir, name: &str, firmware: &Firmware) -> QemuBoard {
    let config = BoardConfig { elf: Some(firmware.elf.clone()), ..BoardConfig::new(name, folder.path()) };
    QemuBoard::start(config).unwrap()
}

/// Opens the probe.
pub(crate) fn open(board: &QemuBoard) -> Probe {
    let selector: DebugProbeSelector = board.selector().parse().unwrap();
    Lister::new().open(selector).unwrap()
}

/// Opens the probe and attaches to the chip.
pub(crate) fn attach(board: &QemuBoard) -> Session {
    open(board).attach_with_registry(CHIP, Permissions::default(), &registry().unwrap()).unwrap()
}

/// Loads the test firmware through the probe, and verifies it.
pub(crate) fn flash(session: &mut Session, firmware: &Firmware) -> Result<(), FileDownloadError> {
    let mut options = DownloadOptions::default();
    options.verify = true;
    download_file_with_options(session, &firmware.elf, ElfLoader(ElfOptions::default()), options)
}

/// Waits until `condition` gives something.
pub(crate) fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until the word at `address` is no longer `value`, while the core runs.
pub(crate) fn wait_for_change(session: &mut Session, address: u64) -> u32 {
    let mut core = session.core(0).unwrap();
    let before = core.read_word_32(address).unwrap();
    wait_for("a counter to count", || {
        let now = core.read_word_32(address).unwrap();
        (now != before).then_some(now)
    })
}
