//! How fast the rig is: `cargo bench -p hanrig`; `cargo xtask bench` prints these figures and others as a table.

mod capture;
mod run;
mod suite;
mod transfer;

criterion::criterion_main!(transfer::benches, suite::benches, capture::benches);
