//! Any legal answer, for the properties of all dialects: each says which blocks it is about.

use bytes::BytesMut;
use conversation::{
    BlockKind, Event, Failure, FailureClass, Grammar, StopReason, Usage, UsageSource,
};
use dialects::Encoder;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Short texts, rich in what JSON and server-sent events have to escape.
pub(crate) fn texts() -> impl Strategy<Value = String> {
    "(\\PC|[\u{0}-\u{20}\"\\\\\u{7f}\u{85}\u{2028}\u{2029}]){1,12}"
}

fn usages() -> impl Strategy<Value = Event> {
    let number = || 0..1_000_000_u64;
    let numbers = (number(), number());
    let details = (option::of(number()), option::of(number()), option::of(number()));
    (numbers, details, any::<bool>()).prop_map(
        |((input, output), (cache_read, cache_write, reasoning), estimate)| {
            let source = if estimate { UsageSource::Estimate } else { UsageSource::Upstream };
            Event::Usage(Usage { input, output, cache_read, cache_write, reasoning, source })
        },
    )
}

/// Blocks of these kinds whose text comes in these pieces, with usage in between. Those that may
/// be sealed sometimes are.
pub(crate) fn blocks(
    kinds: impl Strategy<Value = BlockKind>,
    pieces: impl Strategy<Value = String>,
    may_be_sealed: fn(&BlockKind) -> bool,
) -> impl Strategy<Value = Vec<Event>> {
    let inside = prop_oneof![4 => pieces.prop_map(Event::Delta), 1 => usages()];
    (kinds, vec(inside, 0..5), option::of(texts())).prop_map(move |(kind, inside, seal)| {
        let seal = seal.filter(|_| may_be_sealed(&kind));
        let mut events = vec![Event::Opened(kind)];
        events.extend(inside);
        events.push(Event::Closed(seal));
        events
    })
}

fn stops() -> impl Strategy<Value = StopReason> {
    prop_oneof![
        Just(StopReason::EndTurn),
        Just(StopReason::ToolCalls),
        Just(StopReason::MaxOutput),
        Just(StopReason::Refused),
        texts().prop_map(StopReason::StopSequence),
        texts().prop_map(StopReason::Other),
    ]
}

/// Complete answers of such blocks.
pub(crate) fn answers_of(
    blocks: impl Strategy<Value = Vec<Event>>,
) -> impl Strategy<Value = Vec<Event>> {
    (texts(), vec(blocks, 0..14), stops()).prop_map(|(id, blocks, stop)| {
        let mut events = vec![Event::Started { id, model: "other".into() }];
        events.extend(blocks.into_iter().flatten());
        events.push(Event::Finished(stop));
        let mut grammar = Grammar::default();
        for event in &events {
            grammar.accept(event).expect("legal");
        }
        events
    })
}

/// All that the encoder writes for these events.
pub(crate) fn written(events: &[Event], encoder: &mut impl Encoder) -> String {
    let mut out = BytesMut::new();
    for event in events {
        encoder.encode(event.clone(), &mut out);
    }
    String::from_utf8(out.to_vec()).expect("UTF-8")
}

pub(crate) fn failure() -> Failure {
    Failure::new(FailureClass::UpstreamFailed, "Cut\u{2028}off.").log("internal")
}

/// What the encoder writes for [`failure`]. Neither a second one nor events add to that.
pub(crate) fn broken_off(events: &[Event], encoder: &mut impl Encoder) -> String {
    let mut out = BytesMut::new();
    encoder.fail(&failure(), &mut out);
    let length = out.len();
    encoder.fail(&failure(), &mut out);
    for event in events {
        encoder.encode(event.clone(), &mut out);
    }
    assert_eq!(out.len(), length, "nothing follows a failure");
    String::from_utf8(out.to_vec()).expect("UTF-8")
}
