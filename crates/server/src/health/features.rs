//! What this gateway can do for its clients, as it is set now.

use crate::Options;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Feature {
    Streaming,
    Reasoning,
    Tools,
    StructuredOutput,
    TokenCounting,
    Images,
    /// Pictures behind URLs.
    RemoteImages,
    /// Of the Responses API: kept, and continued by id.
    StoredResponses,
    CodeCompletion,
    FillInTheMiddle,
    FileSync,
    ManagedKeys,
    Proxies,
    /// Pages of named origins may call.
    Cors,
}

const ALL: [Feature; 14] = [
    Feature::Streaming,
    Feature::Reasoning,
    Feature::Tools,
    Feature::StructuredOutput,
    Feature::TokenCounting,
    Feature::Images,
    Feature::RemoteImages,
    Feature::StoredResponses,
    Feature::CodeCompletion,
    Feature::FillInTheMiddle,
    Feature::FileSync,
    Feature::ManagedKeys,
    Feature::Proxies,
    Feature::Cors,
];

impl Feature {
    fn name(self) -> &'static str {
        match self {
            Self::Streaming => "streaming",
            Self::Reasoning => "reasoning",
            Self::Tools => "tools",
            Self::StructuredOutput => "structured_output",
            Self::TokenCounting => "token_counting",
            Self::Images => "images",
            Self::RemoteImages => "remote_images",
            Self::StoredResponses => "stored_responses",
            Self::CodeCompletion => "code_completion",
            Self::FillInTheMiddle => "fill_in_the_middle",
            Self::FileSync => "file_sync",
            Self::ManagedKeys => "managed_keys",
            Self::Proxies => "proxies",
            Self::Cors => "cors",
        }
    }

    fn is_on(self, options: &Options) -> bool {
        let images = options.images.max_count > 0;
        match self {
            Self::Streaming
            | Self::Reasoning
            | Self::Tools
            | Self::StructuredOutput
            | Self::TokenCounting
            | Self::CodeCompletion
            | Self::FillInTheMiddle
            | Self::FileSync
            | Self::ManagedKeys
            | Self::Proxies => true,
            Self::Images => images,
            Self::RemoteImages => images && options.images.remote,
            Self::StoredResponses => {
                let kept = options.responses;
                kept.most > 0 && kept.bytes > 0 && !kept.timeout.is_zero()
            }
            Self::Cors => !options.cors_origins.is_empty(),
        }
    }
}

pub(super) fn of(options: &Options) -> Vec<&'static str> {
    ALL.into_iter().filter(|feature| feature.is_on(options)).map(Feature::name).collect()
}
