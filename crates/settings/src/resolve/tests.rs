//! Tests of the layers, the problems and the accounts.

use std::path::Path;

use std::collections::BTreeSet;

use super::*;
use crate::raw::Origin;
use crate::registry;

fn file(content: &str) -> Layers {
    Layers::default().file(Path::new("config.toml"), content)
}

fn problems(layers: Layers) -> Vec<String> {
    let problems = Settings::resolve(layers).expect_err("problems");
    problems.0.iter().map(ToString::to_string).collect()
}

#[test]
fn defaults_are_legal_and_every_key_of_the_registry_is_read() {
    let mut reader = Reader::new(Layers::default());
    let settings = reader.settings();
    assert!(settings.listen.ip().is_loopback());
    assert!(reader.problems.is_empty(), "{:?}", reader.problems);
    let declared: BTreeSet<&str> = registry::keys().map(|key| key.name).collect();
    assert_eq!(reader.read, declared);
}

#[test]
fn flags_win_over_environment_over_file() {
    let env = |name: &str| (name == "PORT").then(|| "2".to_owned());
    let layers = || file("port = 1").env(env);
    let port = |layers| Settings::resolve(layers).expect("settings").listen.port();
    assert_eq!(port(file("port = 1")), 1);
    assert_eq!(port(layers()), 2);
    assert_eq!(port(layers().flag("port", "--port", Some("3".into()))), 3);
}

#[test]
fn unknown_keys_get_a_suggestion_and_all_problems_come_at_once() {
    let found = problems(file("prot = 1\nhost = \"x\"\n[upstream]\nflow = \"fast\""));
    assert_eq!(
        found,
        [
            "prot: unknown setting; did you mean `port`? (config.toml:1)",
            "host: `x`: expected an IP address (config.toml:2)",
            "upstream.flow: `fast`: expected one of: agent, chat (config.toml:4)",
        ]
    );
}

#[test]
fn broken_syntax_names_the_line() {
    let found = problems(file("port = 1\nhost = \n"));
    assert!(found[0].starts_with("settings file: "), "{found:?}");
    assert!(found[0].ends_with("(config.toml:2)"), "{found:?}");
    let found = problems(file("port = 1 1\nhost = \n[upstream\n"));
    assert!(found.len() >= 3, "{found:?}");
}

#[test]
fn accounts_come_from_file_and_environment() {
    let content = "[[accounts]]\nalias = \"a\"\ncredential = \"key_canary\"\nflow = \"chat\"";
    let env =
        |name: &str| (name == "CURSOR_ACCOUNTS").then(|| "b=key_x, user_1::tok=en".to_owned());
    let settings = Settings::resolve(file(content).env(env)).expect("settings");
    let aliases: Vec<&str> = settings.accounts.iter().map(|a| a.alias.as_str()).collect();
    assert_eq!(aliases, ["a", "b", "account-3"]);
    assert_eq!(settings.accounts[0].flow, Some(Flow::Chat));
    assert!(!format!("{settings:?}").contains("canary"));
}

#[test]
fn bad_accounts_name_their_field() {
    let found = problems(file(
        "[[accounts]]\nalias = \"a\"\ncredental = \"x\"\n[[accounts]]\nalias = \"a\"\ncredential = \"k\"\nflow = \"x\"",
    ));
    assert!(
        found[0].starts_with("accounts[0].credental: unknown setting; did you mean `credential`?")
    );
    assert!(found[1].starts_with("accounts[0].credential: is missing"));
    assert!(found[2].starts_with("accounts[1].flow: expected one of"));
}

#[test]
fn the_completion_region_is_a_word_of_the_documents() {
    let region = |text: &str| {
        let content = format!("[completion]\nregion = \"{text}\"");
        Settings::resolve(file(&content)).map(|settings| settings.completion.region)
    };
    assert_eq!(region("Asia").expect("legal"), CompletionRegion::Asia);
    assert_eq!(region("EU").expect("legal"), CompletionRegion::Eu);
    assert_eq!(region("US").expect("legal"), CompletionRegion::Us);
    let problem = region("eu").expect_err("no word").to_string();
    assert!(problem.contains("expected one of: Asia, EU, US"), "{problem}");
    let settings = Settings::resolve(Layers::default()).expect("defaults");
    assert_eq!(settings.completion.region, CompletionRegion::Us);
    assert_eq!(settings.completion.us_url, "https://us-only.gcpp.cursor.sh");
}

#[test]
fn every_default_is_read_by_its_kind_and_every_word_has_a_meaning() {
    for key in registry::keys() {
        assert!(key.read(key.default).is_ok(), "{}", key.name);
        assert!(key.read("").is_ok_and(|value| value.is_none()) == key.default.is_empty());
        if let crate::Kind::Word(words) = key.kind {
            for word in words {
                let layers = Layers::default()
                    .flag(key.name, "--x", Some((*word).to_owned()))
                    .flag("pages.logs_file", "--y", Some("page".to_owned()));
                assert!(Settings::resolve(layers).is_ok(), "{} = {word}", key.name);
            }
        }
    }
}

#[test]
fn a_page_from_a_file_needs_the_file() {
    let found = problems(file("[pages]\nlogs = \"html\""));
    assert_eq!(found, ["pages.logs: needs pages.logs_file (config.toml:2)"]);
}

#[test]
fn what_a_variable_overrides_is_named_and_secrets_are_masked() {
    let env = |name: &str| match name {
        "PORT" => Some("2".to_owned()),
        "HOST" => Some("127.0.0.1".to_owned()),
        "LOG_LEVEL" => Some("warn".to_owned()),
        _ => None,
    };
    let layers = file("port = 1\nhost = \"127.0.0.1\"\nauth_token = \"canary\"").env(env);
    assert_eq!(layers.overridden(), ["port"]);
    let shown = layers.effective();
    assert!(!format!("{shown:?}").contains("canary"));
    let of = |name: &str| shown.iter().find(|e| e.key.name == name).expect("shown").clone();
    assert_eq!(
        (of("auth_token").text, of("auth_token").origin.to_string()),
        ("***".into(), "config.toml:3".into())
    );
    assert_eq!((of("port").text, of("port").origin), ("2".into(), Origin::Env("PORT")));
}

#[test]
fn the_user_in_a_url_is_shown_nowhere() {
    let shown = |url: &str| {
        let layers = file(&format!("[otlp]\nendpoint = \"{url}\""));
        let found = layers.effective().into_iter().find(|e| e.key.name == "otlp.endpoint");
        (found.expect("shown").text, Settings::resolve(layers))
    };
    let (text, settings) = shown("https://canary:c%40nary@host:4318/x");
    assert_eq!(text, "https://***@host:4318/x");
    let endpoint = settings.expect("legal").otlp.endpoint;
    assert_eq!(endpoint.as_deref(), Some("https://canary:c%40nary@host:4318/x"));
    for wrong in ["https://canary:c/nary@host:x", "canary:c@nary@host", "https://u:canary@"] {
        let (text, settings) = shown(wrong);
        let problems = settings.expect_err("no URL").to_string();
        assert!(text.contains("***@") && !text.contains("nary"), "{text}");
        assert!(problems.contains("otlp.endpoint") && !problems.contains("nary"), "{problems}");
    }
}
