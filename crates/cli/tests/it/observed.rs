//! What can be seen of a gateway from outside while it serves, and what cannot: its request log,
//! figures, traces, health and log lines.

mod canary;
mod collector;
mod disk;
mod figures;
mod requests;
mod restarts;
mod rig;
mod spans;
