//! Edits and what is to be inserted for them.

use bytes::BytesMut;
use conversation::{Failure, Grammar, Reply, fold};
use proptest::prelude::*;
use proptest::sample::Index;

use super::super::{ReplyForm, StreamEncoder, encode_whole};
use super::*;
use crate::Encoder;
use crate::openai_chat::Mode;

/// The edit of these lines, its text in two pieces.
fn edit(start: usize, end: usize, text: &str) -> Vec<CompletionEvent> {
    let half = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
    let number = |line| i32::try_from(line).expect("small");
    vec![
        CompletionEvent::RangeReplace {
            start_line_number: number(start),
            end_line_number_inclusive: number(end),
            binding_id: None,
            should_remove_leading_eol: None,
        },
        CompletionEvent::Text(text[..half].to_owned()),
        CompletionEvent::Text(text[half..].to_owned()),
        CompletionEvent::DoneEdit,
    ]
}

/// The answer for these events; `|` in the text is the cursor.
fn reply_within(text: &str, limits: &Limits, events: Vec<CompletionEvent>) -> Reply {
    let cursor = text.find('|').expect("a cursor");
    let mut splice = Splice::new(&text.replacen('|', "", 1), cursor, limits);
    let mut out = vec![Event::Started { id: "a".into(), model: "m".into() }];
    let ended = events.into_iter().any(|event| splice.push(event, &mut out) == Verdict::Ended);
    let length = out.len();
    splice.finish(&mut out);
    assert!(!ended || out.len() == length, "nothing follows the end");
    let mut grammar = Grammar::default();
    for event in &out {
        grammar.accept(event).expect("legal");
    }
    assert!(grammar.is_ended());
    fold(out.into_iter().map(Ok::<_, Failure>)).expect("complete")
}

fn inserted(text: &str, edits: &[(usize, usize, &str)]) -> String {
    let events = edits.iter().flat_map(|&(start, end, new)| edit(start, end, new)).collect();
    reply_within(text, &Limits::default(), events).text()
}

#[test]
fn what_is_added_at_the_cursor_is_the_text() {
    assert_eq!(inserted("a\n  f(|)\nb", &[(2, 2, "  f(x, y)")]), "x, y");
    assert_eq!(inserted("|", &[(1, 1, "fn main() {}\n")]), "fn main() {}\n");
    assert_eq!(inserted("a\n|\nb", &[(2, 2, "x\ny")]), "x\ny");
    assert_eq!(inserted("a\n👋|é\nb", &[(1, 3, "a\n👋x\ny\u{2028}é\nb")]), "x\ny\u{2028}");
}

#[test]
fn an_edit_that_changes_more_has_no_place() {
    // Before the cursor, behind it, shorter, elsewhere, gone.
    assert_eq!(inserted("pritn(|)", &[(1, 1, "print(x)")]), "");
    assert_eq!(inserted("f(|)", &[(1, 1, "f(x;")]), "");
    assert_eq!(inserted("aa|aa", &[(1, 1, "aaa")]), "");
    assert_eq!(inserted("a|\nb", &[(2, 2, "bc")]), "");
    assert_eq!(inserted("a|\nb", &[(1, 1, "")]), "");
    assert_eq!(inserted("a|\nb", &[]), "");
}

#[test]
fn blanks_behind_the_cursor_may_go() {
    assert_eq!(inserted("f(| \t\nb", &[(1, 1, "f(x)")]), "x)");
    assert_eq!(inserted("f(| \nb", &[(1, 1, "f(x) ")]), "x)");
}

#[test]
fn later_edits_are_numbered_as_if_the_others_had_been_made() {
    let add = (2, 2, "  a = 1");
    assert_eq!(inserted("u\n  a| \nb", &[(1, 1, "u\nv\nw"), (4, 4, "  a = 1")]), " = 1");
    assert_eq!(inserted("u\nv\n  a|\nb", &[(1, 1, ""), add]), " = 1");
    assert_eq!(inserted("u\n  a|\nb", &[(3, 3, "c\nd"), add, (2, 2, "  a = 1;")]), " = 1;");
    // The place of the cursor is not known any more.
    assert_eq!(inserted("u\n  a|\nb", &[(2, 2, "  c"), (2, 2, "  c = 1")]), "");
}

