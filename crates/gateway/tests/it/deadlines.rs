//! No turn waits for ever: first message, progress, whole answer.

use std::time::{Duration, Instant};

use conversation::FailureClass;
use gateway::Options;

use crate::rig::{ANN, BOB, FLOWS, Rig, options, read};

const SHORT: Duration = Duration::from_millis(400);
/// Longer than any short wait, shorter than the simulator's silences.
const MODERATE: Duration = Duration::from_secs(8);

#[tokio::test]
async fn a_silent_upstream_runs_into_the_first_deadline_on_every_account() {
    for flow in FLOWS {
        let rig = Rig::with(flow, Options { first_message_timeout: SHORT, ..options() }).await;
        let start = Instant::now();
        let failure = rig.ask("[[sim: silent]]").await.expect_err("silent");
        assert!(start.elapsed() < MODERATE, "{:?}", start.elapsed());
        assert_eq!(failure.class, FailureClass::Timeout);
        assert_eq!(rig.users(), [ANN, BOB], "{}", flow.name());
        rig.settled().await;
    }
}

/// Defect: a progress deadline shorter than the first one was only looked at when the first one
/// would have been over.
#[tokio::test]
async fn an_upstream_that_falls_silent_runs_into_the_progress_deadline() {
    for flow in FLOWS {
        let rig = Rig::with(flow, Options { progress_timeout: SHORT, ..options() }).await;
        let start = Instant::now();
        let answer = rig.begin("[[sim: say half]] [[sim: hang]]").await.expect("begun");
        let seen = read(answer).await;
        assert!(start.elapsed() < MODERATE, "{:?}", start.elapsed());
        assert_eq!(seen.text, "half");
        assert_eq!(seen.result.expect_err("hangs").class, FailureClass::Timeout);
        assert_eq!(rig.users(), [ANN], "{}", flow.name());
        rig.settled().await;
    }
}

#[tokio::test]
async fn heartbeats_alone_are_no_progress() {
    for flow in FLOWS {
        let short = Duration::from_millis(1200);
        let rig = Rig::with(flow, Options { progress_timeout: short, ..options() }).await;
        let start = Instant::now();
        let script = "[[sim: say half]] [[sim: heartbeats 20s]] [[sim: say rest]]";
        let seen = read(rig.begin(script).await.expect("begun")).await;
        assert!(start.elapsed() < MODERATE, "{}: {:?}", flow.name(), start.elapsed());
        assert_eq!(seen.text, "half");
        assert_eq!(seen.result.expect_err("no progress").class, FailureClass::Timeout);
        rig.settled().await;
    }
}

#[tokio::test]
async fn slow_but_steady_output_is_progress() {
    for flow in FLOWS {
        let short = Duration::from_millis(1500);
        let rig = Rig::with(flow, Options { progress_timeout: short, ..options() }).await;
        let reply = rig.ask("[[sim: delay 300ms]] [[sim: chunks 8]]").await.expect("steady");
        assert!(reply.text().ends_with("w8 "));
    }
}

#[tokio::test]
async fn a_whole_answer_has_a_deadline_whatever_its_progress() {
    for flow in FLOWS {
        let total = Duration::from_millis(800);
        let rig = Rig::with(flow, Options { total_timeout: total, ..options() }).await;
        let start = Instant::now();
        let answer = rig.begin("[[sim: delay 20ms]] [[sim: chunks 100000]]").await.expect("begun");
        let seen = read(answer).await;
        assert!(start.elapsed() < MODERATE, "{:?}", start.elapsed());
        assert!(seen.text.starts_with("w1 w2 "));
        assert_eq!(seen.result.expect_err("too long").class, FailureClass::Timeout);
        rig.settled().await;
    }
}

/// The whole deadline holds over all attempts: nobody else is asked when it is over.
#[tokio::test]
async fn no_further_account_is_asked_after_the_whole_deadline() {
    for flow in FLOWS {
        let rig = Rig::with(flow, Options { total_timeout: SHORT, ..options() }).await;
        let failure = rig.ask("[[sim: silent]]").await.expect_err("silent");
        assert_eq!(failure.class, FailureClass::Timeout);
        assert_eq!(rig.users(), [ANN], "{}", flow.name());
        rig.settled().await;
    }
}

/// Defect: with an API key the wait for the first message knew only its own deadline.
#[tokio::test]
async fn the_deadlines_hold_for_api_keys_as_well() {
    const KEY: &str = "key_0123456789abcdef";
    for flow in FLOWS {
        let short = Options { total_timeout: SHORT, ..options() };
        let config = simulator::Config::default();
        let rig = Rig::start(flow, &[KEY], short, config).await;
        let start = Instant::now();
        let failure = rig.ask("[[sim: silent]]").await.expect_err("silent");
        assert!(start.elapsed() < MODERATE, "{}: {:?}", flow.name(), start.elapsed());
        assert_eq!(failure.class, FailureClass::Timeout);
        rig.settled().await;
    }
}
