//! The request log in its file: what goes in comes out, found by every filter, and nothing that
//! happens to the disk or the process is in the way.

mod contract;
mod failures;
mod filters;
mod late;
mod model;
mod retention;
mod rig;
