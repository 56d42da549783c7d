//! Answers that must have a form.

use conversation::{FailureClass, OutputShape, StopReason, Tool, Turn};
use upstream::Flow;

use crate::rig::{FLOWS, Rig, turn};

fn in_schema(prompt: &str, schema: &str) -> Turn {
    let mut turn = turn(prompt);
    turn.output = OutputShape::JsonSchema { name: "n".into(), schema: schema.into() };
    turn
}

const AGE: &str = r#"{"type":"object","properties":{"age":{"type":"integer"}},"required":["age"]}"#;

#[tokio::test]
async fn what_fits_is_passed_on_without_its_wrapping() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        let prompt = r#"[[sim: think "hm"]] [[sim: say "```json\n{\"age\": 3}\n```"]]"#;
        let reply = rig.ask_turn(in_schema(prompt, AGE)).await.expect("answered");
        assert_eq!((reply.text().as_str(), reply.reasoning().as_str()), ("{\"age\": 3}", "hm"));
        assert_eq!((reply.stop, rig.streams().len()), (StopReason::EndTurn, 1));
        rig.settled().await;
    }
}

/// The first answer's mistake is quoted to the model, and with it the directive for the second.
#[tokio::test]
async fn what_does_not_fit_is_corrected_once() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        let prompt = r#"[[sim: say "\"[[sim: say 3]]\""]]"#;
        let reply = rig.ask_turn(in_schema(prompt, r#"{"type":"integer"}"#)).await;
        assert_eq!(reply.expect("corrected").text(), "3");
        assert_eq!(rig.streams().len(), 2, "{}", flow.name());
    }
}

#[tokio::test]
async fn what_never_fits_is_an_error_and_no_finished_answer() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        let turn = in_schema("[[sim: say {\"age\":\"three\"}]]", AGE);
        let failure = rig.ask_turn(turn).await.expect_err("no such answer");
        assert_eq!(failure.class, FailureClass::UpstreamFailed);
        assert_eq!(rig.streams().len(), 2);
        rig.settled().await;
    }
}

#[tokio::test]
async fn a_bad_schema_costs_no_call() {
    let rig = Rig::new(Flow::Agent).await;
    let failure = rig.ask_turn(in_schema("hello", r#"{"type":7}"#)).await.expect_err("bad");
    assert_eq!(failure.class, FailureClass::Invalid);
    assert_eq!(rig.streams().len(), 0);
}

#[tokio::test]
async fn calls_need_no_format() {
    let rig = Rig::new(Flow::Agent).await;
    let mut turn = in_schema("[[sim: say \"I look.\"]] [[sim: tool read={}]]", AGE);
    let parameters = "{\"type\":\"object\"}".to_owned();
    turn.tools.declared = vec![Tool { name: "read".into(), description: "r".into(), parameters }];
    let reply = rig.ask_turn(turn).await.expect("a call");
    assert_eq!((reply.text().as_str(), &reply.stop), ("I look.", &StopReason::ToolCalls));
}

#[tokio::test]
async fn an_answer_that_the_clients_limit_cut_is_told_as_cut() {
    let rig = Rig::new(Flow::Agent).await;
    let mut turn = in_schema("[[sim: chunks 50]]", AGE);
    turn.limits.max_output_tokens = Some(5);
    let reply = rig.ask_turn(turn).await.expect("cut");
    assert_eq!(reply.stop, StopReason::MaxOutput);
}
