//! From the model a client names to what the upstream is asked for.
//!
//! A name that the catalogue has is taken as it is. Otherwise `-online` and `-max` at its end are
//! modes, and a maker's own name (`claude-sonnet-4-5-20250929`) is turned into the upstream's
//! (`claude-4.5-sonnet`) if that exists. A wish to think, or how hard, chooses the variant that
//! the catalogue has for it. A name that leads nowhere goes on unchanged: the upstream may know
//! more models than it lists.

use conversation::{Model, Reasoning, ReasoningEffort, Turn};
use upstream::Route;

use crate::catalogue::Catalogue;

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Resolved {
    pub(crate) route: Route,
    /// The catalogue's entry, if it has one.
    pub(crate) model: Option<Model>,
    /// Whether the wish about reasoning made no difference.
    pub(crate) reasoning_ignored: bool,
}

pub(crate) fn resolve(turn: &Turn, catalogue: &Catalogue) -> Resolved {
    let named = Named::parse(turn.model.as_str(), catalogue);
    let base = named.model.as_ref().map_or_else(|| turn.model.as_str(), |m| m.id.as_str());
    let variant = variant(base, turn.reasoning, catalogue);
    let switched = variant.is_some();
    let model = variant.or(named.model);
    let asked = turn.reasoning.effort.is_some() || turn.reasoning.wanted.is_some();
    let thinks = model.as_ref().is_none_or(|model| model.thinking);
    let fits = turn.reasoning.wanted == Some(thinks);
    Resolved {
        route: Route {
            model: model.as_ref().map_or_else(|| turn.model.clone(), |model| model.id.clone()),
            max_mode: named.max_mode
                || model.as_ref().is_some_and(|model| model.max_mode && !model.non_max_mode),
            web_search: named.web_search,
            effort: turn.reasoning.effort.filter(|_| thinks),
        },
        model,
        reasoning_ignored: asked && !switched && !fits,
    }
}

/// A name taken apart.
struct Named {
    model: Option<Model>,
    max_mode: bool,
    web_search: bool,
}

impl Named {
    fn parse(name: &str, catalogue: &Catalogue) -> Self {
        let mut rest = name;
        let (mut max_mode, mut web_search) = (false, false);
        loop {
            if let Some(model) = known(rest, catalogue) {
                return Self { model: Some(model), max_mode, web_search };
            }
            if let Some(shorter) = rest.strip_suffix("-online").filter(|_| !web_search) {
                (rest, web_search) = (shorter, true);
            } else if let Some(shorter) = rest.strip_suffix("-max").filter(|_| !max_mode) {
                (rest, max_mode) = (shorter, true);
            } else {
                return Self { model: None, max_mode: false, web_search: false };
            }
        }
    }
}

fn known(name: &str, catalogue: &Catalogue) -> Option<Model> {
    catalogue.find(name).or_else(|| catalogue.find(&upstream_name(name)?))
}

/// The upstream's form of a maker's name, without its date: `claude-opus-4-1-20250805` and
/// `claude-3-5-haiku-latest` put family and version in another order.
fn upstream_name(name: &str) -> Option<String> {
    let name = name.strip_suffix("[1m]").unwrap_or(name);
    let undated = without_date(name);
    let Some(rest) = undated.strip_prefix("claude-") else {
        return (undated != name).then(|| undated.to_owned());
    };
    const FAMILIES: [&str; 3] = ["opus", "sonnet", "haiku"];
    let words: Vec<&str> = rest.split('-').collect();
    let at = words.iter().position(|word| FAMILIES.contains(word))?;
    let (before, after) = (&words[..at], &words[at + 1..]);
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    // Whatever follows the version stays where it is: `thinking`, say.
    let (version, tail) = if before.is_empty() {
        after.split_at(after.iter().take_while(|word| is_number(word)).count())
    } else {
        (before, after)
    };
    if version.is_empty() || !version.iter().all(|word| is_number(word)) {
        return None;
    }
    let mut out = format!("claude-{}-{}", version.join("."), words[at]);
    for word in tail {
        out.push('-');
        out.push_str(word);
    }
    Some(out)
}

/// `-20250929`, `-2025-08-07` and `-latest` at the end say nothing here.
fn without_date(name: &str) -> &str {
    if let Some(short) = name.strip_suffix("-latest") {
        return short;
    }
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if let Some((short, date)) = name.rsplit_once('-')
        && date.len() == 8
        && digits(date)
    {
        return short;
    }
    const DATE: usize = "-2025-08-07".len();
    if let Some((short, date)) =
        name.len().checked_sub(DATE).and_then(|at| name.split_at_checked(at))
        && let [b'-', y @ .., b'-', m1, m2, b'-', d1, d2] = date.as_bytes()
        && y.len() == 4
        && y.iter().chain([m1, m2, d1, d2]).all(u8::is_ascii_digit)
    {
        return short;
    }
    name
}

/// The catalogue's variant of `base` for a wish about reasoning; `None` when there is none or it
/// is `base` itself.
fn variant(base: &str, reasoning: Reasoning, catalogue: &Catalogue) -> Option<Model> {
    const THINKING: &str = "-thinking";
    let wanted = reasoning.wanted?;
    if !wanted {
        return catalogue.find(base.strip_suffix(THINKING)?);
    }
    let plain = base.strip_suffix(THINKING).unwrap_or(base);
    let mut names = Vec::new();
    if let Some(effort) = reasoning.effort.and_then(effort_word) {
        names.push(format!("{plain}-{effort}{THINKING}"));
        names.push(format!("{plain}{THINKING}-{effort}"));
        names.push(format!("{plain}-{effort}"));
    }
    names.push(format!("{plain}{THINKING}"));
    let model = names.iter().find_map(|name| catalogue.find(name))?;
    (model.id.as_str() != base).then_some(model)
}

