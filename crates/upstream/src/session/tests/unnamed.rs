//! Calls to which the server gave no id: they get ids of our own.

use std::collections::HashSet;

use cursor_proto::agent::exec_client_message::Message as AgentAnswer;
use cursor_proto::agent::oneof::agent_client_message::Message as Client;
use cursor_proto::aiserver::stream_unified_chat_request_with_tools::Request;
use cursor_proto::aiserver::{
    ClientSideToolV2, ClientSideToolV2Call, MCPParams, StreamUnifiedChatResponseWithTools,
    mcp_params,
};

use super::agent_tools::{exec, partial};
use super::rig::*;
use super::*;

fn rig(flow: Flow, run: u128) -> Rig {
    Rig::with_uuids(flow, &turn_with(tools(&["get_weather"])), run << 32)
}

fn unnamed(tool: ClientSideToolV2, name: &str, city: &str) -> ClientSideToolV2Call {
    let called = mcp_params::Tool { name: name.into(), ..Default::default() };
    ClientSideToolV2Call {
        tool: tool.into(),
        name: name.into(),
        raw_args: arguments(city),
        params: MCPParams { tools: vec![called], ..Default::default() }.into(),
        ..Default::default()
    }
}

fn mcp(city: &str) -> ClientSideToolV2Call {
    unnamed(ClientSideToolV2::CLIENT_SIDE_TOOL_V2_MCP, "get_weather", city)
}

fn frame(call: ClientSideToolV2Call) -> StreamUnifiedChatResponseWithTools {
    StreamUnifiedChatResponseWithTools { response: call.into(), ..Default::default() }
}

fn arguments(city: &str) -> String {
    format!(r#"{{"city":"{city}"}}"#)
}

/// Two calls without ids on one stream: ids and arguments as the client sees them.
fn two_calls(flow: Flow, run: u128) -> (Rig, Vec<String>) {
    let mut rig = rig(flow, run);
    let step = match flow {
        Flow::Agent => rig.messages(&[
            partial("", "get_weather", r#"{"city":"#),
            exec(1, "", "get_weather", "Oslo"),
            exec(2, "", "get_weather", "Bergen"),
        ]),
        Flow::Chat => rig.messages(&[
            frame(ClientSideToolV2Call { is_streaming: true, ..mcp("Os") }),
            frame(mcp("Oslo")),
            frame(mcp("Bergen")),
        ]),
    };
    let told: Vec<_> = step.calls().into_iter().map(|(_, _, arguments)| arguments).collect();
    assert_eq!(told, [arguments("Oslo"), arguments("Bergen")], "{flow:?}");
    assert!(rig.wait(150).suspended, "{flow:?}");
    let ids = rig.session.pending_calls();
    (rig, ids)
}

/// Defect: ids were made of the exec's number alone, which begins anew with every run, and of an
/// empty id nothing was made at all: calls of one conversation had the same id.
#[test]
fn made_up_ids_are_unique_over_the_runs_of_a_conversation() {
    for flow in [Flow::Agent, Flow::Chat] {
        let mut all = HashSet::new();
        for run in 1..=3 {
            let (_, ids) = two_calls(flow, run);
            assert_eq!(ids.len(), 2, "{flow:?}");
            for id in ids {
                assert!(!id.starts_with("cid_") && id.len() <= 64, "{id} is fit for clients");
                assert!(all.insert(id.clone()), "{flow:?}: {id} twice");
            }
        }
    }
}

#[test]
fn results_of_calls_without_ids_find_their_calls() {
    let (mut agent, ids) = two_calls(Flow::Agent, 1);
    let sent = agent.resume(&[text_result(&ids[1], "b"), text_result(&ids[0], "o")]).agent();
    let results: Vec<_> = sent
        .iter()
        .filter_map(|message| match message {
            Client::ExecClientMessage(message) => match &message.message {
                Some(AgentAnswer::McpResult(result)) => Some((message.id, format!("{result:?}"))),
                other => panic!("a result, not {other:?}"),
            },
            _ => None,
        })
        .collect();
    assert_eq!(results.len(), 2);
    for ((number, result), (expected, text)) in results.iter().zip([(1, "\"o\""), (2, "\"b\"")]) {
        assert!(*number == expected && result.contains(text), "{number}: {result}");
    }

    let (mut chat, ids) = two_calls(Flow::Chat, 1);
    let sent = chat.resume(&[text_result(&ids[1], "b"), text_result(&ids[0], "o")]).chat();
    assert_eq!(sent.len(), 2);
    for (message, text) in sent.iter().zip(["\\\"o\\\"", "\\\"b\\\""]) {
        let Some(Request::ClientSideToolV2Result(result)) = &message.request else {
            panic!("{message:?}")
        };
        assert_eq!(result.tool_call_id, "", "the server's own id goes back");
        assert!(format!("{result:?}").contains(text), "{result:?}");
    }
}

/// Defect: the second refusal of a call without an id was taken for a repeat of the first, and the
/// server waited for it.
#[test]
fn every_refused_call_without_an_id_is_answered() {
    let mut rig = rig(Flow::Chat, 1);
    let read = ClientSideToolV2::CLIENT_SIDE_TOOL_V2_READ_FILE;
    let step = rig.messages(&[
        frame(unnamed(read, "read_file", "a")),
        frame(unnamed(read, "read_file", "b")),
    ]);
    assert_eq!(step.sent.len(), 2);
}
