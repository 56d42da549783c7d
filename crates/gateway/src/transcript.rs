//! Which conversation a request continues: clients send no id, so one is derived from the
//! transcript.
//!
//! A digest stands for all messages up to and with one answer. It is computed when the answer
//! ends and again from the next request, which brings that answer back. What clients change on
//! the way is left out: white space, reasoning, reminders between the messages, the spelling of
//! argument JSON, how text is cut into parts.

use conversation::{BlockKind, Event, Message, Part, ToolResult};
use sha2::{Digest as _, Sha256};

/// Whose conversations are kept apart: one client key never meets another one's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientId(String);

impl ClientId {
    /// Any text that is the client's own and not secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The messages up to some place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Digest([u8; 32]);

/// The speaker of a group of messages; those that follow each other are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaker {
    User,
    Assistant,
    Tools,
}

/// Where a request stands in its conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// All messages: what the answer will continue.
    pub(crate) whole: Digest,
    /// The messages up to and with the last answer, and how many they are. `None` in a
    /// conversation without an answer, which is a new one.
    pub(crate) answered: Option<(Digest, usize)>,
}

impl Place {
    pub(crate) fn of(client: &ClientId, messages: &[Message]) -> Self {
        let last = messages.iter().rposition(|message| matches!(message, Message::Assistant(_)));
        let mut chain = Chain::new(client);
        let mut answered = None;
        for (at, message) in messages.iter().enumerate() {
            chain.push(message);
            if last == Some(at) {
                answered = Some((chain.clone().end(), at + 1));
            }
        }
        Self { whole: chain.end(), answered }
    }
}

#[derive(Clone)]
struct Chain {
    so_far: [u8; 32],
    group: Option<(Speaker, Group)>,
}

impl Chain {
    fn new(client: &ClientId) -> Self {
        Self { so_far: Sha256::digest(client.0.as_bytes()).into(), group: None }
    }

    fn push(&mut self, message: &Message) {
        match message {
            Message::User(parts) => self.group(Speaker::User).parts(parts),
            Message::Assistant(parts) => self.group(Speaker::Assistant).parts(parts),
            Message::ToolResults(results) => {
                let group = self.group(Speaker::Tools);
                for result in results {
                    group.result(result);
                }
            }
            // Clients add and move them as they like.
            Message::Instruction(_) => {}
        }
    }

    fn group(&mut self, speaker: Speaker) -> &mut Group {
        if self.group.as_ref().is_some_and(|(current, _)| *current != speaker) {
            self.close();
        }
        &mut self.group.get_or_insert_with(|| (speaker, Group::default())).1
    }

    fn close(&mut self) {
        if let Some((speaker, group)) = self.group.take() {
            self.so_far = continued(self.so_far, speaker, group);
        }
    }

    fn end(mut self) -> Digest {
        self.close();
        Digest(self.so_far)
    }
}

fn continued(so_far: [u8; 32], speaker: Speaker, group: Group) -> [u8; 32] {
    let tag: &[u8] = match speaker {
        Speaker::User => b"user",
        Speaker::Assistant => b"assistant",
        Speaker::Tools => b"tools",
    };
    let mut hash = Sha256::new();
    hash.update(so_far);
    hash.update(tag);
    hash.update(group.text.end());
    hash.update(group.rest.finalize());
    hash.finalize().into()
}

/// What one speaker said: the text without white space, and all else in order.
#[derive(Debug, Clone, Default)]
struct Group {
    text: Squeezed,
    rest: Sha256,
}

/// A hash of text without its white space. Pieces are short: they are gathered before they are
/// hashed.
#[derive(Debug, Clone)]
struct Squeezed {
    hash: Sha256,
    block: [u8; 128],
    filled: usize,
}

impl Default for Squeezed {
    fn default() -> Self {
        Self { hash: Sha256::new(), block: [0; 128], filled: 0 }
    }
}

impl Squeezed {
    fn push(&mut self, text: &str) {
        for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
            if self.filled == self.block.len() {
                self.hash.update(self.block);
                self.filled = 0;
            }
            self.block[self.filled] = byte;
            self.filled += 1;
        }
    }

    fn end(mut self) -> [u8; 32] {
        self.hash.update(&self.block[..self.filled]);
        self.hash.finalize().into()
    }
}

impl Group {
    fn parts(&mut self, parts: &[Part]) {
        for part in parts {
            match part {
                Part::Text(text) => self.text(text),
                Part::File(file) => self.text(&file.text),
                Part::Image(image) => self.thing(b"image", &[&image.data]),
                Part::ToolCall(call) => self.call(&call.id, &call.name),
                Part::Reasoning(_) => {}
            }
        }
    }

