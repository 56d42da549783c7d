//! The gateway's own endpoints against their documents: through the router, with the real gateway, a
//! store in memory and the simulated backend behind it.

mod account_headers;
mod build_key;
mod canary;
mod editor;
mod errors;
mod guessing;
mod keys;
mod login;
mod metrics;
mod pool;
mod profile;
mod proxies;
mod random;
mod rig;
mod roles;
mod tokens_add;
mod tokens_change;
mod tokens_del;
mod tokens_get;
mod tokens_set;
mod watch;
