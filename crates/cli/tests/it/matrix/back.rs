//! The way back: an answer that a client hands in with its next request, as both flows get it.

use std::collections::BTreeMap;

use conversation::{BlockKind, Message, Part, ReasoningPart, Reply, ToolCall, Turn};
use serde_json::{Value, json};
use upstream::{EnvelopeDecoder, Flow, Frame};

use super::case::{Case, Step};
use super::dialect::{Asked, Dialect, Form, QUESTION};
use super::play::{self, Ids, result_text};
use super::retold::{Original, retold};
use super::schema;

/// The calls of the client's tools that the server of a case makes, by its own ids. Others are
/// refused.
pub(super) fn originals(case: &Case) -> BTreeMap<String, Original> {
    let mut decoder = EnvelopeDecoder::new(1 << 20);
    let mut calls = BTreeMap::new();
    for step in &case.steps {
        let Step::Server(bytes) = step else { continue };
        decoder.push(bytes.clone().into());
        let Some(Frame::Message(message)) = decoder.next_frame().expect("a legal frame") else {
            continue;
        };
        let message = schema::decode(case.flow, &message);
        let (call, name, arguments) = match case.flow {
            Flow::Agent => {
                let call = &message["exec_server_message"]["mcp_args"];
                let arguments = call.get("args").cloned().unwrap_or_else(|| json!({}));
                (call, &call["name"], arguments)
            }
            Flow::Chat => {
                let call = &message["client_side_tool_v2_call"];
                let arguments = call["raw_args"].as_str().unwrap_or("{}");
                let Ok(arguments) = serde_json::from_str(arguments) else { continue };
                (call, &call["mcp_params"]["tools"][0]["name"], arguments)
            }
        };
        let offered = |name: &&str| {
            let name = name.strip_prefix("client_").unwrap_or(name);
            case.tools.iter().any(|tool| tool == name)
        };
        if let (Some(id), Some(name)) =
            (call["tool_call_id"].as_str(), name.as_str().filter(offered))
        {
            calls.insert(id.to_owned(), Original { name: name.to_owned(), arguments });
        }
    }
    calls
}

/// Hands the answers of a conversation back in every way that its dialect has, and opens both
/// flows with it. Gives the upstream's ids of all calls.
pub(super) fn check(
    case: &Case,
    dialect: Dialect,
    replies: &[Reply],
    form: &Form,
    originals: &BTreeMap<String, Original>,
) -> Vec<String> {
    let context = format!("{} {} in {}", case.flow.name(), case.name, dialect.name());
    let mut turns = vec![handed_back(case, dialect, replies, form)];
    turns.extend(continued(case, replies, form));
    let made: Vec<_> = replies.iter().flat_map(calls).collect();
    let mut ids = Vec::new();
    for turn in turns {
        check_turn(dialect, &turn, replies, &context);
        for flow in [Flow::Agent, Flow::Chat] {
            let (opening, _) = play::open(flow, &turn, &mut Ids::default());
            let retold = retold(&opening);
            let context = format!("{context}, handed back on {}: {retold:?}", flow.name());
            assert_eq!(retold.calls.len(), made.len(), "{context}");
            for past in &retold.calls {
                assert_eq!(originals.get(&past.id), Some(&past.call), "{context}");
            }
            for (id, _, arguments) in &made {
                let result = result_text(id);
                let past = retold.calls.iter().find(|past| past.result == result);
                assert_eq!(past.expect(&context).call.arguments, *arguments, "{context}");
            }
            let text: String = replies.iter().map(Reply::text).collect();
            assert_eq!(retold.text, text, "{context}");
            assert_eq!(retold.sealed, sealed(replies), "{context}");
            ids = retold.calls.into_iter().map(|past| past.id).collect();
        }
    }
    ids
}

