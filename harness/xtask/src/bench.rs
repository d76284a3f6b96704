//! `cargo xtask bench`: speed and memory, in one table.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use serde_json::Value;

use crate::command;
use crate::measure::{self, Taken};
use crate::steps::Steps;
use crate::workspace::Workspace;

/// The scenario of the 750KB transfer; the other one of this feature sends nothing over the air.
const TRANSFER: &str = "features/sit/ppmid_image_size.feature";

/// One line of the table.
struct Figure {
    what: &'static str,
    value: String,
    aim: &'static str,
}

/// Measures everything; `quick` takes fewer samples.
pub(crate) fn run(workspace: &Workspace, quick: bool) -> ExitCode {
    let mut steps = Steps::default();
    let mut figures = Vec::new();
    let sampling = if quick { " -- --quick" } else { "" };
    for (name, args) in [
        ("frame decoding", "bench --package hanrig-wire --bench dissect"),
        ("transfer, suite and capture", "bench --package hanrig --bench rig"),
        ("SRV 11.4 with 50,000 Device IDs, and its Alerts", "bench --package hanrig-dcc --bench update"),
    ] {
        steps.step(name, || command::run(&mut workspace.cargo(&format!("{args}{sampling}"))));
    }
    // It prints its figures itself: a minute of requests is no figure of criterion's.
    let crowd =
        "test --release --package hanrig --test serve -- --ignored --nocapture two_hundred_clients_for_a_minute";
    steps.step("200 clients of the served DCC, for a minute", || command::run(&mut workspace.cargo(crowd)));
    let read = |measured: &[Measured], figures: &mut Vec<Figure>, steps: &mut Steps| {
        for figure in measured {
            match figure.read(workspace) {
                Ok(read) => figures.push(read),
                Err(why) => steps.not_run(format!("{}: {why}", figure.what)),
            }
        }
    };
    read(RUNS, &mut figures, &mut steps);
    steps.step("the program itself", || program(workspace, &mut figures));
    read(DECODING, &mut figures, &mut steps);
    // Beside what the rig takes to decode the same frames.
    if command::is_on_path("tshark") {
        steps.step("tshark on the same capture", || tshark(workspace, &mut figures));
    } else {
        steps.not_run("tshark on the same capture: tshark is not installed; cargo xtask tools installs it");
    }
    println!("\n==> figures");
    if let Some(version) = command::output(Command::new("rustc").arg("--version")) {
        println!("    {}, {}", version.trim(), processor());
    }
    print!("{}", table(&figures));
    steps.finish()
}

/// A figure that criterion leaves behind.
struct Measured {
    what: &'static str,
    aim: &'static str,
    /// Group and name of the benchmark.
    benchmark: &'static str,
    /// Whether elements a second are meant, rather than the time.
    rate: bool,
}

/// Whole scenarios and suites, within one process.
const RUNS: &[Measured] = &[
    Measured {
        what: "750KB transfer, no evidence written",
        aim: "under 2 s",
        benchmark: "transfer_750kb/in_memory",
        rate: false,
    },
    Measured {
        what: "750KB transfer, evidence written",
        aim: "",
        benchmark: "transfer_750kb/with_evidence",
        rate: false,
    },
    Measured {
        what: "whole suite, one job, evidence written",
        aim: "under 10 s",
        benchmark: "whole_suite/with_evidence",
        rate: false,
    },
    Measured {
        what: "SRV 11.4 for 50,000: checked, split, tracked, answered",
        aim: "under 1 s",
        benchmark: "SRV 11.4 for 50,000 PPMIDs/checked, split, tracked and answered",
        rate: false,
    },
    Measured {
        what: "its 100,000 Alerts written as XML and signed",
        aim: "under 5 s",
        benchmark: "DCC Alerts/100,000 written as XML and signed",
        rate: false,
    },
];

/// How fast frames are decoded.
const DECODING: &[Measured] = &[
    Measured {
        what: "Image Block Responses decoded and decrypted",
        aim: "200,000 a second",
        benchmark: "dissect/image_block_response",
        rate: true,
    },
    Measured {
        what: "frames of the 750KB transfer decoded and decrypted",
        aim: "",
        benchmark: "capture_750kb/dissect",
        rate: true,
    },
];

