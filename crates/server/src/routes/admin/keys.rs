//! `/keys/*`: keys for the operator's own tools, and those that `/build-key` made.

use std::time::Duration;

use accounts::KeyId;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use gateway::{AdminError, NewKey};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::input::{Input, Unused};
use super::key_change::KeyChange;
use super::key_json::{KeyIn, MOST_SECONDS, ShownKey, TOO_LONG};
use super::outcome::{Done, ids, unique};
use super::shapes::ListOr;
use super::texts::{self, Bulk, bulk};
use super::{Answered, answer, body, invalid, optional_body, refuse};
use crate::App;
use crate::auth::Admin;
use crate::failure::Refusal;
use crate::router::Visit;

/// How long the old key works after a rotation, unless the request says.
const GRACE: u64 = 3600;

#[derive(Debug, Serialize)]
struct Keys {
    status: &'static str,
    keys: Vec<ShownKey>,
    keys_count: usize,
}

/// `POST /keys/get`.
pub(crate) async fn get(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    /// Nothing can be chosen.
    #[derive(Debug, Default, Deserialize)]
    struct Get {}
    let Input { value: Get {}, unused } = optional_body::<Get>(&app, &visit, bytes).await?;
    let now = app.now();
    let keys: Vec<ShownKey> =
        app.0.gateway.keys().iter().map(|key| ShownKey::of(key, now)).collect();
    let keys_count = keys.len();
    answer(&visit, &unused, &Keys { status: "success", keys, keys_count })
}

/// A key with its texts, which are shown this once.
#[derive(Serialize)]
struct Fresh {
    status: &'static str,
    id: String,
    /// The full form, the number in base64, the number.
    keys: [String; 3],
    key: ShownKey,
    message: &'static str,
}

fn fresh(
    app: &App,
    visit: &Visit,
    unused: &Unused,
    key: &NewKey,
    message: &'static str,
) -> Answered {
    let fresh = Fresh {
        status: "success",
        id: key.view.record.id.to_string(),
        keys: texts_of(key),
        key: ShownKey::of(&key.view, app.now()),
        message,
    };
    answer(visit, unused, &fresh)
}

/// The three forms of a key.
pub(super) fn texts_of(key: &NewKey) -> [String; 3] {
    [&key.text, &key.number_base64, &key.number].map(|text| text.expose_secret().to_owned())
}

/// What is wrong with a field of a key, with the place that it has in the bodies here.
fn refuse_key(visit: &Visit, error: AdminError) -> Refusal {
    match error {
        AdminError::Invalid { field, text } => invalid(visit, &placed(&field), &text),
        AdminError::NotFound(_)
        | AdminError::Conflict(_)
        | AdminError::Upstream(_)
        | AdminError::Store(_) => refuse(visit, error),
    }
}

fn placed(field: &str) -> String {
    const OPTIONS: [&str; 4] = ["proxy_name", "timezone", "gcpp_host", "usage_check_models"];
    const LIMITS: [&str; 6] =
        ["models", "accounts", "requests_per_minute", "tokens_per_minute", "concurrency", "budget"];
    let first = field.split(['.', '[']).next().unwrap_or(field);
    if OPTIONS.contains(&first) {
        format!("options.{field}")
    } else if LIMITS.contains(&first) {
        format!("limits.{field}")
    } else {
        field.to_owned()
    }
}

/// `POST /keys/create`.
pub(crate) async fn create(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    let Input { value, unused } = optional_body::<KeyIn>(&app, &visit, bytes).await?;
    let input = value
        .into_input(app.now())
        .map_err(|(field, text)| invalid(&visit, &placed(field), text))?;
    let key = app.0.gateway.create_key(input).await.map_err(|error| refuse_key(&visit, error))?;
    fresh(&app, &visit, &unused, &key, texts::key_created(visit.language()))
}

/// `POST /keys/set`.
pub(crate) async fn set(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    #[derive(Debug, Serialize)]
    struct Changed {
        status: &'static str,
        key: ShownKey,
        message: &'static str,
    }
    let Input { value: change, unused } = body::<KeyChange>(&app, &visit, bytes).await?;
    let id = KeyId::new(change.id.clone());
    // What is not named is read and written back: nobody else may change it in between.
    let alone = app.0.changing_keys.lock().await;
    let before = app.0.gateway.keys().into_iter().find(|key| key.record.id == id);
    let Some(before) = before else {
        return Err(refuse(&visit, AdminError::NotFound(format!("key `{id}`"))));
    };
    if before.record.revoked.is_some() {
        return Err(refuse(&visit, AdminError::Conflict("The key was revoked.".to_owned())));
    }
    let input = change.into_input(&before.record, app.now());
    let input = input.map_err(|(field, text)| invalid(&visit, &placed(field), text))?;
    let key = app.0.gateway.change_key(&id, input).await;
    drop(alone);
    let key = key.map_err(|error| refuse_key(&visit, error))?;
    let message = texts::key_set(visit.language());
    let key = ShownKey::of(&key, app.now());
    answer(&visit, &unused, &Changed { status: "success", key, message })
}

#[derive(Debug, Deserialize)]
struct Rotate {
    id: String,
    grace_seconds: Option<u64>,
}

/// `POST /keys/rotate`.
pub(crate) async fn rotate(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    let Input { value: Rotate { id, grace_seconds }, unused } =
        body::<Rotate>(&app, &visit, bytes).await?;
    let grace = grace_seconds.unwrap_or(GRACE);
    if grace > MOST_SECONDS {
        return Err(invalid(&visit, "grace_seconds", TOO_LONG));
    }
    let grace = Duration::from_secs(grace);
    let key = app.0.gateway.rotate_key(&KeyId::new(id), grace).await;
    let key = key.map_err(|error| refuse(&visit, error))?;
    fresh(&app, &visit, &unused, &key, texts::key_rotated(visit.language()))
}

#[derive(Debug, Deserialize)]
struct Ids {
    ids: Vec<String>,
}

type IdList = ListOr<String, Ids>;

fn listed(visit: &Visit, list: IdList) -> Result<Vec<String>, Refusal> {
    match list {
        ListOr::List(ids) | ListOr::Object(Ids { ids }) => unique(visit, "ids", ids),
    }
}

/// `POST /keys/revoke`.
pub(crate) async fn revoke(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    let Input { value, unused } = body::<IdList>(&app, &visit, bytes).await?;
    let touched = app.0.gateway.revoke_keys(&listed(&visit, value)?).await;
    let touched = touched.map_err(|error| refuse(&visit, error))?;
    let (done, failed) = (touched.done.len(), touched.failed.len());
    let message = bulk(Bulk::KeysRevoked, visit.language(), done, failed);
    answer(&visit, &unused, &Done::new(message, ids(touched.failed)))
}

/// `POST /keys/del`.
pub(crate) async fn del(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    let Input { value, unused } = body::<IdList>(&app, &visit, bytes).await?;
    let touched = app.0.gateway.remove_keys(&listed(&visit, value)?).await;
    let touched = touched.map_err(|error| refuse(&visit, error))?;
    let (done, failed) = (touched.done.len(), touched.failed.len());
    let message = bulk(Bulk::KeysDeleted, visit.language(), done, failed);
    answer(&visit, &unused, &Done::new(message, ids(touched.failed)))
}
