//! `hanrig bench`: what there is to make a bench of, and whether a bench works.

mod check;
mod list;
mod parts;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Failure;
use crate::exit::ExitCode;

/// Commands of `hanrig bench`.
#[derive(Debug, Subcommand)]
pub(super) enum BenchCommand {
    /// List the debug probes and serial ports found here
    List(ListArgs),
    /// Prove each part of a bench in turn, and say what to do about each that fails
    Check(CheckArgs),
}

/// Arguments of `hanrig bench list`.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `hanrig bench check`.
#[derive(Debug, Args)]
#[command(after_help = CHECK_HELP)]
pub(super) struct CheckArgs {
    /// Bench file
    file: PathBuf,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

const CHECK_HELP: &str = "\
Firmware is written to the boards of the bench, and they are reset.

Exits with 0 when everything works, 2 when the bench file cannot be used, 3 when a part does not work.";

pub(super) fn run(command: &BenchCommand) -> Result<ExitCode, Failure> {
    match command {
        BenchCommand::List(args) => list::run(args.json),
        BenchCommand::Check(args) => check::run(&args.file, args.json),
    }
}
