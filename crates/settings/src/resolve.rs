//! From layers to settings: every value is parsed, every problem collected.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};

use crate::problem::{Problem, Problems};
use crate::raw::{Layers, Origin, RawAccount, nearest};
use crate::registry;
use crate::settings::{
    AccountSettings, Bounds, ChecksumAlphabet, ClientType, CompletionRegion, CompletionSettings,
    Flow, HistoryChannel, ImageSettings, InstructionChannel, Limits, LogFormat, LogSettings,
    PoolSettings, Rotation, Settings, StoreSettings, Timeouts, ToolSettings, UpstreamSettings,
};
use crate::value;

impl Settings {
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn resolve(layers: Layers) -> Result<Self, Problems> {
        let mut reader = Reader { layers, problems: Vec::new(), read: BTreeSet::new() };
        reader.problems.append(&mut reader.layers.problems);
        let settings = reader.settings();
        if reader.problems.is_empty() { Ok(settings) } else { Err(Problems(reader.problems)) }
    }
}

struct Reader {
    layers: Layers,
    problems: Vec<Problem>,
    read: BTreeSet<&'static str>,
}

impl Reader {
    fn settings(&mut self) -> Settings {
        let host: IpAddr =
            self.parse("host", |text| text.parse().map_err(|_| "expected an IP address".into()));
        let port: u16 = self.parse("port", |text| {
            text.parse().map_err(|_| "expected a port from 0 to 65535".into())
        });
        Settings {
            listen: SocketAddr::new(host, port),
            auth_token: self.optional("auth_token").map(SecretString::from),
            shared_token: self.optional("shared_token").map(SecretString::from),
            auth_failures: self.parse("auth.failures", |text| {
                text.parse().map_err(|_| "expected a whole number".to_owned())
            }),
            key_prefix: self.parse("keys.prefix", value::key_prefix),
            store: StoreSettings {
                key: self.optional("store.key").map(SecretString::from),
                key_file: self.optional("store.key_file").map(PathBuf::from),
            },
            pool: self.pool(),
            route_prefix: self.parse("route_prefix", value::prefix),
            data_dir: PathBuf::from(self.text("data_dir")),
            log: LogSettings {
                filter: self.text("log.level"),
                format: self
                    .word("log.format", &[("text", LogFormat::Text), ("json", LogFormat::Json)]),
            },
            upstream: self.upstream(),
            completion: self.completion(),
            timeouts: self.timeouts(),
            limits: self.limits(),
            models_refresh: self.parse("models.refresh", value::wait),
            tools: ToolSettings {
                suspended: Bounds {
                    timeout: self.parse("tools.suspend_timeout", value::duration),
                    most: self.count("tools.suspended"),
                    bytes: self.parse("tools.suspended_memory", value::bytes),
                },
                call_window: self.parse("tools.call_window", value::wait),
            },
            conversations: Bounds {
                timeout: self.parse("conversations.timeout", value::duration),
                most: self.count("conversations.most"),
                bytes: self.parse("conversations.memory", value::bytes),
            },
            responses: Bounds {
                timeout: self.parse("responses.timeout", value::duration),
                most: self.count("responses.most"),
                bytes: self.parse("responses.memory", value::bytes),
            },
            images: ImageSettings {
                remote: self.parse("images.remote", value::boolean),
                remote_private: self.parse("images.remote_private", value::boolean),
                remote_timeout: self.parse("images.remote_timeout", value::wait),
            },
            cors_origins: self.parse("cors.origins", value::origins),
            accounts: self.accounts(),
        }
    }

