//! Tests of the layers, the problems and the accounts.

use std::path::Path;

use super::*;
use crate::KEYS;

fn file(content: &str) -> Layers {
    Layers::default().file(Path::new("config.toml"), content)
}

fn problems(layers: Layers) -> Vec<String> {
    let problems = Settings::resolve(layers).expect_err("problems");
    problems.0.iter().map(ToString::to_string).collect()
}

#[test]
fn defaults_are_legal_and_every_key_of_the_registry_is_read() {
    let mut reader =
        Reader { layers: Layers::default(), problems: Vec::new(), read: BTreeSet::new() };
    let settings = reader.settings();
    assert!(settings.listen.ip().is_loopback());
    assert!(reader.problems.is_empty(), "{:?}", reader.problems);
    let declared: BTreeSet<&str> = KEYS.iter().map(|key| key.name).collect();
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
            "prot: unknown setting; did you mean `port`? (config.toml)",
            "host: `x`: expected an IP address (config.toml)",
            "upstream.flow: `fast`: expected one of: agent, chat (config.toml)",
        ]
    );
}

#[test]
fn broken_syntax_names_the_line() {
    let found = problems(file("port = 1\nhost = \n"));
    assert!(found[0].starts_with("settings file: line 2:"), "{found:?}");
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
