//! The models this backend offers.
//!
//! One table serves both model lists and the check of a requested model
//! (`reference/messages/models.md`). Every model of it plays directives; a name that is not in it
//! (`no-such-model-xyz`) does not exist.

/// One model of the simulated backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// The name to ask for.
    pub id: &'static str,
    /// The label for users.
    pub display_name: &'static str,
    /// Other names it answers to.
    pub aliases: &'static [&'static str],
    /// Whether it is a reasoning variant.
    pub thinking: bool,
    /// Whether it takes images.
    pub images: bool,
    /// Tokens of the context window.
    pub context: i32,
    /// Tokens of the context window in max mode; `None` without max mode.
    pub max_context: Option<i32>,
    /// When the list contains it.
    pub listed: Listed,
}

/// When the model list contains a model (`AvailableModelsRequest`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// Always, and it is on by default.
    Always,
    /// Always, but it is off by default.
    Optional,
    /// Only with `include_long_context_models`.
    LongContext,
    /// Not with `exclude_max_named_models`.
    MaxNamed,
    /// Only when `additional_model_names` names it.
    Named,
}

const K200: i32 = 200_000;
const K272: i32 = 272_000;
const M1: i32 = 1_000_000;

const fn model(id: &'static str, display_name: &'static str) -> Model {
    Model {
        id,
        display_name,
        aliases: &[],
        thinking: false,
        images: true,
        context: K200,
        max_context: None,
        listed: Listed::Always,
    }
}

/// Whether a model of this name takes images.
pub(crate) fn sees(name: &str) -> bool {
    find(name).is_none_or(|model| model.images)
}

impl Model {
    const fn aliases(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }
    const fn thinking(self) -> Self {
        Self { thinking: true, ..self }
    }
    const fn blind(self) -> Self {
        Self { images: false, ..self }
    }
    const fn window(self, context: i32, max_context: Option<i32>) -> Self {
        Self { context, max_context, ..self }
    }
    const fn listed(self, listed: Listed) -> Self {
        Self { listed, ..self }
    }
}

static MODELS: &[Model] = &[
    model("default", "Auto").window(K200, Some(M1)),
    model("composer-1", "Composer 1").aliases(&["composer"]),
    model("composer-2", "Composer 2"),
    model("claude-4.5-sonnet", "Sonnet 4.5").window(K200, Some(M1)),
    model("claude-4.5-sonnet-thinking", "Sonnet 4.5 Thinking").thinking().window(K200, Some(M1)),
    model("claude-4.5-opus-high", "Opus 4.5").window(K200, Some(K200)),
    model("claude-4.5-opus-high-thinking", "Opus 4.5 Thinking").thinking().window(K200, Some(K200)),
    model("claude-4.5-haiku", "Haiku 4.5").listed(Listed::Optional),
    model("claude-4.5-haiku-thinking", "Haiku 4.5 Thinking").thinking().listed(Listed::Optional),
    model("claude-4-sonnet-1m", "Sonnet 4 1M").window(M1, Some(M1)).listed(Listed::LongContext),
    model("gpt-5", "GPT-5").thinking().window(K272, Some(K272)),
    model("gpt-5-mini", "GPT-5 Mini").thinking().window(K272, None).listed(Listed::Optional),
    model("gpt-5.1-codex-max", "GPT-5.1 Codex Max")
        .thinking()
        .window(K272, Some(K272))
        .listed(Listed::MaxNamed),
    model("gpt-5.2", "GPT-5.2").thinking().window(K272, Some(K272)),
    model("gpt-5.2-codex", "GPT-5.2 Codex").aliases(&["codex"]).thinking().window(K272, Some(K272)),
    model("gpt-5.2-codex-high", "GPT-5.2 Codex High").thinking().window(K272, Some(K272)),
    model("gpt-4.1", "GPT-4.1").window(K200, Some(M1)).listed(Listed::Optional),
    model("gemini-2.5-pro", "Gemini 2.5 Pro").thinking().window(M1, Some(M1)),
    model("gemini-3-pro", "Gemini 3 Pro").thinking().window(K200, Some(M1)),
    model("gemini-3-flash", "Gemini 3 Flash").thinking().window(K200, Some(M1)),
    model("grok-4", "Grok 4").thinking().window(256_000, Some(256_000)).listed(Listed::Optional),
    model("grok-code-fast-1", "Grok Code").thinking().blind().window(256_000, None),
    model("deepseek-v3.1", "DeepSeek V3.1").blind().window(128_000, None).listed(Listed::Optional),
    model("kimi-k2-instruct", "Kimi K2").blind().window(128_000, None).listed(Listed::Named),
    model("cursor-small", "Cursor Small").blind().window(128_000, None).listed(Listed::Named),
];

/// Every model the simulator plays, hidden ones included.
#[must_use]
pub fn models() -> &'static [Model] {
    MODELS
}

/// The model of this name or alias.
pub(crate) fn find(name: &str) -> Option<&'static Model> {
    MODELS.iter().find(|model| model.id == name || model.aliases.contains(&name))
}

/// What an `AvailableModelsRequest` asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filter<'a> {
    pub(crate) long_context: bool,
    pub(crate) without_max_named: bool,
    pub(crate) additional: &'a [String],
}

/// The models of an answer. Additional names that do not exist are left out.
pub(crate) fn listed(filter: Filter<'_>) -> impl Iterator<Item = &'static Model> {
    MODELS.iter().filter(move |model| match model.listed {
        Listed::Always | Listed::Optional => true,
        Listed::LongContext => filter.long_context,
        Listed::MaxNamed => !filter.without_max_named,
        Listed::Named => filter.additional.iter().any(|name| name == model.id),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn ids(filter: Filter<'_>) -> HashSet<&'static str> {
        listed(filter).map(|model| model.id).collect()
    }

    #[test]
    fn the_table_holds_what_the_scenarios_need() {
        for id in ["default", "claude-4.5-sonnet", "claude-4.5-sonnet-thinking", "gpt-5"] {
            assert!(find(id).is_some(), "{id}");
        }
        assert!(find("no-such-model-xyz").is_none());
        assert_eq!(find("codex").map(|model| model.id), Some("gpt-5.2-codex"));
        let all: HashSet<_> = models().iter().map(|model| model.id).collect();
        assert_eq!(all.len(), models().len());
        assert!(models().iter().any(|model| !model.images && model.listed == Listed::Always));
        assert!(models().iter().any(|model| model.context >= M1 && model.listed == Listed::Always));
    }

    #[test]
    fn filters() {
        let plain = ids(Filter { long_context: false, without_max_named: true, additional: &[] });
        assert!(plain.contains("default"));
        for hidden in ["claude-4-sonnet-1m", "gpt-5.1-codex-max", "cursor-small"] {
            assert!(!plain.contains(hidden), "{hidden}");
        }
        let more = ["cursor-small".to_owned(), "my-extra-model".to_owned()];
        let all = ids(Filter { long_context: true, without_max_named: false, additional: &more });
        for shown in ["claude-4-sonnet-1m", "gpt-5.1-codex-max", "cursor-small"] {
            assert!(all.contains(shown), "{shown}");
        }
        assert!(!all.contains("my-extra-model") && !all.contains("kimi-k2-instruct"));
    }
}
