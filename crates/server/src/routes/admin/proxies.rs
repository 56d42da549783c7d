//! `/proxies/*`.

use std::collections::BTreeMap;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use gateway::ProxyList;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::input::Input;
use super::outcome::{Done, FailedName, names};
use super::shapes::Pairs;
use super::{Answered, answer, body, optional_body, refuse, texts};
use crate::App;
use crate::auth::Admin;
use crate::router::Visit;

#[derive(Debug, Default, Deserialize)]
struct Get {
    secrets: Option<bool>,
}

/// The list as it is shown.
#[derive(Serialize)]
struct Shown {
    proxies: BTreeMap<String, String>,
    general: String,
}

impl Shown {
    fn of(list: ProxyList, secrets: bool) -> Self {
        let shown = list.proxies.into_iter().map(|entry| {
            let plain = || entry.address.expose_secret().to_owned();
            let address = if secrets { plain() } else { entry.masked };
            (entry.name, address)
        });
        Self { proxies: shown.collect(), general: list.general }
    }
}

/// `POST /proxies/get`.
pub(crate) async fn get(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    #[derive(Serialize)]
    struct Proxies {
        status: &'static str,
        proxies_count: usize,
        general_proxy: String,
        proxies: Shown,
    }
    let Input { value, unused } = optional_body::<Get>(&app, &visit, bytes).await?;
    let shown = Shown::of(app.0.gateway.proxies(), value.secrets.unwrap_or(false));
    let proxies = Proxies {
        status: "success",
        proxies_count: shown.proxies.len(),
        general_proxy: shown.general.clone(),
        proxies: shown,
    };
    answer(&visit, &unused, &proxies)
}

#[derive(Debug, Deserialize)]
struct Set {
    proxies: Pairs<SecretString>,
    general: String,
}

/// A list that was read with masked passwords may come back: then they are the known ones.
fn unmasked(pairs: Vec<(String, SecretString)>, known: &ProxyList) -> Vec<(String, SecretString)> {
    pairs
        .into_iter()
        .map(|(name, address)| {
            let same = known
                .proxies
                .iter()
                .find(|entry| entry.name == name && entry.masked == address.expose_secret());
            let address = same.map_or(address, |entry| entry.address.clone());
            (name, address)
        })
        .collect()
}

#[derive(Debug, Serialize)]
struct Counted {
    status: &'static str,
    proxies_count: usize,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<FailedName>,
}

/// `POST /proxies/set`.
pub(crate) async fn set(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    let Input { value: Set { proxies: Pairs(proxies), general }, unused } =
        body::<Set>(&app, &visit, bytes).await?;
    let proxies = unmasked(proxies, &app.0.gateway.proxies());
    let count = app.0.gateway.set_proxies(proxies, general).await;
    let proxies_count = count.map_err(|error| refuse(&visit, error))?;
    let message = texts::proxies_set(visit.language());
    let failed = Vec::new();
    answer(&visit, &unused, &Counted { status: "success", proxies_count, message, failed })
}

#[derive(Debug, Deserialize)]
struct Add {
    proxies: Pairs<SecretString>,
}

/// `POST /proxies/add`.
pub(crate) async fn add(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    let Input { value: Add { proxies: Pairs(proxies) }, unused } =
        body::<Add>(&app, &visit, bytes).await?;
    let touched = app.0.gateway.add_proxies(proxies).await;
    let touched = touched.map_err(|error| refuse(&visit, error))?;
    let added = Counted {
        status: "success",
        proxies_count: app.0.gateway.proxies().proxies.len(),
        message: texts::proxies_added(visit.language(), touched.done.len()),
        failed: names(touched.failed),
    };
    answer(&visit, &unused, &added)
}

#[derive(Debug, Deserialize)]
struct Del {
    names: Vec<String>,
    expectation: Option<Expectation>,
}

/// How much is told of what was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Expectation {
    #[default]
    Simple,
    UpdatedProxies,
    FailedNames,
    Detailed,
}

/// `POST /proxies/del`.
pub(crate) async fn del(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    #[derive(Serialize)]
    struct Deleted {
        status: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        updated_proxies: Option<Shown>,
        #[serde(skip_serializing_if = "Option::is_none")]
        failed_names: Option<Vec<String>>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        failed: Vec<FailedName>,
    }
    let Input { value: Del { names: which, expectation }, unused } =
        body::<Del>(&app, &visit, bytes).await?;
    let touched = app.0.gateway.remove_proxies(&which).await;
    let touched = touched.map_err(|error| refuse(&visit, error))?;
    let (updated, failed) = match expectation.unwrap_or_default() {
        Expectation::Simple => (false, false),
        Expectation::UpdatedProxies => (true, false),
        Expectation::FailedNames => (false, true),
        Expectation::Detailed => (true, true),
    };
    let deleted = Deleted {
        status: "success",
        updated_proxies: updated.then(|| Shown::of(app.0.gateway.proxies(), false)),
        failed_names: failed
            .then(|| touched.failed.iter().map(|failed| failed.name.clone()).collect()),
        failed: names(touched.failed),
    };
    answer(&visit, &unused, &deleted)
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

/// `POST /proxies/set-general`.
pub(crate) async fn set_general(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    let Input { value: Named { name }, unused } = body::<Named>(&app, &visit, bytes).await?;
    let set = app.0.gateway.set_general_proxy(&name).await;
    set.map_err(|error| refuse(&visit, error))?;
    let done = Done::<FailedName>::new(texts::general_set(visit.language()), Vec::new());
    answer(&visit, &unused, &done)
}

/// `POST /proxies/test`.
pub(crate) async fn test(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    #[derive(Debug, Serialize)]
    struct Tested {
        status: &'static str,
        name: String,
        milliseconds: u128,
    }
    let Input { value: Named { name }, unused } = body::<Named>(&app, &visit, bytes).await?;
    let took = app.0.gateway.test_proxy(&name).await.map_err(|error| refuse(&visit, error))?;
    answer(&visit, &unused, &Tested { status: "success", name, milliseconds: took.as_millis() })
}

#[cfg(test)]
mod tests {
    use gateway::ProxyEntry;

    use super::*;

    fn list() -> ProxyList {
        let entry = |name: &str, address: &str, masked: &str| ProxyEntry {
            name: name.to_owned(),
            address: SecretString::from(address),
            masked: masked.to_owned(),
        };
        ProxyList {
            proxies: vec![
                entry("a", "http://u:canary@h:1", "http://u:***@h:1"),
                entry("b", "non", "non"),
            ],
            general: "b".to_owned(),
        }
    }

    #[test]
    fn passwords_are_shown_only_when_asked_for() {
        let shown = |secrets| serde_json::to_string(&Shown::of(list(), secrets)).expect("JSON");
        assert_eq!(shown(false), r#"{"proxies":{"a":"http://u:***@h:1","b":"non"},"general":"b"}"#);
        assert!(shown(true).contains("http://u:canary@h:1"));
    }

    #[test]
    fn a_masked_list_that_comes_back_keeps_its_passwords() {
        let pair = |name: &str, address: &str| (name.to_owned(), SecretString::from(address));
        let pairs = vec![
            pair("a", "http://u:***@h:1"),
            pair("c", "http://u:***@h:1"),
            pair("b", "http://other"),
        ];
        let addresses: Vec<String> = unmasked(pairs, &list())
            .iter()
            .map(|(_, address)| address.expose_secret().to_owned())
            .collect();
        assert_eq!(addresses, ["http://u:canary@h:1", "http://u:***@h:1", "http://other"]);
    }
}
