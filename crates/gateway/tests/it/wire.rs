//! However the upstream cuts, packs or spoils its answer, the turn says the same or says why not.

use std::time::Duration;

use conversation::FailureClass;

use crate::rig::{ANN, BOB, FLOWS, Rig};

/// `w1 w2 … wN `, as the simulated backend counts.
fn counted(to: usize) -> String {
    (1..=to).map(|number| format!("w{number} ")).collect()
}

/// Defects of other gateways: pieces of three bytes, bursts in one read and compressed frames
/// lose text or stall.
#[tokio::test]
async fn the_packing_of_frames_changes_nothing() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        for packing in [
            "[[sim: fragment 1]]",
            "[[sim: fragment 3]]",
            "[[sim: gzip]]",
            "[[sim: gzip]] [[sim: fragment 3]]",
            "[[sim: burst 1000]]",
            "[[sim: burst 1000]] [[sim: fragment 7]]",
        ] {
            let prompt = format!("{packing} [[sim: think hmm]] [[sim: chunks 1000]]");
            let reply = rig.ask(&prompt).await.unwrap_or_else(|e| panic!("{packing}: {e:?}"));
            assert_eq!(reply.text(), counted(1000), "{} {packing}", flow.name());
            assert_eq!(reply.reasoning(), "hmm");
        }
        rig.settled().await;
    }
}

#[tokio::test]
async fn characters_of_many_bytes_survive_every_cut() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        let text = "Grüße, 世界 👩‍👩‍👧‍👦 — ё";
        for size in 1..8 {
            let prompt =
                format!("[[sim: fragment {size}]] [[sim: split 1]] [[sim: say \"{text}\"]]");
            assert_eq!(rig.ask(&prompt).await.expect("answered").text(), text, "{size}");
        }
    }
}

/// Defect of other gateways: 401, 403, 429, 500 and 503 without a Connect body all become one 500.
#[tokio::test]
async fn bare_statuses_keep_their_meaning_and_their_pause() {
    for flow in FLOWS {
        for (status, class) in [
            (401, FailureClass::AccountRejected),
            (403, FailureClass::Forbidden),
            (404, FailureClass::UpstreamFailed),
            (413, FailureClass::ContextTooLong),
            (429, FailureClass::Busy),
            (464, FailureClass::UpstreamFailed),
            (500, FailureClass::UpstreamFailed),
            (502, FailureClass::UpstreamFailed),
            (503, FailureClass::Overloaded),
            (504, FailureClass::Timeout),
        ] {
            let rig = Rig::new(flow).await;
            let prompt = format!("[[sim: http {status} retry=9]]");
            let failure = rig.ask(&prompt).await.expect_err("a status");
            assert_eq!(failure.class, class, "{} {status}", flow.name());
            if [429, 503].contains(&status) {
                assert_eq!(failure.retry.after(), Some(Duration::from_secs(9)));
                assert_eq!(rig.users(), [ANN, BOB]);
            }
            rig.settled().await;
        }
    }
}

#[tokio::test]
async fn what_is_unknown_or_declined_does_not_stop_a_turn() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        for script in ["unknown", "native read", "query web_search"] {
            let prompt = format!("[[sim: say a]] [[sim: {script}]] [[sim: say z]]");
            let reply = rig.ask(&prompt).await.unwrap_or_else(|e| panic!("{script}: {e:?}"));
            let text = reply.text();
            assert!(text.starts_with('a') && text.ends_with('z'), "{script}: {text}");
        }
        rig.settled().await;
    }
}
