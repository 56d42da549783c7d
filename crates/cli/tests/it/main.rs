//! The `cursor-api` command as an operator runs it: real processes, real sockets, real signals.
//! And, without any of these, the parts that only this crate brings together: [`matrix`].

mod accounts;
mod client;
mod config;
mod config_live;
mod crowd;
mod doctor;
mod importing;
mod keeping;
mod keys;
mod leaving;
mod login;
mod logs;
mod matrix;
mod observed;
mod process;
mod refusals;
mod reload;
mod serving;
mod site;
mod stopping;
