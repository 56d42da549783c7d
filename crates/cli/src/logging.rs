//! Logs go to standard error, as text or JSON, filtered as set.

use settings::{LogFormat, LogSettings};
use tracing_subscriber::EnvFilter;

use crate::terminal::Refused;

/// # Errors
/// The filter is no filter.
pub(crate) fn start(settings: &LogSettings) -> Result<(), Refused> {
    // A lone word that is no level would be taken for the name of a module and silence the rest.
    let lone = !settings.filter.contains(['=', ',', '[']);
    if lone && settings.filter.parse::<tracing_subscriber::filter::LevelFilter>().is_err() {
        return Err(Refused(format!(
            "log.level: `{}`: expected error, warn, info, debug, trace, or a filter such as \
             info,upstream=debug",
            settings.filter
        )));
    }
    let filter = EnvFilter::try_new(&settings.filter)
        .map_err(|error| Refused(format!("log.level: `{}`: {error}", settings.filter)))?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    let started = match settings.format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().try_init(),
    };
    started.map_err(|error| Refused(format!("logging: {error}")))
}
