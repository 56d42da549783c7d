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
    /// Headers whose values are percent-encoded.
    EncodedHeaders,
    /// `true` sends neither traces nor metrics; anything else says nothing.
    Disabled,
    /// Names of exporters, separated by commas: without `otlp` among them, none of this is sent.
    Exporters,
}

impl Convert {
    /// Gives the settings, too: some values belong to another one, or to none.
    ///
    /// # Errors
    /// What is expected instead; never holds what was written.
    pub(crate) fn apply(
        self,
        key: &'static str,
        text: &str,
    ) -> Result<Vec<(&'static str, String)>, String> {
        let one = |text: &str| Ok(vec![(key, text.to_owned())]);
        let with_unit = |unit: &str, expected: &str| match text.parse::<u64>() {
            Ok(number) => one(&format!("{number}{unit}")),
            Err(_) => Err(format!("expected {expected}")),
        };
        match self {
            Self::Same => one(text),
            Self::Seconds => with_unit("s", "a number of seconds"),
            Self::Milliseconds => with_unit("ms", "a number of milliseconds"),
            Self::Bytes => with_unit("B", "a number of bytes"),
            Self::Mebibytes => with_unit("MiB", "a number of MiB"),
            Self::Pictures => match text.to_ascii_lowercase().as_str() {
                "base64" | "base64-only" => one("false"),
                "all" | "base64-http" => one("true"),
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
                    |(name, _)| one(name),
                )
            }
            Self::Records => match text.parse::<u64>() {
                Ok(0) => Ok(vec![("request_log.enabled", "false".to_owned())]),
                Ok(100_000) => one("0"),
                Ok(number) => one(&number.to_string()),
                Err(_) => Err("expected a whole number".to_owned()),
            },
            Self::EncodedHeaders => {
                let headers: Result<Vec<String>, String> = text.split(',').map(decoded).collect();
                one(&headers?.join(","))
            }
            Self::Disabled if text.eq_ignore_ascii_case("true") => {
                let off = |key| (key, "false".to_owned());
                Ok(vec![off("otlp.traces"), off("otlp.metrics")])
            }
            Self::Disabled => Ok(Vec::new()),
            Self::Exporters => match text.split(',').any(|name| name.trim() == "otlp") {
                true => Ok(Vec::new()),
                false => one("false"),
            },
        }
    }
}

/// `name=value` with the value as it is sent.
fn decoded(header: &str) -> Result<String, String> {
    let Some((name, value)) = header.split_once('=') else { return Ok(header.to_owned()) };
    match String::from_utf8(percent_decoded(value.trim())) {
        Ok(value) if !value.contains(',') => Ok(format!("{name}={value}")),
        Ok(_) | Err(_) => {
            Err("expected name=value, separated by commas, and no other commas".to_owned())
        }
    }
}

/// What is no code stays.
fn percent_decoded(text: &str) -> Vec<u8> {
    let mut rest = text.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len());
    while let [first, behind @ ..] = rest {
        let digit = |at: usize| behind.get(at).and_then(|&byte| char::from(byte).to_digit(16));
        let code = digit(0).zip(digit(1)).filter(|_| *first == b'%');
        match code.and_then(|(high, low)| u8::try_from(high * 16 + low).ok()) {
            Some(byte) => {
                decoded.push(byte);
                rest = &behind[2..];
            }
            None => {
                decoded.push(*first);
                rest = behind;
            }
        }
    }
    decoded
}
