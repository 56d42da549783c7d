//! `cursor-api login`, with a browser that is a request of the test.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;

use crate::client::Call;
use crate::process::{PATIENCE, Running};
use crate::site::{Beside, Site};

const USER: &str = "user_01ABCDEFGHJKMNPQRSTVWXYZ01";

/// The link that a login prints, and its id.
fn link(login: &mut Running) -> (String, String) {
    loop {
        let line = login.line();
        if let Some(rest) = line.strip_prefix("http://") {
            let id = line.split("uuid=").nth(1).and_then(|rest| rest.split('&').next());
            return (rest.to_owned(), id.expect("an id").to_owned());
        }
    }
}

/// Opens the page and agrees to the login.
async fn agree(site: &Site, login: &mut Running) {
    let (rest, id) = link(login);
    let (address, path) = rest.split_once('/').expect("a path");
    let address: SocketAddr = address.parse().expect("an address");
    let page = Call::send(address, &format!("GET /{path} HTTP/1.1\r\n"), b"").await.rest().await;
    assert_eq!(page.status, 200, "{page:?}");
    assert!(site.control.approve_login(&id, USER));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_agreed_to_adds_the_account() {
    Site::both_ways(|site, beside| async move {
        let arguments = beside.arguments(&["login", "--alias", "me"]);
        let mut login = site.start_owned(&arguments).spawn();
        agree(&site, &mut login).await;
        let finished = login.finish().await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
        assert!(finished.stdout.ends_with("me: logged in\n"), "{finished:?}");
        assert!(!finished.stdout.contains("eyJ") && finished.stderr.is_empty(), "{finished:?}");
        assert_eq!(site.aliases(beside).await, ["me"]);
        assert_eq!(site.good(beside, &["accounts", "test"]).await, "me: accepted\n");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_login_under_the_name_renews_the_account() {
    let site = Site::new().await;
    for _ in 0..2 {
        let mut login = site.start(&["login", "--alias", "me", "--no-browser"]).spawn();
        agree(&site, &mut login).await;
        assert_eq!(login.finish().await.code, Some(0));
        assert_eq!(site.aliases(Beside::none()).await, ["me"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_a_login_in_order() {
    Site::both_ways(|site, beside| async move {
        for signal in ["INT", "TERM"] {
            let mut login = site.start_owned(&beside.arguments(&["login"])).spawn();
            link(&mut login);
            login.signal(signal);
            let finished = login.finish().await;
            assert_eq!(finished.code, Some(130), "{finished:?}");
            assert!(finished.stderr.contains("no account was added"), "{finished:?}");
        }
        assert!(site.aliases(beside).await.is_empty());
    })
    .await;
}

/// What the gateway forgets, here by being started anew, cannot be agreed to any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_forgotten_ends_with_1() {
    let site = Site::new().await;
    let (mut gateway, address) = site.serve();
    let beside = Beside::from(address);
    let mut login = site.start_owned(&beside.arguments(&["login"])).spawn();
    link(&mut login);
    gateway.signal("TERM");
    gateway.ended(PATIENCE).await;
    let port = address.port().to_string();
    let mut again = site.start(&["serve", "--port", &port]).spawn();
    again.address_after("listening on http://");
    let code = login.ended(Duration::from_secs(30)).await.code();
    assert_eq!(code, Some(1));
    assert!(login.finish().await.stderr.contains("expired"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_the_upstream_does_not_know_of_goes_on_waiting() {
    let site = Site::new().await;
    let mut login = site.start(&["login"]).spawn();
    let (_, id) = link(&mut login);
    // Nobody opened the page.
    assert!(!site.control.approve_login(&id, USER));
    let polled = async {
        while site.control.calls().iter().filter(|call| call.path.contains("poll")).count() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, polled).await.expect("polls");
    assert!(login.has_ended().is_none());
    assert_eq!(json!(site.control.logins_waiting()), json!([]));
}