    fn upstream(&mut self) -> UpstreamSettings {
        UpstreamSettings {
            api_url: self.parse("upstream.api_url", value::url),
            agent_url: self.parse("upstream.agent_url", value::url),
            web_url: self.parse("upstream.web_url", value::url),
            oauth_client_id: self.text("upstream.oauth_client_id"),
            ca_file: self.optional("upstream.ca_file").map(PathBuf::from),
            flow: self.word("upstream.flow", FLOWS),
            client_version: self.text("upstream.client_version"),
            client_type: self.word(
                "upstream.client_type",
                &[("ide", ClientType::Ide), ("cli", ClientType::Cli)],
            ),
            timezone: self.text("upstream.timezone"),
            privacy_mode: self.parse("upstream.privacy_mode", value::boolean),
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
            allow_model_fallbacks: self.parse("upstream.allow_model_fallbacks", value::boolean),
            usage_lookup: self.parse("upstream.usage_lookup", value::boolean),
            web_references: self.parse("upstream.web_references", value::boolean),
            max_streams: self.parse("upstream.max_streams", |text| match text.parse() {
                Ok(number @ 1..=1000) => Ok(number),
                _ => Err("expected a whole number from 1 to 1000".to_owned()),
            }),
            max_message_bytes: self.parse("upstream.max_message", value::bytes),
        }
    }

    fn completion(&mut self) -> CompletionSettings {
        CompletionSettings {
            asia_url: self.parse("completion.asia_url", value::url),
            eu_url: self.parse("completion.eu_url", value::url),
            us_url: self.parse("completion.us_url", value::url),
            config_url: self.parse("completion.config_url", value::url),
            region: self.word(
                "completion.region",
                &[
                    ("Asia", CompletionRegion::Asia),
                    ("EU", CompletionRegion::Eu),
                    ("US", CompletionRegion::Us),
                ],
            ),
            first_event_timeout: self.parse("completion.first_event_timeout", value::wait),
            total_timeout: self.parse("completion.total_timeout", value::wait),
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
            active: self.parse("pool.active", |text| {
                text.parse().map_err(|_| "expected a whole number from 1".to_owned())
            }),
            concurrency: self.parse("pool.concurrency", |text| {
                text.parse().map(NonZeroU32::new).map_err(|_| "expected a whole number".to_owned())
            }),
            pace: self.parse("pool.pace", value::duration),
            wait: self.parse("pool.wait", value::duration),
            limit_texts: self.optional("pool.limit_texts").unwrap_or_default(),
            abnormal_texts: self.optional("pool.abnormal_texts").unwrap_or_default(),
            usage_interval: self.parse("pool.usage_interval", value::duration),
        }
    }

    fn timeouts(&mut self) -> Timeouts {
        Timeouts {
            connect: self.parse("timeouts.connect", value::wait),
            first_message: self.parse("timeouts.first_message", value::wait),
            progress: self.parse("timeouts.progress", value::wait),
            total: self.parse("timeouts.total", value::wait),
            ping_interval: self.parse("timeouts.ping_interval", value::wait),
            ping: self.parse("timeouts.ping", value::wait),
            idle_connection: self.parse("timeouts.idle_connection", value::wait),
            request_body: self.parse("timeouts.request_body", value::wait),
            keep_alive: self.parse("timeouts.keep_alive", value::wait),
            shutdown: self.parse("timeouts.shutdown", value::duration),
        }
    }

    fn limits(&mut self) -> Limits {
        Limits {
            body_bytes: self.parse("limits.body", value::bytes),
            image_bytes: self.parse("limits.image", value::bytes),
            image_pixels: self.count("limits.image_pixels") as u64,
            image_side: self.parse("limits.image_side", |text| {
                text.parse().map(NonZeroU32::new).map_err(|_| "expected a whole number".to_owned())
            }),
            images: self.count("limits.images"),
            turns: self.count("limits.turns"),
            attempts: self.count("limits.attempts"),
        }
    }

    fn accounts(&mut self) -> Vec<AccountSettings> {
        let raw = std::mem::take(&mut self.layers.accounts);
        let mut aliases = BTreeSet::new();
        let mut accounts = Vec::new();
        for (i, account) in raw.into_iter().enumerate() {
            if let Some(account) = self.account(i, &account) {
                if !aliases.insert(account.alias.clone()) {
                    let text = format!("two accounts are called `{}`", account.alias);
                    self.problem(&account.key, &account.origin, text);
                }
                accounts.push(account);
            }
        }
        accounts
    }

