//! Whatever interleaves, answers are legal and lose nothing.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Op {
    Text,
    Reasoning,
    EndReasoning,
    Piece(u8),
    Close(u8),
    Rest,
    Resume,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        Just(Op::Text),
        Just(Op::Reasoning),
        Just(Op::EndReasoning),
        (0u8..4).prop_map(Op::Piece),
        (0u8..4).prop_map(Op::Close),
        Just(Op::Rest),
        Just(Op::Resume),
    ]
}

/// What the events of all answers say, by kind of block.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    text: String,
    reasoning: String,
    calls: BTreeMap<String, String>,
}

impl Said {
    fn read(&mut self, events: &[Event], grammar: &mut Grammar, open: &mut Option<BlockKind>) {
        for event in events {
            if matches!(event, Event::Started { .. }) {
                *grammar = Grammar::default();
            }
            grammar.accept(event).unwrap_or_else(|violation| panic!("{violation}: {events:?}"));
            match event {
                Event::Opened(kind) => {
                    if let BlockKind::ToolCall { id, .. } = kind {
                        self.calls.entry(id.clone()).or_default();
                    }
                    *open = Some(kind.clone());
                }
                Event::Delta(piece) => match open.as_ref().expect("a block is open") {
                    BlockKind::Text => self.text.push_str(piece),
                    BlockKind::Reasoning => self.reasoning.push_str(piece),
                    BlockKind::ToolCall { id, .. } => {
                        self.calls.get_mut(id).expect("opened").push_str(piece);
                    }
                },
                Event::Closed(_) => *open = None,
                Event::Started { .. } | Event::Usage(_) | Event::Finished(_) => {}
            }
        }
    }
}

proptest! {
    #[test]
    fn answers_are_legal_and_lose_nothing(
        ops in proptest::collection::vec(op(), 0..60),
        parallel: bool,
    ) {
        let mut answer = Answer::new("id".into(), "m", parallel, WINDOW);
        let mut actions = Actions::default();
        let (mut given, mut said) = (Said::default(), Said::default());
        let (mut grammar, mut open) = (Grammar::default(), None);
        // A call that is closed is not named again: its next piece is of another call.
        let mut generation = [0u32; 4];
        let key = |generation: &[u32; 4], call: u8| format!("c{call}-{}", generation[usize::from(call)]);
        answer.start(&mut actions);
        for (at, op) in ops.iter().enumerate() {
            let piece = format!("{at}.");
            match op {
                Op::Text => {
                    answer.text(&piece, &mut actions);
                    given.text.push_str(&piece);
                }
                Op::Reasoning => {
                    answer.reasoning(&piece, &mut actions);
                    given.reasoning.push_str(&piece);
                }
                Op::EndReasoning => answer.end_reasoning(None, &mut actions),
                Op::Piece(call) => {
                    let key = key(&generation, *call);
                    answer.open_call(&key, "f", &mut actions);
                    answer.call_text(&key, &piece, &mut actions);
                    given.calls.entry(key).or_default().push_str(&piece);
                }
                Op::Close(call) => {
                    let key = key(&generation, *call);
                    if given.calls.contains_key(&key) {
                        answer.close_call(&key, &mut actions);
                        generation[usize::from(*call)] += 1;
                    }
                }
                Op::Rest if answer.may_suspend() => answer.suspend(&mut actions),
                Op::Resume if answer.is_suspended() => {
                    let pending = answer.pending_calls();
                    prop_assert!(!pending.is_empty());
                    prop_assert!(parallel || pending.len() == 1);
                    prop_assert_eq!(answer.resume("next".into(), &mut actions), pending);
                }
                Op::Rest | Op::Resume => {}
            }
            prop_assert!(answer.check().is_ok());
            said.read(&actions.events, &mut grammar, &mut open);
            actions.events.clear();
            prop_assert_eq!(grammar.is_ended(), answer.is_suspended());
        }
        // Everything comes out once all calls are complete and all results given.
        for call in 0..4 {
            answer.close_call(&key(&generation, call), &mut actions);
        }
        while answer.is_suspended() {
            answer.resume("next".into(), &mut actions);
        }
        prop_assert!(answer.finish(&mut actions));
        said.read(&actions.events, &mut grammar, &mut open);
        prop_assert!(grammar.is_ended());
        prop_assert_eq!(said, given);
    }
}
