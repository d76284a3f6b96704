//! Builds the test firmware of the virtual board. The rig's own tests include this file too.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools::TARGET;

/// Builds the test firmware that has this manifest, and gives its ELF file.
pub(crate) fn build_test_firmware(manifest: &Path, target_tmpdir: &str) -> PathBuf {
    let target_dir = Path::new(target_tmpdir).join("board-test-firmware");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--target", TARGET, "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(&target_dir)
        .env_remove("RUSTFLAGS")
        .current_dir(manifest.parent().unwrap())
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    target_dir.join(TARGET).join("debug/board-test-firmware")
}
