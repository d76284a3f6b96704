//! Time and memory of a program as it runs.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What one run of a program took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    /// From its start to its end.
    pub(crate) time: Duration,
    /// The most memory that it had resident, in octets; none where the kernel does not tell.
    pub(crate) peak_memory: Option<u64>,
}

/// How often the kernel is asked. A peak in the last moments of the program can be missed by so much.
const EVERY: Duration = Duration::from_micros(500);

/// Runs `command` to its end, its output unseen. The error is for people.
pub(crate) fn run(command: &mut Command) -> Result<Taken, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let cannot = |error: std::io::Error| format!("cannot run {name}: {error}");
    let begun = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(cannot)?;
    let mut peak_memory = None;
    let status = loop {
        peak_memory = peak_memory.max(peak(&child));
        if let Some(status) = child.try_wait().map_err(cannot)? {
            break status;
        }
        thread::sleep(EVERY);
    };
    let time = begun.elapsed();
    if status.success() { Ok(Taken { time, peak_memory }) } else { Err(format!("{name} ended with {status}")) }
}

/// The quickest of three runs, with the most memory of any.
pub(crate) fn best_of_three(mut command: impl FnMut() -> Command) -> Result<Taken, String> {
    let mut best = run(&mut command())?;
    for _ in 0..2 {
        let next = run(&mut command())?;
        best = Taken { time: best.time.min(next.time), peak_memory: best.peak_memory.max(next.peak_memory) };
    }
    Ok(best)
}

/// The peak so far: the kernel keeps it, so that only growth after the last look is missed.
fn peak(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix("kB")?;
    kib.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}
