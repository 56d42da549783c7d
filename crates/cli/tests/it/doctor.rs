//! `cursor-api doctor` finds what is wrong, and says that all is well when it is.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use simulator::{AccountBehaviour, tokens};

use crate::client::{Call, post};
use crate::process::{Finished, KEY, PATIENCE};
use crate::site::{Beside, Site, token};

/// All addresses lead to the simulator, or to another place; none out of this machine.
fn settings(upstream: SocketAddr, port: u16) -> String {
    let url = format!("\"http://{upstream}\"");
    format!(
        "port = {port}\n\
         completion.asia_url = {url}\ncompletion.eu_url = {url}\n\
         completion.us_url = {url}\ncompletion.config_url = {url}\n"
    )
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    taken.local_addr().expect("an address").port()
}

fn set_mode(site: &Site, name: &str, mode: u32) {
    let permissions = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(site.path(name), permissions).expect("set");
}

async fn site(port: u16) -> Site {
    let site = Site::new().await;
    site.configure(&settings(site.upstream, port));
    set_mode(&site, "config.toml", 0o600);
    site
}

async fn with_account(port: u16) -> Site {
    let site = site(port).await;
    site.write("one", &token("user_01"));
    site.good(Beside::none(), &["accounts", "add", "one"]).await;
    site
}

struct Report {
    finished: Finished,
    json: Value,
}

async fn examine(site: &Site, more: &[&str]) -> Report {
    let arguments = [&["doctor", "--json"], more].concat();
    let finished = site.run(Beside::none(), &arguments).await;
    let json = serde_json::from_str(&finished.stdout);
    let json = json.unwrap_or_else(|error| panic!("{error}: {finished:?}"));
    Report { finished, json }
}

impl Report {
    fn findings(&self) -> &[Value] {
        self.json["findings"].as_array().expect("a list")
    }

    /// The worst of the findings whose check begins like this.
    fn state(&self, check: &str) -> &str {
        let found = self.findings().iter().filter(|finding| {
            finding["check"].as_str().is_some_and(|name| name.starts_with(check))
        });
        let states = found.map(|finding| finding["state"].as_str().expect("a state"));
        let worst = states.max_by_key(|state| {
            ["ok", "note", "warning", "failure"].iter().position(|known| known == state)
        });
        worst.unwrap_or_else(|| panic!("no {check}: {}", self.finished.stdout))
    }

    fn expect(&self, code: i32, states: &[(&str, &str)]) {
        for (check, state) in states {
            assert_eq!(self.state(check), *state, "{check}: {}", self.finished.stdout);
        }
        assert_eq!(self.finished.code, Some(code), "{}", self.finished.stdout);
        for finding in self.findings() {
            let needs_cure = finding["state"] == "failure" || finding["state"] == "warning";
            assert!(!needs_cure || finding["cure"].is_string(), "{finding}");
        }
    }
}

