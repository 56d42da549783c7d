//! The endpoints that change some accounts, or look at them, each account for itself.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use gateway::{AdminError, Failed, Touched};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::account_json::Info;
use super::input::{Input, Unused};
use super::outcome::{Done, FailedAlias, aliases, both};
use super::shapes::{Pairs, present};
use super::texts::{self, Bulk, bulk};
use super::{Answered, answer, body, invalid, refuse};
use crate::App;
use crate::auth::Admin;
use crate::failure::{json, phrase};
use crate::router::Visit;

/// The answer of all of these: how many it worked for, and why not for the others.
fn told(
    visit: &Visit,
    unused: &Unused,
    what: Bulk,
    touched: Result<Touched, AdminError>,
) -> Answered {
    let Touched { done, failed } = touched.map_err(|error| refuse(visit, error))?;
    let message = bulk(what, visit.language(), done.len(), failed.len());
    answer(visit, unused, &Done::new(message, aliases(failed)))
}

/// An endpoint that takes a list of aliases.
macro_rules! over_aliases {
    ($(#[$doc:meta])* $name:ident, $call:ident, $what:expr) => {
        $(#[$doc])*
        pub(crate) async fn $name(
            _: Admin,
            State(app): State<App>,
            Extension(visit): Extension<Visit>,
            bytes: Body,
        ) -> Answered {
            let input = body::<Vec<String>>(&app, &visit, bytes).await?;
            let touched = app.0.gateway.$call(&input.value).await;
            told(&visit, &input.unused, $what, touched)
        }
    };
}

over_aliases! {
    /// `POST /tokens/profile/update`.
    update_profiles, update_profiles, Bulk::Profiles
}

over_aliases! {
    /// `POST /tokens/config-version/update`.
    update_config_versions, update_config_versions, Bulk::ConfigVersions
}

over_aliases! {
    /// `POST /tokens/refresh`.
    refresh, refresh_accounts, Bulk::Refreshed
}

over_aliases! {
    /// `POST /tokens/test`.
    test, test_accounts, Bulk::Tested
}

over_aliases! {
    /// `POST /tokens/marks/clear`.
    clear_marks, clear_marks, Bulk::MarksCleared
}

#[derive(Debug, Deserialize)]
struct SetStatus {
    aliases: Vec<String>,
    enabled: bool,
}

/// `POST /tokens/status/set`.
pub(crate) async fn set_status(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    let Input { value, unused } = body::<SetStatus>(&app, &visit, bytes).await?;
    let touched = app.0.gateway.enable_accounts(&value.aliases, value.enabled).await;
    told(&visit, &unused, Bulk::Status, touched)
}

/// `POST /tokens/alias/set`.
pub(crate) async fn set_alias(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    let Input { value: Pairs(renames), unused } =
        body::<Pairs<String>>(&app, &visit, bytes).await?;
    let touched = app.0.gateway.rename_accounts(renames).await;
    told(&visit, &unused, Bulk::Alias, touched)
}

#[derive(Debug, Deserialize)]
struct SetProxy {
    aliases: Vec<String>,
    proxy: Option<String>,
}

/// `POST /tokens/proxy/set`.
pub(crate) async fn set_proxy(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    let Input { value, unused } = body::<SetProxy>(&app, &visit, bytes).await?;
    let touched = app.0.gateway.set_account_proxy(&value.aliases, value.proxy).await;
    told(&visit, &unused, Bulk::Proxy, touched)
}

#[derive(Debug, Deserialize)]
struct SetTimezone {
    aliases: Vec<String>,
    timezone: Option<String>,
}

/// `POST /tokens/timezone/set`.
pub(crate) async fn set_timezone(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    let Input { value, unused } = body::<SetTimezone>(&app, &visit, bytes).await?;
    let touched = app.0.gateway.set_account_timezone(&value.aliases, value.timezone).await;
    told(&visit, &unused, Bulk::Timezone, touched)
}

/// `POST /tokens/merge`.
pub(crate) async fn merge(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    let Input { value: Pairs(merges), unused } = body::<Pairs<Info>>(&app, &visit, bytes).await?;
    let merges = merges.into_iter().map(|(alias, info)| (alias, info.into_input(None)));
    let touched = app.0.gateway.merge_accounts(merges.collect()).await;
    told(&visit, &unused, Bulk::Merged, touched)
}

#[derive(Debug, Deserialize)]
struct SetTags {
    tokens: Vec<String>,
    tags: Tags,
}

/// A tag that is `null` is cleared, one that is not there stays.
#[derive(Debug, Deserialize)]
struct Tags {
    #[serde(default, deserialize_with = "present")]
    timezone: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    proxy: Option<Option<String>>,
}

/// `POST /tokens/tags/set`.
pub(crate) async fn set_tags(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    let Input { value: SetTags { tokens, tags }, unused } =
        body::<SetTags>(&app, &visit, bytes).await?;
    let gateway = &app.0.gateway;
    let touched = match (tags.timezone, tags.proxy) {
        (None, None) => return Err(invalid(&visit, "tags", "expected timezone or proxy")),
        (Some(timezone), None) => gateway.set_account_timezone(&tokens, timezone).await,
        (None, Some(proxy)) => gateway.set_account_proxy(&tokens, proxy).await,
        (Some(timezone), Some(proxy)) => {
            match gateway.set_account_timezone(&tokens, timezone).await {
                Ok(first) => {
                    let second = gateway.set_account_proxy(&tokens, proxy).await;
                    second.map(|second| both(first, second))
                }
                Err(error) => Err(error),
            }
        }
    };
    let Touched { done, failed } = touched.map_err(|error| refuse(&visit, error))?;
    if done.is_empty() && !failed.is_empty() {
        return Ok(none_tagged(&visit, failed));
    }
    let done = Done::new(texts::tags_set(visit.language()), aliases(failed));
    answer(&visit, &unused, &done)
}

/// The one documented message says that it worked, so it is not said when it did not for any.
fn none_tagged(visit: &Visit, failed: Vec<Failed>) -> Response {
    #[derive(Serialize)]
    struct NoneTagged {
        status: &'static str,
        code: u16,
        error: &'static str,
        message: &'static str,
        failed: Vec<FailedAlias>,
    }
    let status = StatusCode::BAD_REQUEST;
    let body = NoneTagged {
        status: "error",
        code: status.as_u16(),
        error: phrase(status, crate::language::Language::English),
        message: texts::tags_not_set(visit.language()),
        failed: aliases(failed),
    };
    json(status, serde_json::to_vec(&body).unwrap_or_default())
}
