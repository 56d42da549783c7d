//! What settings mean to gateway and edge: all of it can change while serving.

use accounts::{ClientKey, MarkTexts, PoolPolicy, Region, Rotation};
use dialects::ImagePolicy;
use gateway::{CompletionOptions, MemoryOptions, SuspendOptions};
use secrecy::ExposeSecret as _;
use settings::Settings;
use upstream::agent::AgentOptions;
use upstream::chat::ChatOptions;

/// For the edge. `key` is the administrator's.
pub(crate) fn server(settings: &Settings, key: ClientKey) -> server::Options {
    let limits = settings.limits;
    server::Options {
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
    }
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
