//! A client that leaves ends the upstream call within a second, whenever it leaves.

use std::time::Duration;

use simulator::CallOutcome;

use crate::rig::{FLOWS, PATIENCE, Rig, asked, read, until};

const SECOND: Duration = Duration::from_secs(1);

/// Leaves before the beginning: the future is dropped once the upstream has the call.
async fn leave_before_the_beginning(rig: &Rig, prompt: &str) {
    let gateway = rig.gateway.clone();
    let answer = gateway.answer(asked(prompt));
    tokio::select! {
        answer = answer => panic!("begun: {:?}", answer.err()),
        () = until(PATIENCE, "the call", || rig.control.active_streams() == 1) => {}
    }
}

async fn cancelled(rig: &Rig, what: &str) {
    until(SECOND, what, || {
        rig.streams().iter().all(|(_, outcome)| *outcome == CallOutcome::Cancelled)
    })
    .await;
    rig.settled().await;
    assert_eq!(rig.streams().len(), 1, "{what}: nobody else is asked");
    assert_eq!(rig.gateway.stats().failed, 0, "{what}: leaving is no failure");
}

#[tokio::test]
async fn leaving_before_the_headers_cancels() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        leave_before_the_beginning(&rig, "[[sim: silent]]").await;
        cancelled(&rig, "before the headers").await;
    }
}

#[tokio::test]
async fn leaving_before_the_first_piece_cancels() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        leave_before_the_beginning(&rig, "[[sim: wait 30s]] [[sim: say late]]").await;
        cancelled(&rig, "before the first piece").await;
    }
}

#[tokio::test]
async fn leaving_in_the_middle_cancels() {
    for flow in FLOWS {
        for script in ["wait 30s", "hang", "delay 5ms]] [[sim: chunks 100000", "chunks 10000000"] {
            let rig = Rig::new(flow).await;
            let mut answer =
                rig.begin(&format!("[[sim: say a]] [[sim: {script}]]")).await.expect("begun");
            assert!(answer.next().await.expect("a batch").is_ok());
            drop(answer);
            cancelled(&rig, script).await;
        }
    }
}

#[tokio::test]
async fn an_account_is_not_blamed_for_a_client_that_left() {
    let rig = Rig::new(upstream::Flow::Agent).await;
    for _ in 0..3 {
        drop(rig.begin("[[sim: say a]] [[sim: wait 30s]]").await.expect("begun"));
        rig.settled().await;
    }
    let users = rig.users();
    assert_eq!(users.len(), 3);
    assert!(users[0] != users[1] && users[0] == users[2], "both still take turns: {users:?}");
}

#[tokio::test]
async fn one_that_leaves_does_not_disturb_the_others_on_its_connection() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        let staying = rig.begin("[[sim: delay 10ms]] [[sim: chunks 50]]").await.expect("begun");
        for _ in 0..10 {
            drop(rig.begin("[[sim: say a]] [[sim: wait 30s]]").await.expect("begun"));
        }
        let seen = read(staying).await;
        seen.result.expect("a whole answer");
        assert!(seen.text.ends_with("w50 "), "{}", seen.text);
        rig.settled().await;
    }
}
