//! A model as clients may know it: what the catalogue holds and what the model list shows.

use crate::ModelName;

/// One entry of the model catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    pub id: ModelName,
    pub display_name: String,
    /// The maker, as far as the name tells: `anthropic`, `openai`, `google`, `xai`, `cursor`…
    pub owned_by: String,
    pub thinking: bool,
    pub images: bool,
    pub max_mode: bool,
    /// Whether it also runs without max mode.
    pub non_max_mode: bool,
    /// Context window in tokens, where known.
    pub context_tokens: Option<u64>,
    /// Context window in max mode, in tokens, where known.
    pub context_tokens_max_mode: Option<u64>,
}
