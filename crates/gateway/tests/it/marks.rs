//! Accounts are marked when somebody has looked, not because one answer was bad, and come back.

use std::time::{Duration, SystemTime};

use accounts::{MarkKind, MarkTexts};
use conversation::FailureClass;
use gateway::{ClientId, Grant, Options};
use simulator::{AccountBehaviour, Config, ProfileOverrides};

use crate::rig::{
    ANN, BOB, FLOWS, PATIENCE, Rig, declared, input, jump, jump_until, memory, names, options,
    session, session_for, turn, until,
};

async fn alone(flow: upstream::Flow, options: Options) -> Rig {
    Rig::start(flow, &[&session(ANN)], options, Config::default()).await
}

/// Until the looks that nobody waits for are over.
async fn rested(rig: &Rig, alias: &str) {
    until(PATIENCE, "the look", || {
        rig.account(alias).state.coolings.iter().all(|cooling| cooling.model.is_some())
    })
    .await;
}

async fn marked(rig: &Rig, alias: &str) -> accounts::Mark {
    until(PATIENCE, "the mark", || rig.mark(alias).is_some()).await;
    rig.mark(alias).expect("marked")
}

#[tokio::test]
async fn a_used_up_plan_is_marked_until_its_cycle_ends_and_after_a_restart() {
    for flow in FLOWS {
        let (store, options) = (memory(), Options { flow, ..options() });
        let tokens = [session(ANN), session(BOB)];
        let accounts = || declared(&[&tokens[0], &tokens[1]]);
        let mut rig =
            Rig::over(store.clone(), accounts(), options.clone(), Config::default()).await;
        rig.treat(ANN, AccountBehaviour::QuotaReached);
        assert_eq!(rig.ask("[[sim: say hello]]").await.expect("answered").text(), "hello");
        let mark = marked(&rig, "account-0").await;
        assert_eq!(mark.kind, MarkKind::Limit);
        let usage = rig.account("account-0").profile.usage.clone().expect("read");
        assert_eq!(mark.until.map(|at| at.0), usage.resets_unix_ms());
        for _ in 0..5 {
            rig.ask("[[sim: say hello]]").await.expect("answered");
        }
        rig.restart(store, accounts(), options).await;
        assert_eq!(rig.mark("account-0"), Some(mark));
        for _ in 0..5 {
            rig.ask("[[sim: say hello]]").await.expect("answered");
        }
        let of_ann = rig.users().iter().filter(|user| *user == ANN).count();
        assert_eq!((of_ann, rig.users().len()), (1, 12), "{}", flow.name());
    }
}

#[tokio::test]
async fn a_limit_is_over_when_the_cycle_is() {
    let rig = alone(upstream::Flow::Agent, options()).await;
    rig.treat(ANN, AccountBehaviour::QuotaReached);
    let cycle_end = Some(SystemTime::now() + Duration::from_secs(600));
    rig.control.set_profile(ANN, ProfileOverrides { cycle_end, ..ProfileOverrides::default() });
    rig.ask("hello").await.expect_err("used up");
    marked(&rig, "account-0").await;
    rig.treat(ANN, AccountBehaviour::Healthy);
    rig.clock.shift(590);
    rig.ask("[[sim: say a]]").await.expect_err("not yet");
    assert_eq!(rig.users().len(), 1);
    rig.clock.shift(601);
    assert_eq!(rig.ask("[[sim: say a]]").await.expect("answered").text(), "a");
}

#[tokio::test]
async fn a_plan_with_room_again_is_noticed() {
    let rig = alone(upstream::Flow::Agent, options()).await;
    rig.gateway.start();
    rig.treat(ANN, AccountBehaviour::QuotaReached);
    rig.ask("hello").await.expect_err("used up");
    marked(&rig, "account-0").await;
    let before = rig.count("usage-summary");
    rig.treat(ANN, AccountBehaviour::Healthy);
    jump_until("the end of the mark", || rig.mark("account-0").is_none()).await;
    assert!(rig.count("usage-summary") > before, "it was looked at");
    assert_eq!(rig.ask("[[sim: say a]]").await.expect("answered").text(), "a");
}

#[tokio::test]
async fn a_mark_is_taken_away_by_hand() {
    for by_enabling in [false, true] {
        let rig = alone(upstream::Flow::Agent, options()).await;
        rig.treat(ANN, AccountBehaviour::QuotaReached);
        rig.ask("hello").await.expect_err("used up");
        marked(&rig, "account-0").await;
        rig.treat(ANN, AccountBehaviour::Healthy);
        rig.ask("[[sim: say a]]").await.expect_err("marked");
        let both = names(["account-0", "nobody"]);
        let touched = if by_enabling {
            rig.gateway.enable_accounts(&both, true).await
        } else {
            rig.gateway.clear_marks(&both).await
        };
        let touched = touched.expect("told");
        assert_eq!((touched.done.len(), touched.failed.len()), (1, 1));
        assert_eq!(rig.ask("[[sim: say a]]").await.expect("answered").text(), "a");
    }
}

