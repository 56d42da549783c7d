//! The folder of a dialect below `fixtures/clients`: requests and answers, each with the snapshot
//! of what becomes of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use conversation::{Event, Failure};
use dialects::Encoder;
use serde_json::Value;

#[path = "reply_events.rs"]
pub(crate) mod reply_events;

/// The folder with this name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fixtures(pub(crate) &'static str);

impl Fixtures {
    fn folder(self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/clients").join(self.0)
    }

    /// Names of the files with this beginning and ending, without the ending.
    fn files(self, start: &str, end: &str) -> BTreeSet<String> {
        fs::read_dir(self.folder())
            .expect("the fixtures")
            .map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"))
            .filter(|name| name.starts_with(start))
            .filter_map(|name| name.strip_suffix(end).map(str::to_owned))
            .collect()
    }

    /// Names of the fixtures with this beginning; there must be some.
    pub(crate) fn names(self, start: &str) -> BTreeSet<String> {
        let names = self.files(start, ".json");
        assert!(!names.is_empty(), "{} has no {start}", self.0);
        names
    }

    pub(crate) fn read(self, name: &str) -> String {
        fs::read_to_string(self.folder().join(format!("{name}.json"))).expect("the fixture")
    }

    pub(crate) fn parse(self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).expect(name)
    }

    pub(crate) fn check_snapshot(self, name: &str, text: &str) {
        insta::with_settings!({
            snapshot_path => self.folder(),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name, text);
        });
    }

    /// Every file is a fixture with one of these beginnings, or the snapshot of one.
    pub(crate) fn check_snapshots(self, starts: &[&str]) {
        let fixtures: BTreeSet<String> =
            starts.iter().flat_map(|start| self.names(start)).collect();
        assert_eq!(self.files("", ".json"), fixtures);
        assert_eq!(self.files("", ".snap"), fixtures);
    }
}

/// The events of a fixture, up to a failure.
pub(crate) fn events(fixture: &Value) -> Vec<Result<Event, Failure>> {
    fixture["events"].as_array().expect("events").iter().map(reply_events::event).collect()
}

/// All that the encoder writes for these events.
pub(crate) fn streamed(events: &[Result<Event, Failure>], encoder: &mut impl Encoder) -> String {
    let mut out = BytesMut::new();
    for event in events {
        match event {
            Ok(event) => encoder.encode(event.clone(), &mut out),
            Err(failure) => encoder.fail(failure, &mut out),
        }
    }
    String::from_utf8(out.to_vec()).expect("UTF-8")
}

/// A stream and the whole answer after it, as the snapshots have them.
pub(crate) fn with_whole(stream: String, whole: Vec<u8>) -> String {
    stream + "--- whole\n" + &String::from_utf8(whole).expect("UTF-8")
}
