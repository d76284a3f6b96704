//! The medium as its users see it.

mod access;
mod reception;
mod rig;
