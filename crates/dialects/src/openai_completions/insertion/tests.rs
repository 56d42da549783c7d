//! Requests and the place in a file that they become.

use conversation::FailureClass;

use super::super::{decode, read};
use super::*;
use crate::openai_chat::Mode;

#[track_caller]
fn insertion(fields: &str) -> Insertion {
    let body = format!(r#"{{"model":"fast",{fields}}}"#);
    let request = read(body.as_bytes()).expect("JSON");
    request.insertion().unwrap_or_else(|failure| panic!("{body}: {failure}"))
}

#[track_caller]
fn refused(fields: &str) -> (Option<String>, String) {
    let body = format!(r#"{{"model":"fast",{fields}}}"#);
    let failure = match read(body.as_bytes()) {
        Ok(request) => request.insertion().map(|_| ()).expect_err(&body),
        Err(failure) => failure,
    };
    assert_eq!(failure.class, FailureClass::Invalid);
    (failure.param, failure.client)
}

#[test]
fn the_two_texts_are_one_file_with_the_cursor_between() {
    let Insertion { request, form, limits, ignored, cursor } =
        insertion(r#""prompt":"fn a() {}\nfn é👋(","suffix":") {}\n""#);
    let position = Position { line: 1, column: 7 };
    let expected = CompletionRequest {
        current_file: CurrentFile {
            relative_workspace_path: "main.rs".into(),
            contents: "fn a() {}\nfn é👋() {}\n".into(),
            cursor_position: Some(position),
            selection: Some(Range { start_position: position, end_position: position }),
            total_number_of_lines: 3,
            language_id: "rust".into(),
            line_ending: Some("\n".into()),
            ..CurrentFile::default()
        },
        model_name: Some("fast".into()),
        cpp_intent_info: Some(IntentInfo { source: Some(IntentSource::ManualTrigger) }),
        control_token: Some(ControlToken::Op),
        ..CompletionRequest::default()
    };
    assert_eq!(request, expected);
    assert_eq!(form, ReplyForm { mode: Mode::Whole, model: "fast".into(), echo: None });
    assert_eq!((limits, cursor), (Limits::default(), "fn a() {}\nfn é👋(".len()));
    assert!(ignored.is_empty());
}

#[test]
fn the_cursor_may_be_at_either_end() {
    let at = |fields: &str| {
        let file = insertion(fields).request.current_file;
        let place = file.cursor_position.expect("a cursor");
        (file.contents, place.line, place.column)
    };
    assert_eq!(at(r#""prompt":"","suffix":"a""#), ("a".into(), 0, 0));
    assert_eq!(at(r#""prompt":["a\n"],"suffix":"""#), ("a\n".into(), 1, 0));
    assert_eq!(at(r#""prompt":"a""#), ("a".into(), 0, 1));
    assert_eq!(at(r#""prompt":"a\r\nb","suffix":"c""#), ("a\r\nbc".into(), 1, 1));
}

#[test]
fn what_is_told_about_the_file_is_not_guessed() {
    let told = |fields: &str| {
        let file = insertion(&format!(r#""prompt":"def f():\n","suffix":"x",{fields}"#));
        let file = file.request.current_file;
        (file.relative_workspace_path, file.language_id)
    };
    let pair = |path: &str, language: &str| (path.to_owned(), language.to_owned());
    assert_eq!(told(r#""n":1"#), pair("main.py", "python"));
    assert_eq!(told(r#""relative_workspace_path":"a/b.RS""#), pair("a/b.RS", "rust"));
    assert_eq!(told(r#""relative_workspace_path":"a.b/c""#), pair("a.b/c", "python"));
    assert_eq!(told(r#""language_id":"go""#), pair("main.go", "go"));
    assert_eq!(told(r#""language_id":"cobol""#), pair("main", "cobol"));
    let both = r#""language_id":"lua","relative_workspace_path":"x.py""#;
    assert_eq!(told(both), pair("x.py", "lua"));
    assert_eq!(told(r#""language_id":"","relative_workspace_path":"""#), pair("main.py", "python"));
}

#[test]
fn a_language_is_guessed_by_its_look() {
    for (text, language) in [
        ("", "plaintext"),
        ("Once upon a time", "plaintext"),
        ("#!/usr/bin/env python3\n", "python"),
        ("#!/bin/bash\n", "shellscript"),
        ("use std::fmt;\n\npub fn main() {\n    let mut x = 1;\n", "rust"),
        ("package main\n\nfunc main() {\n", "go"),
        ("import os\n\ndef main():\n", "python"),
        ("const a = 1;\nfunction f() {\n", "javascript"),
        ("export interface A {\n", "typescript"),
        ("#include <vector>\n", "cpp"),
        ("#define A 1\n#include \"a.h\"\n", "c"),
        ("<!DOCTYPE html>\n<html>\n", "html"),
        ("local a = 1\nlocal function f()\n", "lua"),
        ("SELECT 1\n", "sql"),
    ] {
        assert_eq!(language::guess(text), language, "{text}");
    }
}

#[test]
fn the_languages_endings_belong_to_one_language_each() {
    for id in ["python", "rust", "cpp", "c", "typescriptreact", "json"] {
        let ending = language::ending(id).expect("known");
        assert_eq!(language::of_path(&format!("x/y.{ending}")), Some(id));
    }
    assert_eq!(language::ending("plaintext"), None);
    assert_eq!(language::of_path("Makefile"), None);
}

#[test]
fn the_rest_is_as_for_any_completion() {
    let Insertion { form, limits, ignored, .. } = insertion(
        r#""prompt":"a","suffix":"b","stream":true,"stream_options":{"include_usage":true},
        "max_tokens":9,"stop":"\n\n","echo":true,"user":"u","temperature":0.5,"other":1"#,
    );
    assert_eq!(form.mode, Mode::Stream { include_usage: true });
    assert_eq!(form.echo.as_deref(), Some("a"));
    assert_eq!((limits.max_output_tokens, limits.stop), (Some(9), vec!["\n\n".to_owned()]));
    assert_eq!(ignored.to_string(), "other, temperature, user");
}

#[test]
fn what_is_wrong_is_named() {
    for (fields, param, message) in [
        (r#""suffix":"b""#, "prompt", "Missing"),
        (r#""prompt":["a","b"],"suffix":"b""#, "prompt", "Only one prompt"),
        (r#""prompt":"a","suffix":5"#, "suffix", "expected a string"),
        (r#""prompt":"a","suffix":"b","n":2"#, "n", "Only one choice"),
        (r#""prompt":"a","suffix":"b","language_id":1"#, "language_id", "expected a string"),
        (r#""prompt":"a","suffix":"b","max_tokens":0"#, "max_tokens", ">= 1"),
    ] {
        let (found, text) = refused(fields);
        assert_eq!(found.as_deref(), Some(param), "{fields}");
        assert!(text.contains(message), "{fields}: {text}");
    }
}

#[test]
fn the_ways_can_be_told_apart_before_one_is_taken() {
    let read = |fields: &str| read(format!("{{{fields}}}").as_bytes()).expect("JSON");
    let request = read(r#""model":"fast","prompt":"a","suffix":"b""#);
    assert_eq!((request.model(), request.suffix()), (Some("fast"), Some("b")));
    let request = read(r#""prompt":"a","suffix":"""#);
    assert_eq!((request.model(), request.suffix()), (None, Some("")));
    assert_eq!(read("").suffix(), None);
}

/// In a conversation there is no place for them.
#[test]
fn what_is_told_about_a_file_has_no_effect_on_a_continuation() {
    let body = br#"{"model":"m","prompt":"a","relative_workspace_path":"x","language_id":"rust"}"#;
    let ignored = decode(body).expect("legal").ignored;
    assert_eq!(ignored.to_string(), "language_id, relative_workspace_path");
}
