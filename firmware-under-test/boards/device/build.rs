//! Passes on the firmware version that this build is to have.

fn main() {
    println!("cargo:rerun-if-env-changed=HANRIG_FIRMWARE_VERSION");
}
