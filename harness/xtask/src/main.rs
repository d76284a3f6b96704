//! Build and test tasks: `cargo xtask test`, `cargo xtask tools`, `cargo xtask bench`.

mod bench;
mod command;
mod measure;
mod steps;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use workspace::Workspace;

const USAGE: &str = "\
Usage: cargo xtask <TASK>

Tasks:
  test             install what the tests need, then check, test, document and run everything
  tools            only install what the tests need
  bench [--quick]  measure speed and memory and print the figures as one table

Programs are installed by apt-get, which needs root; as another user, or without apt-get, the task says what is missing,
does what it can without, and ends with an exit code other than zero.";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let workspace = match Workspace::find() {
        Ok(workspace) => workspace,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    match words.as_slice() {
        ["test"] => test::run(&workspace),
        ["tools"] => tools::run(&workspace),
        ["bench"] => bench::run(&workspace, false),
        ["bench", "--quick"] => bench::run(&workspace, true),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}
