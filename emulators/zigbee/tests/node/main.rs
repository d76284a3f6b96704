//! Nodes on a small medium: joining, exchange, loss, attacks, and what an independent dissector sees of it.

mod attacks;
mod exchange;
mod joining;
mod medium;
mod random_frames;
mod tshark;
