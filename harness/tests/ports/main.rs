//! The ports, on pseudo-terminals, sockets and child processes: no hardware is needed.

mod lock;
mod power;
mod probe;
mod probe_thread;
mod radio;
mod sniffer;
mod support;
#[path = "../../../emulators/board/tests/board/test_firmware.rs"]
mod test_firmware;
#[path = "../../../emulators/board/tests/board/tools.rs"]
mod tools;
mod wan;
