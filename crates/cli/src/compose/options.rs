//! What settings mean to gateway and edge: all of it can change while serving.

use accounts::{ClientKey, MarkTexts, PoolPolicy, Region, Rotation};
use dialects::ImagePolicy;
use gateway::{CompletionOptions, MemoryOptions, RecordingOptions, SuspendOptions};
use request_log::Retention;
use secrecy::ExposeSecret as _;
use settings::Settings;
use upstream::agent::AgentOptions;
use upstream::chat::ChatOptions;

use crate::terminal::Refused;

/// For the edge. `key` is the administrator's.
///
/// # Errors
/// The file with a page cannot be read.
pub(crate) fn server(settings: &Settings, key: ClientKey) -> Result<server::Options, Refused> {
    let limits = settings.limits;
    Ok(server::Options {
        key,
        shared_token: settings
            .shared_token
            .as_ref()
            .and_then(|token| ClientKey::new(token.expose_secret())),
        auth_failures: settings.auth_failures,
        route_prefix: settings.route_prefix.clone(),
        body_limit: limits.body_bytes,
        body_timeout: settings.timeouts.request_body,
        keep_alive: settings.timeouts.keep_alive,
        images: ImagePolicy {
            max_bytes: limits.image_bytes,
            max_pixels: limits.image_pixels,
            max_count: limits.images,
            max_side: limits.image_side,
            remote: settings.images.remote,
        },
        remote_images: server::RemoteImageOptions {
            timeout: settings.images.remote_timeout,
            allow_private: settings.images.remote_private,
        },
        cors_origins: settings.cors_origins.clone(),
        responses: server::KeptOptions {
            timeout: settings.responses.timeout,
            most: settings.responses.most,
            bytes: settings.responses.bytes,
        },
        logs_page: logs_page(settings)?,
        health_page: match settings.pages.health {
            settings::HealthPage::Json => server::Page::Json,
            settings::HealthPage::Text => server::Page::Text,
            settings::HealthPage::Html => server::Page::Html,
        },
    })
}

/// # Errors
/// The file cannot be read.
pub(crate) fn logs_page(settings: &Settings) -> Result<server::LogsPage, Refused> {
    let read = |path: &std::path::Path| {
        std::fs::read_to_string(path)
            .map_err(|error| Refused(format!("pages.logs_file: {}: {error}", path.display())))
    };
    Ok(match &settings.pages.logs {
        settings::LogsPage::Default => server::LogsPage::Default,
        settings::LogsPage::Text(path) => server::LogsPage::Text(read(path)?),
        settings::LogsPage::Html(path) => server::LogsPage::Html(read(path)?),
    })
}

/// For metrics and traces; needs a restart to change.
pub(crate) fn telemetry(settings: &Settings) -> telemetry::Options {
    let settings::OtlpSettings { endpoint, headers, traces, metrics, interval, service_name } =
        settings.otlp.clone();
    let otlp = endpoint.map(|endpoint| telemetry::OtlpOptions {
        endpoint,
        headers,
        traces,
        metrics,
        interval,
        service_name,
    });
    telemetry::Options { otlp, version: env!("CARGO_PKG_VERSION") }
}

/// For the gateway.
pub(crate) fn gateway(settings: &Settings) -> gateway::Options {
    let upstream = &settings.upstream;
    let timeouts = settings.timeouts;
    let (policy, texts) = pool(settings);
    gateway::Options {
        first_message_timeout: timeouts.first_message,
        progress_timeout: timeouts.progress,
        total_timeout: timeouts.total,
        max_turns: settings.limits.turns,
        max_attempts: settings.limits.attempts,
        models_refresh: settings.models_refresh,
        usage_lookup: upstream.usage_lookup,
        agent: AgentOptions {
            instructions: match upstream.instructions {
                settings::InstructionChannel::CloudRule => {
                    upstream::agent::InstructionChannel::CloudRule
                }
                settings::InstructionChannel::UserText => {
                    upstream::agent::InstructionChannel::UserText
                }
                settings::InstructionChannel::CustomSystemPrompt => {
                    upstream::agent::InstructionChannel::CustomSystemPrompt
                }
            },
            history: match upstream.history {
                settings::HistoryChannel::RootBlobs => upstream::agent::HistoryChannel::RootBlobs,
                settings::HistoryChannel::ConversationHistory => {
                    upstream::agent::HistoryChannel::ConversationHistory
                }
            },
            timezone: upstream.timezone.clone(),
            call_window: settings.tools.call_window,
        },
        chat: ChatOptions {
            allow_model_fallbacks: upstream.allow_model_fallbacks,
            call_window: settings.tools.call_window,
            web_references: upstream.web_references,
            slow_pool: None,
        },
        suspend: SuspendOptions {
            timeout: settings.tools.suspended.timeout,
            most: settings.tools.suspended.most,
            bytes: settings.tools.suspended.bytes,
        },
        memory: MemoryOptions {
            timeout: settings.conversations.timeout,
            most: settings.conversations.most,
            bytes: settings.conversations.bytes,
        },
        pool: policy,
        pool_wait: settings.pool.wait,
        texts,
        flow: match upstream.flow {
            settings::Flow::Agent => upstream::Flow::Agent,
            settings::Flow::Chat => upstream::Flow::Chat,
        },
        usage_interval: settings.pool.usage_interval,
        key_prefix: settings.key_prefix.clone(),
        completion: CompletionOptions {
            first_event_timeout: settings.completion.first_event_timeout,
            total_timeout: settings.completion.total_timeout,
            region: match settings.completion.region {
                settings::CompletionRegion::Asia => Region::Asia,
                settings::CompletionRegion::Eu => Region::Eu,
                settings::CompletionRegion::Us => Region::Us,
            },
        },
        recording: RecordingOptions {
            enabled: settings.request_log.enabled,
            content: settings.request_log.content,
            content_limit: settings.request_log.content_limit,
            retention: Retention {
                age: settings.request_log.age,
                rows: settings.request_log.rows,
                bytes: settings.request_log.bytes,
            },
        },
        secrets: [&settings.auth_token, &settings.shared_token]
            .into_iter()
            .flatten()
            .cloned()
            .collect(),
    }
}

/// How accounts are chosen and marked: nothing else decides it.
fn pool(settings: &Settings) -> (PoolPolicy, MarkTexts) {
    let pool = &settings.pool;
    let rotation = match pool.rotation {
        settings::Rotation::Sticky => Rotation::Sticky,
        settings::Rotation::Fixed => Rotation::Fixed,
        settings::Rotation::RoundRobin => Rotation::RoundRobin,
        settings::Rotation::LeastBusy => Rotation::LeastBusy,
    };
    let policy = PoolPolicy {
        rotation,
        active: pool.active,
        concurrency: pool.concurrency,
        pace: pool.pace,
    };
    (policy, MarkTexts::parse(&pool.limit_texts, &pool.abnormal_texts))
}