/// Defect that must not come back: it was said to be kept in the database, and not looked at.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_log_that_cannot_be_kept_or_that_others_can_read_is_told() {
    let site = with_account(free_port()).await;
    assert!(site.path("data/requests.db").is_file());
    set_mode(&site, "data/requests.db", 0o644);
    let found = examine(&site, &["--offline"]).await;
    found.expect(0, &[("mode:request log", "warning"), ("request_log", "ok")]);
    std::fs::remove_file(site.path("data/requests.db")).expect("removed");
    // A loop of links can neither be read nor written, not even by root.
    std::os::unix::fs::symlink("requests.db", site.path("data/requests.db")).expect("a link");
    examine(&site, &["--offline"]).await.expect(1, &[("store", "ok"), ("request_log", "failure")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_well_without_a_gateway_and_beside_one() {
    let port = free_port();
    let site = with_account(port).await;
    let well = [
        ("settings", "ok"),
        ("mode:", "ok"),
        ("disk", "ok"),
        ("key:auth_token", "ok"),
        ("bind", "ok"),
        ("port", "ok"),
        ("store", "ok"),
        ("request_log", "ok"),
        ("dns:", "ok"),
        ("connection:", "ok"),
        ("proxy:sys", "ok"),
        ("upstream", "ok"),
        ("clock", "ok"),
        ("client version", "ok"),
        ("account:user_01", "ok"),
    ];
    examine(&site, &[]).await.expect(0, &well);
    let mut gateway = site.start(&["serve"]).spawn();
    gateway.address_after("listening on http://");
    let beside = examine(&site, &[]).await;
    beside.expect(0, &well);
    let port = beside.findings().iter().find(|finding| finding["check"] == "port");
    let found = port.expect("a finding")["found"].as_str().expect("a text");
    assert!(found.contains("gateway itself"), "{found}");
    gateway.signal("TERM");
    assert_eq!(gateway.ended(PATIENCE).await.code(), Some(0));
    let text = site.good(Beside::none(), &["doctor"]).await;
    assert!(text.contains("ok       settings"), "{text}");
    assert!(text.lines().last().is_some_and(|line| line.contains(" 0 failures")), "{text}");
}

#[tokio::test]
async fn a_dead_upstream_is_told_and_not_asked_when_offline() {
    let dead = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let site = site(0).await;
    let url = format!("\"http://{dead}\"");
    let live = format!("\"http://{}\"", site.upstream);
    let config = std::fs::read_to_string(site.path("config.toml")).expect("a file");
    site.write("config.toml", &config.replace(&live, &url));
    let report = examine(&site, &[]).await;
    report.expect(
        1,
        &[("connection:", "failure"), ("upstream", "failure"), ("clock", "note"), ("dns:", "ok")],
    );
    let offline = examine(&site, &["--offline"]).await;
    let accounts = [("settings", "ok"), ("accounts", "warning"), ("database", "note")];
    offline.expect(0, &accounts);
    assert!(!offline.finished.stdout.contains("connection:"), "{}", offline.finished.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_account_and_a_dead_proxy_are_told_beside_a_gateway() {
    let site = with_account(free_port()).await;
    site.write("two", &token("user_02"));
    site.good(Beside::none(), &["accounts", "add", "two"]).await;
    site.write("three", &token("user_03"));
    site.good(Beside::none(), &["accounts", "add", "three"]).await;
    let mut gateway = site.start(&["serve"]).spawn();
    let address = gateway.address_after("listening on http://");
    site.control.set_account("user_02", AccountBehaviour::LoggedOut);
    site.control.set_account("user_03", AccountBehaviour::QuotaReached);
    let dead = free_port();
    let body = format!(r#"{{"proxies": {{"gone": "http://u:canary@127.0.0.1:{dead}"}}}}"#);
    let head = post("/proxies/add", KEY);
    let added = Call::send(address, &head, body.as_bytes()).await.rest().await;
    assert_eq!(added.status, 200, "{added:?}");
    let states = [
        ("account:user_01", "ok"),
        ("account:user_02", "failure"),
        ("account:user_03", "warning"),
        ("proxy:gone", "failure"),
        ("proxy:sys", "ok"),
        ("connection:", "ok"),
    ];
    // That no secret is shown is seen to by `Site::run`.
    examine(&site, &[]).await.expect(1, &states);
}

#[tokio::test]
async fn looking_makes_nothing() {
    let site = site(0).await;
    examine(&site, &["--offline"]).await;
    let mut names: Vec<String> = std::fs::read_dir(site.path(""))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
        .collect();
    names.sort();
    assert_eq!(names, ["config.toml"]);
}

#[tokio::test]
async fn files_that_others_can_read_are_told() {
    let site = with_account(0).await;
    set_mode(&site, "config.toml", 0o644);
    let report = examine(&site, &["--offline"]).await;
    report.expect(0, &[("mode:settings file", "warning"), ("mode:database", "ok")]);
    let key = walk(&site, "master.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).expect("set");
    let report = examine(&site, &["--offline"]).await;
    report.expect(1, &[("mode:key file", "warning"), ("settings", "failure")]);
}

/// The file of this name below the site's folder.
fn walk(site: &Site, name: &str) -> std::path::PathBuf {
    let folders = std::fs::read_dir(site.path("")).expect("a folder");
    let mut paths = folders.map(|entry| entry.expect("an entry").path().join(name));
    paths.find(|path| path.exists()).unwrap_or_else(|| panic!("no {name}"))
}

#[tokio::test]
async fn an_expired_account_is_a_failure() {
    let site = with_account(0).await;
    let past = SystemTime::now() - Duration::from_secs(3600);
    site.write("two", &tokens::session_token("user_02", past));
    site.good(Beside::none(), &["accounts", "add", "two"]).await;
    let report = examine(&site, &["--offline"]).await;
    report.expect(1, &[("account:user_01", "ok"), ("account:user_02", "failure")]);
}

#[tokio::test]
async fn a_port_in_use_and_a_short_key_are_told() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let site = site(taken.local_addr().expect("an address").port()).await;
    examine(&site, &["--offline"]).await.expect(1, &[("port", "failure")]);
    let open = ["--offline", "--host", "0.0.0.0", "--port", "0"];
    examine(&site, &open).await.expect(0, &[("bind", "note"), ("key:auth_token", "ok")]);
    let config = std::fs::read_to_string(site.path("config.toml")).expect("a file");
    let line = config.lines().next().expect("a line").to_owned();
    site.write("config.toml", &config.replace(&line, "auth_token = \"short\""));
    examine(&site, &open).await.expect(1, &[("key:auth_token", "failure")]);
    let close = ["--offline", "--port", "0"];
    examine(&site, &close).await.expect(0, &[("key:auth_token", "warning")]);
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_all_told() {
    let site = Site::with("pool.active = \"many\"\npool.rotatoin = \"fixed\"").await;
    let report = examine(&site, &[]).await;
    report.expect(1, &[("settings", "failure")]);
    assert!(report.findings().len() >= 2, "{}", report.finished.stdout);
    assert!(report.finished.stdout.contains("did you mean"), "{}", report.finished.stdout);
}
