//! Where settings are read from, the same for all commands that need them.

use std::path::{Path, PathBuf};

use settings::{Layers, Settings};

use crate::args::SettingsArgs;
use crate::terminal::{Refused, complain};

/// # Errors
/// The file cannot be read or settings are wrong; all that are wrong are named.
pub(crate) fn settings(args: &SettingsArgs) -> Result<Settings, Refused> {
    resolve(layers(args)?)
}

/// Complains of names that have no effect.
///
/// # Errors
/// Settings are wrong; all that are wrong are named.
pub(crate) fn resolve(layers: Layers) -> Result<Settings, Refused> {
    let notices: Vec<String> = layers.notices().iter().map(ToString::to_string).collect();
    let settings = Settings::resolve(layers).map_err(|problems| Refused(problems.to_string()))?;
    for notice in notices {
        complain(&notice);
    }
    Ok(settings)
}

/// What is written, not yet understood.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn layers(args: &SettingsArgs) -> Result<Layers, Refused> {
    let (path, must_exist) = path(args);
    match std::fs::read_to_string(&path) {
        Ok(content) => Ok(with_file(args, &path, Some(&content))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_exist => {
            Ok(with_file(args, &path, None))
        }
        Err(error) => Err(Refused(format!("{}: {error}", path.display()))),
    }
}

/// The settings file, and whether it must be there.
pub(crate) fn path(args: &SettingsArgs) -> (PathBuf, bool) {
    const DEFAULT: &str = "config.toml";
    match &args.config {
        Some(path) => (path.clone(), true),
        None => (PathBuf::from(DEFAULT), false),
    }
}

/// What is written when the file holds this.
pub(crate) fn with_file(args: &SettingsArgs, path: &Path, content: Option<&str>) -> Layers {
    let layers = Layers::default();
    let layers = match content {
        Some(content) => layers.file(path, content),
        None => layers,
    };
    #[expect(clippy::disallowed_methods, reason = "the composition root reads the environment")]
    let layers = layers.env(|name| std::env::var(name).ok());
    #[expect(clippy::disallowed_methods, reason = "the composition root reads the environment")]
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let layers = layers.strangers(names);
    let layers = layers.flag("host", "--host", args.host.clone());
    layers.flag("port", "--port", args.port.clone())
}
