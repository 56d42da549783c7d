//! Logins in a browser: begun, approved, finished; and those that never are.

use std::time::Duration;

use gateway::AdminError;
use secrecy::ExposeSecret as _;
use simulator::Config;
use uuid::Uuid;

use crate::rig::{ANN, BOB, Rig, input, memory, options, session, within};

async fn rig() -> Rig {
    Rig::over(memory(), Vec::new(), options(), Config::default()).await
}

/// What the browser does: opens the page, and the user agrees.
async fn approve(rig: &Rig, login: &gateway::Login, user: &str) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let path = login.url.strip_prefix(&rig.url).expect("of the web site");
    let host = rig.url.strip_prefix("http://").expect("plain");
    let mut stream = tokio::net::TcpStream::connect(host).await.expect("connected");
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("asked");
    let mut page = String::new();
    stream.read_to_string(&mut page).await.expect("a page");
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    assert!(rig.control.approve_login(&login.id.to_string(), user));
}

#[tokio::test]
async fn a_login_that_is_approved_adds_its_account() {
    let rig = rig().await;
    let login = rig.gateway.begin_login();
    assert_eq!(rig.gateway.finish_login(login.id, None).await.expect("asked"), None);
    approve(&rig, &login, ANN).await;
    let alias = rig.gateway.finish_login(login.id, None).await.expect("finished").expect("done");
    assert_eq!(alias.as_str(), ANN);
    assert_eq!(rig.ask("[[sim: say a]]").await.expect("answered").text(), "a");
    assert_eq!(rig.users(), [ANN]);
    let again = rig.gateway.finish_login(login.id, None).await.expect_err("it is over");
    assert!(matches!(again, AdminError::NotFound(_)), "{again}");
}

#[tokio::test]
async fn the_account_of_a_login_gets_the_name_that_is_given() {
    let rig = rig().await;
    let login = rig.gateway.begin_login();
    approve(&rig, &login, ANN).await;
    let alias = rig.gateway.finish_login(login.id, Some("mine".into())).await.expect("finished");
    assert_eq!(alias.expect("done").as_str(), "mine");
    let before = rig.account("mine").record;
    // A second login for the same name renews its tokens.
    let login = rig.gateway.begin_login();
    approve(&rig, &login, ANN).await;
    rig.gateway.finish_login(login.id, Some("mine".into())).await.expect("finished").expect("done");
    let after = rig.account("mine").record;
    assert_eq!((before.id, rig.gateway.accounts().len()), (after.id, 1));
    let text = |record: &accounts::AccountRecord| record.tokens.primary.expose_secret().to_owned();
    assert_ne!(text(&before), text(&after));
}

/// Defect: a name that cannot be was noticed after the tokens had been fetched, and they were lost.
#[tokio::test]
async fn a_name_that_cannot_be_costs_nothing() {
    let rig = rig().await;
    let login = rig.gateway.begin_login();
    approve(&rig, &login, BOB).await;
    rig.gateway.finish_login(login.id, Some(" bad ".into())).await.expect_err("no name");
    let alias = rig.gateway.finish_login(login.id, Some("good".into())).await.expect("finished");
    assert_eq!(alias.expect("done").as_str(), "good");
}

#[tokio::test]
async fn unknown_and_forgotten_logins_are_told_so() {
    let rig = rig().await;
    let unknown = rig.gateway.finish_login(Uuid::from_u128(7), None).await.expect_err("unknown");
    assert!(matches!(unknown, AdminError::NotFound(_)), "{unknown}");
    let login = rig.gateway.begin_login();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(601)).await;
    tokio::time::resume();
    let late = rig.gateway.finish_login(login.id, None).await.expect_err("forgotten");
    assert!(matches!(late, AdminError::NotFound(_)), "{late}");
    assert!(rig.control.calls().is_empty(), "nobody was asked");
}

#[tokio::test]
async fn of_many_logins_the_oldest_is_forgotten() {
    let rig = rig().await;
    let first = rig.gateway.begin_login();
    let second = rig.gateway.begin_login();
    for _ in 0..99 {
        let _ = rig.gateway.begin_login();
    }
    rig.gateway.finish_login(first.id, None).await.expect_err("forgotten");
    within(Duration::from_secs(5), "the poll", async {
        assert_eq!(rig.gateway.finish_login(second.id, None).await.expect("asked"), None);
    })
    .await;
}

#[tokio::test]
async fn a_login_for_a_token_that_is_there_already_under_another_name_is_added_beside_it() {
    let rig = rig().await;
    rig.gateway.add_accounts(vec![input("old", &session(ANN))], true).await.expect("added");
    let login = rig.gateway.begin_login();
    approve(&rig, &login, ANN).await;
    rig.gateway.finish_login(login.id, Some("new".into())).await.expect("finished").expect("done");
    assert_eq!(rig.gateway.accounts().len(), 2);
}
