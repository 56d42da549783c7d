//! `GET /health`: the state of the service with true figures, in the shape of the 0.4 gateway.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;

use crate::App;
use crate::failure::json;
use crate::table::ROUTES;
use crate::vitals::Vitals;

#[derive(Serialize)]
struct Health {
    status: &'static str,
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
    /// Of one processor, on average since the start.
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

/// `GET /health`.
pub(crate) async fn show(State(app): State<App>) -> Response {
    let body = serde_json::to_vec(&health(&app)).unwrap_or_default();
    json(StatusCode::OK, body)
}

fn health(app: &App) -> Health {
    let stats = app.0.gateway.stats();
    let uptime = app.0.started.elapsed();
    let vitals = Vitals::read();
    let share = |part: f64, whole: f64| (whole > 0.0).then(|| round(100.0 * part / whole));
    let started_ms = i64::try_from(app.0.started_unix_ms).unwrap_or(0);
    Health {
        status: "success",
        service: Service {
            name: "cursor-api",
            version: env!("CARGO_PKG_VERSION"),
            is_debug: cfg!(debug_assertions),
        },
        runtime: Runtime {
            started_at: Timestamp::from_millisecond(started_ms)
                .map(|at| at.to_string())
                .unwrap_or_default(),
            uptime_seconds: uptime.as_secs(),
            requests: Requests { total: stats.total, active: stats.active, errors: stats.failed },
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
                usage_percentage: vitals
                    .cpu_time
                    .and_then(|cpu| share(cpu.as_secs_f64(), uptime.as_secs_f64())),
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
                .map(|route| route.path)
                .filter(|path| path.starts_with("/v1/") && !path.contains('{'))
                .collect(),
            features: vec!["streaming", "reasoning", "images"],
        },
    }
}

fn round(percentage: f64) -> f64 {
    (percentage * 100.0).round() / 100.0
}
