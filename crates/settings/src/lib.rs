//! From what was written to what holds: flags over environment over file over defaults become one
//! immutable [`Settings`], or a list of all problems, each with the key and where it was written.
//!
//! Every key is declared once in the registry ([`keys`]) with its variable, default, kind and
//! meaning; names of other programs that are understood are in [`legacy`].
//! This crate does not know how settings are used.

mod document;
mod kind;
pub mod legacy;
mod problem;
mod raw;
mod registry;
mod resolve;
mod schema;
mod settings;
mod value;
mod written;

pub use document::{configuration_page, env_example, example_file};
pub use kind::{Kind, Value};
pub use problem::{Problem, Problems};
pub use raw::{Effective, Layers, MASK, Origin};
pub use registry::{Key, find, keys};
pub use schema::schema;
pub use settings::{
    AccountSettings, Bounds, ChecksumAlphabet, ClientType, CompletionRegion, CompletionSettings,
    Flow, HealthPage, HistoryChannel, ImageSettings, InstructionChannel, Limits, LogFormat,
    LogSettings, LogsPage, OtlpSettings, PageSettings, PoolSettings, RequestLogSettings, Rotation,
    Settings, StoreSettings, Timeouts, ToolSettings, UpstreamSettings,
};
pub use written::Written;
