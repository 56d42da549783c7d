//! Whole agent runs, both directions.
use serde_json::Value;

use crate::fixture::Vector;
use crate::timeline;
use crate::{meaning, wire};

const SERVER: &str = "agent.v1.AgentServerMessage";

vectors!(
    "agent_timelines",
    check_timeline,
    [text_only, mcp_tool, native_tool_rejected, web_search_approval, kv_reads, shell_stream,]
);

fn check_timeline(vector: &Vector) {
    let stream = timeline::server_stream(vector);
    let steps = timeline::steps(vector.value("steps"));
    let server: Vec<_> = steps.iter().filter(|step| step.from_server).collect();
    assert_eq!(server.len(), stream.frames.len());
    for (step, frame) in server.iter().zip(&stream.frames) {
        if step.vector == "end" {
            assert_eq!((frame.flags, frame.data.as_ref()), (2, b"{}".as_slice()));
        } else {
            assert_eq!(frame.flags, 0);
            timeline::check_message(SERVER, "agent_server", &step.vector, &frame.data);
        }
    }
    for step in steps.iter().filter(|step| !step.from_server) {
        crate::messages::check(&crate::fixture::vector("agent_client", &step.vector));
    }
    check_expected(vector, &stream);
}

/// The parts of `expect` that need no session: texts are deltas, usage is in the last update.
fn check_expected(vector: &Vector, stream: &wire::Stream) {
    let messages: Vec<Value> = stream
        .frames
        .iter()
        .filter(|frame| !frame.is_end_stream())
        .map(|frame| meaning::read(SERVER, &frame.data))
        .collect();
    let joined = |path: &str| timeline::joined(&messages, path);
    let expect = vector.value("expect");
    assert_eq!(joined("/interaction_update/text_delta/text"), expect["text"]);
    if let Some(thinking) = expect.get("thinking") {
        assert_eq!(&joined("/interaction_update/thinking_delta/text"), thinking);
    }
    if let Some(usage) = expect.get("usage") {
        let number = |key: &str| {
            let path = format!("/interaction_update/turn_ended/{key}");
            joined(&path).parse::<u64>().ok()
        };
        assert_eq!(number("input_tokens"), usage["input"].as_u64());
        assert_eq!(number("output_tokens"), usage["output"].as_u64());
        assert_eq!(number("cache_read_tokens"), usage["cache_read"].as_u64());
    }
}