#[tokio::test]
async fn a_prompt_that_claims_a_limit_or_a_refusal_marks_nobody() {
    for flow in FLOWS {
        for code in ["usage_limit", "unauthenticated", "permission_denied"] {
            let rig = alone(flow, options()).await;
            rig.ask(&format!("[[sim: error {code}]]")).await.expect_err(code);
            let reply = rig.ask("[[sim: say a]]").await;
            assert_eq!(reply.expect("answered").text(), "a", "{} {code}", flow.name());
            rested(&rig, "account-0").await;
            assert_eq!(rig.mark("account-0"), None, "{} {code}", flow.name());
            assert_eq!(rig.ask("[[sim: say b]]").await.expect("answered").text(), "b");
        }
    }
}

/// Defect: an account that the upstream blocks answered 403 to every request and stayed in turn.
#[tokio::test]
async fn a_refused_or_blocked_account_is_marked_and_comes_back_when_it_is_well() {
    for flow in FLOWS {
        for behaviour in [AccountBehaviour::LoggedOut, AccountBehaviour::Blocked] {
            let rig = Rig::new(flow).await;
            rig.treat(ANN, behaviour.clone());
            let reply = rig.ask("[[sim: say a]]").await;
            assert_eq!(reply.expect("answered").text(), "a");
            let mark = marked(&rig, "account-0").await;
            assert_eq!((mark.kind, mark.until), (MarkKind::Abnormal, None), "{behaviour:?}");
            for _ in 0..3 {
                rig.ask("[[sim: say a]]").await.expect("answered");
            }
            assert_eq!(rig.users(), [ANN, BOB, BOB, BOB, BOB], "{behaviour:?}");
            rig.treat(ANN, AccountBehaviour::Healthy);
            rig.gateway.start();
            jump_until("the end of the mark", || rig.mark("account-0").is_none()).await;
            for _ in 0..2 {
                rig.ask("[[sim: say a]]").await.expect("answered");
            }
            assert!(rig.users()[5..].contains(&ANN.to_owned()), "{:?}", rig.users());
        }
    }
}

#[tokio::test]
async fn a_fresh_token_clears_the_mark_of_a_refused_one() {
    let rig = alone(upstream::Flow::Agent, options()).await;
    rig.treat(ANN, AccountBehaviour::LoggedOut);
    rig.ask("hello").await.expect_err("refused");
    marked(&rig, "account-0").await;
    rig.treat(ANN, AccountBehaviour::Healthy);
    let touched = rig.gateway.refresh_accounts(&names(["account-0"])).await.expect("told");
    if touched.done.is_empty() {
        // Within moments of a renewal that failed, its failure holds for everybody.
        jump(15).await;
        let touched = rig.gateway.refresh_accounts(&names(["account-0"])).await.expect("told");
        assert_eq!(touched.failed, []);
    }
    assert_eq!(rig.mark("account-0"), None);
    assert_eq!(rig.ask("[[sim: say a]]").await.expect("answered").text(), "a");
}

#[tokio::test]
async fn the_operators_words_mark_at_once_and_only_time_or_the_operator_ends_it() {
    let texts = MarkTexts::parse("coffee is out", "tea is cold");
    for (words, kind) in [("Coffee is OUT", MarkKind::Limit), ("tea is cold", MarkKind::Abnormal)] {
        let options = Options { texts: texts.clone(), ..options() };
        let long = session_for(ANN, Duration::from_secs(100 * 24 * 3600));
        // Words never mark the last account, nor two for one request.
        let bob = session_for(BOB, Duration::from_secs(100 * 24 * 3600));
        let both = vec![input("ann", &long), input("bob", &bob)];
        let rig = Rig::over(memory(), both, options, Config::default()).await;
        let cycle_end = Some(SystemTime::now() + Duration::from_secs(7200));
        rig.control.set_profile(ANN, ProfileOverrides { cycle_end, ..ProfileOverrides::default() });
        rig.gateway.start();
        let prompt = format!("[[sim: error internal \"{words}\"]]");
        let ann = rig.account("ann").record.id;
        let pinned = std::sync::Arc::new(Grant::pinned(ClientId::new("operator"), ann));
        rig.ask_as(&pinned, turn(&prompt)).await.0.expect_err("refused");
        let mark = marked(&rig, "ann").await;
        assert_eq!(mark.kind, kind);
        assert!(mark.reason.contains(words), "{}", mark.reason);
        let end = mark.until.expect("an end");
        for _ in 0..30 {
            jump(15).await;
        }
        assert_eq!(rig.mark("ann"), Some(mark.clone()), "a look does not end it");
        assert_eq!(rig.mark("bob"), None);
        let before = rig.users().len();
        for _ in 0..3 {
            rig.ask("[[sim: say a]]").await.expect("answered");
        }
        assert_eq!(rig.users()[before..], [BOB, BOB, BOB], "{words}");
        let ahead = end.since(mark.since).as_secs();
        rig.clock.shift(i64::try_from(ahead).expect("small") + 1);
        for _ in 0..2 {
            rig.ask("[[sim: say a]]").await.expect("answered");
        }
        assert!(rig.users()[before + 3..].contains(&ANN.to_owned()), "{:?}", rig.users());
    }
}

