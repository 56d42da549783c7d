//! `cursor-api accounts import`.

use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::json;

use crate::process::KEY;
use crate::site::{Beside, Site, token};

const NONE: Beside = Beside::none();

#[tokio::test(flavor = "multi_thread")]
async fn files_of_older_versions_are_read_and_every_row_is_told_of() {
    Site::both_ways(|site, beside| async move {
        let (one, two, three) = (token("user_01"), token("user_02"), token("user_03"));
        site.write(".token", &format!("# old\n{one}\nmine::{two}\nbroken::canary\n"));
        let sum = format!("{}/{}", "a".repeat(64), "b".repeat(64));
        site.write(".token-list", &format!("{one},{sum}\nthird::{three},{sum}\n#x,y\n"));
        let first = site.run(beside, &["accounts", "import", ".token"]).await;
        assert_eq!(first.code, Some(0), "{first:?}");
        let lines: Vec<&str> = first.stdout.lines().collect();
        assert_eq!(lines[0], "2  user_01  added");
        assert_eq!(lines[1], "3  mine  added");
        assert!(lines[2].starts_with("4  broken  rejected: no credential"), "{first:?}");
        assert_eq!(lines[3], "2 added, 0 skipped, 1 rejected");
        assert!(first.stderr.contains("lines behind # were left out: 1"), "{first:?}");
        // Again, and with another file.
        let files = ["accounts", "import", ".token", ".token-list"];
        let again = site.good(beside, &files).await;
        assert!(again.contains(".token:2  user_01  skipped"), "{again}");
        assert!(again.contains(".token-list:2  third  added"), "{again}");
        assert!(again.ends_with("1 added, 3 skipped, 1 rejected\n"), "{again}");
        assert_eq!(site.aliases(beside).await, ["user_01", "mine", "third"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_of_an_old_instance_moves_here() {
    Site::both_ways(|site, beside| async move {
        let row = |number: u32, user: &str, enabled: bool| {
            json!([number, format!("old-{number}"), {
                "primary_token": token(user), "timezone": "Asia/Shanghai",
                "checksum": {"first": "a".repeat(64), "second": "b".repeat(64)},
                "status": {"enabled": enabled}, "user": {"user_id": number, "is_enterprise_user":
                false, "is_on_new_pricing": true, "privacy_mode_info": {"privacy_mode": "no_storage"}},
            }])
        };
        let lost = json!([3, "old-3", {"primary_token": token("user_03"), "proxy": "gone"}]);
        let rows = [row(1, "user_01", true), row(2, "user_02", false), lost];
        let answer = json!({"status": "success", "tokens": rows, "tokens_count": 3});
        // Not by its name.
        site.write("export", &answer.to_string());
        let told = site.good(beside, &["accounts", "import", "export"]).await;
        assert!(told.contains("3  old-3  rejected: ") && told.contains("`gone`"), "{told}");
        let listed = site.listed(beside).await;
        assert_eq!(listed.len(), 2);
        assert_eq!(listed[0]["timezone"], "Asia/Shanghai");
        assert_eq!((&listed[0]["enabled"], &listed[1]["enabled"]), (&json!(true), &json!(false)));
        assert_eq!(listed[1]["state"], "disabled");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_input_is_a_file_too_and_nothing_added_ends_with_1() {
    let site = Site::new().await;
    let import = ["accounts", "import", "-"];
    let list = json!([token("user_01"), {"token": token("user_02"), "alias": "b"}]).to_string();
    let finished = site.run_with(NONE, &import, Some(&list)).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(site.aliases(NONE).await, ["user_01", "b"]);
    let finished = site.run_with(NONE, &import, Some(&list)).await;
    assert_eq!(finished.code, Some(0), "all there already: {finished:?}");
    for bad in ["canary\n", "[5]"] {
        let finished = site.run_with(NONE, &import, Some(bad)).await;
        assert_eq!(finished.code, Some(1), "{bad}: {finished:?}");
        assert!(finished.stdout.ends_with("0 added, 0 skipped, 1 rejected\n"), "{finished:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_stops_all_before_anything_is_added() {
    let site = Site::new().await;
    site.write("good", &token("user_01"));
    site.write("bad.json", "{\"tokens\": canary}");
    for (bad, text) in [("bad.json", "is no JSON"), ("missing", "missing: "), (".", "directory")] {
        let finished = site.run(NONE, &["accounts", "import", "good", bad]).await;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert!(finished.stderr.contains(text), "{finished:?}");
    }
    assert!(site.aliases(NONE).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_accounts_take_seconds() {
    Site::both_ways(|site, beside| async move {
        let text: String =
            (0..1000).map(|i| format!("a{i}::{}\n", token(&format!("user_{i:05}")))).collect();
        site.write("many", &text);
        let start = Instant::now();
        let told = site.good(beside, &["accounts", "import", "many"]).await;
        let took = start.elapsed();
        assert!(told.ends_with("1000 added, 0 skipped, 0 rejected\n"), "{took:?}");
        eprintln!("1000 accounts in {took:?}");
        assert!(took < Duration::from_secs(15), "{took:?}");
        assert_eq!(site.aliases(beside).await.len(), 1000);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_body_limit_is_kept() {
    let site = Site::with("limits.body = \"8KiB\"").await;
    let text: String = (0..50).map(|i| format!("{}\n", token(&format!("user_{i:05}")))).collect();
    site.write("many", &text);
    let told = site.good(NONE, &["accounts", "import", "many"]).await;
    assert!(told.ends_with("50 added, 0 skipped, 0 rejected\n"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_editors_login_is_taken_over_only_when_it_may_be() {
    Site::both_ways(|site, beside| async move {
        let path = site.path("state.vscdb");
        let database = Connection::open(&path).expect("a database");
        database
            .execute_batch("CREATE TABLE ItemTable (key TEXT UNIQUE, value BLOB)")
            .expect("a table");
        for (key, value) in [
            ("cursorAuth/accessToken", token("user_01").as_str()),
            ("cursorAuth/refreshToken", "canary-refresh"),
            ("cursorAuth/cachedEmail", "somebody@example.com"),
        ] {
            database.execute("INSERT INTO ItemTable VALUES (?1, ?2)", (key, value)).expect("a row");
        }
        let import = ["accounts", "import", "--editor", "--path", "state.vscdb"];
        let asked = site.run(beside, &import).await;
        assert_eq!(asked.code, Some(2), "{asked:?}");
        assert!(asked.stderr.contains("--yes"), "{asked:?}");
        assert!(site.aliases(beside).await.is_empty());
        let yes = [&import[..], &["--yes"]].concat();
        assert_eq!(site.good(beside, &yes).await, "somebody@example.com: added\n");
        let again = site.good(beside, &yes).await;
        assert!(again.starts_with("somebody@example.com: skipped"), "{again}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agents_login_is_taken_over_from_its_usual_place() {
    let site = Site::new().await;
    let folder = site.path("config/cursor");
    std::fs::create_dir_all(&folder).expect("a folder");
    let auth = json!({"accessToken": token("user_01"), "refreshToken": "canary-refresh"});
    std::fs::write(folder.join("auth.json"), auth.to_string()).expect("written");
    let import = ["accounts", "import", "--cli", "--yes", "--alias", "agent"];
    if cfg!(target_os = "linux") {
        let config = site.path("config").display().to_string();
        let finished = site.start(&import).env("XDG_CONFIG_HOME", &config).finish().await;
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), "agent: added\n"));
        assert_eq!(site.aliases(NONE).await, ["agent"]);
    }
    let missing = site.run(NONE, &[&import[..], &["--path", "nothing"]].concat()).await;
    assert_eq!(missing.code, Some(2), "{missing:?}");
    assert!(missing.stderr.contains("nothing: "), "{missing:?}");
}

/// What passes through a running gateway on a command's behalf is in no log of it either.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_logs_everything_of_ours_logs_no_token() {
    let site = Site::new().await;
    let log = site.path("debug");
    let start = site.start(&["serve", "--port", "0"]).env("LOG_LEVEL", "debug");
    let mut gateway = start.log_to(&log).spawn();
    let beside = Beside::from(gateway.address_after("listening on http://"));
    let list = json!([
        {"token": token("user_01"), "refresh_token": "canary-refresh", "client_key": "canary"},
        {"token": token("user_02"), "secondary_token": "canary"},
        token("user_03"),
        "canary.canary.canary",
    ]);
    site.write("list", &list.to_string());
    let told = site.good(beside, &["accounts", "import", "list"]).await;
    assert!(told.ends_with("1 added, 0 skipped, 3 rejected\n"), "{told}");
    site.good(beside, &["accounts", "test"]).await;
    let log = std::fs::read_to_string(log).expect("a log");
    assert!(!log.is_empty());
    for secret in ["eyJ", "canary", KEY] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}
