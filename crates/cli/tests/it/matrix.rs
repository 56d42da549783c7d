//! The golden matrix: everything that the upstream may say, on both flows, through every client
//! dialect, whole and streamed. It stands here because only this crate sees both arms of the
//! house, which meet in no other place than the neutral model.
//!
//! A case is a stream of bytes: a golden timeline, or one of `fixtures/upstream`. It is played
//! through the session that a request of the dialect opens; what comes out is written by the
//! dialect, read again as a client reads it, and handed back with the next request. The snapshot
//! beside the case shows the answers in all dialects.

mod back;
mod case;
mod client;
mod dialect;
mod play;
mod retold;
mod schema;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use conversation::{Event, Reply, fold};
use serde_json::Value;
use upstream::Flow;

use case::Case;
use client::{Call, Said, assemble, check_failed, said};
use dialect::{Asked, Dialect, Form};
use play::{Answer, play};

/// More than any step has: nothing is cut.
const WHOLE: usize = usize::MAX;

/// A case in one dialect.
struct Cell {
    dialect: Dialect,
    answers: Vec<Answer>,
    whole: Form,
    stream: Form,
}

/// A row of the matrix.
fn row(case: &Case) -> Vec<Cell> {
    let cell = |dialect: Dialect| {
        let Asked { turn, form: whole, .. } = dialect.ask(&case.tools, false);
        let Asked { turn: same, form: stream, .. } = dialect.ask(&case.tools, true);
        assert_eq!(turn, same, "streaming changes nothing but the form");
        Cell { dialect, answers: play(case, &turn, WHOLE), whole, stream }
    };
    Dialect::ALL.into_iter().map(cell).collect()
}

fn title(case: &Case, dialect: Dialect) -> String {
    format!("{} {} in {}", case.flow.name(), case.name, dialect.name())
}

#[test]
fn every_answer_in_every_dialect_is_as_its_snapshot() {
    for case in case::all() {
        insta::with_settings!({
            snapshot_path => case::folder(case.flow),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(case.name.clone(), shown(&case));
        });
    }
}

/// The answers of a case as their clients get them.
fn shown(case: &Case) -> String {
    let mut shown = format!("{}\n", case.about);
    for cell in row(case) {
        for (place, answer) in cell.answers.iter().enumerate() {
            write!(shown, "\n=== {}, answer {}", cell.dialect.name(), place + 1).expect("text");
            match fold(answer.iter().cloned()) {
                Err(failure) if !is_visible(answer) => {
                    // The gateway holds back what nobody sees and sends an error instead.
                    writeln!(shown, ": {:?}", failure.class).expect("text");
                    writeln!(shown, "{}", cell.whole.error(&failure)).expect("text");
                }
                Err(failure) => {
                    writeln!(shown, ": {:?}", failure.class).expect("text");
                    shown += &short(&cell.stream, &cell.stream.stream(answer));
                }
                Ok(reply) => {
                    shown.push('\n');
                    shown += &short(&cell.stream, &cell.stream.stream(answer));
                    let body = short(&cell.whole, &cell.whole.whole(&reply).0);
                    match cell.dialect {
                        // Its last event holds it already.
                        Dialect::Responses => {}
                        Dialect::Chat | Dialect::Anthropic | Dialect::Completions => {
                            write!(shown, "--- whole\n{body}").expect("text");
                        }
                    }
                }
            }
        }
    }
    shown
}

/// Whether a client can see that an answer has begun.
fn is_visible(answer: &Answer) -> bool {
    answer.iter().flatten().any(Event::is_visible)
}

