//! Log lines as set: standard error, text or JSON, filtered.

use settings::{LogFormat, LogSettings};
use telemetry::lines::{self, LineControl, LineFormat};

use crate::terminal::Refused;

/// What comes back changes the filter while lines are written.
///
/// # Errors
/// The filter is no filter.
pub(crate) fn start(settings: &LogSettings) -> Result<LineControl, Refused> {
    let format = match settings.format {
        LogFormat::Text => LineFormat::Text,
        LogFormat::Json => LineFormat::Json,
    };
    lines::start(&settings.filter, format).map_err(|error| Refused(format!("log.level: {error}")))
}
