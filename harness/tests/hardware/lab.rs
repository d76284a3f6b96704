//! A bench of hardware as a test lab has it: two boards on debug probes, a sniffer and a WAN link on ports, all at the
//! test's hands while `hanrig run` runs beside it as a program of its own.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hanrig::bench::Bench;
use hanrig::rig::live::provisioning::ppmid_block;
use hanrig::rig::participants::ppmid_config;
use hanrig_air::live::{Endpoint, LiveAir, LiveConfig, Pace};
use hanrig_board::{BoardConfig, CHIP, CHIP_DESCRIPTION, QemuBoard};
use hanrig_provisioning::Faults;
use hanrig_wire::types::Eui64;
use serde_json::Value;
use tempfile::TempDir;

use crate::tools;

/// Longer than anything takes, also on a machine with other things to do.
const PATIENCE: Duration = Duration::from_secs(300);

/// Which firmware runs on the boards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Build {
    /// As it is.
    Plain,
    /// With the faults that tests ask for.
    Faulty,
    /// Version 00000030.
    Newer,
}

/// The folder of the firmware files; `None`, with a note, where it cannot be built or run.
pub(crate) fn firmware(build: Build) -> Option<PathBuf> {
    if !tools::installed() {
        return None;
    }
    let boards = Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware-under-test/boards");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "--locked", "-p", "hanrig-mps2"]).current_dir(&boards).env_remove("RUSTFLAGS");
    let target = match build {
        Build::Plain => boards.join("target"),
        Build::Faulty => boards.join("target/faults"),
        Build::Newer => boards.join("target/newer"),
    };
    cargo.arg("--target-dir").arg(&target);
    match build {
        Build::Plain => {}
        Build::Faulty => drop(cargo.args(["--features", "hanrig-mps2/faults"])),
        Build::Newer => drop(cargo.env("HANRIG_FIRMWARE_VERSION", "00000030")),
    }
    let built = cargo.output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Some(target.join(tools::TARGET).join("release"))
}

/// The bench, with nothing wrong with it.
pub(crate) struct Lab {
    pub(crate) ppmid: QemuBoard,
    _hub: QemuBoard,
    pub(crate) sniffer: Endpoint,
    _radios: [Endpoint; 2],
    _air: LiveAir,
    folder: TempDir,
}

/// What `[hub.qemu]` and the like become.
fn board_table(role: &str, board: &QemuBoard, firmware: &Path, chip: &Path, provisioning: bool) -> String {
    format!(
        "[{role}.board]\nprobe = \"{}\"\nchip = \"{CHIP}\"\nchip_description = \"{}\"\nfirmware = \"{}\"\n\
         provisioning = {provisioning}\nclock_offset = \"HANRIG_CLOCK_OFFSET_US\"\n",
        board.selector(),
        chip.display(),
        firmware.display()
    )
}

