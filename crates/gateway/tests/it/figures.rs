//! Token figures, and answers that the client's limits end.

use std::time::Duration;

use conversation::{StopReason, UsageSource};
use gateway::Options;
use simulator::CallOutcome;
use upstream::Flow;

use crate::rig::{FLOWS, PATIENCE, Rig, options, turn, until};

const LOOKUP: &str = "/aiserver.v1.DashboardService/GetTokenUsage";
const PROMPT: &str = "[[sim: usage 123 45]] [[sim: say hello]]";

#[tokio::test]
async fn the_agent_flow_reports_usage_in_its_stream() {
    let rig = Rig::new(Flow::Agent).await;
    let usage = rig.ask(PROMPT).await.expect("answered").usage.expect("usage");
    assert_eq!((usage.input, usage.output), (123, 45));
    assert_eq!(usage.source, UsageSource::Upstream);
    assert_eq!(rig.count(LOOKUP), 0);
}

#[tokio::test]
async fn the_chat_flow_looks_usage_up() {
    let rig = Rig::new(Flow::Chat).await;
    let usage = rig.ask(PROMPT).await.expect("answered").usage.expect("usage");
    assert_eq!((usage.input, usage.output), (123, 45));
    assert_eq!(usage.source, UsageSource::Upstream);
    assert_eq!(rig.count(LOOKUP), 1);
    rig.settled().await;
}

#[tokio::test]
async fn usage_is_estimated_and_marked_so_when_the_lookup_is_off() {
    let rig = Rig::with(Flow::Chat, Options { usage_lookup: false, ..options() }).await;
    let usage = rig.ask(PROMPT).await.expect("answered").usage.expect("usage");
    assert_eq!(usage.source, UsageSource::Estimate);
    assert!(usage.input > 0 && usage.output > 0, "{usage:?}");
    assert_eq!(rig.count(LOOKUP), 0);
}

#[tokio::test]
async fn a_token_limit_ends_the_answer_and_the_upstream_call() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        let mut limited = turn("[[sim: delay 10ms]] [[sim: chunks 100000]]");
        limited.limits.max_output_tokens = Some(8);
        let reply = rig.ask_turn(limited).await.expect("ended by us");
        assert_eq!(reply.stop, StopReason::MaxOutput);
        assert!(reply.text().starts_with("w1 ") && reply.text().len() < 60, "{}", reply.text());
        let usage = reply.usage.expect("usage");
        assert!(usage.output <= 8 && usage.source == UsageSource::Estimate, "{usage:?}");
        until(Duration::from_secs(1), "the end of the call", || {
            rig.streams().iter().all(|(_, outcome)| *outcome == CallOutcome::Cancelled)
        })
        .await;
        rig.settled().await;
        assert_eq!(rig.gateway.stats().failed, 0);
    }
}

#[tokio::test]
async fn a_stop_text_ends_the_answer_and_the_upstream_call() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        let mut limited =
            turn("[[sim: split 1]] [[sim: say \"one STOP two\"]] [[sim: wait 30s]] [[sim: say x]]");
        limited.limits.stop = vec!["STOP".into()];
        let reply = rig.ask_turn(limited).await.expect("ended by us");
        assert_eq!(reply.stop, StopReason::StopSequence("STOP".into()));
        assert_eq!(reply.text(), "one ");
        until(PATIENCE, "the end of the call", || rig.control.active_streams() == 0).await;
        rig.settled().await;
    }
}

#[tokio::test]
async fn a_limit_that_is_not_reached_changes_nothing() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        let mut limited = turn("[[sim: think hmm]] [[sim: say \"a long STO story\"]]");
        limited.limits.max_output_tokens = Some(10_000);
        limited.limits.stop = vec!["STOP".into()];
        let reply = rig.ask_turn(limited).await.expect("answered");
        assert_eq!((reply.text().as_str(), reply.stop), ("a long STO story", StopReason::EndTurn));
        assert_eq!(rig.streams().len(), 1);
    }
}

#[tokio::test]
async fn a_limit_inside_the_thinking_ends_the_answer_too() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        let mut limited = turn("[[sim: think \"one two three four five six\"]] [[sim: say x]]");
        limited.limits.max_output_tokens = Some(2);
        let reply = rig.ask_turn(limited).await.expect("ended by us");
        assert_eq!((reply.text().as_str(), reply.stop), ("", StopReason::MaxOutput));
        rig.settled().await;
    }
}

/// Defect: an answer that a stop text had completed was reported as the error behind it.
#[tokio::test]
async fn an_answer_completed_by_a_stop_text_is_not_failed_by_what_follows() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        let mut limited = turn("[[sim: say \"abc END xyz\"]] [[sim: error internal \"boom\"]]");
        limited.limits.stop = vec!["END".to_owned()];
        let reply = rig.ask_turn(limited).await.expect("complete");
        assert_eq!(reply.text(), "abc ");
        assert_eq!(reply.stop, StopReason::StopSequence("END".to_owned()));
        assert_eq!(rig.users().len(), 1, "not tried again");
    }
}

/// Defect: figures that were not there yet were passed on as zeros.
#[tokio::test]
async fn zeros_are_not_taken_for_figures() {
    let rig = Rig::new(Flow::Chat).await;
    let reply = rig.ask("[[sim: usage 0 0]] [[sim: say hello]]").await.expect("answered");
    let usage = reply.usage.expect("usage");
    assert_eq!(usage.source, UsageSource::Estimate);
    assert!(usage.input > 0 && usage.output > 0, "{usage:?}");
}
