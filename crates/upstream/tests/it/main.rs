//! The upstream crate over real sockets: its transport against a hand-made HTTP/2 peer, its calls
//! and sessions against the simulated backend.

mod account;
mod backend;
mod completions;
mod connections;
mod exchanges;
mod openings;
mod peer;
mod proxies;
mod raw;
mod support;
mod tls;
mod tools;