    fn account(&mut self, i: usize, raw: &RawAccount) -> Option<AccountSettings> {
        const FIELDS: [&str; 4] = ["alias", "credential", "flow", "timezone"];
        let key = format!("accounts[{i}]");
        for name in raw.fields.keys().filter(|name| !FIELDS.contains(&name.as_str())) {
            self.problem(&format!("{key}.{name}"), &raw.origin, nearest(name, FIELDS.into_iter()));
        }
        let field = |name: &str| raw.fields.get(name).map(|text| text.expose_secret().trim());
        let flow = match field("flow") {
            None => None,
            Some(word) => match FLOWS.iter().find(|(known, _)| *known == word) {
                Some((_, flow)) => Some(*flow),
                None => {
                    self.problem(&format!("{key}.flow"), &raw.origin, one_of(FLOWS));
                    None
                }
            },
        };
        let Some(credential) = field("credential").filter(|text| !text.is_empty()) else {
            self.problem(&format!("{key}.credential"), &raw.origin, "is missing");
            return None;
        };
        Some(AccountSettings {
            alias: field("alias").map_or_else(|| format!("account-{}", i + 1), str::to_owned),
            credential: SecretString::from(credential),
            flow,
            timezone: field("timezone").map(str::to_owned),
            key,
            origin: raw.origin.clone(),
        })
    }

    /// The value as written, or the default; empty when unset.
    fn written(&mut self, name: &'static str) -> (SecretString, Origin) {
        self.read.insert(name);
        match self.layers.values.get(name) {
            Some(raw) => (raw.text.clone(), raw.origin.clone()),
            None => {
                let default = registry::find(name).map_or("", |key| key.default);
                (SecretString::from(default), Origin::Default)
            }
        }
    }

    fn optional(&mut self, name: &'static str) -> Option<String> {
        let (text, _) = self.written(name);
        let text = text.expose_secret().trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn text(&mut self, name: &'static str) -> String {
        self.parse(name, |text| match text.trim() {
            "" => Err("may not be empty".to_owned()),
            text => Ok(text.to_owned()),
        })
    }

    fn count(&mut self, name: &'static str) -> usize {
        self.parse(name, |text| match text.parse() {
            Ok(0) | Err(_) => Err("expected a whole number from 1".to_owned()),
            Ok(number) => Ok(number),
        })
    }

    fn word<T: Copy>(&mut self, name: &'static str, words: &[(&str, T)]) -> T {
        self.parse(name, |text| {
            words
                .iter()
                .find(|(word, _)| *word == text)
                .map(|(_, value)| *value)
                .ok_or_else(|| one_of(words))
        })
    }

    /// Parses the written value; a bad one becomes a problem and the default stands in, so that
    /// the rest can be looked at too.
    fn parse<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> T {
        let (text, origin) = self.written(name);
        match parse(text.expose_secret().trim()) {
            Ok(value) => value,
            Err(expected) => {
                let secret = registry::find(name).is_some_and(|key| key.secret);
                let text = match secret {
                    true => expected,
                    false => format!("`{}`: {expected}", text.expose_secret()),
                };
                self.problem(name, &origin, text);
                let default = registry::find(name).map_or("", |key| key.default);
                parse(default).unwrap_or_else(|_| unreachable!("the default of {name} is legal"))
            }
        }
    }

    fn problem(&mut self, key: &str, origin: &Origin, text: impl Into<String>) {
        let problem = Problem { key: key.to_owned(), origin: origin.clone(), text: text.into() };
        self.problems.push(problem);
    }
}

const FLOWS: &[(&str, Flow)] = &[("agent", Flow::Agent), ("chat", Flow::Chat)];

fn one_of<T>(words: &[(&str, T)]) -> String {
    let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    format!("expected one of: {}", words.join(", "))
}

#[cfg(test)]
mod tests;
