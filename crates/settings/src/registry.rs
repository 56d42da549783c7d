//! Every setting, declared once.

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Path in the settings file.
    pub name: &'static str,
    /// Environment variable.
    pub env: &'static str,
    /// As it would be written; empty means unset.
    pub default: &'static str,
    pub doc: &'static str,
    pub secret: bool,
}

const fn key(
    name: &'static str,
    env: &'static str,
    default: &'static str,
    doc: &'static str,
) -> Key {
    Key { name, env, default, doc, secret: false }
}

/// The registry. Order is that of the generated documents.
pub const KEYS: &[Key] = &[
    key(
        "host",
        "HOST",
        "127.0.0.1",
        "Address to listen on. Anything but loopback opens the gateway to the network.",
    ),
    key("port", "PORT", "3000", "Port to listen on; 0 takes a free one."),
    Key {
        name: "auth_token",
        env: "AUTH_TOKEN",
        default: "",
        doc: "The administrator's key, as Bearer or x-api-key; also serves clients. Required. With -ALIAS behind it, it picks one account.",
        secret: true,
    },
    Key {
        name: "shared_token",
        env: "SHARED_TOKEN",
        default: "",
        doc: "A second key for clients that may use the pool and build keys, but administer nothing.",
        secret: true,
    },
    key(
        "route_prefix",
        "ROUTE_PREFIX",
        "",
        "Path under which the API is served as well, such as /api.",
    ),
    key(
        "data_dir",
        "DATA_DIR",
        "data",
        "Folder for what is kept: the database and the key that encrypts its secrets.",
    ),
    key(
        "auth.failures",
        "AUTH_FAILURES",
        "100",
        "Wrong keys from one address in a minute, after which only keys that were right from there get through; 0 for any number.",
    ),
    key("keys.prefix", "KEY_PREFIX", "sk-", "In front of the client keys that the gateway makes."),
    Key {
        name: "store.key",
        env: "STORE_KEY",
        default: "",
        doc: "The key that encrypts secrets at rest, 32 bytes as hex or base64; without it, it is in a file.",
        secret: true,
    },
    key(
        "store.key_file",
        "STORE_KEY_FILE",
        "",
        "Where that file is; master.key in the data folder when empty. Made on the first start.",
    ),
    key(
        "log.level",
        "LOG_LEVEL",
        "info",
        "error, warn, info, debug, trace, or a filter such as info,upstream=debug.",
    ),
    key("log.format", "LOG_FORMAT", "text", "text or json."),
    key(
        "upstream.api_url",
        "UPSTREAM_API_URL",
        "https://api2.cursor.sh",
        "Base URL for chat, models and account calls.",
    ),
    key(
        "upstream.agent_url",
        "UPSTREAM_AGENT_URL",
        "https://api2.cursor.sh",
        "Base URL for the agent stream.",
    ),
    key(
        "upstream.web_url",
        "UPSTREAM_WEB_URL",
        "https://cursor.com",
        "Base URL of the website: login, usage and sessions of accounts.",
    ),
    key(
        "upstream.oauth_client_id",
        "UPSTREAM_OAUTH_CLIENT_ID",
        "KbZUR41cY7W6zRSdpSUJ7I7mLYBKOCmB",
        "As which client tokens are refreshed; the editor's public one.",
    ),
    key(
        "upstream.ca_file",
        "UPSTREAM_CA_FILE",
        "",
        "PEM file with further certificate authorities to trust.",
    ),
    key(
        "upstream.flow",
        "UPSTREAM_FLOW",
        "agent",
        "agent or chat: the protocol for accounts that do not name one.",
    ),
    key(
        "upstream.client_version",
        "UPSTREAM_CLIENT_VERSION",
        "2.6.22",
        "Client version told to the upstream; must be a real release.",
    ),
    key("upstream.client_type", "UPSTREAM_CLIENT_TYPE", "ide", "ide or cli; must fit the version."),
    key("upstream.timezone", "UPSTREAM_TIMEZONE", "UTC", "IANA time zone told to the upstream."),
    key(
        "upstream.privacy_mode",
        "UPSTREAM_PRIVACY_MODE",
        "true",
        "Whether requests ask for privacy mode.",
    ),
    key(
        "upstream.checksum_alphabet",
        "UPSTREAM_CHECKSUM_ALPHABET",
        "url_safe",
        "url_safe or standard: alphabet of x-cursor-checksum; sources disagree, servers take both.",
    ),
    key(
        "upstream.instructions",
        "UPSTREAM_INSTRUCTIONS",
        "cloud_rule",
        "Agent flow, system text: cloud_rule, user_text, or custom_system_prompt (team accounts).",
    ),
    key(
        "upstream.history",
        "UPSTREAM_HISTORY",
        "root_blobs",
        "Agent flow, earlier messages: root_blobs or conversation_history; sources disagree.",
    ),
    key(
        "upstream.allow_model_fallbacks",
        "UPSTREAM_ALLOW_MODEL_FALLBACKS",
        "false",
        "Chat flow: whether the upstream may answer with another model; its stream does not tell which one did.",
    ),
    key(
        "upstream.usage_lookup",
        "UPSTREAM_USAGE_LOOKUP",
        "true",
        "Chat flow: ask for the tokens of a finished turn, since the stream does not tell them.",
    ),
    key(
        "upstream.web_references",
        "UPSTREAM_WEB_REFERENCES",
        "false",
        "Chat flow: whether the sources of a web search (-online models) end the answer as a list.",
    ),
    key(
        "upstream.max_streams",
        "UPSTREAM_MAX_STREAMS",
        "100",
        "Calls on one HTTP/2 connection at most; the peer's own limit holds as well.",
    ),
    key(
        "upstream.max_message",
        "UPSTREAM_MAX_MESSAGE",
        "64MiB",
        "Longest message taken from the upstream.",
    ),
    key("timeouts.connect", "TIMEOUT_CONNECT", "10s", "DNS, TCP, TLS and HTTP/2 preface together."),
    key(
        "timeouts.first_message",
        "TIMEOUT_FIRST_MESSAGE",
        "60s",
        "From the request to the upstream's first message.",
    ),
    key(
        "timeouts.progress",
        "TIMEOUT_PROGRESS",
        "120s",
        "Between two messages of substance; heartbeats do not count.",
    ),
    key("timeouts.total", "TIMEOUT_TOTAL", "30m", "A whole answer."),
    key("timeouts.ping_interval", "TIMEOUT_PING_INTERVAL", "10s", "HTTP/2 PING while calls run."),
    key(
        "timeouts.ping",
        "TIMEOUT_PING",
        "20s",
        "An unanswered PING ends the connection after this long.",
    ),
    key(
        "timeouts.idle_connection",
        "TIMEOUT_IDLE_CONNECTION",
        "90s",
        "An unused upstream connection is closed after this long.",
    ),
    key(
        "timeouts.request_body",
        "TIMEOUT_REQUEST_BODY",
        "60s",
        "A client must have sent its body by then.",
    ),
    key(
        "timeouts.keep_alive",
        "TIMEOUT_KEEP_ALIVE",
        "15s",
        "Silence after which a streamed answer gets a comment line.",
    ),
    key(
        "timeouts.shutdown",
        "TIMEOUT_SHUTDOWN",
        "30s",
        "How long running answers may finish after the first signal.",
    ),
    key("limits.body", "LIMIT_BODY", "32MiB", "Longest request body."),
    key("limits.image", "LIMIT_IMAGE", "20MiB", "Longest image, decoded from base64."),
    key("limits.image_pixels", "LIMIT_IMAGE_PIXELS", "50000000", "Most pixels of one image."),
    key(
        "limits.image_side",
        "LIMIT_IMAGE_SIDE",
        "8000",
        "Longest side of an image that is passed on, in pixels; larger ones are scaled down, 0 scales none.",
    ),
    key("limits.images", "LIMIT_IMAGES", "50", "Most images in one request."),
    key("limits.turns", "LIMIT_TURNS", "2000", "Most answers in progress at once."),
    key("limits.attempts", "LIMIT_ATTEMPTS", "3", "Most accounts tried for one request."),
    key(
        "pool.rotation",
        "POOL_ROTATION",
        "sticky",
        "How accounts are chosen: sticky (a conversation stays with its account, new ones go to the active set), fixed (the active set takes turns), round_robin or least_busy (all accounts). Live: SIGHUP.",
    ),
    key(
        "pool.active",
        "POOL_ACTIVE",
        "3",
        "Accounts in the active set; another one is drawn only when one of them is out. Live: SIGHUP.",
    ),
    key(
        "pool.concurrency",
        "POOL_CONCURRENCY",
        "0",
        "Most answers in progress per account; 0 for no limit. Live: SIGHUP.",
    ),
    key(
        "pool.pace",
        "POOL_PACE",
        "0",
        "Least time between two starts on one account. Live: SIGHUP.",
    ),
    key(
        "pool.wait",
        "POOL_WAIT",
        "10s",
        "How long a request waits while every account that could serve it is busy.",
    ),
    key(
        "pool.limit_texts",
        "POOL_LIMIT_TEXTS",
        "",
        "Texts in an upstream error, one per line, that mark its account as at its limit; built-in ones when empty. Live: SIGHUP.",
    ),
    key(
        "pool.abnormal_texts",
        "POOL_ABNORMAL_TEXTS",
        "",
        "Texts that mark its account as abnormal; built-in ones when empty. Live: SIGHUP.",
    ),
    key(
        "pool.usage_interval",
        "POOL_USAGE_INTERVAL",
        "15m",
        "How often the usage of each account is read; 0 never.",
    ),
    key("models.refresh", "MODELS_REFRESH", "30m", "How often the model list is fetched anew."),
    key(
        "tools.suspend_timeout",
        "TOOLS_SUSPEND_TIMEOUT",
        "5m",
        "How long an upstream stream waits for the results of a client's tools; 0 never waits, and every round is rebuilt from the transcript.",
    ),
    key("tools.suspended", "TOOLS_SUSPENDED", "500", "Most streams that wait for results at once."),
    key(
        "tools.suspended_memory",
        "TOOLS_SUSPENDED_MEMORY",
        "256MiB",
        "What all waiting streams may hold together.",
    ),
    key(
        "tools.call_window",
        "TOOLS_CALL_WINDOW",
        "150ms",
        "How long after a call the model may still make a parallel one before the answer ends.",
    ),
    key(
        "conversations.timeout",
        "CONVERSATIONS_TIMEOUT",
        "1h",
        "How long the upstream's state of a conversation is kept for its next turn; 0 keeps none.",
    ),
    key(
        "conversations.most",
        "CONVERSATIONS_MOST",
        "2000",
        "Most conversations whose state is kept.",
    ),
    key(
        "conversations.memory",
        "CONVERSATIONS_MEMORY",
        "256MiB",
        "What the kept state may take together.",
    ),
    key(
        "responses.timeout",
        "RESPONSES_TIMEOUT",
        "24h",
        "How long a response with store is kept, in memory; 0 keeps none.",
    ),
    key("responses.most", "RESPONSES_MOST", "2000", "Most responses that are kept."),
    key(
        "responses.memory",
        "RESPONSES_MEMORY",
        "256MiB",
        "What the kept responses may take together.",
    ),
    key(
        "images.remote",
        "IMAGES_REMOTE",
        "false",
        "Whether pictures behind URLs are fetched; only from public addresses.",
    ),
    key(
        "images.remote_private",
        "IMAGES_REMOTE_PRIVATE",
        "false",
        "Whether they may come from private and loopback addresses as well.",
    ),
    key(
        "images.remote_timeout",
        "IMAGES_REMOTE_TIMEOUT",
        "10s",
        "All pictures of a request must have arrived by then.",
    ),
    key(
        "cors.origins",
        "CORS_ORIGINS",
        "",
        "Origins whose web pages may call the gateway, separated by commas; * for all, empty for none.",
    ),
];

/// The registry's entry of that name.
pub(crate) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}
