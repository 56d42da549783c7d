//! The endpoints that change some accounts, or look at them, each account for itself.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use gateway::{AdminError, Touched};
use serde::Deserialize;

use super::account_json::Info;
use super::input::{Input, Unused};
use super::outcome::{Done, aliases, both, bounded, unique};
use super::shapes::{Pairs, present};
use super::texts::{self, Bulk, bulk};
use super::{Answered, answer, body, invalid, refuse};
use crate::App;
use crate::auth::Admin;
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
            let names = unique(&visit, "", input.value)?;
            let touched = app.0.gateway.$call(&names).await;
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
    let aliases = unique(&visit, "aliases", value.aliases)?;
    let touched = app.0.gateway.enable_accounts(&aliases, value.enabled).await;
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
    bounded(&visit, "", renames.len())?;
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
    let aliases = unique(&visit, "aliases", value.aliases)?;
    let touched = app.0.gateway.set_account_proxy(&aliases, value.proxy).await;
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
    let aliases = unique(&visit, "aliases", value.aliases)?;
    let touched = app.0.gateway.set_account_timezone(&aliases, value.timezone).await;
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
    bounded(&visit, "", merges.len())?;
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
    let tokens = unique(&visit, "tokens", tokens)?;
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
    // The one documented message says that it worked, so it is said when it did for all.
    let message = if failed.is_empty() && !done.is_empty() {
        texts::tags_set(visit.language())
    } else {
        bulk(Bulk::Tags, visit.language(), done.len(), failed.len())
    };
    answer(&visit, &unused, &Done::new(message, aliases(failed)))
}