#[test]
fn new_lines_between_others_may_be_at_the_cursor() {
    assert_eq!(inserted("a|\nb", &[(2, 1, "x\ny")]), "\nx\ny");
    assert_eq!(inserted("a\n|b", &[(2, 1, "x\ny\n")]), "x\ny\n");
    assert_eq!(inserted("a|b\nc", &[(2, 1, "x"), (1, 1, "ayb")]), "y");
    assert_eq!(inserted("a\n|c", &[(1, 0, "x"), (3, 3, "yc")]), "y");
    assert_eq!(inserted("a|", &[(2, 1, "x")]), "\nx");
    assert_eq!(inserted("a|b", &[(2, 1, "x"), (1, 1, "acb")]), "c");
}

#[test]
fn a_line_end_is_not_written_twice() {
    assert_eq!(inserted("f(|\nb", &[(1, 1, "f(x)\n")]), "x)");
    assert_eq!(inserted("f(|)\n\nb", &[(1, 2, "f(x)\n")]), "x");
    assert_eq!(inserted("a|", &[(1, 1, "ab\n")]), "b\n");
}

#[test]
fn the_last_line_goes_with_the_line_end_before_it() {
    assert_eq!(inserted("a|\nb", &[(2, 2, ""), (2, 1, "c"), (1, 1, "ab")]), "\nc");
    assert_eq!(inserted("|\n", &[(2, 2, ""), (1, 1, "a")]), "a");
    // A cursor within a line end that goes is lost.
    assert_eq!(inserted("a\r|\nb", &[(1, 1, ""), (1, 1, "bc")]), "");
}

#[test]
fn the_files_line_ends_are_kept() {
    assert_eq!(inserted("a|\r\nb", &[(1, 1, "a\nx")]), "\r\nx");
    assert_eq!(inserted("a|\r\nb", &[(1, 2, "ax\nb")]), "x");
    assert_eq!(inserted("a|\nb", &[(1, 2, "ax\r\nb")]), "x");
    assert_eq!(inserted("\r\n|\r\nb", &[(2, 2, "x\r\n")]), "x");
}

#[test]
fn lines_that_are_not_there_are_no_edit() {
    let edits = [(9, 9, "x"), (0, 0, "x"), (3, 3, "x"), (1, 1, "ab")];
    assert_eq!(inserted("a|\nc", &edits), "b");
    assert_eq!(inserted("a|\nc", &[(1, 99, "ab\nc")]), "b");
    let far = CompletionEvent::RangeReplace {
        start_line_number: i32::MIN,
        end_line_number_inclusive: i32::MAX,
        binding_id: None,
        should_remove_leading_eol: None,
    };
    let events = vec![far, CompletionEvent::Text("x".into()), CompletionEvent::DoneEdit];
    assert_eq!(reply_within("a|", &Limits::default(), events).text(), "");
}

#[test]
fn a_leading_line_end_goes_where_that_is_told() {
    let mut events = edit(1, 1, "\nab");
    if let CompletionEvent::RangeReplace { should_remove_leading_eol, .. } = &mut events[0] {
        *should_remove_leading_eol = Some(true);
    }
    assert_eq!(reply_within("a|", &Limits::default(), events).text(), "b");
}

#[test]
fn an_edit_needs_no_end_of_its_own_when_the_stream_ends_well() {
    let mut events = edit(1, 1, "ab");
    events.pop();
    assert_eq!(reply_within("a|", &Limits::default(), events.clone()).text(), "b");
    events.push(CompletionEvent::DoneStream);
    events.push(CompletionEvent::Text("stray".into()));
    assert_eq!(reply_within("a|", &Limits::default(), events).text(), "b");
}

