//! `/proxies/*`.

use std::collections::BTreeMap;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use gateway::{Failed, ProxyEntry, ProxyList};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::input::Input;
use super::outcome::{Done, FailedList, FailedName, bounded, names, only_names, unique};
use super::shapes::Pairs;
use super::{Answered, answer, body, invalid, optional_body, refuse, texts};
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

/// What a proxy's address is for one that was read with its password masked.
enum Unmasked {
    /// It is complete, or the known one.
    Whole(SecretString),
    /// Nobody knows the password that belongs there.
    Unknown,
}

/// Why a masked address is refused.
const MASKED: &str = "has the mask `***` for its password; give the password, or leave name and \
                      address as /proxies/get showed them";

/// A list that was read with masked passwords may come back: then they are the known ones.
fn unmasked(name: &str, address: SecretString, known: &ProxyList) -> Unmasked {
    let shown = address.expose_secret();
    let same = |entry: &&ProxyEntry| entry.name == name && entry.masked == shown;
    match known.proxies.iter().find(same) {
        Some(entry) => Unmasked::Whole(entry.address.clone()),
        None if is_masked(shown) => Unmasked::Unknown,
        None => Unmasked::Whole(address),
    }
}

/// Whether the password in front of the host is the mask.
fn is_masked(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    user.and_then(|user| user.split_once(':')).is_some_and(|(_, password)| password == "***")
}

#[derive(Debug, Serialize)]
struct Counted {
    status: &'static str,
    proxies_count: usize,
    message: String,
    #[serde(flatten)]
    failed: FailedList<FailedName>,
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
    let known = app.0.gateway.proxies();
    let mut whole = Vec::with_capacity(proxies.len());
    for (name, address) in proxies {
        match unmasked(&name, address, &known) {
            Unmasked::Whole(address) => whole.push((name, address)),
            Unmasked::Unknown => return Err(invalid(&visit, &format!("proxies.{name}"), MASKED)),
        }
    }
    let count = app.0.gateway.set_proxies(whole, general).await;
    let proxies_count = count.map_err(|error| refuse(&visit, error))?;
    let message = texts::proxies_set(visit.language());
    let failed = FailedList::none();
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
    bounded(&visit, "proxies", proxies.len())?;
    let known = app.0.gateway.proxies();
    let (mut whole, mut masked) = (Vec::new(), Vec::new());
    for (name, address) in proxies {
        match unmasked(&name, address, &known) {
            Unmasked::Whole(address) => whole.push((name, address)),
            Unmasked::Unknown => masked.push(Failed { name, reason: MASKED.to_owned() }),
        }
    }
    let touched = app.0.gateway.add_proxies(whole).await;
    let mut touched = touched.map_err(|error| refuse(&visit, error))?;
    touched.failed.extend(masked);
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
        #[serde(flatten)]
        failed: FailedList<FailedName>,
    }
    let Input { value: Del { names: which, expectation }, unused } =
        body::<Del>(&app, &visit, bytes).await?;
    let which = unique(&visit, "names", which)?;
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
        failed_names: failed.then(|| only_names(&touched.failed)),
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
    let done = Done::<FailedName>::new(texts::general_set(visit.language()), FailedList::none());
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
        let of = |name: &str, address: &str| match unmasked(name, address.into(), &list()) {
            Unmasked::Whole(address) => Some(address.expose_secret().to_owned()),
            Unmasked::Unknown => None,
        };
        assert_eq!(of("a", "http://u:***@h:1").as_deref(), Some("http://u:canary@h:1"));
        assert_eq!(of("b", "http://other").as_deref(), Some("http://other"));
        // Under another name or for another place nobody knows the password.
        assert_eq!(of("c", "http://u:***@h:1"), None);
        assert_eq!(of("a", "http://u:***@h:2"), None);
        assert_eq!(of("a", "u:***@h"), None);
        assert_eq!(of("c", "http://u:a***@h/***").as_deref(), Some("http://u:a***@h/***"));
    }
}
