//! How many turns run at once, and how they end when the gateway does.

use std::time::{Duration, Instant};

use conversation::{FailureClass, Retry};
use gateway::Options;
use tokio::task::JoinSet;

use crate::rig::{FLOWS, PATIENCE, Rig, asked, options, read, soon, until, within};

#[tokio::test]
async fn no_more_turns_run_than_the_setting_allows() {
    let rig = Rig::with(upstream::Flow::Agent, Options { max_turns: 2, ..options() }).await;
    let first = rig.begin("[[sim: say a]] [[sim: wait 30s]]").await.expect("begun");
    let second = rig.begin("[[sim: say b]] [[sim: wait 30s]]").await.expect("begun");
    let failure = rig.begin("[[sim: say c]]").await.expect_err("full");
    assert_eq!(failure.class, FailureClass::Overloaded);
    assert_eq!(failure.retry, Retry::After(Duration::from_secs(1)));
    assert_eq!(rig.gateway.stats().active, 2);
    assert_eq!(rig.streams().len(), 2, "the upstream is not asked");
    drop(first);
    until(PATIENCE, "a free place", || rig.gateway.stats().active == 1).await;
    rig.ask("[[sim: say c]]").await.expect("a place is free");
    drop(second);
    rig.settled().await;
    let stats = rig.gateway.stats();
    assert_eq!((stats.total, stats.failed), (4, 1));
}

#[tokio::test]
async fn running_answers_may_finish() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        rig.gateway.start();
        let answer = rig.begin("[[sim: delay 20ms]] [[sim: chunks 30]]").await.expect("begun");
        let start = Instant::now();
        let (seen, ()) = tokio::join!(read(answer), rig.gateway.shut_down(PATIENCE));
        seen.result.expect("a whole answer");
        assert!(seen.text.ends_with("w30 "));
        assert!(start.elapsed() < PATIENCE, "it does not wait longer than it must");
        rig.settled().await;
    }
}

#[tokio::test]
async fn what_still_runs_after_the_grace_period_ends_with_a_failure() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        let answer = rig.begin("[[sim: say half]] [[sim: hang]]").await.expect("begun");
        let grace = Duration::from_millis(200);
        let stopping = within(Duration::from_secs(5), "stopping", rig.gateway.shut_down(grace));
        let (seen, ()) = tokio::join!(read(answer), stopping);
        assert_eq!(seen.text, "half");
        assert_eq!(seen.result.expect_err("cut").class, FailureClass::Overloaded);
        rig.settled().await;
    }
}

/// Defect: the word of a cut waited for a stalled reader as long as for a live one, so that the
/// gateway took two minutes longer to stop than it was given.
#[tokio::test]
async fn a_reader_that_stalls_does_not_keep_the_gateway_from_stopping() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        let answer = rig.begin("[[sim: chunks 10000000]]").await.expect("begun");
        let grace = Duration::from_millis(200);
        within(Duration::from_secs(5), "stopping", rig.gateway.shut_down(grace)).await;
        rig.settled().await;
        drop(answer);
    }
}

#[tokio::test]
async fn a_hundred_turns_of_every_kind_leave_nothing_behind() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        let scripts = [
            "[[sim: say hello]]",
            "[[sim: delay 5ms]] [[sim: chunks 20]]",
            "[[sim: say half]] [[sim: drop]]",
            "[[sim: error rate_limit retry=1]]",
            "[[sim: empty]]",
            "[[sim: chunks 5000]]",
            "[[sim: say a]] [[sim: wait 20s]]",
        ];
        let mut turns = JoinSet::new();
        for number in 0..98 {
            let gateway = rig.gateway.clone();
            let script = scripts[number % scripts.len()];
            turns.spawn(async move {
                let Ok(answer) = gateway.answer(asked(script)).await else { return };
                // The last kind never ends by itself: its client leaves.
                if !script.contains("20s") {
                    let _ = read(answer).await;
                }
            });
        }
        while let Some(result) = soon("all turns", turns.join_next()).await {
            result.expect("no panic");
        }
        rig.settled().await;
        assert_eq!(rig.gateway.stats().total, 98);
    }
}
