//! When no account can serve: at once and with the reason, or after a wait that has an end.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use accounts::PoolPolicy;
use conversation::{Failure, FailureClass};
use gateway::{ClientId, Grant, Options};
use simulator::{AccountBehaviour, Config};
use tokio::task::JoinSet;

use crate::rig::{
    ANN, BOB, FLOWS, PATIENCE, Rig, asked, input, memory, names, options, read, session, soon,
    turn, until,
};

const CAT: &str = "user_01CCCCCCCCCCCCCCCCCCCCCCCC";

fn no_call(rig: &Rig, before: usize) {
    assert_eq!(rig.control.calls().len(), before, "no call was made");
}

async fn refused_at_once(rig: &Rig, grant: &Arc<Grant>) -> Failure {
    let (before, started) = (rig.control.calls().len(), Instant::now());
    let failure = rig.ask_as(grant, turn("hello")).await.0.expect_err("all are out");
    assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
    no_call(rig, before);
    assert_eq!(failure.class, FailureClass::Overloaded);
    failure
}

#[tokio::test]
async fn all_out_is_told_at_once_with_a_count_for_each_state_and_a_pause() {
    for flow in FLOWS {
        let tokens = [ANN, BOB, CAT].map(session);
        let rows = ["secret-ann", "secret-bob", "secret-cat"];
        let rows = rows.iter().zip(&tokens).map(|(alias, token)| input(alias, token)).collect();
        let rig = Rig::over(memory(), rows, Options { flow, ..options() }, Config::default()).await;
        rig.treat(ANN, AccountBehaviour::QuotaReached);
        rig.treat(BOB, AccountBehaviour::LoggedOut);
        rig.gateway.enable_accounts(&names(["secret-cat"]), false).await.expect("off");
        rig.ask("hello").await.expect_err("nobody can");
        let is_marked = |alias: &str| rig.mark(alias).is_some();
        until(PATIENCE, "marks", || is_marked("secret-ann") && is_marked("secret-bob")).await;
        rig.settled().await;
        let stranger = Arc::new(Grant::shared(ClientId::new("somebody")));
        let failure = refused_at_once(&rig, &stranger).await;
        for part in ["1 at the limit", "1 abnormal", "1 disabled"] {
            assert!(failure.client.contains(part), "{}", failure.client);
        }
        assert!(!failure.client.contains("secret"), "{}", failure.client);
        assert!(tokens.iter().all(|token| !failure.log.contains(token)));
        assert!(failure.log.contains("secret-ann"), "the log names them: {}", failure.log);
        let pause = failure.retry.after().expect("a pause");
        assert!((Duration::from_secs(1)..=Duration::from_secs(3600)).contains(&pause));
    }
}

#[tokio::test]
async fn the_pause_is_that_of_the_first_account_to_be_back() {
    let rig = Rig::new(upstream::Flow::Agent).await;
    for (user, seconds) in [(ANN, 600), (BOB, 1200)] {
        rig.treat(user, AccountBehaviour::QuotaReached);
        let cycle_end = Some(std::time::SystemTime::now() + Duration::from_secs(seconds));
        let profile = simulator::ProfileOverrides { cycle_end, ..Default::default() };
        rig.control.set_profile(user, profile);
    }
    rig.ask("hello").await.expect_err("used up");
    let is_marked = |alias: &str| rig.mark(alias).is_some();
    until(PATIENCE, "marks", || is_marked("account-0") && is_marked("account-1")).await;
    let failure = refused_at_once(&rig, &crate::rig::grant()).await;
    let pause = failure.retry.after().expect("a pause").as_secs();
    assert!((590..=600).contains(&pause), "{pause}");
}

fn one_at_a_time(pool_wait: Duration) -> Options {
    let one = NonZeroU32::new(1);
    let pool = PoolPolicy { concurrency: one, ..options().pool };
    Options { pool, pool_wait, ..options() }
}

#[tokio::test]
async fn while_all_are_busy_requests_wait_their_turn() {
    for flow in FLOWS {
        let options = one_at_a_time(Duration::from_secs(10));
        let rig = Rig::start(flow, &[&session(ANN)], options, Config::default()).await;
        let mut turns = JoinSet::new();
        for _ in 0..5 {
            let gateway = rig.gateway.clone();
            turns.spawn(async move {
                let prompt = "[[sim: say a]] [[sim: wait 50ms]] [[sim: say b]]";
                read(gateway.answer(asked(prompt)).await.expect("begun")).await.text
            });
        }
        while let Some(text) = soon("all turns", turns.join_next()).await {
            assert_eq!(text.expect("no panic"), "ab");
        }
        assert_eq!(rig.control.peak_streams_per_connection(), 1, "one at a time");
        rig.settled().await;
    }
}

#[tokio::test]
async fn the_wait_for_a_busy_account_has_an_end() {
    let options = one_at_a_time(Duration::from_millis(300));
    let rig = Rig::start(upstream::Flow::Agent, &[&session(ANN)], options, Config::default()).await;
    let long = rig.begin("[[sim: say a]] [[sim: hang]]").await.expect("begun");
    let started = Instant::now();
    let failure = rig.ask("[[sim: say b]]").await.expect_err("busy");
    let waited = started.elapsed();
    assert!(waited >= Duration::from_millis(290) && waited < Duration::from_secs(3), "{waited:?}");
    assert_eq!(failure.class, FailureClass::Overloaded);
    assert!(failure.client.contains("1 busy"), "{}", failure.client);
    assert!(failure.retry.after().is_some());
    drop(long);
    rig.settled().await;
    rig.ask("[[sim: say c]]").await.expect("answered");
}

#[tokio::test]
async fn a_client_that_leaves_while_it_waits_takes_no_account() {
    let rig = Rig::start(
        upstream::Flow::Agent,
        &[&session(ANN)],
        one_at_a_time(Duration::from_secs(10)),
        Config::default(),
    )
    .await;
    let long = rig.begin("[[sim: say a]] [[sim: hang]]").await.expect("begun");
    let waiting = rig.gateway.answer(asked("[[sim: say b]]"));
    tokio::time::timeout(Duration::from_millis(50), waiting).await.expect_err("it waits");
    drop(long);
    rig.settled().await;
    assert_eq!(rig.users().len(), 1);
}
