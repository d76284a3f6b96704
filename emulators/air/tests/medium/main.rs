//! The medium as its users see it.

mod access;
mod bands;
mod reception;
mod rig;
