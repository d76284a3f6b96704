//! `cargo xtask test`: everything that must hold, in the order in which it is soonest known.

use std::process::{Command, ExitCode};

use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{command, tools};

/// Crates that firmware is made of: they must build without the standard library.
const NO_STD: &[&str] = &["hanrig-wire", "hanrig-zigbee", "hanrig-ch", "hanrig-ppmid", "hanrig-devices"];

/// Benches with emulated boards, and which scenarios run there: with one board, those that are about it.
const QEMU_BENCHES: &[(&str, &str, Option<&str>)] = &[
    ("scenarios with hub and PPMID as boards", "qemu.toml", None),
    ("the hub's scenarios with the hub as a board", "qemu-hub.toml", Some("@subject-ch")),
];

/// The features that are run there, so that it takes minutes: the README says what passes of the others.
const QEMU_FEATURES: &[&str] = &["hcalcs_update", "ppmid_hardware_version", "supplier_checks"];

/// Seeds beside the usual one, with which every scenario passes, too.
const OTHER_SEEDS: &[&str] = &[
    "0",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "10",
    "11",
    "12",
    "13",
    "14",
    "15",
    "16",
    "17",
    "18",
    "1000000007",
    "18446744073709551615",
];

/// How a test says that it left something out.
const NOT_RUN: &str = "not run:";

/// Does it all, whatever fails on the way.
pub(crate) fn run(workspace: &Workspace) -> ExitCode {
    let cargo = |args: &str| workspace.cargo(args);
    let mut steps = Steps::default();
    steps.step("tools that tests need", || tools::install(workspace));
    steps.step("format", || command::run(&mut cargo("fmt --all --check")));
    steps.step("lints", || command::run(&mut cargo("clippy --workspace --all-targets -- -D warnings")));
    let boards = workspace.root().join("firmware-under-test/boards");
    steps.step("firmware of the boards", || {
        command::run(cargo("build --release").current_dir(&boards).env_remove("CARGO_TARGET_DIR"))
    });
    steps.step("tests of what the boards share", || {
        let tests = format!("test -p hanrig-device --target {}", tools::host()?);
        command::run(cargo(&tests).current_dir(&boards).env_remove("CARGO_TARGET_DIR"))
    });
    let mut not_run = Vec::new();
    steps.step("tests", || {
        let (tested, left_out) = command::run_and_note(&mut tests(workspace), NOT_RUN);
        not_run = left_out;
        tested
    });
    for what in not_run {
        steps.not_run(what.replacen(NOT_RUN, "a test:", 1));
    }
    steps.step("crates of the firmware without the standard library", || {
        let crates: String = NO_STD.iter().map(|name| format!(" --package {name}")).collect();
        command::run(&mut cargo(&format!("check --lib --target {}{crates}", tools::NO_STD_TARGET)))
    });
    steps.step("documentation", || command::run(cargo("doc --workspace --no-deps").env("RUSTDOCFLAGS", "-D warnings")));
    steps.step("the main job: every scenario on the built-in bench", || {
        command::run(cargo("run --release -- run --out").arg(workspace.target("ci-out")))
    });
    steps.step("the same with other seeds", || {
        OTHER_SEEDS.iter().try_for_each(|seed| {
            let mut run = cargo("run --release --quiet -- run --out");
            command::run(run.arg(workspace.target("ci-out-seeds")).args(["--seed", seed]))
        })
    });
    for (name, bench, tags) in QEMU_BENCHES {
        steps.step(name, || {
            let bench = workspace.root().join("harness/benches").join(bench);
            let out = workspace.target("ci-out-boards");
            let mut run = cargo("run --release -- run --jobs 2");
            run.arg("--bench").arg(bench).arg("--out").arg(out);
            run.args(tags.map(|tags| ["--tags", tags]).into_iter().flatten());
            run.args(QEMU_FEATURES.iter().map(|name| workspace.root().join(format!("features/sit/{name}.feature"))));
            command::run(&mut run)
        });
    }
    steps.finish()
}

/// All tests. One whose tool is missing fails, and what one leaves out for another reason is shown.
fn tests(workspace: &Workspace) -> Command {
    let mut tests = workspace.cargo("test --workspace --no-fail-fast -- --show-output");
    tests.env("HANRIG_REQUIRE_TOOLS", "1").env("HANRIG_ZIGPY_PYTHON", tools::zigpy_python(workspace));
    tests.env("HANRIG_DUIS_PARSER", tools::duis_parser_folder(workspace));
    tests
}
