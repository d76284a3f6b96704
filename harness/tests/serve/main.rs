//! `hanrig serve dcc`, the real program, as clients see it.

mod access;
mod activation;
mod browser;
mod chain;
mod crowd;
mod hub;
mod refusals;
mod reload;
mod restart;
mod support;
