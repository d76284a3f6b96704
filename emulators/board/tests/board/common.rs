//! What the tests share: the test firmware, boards in folders of their own, and waiting.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use hanrig_board::{BoardConfig, CHIP, QemuBoard, registry};
use object::{Object, ObjectSymbol};
use probe_rs::flashing::{DownloadOptions, ElfLoader, ElfOptions, FileDownloadError, download_file_with_options};
use probe_rs::probe::list::Lister;
use probe_rs::probe::{DebugProbeSelector, Probe};
use probe_rs::{MemoryInterface, Permissions, Session};

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
    const TARGET: &str = "thumbv7em-none-eabihf";
    let installed = Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output();
    let installed = installed.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir());
    let qemu = Command::new("qemu-system-arm").arg("--version").output().is_ok();
    for (there, what) in [(qemu, "qemu-system-arm"), (installed, "the Rust target thumbv7em-none-eabihf")] {
        if !there {
            let required = std::env::var("HANRIG_REQUIRE_TOOLS").is_ok_and(|value| value == "1");
            assert!(!required, "{what} is not installed");
            eprintln!("not run: {what} is not installed");
            return None;
        }
    }
    let target_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("board-test-firmware");
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("test-firmware/Cargo.toml");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--target", TARGET, "--manifest-path"])
        .arg(&manifest)
        .arg("--target-dir")
        .arg(&target_dir)
        .env_remove("RUSTFLAGS")
        .current_dir(manifest.parent().unwrap())
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let elf = target_dir.join(TARGET).join("debug/board-test-firmware");
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
