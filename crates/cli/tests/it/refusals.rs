//! Settings and arguments that cannot be used: one clear line each, exit code 2.

use std::net::TcpListener;

use crate::process::{Finished, KEY, cursor_api};

/// Invariant of every refusal: code 2, nothing on standard output, no backtrace, one line per
/// problem with the program's name.
fn lines(finished: &Finished, count: usize) -> Vec<String> {
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert_eq!(finished.stdout, "", "{finished:?}");
    let lines: Vec<String> = finished.stderr.lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), count, "{finished:?}");
    assert!(lines.iter().all(|line| line.starts_with("cursor-api: ")), "{finished:?}");
    lines
}

async fn refused(config: &str, variables: &[(&str, &str)], count: usize) -> Vec<String> {
    let mut start = cursor_api(&["serve"]).config(config);
    for (name, value) in variables {
        start = start.env(name, value);
    }
    lines(&start.finish().await, count)
}

#[tokio::test]
async fn a_gateway_without_a_key_does_not_start() {
    let lines = refused("port = 0", &[], 1).await;
    assert!(lines[0].contains("auth_token is not set"), "{lines:?}");
    refused("port = 0\nauth_token = \"  \"", &[], 1).await;
}

#[tokio::test]
async fn an_unknown_setting_gets_a_suggestion() {
    let lines = refused("auth_tokn = \"x\"", &[], 1).await;
    assert!(lines[0].contains("auth_tokn: unknown setting"), "{lines:?}");
    assert!(lines[0].contains("did you mean `auth_token`?"), "{lines:?}");
    assert!(lines[0].contains("config.toml"), "{lines:?}");
}

#[tokio::test]
async fn all_bad_values_are_named_at_once_with_their_place() {
    let config = "port = \"many\"\n[timeouts]\nconnect = \"soon\"\n[upstream]\nflow = \"fast\"";
    let lines = refused(config, &[("LIMIT_BODY", "big")], 4).await;
    for (name, place) in [
        ("port", "config.toml"),
        ("timeouts.connect", "config.toml"),
        ("upstream.flow", "config.toml"),
        ("limits.body", "LIMIT_BODY"),
    ] {
        let named = |line: &&String| line.starts_with(&format!("cursor-api: {name}: "));
        let line = lines.iter().find(named).unwrap_or_else(|| panic!("{name}: {lines:?}"));
        assert!(line.contains(place), "{line}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_toml_names_the_line() {
    let lines = refused("port = 1\nhost = \n", &[], 1).await;
    assert!(lines[0].contains("config.toml:2"), "{lines:?}");
}

#[tokio::test]
async fn a_malformed_credential_is_named_and_never_shown() {
    let config = format!(
        "auth_token = \"{KEY}\"\nport = 0\n\
         [[accounts]]\nalias = \"a\"\ncredential = \"canary-one\"\n\
         [[accounts]]\nalias = \"b\"\ncredential = \"canary.two.parts\"\n"
    );
    let lines = refused(&config, &[("CURSOR_ACCOUNTS", "c=canary-three")], 3).await;
    let all = lines.join("\n");
    assert!(!all.contains("canary"), "{all}");
    for name in ["accounts[0].credential", "accounts[1].credential", "accounts[2].credential"] {
        assert!(all.contains(name), "{all}");
    }
    assert!(lines[2].contains("CURSOR_ACCOUNTS"), "{lines:?}");
}

#[tokio::test]
async fn a_secret_with_a_bad_value_elsewhere_is_never_shown() {
    let config = "auth_token = \"canary\"\nport = \"x\"";
    assert!(!refused(config, &[], 1).await[0].contains("canary"));
}

#[tokio::test]
async fn a_base_url_with_a_path_is_refused() {
    let config = format!("auth_token = \"{KEY}\"\n[upstream]\napi_url = \"http://x/path\"");
    assert!(refused(&config, &[], 1).await[0].contains("upstream.api_url"));
}

#[tokio::test]
async fn a_log_filter_that_is_none_is_refused() {
    let config = format!("auth_token = \"{KEY}\"\n[log]\nlevel = \"info=loud=much\"");
    let finished = cursor_api(&["serve"]).config(&config).env("LOG_LEVEL", "").finish().await;
    assert!(lines(&finished, 1)[0].contains("log.level"), "{finished:?}");
}

#[tokio::test]
async fn a_named_settings_file_must_exist() {
    let finished = cursor_api(&["serve", "--config", "missing.toml"]).finish().await;
    assert!(lines(&finished, 1)[0].contains("missing.toml"));
}

#[tokio::test]
async fn a_busy_port_is_told_in_one_line_by_every_command() {
    let busy = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = busy.local_addr().expect("address");
    let port = address.port().to_string();
    let listen = address.to_string();
    for arguments in [
        &["serve", "--port", &port][..],
        &["demo", "--listen", &listen],
        &["simulate", "--listen", &listen],
    ] {
        let finished = cursor_api(arguments).env("AUTH_TOKEN", KEY).finish().await;
        let line = &lines(&finished, 1)[0];
        assert!(line.contains(&listen) && line.contains("in use"), "{arguments:?}: {line}");
    }
}

#[tokio::test]
async fn unknown_flags_and_commands_end_with_code_2_and_point_to_help() {
    for arguments in [&["serve", "--prot", "1"][..], &["sevre"], &["demo", "--flow", "fast"]] {
        let finished = cursor_api(arguments).finish().await;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert_eq!(finished.stdout, "");
        assert!(finished.stderr.contains("--help"), "{finished:?}");
    }
}

#[tokio::test]
async fn the_version_is_that_of_the_package() {
    let finished = cursor_api(&["--version"]).finish().await;
    assert_eq!(finished.code, Some(0));
    assert_eq!(finished.stdout.trim(), format!("cursor-api {}", env!("CARGO_PKG_VERSION")));
}
