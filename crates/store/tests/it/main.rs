//! The stores: one contract for both, and what only the file can do wrong.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and print")]

mod backup;
mod contract;
mod encryption;
mod failures;
mod key;
mod kill;
mod model;
mod requests;
mod rig;
mod rotation;
