//! The gateway itself: where it listens, whom it lets in, what it keeps and what it tells.

use super::key::{Key, key};
use crate::kind::{Kind, MANY};

pub(super) const KEYS: &[Key] = &[
    key("host", "HOST", "127.0.0.1", Kind::Ip, "Address to listen on. Anything but loopback opens the gateway to the network."),
    key("port", "PORT", "3000", Kind::Number { least: 0, most: 65535 }, "Port to listen on; 0 takes a free one."),
    key("auth_token", "AUTH_TOKEN", "", Kind::Secret, "The administrator's key, as Bearer or x-api-key; also serves clients. Required. With -ALIAS behind it, it picks one account.").live(),
    key("shared_token", "SHARED_TOKEN", "", Kind::Secret, "A second key for clients that may use the pool and build keys, but administer nothing.").live(),
    key("route_prefix", "ROUTE_PREFIX", "", Kind::Prefix, "Path under which the API is served as well, such as /api."),
    key("data_dir", "DATA_DIR", "data", Kind::Path, "Folder for what is kept: the database and the key that encrypts its secrets."),
    key("auth.failures", "AUTH_FAILURES", "100", Kind::Number { least: 0, most: MANY }, "Wrong keys from one address in a minute, after which further ones get 429; right keys get through, but an AUTH_TOKEN or SHARED_TOKEN of less than 16 bytes only if it was right from there before. 0 for any number.").live(),
    key("keys.prefix", "KEY_PREFIX", "sk-", Kind::KeyPrefix, "In front of the client keys that the gateway makes."),
    key("store.key", "STORE_KEY", "", Kind::Secret, "The key that encrypts secrets at rest, 32 bytes as hex or base64; without it, it is in a file."),
    key("store.key_file", "STORE_KEY_FILE", "", Kind::Path, "Where that file is; master.key in the data folder when empty. Made on the first start."),
    key("cors.origins", "CORS_ORIGINS", "", Kind::Origins, "Origins whose web pages may call the gateway, separated by commas; * for all, empty for none.").live(),
    key("log.level", "LOG_LEVEL", "info", Kind::Text, "error, warn, info, debug, trace, or a filter such as info,upstream=debug.").live(),
    key("log.format", "LOG_FORMAT", "text", Kind::Word(&["text", "json"]), "text or json."),
    key("request_log.enabled", "REQUEST_LOG_ENABLED", "true", Kind::Flag, "Whether a record is kept of every client request.").live(),
    key("request_log.content", "REQUEST_LOG_CONTENT", "false", Kind::Flag, "Whether prompts, answers and thinking are kept with it.").live(),
    key("request_log.content_limit", "REQUEST_LOG_CONTENT_LIMIT", "16KiB", Kind::Size, "Most that is kept of each of them; 0 keeps nothing of them.").live(),
    key("request_log.age", "REQUEST_LOG_AGE", "30d", Kind::Duration { zero: true }, "Records older than this are removed; 0 for no bound.").live(),
    key("request_log.rows", "REQUEST_LOG_ROWS", "1000000", Kind::Number { least: 0, most: MANY }, "Most records that are kept; 0 for no bound.").live(),
    key("request_log.bytes", "REQUEST_LOG_BYTES", "1GiB", Kind::Size, "What the records may take together; 0 for no bound.").live(),
    key("metrics.listen", "METRICS_LISTEN", "", Kind::Socket, "ADDRESS:PORT where /metrics is served without a key; when empty, it is only served on the main address and needs the administrator's key."),
    key("otlp.endpoint", "OTLP_ENDPOINT", "", Kind::Url, "Base URL of an OpenTelemetry collector (OTLP over HTTP); empty sends nothing."),
    key("otlp.headers", "OTLP_HEADERS", "", Kind::Headers, "Headers for the collector, such as a key of its own: name=value, separated by commas."),
    key("otlp.traces", "OTLP_TRACES", "true", Kind::Flag, "Whether traces are sent there."),
    key("otlp.metrics", "OTLP_METRICS", "true", Kind::Flag, "Whether metrics are sent there."),
    key("otlp.interval", "OTLP_INTERVAL", "60s", Kind::Duration { zero: false }, "How often metrics are sent."),
    key("otlp.service_name", "OTEL_SERVICE_NAME", "cursor-api", Kind::Text, "As which service they are sent."),
    key("pages.health", "PAGES_HEALTH", "json", Kind::Word(&["json", "text", "html"]), "json, text or html: how GET /health answers a client that does not ask for a format.").live(),
    key("pages.logs", "PAGES_LOGS", "default", Kind::Word(&["default", "text", "html"]), "default, text or html: what GET /logs answers; text and html come from pages.logs_file.").live(),
    key("pages.logs_file", "PAGES_LOGS_FILE", "", Kind::Path, "The file that GET /logs then answers with.").live(),
];
