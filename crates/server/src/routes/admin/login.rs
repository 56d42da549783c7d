//! `/login/start` and `/login/finish`: an account by a login in the browser.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::input::Input;
use super::{Answered, answer, body, invalid, optional_body, refuse};
use crate::App;
use crate::auth::Admin;
use crate::router::Visit;

/// `POST /login/start`.
pub(crate) async fn start(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    /// Nothing can be chosen.
    #[derive(Debug, Default, Deserialize)]
    struct Start {}
    #[derive(Debug, Serialize)]
    struct Started {
        status: &'static str,
        id: String,
        url: String,
    }
    let Input { value: Start {}, unused } = optional_body::<Start>(&app, &visit, bytes).await?;
    let login = app.0.gateway.begin_login();
    let started = Started { status: "success", id: login.id.to_string(), url: login.url };
    answer(&visit, &unused, &started)
}

#[derive(Debug, Deserialize)]
struct Finish {
    id: String,
    alias: Option<String>,
}

/// `POST /login/finish`.
pub(crate) async fn finish(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    #[derive(Debug, Serialize)]
    struct Finished {
        status: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        alias: Option<String>,
    }
    let Input { value: Finish { id, alias }, unused } = body::<Finish>(&app, &visit, bytes).await?;
    let Ok(id) = id.parse() else {
        return Err(invalid(&visit, "id", "expected the id that /login/start gave"));
    };
    let done = app.0.gateway.finish_login(id, alias).await;
    let finished = match done.map_err(|error| refuse(&visit, error))? {
        Some(alias) => Finished { status: "success", alias: Some(alias.to_string()) },
        None => Finished { status: "pending", alias: None },
    };
    answer(&visit, &unused, &finished)
}
