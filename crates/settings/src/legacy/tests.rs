//! Tests of the old names.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::{Layers, Settings, registry};

fn env(variables: &[(&str, &str)]) -> Layers {
    Layers::default().env(|name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, text)| (*text).to_owned())
    })
}

fn settings(variables: &[(&str, &str)]) -> Settings {
    Settings::resolve(env(variables)).expect("legal")
}

fn problems(layers: Layers) -> Vec<String> {
    let problems = Settings::resolve(layers).expect_err("problems");
    problems.0.iter().map(ToString::to_string).collect()
}

#[test]
fn every_name_is_there_once_is_none_of_ours_and_is_mapped_to_one_of_ours() {
    let mut names: BTreeSet<&str> = registry::keys().map(|key| key.env).collect();
    for old in VARIABLES {
        assert!(names.insert(old.name), "{}", old.name);
    }
    let mut names: BTreeSet<&str> = registry::keys().map(|key| key.name).collect();
    for old in FILE_KEYS {
        assert!(names.insert(old.name), "{}", old.name);
    }
    for old in VARIABLES.iter().chain(FILE_KEYS) {
        if let Counterpart::Mapped { key, .. } = old.meaning {
            assert!(registry::find(key).is_some(), "{}: {key}", old.name);
        }
    }
}

/// The environment as an earlier gateway's example has it, all of it set.
#[test]
fn an_old_environment_is_understood_whole() {
    let old = [
        ("PORT", "3000"),
        ("AUTH_TOKEN", "canary"),
        ("ROUTE_PREFIX", "/api"),
        ("KEY_PREFIX", "sk-"),
        ("DATA_DIR", "data"),
        ("REQUEST_BODY_LIMIT", "2000000"),
        ("REQUEST_LOGS_LIMIT", "100"),
        ("TCP_KEEPALIVE", "90"),
        ("SERVICE_TIMEOUT", "30"),
        ("INCLUDE_WEB_REFERENCES", "true"),
        ("GENERAL_TIMEZONE", "Asia/Shanghai"),
        ("CURSOR_CLIENT_VERSION", "1.0.0"),
        ("REAL_USAGE", "false"),
        ("GENERAL_GCPP_HOST", "us-eu.gcpp.cursor.sh"),
        ("VISION_ABILITY", "base64-http"),
        ("PROXIES", "system"),
        ("DYNAMIC_KEY_SECRET", "canary"),
        ("DEBUG", "true"),
    ];
    let layers = env(&old);
    let notices: Vec<String> = layers.notices().iter().map(ToString::to_string).collect();
    assert_eq!(notices.len(), 3, "{notices:?}");
    assert!(!notices.concat().contains("canary"), "{notices:?}");
    let settings = Settings::resolve(layers).expect("legal");
    assert_eq!(settings.limits.body_bytes, 2_000_000);
    assert_eq!(settings.request_log.rows, 100);
    assert_eq!(settings.timeouts.ping_interval.as_secs(), 90);
    assert_eq!(settings.timeouts.first_message.as_secs(), 30);
    assert!(settings.upstream.web_references && !settings.upstream.usage_lookup);
    assert_eq!(settings.upstream.timezone, "Asia/Shanghai");
    assert_eq!(settings.upstream.client_version, "1.0.0");
    assert_eq!(settings.completion.region, crate::CompletionRegion::Eu);
    assert!(settings.images.remote);
}

#[test]
fn units_and_special_numbers_are_converted() {
    assert_eq!(settings(&[("REQUEST_BODY_LIMIT_MB", "2")]).limits.body_bytes, 2 << 20);
    assert!(!settings(&[("REQUEST_LOGS_LIMIT", "0")]).request_log.enabled);
    assert_eq!(settings(&[("REQUEST_LOGS_LIMIT", "100000")]).request_log.rows, 0);
    let otlp = settings(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=canary,x=y"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "5000"),
    ])
    .otlp;
    assert_eq!(otlp.endpoint.as_deref(), Some("http://localhost:4318"));
    assert_eq!((otlp.headers.len(), otlp.interval.as_secs()), (2, 5));
    assert!(!format!("{otlp:?}").contains("canary"));
}

