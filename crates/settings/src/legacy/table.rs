//! The names.

use super::{Convert, Counterpart, Legacy};

/// Environment variables.
pub const VARIABLES: &[Legacy] = &[
    mapped("OTEL_EXPORTER_OTLP_ENDPOINT", "otlp.endpoint", Convert::Same),
    mapped("OTEL_EXPORTER_OTLP_HEADERS", "otlp.headers", Convert::EncodedHeaders),
    mapped("OTEL_SDK_DISABLED", "otlp.traces", Convert::Disabled),
    mapped("OTEL_TRACES_EXPORTER", "otlp.traces", Convert::Exporters),
    mapped("OTEL_METRICS_EXPORTER", "otlp.metrics", Convert::Exporters),
    Legacy {
        name: "OTEL_EXPORTER_OTLP_PROTOCOL",
        meaning: Counterpart::Only {
            value: "http/protobuf",
            hint: "the collector is spoken to by http/protobuf only; otlp.endpoint must be its address for that, which mostly has port 4318",
        },
    },
    mapped("OTEL_METRIC_EXPORT_INTERVAL", "otlp.interval", Convert::Milliseconds),
    mapped("REQUEST_BODY_LIMIT", "limits.body", Convert::Bytes),
    mapped("REQUEST_BODY_LIMIT_MB", "limits.body", Convert::Mebibytes),
    mapped("REQUEST_LOGS_LIMIT", "request_log.rows", Convert::Records),
    mapped("SERVICE_TIMEOUT", "timeouts.first_message", Convert::Seconds),
    mapped("TCP_KEEPALIVE", "timeouts.ping_interval", Convert::Seconds),
    mapped("INCLUDE_WEB_REFERENCES", "upstream.web_references", Convert::Same),
    mapped("GENERAL_TIMEZONE", "upstream.timezone", Convert::Same),
    mapped("CURSOR_CLIENT_VERSION", "upstream.client_version", Convert::Same),
    mapped("REAL_USAGE", "upstream.usage_lookup", Convert::Same),
    mapped("GENERAL_GCPP_HOST", "completion.region", Convert::Region),
    mapped("VISION_ABILITY", "images.remote", Convert::Pictures),
    meant(
        "SHARE_AUTH_TOKEN",
        "/build-key and its neighbours always need AUTH_TOKEN or SHARED_TOKEN here",
    ),
    meant(
        "TOKEN_FILE",
        "accounts are added with `cursor-api accounts add` and taken over with `cursor-api accounts import`",
    ),
    meant(
        "TOKEN_LIST_FILE",
        "accounts are added with `cursor-api accounts add` and taken over with `cursor-api accounts import`",
    ),
    refused(
        "ADMIN_AUTH_TOKEN",
        &[],
        "AUTH_TOKEN is the administrator's key here; give it this value, and the key of the clients to SHARED_TOKEN",
    ),
    refused(
        "REVERSE_PROXY_HOST",
        &[],
        "set the base URLs upstream.api_url, upstream.agent_url and upstream.web_url to your own proxy, or add an HTTP or SOCKS proxy (/proxies/add); without, calls go straight to the upstream",
    ),
    refused(
        "PRI_REVERSE_PROXY_HOST",
        &[],
        "set the base URLs upstream.api_url, upstream.agent_url and upstream.web_url to your own proxy, or add an HTTP or SOCKS proxy (/proxies/add); without, calls go straight to the upstream",
    ),
    refused(
        "PUB_REVERSE_PROXY_HOST",
        &[],
        "set the base URLs upstream.api_url, upstream.agent_url and upstream.web_url to your own proxy, or add an HTTP or SOCKS proxy (/proxies/add); without, calls go straight to the upstream",
    ),
    refused(
        "CURSOR_API2_HOST",
        &[],
        "set the base URLs upstream.api_url, upstream.agent_url and upstream.web_url to your own proxy, or add an HTTP or SOCKS proxy (/proxies/add); without, calls go straight to the upstream",
    ),
    refused(
        "PROXIES",
        &["no", "system", "default"],
        "proxies are added with /proxies/add, and those of the environment (HTTPS_PROXY) are used; without, calls go straight to the upstream",
    ),
    refused(
        "CONFIG_FILE",
        &["config.toml"],
        "the settings file is named by CURSOR_API_CONFIG or --config",
    ),
    meant("ENABLE_STREAM_CHECK", "this is always so"),
    meant("INCLUDE_STOP_REASON_STREAM", "this is always so"),
    meant("ENABLE_SLOW_POOL", "keys can ask for it (/build-key, enable_slow_pool)"),
    meant("ENABLE_LONG_CONTEXT", "a model's name with -max at its end asks for it"),
    meant("PASS_ANY_CLAUDE", "models that are not in the list are passed on"),
    meant("BYPASS_MODEL_VALIDATION", "models that are not in the list are passed on"),
    meant("USAGE_CHECK", "usage is read every pool.usage_interval"),
    meant("DYNAMIC_KEY", "keys for clients are made with `cursor-api keys create` or /build-key"),
    meant(
        "DYNAMIC_KEY_SECRET",
        "keys for clients are made with `cursor-api keys create` or /build-key",
    ),
    meant("DEFAULT_INSTRUCTIONS", "no prompt is added; clients send a system message"),
    meant("USE_OFFICIAL_CLAUDE_PROMPTS", "no prompt is added; clients send a system message"),
    meant("TOKEN_DELIMITER", "tokens and their fields are given in JSON"),
    meant("USE_COMMA_DELIMITER", "tokens and their fields are given in JSON"),
    meant("DEBUG", "LOG_LEVEL=debug shows more"),
    meant("DEBUG_LOG_FILE", "log lines go to standard error"),
    meant("LOGS_FILE_PATH", "everything that is kept is in data_dir"),
    meant("PAGES_FILE_PATH", "everything that is kept is in data_dir"),
    meant("MAX_EMPTY_STREAM_COUNT", "timeouts.progress ends streams that bring nothing"),
    meant("DISABLE_HTTP2", "the upstream is spoken to over HTTP/2"),
    meant("THINKING_TAG", "thinking has a field of its own in every dialect"),
    meant("SAFE_HASH", "there is one way to make checksums"),
    meant("FETCH_RAW_MODELS", "the list is the upstream's, fetched every models.refresh"),
    meant("TOKEN_SHORT_VALIDITY", "a token is used until it ends"),
    meant("TOKEN_LONG_VALIDITY", "a token is used until it ends"),
    meant("ALLOWED_PROVIDERS", "only the administrator adds accounts"),
    meant("FRONTEND_PATH", "there are no web pages to add"),
    meant("DURATION_FORMAT", "times are told in seconds"),
    meant("DURATION_LANGUAGE", "times are told in seconds"),
    meant("MODEL_ID_SOURCE", "models have the name the upstream calls them by"),
    meant("CONTEXT_FILL_MODE", "there is one way to fill it"),
    meant("NTP_SERVERS", "the machine's clock is used; keep it right with its own time service"),
    meant(
        "NTP_SYNC_INTERVAL_SECS",
        "the machine's clock is used; keep it right with its own time service",
    ),
    meant(
        "NTP_SAMPLE_COUNT",
        "the machine's clock is used; keep it right with its own time service",
    ),
    meant(
        "NTP_SAMPLE_INTERVAL_MS",
        "the machine's clock is used; keep it right with its own time service",
    ),
];