/// One line per event, without what every event repeats and without what repeats the request:
/// that all of this is there and right is checked when the stream is put together.
fn short(form: &Form, text: &str) -> String {
    let mut short = text.to_owned();
    if let Some(echo) = form.echo() {
        short = short.replace(&echo, "\u{2026}");
    }
    for id in 1..10 {
        short = short.replace(&format!("{id:032x}"), &format!("ID{id}"));
    }
    let mut lines = String::new();
    for line in short.lines().filter(|line| !line.is_empty() && !line.starts_with("event: ")) {
        let line = line.strip_prefix("data: ").unwrap_or(line);
        match line.split_once("\"choices\":") {
            Some((_, choices)) => writeln!(lines, "{{\u{2026}\"choices\":{choices}").expect("text"),
            None => writeln!(lines, "{line}").expect("text"),
        }
    }
    lines
}

#[test]
fn every_snapshot_has_a_case() {
    let mut cases: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for case in case::all() {
        let known = cases.entry(case.flow.name()).or_default();
        assert!(known.insert(case.name.clone()), "{} twice", case.name);
    }
    for flow in [Flow::Agent, Flow::Chat] {
        let files = std::fs::read_dir(case::folder(flow)).expect("the fixtures");
        let names = files.map(|entry| entry.expect("readable").file_name().into_string());
        let snapshots: BTreeSet<String> = names
            .filter_map(|name| name.expect("UTF-8").strip_suffix(".snap").map(str::to_owned))
            .collect();
        assert_eq!(cases.get(flow.name()), Some(&snapshots));
    }
}

#[test]
fn a_stream_put_together_by_its_sdk_is_the_whole_answer() {
    let mut compared = 0;
    for case in case::all() {
        for cell in row(&case) {
            for reply in replies(&cell) {
                let stream = cell.stream.stream(&reply.1);
                let whole: Value =
                    serde_json::from_str(&cell.whole.whole(&reply.0).0).expect("JSON");
                let title = title(&case, cell.dialect);
                assert_eq!(assemble(cell.dialect, &stream), whole, "{title}");
                compared += 1;
            }
        }
    }
    assert!(compared > 200, "{compared}");
}

/// The answers that ended well.
fn replies(cell: &Cell) -> Vec<(Reply, Answer)> {
    let reply = |answer: &Answer| Some((fold(answer.iter().cloned()).ok()?, answer.clone()));
    cell.answers.iter().filter_map(reply).collect()
}

#[test]
fn an_answer_that_failed_never_looks_finished() {
    let mut failed = BTreeSet::new();
    for case in case::all() {
        for cell in row(&case) {
            for answer in &cell.answers {
                if fold(answer.iter().cloned()).is_err() {
                    check_failed(cell.dialect, &cell.stream.stream(answer));
                    let (_, before) = answer.split_last().expect("the failure");
                    // Until something is visible the HTTP status can still be another. A seal
                    // alone is not visible, but the dialects that show it have to write it.
                    let sealed = |event: &Event| matches!(event, Event::Closed(Some(_)));
                    if !is_visible(answer) && !before.iter().flatten().any(sealed) {
                        let title = title(&case, cell.dialect);
                        assert_eq!(cell.stream.stream(before), "", "{title}");
                    }
                    failed.insert(format!("{}/{}", case.flow.name(), case.name));
                }
            }
        }
    }
    let expected = [
        "agent/cut_after_call",
        "agent/cut_in_call",
        "agent/cut_in_text",
        "agent/empty",
        "agent/error_after_results",
        "agent/error_after_text",
        "agent/error_first",
        "agent/error_in_thinking",
        "chat/cut_after_call",
        "chat/cut_in_call",
        "chat/cut_in_text",
        "chat/empty",
        "chat/error_after_results",
        "chat/error_after_text",
        "chat/error_after_thinking",
        "chat/error_first",
        "chat/redacted_thinking_only",
        "chat/timeline-error_after_text",
        "chat/timeline-error_first",
    ];
    assert_eq!(failed, expected.map(str::to_owned).into());
}

