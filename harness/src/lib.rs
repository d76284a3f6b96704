//! The rig: benches, the scenario runner and the command line of hanrig.
//!
//! - [`mod@bench`]: what a bench is and the file that describes one;
//! - [`ports`]: what the rig reaches real hardware with;
//! - [`rig`]: the bench in motion, what is observed of it, and the evidence;
//! - [`world`] and the steps: what scenarios say, in terms of the rig;
//! - [`runner`]: loads Gherkin features, runs their scenarios and appends what happens to the run log;
//! - [`serve`]: the DCC for a client outside;
//! - [`progress`]: what a person at a terminal sees meanwhile;
//! - [`cli`]: the commands;
//! - [`input`]: files and standard input, read up to a limit;
//! - [`exit`]: exit codes and how errors are told.

pub mod bench;
pub mod cli;
pub mod exit;
pub mod input;
pub mod ports;
pub mod progress;
pub mod rig;
pub mod runner;
pub mod serve;
mod steps;
pub mod world;
