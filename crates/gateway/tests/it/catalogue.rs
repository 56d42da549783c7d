//! The model list: built in, then fetched, then the last good one for as long as it must be.

use std::time::Duration;

use conversation::{FailureClass, Image, ImageFormat, Message, Part};
use gateway::Options;
use simulator::{AccountBehaviour, CallOutcome};
use upstream::Flow;

use crate::rig::{ANN, BOB, PATIENCE, Rig, options, turn, until};

const LIST: &str = "/aiserver.v1.AiService/AvailableModels";

async fn rig() -> Rig {
    let often = Options { models_refresh: Duration::from_millis(30), ..options() };
    Rig::with(Flow::Agent, often).await
}

fn listed(rig: &Rig, id: &str) -> bool {
    rig.gateway.catalogue().find(id).is_some()
}

#[tokio::test]
async fn the_built_in_list_is_replaced_by_the_live_one() {
    let rig = rig().await;
    assert!(listed(&rig, "gpt-5") && !listed(&rig, "gemini-2.5-pro"));
    rig.gateway.start();
    until(PATIENCE, "the live list", || listed(&rig, "gemini-2.5-pro")).await;
    until(PATIENCE, "another fetch", || rig.count(LIST) > 2).await;
    rig.settled().await;
}

#[tokio::test]
async fn the_last_good_list_stays_when_the_upstream_fails() {
    let rig = rig().await;
    rig.gateway.start();
    until(PATIENCE, "the live list", || listed(&rig, "gemini-2.5-pro")).await;
    for user in [ANN, BOB] {
        rig.treat(user, AccountBehaviour::HttpStatus(500));
    }
    until(PATIENCE, "a failed fetch", || {
        let calls = rig.control.calls();
        calls.iter().any(|call| call.outcome == CallOutcome::Refused(500))
    })
    .await;
    assert!(listed(&rig, "gemini-2.5-pro"));
    // Fetching is nobody's turn and marks nobody.
    assert_eq!(rig.gateway.stats().failed, 0);
    for user in [ANN, BOB] {
        rig.treat(user, AccountBehaviour::Healthy);
    }
    rig.ask("[[sim: say hello]]").await.expect("answered");
}

#[tokio::test]
async fn an_image_for_a_model_that_takes_none_is_refused_without_a_call() {
    let rig = rig().await;
    rig.gateway.start();
    until(PATIENCE, "the live list", || listed(&rig, "grok-code-fast-1")).await;
    let image = Image { format: ImageFormat::Png, width: 1, height: 1, data: vec![1] };
    let mut blind = turn("hello");
    blind.model = conversation::ModelName::new("grok-code-fast-1");
    blind.messages = vec![Message::User(vec![Part::Image(image)])];
    let failure = rig.ask_turn(blind).await.expect_err("blind");
    assert_eq!(failure.class, FailureClass::Invalid);
    assert_eq!(rig.users().len(), 0);
    rig.settled().await;
    assert_eq!(rig.gateway.stats().failed, 1);
}
