//! The virtual board with real firmware, opened by probe-rs as it comes.
//!
//! Needs qemu-system-arm and the Rust target thumbv7em-none-eabihf. Without, the tests print that they were not run;
//! `HANRIG_REQUIRE_TOOLS=1` makes that a failure.

mod common;
mod faults;
mod probe;
mod speed;
mod test_firmware;
mod tools;