/// Keys of settings files.
pub const FILE_KEYS: &[Legacy] = &[
    mapped("vision_ability", "images.remote", Convert::Pictures),
    mapped("share_token", "shared_token", Convert::Same),
    mapped("web_references_included", "upstream.web_references", Convert::Same),
    mapped("cursor_client_version", "upstream.client_version", Convert::Same),
    meant("slow_pool_enabled", "keys can ask for it (/build-key, enable_slow_pool)"),
    meant("long_context_enabled", "a model's name with -max at its end asks for it"),
    meant("model_usage_checks", "usage is read every pool.usage_interval"),
    meant(
        "dynamic_key_secret",
        "keys for clients are made with `cursor-api keys create` or /build-key",
    ),
    meant("raw_model_fetch_mode", "the list is the upstream's, fetched every models.refresh"),
    meant("emulated_platform", "upstream.client_type says what the gateway is to the upstream"),
];

const fn mapped(name: &'static str, key: &'static str, convert: Convert) -> Legacy {
    Legacy { name, meaning: Counterpart::Mapped { key, convert } }
}

const fn meant(name: &'static str, hint: &'static str) -> Legacy {
    Legacy { name, meaning: Counterpart::Meant { hint } }
}

const fn refused(
    name: &'static str,
    harmless: &'static [&'static str],
    hint: &'static str,
) -> Legacy {
    Legacy { name, meaning: Counterpart::Refused { harmless, hint } }
}