impl Lab {
    /// Boards that are to run the firmware in `elves`. A PPMID that is to hang, after `Duration::MAX` never, is provisioned by
    /// the test itself.
    pub(crate) fn new(elves: &Path, hang_after: Option<Duration>) -> Self {
        // Short, because it is part of the names of sockets.
        let folder = tempfile::Builder::new().prefix("hr").tempdir().unwrap();
        let benches = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches");
        let bench = Bench::load(&benches.join("qemu.toml")).unwrap();
        // What waits for the sniffer's reader is kept, however busy this machine is.
        let config = LiveConfig { pace: Pace::Unthrottled, port_queue: 16 << 20, ..LiveConfig::default() };
        let air = LiveAir::start(config).unwrap();
        let sniffer = air.sniffer_on_pty("sniffer", None).unwrap();
        let board = |name: &str, eui: Eui64| {
            let config = BoardConfig { uarts: 3, ..BoardConfig::new(name, folder.path().join(name)) };
            let board = QemuBoard::start(config).unwrap();
            let radio = air.rcp_on_stream(name, eui, connect(board.uart(1).unwrap())).unwrap();
            (board, radio)
        };
        let (hub, hub_radio) = board("hub", bench.hub.eui);
        let (ppmid, ppmid_radio) = board("ppmid", bench.ppmids[0].eui);
        if let Some(after) = hang_after {
            let config = ppmid_config(&bench, &bench.ppmids[0], 1).unwrap();
            let hang_after_boot = Some(after).filter(|after| *after < Duration::MAX);
            let block = ppmid_block(&config, 1, Faults { hang_after_boot }).unwrap();
            // The file is the memory: what the board keeps without power.
            let memory = fs::OpenOptions::new().write(true).open(ppmid.psram_file()).unwrap();
            std::os::unix::fs::FileExt::write_all_at(&memory, &block, 0).unwrap();
        }
        let chip = folder.path().join("chip.yaml");
        fs::write(&chip, CHIP_DESCRIPTION).unwrap();
        let tables = fs::read_to_string(benches.join("qemu.toml")).unwrap();
        let own_firmware = |name: &str| {
            format!("firmware = \"../../firmware-under-test/boards/target/thumbv7em-none-eabihf/release/{name}\"")
        };
        let data = benches.join("built-in");
        // Without the Devices that are software: they would need radios of their own.
        let (devices, parties) = ("\n[[hcalcs]]", "\n[access_control_broker]");
        let (before, rest) = tables.split_once(devices).unwrap();
        let (_, after) = rest.split_once(parties).unwrap();
        let tables = format!("{before}{parties}{after}");
        let text = tables
            .replace("player = \"qemu\"", "player = \"board\"")
            .replace("[emulation]", &format!("[sniffer]\nport = \"{}\"", sniffer.path().unwrap().display()))
            .replace("throttled = false", "")
            .replace(
                &format!("[hub.qemu]\n{}", own_firmware("mps2-ch")),
                &format!(
                    "{}[hub.wan]\nunix = \"{}\"",
                    board_table("hub", &hub, &elves.join("mps2-ch"), &chip, true),
                    hub.uart(2).unwrap().display()
                ),
            )
            .replace(
                &format!("[ppmid.qemu]\n{}", own_firmware("mps2-ppmid")),
                &board_table("ppmid", &ppmid, &elves.join("mps2-ppmid"), &chip, hang_after.is_none()),
            )
            .replace("\"built-in/", &format!("\"{}/", data.display()));
        fs::write(folder.path().join("bench.toml"), text).unwrap();
        Self { ppmid, _hub: hub, sniffer, _radios: [hub_radio, ppmid_radio], _air: air, folder }
    }

    /// Where runs leave their results.
    pub(crate) fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// Changes the last `old` in the bench's file to `new`.
    pub(crate) fn edit(&self, old: &str, new: &str) {
        let file = self.folder.path().join("bench.toml");
        let text = fs::read_to_string(&file).unwrap();
        let (before, after) = text.rsplit_once(old).unwrap_or_else(|| panic!("{old:?} is not in\n{text}"));
        fs::write(&file, format!("{before}{new}{after}")).unwrap();
    }

    /// Has the bench's file name the firmware in the folder `new` and not that in `old`.
    pub(crate) fn flash_instead(&self, old: &Path, new: &Path) {
        let file = self.folder.path().join("bench.toml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace(old.to_str().unwrap(), new.to_str().unwrap())).unwrap();
        fs::remove_dir_all(self.out()).unwrap();
    }

    /// Starts `hanrig run` of `feature` on this bench.
    pub(crate) fn run(&self, feature: &str) -> Run {
        Run::start(&self.folder.path().join("bench.toml"), self.folder.path(), feature)
    }
}

fn connect(path: &Path) -> UnixStream {
    let mut stream = None;
    until("its UART can be connected", || {
        stream = UnixStream::connect(path).ok();
        stream.is_some()
    });
    stream.unwrap()
}

/// Waits until `done`.
#[track_caller]
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "it did not happen that {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A run of `hanrig` under way.
pub(crate) struct Run {
    child: Child,
    out: PathBuf,
}

/// How a run ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    out: PathBuf,
    pub(crate) said: String,
    log: Vec<Value>,
}

