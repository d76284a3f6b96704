//! The run log and its renderers from the outside: a hand-made log with every verdict and hostile strings, logs that were
//! cut, and random ones.

mod arbitrary;
mod log;
mod renderers;
mod sample;