#[test]
fn an_endless_edit_is_not_made() {
    let mut events = edit(1, 1, "a");
    events.pop();
    events.extend((0..20).map(|_| CompletionEvent::Text("x".repeat(100_000))));
    assert_eq!(reply_within("a|", &Limits::default(), events).text(), "");
}

#[test]
fn limits_end_the_answer() {
    let stop = Limits { stop: vec!["\n".into()], max_output_tokens: None };
    let reply = reply_within("a|", &stop, edit(1, 1, "abc\nd"));
    assert_eq!((reply.text().as_str(), reply.stop), ("bc", StopReason::StopSequence("\n".into())));

    let tokens = Limits { stop: Vec::new(), max_output_tokens: Some(2) };
    let reply = reply_within("a|", &tokens, edit(1, 1, "a one two three four"));
    assert_eq!(reply.stop, StopReason::MaxOutput);
    assert!(" one two three".starts_with(&reply.text()) && !reply.text().is_empty());
}

/// The body and the stream that the client gets for these edits of `f(|)`.
fn shown(edits: &[(usize, usize, &str)]) -> (String, String) {
    let form = |mode| ReplyForm { mode, model: "fast".into(), echo: None };
    let mut splice = Splice::new("f()", 2, &Limits::default());
    let mut out = vec![Event::Started { id: "a".into(), model: "m".into() }];
    for event in edits.iter().flat_map(|&(start, end, new)| edit(start, end, new)) {
        assert_eq!(splice.push(event, &mut out), Verdict::Continue);
    }
    splice.finish(&mut out);
    let mut stream = BytesMut::new();
    let mut encoder = StreamEncoder::new(&form(Mode::Stream { include_usage: false }), 7);
    for event in out.clone() {
        encoder.encode(event, &mut stream);
    }
    let reply = fold(out.into_iter().map(Ok::<_, Failure>)).expect("complete");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (text(&encode_whole(&reply, &form(Mode::Whole), 7)), text(&stream))
}