/// Defect that must not come back: they were set to switch it off, and it was on.
#[test]
fn what_switches_opentelemetry_off_does() {
    let sent = |variables: &[(&str, &str)]| {
        let otlp = settings(variables).otlp;
        (otlp.traces, otlp.metrics)
    };
    assert_eq!(sent(&[("OTEL_SDK_DISABLED", "True")]), (false, false));
    assert_eq!(
        sent(&[("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")]),
        (false, false)
    );
    assert_eq!(sent(&[("OTEL_SDK_DISABLED", "false"), ("OTLP_TRACES", "false")]), (false, true));
    assert_eq!(sent(&[("OTEL_TRACES_EXPORTER", "none")]), (false, true));
    assert_eq!(sent(&[("OTEL_METRICS_EXPORTER", "prometheus")]), (true, false));
    assert_eq!(sent(&[("OTEL_METRICS_EXPORTER", "console, otlp")]), (true, true));
    let found = problems(env(&[("OTEL_SDK_DISABLED", "true"), ("OTLP_TRACES", "true")]));
    assert!(found.len() == 1 && found[0].contains("otlp.traces"), "{found:?}");
}

#[test]
fn another_protocol_of_opentelemetry_is_told() {
    let notices = |protocol| env(&[("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)]).notices().len();
    assert_eq!((notices("http/protobuf"), notices("grpc"), notices("http/json")), (0, 1, 1));
}

#[test]
fn values_of_opentelemetry_headers_are_decoded() {
    use secrecy::ExposeSecret as _;
    let text = "Authorization=Basic%20Y2FuYXJ5, x = 100%";
    let headers = settings(&[("OTEL_EXPORTER_OTLP_HEADERS", text)]).otlp.headers;
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect();
    assert_eq!(headers, [("Authorization", "Basic Y2FuYXJ5"), ("x", "100%")]);
    for bad in ["x=canary%2Cy", "x=canary%0Ay", "x=canary%ff"] {
        let found = problems(env(&[("OTEL_EXPORTER_OTLP_HEADERS", bad)]));
        assert!(found.len() == 1 && !found[0].contains("canary"), "{found:?}");
    }
}

#[test]
fn two_names_of_one_setting_must_agree() {
    let both = |ours: &'static str| [("LIMIT_BODY", ours), ("REQUEST_BODY_LIMIT_MB", "2")];
    assert_eq!(settings(&both("2097152")).limits.body_bytes, 2 << 20);
    let found = problems(env(&both("3MiB")));
    assert_eq!(found.len(), 1);
    for name in ["REQUEST_BODY_LIMIT_MB", "limits.body", "LIMIT_BODY"] {
        assert!(found[0].contains(name), "{found:?}");
    }
    let found = problems(env(&[("REQUEST_BODY_LIMIT", "1"), ("REQUEST_BODY_LIMIT_MB", "1")]));
    assert!(found[0].contains("REQUEST_BODY_LIMIT_MB") && found.len() == 1, "{found:?}");
}

#[test]
fn what_would_be_less_safe_is_refused_and_its_value_not_shown() {
    for (name, value) in [
        ("ADMIN_AUTH_TOKEN", "canary"),
        ("PROXIES", "work=http://canary:canary@localhost:1"),
        ("PRI_REVERSE_PROXY_HOST", "canary.example"),
        ("CONFIG_FILE", "canary.toml"),
        ("VISION_ABILITY", "none"),
        ("SERVICE_TIMEOUT", "canary"),
    ] {
        let found = problems(env(&[(name, value)]));
        assert!(found.len() == 1 && found[0].contains(name), "{found:?}");
        assert!(!found[0].contains("canary"), "{found:?}");
    }
}

#[test]
fn old_keys_of_the_file_are_mapped_or_named() {
    let file = |text: &str| Layers::default().file(Path::new("config.toml"), text);
    let layers = file("vision_ability = \"all\"\nslow_pool_enabled = true\nport = 1");
    let notices: Vec<String> = layers.notices().iter().map(ToString::to_string).collect();
    assert_eq!(notices.len(), 2, "{notices:?}");
    assert!(notices[0].contains("slow_pool_enabled") && notices[0].contains("config.toml:2"));
    assert!(Settings::resolve(layers).expect("legal").images.remote);
    let found = problems(file("shared_token = \"canary\"\nshare_token = \"canary\""));
    assert!(found.len() == 1 && !found[0].contains("canary"), "{found:?}");
}

/// Defect: a misspelt switch had no effect, and nobody was told.
#[test]
fn a_variable_that_is_nearly_ours_is_named() {
    let names = ["AUTH_TOEKN", "REQUEST_LOG_CONTNET", "HOSTNAME", "POOL_ACTIVE", "PATH"];
    let layers = Layers::default().strangers(names.into_iter().map(str::to_owned));
    let told: Vec<String> = layers.notices().iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("AUTH_TOEKN") && told[0].contains("`AUTH_TOKEN`"), "{told:?}");
    assert!(told[1].contains("`REQUEST_LOG_CONTENT`"), "{told:?}");
}
