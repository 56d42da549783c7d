//! From layers to settings: every value is parsed, every problem collected.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use secrecy::SecretString;

use self::reader::Reader;
use crate::problem::Problems;
use crate::raw::Layers;
use crate::settings::{
    Bounds, ChecksumAlphabet, ClientType, CompletionRegion, CompletionSettings, Flow, HealthPage,
    HistoryChannel, ImageSettings, InstructionChannel, Limits, LogFormat, LogSettings, LogsPage,
    OtlpSettings, PageSettings, PoolSettings, RequestLogSettings, Rotation, Settings,
    StoreSettings, Timeouts, ToolSettings, UpstreamSettings,
};
use crate::value;

mod accounts;
mod reader;

impl Settings {
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn resolve(layers: Layers) -> Result<Self, Problems> {
        let mut reader = Reader::new(layers);
        reader.problems.append(&mut reader.layers.problems);
        let settings = reader.settings();
        if reader.problems.is_empty() { Ok(settings) } else { Err(Problems(reader.problems)) }
    }
}

impl Reader {
    fn settings(&mut self) -> Settings {
        let (host, port) = (self.ip("host"), self.number("port"));
        Settings {
            listen: SocketAddr::new(host, port),
            auth_token: self.optional("auth_token").map(SecretString::from),
            shared_token: self.optional("shared_token").map(SecretString::from),
            auth_failures: self.number("auth.failures"),
            key_prefix: self.text("keys.prefix"),
            store: StoreSettings {
                key: self.optional("store.key").map(SecretString::from),
                key_file: self.optional("store.key_file").map(PathBuf::from),
            },
            pool: self.pool(),
            route_prefix: self.optional("route_prefix").unwrap_or_default(),
            data_dir: PathBuf::from(self.text("data_dir")),
            log: LogSettings {
                filter: self.text("log.level"),
                format: self
                    .word("log.format", &[("text", LogFormat::Text), ("json", LogFormat::Json)]),
            },
            request_log: self.request_log(),
            metrics_listen: self.socket("metrics.listen"),
            otlp: self.otlp(),
            pages: self.pages(),
            upstream: self.upstream(),
            completion: self.completion(),
            timeouts: self.timeouts(),
            limits: self.limits(),
            models_refresh: self.duration("models.refresh"),
            tools: ToolSettings {
                suspended: Bounds {
                    timeout: self.duration("tools.suspend_timeout"),
                    most: self.number("tools.suspended"),
                    bytes: self.size("tools.suspended_memory"),
                },
                call_window: self.duration("tools.call_window"),
            },
            conversations: Bounds {
                timeout: self.duration("conversations.timeout"),
                most: self.number("conversations.most"),
                bytes: self.size("conversations.memory"),
            },
            responses: Bounds {
                timeout: self.duration("responses.timeout"),
                most: self.number("responses.most"),
                bytes: self.size("responses.memory"),
            },
            images: ImageSettings {
                remote: self.flag("images.remote"),
                remote_private: self.flag("images.remote_private"),
                remote_timeout: self.duration("images.remote_timeout"),
            },
            cors_origins: self.list("cors.origins"),
            accounts: self.accounts(),
        }
    }

    fn request_log(&mut self) -> RequestLogSettings {
        RequestLogSettings {
            enabled: self.flag("request_log.enabled"),
            content: self.flag("request_log.content"),
            content_limit: self.size("request_log.content_limit"),
            age: self.duration("request_log.age"),
            rows: self.number("request_log.rows"),
            bytes: self.size("request_log.bytes") as u64,
        }
    }

    fn otlp(&mut self) -> OtlpSettings {
        let headers = self.optional("otlp.headers").unwrap_or_default();
        // Looked at already; what is wrong is a problem by now.
        let headers = value::headers(&headers).unwrap_or_default();
        OtlpSettings {
            endpoint: self.optional("otlp.endpoint"),
            headers: headers.into_iter().map(|(name, value)| (name, value.into())).collect(),
            traces: self.flag("otlp.traces"),
            metrics: self.flag("otlp.metrics"),
            interval: self.duration("otlp.interval"),
            service_name: self.text("otlp.service_name"),
        }
    }

    fn pages(&mut self) -> PageSettings {
        type Page = fn(PathBuf) -> LogsPage;
        let words: [(&str, Option<Page>); 3] =
            [("default", None), ("text", Some(LogsPage::Text)), ("html", Some(LogsPage::Html))];
        let page = self.word("pages.logs", &words);
        let file = self.optional("pages.logs_file").map(PathBuf::from);
        if page.is_some() && file.is_none() {
            let origin = self.origin("pages.logs");
            self.problem("pages.logs", &origin, "needs pages.logs_file");
        }
        PageSettings {
            health: self.word(
                "pages.health",
                &[
                    ("json", HealthPage::Json),
                    ("text", HealthPage::Text),
                    ("html", HealthPage::Html),
                ],
            ),
            logs: page.zip(file).map_or(LogsPage::Default, |(page, file)| page(file)),
        }
    }

