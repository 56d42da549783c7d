//! Another account is tried before the first visible event, and never after it.

use std::time::Duration;

use conversation::{FailureClass, Retry};
use simulator::{AccountBehaviour, CallOutcome};

use crate::rig::{ANN, BOB, FLOWS, PATIENCE, Rig, options, read, session, until};

/// What another account may cure.
fn curable() -> Vec<AccountBehaviour> {
    let mut all = vec![
        AccountBehaviour::RateLimited { retry_after: None },
        AccountBehaviour::RateLimited { retry_after: Some(Duration::from_secs(30)) },
        AccountBehaviour::QuotaReached,
        AccountBehaviour::LoggedOut,
        AccountBehaviour::Blocked,
        AccountBehaviour::Down,
    ];
    all.extend([401, 402, 403, 429, 500, 502, 503].map(AccountBehaviour::HttpStatus));
    all
}

#[tokio::test]
async fn another_account_answers_when_the_first_one_cannot() {
    for flow in FLOWS {
        for behaviour in curable() {
            let rig = Rig::new(flow).await;
            rig.treat(ANN, behaviour.clone());
            let reply = rig.ask("[[sim: say hello]]").await;
            let reply = reply.unwrap_or_else(|failure| panic!("{behaviour:?}: {failure:?}"));
            assert_eq!(reply.text(), "hello", "{behaviour:?}");
            assert_eq!(rig.users(), [ANN, BOB], "{} {behaviour:?}", flow.name());
            rig.settled().await;
            assert_eq!(rig.gateway.stats().failed, 0, "a cured failure is none");
        }
    }
}

#[tokio::test]
async fn an_account_that_failed_rests_while_others_serve() {
    for behaviour in [
        AccountBehaviour::RateLimited { retry_after: Some(Duration::from_secs(30)) },
        AccountBehaviour::QuotaReached,
        AccountBehaviour::LoggedOut,
    ] {
        let rig = Rig::new(upstream::Flow::Agent).await;
        rig.treat(ANN, behaviour.clone());
        for _ in 0..4 {
            rig.ask("[[sim: say hello]]").await.expect("answered");
        }
        assert_eq!(rig.users(), [ANN, BOB, BOB, BOB, BOB], "{behaviour:?}");
    }
}

#[tokio::test]
async fn empty_and_broken_answers_are_tried_elsewhere_and_then_fail() {
    for flow in FLOWS {
        for script in ["empty", "noend", "drop", "cut", "error internal", "error overloaded"] {
            let rig = Rig::new(flow).await;
            let failure = rig.ask(&format!("[[sim: {script}]]")).await.expect_err(script);
            assert_eq!(rig.users(), [ANN, BOB], "{} {script}", flow.name());
            let class = match script {
                "error overloaded" => FailureClass::Overloaded,
                _ => FailureClass::UpstreamFailed,
            };
            assert_eq!(failure.class, class, "{script}: {failure:?}");
            rig.settled().await;
            assert_eq!(rig.gateway.stats().failed, 1);
        }
    }
}

/// Defect of other gateways: text is said twice, by two accounts.
#[tokio::test]
async fn nothing_is_tried_again_after_visible_output() {
    for flow in FLOWS {
        for script in ["noend", "drop", "cut", "error internal", "error rate_limit retry=9"] {
            for said in ["say half", "think half"] {
                let rig = Rig::new(flow).await;
                let answer =
                    rig.begin(&format!("[[sim: {said}]] [[sim: {script}]]")).await.expect(script);
                let seen = read(answer).await;
                let failure = seen.result.expect_err(script);
                assert_eq!(rig.users(), [ANN], "{} {script}", flow.name());
                if said == "say half" {
                    assert_eq!(seen.text, "half", "{script}");
                }
                if script.starts_with("error rate_limit") {
                    assert_eq!(failure.retry.after(), Some(Duration::from_secs(9)));
                }
                rig.settled().await;
                assert_eq!(rig.gateway.stats().failed, 1);
            }
        }
    }
}

