//! Who owns the settings file, as the edge sees it: it is read, written and put in force by
//! somebody else, who says what became of it.

use std::fmt::Debug;

use futures::future::BoxFuture;

/// The owner of the settings file and of what is in force.
///
/// A hash is the lower-case hex SHA-256 of the file's bytes; of nothing, when there is no file.
pub trait Configuration: Send + Sync + Debug + 'static {
    /// The file as it is.
    ///
    /// # Errors
    /// It cannot be read.
    fn get(&self) -> BoxFuture<'_, Result<ConfigText, ConfigProblem>>;

    /// Replaces the file, as far as it still has this hash, and puts the new one in force.
    ///
    /// # Errors
    /// Nothing was changed.
    fn set(&self, hash: String, text: String) -> BoxFuture<'_, Result<Applied, ConfigProblem>>;

    /// Puts the file in force as it is. The hash is that of the file, or of what is in force.
    ///
    /// # Errors
    /// Nothing was changed.
    fn reload(&self, hash: String) -> BoxFuture<'_, Result<Applied, ConfigProblem>>;
}

/// The settings file.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigText {
    pub hash: String,
    /// Holds secrets.
    pub text: String,
}

impl Debug for ConfigText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConfigText").field("hash", &self.hash).finish_non_exhaustive()
    }
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// Of the file as it is now.
    pub hash: String,
    /// Whether anything is other than before.
    pub changed: bool,
    /// Settings that only hold after a restart, and are other than at the start.
    pub restart: Vec<String>,
    /// Settings of the file that do not hold, since a variable or flag says something else.
    pub overridden: Vec<String>,
}

/// Why nothing was changed. No text holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigProblem {
    /// The file is another one by now.
    Stale {
        /// Its hash.
        hash: String,
    },
    /// The text cannot be used; every reason, each with key and place.
    Invalid(Vec<String>),
    /// The file cannot be read or written.
    Failed(String),
    /// Nobody answers: the gateway is stopping.
    Unavailable,
}

/// What the edge is given besides its options.
#[derive(Debug, Clone, Default)]
pub struct Configured {
    /// `None` in a process that has no settings file.
    pub owner: Option<std::sync::Arc<dyn Configuration>>,
    /// For `GET /env-example`.
    pub env_example: String,
    /// For `GET /config-example`.
    pub config_example: String,
}
