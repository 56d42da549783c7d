//! API-key accounts: one exchange however many want it, renewal before expiry and after a refusal.

use std::time::Duration;

use conversation::FailureClass;
use simulator::{AccountBehaviour, Config, tokens};
use tokio::task::JoinSet;
use upstream::Flow;

use crate::rig::{FLOWS, PATIENCE, Rig, asked, options, soon};

const KEY: &str = "key_0123456789abcdef";
const EXCHANGE: &str = "/auth/exchange_user_api_key";

async fn rig(flow: Flow, token_lifetime: Duration) -> Rig {
    let config = Config { token_lifetime, ..Config::default() };
    Rig::start(flow, &[KEY], options(), config).await
}

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn twenty_turns_at_once_exchange_the_key_once() {
    for flow in FLOWS {
        let rig = rig(flow, HOUR).await;
        let mut turns = JoinSet::new();
        for _ in 0..20 {
            let gateway = rig.gateway.clone();
            turns.spawn(async move {
                let answer = gateway.answer(asked("[[sim: say hello]]")).await;
                crate::rig::read(answer.expect("begun")).await.result
            });
        }
        while let Some(result) = soon("all turns", turns.join_next()).await {
            result.expect("no panic").expect("answered");
        }
        assert_eq!(rig.count(EXCHANGE), 1, "{}", flow.name());
        assert_eq!(rig.users().len(), 20);
        let owner = tokens::user_of_api_key(KEY).expect("a key");
        assert!(rig.users().iter().all(|user| *user == owner));
        rig.settled().await;
    }
}

#[tokio::test]
async fn a_token_is_renewed_before_it_expires_and_not_sooner() {
    let rig = rig(Flow::Agent, HOUR).await;
    rig.ask("[[sim: say a]]").await.expect("answered");
    rig.clock.shift(3600 - 310);
    rig.ask("[[sim: say b]]").await.expect("answered");
    assert_eq!(rig.count(EXCHANGE), 1, "five minutes and more are left");
    rig.clock.shift(3600 - 290);
    rig.ask("[[sim: say c]]").await.expect("answered");
    assert_eq!(rig.count(EXCHANGE), 2, "less than five minutes are left");
}

#[tokio::test]
async fn the_old_token_serves_while_it_holds_and_the_exchange_fails() {
    // Tokens that are always due for renewal.
    let rig = rig(Flow::Agent, Duration::from_secs(200)).await;
    rig.ask("[[sim: say a]]").await.expect("answered");
    let owner = tokens::user_of_api_key(KEY).expect("a key");
    // Streams are refused as well, but the exchange is what is tried first.
    rig.treat(&owner, AccountBehaviour::HttpStatus(503));
    let failure = rig.ask("[[sim: say b]]").await.expect_err("refused");
    assert_eq!(failure.class, FailureClass::Overloaded);
    assert_eq!((rig.count(EXCHANGE), rig.users().len()), (2, 2), "the old token was shown");
}

#[tokio::test]
async fn a_token_that_the_upstream_refuses_is_renewed_once() {
    for flow in FLOWS {
        let rig = rig(flow, Duration::from_secs(2)).await;
        // The gateway's clock is behind, so that it does not see the token's end coming.
        rig.clock.shift(-1000);
        rig.ask("[[sim: say a]]").await.expect("answered");
        soon("the token's end", async {
            while rig.count(EXCHANGE) < 2 {
                let reply = rig.ask("[[sim: say b]]").await.expect("no refusal shows");
                assert_eq!(reply.text(), "b");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })
        .await;
        assert_eq!(rig.count(EXCHANGE), 2, "{}", flow.name());
        rig.settled().await;
        assert_eq!(rig.gateway.stats().failed, 0);
    }
}

#[tokio::test]
async fn a_key_that_is_refused_for_good_is_not_tried_for_ever() {
    for flow in FLOWS {
        let rig = rig(flow, HOUR).await;
        rig.ask("[[sim: say a]]").await.expect("answered");
        let owner = tokens::user_of_api_key(KEY).expect("a key");
        rig.treat(&owner, AccountBehaviour::LoggedOut);
        let failure = rig.ask("[[sim: say b]]").await.expect_err("refused");
        assert_eq!(failure.class, FailureClass::AccountRejected);
        assert_eq!((rig.count(EXCHANGE), rig.users().len()), (2, 2), "{}", flow.name());
        rig.settled().await;
    }
}

/// Defect: a refusal that came after other messages of the upstream renewed nothing.
#[tokio::test]
async fn a_second_refusal_of_a_fresh_token_is_final() {
    let rig = rig(Flow::Agent, HOUR).await;
    let failure = rig.ask("[[sim: error unauthenticated]]").await.expect_err("refused");
    assert_eq!(failure.class, FailureClass::AccountRejected);
    assert_eq!((rig.count(EXCHANGE), rig.users().len()), (2, 2));
    rig.settled().await;
}

#[tokio::test]
async fn a_client_that_leaves_while_the_key_is_exchanged_hurts_nobody() {
    let rig = rig(Flow::Agent, HOUR).await;
    for _ in 0..5 {
        let leaving = rig.gateway.answer(asked("[[sim: say a]]"));
        // Gone at once, whatever the exchange is at.
        let _ = tokio::time::timeout(Duration::from_millis(1), leaving).await;
    }
    crate::rig::within(PATIENCE, "an answer", async {
        assert_eq!(rig.ask("[[sim: say b]]").await.expect("answered").text(), "b");
    })
    .await;
    rig.settled().await;
}

/// Defect: turns that waited for one exchange to fail then failed one after the other.
#[tokio::test]
async fn turns_that_wait_for_a_failing_exchange_share_its_failure() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listener");
    let url = format!("http://{}", silent.local_addr().expect("address"));
    let options = gateway::Options {
        first_message_timeout: Duration::from_secs(1),
        max_attempts: 1,
        ..options()
    };
    let clock = std::sync::Arc::new(crate::rig::Clock::default());
    let gateway = crate::rig::gateway(&url, Flow::Agent, &[KEY], options, clock).await;
    let mut turns = JoinSet::new();
    for _ in 0..15 {
        let gateway = gateway.clone();
        turns.spawn(async move { gateway.answer(asked("hello")).await.expect_err("silent").class });
    }
    let all = async {
        while let Some(class) = turns.join_next().await {
            assert_eq!(class.expect("no panic"), FailureClass::Timeout);
        }
    };
    crate::rig::within(Duration::from_secs(5), "all failures", all).await;
}
