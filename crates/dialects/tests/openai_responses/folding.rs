//! A complete stream put together as an SDK does it, and as strictly as a validator would.

use serde_json::Value;

/// What a client makes of a stream.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    /// The items as they were when they were done.
    pub(crate) items: Vec<Value>,
    /// The response object of the last event.
    pub(crate) last: Value,
    open: Option<Open>,
}

/// The item that is being filled.
#[derive(Debug)]
struct Open {
    /// As it was announced.
    item: Value,
    text: String,
    /// The text was told as a whole.
    told: bool,
    part: Part,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    None,
    Open,
    Done,
}

/// The payloads of a stream, each checked by itself.
pub(crate) fn events_of(stream: &str) -> Vec<Value> {
    let mut blocks: Vec<&str> = stream.split("\n\n").collect();
    assert_eq!(blocks.pop(), Some(""), "the last event is complete");
    let read = |(place, block): (usize, &str)| {
        assert!(!block.contains(['\r', '\u{85}', '\u{2028}', '\u{2029}']));
        let (name, data) = block.split_once('\n').expect("two lines");
        let data = data.strip_prefix("data: ").expect("the second line is data");
        assert!(!data.contains('\n'));
        let event: Value = serde_json::from_str(data).expect("JSON");
        assert_eq!(name.strip_prefix("event: "), event["type"].as_str());
        assert_eq!(event["sequence_number"], place, "no gaps");
        event
    };
    blocks.into_iter().enumerate().map(read).collect()
}

impl Folded {
    /// Folds a stream that ended well.
    pub(crate) fn of(stream: &str) -> Self {
        let mut folded = Self::default();
        let events = events_of(stream);
        let (last, before) = events.split_last().expect("an end");
        for (place, event) in before.iter().enumerate() {
            folded.take(place, event);
        }
        let kind = last["type"].as_str().expect("a type");
        assert!(["response.completed", "response.incomplete"].contains(&kind), "{kind}");
        assert_eq!(kind.strip_prefix("response."), last["response"]["status"].as_str());
        assert!(folded.open.is_none(), "every item is done");
        assert_eq!(last["response"]["id"], events[0]["response"]["id"], "one id");
        folded.last = last["response"].clone();
        folded
    }

    fn take(&mut self, place: usize, event: &Value) {
        let kind = event["type"].as_str().expect("a type");
        let announces = ["response.created", "response.in_progress"];
        assert_eq!(announces.get(place).is_some(), announces.contains(&kind), "{place} {kind}");
        match kind {
            "response.created" | "response.in_progress" => {
                assert_eq!(kind, announces[place]);
                assert_eq!(event["response"]["status"], "in_progress");
                assert_eq!(event["response"]["output"], Value::Array(Vec::new()));
                return;
            }
            "response.output_item.added" => {
                assert!(self.open.is_none(), "one item after the other");
                let item = event["item"].clone();
                self.open = Some(Open { item, text: String::new(), told: false, part: Part::None });
            }
            _ => {}
        }
        assert_eq!(event["output_index"], self.items.len());
        let open = self.open.as_mut().expect("an open item");
        if let Some(id) = event.get("item_id") {
            assert_eq!(id, &open.item["id"]);
        }
        for index in ["content_index", "summary_index"] {
            assert!(event.get(index).is_none_or(|index| index == 0));
        }
        let rest = kind.strip_prefix("response.").expect("a prefix");
        match rest.rsplit_once('.').expect("an ending") {
            ("output_item", "added") => {}
            ("output_item", "done") => {
                let open = self.open.take().expect("checked");
                check_done(&open, &event["item"]);
                self.items.push(event["item"].clone());
            }
            ("content_part" | "reasoning_summary_part", "added") => {
                assert_eq!((open.part, text_of(&event["part"])), (Part::None, ""));
                open.part = Part::Open;
            }
            ("content_part" | "reasoning_summary_part", "done") => {
                assert_eq!((open.part, open.told), (Part::Open, true));
                assert_eq!(text_of(&event["part"]), open.text);
                open.part = Part::Done;
            }
            (about, "delta") => {
                assert!(!open.told && fits(about, open), "{about}");
                let delta = event["delta"].as_str().expect("a text");
                assert!(!delta.is_empty());
                open.text += delta;
            }
            (about, "done") => {
                assert!(!open.told && fits(about, open), "{about}");
                let text = ["text", "arguments", "input"].iter().find_map(|name| event.get(name));
                assert_eq!(text.and_then(Value::as_str), Some(open.text.as_str()));
                open.told = true;
            }
            other => panic!("unknown event {other:?}"),
        }
    }
}

fn text_of(part: &Value) -> &str {
    part["text"].as_str().expect("a text")
}

/// Whether events of this name belong to the item.
fn fits(about: &str, open: &Open) -> bool {
    let (kind, part) = match about {
        "output_text" => ("message", Part::Open),
        "reasoning_summary_text" => ("reasoning", Part::Open),
        "function_call_arguments" => ("function_call", Part::None),
        "custom_tool_call_input" => ("custom_tool_call", Part::None),
        other => panic!("unknown text {other}"),
    };
    open.item["type"] == kind && open.part == part
}

/// The finished item is the announced one with the text that was streamed.
fn check_done(open: &Open, done: &Value) {
    for name in ["id", "type", "call_id", "name", "namespace", "role"] {
        assert_eq!(open.item.get(name), done.get(name), "{name}");
    }
    let streamed = match done["type"].as_str().expect("a type") {
        "message" => {
            assert_eq!(open.part, Part::Done);
            assert_eq!(done["content"].as_array().map(Vec::len), Some(1));
            text_of(&done["content"][0])
        }
        "reasoning" => match done["summary"].get(0) {
            Some(part) => {
                assert_eq!(open.part, Part::Done);
                text_of(part)
            }
            None => "",
        },
        "function_call" if open.told => done["arguments"].as_str().expect("a text"),
        "custom_tool_call" => {
            assert!(open.told || open.text.is_empty());
            done["input"].as_str().expect("a text")
        }
        // Told only as a whole.
        "function_call" | "shell_call" | "local_shell_call" | "apply_patch_call"
        | "tool_search_call" => "",
        other => panic!("unknown item {other}"),
    };
    assert_eq!(streamed, open.text);
}
