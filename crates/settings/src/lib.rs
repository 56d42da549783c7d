//! From what was written to what holds: flags over environment over file over defaults become one
//! immutable [`Settings`], or a list of all problems, each with the key and where it was written.
//!
//! Every key is declared once in the [`KEYS`] registry with its variable, default and meaning.
//! This crate does not know how settings are used.

mod document;
mod problem;
mod raw;
mod registry;
mod resolve;
mod settings;
mod value;

pub use document::{configuration_page, example_file};
pub use problem::{Problem, Problems};
pub use raw::{Layers, Origin, Written};
pub use registry::{KEYS, Key};
pub use settings::{
    AccountSettings, Bounds, ChecksumAlphabet, ClientType, CompletionRegion, CompletionSettings,
    Flow, HistoryChannel, ImageSettings, InstructionChannel, Limits, LogFormat, LogSettings,
    PoolSettings, Rotation, Settings, StoreSettings, Timeouts, ToolSettings, UpstreamSettings,
};