/// What was lost is never made up for: up to the cut, answers are as they would have been.
#[test]
fn a_stream_that_breaks_off_after_any_step_fails_or_was_complete() {
    let mut failed = 0;
    for mut case in case::all() {
        let whole = row(&case);
        while case.steps.pop().is_some() {
            for (cell, whole) in row(&case).iter().zip(&whole) {
                let title = title(&case, cell.dialect);
                for (place, answer) in cell.answers.iter().enumerate() {
                    if fold(answer.iter().cloned()).is_ok() {
                        assert_eq!(Some(answer), whole.answers.get(place), "{title}");
                    } else {
                        check_failed(cell.dialect, &cell.stream.stream(answer));
                        failed += 1;
                    }
                }
            }
        }
    }
    assert!(failed > 1000, "{failed}");
}

#[test]
fn all_dialects_say_the_same() {
    for case in case::all() {
        let row = row(&case);
        for cell in &row {
            let title = title(&case, cell.dialect);
            if cell.dialect.converses() {
                assert_eq!(cell.answers, row[0].answers, "{title}");
            }
            for (reply, _) in replies(cell) {
                let body = serde_json::from_str(&cell.whole.whole(&reply).0).expect("JSON");
                let call = |(id, name, arguments)| Call { id, name, arguments };
                let calls = back::calls(&reply).into_iter().map(call).collect();
                assert!(cell.dialect.converses() || back::calls(&reply).is_empty(), "{title}");
                let expected = Said { text: reply.text(), calls };
                assert_eq!(said(cell.dialect, &body), expected, "{title}");
            }
        }
    }
}

#[test]
fn bytes_cut_anywhere_give_the_same_answers() {
    for case in case::all() {
        let Asked { turn, .. } = Dialect::Anthropic.ask(&case.tools, true);
        let whole = play(&case, &turn, WHOLE);
        for size in [1, 7] {
            assert_eq!(play(&case, &turn, size), whole, "{}", title(&case, Dialect::Anthropic));
        }
    }
}

/// The second of two calls waits for the result of the first and has an answer of its own.
#[test]
fn a_client_that_wants_one_call_at_a_time_gets_them_so_in_every_dialect() {
    let parallel = |case: &Case| {
        ["parallel_calls", "interleaved_arguments", "thinking_between_calls"]
            .contains(&case.name.as_str())
    };
    let mut checked = 0;
    for case in case::all().into_iter().filter(parallel) {
        for dialect in Dialect::ALL.into_iter().filter(|dialect| dialect.converses()) {
            let Asked { turn, form, .. } = dialect.ask_for_single_calls(&case.tools);
            let title = title(&case, dialect);
            let mut calls = Vec::new();
            for answer in play(&case, &turn, WHOLE) {
                let body = assemble(dialect, &form.stream(&answer));
                let said = said(dialect, &body);
                assert!(said.calls.len() <= 1, "{title}: {said:?}");
                calls.push(said.calls.into_iter().map(|call| call.arguments).collect::<Vec<_>>());
            }
            let city = |name: &str| vec![serde_json::json!({ "city": name })];
            assert_eq!(calls, [city("Oslo"), city("Bergen"), Vec::new()], "{title}");
            checked += 1;
        }
    }
    assert_eq!(checked, 18);
}

/// What a client hands back reaches the upstream as the upstream wrote it: its own ids and names
/// of calls, with the results that belong to them, and its seals.
#[test]
fn answers_that_are_handed_back_open_both_flows_with_the_upstreams_own_ids_and_seals() {
    let mut handed = 0;
    for case in case::all() {
        let originals = back::originals(&case);
        for cell in row(&case).iter().filter(|cell| cell.dialect.converses()) {
            let replies: Vec<Reply> = replies(cell).into_iter().map(|(reply, _)| reply).collect();
            let mut seen = Vec::new();
            for until in 1..=replies.len() {
                let replies = &replies[..until];
                seen = back::check(&case, cell.dialect, replies, &cell.whole, &originals);
                handed += 1;
            }
            // An answer that failed may hide a call.
            if replies.len() == cell.answers.len() {
                let seen: BTreeSet<&String> = seen.iter().collect();
                let all = originals.keys().collect();
                assert_eq!(seen, all, "{}", title(&case, cell.dialect));
            }
        }
    }
    assert!(handed > 150, "{handed}");
}
