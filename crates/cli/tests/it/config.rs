//! `cursor-api config …`.

use serde_json::Value;

use crate::process::{Finished, cursor_api};

const FILE: &str = "auth_token = \"canary-1\"\nport = 1234\n[otlp]\nheaders = \"key=canary-2\"\n\
                    [[accounts]]\nalias = \"main\"\ncredential = \"key_canary_3\"\n";

async fn config(arguments: &[&str], file: &str, variables: &[(&str, &str)]) -> Finished {
    let arguments = [&["config"], arguments].concat();
    let mut start = cursor_api(&arguments).config(file).env("LOG_LEVEL", "");
    for (name, value) in variables {
        start = start.env(name, value);
    }
    let finished = start.finish().await;
    assert!(!format!("{finished:?}").contains("canary"), "{finished:?}");
    finished
}

async fn good(arguments: &[&str], file: &str, variables: &[(&str, &str)]) -> String {
    let finished = config(arguments, file, variables).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.stdout
}

#[tokio::test]
async fn what_holds_is_shown_with_its_place_and_without_secrets() {
    let shown = good(&["show", "--origin"], FILE, &[("LIMIT_TURNS", "7")]).await;
    for line in [
        "auth_token = ***  # config.toml:1",
        "port = 1234  # config.toml:2",
        "otlp.headers = ***  # config.toml:4",
        "limits.turns = 7  # environment variable LIMIT_TURNS",
        "log.level = \"info\"  # default",
        "accounts.main = ***  # config.toml:5",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}: {shown}");
    }
    let shown = good(&["show"], FILE, &[]).await;
    assert!(shown.contains("port = 1234\n") && !shown.contains('#'), "{shown}");
}

#[tokio::test]
async fn what_holds_is_shown_as_json() {
    let json = good(&["show", "--json", "--origin"], FILE, &[]).await;
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let values = json["values"].as_array().expect("values");
    let port = values.iter().find(|value| value["key"] == "port").expect("port");
    assert_eq!((&port["value"], &port["live"]), (&"1234".into(), &false.into()));
    assert_eq!(port["origin"], "config.toml:2");
    assert_eq!(json["accounts"][0]["credential"], "***");
}

#[tokio::test]
async fn everything_wrong_is_named_at_once_with_its_place() {
    let file = "port = \"x\"\nauth_tokn = \"canary\"\n[limits]\nbody = \"big\"\n";
    let found = config(&["validate"], file, &[("PROXIES", "a=http://canary:1")]).await;
    assert_eq!((found.code, found.stdout.as_str()), (Some(2), ""));
    for text in [
        "port: `x`",
        "(config.toml:1)",
        "did you mean `auth_token`? (config.toml:2)",
        "limits.body: `big`",
        "(config.toml:4)",
        "PROXIES: is refused",
    ] {
        assert!(found.stderr.contains(text), "{text}: {found:?}");
    }
    let file = "[upstream]\nca_file = \"missing.pem\"\n[log]\nlevel = \"loud\"\n\
                [otlp]\nendpoint = \"http://ho st\"\n\
                [pages]\nlogs = \"html\"\nlogs_file = \"missing.html\"\n\
                [[accounts]]\ncredential = \"canary\"\n";
    let found = config(&["validate"], file, &[]).await;
    assert_eq!(found.code, Some(2));
    for name in [
        "auth_token is not set",
        "upstream.ca_file",
        "log.level",
        "accounts[0].credential",
        "otlp.endpoint: ",
        "pages.logs_file: missing.html",
    ] {
        assert!(found.stderr.contains(name), "{name}: {found:?}");
    }
}

#[tokio::test]
async fn good_settings_are_good_and_names_without_effect_are_told() {
    let found = config(&["validate"], FILE, &[("DEBUG", "true")]).await;
    assert_eq!(found.code, Some(0), "{found:?}");
    assert!(found.stderr.contains("DEBUG: has no effect: LOG_LEVEL=debug"), "{found:?}");
}

#[tokio::test]
async fn what_differs_from_the_defaults_or_from_a_file_is_shown() {
    let shown = good(&["diff"], FILE, &[("HOST", "127.0.0.1")]).await;
    assert!(shown.contains("port: 3000 -> 1234  # config.toml:2\n"), "{shown}");
    assert!(shown.contains("auth_token: \"\" -> ***"), "{shown}");
    assert!(shown.contains("accounts: differ") && shown.lines().count() == 4, "{shown}");
    assert_eq!(good(&["diff", "config.toml"], FILE, &[]).await, "");
}

#[tokio::test]
async fn the_schema_and_the_example_are_printed_whole() {
    let schema: Value = serde_json::from_str(&good(&["schema"], "", &[]).await).expect("JSON");
    assert_eq!(schema["properties"]["port"]["default"], 3000);
    assert_eq!(schema["properties"]["pool"]["properties"]["active"]["x-live"], true);
    let example = good(&["example"], "", &[]).await;
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config.example.toml");
    assert_eq!(example, std::fs::read_to_string(committed).expect("committed"));
}
