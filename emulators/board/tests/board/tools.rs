//! What it takes to build firmware and to run it in QEMU. The rig's own tests include this file too.

use std::path::Path;
use std::process::Command;

/// The Rust target of the firmware.
pub(crate) const TARGET: &str = "thumbv7em-none-eabihf";

/// Whether QEMU and the Rust target are installed. Where they are not, it says so and the test is not run; with
/// HANRIG_REQUIRE_TOOLS=1 that fails the test.
pub(crate) fn installed() -> bool {
    let library = Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output();
    let target = library.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir());
    let qemu = Command::new("qemu-system-arm").arg("--version").output().is_ok();
    for (there, what) in [(qemu, "qemu-system-arm"), (target, "the Rust target thumbv7em-none-eabihf")] {
        if !there {
            let required = std::env::var("HANRIG_REQUIRE_TOOLS").is_ok_and(|value| value == "1");
            assert!(!required, "{what} is not installed");
            println!("not run: {what} is not installed");
            return false;
        }
    }
    true
}