    fn upstream(&mut self) -> UpstreamSettings {
        UpstreamSettings {
            api_url: self.text("upstream.api_url"),
            agent_url: self.text("upstream.agent_url"),
            web_url: self.text("upstream.web_url"),
            oauth_client_id: self.text("upstream.oauth_client_id"),
            ca_file: self.optional("upstream.ca_file").map(PathBuf::from),
            flow: self.word("upstream.flow", FLOWS),
            client_version: self.text("upstream.client_version"),
            client_type: self.word(
                "upstream.client_type",
                &[("ide", ClientType::Ide), ("cli", ClientType::Cli)],
            ),
            timezone: self.text("upstream.timezone"),
            privacy_mode: self.flag("upstream.privacy_mode"),
            checksum_alphabet: self.word(
                "upstream.checksum_alphabet",
                &[
                    ("url_safe", ChecksumAlphabet::UrlSafe),
                    ("standard", ChecksumAlphabet::Standard),
                ],
            ),
            instructions: self.word(
                "upstream.instructions",
                &[
                    ("cloud_rule", InstructionChannel::CloudRule),
                    ("user_text", InstructionChannel::UserText),
                    ("custom_system_prompt", InstructionChannel::CustomSystemPrompt),
                ],
            ),
            history: self.word(
                "upstream.history",
                &[
                    ("root_blobs", HistoryChannel::RootBlobs),
                    ("conversation_history", HistoryChannel::ConversationHistory),
                ],
            ),
            allow_model_fallbacks: self.flag("upstream.allow_model_fallbacks"),
            usage_lookup: self.flag("upstream.usage_lookup"),
            web_references: self.flag("upstream.web_references"),
            max_streams: self.number("upstream.max_streams"),
            max_message_bytes: self.size("upstream.max_message"),
        }
    }

    fn completion(&mut self) -> CompletionSettings {
        CompletionSettings {
            asia_url: self.text("completion.asia_url"),
            eu_url: self.text("completion.eu_url"),
            us_url: self.text("completion.us_url"),
            config_url: self.text("completion.config_url"),
            region: self.word(
                "completion.region",
                &[
                    ("Asia", CompletionRegion::Asia),
                    ("EU", CompletionRegion::Eu),
                    ("US", CompletionRegion::Us),
                ],
            ),
            first_event_timeout: self.duration("completion.first_event_timeout"),
            total_timeout: self.duration("completion.total_timeout"),
        }
    }

    fn pool(&mut self) -> PoolSettings {
        PoolSettings {
            rotation: self.word(
                "pool.rotation",
                &[
                    ("sticky", Rotation::Sticky),
                    ("fixed", Rotation::Fixed),
                    ("round_robin", Rotation::RoundRobin),
                    ("least_busy", Rotation::LeastBusy),
                ],
            ),
            active: NonZeroUsize::new(self.number("pool.active")).unwrap_or(NonZeroUsize::MIN),
            concurrency: NonZeroU32::new(self.number("pool.concurrency")),
            pace: self.duration("pool.pace"),
            wait: self.duration("pool.wait"),
            limit_texts: self.optional("pool.limit_texts").unwrap_or_default(),
            abnormal_texts: self.optional("pool.abnormal_texts").unwrap_or_default(),
            usage_interval: self.duration("pool.usage_interval"),
        }
    }

    fn timeouts(&mut self) -> Timeouts {
        Timeouts {
            connect: self.duration("timeouts.connect"),
            first_message: self.duration("timeouts.first_message"),
            progress: self.duration("timeouts.progress"),
            total: self.duration("timeouts.total"),
            ping_interval: self.duration("timeouts.ping_interval"),
            ping: self.duration("timeouts.ping"),
            idle_connection: self.duration("timeouts.idle_connection"),
            request_body: self.duration("timeouts.request_body"),
            keep_alive: self.duration("timeouts.keep_alive"),
            shutdown: self.duration("timeouts.shutdown"),
        }
    }

    fn limits(&mut self) -> Limits {
        Limits {
            body_bytes: self.size("limits.body"),
            image_bytes: self.size("limits.image"),
            image_pixels: self.number("limits.image_pixels"),
            image_side: NonZeroU32::new(self.number("limits.image_side")),
            images: self.number("limits.images"),
            turns: self.number("limits.turns"),
            attempts: self.number("limits.attempts"),
        }
    }
}

const FLOWS: &[(&str, Flow)] = &[("agent", Flow::Agent), ("chat", Flow::Chat)];

#[cfg(test)]
mod tests;
