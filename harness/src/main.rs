//! The hanrig command.

fn main() -> std::process::ExitCode {
    hanrig::cli::main(std::env::args_os()).into()
}
