//! What others' tools say of what the rig writes, and what the binary does with bad input.
//!
//! One binary, so that the built-in suite runs once for all of it. A test whose tool is missing says `not run:` and passes;
//! with the environment variable `HANRIG_REQUIRE_TOOLS` it fails. `cargo xtask test` installs the tools and sets it.

mod bad_input;
mod bands;
mod determinism;
mod duis_signatures;
mod openssl;
mod ota_inspect;
mod suite;
mod terminal;
mod tools;
mod tshark;
mod xml;
mod zigpy;
