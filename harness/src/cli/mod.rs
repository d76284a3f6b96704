//! The command line, one file a command. What a command takes and gives is told in its help, exit codes in [`ExitCode`].

mod bench;
mod duis;
mod gbcs;
mod keys;
mod listing;
mod ota;
mod out;
mod output;
mod protection;
mod report;
pub mod run;
mod serve;

use std::ffi::OsString;
use std::io;

use anstream::ColorChoice;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Args as _, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::exit::{ExitCode, chain};

/// Hardware-in-the-loop rig and conformance harness for over-the-air firmware updates in the GB smart metering HAN.
///
/// Without a command: runs every scenario that hanrig carries on its built-in bench, as `hanrig run` does.
#[derive(Debug, Parser)]
#[command(name = "hanrig", version, max_term_width = 100, override_usage = USAGE, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::RunOptions,
    /// Write without colour, as the environment variable NO_COLOR does
    #[arg(long, global = true, display_order = 1000)]
    no_color: bool,
}

/// With a command, the options of a run follow `run`: see [`parse`].
const USAGE: &str = "hanrig [OPTIONS]\n       hanrig [--no-color] <COMMAND>";

/// Told at the end of the help, since scripts rely on it.
const EXIT_CODES: &str = "\
Exit codes:
  0  all scenarios passed or were not applicable; a command did what it was asked
  1  a scenario failed
  2  bad usage or input
  3  the bench failed or a verdict is inconclusive";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenarios
    Run(run::RunArgs),
    /// Read and write OTA files
    #[command(subcommand)]
    Ota(ota::OtaCommand),
    /// Read GBCS messages
    #[command(subcommand)]
    Gbcs(gbcs::GbcsCommand),
    /// Read DUIS messages
    #[command(subcommand)]
    Duis(duis::DuisCommand),
    /// See what there is to make a bench of, and whether a bench works
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// Render the reports of a run again from its log
    Report(report::ReportArgs),
    /// Play a part for a client outside
    #[command(subcommand)]
    Serve(serve::ServeCommand),
}

/// A command did not do what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// Bad usage or input.
    Input(Box<dyn std::error::Error>),
    /// What hanrig itself needs failed: a run log or a report cannot be written, a thread cannot be had.
    Rig(Box<dyn std::error::Error>),
    /// Standard output cannot be written.
    Output(io::Error),
}

impl Failure {
    /// Bad usage or input.
    pub(crate) fn input(error: impl Into<Box<dyn std::error::Error>>) -> Self {
        Self::Input(error.into())
    }

    /// What hanrig itself needs failed.
    pub(crate) fn rig(error: impl Into<Box<dyn std::error::Error>>) -> Self {
        Self::Rig(error.into())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Runs the command line `args`, the program's name first, and gives the exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    // Before the arguments are parsed, because what the parser itself writes is coloured too.
    if args.iter().any(|arg| arg == "--no-color") {
        ColorChoice::Never.write_global();
    }
    let cli = match parse(args) {
        Ok(cli) => cli,
        Err(message) => {
            // A help that nobody reads to its end is no error.
            drop(message.print());
            return if message.use_stderr() { ExitCode::Usage } else { ExitCode::Passed };
        }
    };
    let done = match cli.command {
        None => run::run(&run::RunArgs { options: cli.run, features: Vec::new() }),
        Some(Command::Run(args)) => run::run(&args),
        Some(Command::Ota(command)) => ota::run(&command),
        Some(Command::Gbcs(command)) => gbcs::run(&command),
        Some(Command::Duis(command)) => duis::run(&command),
        Some(Command::Bench(command)) => bench::run(&command),
        Some(Command::Report(args)) => report::run(&args),
        Some(Command::Serve(command)) => serve::run(command),
    };
    done.unwrap_or_else(|failure| told(&failure))
}

/// Parses the command line. An option of a run that stands before a command is refused, because it would be lost on the
/// command; what is for every command may stand before and after it.
fn parse(args: Vec<OsString>) -> Result<Cli, clap::Error> {
    let mut command = Cli::command();
    let matches = command.try_get_matches_from_mut(args)?;
    if let Some(name) = matches.subcommand_name() {
        let mut options = run::RunOptions::augment_args(clap::Command::new(""));
        // Options that are not built cannot be shown.
        options.build();
        let given =
            |option: &&clap::Arg| matches.value_source(option.get_id().as_str()) == Some(ValueSource::CommandLine);
        if let Some(option) = options.get_arguments().find(given) {
            let message = match name {
                "run" => format!("{option} is an option of a run; expected it after 'run'"),
                _ => format!("{option} is an option of 'hanrig run'; '{name}' does not take it"),
            };
            return Err(command.error(ErrorKind::ArgumentConflict, message));
        }
    }
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// Tells a failure on standard error and gives its exit code.
fn told(failure: &Failure) -> ExitCode {
    let (error, code): (&dyn std::error::Error, _) = match failure {
        // Whoever closed the pipe has what they wanted.
        Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => return ExitCode::Passed,
        Failure::Output(error) => (error, ExitCode::Unsettled),
        Failure::Input(error) => (error.as_ref(), ExitCode::Usage),
        Failure::Rig(error) => (error.as_ref(), ExitCode::Unsettled),
    };
    output::error(&chain(error));
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