/// The next request of a client that keeps the conversation itself.
fn handed_back(case: &Case, dialect: Dialect, replies: &[Reply], form: &Form) -> Turn {
    let mut messages = vec![json!({ "role": "user", "content": QUESTION })];
    for reply in replies {
        let mut body: Value = serde_json::from_str(&form.whole(reply).0).expect("JSON");
        match dialect {
            Dialect::Chat => messages.push(body["choices"][0]["message"].take()),
            Dialect::Responses => {
                messages.extend(body["output"].as_array().cloned().expect("output"));
            }
            Dialect::Anthropic => {
                messages.push(json!({ "role": "assistant", "content": body["content"] }));
            }
            Dialect::Completions => panic!("nothing can be handed back"),
        }
        messages.extend(next(dialect, reply));
    }
    let request = dialect.request(&messages, &case.tools, false);
    let Asked { turn, ignored, .. } = dialect.decode(&request, &[]);
    let lost = dialect == Dialect::Chat && replies.iter().any(mixes_seals);
    assert_eq!(ignored, if lost { "messages[].reasoning_content" } else { "" }, "{request}");
    turn
}

/// Whether an answer has reasoning with a seal and reasoning without.
fn mixes_seals(reply: &Reply) -> bool {
    let reasoning = || reply.blocks.iter().filter(|block| block.kind == BlockKind::Reasoning);
    reasoning().any(|block| block.seal.is_some()) && reasoning().any(|block| block.seal.is_none())
}

/// The next request of a client that only names the answer it goes on from, where it can do that.
fn continued(case: &Case, replies: &[Reply], form: &Form) -> Option<Turn> {
    let Form::Responses(first) = form else { return None };
    let dialect = Dialect::Responses;
    let mut kept = first.input_items.clone();
    let mut turn = None;
    for reply in replies {
        let (body, output) = form.whole(reply);
        let body: Value = serde_json::from_str(&body).expect("JSON");
        kept.extend(output);
        let mut request = dialect.request(&next(dialect, reply), &case.tools, false);
        request["previous_response_id"] = body["id"].clone();
        let Asked { turn: asked, form, ignored } = dialect.decode(&request, &kept);
        assert_eq!(ignored, "", "{request}");
        if let Form::Responses(form) = form {
            kept.extend(form.input_items);
        }
        turn = Some(asked);
    }
    turn
}

/// The results of an answer's calls, the last one first; what the user says if there are none.
fn next(dialect: Dialect, reply: &Reply) -> Vec<Value> {
    let calls = calls(reply);
    if calls.is_empty() {
        return vec![json!({ "role": "user", "content": "Go on." })];
    }
    let ids = calls.into_iter().rev().map(|(id, _, _)| id);
    let results = ids.map(|id| {
        let text = result_text(&id);
        match dialect {
            Dialect::Chat => json!({ "role": "tool", "tool_call_id": id, "content": text }),
            Dialect::Responses => {
                json!({ "type": "function_call_output", "call_id": id, "output": text })
            }
            Dialect::Anthropic => {
                json!({ "type": "tool_result", "tool_use_id": id, "content": text })
            }
            Dialect::Completions => Value::Null,
        }
    });
    match dialect {
        Dialect::Anthropic => {
            vec![json!({ "role": "user", "content": results.collect::<Vec<_>>() })]
        }
        Dialect::Chat | Dialect::Responses | Dialect::Completions => results.collect(),
    }
}

/// Id, name and arguments of the calls of an answer.
pub(super) fn calls(reply: &Reply) -> Vec<(String, String, Value)> {
    let call = |block: &conversation::Block| match &block.kind {
        BlockKind::ToolCall { id, name } => {
            let arguments = if block.text.is_empty() { "{}" } else { &block.text };
            let arguments = serde_json::from_str(arguments).expect("arguments are JSON");
            Some((id.clone(), name.clone(), arguments))
        }
        BlockKind::Text | BlockKind::Reasoning => None,
    };
    reply.blocks.iter().filter_map(call).collect()
}

/// The turn holds the answers as the upstream gave them.
fn check_turn(dialect: Dialect, turn: &Turn, replies: &[Reply], context: &str) {
    let [Message::User(_), messages @ ..] = &turn.messages[..] else {
        panic!("{context}: {:?}", turn.messages);
    };
    assert_eq!(messages.len(), replies.len() * 2, "{context}: {messages:?}");
    for (reply, messages) in replies.iter().zip(messages.chunks(2)) {
        let [Message::Assistant(parts), next] = messages else {
            panic!("{context}: {messages:?}");
        };
        check_parts(dialect, parts, reply, context);
        let made = calls(reply);
        match next {
            Message::ToolResults(results) => {
                let ids: Vec<&str> = results.iter().rev().map(|r| r.call_id.as_str()).collect();
                let made: Vec<&str> = made.iter().map(|(id, _, _)| id.as_str()).collect();
                assert_eq!(ids, made, "{context}");
            }
            Message::User(_) => assert_eq!(made, [], "{context}"),
            Message::Assistant(_) | Message::Instruction(_) => panic!("{context}: {next:?}"),
        }
    }
}

