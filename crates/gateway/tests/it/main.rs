//! The gateway in front of the simulated backend: accounts, failures, deadlines, cancellation.

mod accounts;
mod accounts_kept;
mod all_out;
mod canary;
mod cancel;
mod catalogue;
mod deadlines;
mod failover;
mod figures;
mod formats;
mod key_limits;
mod keys;
mod lifecycle;
mod logins;
mod marks;
mod one_account;
mod proxies;
mod renewals;
mod reports;
mod rig;
mod slow_reader;
mod slow_store;
mod tokens;
mod tools;
mod turned_away;
mod wire;
