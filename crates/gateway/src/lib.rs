//! What happens between a request and its answer.
//!
//! A turn is admitted, an account is leased, an attempt is driven, and everything is settled
//! exactly once, however it ended. Around that: the care for accounts, client keys, proxies and the
//! model catalogue, and what the administrator does with them.
//! This crate knows no HTTP server, SQL, client JSON or protobuf.

mod account;
mod admin;
mod ambient;
mod answer;
mod attempt;
mod bearer;
mod book;
mod catalogue;
mod completion;
mod counters;
mod counting;
mod driver;
mod estimate;
mod format;
mod formatted;
mod grant;
mod keys;
mod lease;
mod look;
mod memories;
mod options;
mod pace;
mod recorder;
mod recording;
mod redaction;
mod refresh;
mod route;
mod service;
mod suspended;
mod transcript;
mod troubles;
mod upkeep;
mod ways;

pub use admin::{
    AccountInput, AccountView, AdminError, ChecksumInput, Failed, KeyInput, KeyOptionsInput,
    LogProblem, LogQuery, Login, ProxyEntry, ProxyList, Touched, Viewer,
};
pub use ambient::Ambient;
pub use answer::Answer;
pub use catalogue::Catalogue;
pub use completion::{Completion, CompletionOptions, Editor};
pub use counting::Counted;
pub use estimate::estimate_input;
pub use grant::Grant;
pub use keys::{KeyRefusal, KeyView, NewKey};
pub use lease::for_strangers;
pub use memories::MemoryOptions;
pub use options::{Beginning, Options, Stats};
pub use recorder::{LogStats, RecordingOptions};
pub use recording::{Arrival, Recording};
pub use service::{Ask, Gateway};
pub use suspended::SuspendOptions;
pub use transcript::ClientId;
pub use troubles::Trouble;
pub use upstream::profile;
pub use upstream::{Cookies, MalformedCookie, SetCookies};
