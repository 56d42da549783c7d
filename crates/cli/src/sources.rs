//! Where settings are read from, the same for all commands that need them.

use std::path::{Path, PathBuf};

use settings::{Layers, Settings};

use crate::args::SettingsArgs;
use crate::terminal::Refused;

/// # Errors
/// The file cannot be read or settings are wrong; all that are wrong are named.
pub(crate) fn settings(args: &SettingsArgs) -> Result<Settings, Refused> {
    Settings::resolve(layers(args)?).map_err(|problems| Refused(problems.to_string()))
}

/// What is written, not yet understood.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn layers(args: &SettingsArgs) -> Result<Layers, Refused> {
    const DEFAULT: &str = "config.toml";
    let (path, must_exist) = match &args.config {
        Some(path) => (path.clone(), true),
        None => (PathBuf::from(DEFAULT), false),
    };
    let layers = file(Layers::default(), &path, must_exist)?;
    #[expect(clippy::disallowed_methods, reason = "the composition root reads the environment")]
    let layers = layers.env(|name| std::env::var(name).ok());
    let layers = layers.flag("host", "--host", args.host.clone());
    Ok(layers.flag("port", "--port", args.port.clone()))
}

fn file(layers: Layers, path: &Path, must_exist: bool) -> Result<Layers, Refused> {
    match std::fs::read_to_string(path) {
        Ok(content) => Ok(layers.file(path, &content)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_exist => Ok(layers),
        Err(error) => Err(Refused(format!("{}: {error}", path.display()))),
    }
}
