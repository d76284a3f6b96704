//! The hanrig command.
fn main() {}
