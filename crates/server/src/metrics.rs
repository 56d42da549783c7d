//! `GET /metrics`: figures for Prometheus, for the administrator or on an address of their own.

use accounts::{MarkKind, UnixMs};
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use gateway::{AccountView, Gateway};
use http::header;
use telemetry::{CONTENT_TYPE, Figures};

use crate::App;
use crate::readiness::Phase;

/// Only `GET /metrics`, for anybody: who reaches the address where this is served may read.
pub fn metrics_router(app: App) -> Router {
    Router::new().route("/metrics", get(show)).with_state(app)
}

/// `GET /metrics`.
pub(crate) async fn show(State(app): State<App>) -> Response {
    let text = app.0.telemetry.render(&figures(&app));
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response()
}

/// What is read at this instant.
fn figures(app: &App) -> Figures {
    let stats = app.0.gateway.stats();
    let (vitals, _) = app.0.vitals.figures();
    Figures {
        active: count(stats.log.running),
        suspended: count(stats.suspended),
        leases: count(stats.leases),
        accounts: accounts(&app.0.gateway, app.now()),
        connections: count(stats.connections),
        log_queued: count(stats.log.queued),
        log_written: stats.log.written,
        log_dropped: stats.log.dropped,
        started_unix: app.0.started_unix_ms as f64 / 1000.0,
        memory_bytes: vitals.used_bytes,
        cpu_seconds: vitals.cpu_time.map(|time| time.as_secs_f64()),
        draining: app.0.life.phase() == Phase::Draining,
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// How many accounts are in which state, by the words of `/pool/get`; all words, so that a state
/// that nobody is in any more is told as well.
fn accounts(gateway: &Gateway, now: UnixMs) -> Vec<(&'static str, u64)> {
    let mut states =
        [READY, COOLING, MarkKind::Limit.as_str(), MarkKind::Abnormal.as_str(), DISABLED]
            .map(|word| (word, 0));
    for account in gateway.accounts() {
        let word = state(&account, now);
        for (_, count) in states.iter_mut().filter(|(known, _)| *known == word) {
            *count += 1;
        }
    }
    states.to_vec()
}

const READY: &str = "ready";
const COOLING: &str = "cooling";
const DISABLED: &str = "disabled";

fn state(account: &AccountView, now: UnixMs) -> &'static str {
    let (record, member) = (&account.record, &account.state);
    let mark = member.mark.as_ref().or(record.mark.as_ref()).filter(|mark| mark.holds(now));
    if !record.enabled {
        DISABLED
    } else if let Some(mark) = mark {
        mark.kind.as_str()
    } else if member.coolings.iter().any(|cooling| cooling.until > now) {
        COOLING
    } else {
        READY
    }
}