impl Measured {
    fn read(&self, workspace: &Workspace) -> Result<Figure, String> {
        let folder = workspace.target("criterion").join(self.benchmark).join("new");
        let nanoseconds = json(&folder.join("estimates.json"))?
            .pointer("/mean/point_estimate")
            .and_then(Value::as_f64)
            .ok_or("estimates.json has no mean")?;
        let seconds = nanoseconds / 1e9;
        let value = if self.rate {
            let elements = json(&folder.join("benchmark.json"))?
                .pointer("/throughput/Elements")
                .and_then(Value::as_f64)
                .ok_or("benchmark.json has no throughput")?;
            rate(elements / seconds)
        } else {
            time(Duration::from_secs_f64(seconds))
        };
        Ok(Figure { what: self.what, value, aim: self.aim })
    }
}

/// Builds the program as users do. Cargo builds one with its tests and benches too, into the same place, but with the
/// faults that tests plant: figures must not be of that.
const BUILD: &str = "build --release --package hanrig --bin hanrig";

/// Time and peak memory of `hanrig run` as a user runs it.
fn program(workspace: &Workspace, figures: &mut Vec<Figure>) -> Result<(), String> {
    command::run(&mut workspace.cargo(BUILD))?;
    let transfer = measure::best_of_three(|| hanrig(workspace, "bench-transfer", &[TRANSFER]))?;
    let suite = measure::best_of_three(|| hanrig(workspace, "bench-suite", &[]))?;
    let one_job = measure::best_of_three(|| hanrig(workspace, "bench-suite", &["--jobs", "1"]))?;
    let mut figure = |what, value, aim| figures.push(Figure { what, value, aim });
    figure("hanrig run of the 750KB transfer, reports and all", time(transfer.time), "under 2 s");
    figure("its peak memory", memory(transfer), "under 200 MB");
    figure("hanrig run of the whole suite, reports and all", time(suite.time), "under 6 s");
    figure("its peak memory", memory(suite), "under 512 MB");
    figure("the same with --jobs 1", time(one_job.time), "under 10 s");
    figure("its peak memory", memory(one_job), "under 512 MB");
    Ok(())
}

fn hanrig(workspace: &Workspace, out: &str, args: &[&str]) -> Command {
    let mut hanrig = workspace.command(workspace.target("release/hanrig"));
    hanrig.args(["run", "--out"]).arg(workspace.target(out)).args(args);
    hanrig
}

/// `tshark -r` on the capture that [`program`] left.
fn tshark(workspace: &Workspace, figures: &mut Vec<Figure>) -> Result<(), String> {
    let out = workspace.target("bench-transfer");
    let (capture, frames) = capture(&out)?;
    let folder = capture.parent().ok_or("the capture is in no folder")?.to_owned();
    let taken = measure::best_of_three(|| {
        let mut tshark = Command::new("tshark");
        // The keys are beside the capture, and nobody's preferences change the outcome.
        tshark.env("WIRESHARK_CONFIG_DIR", &folder).args(["-n", "-r"]).arg(&capture);
        tshark
    })?;
    #[expect(clippy::cast_precision_loss, reason = "captures have far fewer than 2^52 frames")]
    let frames_per_second = frames as f64 / taken.time.as_secs_f64();
    figures.push(Figure { what: "tshark -r on the same frames", value: rate(frames_per_second), aim: "" });
    figures.push(Figure { what: "its time", value: time(taken.time), aim: "" });
    figures.push(Figure { what: "its peak memory", value: memory(taken), aim: "" });
    Ok(())
}

/// The largest capture of the run in `out`, and how many frames it has.
fn capture(out: &Path) -> Result<(std::path::PathBuf, u64), String> {
    let log = fs::read_to_string(out.join("run.jsonl")).map_err(|error| format!("cannot read the run log: {error}"))?;
    let captures = log.lines().filter_map(|line| {
        let event: Value = serde_json::from_str(line).ok()?;
        let frames = event.pointer("/counters/frames sniffed")?.as_u64()?;
        let evidence = event.get("evidence")?.as_array()?;
        let paths = evidence.iter().filter_map(|file| file.get("path")?.as_str());
        Some((out.join(paths.into_iter().find(|path| path.ends_with("air.pcapng"))?), frames))
    });
    captures.max_by_key(|(_, frames)| *frames).ok_or_else(|| "the run log names no capture".to_owned())
}

