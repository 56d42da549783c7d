//! The account calls: what goes out on which host, and what each answer means.

mod failures;
mod profile;
mod rig;
mod tokens;
