//! `cursor-api logs --follow` beside a gateway.

use std::time::Duration;

use serde_json::Value;

use crate::client::ask;
use crate::site::{Beside, Site, token};

#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_told_once_in_the_order_of_their_ends() {
    let site = Site::new().await;
    site.write("one", &token("user_01"));
    site.good(Beside::none(), &["accounts", "add", "one"]).await;
    let (_gateway, address) = site.serve();
    assert_eq!(ask(address, "[[sim: say before]]").await.status, 200);
    let arguments = ["logs", "--follow", "--json", "--limit", "1", "--status", "success"];
    let mut logs = site.start_owned(&Beside::from(address).arguments(&arguments)).spawn();
    let mut next = || {
        let log: Value = serde_json::from_str(&logs.line()).expect("JSON");
        log["id"].as_u64().expect("an id")
    };
    let before = next();
    // One that is under way for long, another that is not, and a quick one within both.
    let long = ask(address, "[[sim: delay 800ms]] [[sim: chunks 5]]");
    let short = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        ask(address, "[[sim: delay 150ms]] [[sim: chunks 5]]").await
    };
    let quick = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        ask(address, "[[sim: say hello]]").await
    };
    let (long, short, quick) = tokio::join!(long, short, quick);
    assert_eq!([long.status, short.status, quick.status], [200; 3]);
    let mut told = [next(), next(), next()];
    assert_eq!(told[2], before + 1, "{told:?}");
    told.sort_unstable();
    assert_eq!(told, [before + 1, before + 2, before + 3]);
}
