//! Pages to be read.

use std::collections::{BTreeMap, BTreeSet};

use crate::rig::{Answer, Rig};

const PAGES: [&str; 4] = ["/readme?lang=en", "/readme?lang=zh", "/license", "/api"];

async fn get(rig: &Rig, path: &str, headers: &[(&str, &str)]) -> Answer {
    rig.call("GET", path, headers, "").await
}

/// What stands in an attribute.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    html.split(start.as_str()).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[tokio::test]
async fn no_link_is_dead() {
    let rig = Rig::empty().await;
    rig.app.set_configured(server::Configured {
        env_example: "# PORT=3000\n".to_owned(),
        config_example: "# port = 3000\n".to_owned(),
        ..server::Configured::default()
    });
    let mut pages: BTreeMap<String, String> = BTreeMap::new();
    let mut open: Vec<String> = PAGES.iter().map(|path| (*path).to_owned()).collect();
    let mut wanted: BTreeSet<(String, String)> = BTreeSet::new();
    open.push("/".to_owned());
    while let Some(path) = open.pop() {
        if pages.contains_key(&path) {
            continue;
        }
        let answer = get(&rig, &path, &[]).await;
        assert_eq!(answer.status, 200, "{path}");
        for link in attributes(&answer.text, "href") {
            if link.starts_with("https://") {
                continue;
            }
            let (target, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = if target.is_empty() { path.as_str() } else { target };
            assert!(target.starts_with('/'), "{link} on {path}");
            open.push(target.to_owned());
            wanted.insert((target.to_owned(), fragment.to_owned()));
        }
        pages.insert(path, answer.text);
    }
    assert!(pages.keys().filter(|path| path.starts_with("/readme/docs/")).count() >= 8);
    for (page, fragment) in wanted.iter().filter(|(_, fragment)| !fragment.is_empty()) {
        let ids = attributes(&pages[page], "id");
        assert!(ids.contains(&fragment.as_str()), "#{fragment} is not on {page}");
    }
}

#[tokio::test]
async fn pages_hold_no_script_and_load_nothing() {
    let rig = Rig::empty().await;
    for path in PAGES {
        let answer = get(&rig, path, &[]).await;
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        for word in ["<script", "javascript:", "<link", "<img", "@import", "url(", " style=", " on"]
        {
            let head = if word == " on" { "=\"" } else { "" };
            let found = answer.text.contains(&format!("{word}click{head}"))
                || (word != " on" && answer.text.contains(word));
            assert!(!found, "{word} on {path}");
        }
    }
}

#[tokio::test]
async fn pages_are_sent_once() {
    let rig = Rig::empty().await;
    for path in PAGES.into_iter().chain(["/openapi.json", "/readme/docs/clients.md"]) {
        let first = get(&rig, path, &[]).await;
        let tag = first.header("etag").expect("a tag");
        assert_eq!(first.header("cache-control"), Some("no-cache"), "{path}");
        for known in [tag.to_owned(), format!("\"x\", W/{tag}"), "*".to_owned()] {
            let again = get(&rig, path, &[("if-none-match", &known)]).await;
            assert_eq!((again.status, again.text.as_str()), (304, ""), "{path}");
            assert_eq!(again.header("etag"), Some(tag));
        }
        assert_eq!(get(&rig, path, &[("if-none-match", "\"x\"")]).await.status, 200);
        let head = rig.call("HEAD", path, &[], "").await;
        assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
        let length = first.text.len().to_string();
        assert_eq!(head.header("content-length"), Some(length.as_str()), "{path}");
    }
}

#[tokio::test]
async fn the_readme_speaks_the_language_of_its_reader() {
    let rig = Rig::empty().await;
    for (path, languages, lang) in [
        ("/readme", None, "zh"),
        ("/readme", Some("en-US,en;q=0.9"), "en"),
        ("/readme?lang=zh", Some("en"), "zh"),
        ("/readme?lang=en", None, "en"),
        ("/readme?lang=fr", Some("en"), "en"),
    ] {
        let headers: Vec<(&str, &str)> =
            languages.map(|languages| ("accept-language", languages)).into_iter().collect();
        let answer = get(&rig, path, &headers).await;
        assert_eq!(answer.header("vary"), Some("accept-language"));
        assert!(answer.text.contains(&format!("<html lang=\"{lang}\">")), "{path} {languages:?}");
    }
}

#[tokio::test]
async fn only_documents_are_shown() {
    let rig = Rig::empty().await;
    for path in ["/readme/Cargo.toml", "/readme/docs", "/readme/../Cargo.toml", "/readme/%2e%2e/x"]
    {
        assert_eq!(get(&rig, path, &[]).await.status, 404, "{path}");
    }
    let license = get(&rig, "/license", &[]).await.text;
    assert!(license.contains("Permission is hereby granted") && license.contains("Version 2.0"));
}

#[tokio::test]
async fn the_api_page_has_every_operation() {
    let rig = Rig::empty().await;
    let page = get(&rig, "/api", &[]).await.text;
    let document = get(&rig, "/openapi.json", &[]).await;
    assert_eq!(document.header("content-type"), Some("application/json"));
    assert_eq!(&document.json(), server::openapi_document());
    for item in document.json()["paths"].as_object().expect("paths").values() {
        for operation in item.as_object().expect("operations").values() {
            let id = operation["operationId"].as_str().expect("an id");
            assert!(page.contains(&format!("<details id=\"{id}\">")), "{id}");
        }
    }
}