/// Defect: an account that the upstream refuses stayed ready until a client paid for it.
#[tokio::test]
async fn a_new_account_that_is_refused_is_marked_before_a_client_meets_it() {
    let rig = alone(upstream::Flow::Agent, options()).await;
    const CAL: &str = "user_01CCCCCCCCCCCCCCCCCCCCCCCC";
    rig.treat(BOB, AccountBehaviour::LoggedOut);
    rig.treat(CAL, AccountBehaviour::Blocked);
    let expired =
        simulator::tokens::session_token("user_01EEEEEEEEEEEEEEEEEEEEEEEE", SystemTime::UNIX_EPOCH);
    let new =
        vec![input("bob", &session(BOB)), input("cal", &session(CAL)), input("old", &expired)];
    assert_eq!(rig.gateway.add_accounts(new, true).await.expect("added").failed, []);
    for alias in ["bob", "cal", "old"] {
        assert_eq!(marked(&rig, alias).await.kind, MarkKind::Abnormal, "{alias}");
    }
    for _ in 0..3 {
        rig.ask("[[sim: say a]]").await.expect("answered");
    }
    assert!(rig.users().iter().all(|user| user == ANN), "{:?}", rig.users());
}

#[tokio::test]
async fn words_can_be_changed_while_the_gateway_runs() {
    let rig = Rig::new(upstream::Flow::Agent).await;
    let prompt = "[[sim: error internal \"coffee is out\"]]";
    rig.ask(prompt).await.expect_err("refused");
    rig.ask("[[sim: say a]]").await.expect("answered");
    assert_eq!(rig.mark("account-0"), None);
    let texts = MarkTexts::parse("coffee", "");
    let now = rig.gateway.options();
    rig.gateway.set_options(gateway::Options { texts, ..(*now).clone() });
    rig.ask(prompt).await.expect_err("refused");
    crate::rig::until(crate::rig::PATIENCE, "a mark", || {
        rig.mark("account-0").or(rig.mark("account-1")).is_some()
    })
    .await;
}

/// Defect: one request with the operator's words in its failure marked every account it tried.
#[tokio::test]
async fn words_never_mark_two_accounts_for_one_request_nor_the_last_one() {
    let options = Options { texts: MarkTexts::parse("coffee is out", ""), ..options() };
    let rig = Rig::with(upstream::Flow::Agent, options).await;
    for _ in 0..4 {
        rig.ask("[[sim: error internal \"coffee is out\"]]").await.expect_err("refused");
    }
    // A bad request marks nobody, whatever it says.
    rig.ask("[[sim: error invalid_argument \"coffee is out\"]]").await.expect_err("refused");
    rig.ask("[[sim: say a]]").await.expect("answered");
    let marks = [rig.mark("account-0"), rig.mark("account-1")];
    assert!(marks.iter().flatten().count() <= 1, "{marks:?}");
}

#[tokio::test]
async fn trouble_with_the_network_marks_nobody() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        for behaviour in [AccountBehaviour::Down, AccountBehaviour::HttpStatus(502)] {
            rig.treat(ANN, behaviour.clone());
            rig.treat(BOB, behaviour);
            for _ in 0..3 {
                let failure = rig.ask("hello").await.expect_err("down");
                assert_eq!(failure.class, FailureClass::UpstreamFailed);
            }
        }
        rig.treat(ANN, AccountBehaviour::Healthy);
        rig.treat(BOB, AccountBehaviour::Healthy);
        rig.ask("[[sim: say a]]").await.expect("answered");
        for alias in ["account-0", "account-1"] {
            assert_eq!(rig.mark(alias), None);
            assert_eq!(rig.account(alias).state.coolings, []);
        }
    }
}
