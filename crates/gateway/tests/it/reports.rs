//! What the administrator is told of a request, and nobody else.

use std::num::NonZeroU32;
use std::sync::Arc;

use accounts::PoolPolicy;
use gateway::{ClientId, Grant, KeyInput, Options};
use secrecy::ExposeSecret as _;
use simulator::AccountBehaviour;
use upstream::Flow;

use crate::rig::{ANN, FLOWS, Rig, grant, names, options, turn};

fn texts(told: &[(accounts::Alias, String)]) -> Vec<(&str, &str)> {
    told.iter().map(|(alias, text)| (alias.as_str(), text.as_str())).collect()
}

#[tokio::test]
async fn the_administrator_sees_who_served_who_failed_and_who_was_passed_over() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        rig.treat(ANN, AccountBehaviour::RateLimited { retry_after: None });
        let (reply, report) = rig.ask_as(&grant(), turn("[[sim: say a]]")).await;
        reply.expect("answered");
        assert_eq!(report.served().expect("somebody").as_str(), "account-1");
        assert_eq!(texts(&report.failed_attempts()), [("account-0", "busy")]);
        rig.gateway.enable_accounts(&names(["account-0"]), false).await.expect("off");
        let (reply, report) = rig.ask_as(&grant(), turn("[[sim: say a]]")).await;
        reply.expect("answered");
        assert_eq!(report.failed_attempts(), []);
        let disabled = (accounts::Alias::new("account-0"), accounts::Reason::Disabled);
        assert_eq!(report.passed_over(), [disabled]);
    }
}

/// Defect: the account that served was told of as passed over, being full by that very request.
#[tokio::test]
async fn the_account_that_serves_is_not_among_those_passed_over() {
    let pool = PoolPolicy { concurrency: NonZeroU32::new(1), ..options().pool };
    let rig = Rig::with(Flow::Agent, Options { pool, ..options() }).await;
    let (reply, report) = rig.ask_as(&grant(), turn("[[sim: say a]]")).await;
    reply.expect("answered");
    assert_eq!(report.served().expect("somebody").as_str(), "account-0");
    assert_eq!(report.passed_over(), []);
}

#[tokio::test]
async fn a_request_that_fails_was_served_by_nobody() {
    let rig = Rig::new(Flow::Agent).await;
    let (reply, report) = rig.ask_as(&grant(), turn("[[sim: error overloaded]]")).await;
    reply.expect_err("overloaded");
    assert_eq!(report.served(), None);
    let attempts = report.failed_attempts();
    assert_eq!(texts(&attempts), [("account-0", "overloaded"), ("account-1", "overloaded")]);
}

/// Defect: the names of the accounts stood in the report of anybody's request.
#[tokio::test]
async fn nobody_else_is_told_anything() {
    let rig = Rig::new(Flow::Agent).await;
    rig.treat(ANN, AccountBehaviour::RateLimited { retry_after: None });
    let key = rig.gateway.create_key(KeyInput::default()).await.expect("made");
    let key = rig.gateway.authenticate(key.text.expose_secret()).expect("opens");
    for grant in [key, Grant::shared(ClientId::new("somebody"))] {
        let (reply, report) = rig.ask_as(&Arc::new(grant), turn("[[sim: say a]]")).await;
        reply.expect("answered");
        assert_eq!(report.served(), None);
        assert_eq!((report.failed_attempts(), report.passed_over()), (Vec::new(), Vec::new()));
    }
}

#[tokio::test]
async fn a_pinned_request_is_served_by_its_account_alone() {
    let rig = Rig::new(Flow::Agent).await;
    let id = rig.account("account-1").record.id;
    let pinned = Arc::new(Grant::pinned(ClientId::new("operator"), id));
    for _ in 0..3 {
        let (reply, report) = rig.ask_as(&pinned, turn("[[sim: say a]]")).await;
        reply.expect("answered");
        assert_eq!(report.served().expect("somebody").as_str(), "account-1");
    }
    rig.gateway.enable_accounts(&names(["account-1"]), false).await.expect("off");
    let (reply, _) = rig.ask_as(&pinned, turn("[[sim: say a]]")).await;
    assert!(reply.expect_err("off").client.contains("1 disabled"));
}
