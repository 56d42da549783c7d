//! The table of fields, walked: each field alone reaches its place on the wire and no other.

use conversation::completion::{CompletionRequest, IntentSource, Severity};
use cursor_proto::Message as _;

use super::decoded::{Node, Table};
use super::neutral::Neutral;
use crate::completion::request::request;

/// Rows of the table, so that one that gets lost is noticed.
const ROWS: usize = 211;

fn carried(table: &Table, value: &CompletionRequest) -> Vec<(String, Node)> {
    table.decode(&request(value).encode_to_vec())
}

/// What the sample of this kind is on the wire.
fn is_sample(node: &Node) -> bool {
    match node {
        // `true`; the highest severity, token or source; -7 in two's complement.
        Node::Number(number) => matches!(*number, 1 | 3 | 4) || *number == (-7_i64).cast_unsigned(),
        Node::Double(number) => *number == -2.25,
        Node::Float(number) => *number == 1.5,
        Node::Text(text) => matches!(text.as_str(), "text" | "lsp_suggestions"),
        Node::Message => false,
    }
}

#[test]
fn every_field_of_the_document_alone_reaches_its_place() {
    let table = Table::read();
    assert_eq!(table.rows.len(), ROWS);
    let mut nowhere = Vec::new();
    for row in &table.rows {
        let Some(_) = row.number else {
            nowhere.push(row.path);
            continue;
        };
        let path: Vec<&str> = row.path.split('.').collect();
        let nodes = carried(&table, &CompletionRequest::at(&path));
        let (messages, values): (Vec<_>, Vec<_>) =
            nodes.iter().partition(|(_, node)| *node == Node::Message);
        if table.is_message(row) {
            assert!(values.is_empty(), "{}: {values:?}", row.path);
            assert!(messages.iter().any(|(path, _)| path == row.path), "{}", row.path);
        } else {
            let [(path, node)] = values[..] else { panic!("{}: {values:?}", row.path) };
            assert_eq!(path, row.path);
            assert!(is_sample(node), "{}: {node:?}", row.path);
        }
        for (path, _) in messages {
            // Both ends of a range, and the file, are always there.
            let always = path == "current_file"
                || path.ends_with(".start_position")
                || path.ends_with(".end_position");
            let around =
                row.path == path || row.path.strip_prefix(path).is_some_and(|r| r.starts_with('.'));
            assert!(always || around, "{}: {path} is there too", row.path);
        }
    }
    assert_eq!(nowhere.len(), 6);
    assert!(nowhere.iter().all(|path| path.starts_with("current_file.file_git_context")));
}

/// What a client leaves out is left out, and what it says is said, even where it is a default.
#[test]
fn nothing_said_differs_from_no_said() {
    let table = Table::read();
    let file = vec![("current_file".to_owned(), Node::Message)];
    assert_eq!(carried(&table, &CompletionRequest::default()), file);
    let mut said = CompletionRequest {
        is_nightly: Some(false),
        model_name: Some(String::new()),
        client_timezone_offset: Some(0.0),
        ..CompletionRequest::default()
    };
    said.current_file.file_version = Some(0);
    let paths: Vec<String> = carried(&table, &said).into_iter().map(|(path, _)| path).collect();
    let wanted = [
        "current_file",
        "current_file.file_version",
        "model_name",
        "is_nightly",
        "client_timezone_offset",
    ];
    assert_eq!(paths, wanted);
}

#[test]
fn every_word_is_the_wires() {
    let table = Table::read();
    for (number, severity) in (1_u64..).zip(Severity::ALL) {
        let mut value = CompletionRequest::at(&["current_file", "diagnostics"]);
        value.current_file.diagnostics[0].severity = Some(severity);
        let node = ("current_file.diagnostics.severity".to_owned(), Node::Number(number));
        assert!(carried(&table, &value).contains(&node), "{severity:?}");
    }
    for source in IntentSource::ALL {
        let mut value = CompletionRequest::at(&["cpp_intent_info", "source"]);
        value.cpp_intent_info.as_mut().expect("set").source = Some(source);
        let node = ("cpp_intent_info.source".to_owned(), Node::Text(source.name().to_owned()));
        assert!(carried(&table, &value).contains(&node), "{source:?}");
    }
}
