//! One entry for developers. `cargo xtask` lists the commands.
fn main() -> anyhow::Result<()> { gen_::run() }
#[cfg(feature = "gen")]
#[path = "gen.rs"]
mod gen_;
#[cfg(not(feature = "gen"))]
mod gen_ { pub fn run() -> anyhow::Result<()> { Ok(()) } }
