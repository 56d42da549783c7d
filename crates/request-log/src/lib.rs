//! What is remembered of a request after it is over, and how it is asked for again.
//!
//! One [`Entry`] per request: who asked for what, which accounts were tried, how long everything
//! took, what it cost and how it ended. Its secrets are left out by construction: keys and accounts
//! are here by their names. What was said is only here when the operator wants it, bounded and
//! redacted. Plain values: who keeps them is `store`, who makes them `gateway`, who shows them
//! `server` and `telemetry`.

mod chain;
mod entry;
mod gaps;
mod query;

pub use chain::{Chain, ChainPoint};
pub use conversation::{Usage, UsageSource};
pub use entry::{
    Attempt, AttemptEnd, Close, Content, Dialect, Entry, Fault, Status, Timing, TraceContext, Who,
};
pub use gaps::Gaps;
pub use query::{MOST_PER_PAGE, Order, Page, Query, Retention, Size};

/// Is told of every request that is over, on the task that served it: must be quick, and must not
/// block.
pub trait Observer: std::fmt::Debug + Send + Sync + 'static {
    /// The entry is final. Content is in it only if it is to be kept.
    fn finished(&self, entry: &Entry);
}
