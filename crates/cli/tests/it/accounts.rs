//! `cursor-api accounts add|list|test|remove`, without a gateway and beside one.

use std::net::TcpListener;

use simulator::AccountBehaviour;

use crate::process::Finished;
use crate::site::{Beside, Site, token};

#[tokio::test(flavor = "multi_thread")]
async fn accounts_come_and_go_without_a_gateway_and_beside_one() {
    Site::both_ways(|site, beside| async move {
        site.write("one", &format!("{}\n", token("user_01")));
        let added = site.good(beside, &["accounts", "add", "one"]).await;
        assert_eq!(added, "user_01: added\n");
        let cookie = format!("user_02::{}", token("user_02"));
        let arguments = ["accounts", "add", "--token-stdin", "--alias", "Zwei 二"];
        let added = site.run_with(beside, &arguments, Some(&cookie)).await;
        assert_eq!((added.code, added.stdout.as_str()), (Some(0), "Zwei 二: added\n"));
        assert_eq!(site.aliases(beside).await, ["user_01", "Zwei 二"]);

        let listed = site.listed(beside).await;
        assert_eq!(listed[0]["credential"], "session");
        assert_eq!(listed[0]["state"], "ready");
        assert!(listed[1]["expires_at"].as_str().expect("a time").starts_with("20"));
        let table = site.good(beside, &["accounts", "list"]).await;
        assert!(table.starts_with("ALIAS") && table.contains("Zwei 二"), "{table}");

        let tested = site.good(beside, &["accounts", "test"]).await;
        assert_eq!(tested, "user_01: accepted\nZwei 二: accepted\n");
        site.control.set_account("user_02", AccountBehaviour::LoggedOut);
        let tested = site.run(beside, &["accounts", "test", "Zwei 二", "user_01"]).await;
        assert_eq!(tested.code, Some(1));
        assert!(tested.stdout.ends_with("\nuser_01: accepted\n"), "{tested:?}");
        assert!(!tested.stdout.contains("二: accepted"), "{tested:?}");

        let removed = site.good(beside, &["accounts", "remove", "Zwei 二"]).await;
        assert_eq!(removed, "Zwei 二: removed\n");
        assert_eq!(site.aliases(beside).await, ["user_01"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_told_and_ends_with_1() {
    Site::both_ways(|site, beside| async move {
        site.write("one", &token("user_01"));
        site.good(beside, &["accounts", "add", "one", "--alias", "first"]).await;
        let failed = async |arguments: &[&str], text: &str| {
            let finished = site.run(beside, arguments).await;
            assert_eq!(finished.code, Some(1), "{arguments:?}: {finished:?}");
            let said = format!("{}{}", finished.stdout, finished.stderr);
            assert!(said.contains(text), "{arguments:?}: {finished:?}");
        };
        failed(&["accounts", "add", "one"], "that of `first` already").await;
        site.write("two", &token("user_02"));
        failed(&["accounts", "add", "two", "--alias", "first"], "already an account `first`").await;
        failed(&["accounts", "add", "two", "--alias", " x "], "begins or ends with a blank").await;
        failed(&["accounts", "test", "nobody"], "nobody: there is no such account").await;
        failed(&["accounts", "remove", "nobody", "first"], "nobody: not removed").await;
        assert!(site.aliases(beside).await.is_empty(), "the other one was removed");
    })
    .await;
}

fn refused(finished: &Finished, text: &str) {
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert_eq!(finished.stdout, "", "{finished:?}");
    assert!(finished.stderr.contains(text), "{text}: {finished:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_are_none_are_refused_and_never_shown() {
    let site = Site::new().await;
    site.write("empty", " \n\n");
    site.write("two", &format!("{}\n{}\n", token("user_01"), token("user_02")));
    site.write("bad", "canary.canary.canary");
    let add = ["accounts", "add"];
    let with = |more| [&add[..], &[more]].concat();
    let none = Beside::none();
    for (arguments, stdin, text) in [
        (with("empty"), None, "nothing in it"),
        (with("two"), None, "accounts import"),
        (with("bad"), None, "no credential"),
        (with("missing"), None, "missing: "),
        (with("--token-stdin"), Some("canary"), "no credential"),
        (with("--token-stdin"), Some(""), "nothing in it"),
        (add.to_vec(), None, "--token-stdin"),
        (add.to_vec(), Some("not a terminal"), "--token-stdin"),
    ] {
        refused(&site.run_with(none, &arguments, stdin).await, text);
    }
    // A token where a file is expected: others can see it, so it is not repeated.
    for token in [token("user_01"), format!("me::{}", token("user_01")), "eyJcanary".to_owned()] {
        for command in [["accounts", "add"], ["accounts", "import"]] {
            refused(&site.run(none, &[&command[..], &[&token]].concat()).await, "this is a token");
        }
    }
    let long = "x".repeat(70_000);
    let finished = site.run_with(none, &with("--token-stdin"), Some(&long)).await;
    refused(&finished, "longer than 65536 bytes");
    assert!(!site.path("data").exists(), "nothing was made for what was refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_come_together_wait_for_each_other() {
    let site = Site::new().await;
    let mut together = Vec::new();
    for number in 0..6 {
        let (name, user) = (format!("t{number}"), format!("user_{number}"));
        site.write(&name, &token(&user));
        together.push(site.start(&["accounts", "add", &name]).spawn());
    }
    for command in together {
        let finished = command.finish().await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
    }
    assert_eq!(site.aliases(Beside::none()).await.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_of_the_settings_comes_back_and_this_is_told() {
    let account = format!("[[accounts]]\nalias = \"own\"\ncredential = \"{}\"", token("user_01"));
    let site = Site::with(&account).await;
    assert_eq!(site.aliases(Beside::none()).await, ["own"]);
    let removed = site.run(Beside::none(), &["accounts", "remove", "own"]).await;
    assert_eq!(removed.code, Some(0));
    assert!(removed.stderr.contains("declared in the settings"), "{removed:?}");
    assert_eq!(site.aliases(Beside::none()).await, ["own"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_cannot_be_asked_is_told_with_what_to_do() {
    let site = Site::new().await;
    let list = ["accounts", "list"];
    refused(&site.start(&list).env("AUTH_TOKEN", " ").finish().await, "auth_token is not set");
    let (_gateway, address) = site.serve();
    // The settings do not say where it listens: `serve --port 0`.
    let lost = TcpListener::bind("127.0.0.1:0").expect("a port");
    let other = lost.local_addr().expect("an address").port().to_string();
    drop(lost);
    let finished = site.start(&[&list[..], &["--port", &other]].concat()).finish().await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.contains("--port"), "{finished:?}");
    refused(&site.start(&[&list[..], &["--port", "0"]].concat()).finish().await, "--port");
    // Another program answers there.
    let upstream = site.upstream.port().to_string();
    let finished = site.start(&[&list[..], &["--port", &upstream]].concat()).finish().await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.contains("no cursor-api"), "{finished:?}");
    // Its settings have changed since it was started.
    let port = address.port().to_string();
    let wrong = site.start(&[&list[..], &["--port", &port]].concat());
    let finished = wrong.env("AUTH_TOKEN", "sk-another-key").finish().await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.contains("does not take this auth_token"), "{finished:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_explains_itself() {
    let site = Site::new().await;
    let commands: &[&[&str]] = &[
        &[],
        &["serve"],
        &["demo"],
        &["simulate"],
        &["accounts"],
        &["accounts", "add"],
        &["accounts", "list"],
        &["accounts", "test"],
        &["accounts", "remove"],
        &["accounts", "import"],
        &["login"],
        &["keys"],
        &["keys", "create"],
        &["keys", "list"],
        &["keys", "revoke"],
        &["keys", "rotate"],
        &["backup"],
        &["restore"],
        &["rotate-key"],
    ];
    for command in commands {
        let finished = site.start(&[command, &["--help"][..]].concat()).finish().await;
        assert_eq!(finished.code, Some(0), "{command:?}: {finished:?}");
        assert!(finished.stdout.contains("Usage: cursor-api"), "{command:?}: {finished:?}");
    }
}
