//! The `cursor-api` command as an operator runs it: real processes, real sockets, real signals.

mod client;
mod crowd;
mod leaving;
mod process;
mod refusals;
mod serving;
mod stopping;
