//! What tests need beside Rust: programs of Debian, targets and components of the toolchain, zigpy from PyPI,
//! @smartdcc/duis-parser from npm.
//!
//! Only what is missing is installed.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::command;
use crate::steps::Steps;
use crate::workspace::Workspace;

/// A Debian package and how to tell that what it is for is there.
struct Package {
    name: &'static str,
    probe: Probe,
}

enum Probe {
    /// A program on the path.
    Program(&'static str),
    /// Modules that python3 can import.
    Python(&'static str),
}

/// What tests run, by Debian package. One line a package.
const PACKAGES: &[Package] = &[
    Package { name: "tshark", probe: Probe::Program("tshark") },
    Package { name: "libxml2-utils", probe: Probe::Program("xmllint") },
    Package { name: "openssl", probe: Probe::Program("openssl") },
    Package { name: "nodejs", probe: Probe::Program("node") },
    Package { name: "npm", probe: Probe::Program("npm") },
    Package { name: "xmlsec1", probe: Probe::Program("xmlsec1") },
    Package { name: "qemu-system-arm", probe: Probe::Program("qemu-system-arm") },
    Package { name: "chromium", probe: Probe::Program("chromium") },
    Package { name: "chromium-driver", probe: Probe::Program("chromedriver") },
    Package { name: "python3-venv", probe: Probe::Python("venv, ensurepip") },
];

/// Targets that the no_std crates are checked for.
pub(crate) const NO_STD_TARGET: &str = "thumbv7em-none-eabihf";

/// Components of the toolchain, with the cargo command that each brings.
const COMPONENTS: &[(&str, &str)] = &[("rustfmt", "fmt"), ("clippy", "clippy")];

/// The zigpy whose OTA image parser reads what `hanrig ota build` writes.
const ZIGPY: &str = "2.4.0";

/// The target that this machine's own programs are built for.
pub(crate) fn host() -> Result<String, String> {
    let version = command::output(Command::new("rustc").arg("-vV")).unwrap_or_default();
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc -vV does not tell the host".to_owned())
}

/// `cargo xtask tools`.
pub(crate) fn run(workspace: &Workspace) -> ExitCode {
    let mut steps = Steps::default();
    steps.step("tools", || install(workspace));
    steps.finish()
}

/// Installs what is missing. The error says what still is.
pub(crate) fn install(workspace: &Workspace) -> Result<(), String> {
    let faults: Vec<String> = [packages(), components(), target(), zigpy(workspace), duis_parser(workspace)]
        .into_iter()
        .filter_map(Result::err)
        .collect();
    for (program, args) in
        [("rustc", "--version"), ("tshark", "--version"), ("xmllint", "--version"), ("openssl", "version")]
    {
        // xmllint tells its version on standard error.
        if let Ok(output) = Command::new(program).arg(args).output() {
            let text = [output.stdout, output.stderr].concat();
            println!("{program}: {}", String::from_utf8_lossy(&text).lines().next().unwrap_or_default());
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("; ")) }
}

/// The interpreter that has zigpy.
pub(crate) fn zigpy_python(workspace: &Workspace) -> PathBuf {
    workspace.target("tools/zigpy/bin/python")
}

/// The folder that has @smartdcc/duis-parser.
pub(crate) fn duis_parser_folder(workspace: &Workspace) -> PathBuf {
    workspace.target("tools/duis-parser")
}

impl Package {
    fn is_there(&self) -> bool {
        match self.probe {
            Probe::Program(program) => command::is_on_path(program),
            Probe::Python(modules) => {
                command::succeeds(Command::new("python3").args(["-c", &format!("import {modules}")]))
            }
        }
    }
}

fn packages() -> Result<(), String> {
    let names = || PACKAGES.iter().filter(|package| !package.is_there()).map(|package| package.name);
    let missing: Vec<_> = names().collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0);
    if !is_root || !command::is_on_path("apt-get") {
        let why = if is_root { "there is no apt-get" } else { "only root can install them" };
        return Err(format!("missing Debian packages: {list} ({why})"));
    }
    let apt_get = |args: &[&str]| {
        let mut apt_get = Command::new("apt-get");
        command::run(apt_get.env("DEBIAN_FRONTEND", "noninteractive").args(args))
    };
    apt_get(&["update"])?;
    apt_get(&[["install", "-y", "--no-install-recommends"].as_slice(), &missing].concat())?;
    let left: Vec<_> = names().collect();
    if left.is_empty() { Ok(()) } else { Err(format!("still missing after their installation: {}", left.join(" "))) }
}

fn components() -> Result<(), String> {
    for (component, cargo) in COMPONENTS {
        if !command::succeeds(Command::new("cargo").args([cargo, "--version"])) {
            command::run(Command::new("rustup").args(["component", "add", component]))?;
        }
    }
    Ok(())
}

fn target() -> Result<(), String> {
    let sysroot = command::output(Command::new("rustc").args(["--print", "sysroot"])).unwrap_or_default();
    if Path::new(sysroot.trim()).join("lib/rustlib").join(NO_STD_TARGET).is_dir() {
        return Ok(());
    }
    command::run(Command::new("rustup").args(["target", "add", NO_STD_TARGET]))
}

/// zigpy in a virtual environment of its own below the target folder.
fn zigpy(workspace: &Workspace) -> Result<(), String> {
    let python = zigpy_python(workspace);
    let version = "import importlib.metadata, zigpy.ota.image; print(importlib.metadata.version('zigpy'))";
    let installed = command::output(Command::new(&python).args(["-c", version]));
    if installed.is_some_and(|installed| installed.trim() == ZIGPY) {
        return Ok(());
    }
    command::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(workspace.target("tools/zigpy")))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"];
    command::run(Command::new(&python).args(pip).arg(format!("zigpy=={ZIGPY}")))
}

/// @smartdcc/duis-parser and what it needs, in the versions of the lock file, in a folder of its own below the target folder.
fn duis_parser(workspace: &Workspace) -> Result<(), String> {
    const FILES: [&str; 2] = ["package.json", "package-lock.json"];
    let (from, folder) = (workspace.root().join("emulators/dcc/tests/duis-parser"), duis_parser_folder(workspace));
    let is_same = |file: &str| {
        let read = |folder: &Path| std::fs::read(folder.join(file)).ok();
        read(&folder).is_some_and(|there| Some(there) == read(&from))
    };
    if FILES.into_iter().all(is_same) && folder.join("node_modules/@smartdcc/duis-parser/package.json").is_file() {
        return Ok(());
    }
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for file in FILES {
        std::fs::copy(from.join(file), folder.join(file)).map_err(|error| format!("{file}: {error}"))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]).current_dir(&folder);
    command::run(&mut npm)
}
