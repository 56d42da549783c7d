//! Every golden timeline by name: whole, cut at every byte, and cut anywhere.

use proptest::prelude::*;

use super::*;

/// All timelines of a flow, with the flow to play them on.
fn timelines() -> Vec<(Flow, Value)> {
    let agent = vectors(File::AgentTimelines).into_iter().map(|v| (Flow::Agent, v));
    let chat = vectors(File::ChatTimelines).into_iter().map(|v| (Flow::Chat, v));
    agent.chain(chat).collect()
}

fn named(flow: Flow, name: &str) -> Value {
    let found = timelines().into_iter().find(|(f, v)| *f == flow && v["name"] == name);
    found.expect(name).1
}

fn play_named(flow: Flow, name: &str) -> Run {
    play_whole(flow, &unhex(&named(flow, name)["server_bytes_hex"]))
}

#[test]
fn every_timeline_says_what_is_expected_of_it() {
    let names: Vec<String> = timelines()
        .iter()
        .map(|(flow, v)| format!("{} {}", flow.name(), v["name"].as_str().expect("name")))
        .collect();
    assert_eq!(
        names,
        [
            "agent text_only",
            "agent mcp_tool",
            "agent native_tool_rejected",
            "agent web_search_approval",
            "agent kv_reads",
            "agent shell_stream",
            "chat text_only",
            "chat thinking",
            "chat web_search",
            "chat tool_round_trip_same_stream",
            "chat error_first",
            "chat error_after_text",
            "chat aborted_is_normal_end",
            "chat gzip_mixed",
        ]
    );
    for (flow, timeline) in timelines() {
        let name = timeline["name"].as_str().expect("name");
        let run = play_whole(flow, &unhex(&timeline["server_bytes_hex"]));
        check_expected(&format!("{} {name}", flow.name()), &timeline["expect"], &run);
    }
}

fn check_expected(name: &str, expect: &Value, run: &Run) {
    let field = |key: &str| expect.get(key).and_then(Value::as_str);
    let text = match (field("text_before"), field("text_after")) {
        (Some(before), Some(after)) => format!("{before}{after}"),
        _ => field("text").unwrap_or_default().to_owned(),
    };
    assert_eq!(run.text(), text, "{name}");
    assert_eq!(run.thinking(), field("thinking").unwrap_or_default(), "{name}");
    if let Some(seal) = field("signature") {
        let sealed = Event::Closed(Some(seal.to_owned()));
        assert!(run.events.contains(&sealed), "{name}: {:?}", run.events);
    }
    if let Some(usage) = expect.get("usage") {
        let seen = run.usage().expect(name);
        assert_eq!(Some(seen.input), usage["input"].as_u64(), "{name}");
        assert_eq!(Some(seen.output), usage["output"].as_u64(), "{name}");
        assert_eq!(seen.cache_read, usage["cache_read"].as_u64(), "{name}");
        assert_eq!(seen.source, UsageSource::Upstream, "{name}");
    }
    let class = match (expect.get("http_status_of_gateway"), expect.get("error_event")) {
        (Some(status), _) if *status == 402 => Some(FailureClass::Quota),
        (Some(status), _) => panic!("{name}: no class for {status}"),
        (None, Some(_)) => Some(FailureClass::UpstreamFailed),
        (None, None) => None,
    };
    assert_eq!(run.class(), class, "{name}: {:?}", run.result);
}

#[test]
fn every_timeline_cut_at_every_byte_gives_the_same_events_and_answers() {
    for (flow, timeline) in timelines() {
        let bytes = unhex(&timeline["server_bytes_hex"]);
        let whole = play_whole(flow, &bytes);
        let single = play(flow, bytes.chunks(1));
        assert_eq!(single, whole, "{}", timeline["name"]);
        for at in 1..bytes.len() {
            let (head, tail) = bytes.split_at(at);
            assert_eq!(play(flow, [head, tail]), whole, "{} cut at {at}", timeline["name"]);
        }
    }
}

/// Defect of other gateways: a stream without an end frame looks like a success.
#[test]
fn every_timeline_that_breaks_off_before_its_end_frame_is_a_failure() {
    for (flow, timeline) in timelines() {
        let bytes = unhex(&timeline["server_bytes_hex"]);
        let name = timeline["name"].as_str().expect("name");
        // An agent turn is complete with `turn_ended`; what is lost after it costs nothing.
        let complete = match (flow, name) {
            (Flow::Agent, _) => bytes.len() - framed(2, b"{}").len(),
            (Flow::Chat, _) => bytes.len(),
        };
        for at in 0..bytes.len() {
            let run = play_whole(flow, &bytes[..at]);
            let failed = run.result.is_err();
            assert!(failed || at >= complete, "{name} cut at {at}: {run:?}");
        }
    }
}

proptest! {
    #[test]
    fn cuts_of_any_size_do_not_matter(
        which in 0usize..14,
        cuts in proptest::collection::vec(1usize..60, 1..30),
    ) {
        let (flow, timeline) = timelines().swap_remove(which);
        let bytes = unhex(&timeline["server_bytes_hex"]);
        let mut pieces = Vec::new();
        let mut rest = &bytes[..];
        for cut in cuts.iter().cycle() {
            if rest.is_empty() { break; }
            let (head, tail) = rest.split_at((*cut).min(rest.len()));
            pieces.push(head);
            rest = tail;
        }
        prop_assert_eq!(play(flow, pieces), play_whole(flow, &bytes));
    }
}

#[test]
fn a_quota_error_before_any_text_shows_nothing() {
    let run = play_named(Flow::Chat, "error_first");
    assert_eq!(run.events, []);
    assert_eq!(run.result.expect_err("quota").scope, conversation::Scope::Account);
}

#[test]
fn an_error_after_text_leaves_the_text_and_no_end() {
    let run = play_named(Flow::Chat, "error_after_text");
    assert_eq!(run.text(), "Hello");
    assert!(!run.events.iter().any(|event| matches!(event, Event::Finished(_))));
}