fn json(path: &Path) -> Result<Value, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn table(figures: &[Figure]) -> String {
    let line = |Figure { what, value, aim }: &Figure| {
        format!("    {what:<52} {value:>16}   {aim}").trim_end().to_owned() + "\n"
    };
    figures.iter().map(line).collect()
}

fn time(duration: Duration) -> String {
    format!("{:.3} s", duration.as_secs_f64())
}

fn rate(per_second: f64) -> String {
    format!("{:.0} a second", per_second)
}

fn memory(taken: Taken) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown to a tenth of a megabyte")]
    taken.peak_memory.map_or_else(|| "not known".to_owned(), |octets| format!("{:.1} MB", octets as f64 / 1e6))
}

/// The processor, as the kernel calls it, and how many of it there are.
fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let count = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    format!("{count} x {}", model.map_or("unknown processor", |(_, name)| name.trim()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A cargo whose `build --release` of the program makes one that notes that it ran, and whose benches make another.
    const CARGO: &str = r##"#!/bin/sh
mkdir -p "$CARGO_TARGET_DIR/release"
case "$*" in
  "build --release --package hanrig --bin hanrig") kind=plain ;;
  *) kind=planted ;;
esac
echo "#!/bin/sh
echo $kind \"\$@\" >> $CARGO_TARGET_DIR/ran" > "$CARGO_TARGET_DIR/hanrig.new"
chmod +x "$CARGO_TARGET_DIR/hanrig.new"
mv "$CARGO_TARGET_DIR/hanrig.new" "$CARGO_TARGET_DIR/release/hanrig"
"##;

    #[test]
    fn figures_of_the_program_are_of_what_users_build() {
        let folder = tempfile::tempdir().unwrap();
        let cargo = folder.path().join("cargo");
        fs::write(&cargo, CARGO).unwrap();
        fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
        let target = folder.path().join("target");
        let workspace = Workspace::of(folder.path(), &target, &cargo);
        // What the benches before it leave.
        command::run(&mut workspace.cargo("bench --package hanrig --bench rig")).unwrap();
        let mut figures = Vec::new();
        program(&workspace, &mut figures).unwrap();
        let ran = fs::read_to_string(target.join("ran")).unwrap();
        assert_eq!(ran.lines().filter(|line| line.starts_with("plain run --out ")).count(), 9, "{ran}");
        assert_eq!(ran.lines().count(), 9, "{ran}");
        assert_eq!(figures.len(), 6);
    }

    #[test]
    fn the_capture_of_a_run_is_the_largest() {
        let folder = tempfile::tempdir().unwrap();
        let finished = |name: &str, frames: u64| {
            format!(
                "{{\"event\":\"scenario_finished\",\"evidence\":[{{\"path\":\"{name}/zigbee_pc_keys\"}},{{\"path\":\"{name}/air.pcapng\"}}],\
                 \"counters\":{{\"frames sniffed\":{frames}}}}}\n"
            )
        };
        let log =
            ["{\"event\":\"run_started\"}\n".to_owned(), finished("a", 7), finished("b", 70_000), finished("c", 0)];
        fs::write(folder.path().join("run.jsonl"), log.concat()).unwrap();
        assert_eq!(capture(folder.path()), Ok((folder.path().join("b/air.pcapng"), 70_000)));
    }

    #[test]
    fn the_table_has_a_line_for_each_figure() {
        let figures = [
            Figure { what: "frames decoded", value: rate(123_456.7), aim: "" },
            Figure { what: "tshark -r on the same frames", value: time(Duration::from_millis(1234)), aim: "under 2 s" },
        ];
        let lines = table(&figures);
        let lines: Vec<Vec<_>> = lines.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[0], ["frames", "decoded", "123457", "a", "second"]);
        assert_eq!(lines[1].join(" "), "tshark -r on the same frames 1.234 s under 2 s");
    }
}
