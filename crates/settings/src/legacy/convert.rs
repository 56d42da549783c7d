//! From the text of an old name to the text of ours.

/// How a text is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Convert {
    /// Not at all.
    Same,
    /// A number of seconds.
    Seconds,
    /// A number of milliseconds.
    Milliseconds,
    /// A number of bytes.
    Bytes,
    /// A number of MiB.
    Mebibytes,
    /// Which pictures are taken: `base64` or `all`.
    Pictures,
    /// A region, or the host name that stands for it.
    Region,
    /// How many records are kept: 0 for none, 100000 for any number.
    Records,
}

impl Convert {
    /// Gives the setting, too: some values belong to another one.
    ///
    /// # Errors
    /// What is expected instead; never holds what was written.
    pub(crate) fn apply(
        self,
        key: &'static str,
        text: &str,
    ) -> Result<(&'static str, String), String> {
        let with_unit = |unit: &str, expected: &str| match text.parse::<u64>() {
            Ok(number) => Ok((key, format!("{number}{unit}"))),
            Err(_) => Err(format!("expected {expected}")),
        };
        match self {
            Self::Same => Ok((key, text.to_owned())),
            Self::Seconds => with_unit("s", "a number of seconds"),
            Self::Milliseconds => with_unit("ms", "a number of milliseconds"),
            Self::Bytes => with_unit("B", "a number of bytes"),
            Self::Mebibytes => with_unit("MiB", "a number of MiB"),
            Self::Pictures => match text.to_ascii_lowercase().as_str() {
                "base64" | "base64-only" => Ok((key, "false".to_owned())),
                "all" | "base64-http" => Ok((key, "true".to_owned())),
                "none" | "disabled" => Err("pictures cannot be refused altogether here; keys can \
                                            be made that take none (/build-key, disable_vision)"
                    .to_owned()),
                _ => Err("expected base64 or all".to_owned()),
            },
            Self::Region => {
                const REGIONS: [(&str, &str); 3] = [
                    ("Asia", "us-asia.gcpp.cursor.sh"),
                    ("EU", "us-eu.gcpp.cursor.sh"),
                    ("US", "us-only.gcpp.cursor.sh"),
                ];
                let found = REGIONS.iter().find(|(name, host)| {
                    name.eq_ignore_ascii_case(text) || host.eq_ignore_ascii_case(text)
                });
                found.map_or_else(
                    || Err("expected Asia, EU or US".to_owned()),
                    |(name, _)| Ok((key, (*name).to_owned())),
                )
            }
            Self::Records => match text.parse::<u64>() {
                Ok(0) => Ok(("request_log.enabled", "false".to_owned())),
                Ok(100_000) => Ok((key, "0".to_owned())),
                Ok(number) => Ok((key, number.to_string())),
                Err(_) => Err("expected a whole number".to_owned()),
            },
        }
    }
}
