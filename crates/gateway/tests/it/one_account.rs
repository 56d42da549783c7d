//! One bad request never locks out the next one, even with a single account.

use std::time::{Duration, Instant};

use simulator::Config;
use tokio::task::JoinSet;

use crate::rig::{ANN, FLOWS, Rig, asked, options, read, session, soon};

async fn alone(flow: upstream::Flow) -> Rig {
    Rig::start(flow, &[&session(ANN)], options(), Config::default()).await
}

const BAD: [&str; 9] = [
    "error rate_limit",
    "error rate_limit retry=600",
    "error usage_limit",
    "error unauthenticated",
    "error permission_denied",
    "error internal",
    "error overloaded",
    "drop",
    "cut",
];

#[tokio::test]
async fn after_each_kind_of_failure_the_next_request_is_answered_at_once() {
    for flow in FLOWS {
        let rig = alone(flow).await;
        for bad in BAD {
            rig.ask(&format!("[[sim: {bad}]]")).await.expect_err(bad);
            let started = Instant::now();
            let reply = rig.ask("[[sim: say hello]]").await;
            let reply = reply.unwrap_or_else(|e| panic!("{} after {bad}: {e:?}", flow.name()));
            assert_eq!(reply.text(), "hello");
            assert!(started.elapsed() < Duration::from_secs(2), "{bad}: {:?}", started.elapsed());
        }
        assert_eq!(rig.mark("account-0"), None);
        rig.settled().await;
    }
}

#[tokio::test]
async fn a_crowd_right_after_a_failure_is_answered_to_the_last() {
    for flow in FLOWS {
        for bad in BAD {
            let rig = alone(flow).await;
            rig.ask(&format!("[[sim: {bad}]]")).await.expect_err(bad);
            let mut turns = JoinSet::new();
            for _ in 0..20 {
                let gateway = rig.gateway.clone();
                turns.spawn(async move {
                    let answer = gateway.answer(asked("[[sim: say hello]]")).await?;
                    Ok::<_, conversation::Failure>(read(answer).await.text)
                });
            }
            while let Some(text) = soon("all turns", turns.join_next()).await {
                let text = text.expect("no panic");
                let text = text.unwrap_or_else(|e| panic!("{} after {bad}: {e:?}", flow.name()));
                assert_eq!(text, "hello");
            }
            rig.settled().await;
        }
    }
}
