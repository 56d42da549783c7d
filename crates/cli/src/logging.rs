//! Logs go to standard error, as text or JSON, filtered as set.

use settings::{LogFormat, LogSettings};
use tracing_subscriber::EnvFilter;

use crate::terminal::Refused;

/// Changes what is logged, or says why it cannot.
pub(crate) type SetFilter = Box<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// # Errors
/// The filter is no filter.
pub(crate) fn check(text: &str) -> Result<EnvFilter, Refused> {
    // A lone word that is no level would be taken for the name of a module and silence the rest.
    let lone = !text.contains(['=', ',', '[']);
    if lone && text.parse::<tracing_subscriber::filter::LevelFilter>().is_err() {
        return Err(Refused(format!(
            "log.level: `{text}`: expected error, warn, info, debug, trace, or a filter such as \
             info,upstream=debug"
        )));
    }
    EnvFilter::try_new(text).map_err(|error| Refused(format!("log.level: `{text}`: {error}")))
}

/// # Errors
/// The filter is no filter.
pub(crate) fn start(settings: &LogSettings) -> Result<SetFilter, Refused> {
    let filter = check(&settings.filter)?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    // Two types of handle for two types of lines.
    let (started, set): (_, SetFilter) = match settings.format {
        LogFormat::Text => {
            let subscriber = subscriber.with_filter_reloading();
            let handle = subscriber.reload_handle();
            let set = move |text: &str| {
                let filter = check(text).map_err(|refused| refused.0)?;
                handle.reload(filter).map_err(|error| error.to_string())
            };
            (subscriber.try_init(), Box::new(set))
        }
        LogFormat::Json => {
            let subscriber = subscriber.json().with_filter_reloading();
            let handle = subscriber.reload_handle();
            let set = move |text: &str| {
                let filter = check(text).map_err(|refused| refused.0)?;
                handle.reload(filter).map_err(|error| error.to_string())
            };
            (subscriber.try_init(), Box::new(set))
        }
    };
    started.map_err(|error| Refused(format!("logging: {error}")))?;
    Ok(set)
}