impl Run {
    /// Runs the scenarios of `feature` on the bench in `bench`, everything else in `folder`.
    pub(crate) fn start(bench: &Path, folder: &Path, feature: &str) -> Self {
        let file = folder.join("a.feature");
        fs::write(&file, feature).unwrap();
        let out = folder.join("out");
        let child = Command::new(env!("CARGO_BIN_EXE_hanrig"))
            .args(["run", "--bench"])
            .arg(bench)
            .arg("--out")
            .arg(&out)
            .arg(&file)
            .stdout(fs::File::create(folder.join("said.txt")).unwrap())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        Self { child, out }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `device` has logged `what` in the scenario that begins at `line` of the feature.
    #[track_caller]
    pub(crate) fn wait_logged(&mut self, line: usize, device: &str, what: &str) {
        let Self { child, out } = self;
        let scenarios = out.join("scenarios/a");
        until(&format!("{device} logs {what:?}"), || {
            let logged = fs::read_dir(&scenarios).into_iter().flatten().flatten().any(|scenario| {
                scenario.file_name().to_string_lossy().starts_with(&format!("{line:03}-"))
                    && fs::read_to_string(scenario.path().join(format!("{device}.log")))
                        .is_ok_and(|log| log.contains(what))
            });
            assert!(logged || child.try_wait().unwrap().is_none(), "the run has ended before {device} logged {what:?}");
            logged
        });
    }

    /// Waits until the run has ended.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ended {
        let mut status = None;
        until("the run ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let log = fs::read_to_string(self.out.join("run.jsonl")).unwrap_or_default();
        Ended {
            code: status.unwrap().code().unwrap(),
            said: fs::read_to_string(self.out.parent().unwrap().join("said.txt")).unwrap(),
            log: log.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
            out: self.out.clone(),
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Ended {
    /// The verdict of the scenario that begins at `line`, and the reason for it.
    #[track_caller]
    pub(crate) fn verdict(&self, line: usize) -> (String, String) {
        let end = self.scenario(line);
        let text = |name: &str| end[name].as_str().unwrap_or_default().to_owned();
        (text("verdict"), text("reason"))
    }

    fn scenario(&self, line: usize) -> &Value {
        let id = format!("a.feature:{line}");
        let is_it = |entry: &&Value| {
            entry["event"] == "scenario_finished" && entry["scenario"].as_str().is_some_and(|name| name.ends_with(&id))
        };
        self.log.iter().find(is_it).unwrap_or_else(|| panic!("no verdict of {id} in the log\n{}", self.said))
    }

    /// That the evidence of the scenario at `line` is there, octet for octet as the run log says: the air, and both logs.
    #[track_caller]
    pub(crate) fn assert_evidence(&self, line: usize) {
        let evidence = self.scenario(line)["evidence"].as_array().unwrap();
        for name in ["air.pcapng", "hub.log", "ppmid.log", "bench.log"] {
            let listed = evidence.iter().find(|file| file["path"].as_str().unwrap().ends_with(name));
            let listed = listed.unwrap_or_else(|| panic!("{name} is not in the evidence"));
            let octets = fs::metadata(self.out.join(listed["path"].as_str().unwrap())).unwrap().len();
            assert!(
                octets > 0 && listed["octets"] == octets,
                "{name}: {octets} octets, listed as {}",
                listed["octets"]
            );
        }
    }

    /// The lines of a log of the scenario at `line`.
    pub(crate) fn log_of(&self, line: usize, device: &str) -> String {
        let evidence = self.scenario(line)["evidence"].as_array().unwrap();
        let name = format!("/{device}.log");
        let listed = evidence.iter().find(|file| file["path"].as_str().unwrap().ends_with(&name)).unwrap();
        fs::read_to_string(self.out.join(listed["path"].as_str().unwrap())).unwrap()
    }
}
