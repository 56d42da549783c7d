//! The gateway in front of the simulated backend: accounts, failures, deadlines, cancellation.

mod accounts;
mod cancel;
mod catalogue;
mod deadlines;
mod failover;
mod figures;
mod formats;
mod lifecycle;
mod rig;
mod slow_reader;
mod slow_store;
mod tokens;
mod tools;
mod turned_away;
mod wire;
