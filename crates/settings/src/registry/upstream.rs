//! The way to the upstream.

use super::key::{Key, key};
use crate::kind::Kind;

pub(super) const KEYS: &[Key] = &[
    key("upstream.api_url", "UPSTREAM_API_URL", "https://api2.cursor.sh", Kind::Url, "Base URL for chat, models and account calls."),
    key("upstream.agent_url", "UPSTREAM_AGENT_URL", "https://api2.cursor.sh", Kind::Url, "Base URL for the agent stream."),
    key("upstream.web_url", "UPSTREAM_WEB_URL", "https://cursor.com", Kind::Url, "Base URL of the website: login, usage and sessions of accounts."),
    key("upstream.oauth_client_id", "UPSTREAM_OAUTH_CLIENT_ID", "KbZUR41cY7W6zRSdpSUJ7I7mLYBKOCmB", Kind::Text, "As which client tokens are refreshed; the editor's public one."),
    key("upstream.ca_file", "UPSTREAM_CA_FILE", "", Kind::Path, "PEM file with further certificate authorities to trust."),
    key("upstream.flow", "UPSTREAM_FLOW", "agent", Kind::Word(&["agent", "chat"]), "agent or chat: the protocol for accounts that do not name one.").live(),
    key("upstream.client_version", "UPSTREAM_CLIENT_VERSION", "2.6.22", Kind::Text, "Client version told to the upstream; must be a real release."),
    key("upstream.client_type", "UPSTREAM_CLIENT_TYPE", "ide", Kind::Word(&["ide", "cli"]), "ide or cli; must fit the version."),
    key("upstream.timezone", "UPSTREAM_TIMEZONE", "UTC", Kind::Text, "IANA time zone told to the upstream."),
    key("upstream.privacy_mode", "UPSTREAM_PRIVACY_MODE", "true", Kind::Flag, "Whether requests ask for privacy mode."),
    key("upstream.checksum_alphabet", "UPSTREAM_CHECKSUM_ALPHABET", "url_safe", Kind::Word(&["url_safe", "standard"]), "url_safe or standard: alphabet of x-cursor-checksum; sources disagree, servers take both."),
    key("upstream.instructions", "UPSTREAM_INSTRUCTIONS", "cloud_rule", Kind::Word(&["cloud_rule", "user_text", "custom_system_prompt"]), "Agent flow, system text: cloud_rule, user_text, or custom_system_prompt (team accounts).").live(),
    key("upstream.history", "UPSTREAM_HISTORY", "root_blobs", Kind::Word(&["root_blobs", "conversation_history"]), "Agent flow, earlier messages: root_blobs or conversation_history; sources disagree.").live(),
    key("upstream.allow_model_fallbacks", "UPSTREAM_ALLOW_MODEL_FALLBACKS", "false", Kind::Flag, "Chat flow: whether the upstream may answer with another model; its stream does not tell which one did.").live(),
    key("upstream.usage_lookup", "UPSTREAM_USAGE_LOOKUP", "true", Kind::Flag, "Chat flow: ask for the tokens of a finished turn, since the stream does not tell them.").live(),
    key("upstream.web_references", "UPSTREAM_WEB_REFERENCES", "false", Kind::Flag, "Chat flow: whether the sources of a web search (-online models) end the answer as a list.").live(),
    key("upstream.max_streams", "UPSTREAM_MAX_STREAMS", "100", Kind::Number { least: 1, most: 1000 }, "Calls on one HTTP/2 connection at most; the peer's own limit holds as well."),
    key("upstream.max_message", "UPSTREAM_MAX_MESSAGE", "64MiB", Kind::Size, "Longest message taken from the upstream."),
    key("completion.asia_url", "COMPLETION_ASIA_URL", "https://us-asia.gcpp.cursor.sh", Kind::Url, "Base URL for code completion and file sync in the region Asia."),
    key("completion.eu_url", "COMPLETION_EU_URL", "https://us-eu.gcpp.cursor.sh", Kind::Url, "The same for the region EU."),
    key("completion.us_url", "COMPLETION_US_URL", "https://us-only.gcpp.cursor.sh", Kind::Url, "The same for the region US."),
    key("completion.config_url", "COMPLETION_CONFIG_URL", "https://api4.cursor.sh", Kind::Url, "Base URL for the configuration of code completion."),
    key("completion.region", "COMPLETION_REGION", "US", Kind::Word(&["Asia", "EU", "US"]), "Asia, EU or US: where completion goes when neither key nor account names a region.").live(),
    key("completion.first_event_timeout", "COMPLETION_FIRST_EVENT_TIMEOUT", "10s", Kind::Duration { zero: false }, "From a completion request to the upstream's first message.").live(),
    key("completion.total_timeout", "COMPLETION_TOTAL_TIMEOUT", "60s", Kind::Duration { zero: false }, "A whole completion.").live(),
    key("models.refresh", "MODELS_REFRESH", "30m", Kind::Duration { zero: false }, "How often the model list is fetched anew.").live(),
];