#[test]
fn the_client_gets_an_answer_like_any_other() {
    let (whole, stream) = shown(&[(1, 1, "f(x)")]);
    insta::assert_snapshot!(whole, @r#"{"id":"cmpl-a","object":"text_completion","created":7,"model":"fast","choices":[{"text":"x","index":0,"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3,"estimated":true}}"#);
    insta::assert_snapshot!(stream, @r#"
    data: {"id":"cmpl-a","object":"text_completion","created":7,"model":"fast","choices":[{"text":"x","index":0,"logprobs":null,"finish_reason":null}]}

    data: {"id":"cmpl-a","object":"text_completion","created":7,"model":"fast","choices":[{"text":"","index":0,"logprobs":null,"finish_reason":"stop"}]}

    data: [DONE]
    "#);
}

#[test]
fn no_suggestion_is_an_empty_text_that_stopped() {
    let (whole, stream) = shown(&[]);
    insta::assert_snapshot!(whole, @r#"{"id":"cmpl-a","object":"text_completion","created":7,"model":"fast","choices":[{"text":"","index":0,"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":2,"completion_tokens":0,"total_tokens":2,"estimated":true}}"#);
    insta::assert_snapshot!(stream, @r#"
    data: {"id":"cmpl-a","object":"text_completion","created":7,"model":"fast","choices":[{"text":"","index":0,"logprobs":null,"finish_reason":"stop"}]}

    data: [DONE]
    "#);
}

#[test]
fn usage_is_an_estimate_of_the_file_and_of_what_is_inserted() {
    for (limits, text) in [
        (Limits::default(), " one two three"),
        (Limits { stop: vec![" two".into()], max_output_tokens: None }, " one"),
    ] {
        let reply = reply_within("a|\nbc", &limits, edit(1, 1, "a one two three"));
        let usage = reply.usage.expect("usage");
        assert_eq!(reply.text(), text);
        assert_eq!((usage.input, usage.output), (estimate_tokens("a\nbc"), estimate_tokens(text)));
        assert_eq!(usage.source, UsageSource::Estimate);
    }
    let nothing = reply_within("a|", &Limits::default(), Vec::new());
    assert_eq!((nothing.usage.expect("usage").output, nothing.stop), (0, StopReason::EndTurn));
}

/// One step of a random completion.
#[derive(Debug, Clone)]
enum Step {
    /// An edit around the cursor that inserts this; so many lines more above and below.
    Insert(String, usize, usize),
    /// An edit of so many lines somewhere else.
    Elsewhere(Index, usize, Vec<String>),
}

fn steps() -> impl Strategy<Value = Step> {
    let line = || "[a-c👋\u{e9} ]{1,3}";
    prop_oneof![
        ("[a-c\n 👋]{0,5}[a-c👋]", 0..3_usize, 0..3_usize)
            .prop_map(|(text, up, down)| Step::Insert(text, up, down)),
        (any::<Index>(), 0..3_usize, proptest::collection::vec(line(), 0..3))
            .prop_map(|(at, count, new)| Step::Elsewhere(at, count, new)),
    ]
}

proptest! {
    /// Against a file that is a list of lines.
    #[test]
    fn insertions_are_found_among_any_other_edits(
        lines in proptest::collection::vec("[a-c👋 ]{0,4}", 1..6),
        line in any::<Index>(),
        column in any::<Index>(),
        crlf in any::<bool>(),
        steps in proptest::collection::vec(steps(), 0..6),
    ) {
        let eol = if crlf { "\r\n" } else { "\n" };
        // The model needs a line end to see which kind there is.
        let mut lines: Vec<String> = std::iter::once(String::new()).chain(lines).collect();
        let mut line = line.index(lines.len());
        let places: Vec<usize> =
            lines[line].char_indices().map(|(at, _)| at).chain([lines[line].len()]).collect();
        let mut column = places[column.index(places.len())];
        let text = lines.join(eol);
        let cursor = lines[..line].iter().map(|line| line.len() + eol.len()).sum::<usize>() + column;
        let mut marked = text.clone();
        marked.insert(cursor, '|');

        let mut events = Vec::new();
        let mut expected = String::new();
        for step in steps {
            match step {
                Step::Insert(text, up, down) => {
                    let (first, last) = (line - up.min(line), (line + down).min(lines.len() - 1));
                    let mut new = lines[first..=last].to_vec();
                    new[line - first].insert_str(column, &text);
                    events.extend(edit(first + 1, last + 1, &new.join("\n")));
                    let split: Vec<String> =
                        new.iter().flat_map(|line| line.split('\n')).map(str::to_owned).collect();
                    lines.splice(first..=last, split);
                    let breaks = text.matches('\n').count();
                    let behind = text.rsplit('\n').next().map_or(0, str::len);
                    column = if breaks == 0 { column + text.len() } else { behind };
                    line += breaks;
                    expected += &text.replace('\n', eol);
                }
                Step::Elsewhere(at, count, new) => {
                    let first = at.index(lines.len() + 1);
                    let last = (first + count).min(lines.len());
                    let beside = first == line && column == 0
                        || first == line + 1 && column == lines[line].len();
                    let touches = (first..last).contains(&line);
                    if touches || first == last && (beside || new.is_empty()) {
                        continue;
                    }
                    events.extend(edit(first + 1, last, &new.join("\n")));
                    if last <= line {
                        line = line + new.len() - (last - first);
                    }
                    lines.splice(first..last, new);
                }
            }
        }
        let reply = reply_within(&marked, &Limits::default(), events);
        prop_assert_eq!(reply.text(), expected);
    }

    #[test]
    fn any_edits_give_a_legal_answer(
        text in "[ab\r\n👋]{0,8}\\|[ab\r\n👋]{0,8}",
        edits in proptest::collection::vec((0..6_usize, 0..6_usize, "[ab\r\n👋]{0,8}"), 0..6),
    ) {
        let edits: Vec<(usize, usize, &str)> =
            edits.iter().map(|(start, end, text)| (*start, *end, text.as_str())).collect();
        inserted(&text, &edits);
    }
}
