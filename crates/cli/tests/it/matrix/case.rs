//! What the upstream says: the golden timelines, and the cases in `fixtures/upstream`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use upstream::Flow;

use super::schema;

/// Flag of an envelope that ends a stream.
const END: u8 = 2;

/// One stream of the upstream.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) flow: Flow,
    pub(super) name: String,
    /// What the case is for.
    pub(super) about: String,
    /// Names of the tools that the client declares, where its dialect has any.
    pub(super) tools: Vec<String>,
    pub(super) steps: Vec<Step>,
}

#[derive(Debug)]
pub(super) enum Step {
    /// Bytes of the server: one envelope.
    Server(Vec<u8>),
    /// The server waits, and the client answers what it was asked.
    Client,
}

/// Seen from this package, where cargo runs its tests.
fn fixtures() -> PathBuf {
    fs::canonicalize("../../fixtures").expect("the fixtures")
}

/// Where the cases of a flow are, and the snapshots of all that is played on it.
pub(super) fn folder(flow: Flow) -> PathBuf {
    fixtures().join("upstream").join(flow.name())
}

/// Every case, in the order of the files.
pub(super) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for flow in [Flow::Agent, Flow::Chat] {
        cases.extend(timelines(flow));
        cases.extend(own(flow));
    }
    cases
}

fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// The cases made for this matrix.
fn own(flow: Flow) -> Vec<Case> {
    let files = fs::read_dir(folder(flow)).expect("the fixtures");
    let mut paths: Vec<_> = files.map(|entry| entry.expect("readable").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "json"));
    paths.sort();
    let case = |path: PathBuf| {
        let file = read(&path);
        let steps = file["steps"].as_array().expect("steps");
        Case {
            flow,
            about: text(&file["about"]),
            name: path.file_stem().and_then(|name| name.to_str()).expect("UTF-8").to_owned(),
            tools: file["tools"].as_array().into_iter().flatten().map(text).collect(),
            steps: steps.iter().map(|json| step(flow, json)).collect(),
        }
    };
    paths.into_iter().map(case).collect()
}

fn step(flow: Flow, json: &Value) -> Step {
    if json == "answer" {
        return Step::Client;
    }
    Step::Server(match (json.get("server"), json.get("end")) {
        (Some(message), None) => envelope(0, &schema::encode(flow, message)),
        (None, Some(end)) => envelope(END, end.to_string().as_bytes()),
        _ => panic!("unknown step {json}"),
    })
}

fn envelope(flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
    [&[flags], &length[..], payload].concat()
}

/// The golden timelines; the names of their snapshots begin with `timeline-`.
fn timelines(flow: Flow) -> Vec<Case> {
    let file = read(&fixtures().join(format!("vectors/{}_timelines.json", flow.name())));
    let timelines = file["vectors"].as_array().expect("vectors");
    timelines.iter().map(|timeline| case_of(flow, timeline)).collect()
}

fn case_of(flow: Flow, timeline: &Value) -> Case {
    let bytes = hex::decode(text(&timeline["server_bytes_hex"])).expect("hex");
    let mut frames = envelopes(&bytes).into_iter().map(Step::Server);
    let list = timeline["steps"].as_array();
    let list = list.map(Vec::as_slice).unwrap_or_default();
    let offers = |step: &Value| text(&step["vector"]).contains("tools");
    let tools: &[&str] = if list.first().is_some_and(offers) { &["get_weather"] } else { &[] };
    let mut steps = Vec::new();
    for step in list {
        match step["direction"].as_str() {
            Some("server") => steps.extend(frames.next()),
            Some("client") => steps.push(Step::Client),
            other => panic!("direction {other:?}"),
        }
    }
    steps.extend(frames);
    Case {
        flow,
        name: format!("timeline-{}", text(&timeline["name"])),
        about: format!("Golden timeline; expected: {}", timeline["expect"]),
        tools: tools.iter().map(|name| (*name).to_owned()).collect(),
        steps,
    }
}

/// The bytes of a stream, cut into its envelopes.
fn envelopes(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut envelopes = Vec::new();
    while let Some((head, _)) = bytes.split_first_chunk::<5>() {
        let [_, length @ ..] = *head;
        let length = usize::try_from(u32::from_be_bytes(length)).expect("short");
        let (envelope, rest) = bytes.split_at(head.len() + length);
        envelopes.push(envelope.to_owned());
        bytes = rest;
    }
    assert!(bytes.is_empty(), "whole envelopes");
    envelopes
}
