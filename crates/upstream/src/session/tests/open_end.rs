//! Agent streams that stay open although their turn has ended.

use conversation::StopReason;
use cursor_proto::agent::{AgentServerMessage, TurnEndedUpdate};

use super::agent_tools::{exec, partial, said, update, weather};
use super::rig::*;
use super::*;

const NONSENSE: &[u8] = b"\xff\xff\xff";

fn turn_ended() -> AgentServerMessage {
    update(TurnEndedUpdate { input_tokens: Some(7), output_tokens: Some(3), ..Default::default() })
}

/// All events of a turn; `end` brings it about.
fn events_of(messages: &[AgentServerMessage], end: fn(&mut Rig) -> Step) -> Vec<Event> {
    let mut rig = weather();
    let mut events = rig.messages(messages).events;
    let end = end(&mut rig);
    assert!(end.done, "{end:?}");
    events.extend(end.events);
    events
}

/// Defect: the client waited for the end of a stream that the server kept open, with the whole
/// answer in hand, and was told of a failure at the deadline.
#[test]
fn a_turn_that_has_ended_does_not_wait_long_for_the_end_of_its_stream() {
    let mut rig = weather();
    rig.messages(&[said("Hello"), turn_ended()]);
    let early = rig.wait(1999);
    assert!(!early.done && early.events.is_empty(), "the last checkpoint may come: {early:?}");
    rig.vectors(File::AgentServer, &["checkpoint", "server_heartbeat"]);
    let end = rig.wait(1);
    assert!(end.done);
    assert_eq!(end.events, [Event::Closed(None), Event::Finished(StopReason::EndTurn)]);
    assert!(rig.session.memory().bytes() > 100, "the checkpoint was kept");
    let after = rig.wait(60_000);
    assert!(after.events.is_empty(), "once");
    let end = rig.end().expect("it was a success");
    assert!(end.done && end.events.is_empty());
}

#[test]
fn the_events_are_those_of_a_stream_that_ends() {
    let end: fn(&mut Rig) -> Step = |rig| rig.end().expect("ends");
    let wait: fn(&mut Rig) -> Step = |rig| rig.wait(2000);
    for messages in [
        vec![said("Hello"), turn_ended()],
        vec![exec(2, "c1", "get_weather", "Oslo"), turn_ended()],
    ] {
        assert_eq!(events_of(&messages, end), events_of(&messages, wait));
    }
}

#[test]
fn the_patience_is_known_to_the_timer() {
    let mut rig = weather();
    rig.messages(&[said("Hello"), turn_ended()]);
    let (now, mut actions) = (Instant::now(), Actions::default());
    let due = rig.session.tick(now, &mut actions).expect("a duty");
    assert!(due <= now + Duration::from_secs(2), "sooner than the next heartbeat");
    rig.session.tick(due, &mut actions);
    assert!(actions.done);
}

#[test]
fn a_resumed_turn_without_text_ends_by_itself_too() {
    let mut rig = weather();
    rig.messages(&[exec(2, "c1", "get_weather", "Oslo")]);
    assert!(rig.wait(150).suspended);
    rig.resume(&[text_result("c1", "-3 C")]);
    rig.messages(&[turn_ended()]);
    let end = rig.wait(2000);
    assert!(end.done);
    assert_eq!(end.events, [Event::Finished(StopReason::EndTurn)]);
}

/// What the end of the stream would make a failure, waiting does not make a success.
#[test]
fn an_answer_that_is_none_is_left_to_the_end_of_the_stream() {
    for messages in
        [vec![turn_ended()], vec![partial("c1", "get_weather", r#"{"ci"#), turn_ended()]]
    {
        let mut rig = weather();
        rig.messages(&messages);
        let step = rig.wait(60_000);
        assert!(!step.done && step.events.is_empty(), "{step:?}");
        assert!(rig.end().is_err());
    }
}

#[test]
fn a_turn_that_has_not_ended_waits_for_as_long_as_it_takes() {
    let mut rig = weather();
    rig.messages(&[said("Hello")]);
    assert!(!rig.wait(60_000).done);
}

/// Defect: an answer that was whole failed for bytes that came after it.
#[test]
fn nonsense_after_the_turn_has_ended_costs_nothing() {
    let mut rig = weather();
    rig.messages(&[said("Hello"), turn_ended()]);
    let step = rig.bytes(&[NONSENSE.to_vec()]);
    assert!(step.events.is_empty());
    assert!(rig.end().expect("ends").done);

    let mut silent = weather();
    silent.messages(&[turn_ended()]);
    let nonsense = Bytes::from_static(NONSENSE);
    assert!(silent.session.receive(&nonsense, &mut Actions::default()).is_err());
}