#[tokio::test]
async fn a_bad_request_is_not_tried_elsewhere() {
    for flow in FLOWS {
        for (code, class) in [
            ("invalid_argument", FailureClass::Invalid),
            ("context_length", FailureClass::ContextTooLong),
            ("not_found", FailureClass::UnknownModel),
        ] {
            let rig = Rig::new(flow).await;
            let failure = rig.ask(&format!("[[sim: error {code}]]")).await.expect_err(code);
            assert_eq!(failure.class, class);
            assert_eq!(rig.users(), [ANN], "{} {code}", flow.name());
            rig.settled().await;
            // Nobody is marked for it: the next turns go round as before.
            rig.ask("[[sim: say a]]").await.expect("answered");
            rig.ask("[[sim: say b]]").await.expect("answered");
            assert_eq!(rig.users(), [ANN, BOB, ANN]);
        }
    }
}

#[tokio::test]
async fn when_all_fail_the_last_failure_is_told_with_its_pause() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        rig.treat(ANN, AccountBehaviour::QuotaReached);
        let pause = Duration::from_secs(7);
        rig.treat(BOB, AccountBehaviour::RateLimited { retry_after: Some(pause) });
        let failure = rig.ask("hello").await.expect_err("all fail");
        assert_eq!(failure.class, FailureClass::Busy);
        assert_eq!(failure.retry, Retry::After(pause));
        assert_eq!(rig.users(), [ANN, BOB]);
        rig.settled().await;
    }
}

#[tokio::test]
async fn no_more_accounts_are_tried_than_the_setting_allows() {
    let limited = gateway::Options { max_attempts: 1, ..options() };
    let rig = Rig::with(upstream::Flow::Agent, limited).await;
    rig.treat(ANN, AccountBehaviour::HttpStatus(503));
    let failure = rig.ask("hello").await.expect_err("one attempt");
    assert_eq!(failure.class, FailureClass::Overloaded);
    assert_eq!(rig.users(), [ANN]);
}

#[tokio::test]
async fn an_expired_session_is_not_even_shown_to_the_upstream() {
    let expired = simulator::tokens::session_token(ANN, std::time::SystemTime::UNIX_EPOCH);
    let good = session(BOB);
    let rig = Rig::start(
        upstream::Flow::Agent,
        &[&expired, &good],
        options(),
        simulator::Config::default(),
    )
    .await;
    assert_eq!(rig.ask("[[sim: say hello]]").await.expect("answered").text(), "hello");
    assert_eq!(rig.users(), [BOB]);
}

#[tokio::test]
async fn without_accounts_every_turn_fails_and_says_so() {
    let rig = Rig::start(upstream::Flow::Agent, &[], options(), simulator::Config::default()).await;
    let failure = rig.ask("hello").await.expect_err("nobody");
    assert_eq!(failure.class, FailureClass::Overloaded);
    assert!(failure.client.contains("no upstream account"), "{}", failure.client);
    rig.settled().await;
}

#[tokio::test]
async fn accounts_take_turns() {
    let rig = Rig::new(upstream::Flow::Chat).await;
    for _ in 0..4 {
        rig.ask("[[sim: say hello]]").await.expect("answered");
    }
    assert_eq!(rig.users(), [ANN, BOB, ANN, BOB]);
    until(PATIENCE, "orderly ends", || {
        rig.streams().iter().all(|(_, outcome)| *outcome == CallOutcome::Completed)
    })
    .await;
}

/// Defect: the refusal of a dead second account hid that the first one was only busy.
#[tokio::test]
async fn a_dead_account_does_not_hide_that_the_other_is_busy() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        rig.control.set_account(BOB, AccountBehaviour::LoggedOut);
        let prompt = "[[sim: error rate_limit retry=7]]";
        let failure = rig.ask(prompt).await.expect_err("both fail");
        assert_eq!(failure.class, FailureClass::Busy, "{}", flow.name());
        assert_eq!(failure.retry.after(), Some(Duration::from_secs(7)));
        assert_eq!(rig.users().len(), 2);
    }
}
