//! `GET /health`: the state of the service with true figures, in the shape of the 0.4 gateway.
//!
//! Open to anybody, so nothing of accounts, keys or requests is in it; and asked often, so it costs
//! next to nothing.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde::Serialize;

use crate::App;
use crate::failure::json;
use crate::readiness::{Status, judge};
use crate::table::ROUTES;

mod features;
mod page;

/// In which form `/health` answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Page {
    #[default]
    Json,
    Text,
    Html,
}

#[derive(Serialize)]
struct Health {
    status: Status,
    /// Why it is no success, in stable words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<&'static str>,
    service: Service,
    runtime: Runtime,
    system: System,
    capabilities: Capabilities,
}

#[derive(Serialize)]
struct Service {
    name: &'static str,
    version: &'static str,
    is_debug: bool,
    build: Build,
}

#[derive(Serialize)]
struct Build {
    /// Of builds that are numbered.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    /// Of the source, so that it can be built again; where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
    is_debug: bool,
    is_prerelease: bool,
}

#[derive(Serialize)]
struct Runtime {
    started_at: String,
    uptime_seconds: u64,
    requests: Requests,
}

#[derive(Serialize)]
struct Requests {
    total: u64,
    active: usize,
    errors: u64,
}

#[derive(Serialize)]
struct System {
    memory: Memory,
    cpu: Cpu,
}

#[derive(Serialize)]
struct Memory {
    #[serde(skip_serializing_if = "Option::is_none")]
    used_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    used_percentage: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    available_bytes: Option<u64>,
}

#[derive(Serialize)]
struct Cpu {
    /// Of one processor, since the figures were read before.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage_percentage: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    load_average: Option<[f64; 3]>,
}

#[derive(Serialize)]
struct Capabilities {
    models: Vec<String>,
    endpoints: Vec<&'static str>,
    features: Vec<&'static str>,
}

/// The form that a client asks for by name.
fn wanted(headers: &HeaderMap) -> Option<Page> {
    let accepted = headers.get(header::ACCEPT)?.to_str().ok()?;
    accepted.split(',').find_map(|range| match range.split(';').next()?.trim() {
        "application/json" => Some(Page::Json),
        "text/plain" => Some(Page::Text),
        "text/html" => Some(Page::Html),
        _ => None,
    })
}

/// `GET /health`.
pub(crate) async fn show(State(app): State<App>, headers: HeaderMap) -> Response {
    let health = health(&app);
    let page = wanted(&headers).unwrap_or(app.options().health_page);
    let mut response = match page {
        Page::Json => json(StatusCode::OK, serde_json::to_vec(&health).unwrap_or_default()),
        Page::Text => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], page::text(&health))
            .into_response(),
        Page::Html => page::html(&health),
    };
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    response
}

fn health(app: &App) -> Health {
    let log = app.0.gateway.stats().log;
    let (vitals, cpu_share) = app.0.vitals.figures();
    let share = |part: f64, whole: f64| (whole > 0.0).then(|| round(100.0 * part / whole));
    let started_ms = i64::try_from(app.0.started_unix_ms).unwrap_or(0);
    let (status, problems) = judge(app.0.life.phase(), &app.0.gateway.troubles());
    Health {
        status,
        problems,
        service: Service {
            name: "cursor-api",
            version: env!("CARGO_PKG_VERSION"),
            is_debug: cfg!(debug_assertions),
            build: build(),
        },
        runtime: Runtime {
            started_at: Timestamp::from_millisecond(started_ms)
                .map(|at| at.to_string())
                .unwrap_or_default(),
            uptime_seconds: app.0.started.elapsed().as_secs(),
            requests: Requests { total: log.requests, active: log.running, errors: log.failed },
        },
        system: System {
            memory: Memory {
                used_bytes: vitals.used_bytes,
                used_percentage: vitals
                    .used_bytes
                    .zip(vitals.total_bytes)
                    .and_then(|(used, total)| share(used as f64, total as f64)),
                available_bytes: vitals.available_bytes,
            },
            cpu: Cpu {
                usage_percentage: cpu_share.map(|share| round(100.0 * share)),
                load_average: vitals.load_average,
            },
        },
        capabilities: Capabilities {
            models: app
                .0
                .gateway
                .catalogue()
                .list()
                .iter()
                .map(|model| model.id.as_str().to_owned())
                .collect(),
            endpoints: ROUTES
                .iter()
                .filter(|route| route.prefixed && !route.path.contains('{'))
                .map(|route| route.path)
                .collect(),
            features: features::of(&app.options()),
        },
    }
}

fn build() -> Build {
    let source = option_env!("SOURCE_UNIX_SECONDS").and_then(|text| text.parse().ok());
    Build {
        version: option_env!("BUILD_NUMBER_CHECKED").and_then(|text| text.parse().ok()),
        timestamp: source
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
            .map(|at| at.to_string()),
        is_debug: cfg!(debug_assertions),
        is_prerelease: !env!("CARGO_PKG_VERSION_PRE").is_empty(),
    }
}

fn round(percentage: f64) -> f64 {
    (percentage * 100.0).round() / 100.0
}