fn effort_word(effort: ReasoningEffort) -> Option<&'static str> {
    match effort {
        ReasoningEffort::None => None,
        ReasoningEffort::Minimal => Some("minimal"),
        ReasoningEffort::Low => Some("low"),
        ReasoningEffort::Medium => Some("medium"),
        ReasoningEffort::High => Some("high"),
        ReasoningEffort::XHigh => Some("xhigh"),
    }
}

#[cfg(test)]
mod tests {
    use conversation::ModelName;

    use super::*;

    fn catalogue() -> Catalogue {
        let catalogue = Catalogue::default();
        let models = [
            ("claude-4.5-sonnet", false),
            ("claude-4.5-sonnet-thinking", true),
            ("claude-3.5-haiku", false),
            ("claude-4.5-opus-high", false),
            ("claude-4.5-opus-high-thinking", true),
            ("gpt-5", true),
            ("gpt-5-high", true),
            ("gpt-5.1-codex-max", true),
            ("gpt-4.1", false),
        ];
        let models = models.map(|(id, thinking)| Model {
            id: ModelName::new(id),
            display_name: id.into(),
            owned_by: "x".into(),
            thinking,
            images: true,
            max_mode: true,
            non_max_mode: true,
            context_tokens: None,
            context_tokens_max_mode: None,
        });
        catalogue.replace(models.to_vec());
        catalogue
    }

    fn route(name: &str, reasoning: Reasoning) -> Resolved {
        let mut turn = Turn::of_text(name, "hi");
        turn.reasoning = reasoning;
        resolve(&turn, &catalogue())
    }

    fn wish(wanted: bool, effort: Option<ReasoningEffort>) -> Reasoning {
        Reasoning { wanted: Some(wanted), effort }
    }

    #[test]
    fn names_lead_to_models_and_modes() {
        for (name, model, max_mode, web_search) in [
            ("claude-4.5-sonnet", "claude-4.5-sonnet", false, false),
            ("claude-4.5-sonnet-max", "claude-4.5-sonnet", true, false),
            ("claude-4.5-sonnet-online", "claude-4.5-sonnet", false, true),
            ("claude-4.5-sonnet-max-online", "claude-4.5-sonnet", true, true),
            ("claude-4.5-sonnet-online-max", "claude-4.5-sonnet", true, true),
            ("gpt-5.1-codex-max", "gpt-5.1-codex-max", false, false),
            ("gpt-5.1-codex-max-max", "gpt-5.1-codex-max", true, false),
            ("claude-sonnet-4-5-20250929", "claude-4.5-sonnet", false, false),
            ("claude-sonnet-4-5", "claude-4.5-sonnet", false, false),
            ("claude-sonnet-4-5[1m]", "claude-4.5-sonnet", false, false),
            ("claude-3-5-haiku-latest", "claude-3.5-haiku", false, false),
            ("claude-opus-4-5-high", "claude-4.5-opus-high", false, false),
            ("gpt-4.1-2025-04-14", "gpt-4.1", false, false),
            ("gpt-9-max", "gpt-9-max", false, false),
            ("claude-sonnet", "claude-sonnet", false, false),
            ("é-2025-08-07", "é-2025-08-07", false, false),
            ("", "", false, false),
        ] {
            let Resolved { route, .. } = route(name, Reasoning::default());
            assert_eq!(
                (route.model.as_str(), route.max_mode, route.web_search),
                (model, max_mode, web_search),
                "{name}"
            );
        }
    }

    #[test]
    fn a_wish_to_think_chooses_the_variant_that_exists() {
        use ReasoningEffort::{High, Low};
        for (name, reasoning, model, ignored) in [
            ("claude-4.5-sonnet", wish(true, None), "claude-4.5-sonnet-thinking", false),
            ("claude-4.5-sonnet", wish(true, Some(Low)), "claude-4.5-sonnet-thinking", false),
            ("claude-4.5-sonnet-thinking", wish(true, None), "claude-4.5-sonnet-thinking", false),
            ("claude-4.5-sonnet-thinking", wish(false, None), "claude-4.5-sonnet", false),
            ("claude-sonnet-4-5", wish(true, None), "claude-4.5-sonnet-thinking", false),
            (
                "claude-4.5-opus-high",
                wish(true, Some(High)),
                "claude-4.5-opus-high-thinking",
                false,
            ),
            ("gpt-5", wish(true, Some(High)), "gpt-5-high", false),
            ("gpt-5", wish(true, Some(Low)), "gpt-5", false),
            ("gpt-4.1", wish(true, Some(High)), "gpt-4.1", true),
            ("gpt-4.1", wish(false, None), "gpt-4.1", false),
            ("gpt-5", wish(false, None), "gpt-5", true),
        ] {
            let resolved = route(name, reasoning);
            assert_eq!(resolved.route.model.as_str(), model, "{name} {reasoning:?}");
            assert_eq!(resolved.reasoning_ignored, ignored, "{name} {reasoning:?}");
        }
    }
}