    fn result(&mut self, result: &ToolResult) {
        self.thing(b"result", &[result.call_id.as_bytes()]);
        self.parts(&result.content);
    }

    fn call(&mut self, id: &str, name: &str) {
        self.thing(b"call", &[id.as_bytes(), name.as_bytes()]);
    }

    fn text(&mut self, text: &str) {
        self.text.push(text);
    }

    fn thing(&mut self, tag: &[u8], fields: &[&[u8]]) {
        self.rest.update(tag);
        for field in fields {
            self.rest.update((field.len() as u64).to_le_bytes());
            self.rest.update(field);
        }
    }
}

/// Follows an answer that goes out, so that its digest is there when it ends.
#[derive(Debug, Clone)]
pub(crate) struct AnswerDigest {
    before: Digest,
    group: Group,
    /// Whether pieces belong to a block of text.
    in_text: bool,
}

impl AnswerDigest {
    pub(crate) fn new(place: &Place) -> Self {
        Self { before: place.whole, group: Group::default(), in_text: false }
    }

    pub(crate) fn see(&mut self, event: &Event) {
        match event {
            Event::Opened(BlockKind::Text) => self.in_text = true,
            Event::Opened(BlockKind::ToolCall { id, name }) => self.group.call(id, name),
            Event::Delta(text) if self.in_text => self.group.text(text),
            Event::Closed(_) => self.in_text = false,
            Event::Opened(BlockKind::Reasoning)
            | Event::Delta(_)
            | Event::Started { .. }
            | Event::Usage(_)
            | Event::Finished(_) => {}
        }
    }

    pub(crate) fn end(self) -> Digest {
        Digest(continued(self.before.0, Speaker::Assistant, self.group))
    }
}

#[cfg(test)]
mod tests {
    use conversation::{ReasoningPart, ToolCall};

    use super::*;

    fn client() -> ClientId {
        ClientId::new("a")
    }

    fn user(text: &str) -> Message {
        Message::User(vec![Part::Text(text.into())])
    }

    fn call(id: &str, arguments: &str) -> Part {
        Part::ToolCall(ToolCall { id: id.into(), name: "read".into(), arguments: arguments.into() })
    }

    /// The digest of `before` and an answer of these events.
    fn answered(before: &[Message], events: &[Event]) -> Digest {
        let mut answer = AnswerDigest::new(&Place::of(&client(), before));
        for event in events {
            answer.see(event);
        }
        answer.end()
    }

    fn opened(id: &str) -> Event {
        Event::Opened(BlockKind::ToolCall { id: id.into(), name: "read".into() })
    }

    #[test]
    fn an_answer_that_comes_back_has_the_mark_it_went_out_with() {
        let events = [
            Event::Opened(BlockKind::Reasoning),
            Event::Delta("hm".into()),
            Event::Closed(Some("seal".into())),
            Event::Opened(BlockKind::Text),
            Event::Delta("I will ".into()),
            Event::Delta("look.\n".into()),
            Event::Closed(None),
            opened("c1"),
            Event::Delta("{ \"a\": 1 }".into()),
            Event::Closed(None),
        ];
        let digest = answered(&[user("hi")], &events);
        // The client drops the reasoning, trims the text, spells the arguments its own way, cuts
        // the answer into two messages and adds a reminder.
        let back = [
            user("hi"),
            Message::Instruction("today is monday".into()),
            Message::Assistant(vec![Part::Text("I will look.".into())]),
            Message::Assistant(vec![
                Part::Reasoning(ReasoningPart { text: "hm".into(), seal: None }),
                call("c1", "{\"a\":1}"),
            ]),
            Message::ToolResults(Vec::new()),
        ];
        assert_eq!(Place::of(&client(), &back).answered, Some((digest, 4)));
    }

    #[test]
    fn other_clients_words_and_calls_have_other_digests() {
        let events = [opened("c1"), Event::Closed(None)];
        let digest = answered(&[user("hi")], &events);
        let back =
            |text: &str, id: &str| vec![user(text), Message::Assistant(vec![call(id, "{}")])];
        let found = |client: &ClientId, back: &[Message]| {
            Place::of(client, back).answered.expect("an answer").0
        };
        assert_eq!(found(&client(), &back("hi", "c1")), digest);
        assert_ne!(found(&client(), &back("ho", "c1")), digest);
        assert_ne!(found(&client(), &back("hi", "c2")), digest);
        assert_ne!(found(&ClientId::new("b"), &back("hi", "c1")), digest);
    }

    #[test]
    fn a_conversation_without_an_answer_is_new() {
        assert!(Place::of(&client(), &[user("hi")]).answered.is_none());
    }
}