fn check_parts(dialect: Dialect, parts: &[Part], reply: &Reply, context: &str) {
    let expected: Vec<Part> = reply.blocks.iter().filter_map(part).collect();
    match dialect {
        // A message has one text, and its reasoning stands apart from it.
        Dialect::Chat => {
            let mut reasoning = reasoning(&expected);
            if reasoning.iter().any(|block| block.seal.is_some()) {
                // Beside sealed blocks there is no place for one without a seal; the request's
                // list of ignored fields says so.
                reasoning.retain(|block| block.seal.is_some());
            } else if !reasoning.is_empty() {
                reasoning = vec![ReasoningPart { text: reply.reasoning(), seal: None }];
            }
            assert_eq!(self::reasoning(parts), reasoning, "{context}");
            assert_eq!(text(parts), reply.text(), "{context}");
            assert_eq!(tool_calls(parts), tool_calls(&expected), "{context}");
        }
        Dialect::Responses | Dialect::Anthropic => {
            let parts: Vec<Part> = parts.iter().map(rewritten).collect();
            assert_eq!(parts, expected, "{context}");
        }
        Dialect::Completions => {}
    }
}

/// Text and seal of the sealed blocks.
fn sealed(replies: &[Reply]) -> Vec<(String, String)> {
    let sealed = |block: &conversation::Block| Some((block.text.clone(), block.seal.clone()?));
    replies.iter().flat_map(|reply| &reply.blocks).filter_map(sealed).collect()
}

/// The part that a block becomes when it comes back; an empty one does not.
fn part(block: &conversation::Block) -> Option<Part> {
    let text = block.text.clone();
    match &block.kind {
        BlockKind::Text => (!text.is_empty()).then_some(Part::Text(text)),
        BlockKind::Reasoning => {
            Some(Part::Reasoning(ReasoningPart { text, seal: block.seal.clone() }))
        }
        BlockKind::ToolCall { id, name } => {
            let arguments = if text.is_empty() { "{}".to_owned() } else { text };
            let call = ToolCall { id: id.clone(), name: name.clone(), arguments };
            Some(rewritten(&Part::ToolCall(call)))
        }
    }
}

/// The same with arguments in one form: clients parse them and write them anew.
fn rewritten(part: &Part) -> Part {
    match part {
        Part::ToolCall(call) => {
            let arguments: Value = serde_json::from_str(&call.arguments).expect("JSON");
            Part::ToolCall(ToolCall { arguments: arguments.to_string(), ..call.clone() })
        }
        Part::Text(_) | Part::Image(_) | Part::File(_) | Part::Reasoning(_) => part.clone(),
    }
}

fn reasoning(parts: &[Part]) -> Vec<ReasoningPart> {
    let part = |part: &Part| match part {
        Part::Reasoning(reasoning) => Some(reasoning.clone()),
        Part::Text(_) | Part::Image(_) | Part::File(_) | Part::ToolCall(_) => None,
    };
    parts.iter().filter_map(part).collect()
}

fn text(parts: &[Part]) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) => Some(text.clone()),
        Part::Reasoning(_) | Part::Image(_) | Part::File(_) | Part::ToolCall(_) => None,
    };
    parts.iter().filter_map(part).collect()
}

fn tool_calls(parts: &[Part]) -> Vec<(String, String, Value)> {
    let part = |part: &Part| match part {
        Part::ToolCall(call) => {
            let arguments = serde_json::from_str(&call.arguments).expect("JSON");
            Some((call.id.clone(), call.name.clone(), arguments))
        }
        Part::Text(_) | Part::Reasoning(_) | Part::Image(_) | Part::File(_) => None,
    };
    parts.iter().filter_map(part).collect()
}
