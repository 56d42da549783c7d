//! Text to values: durations, sizes, words.

use std::time::Duration;

/// `500ms`, `10s`, `5m`, `2h`, `30d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let expected = || "expected a duration such as 500ms, 10s, 5m, 2h or 30d".to_owned();
    let (number, unit) = split_unit(text).ok_or_else(expected)?;
    let millis: u64 = match unit {
        // Nothing is nothing in every unit.
        "" if number == 0 => 0,
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(expected()),
    };
    number.checked_mul(millis).map(Duration::from_millis).ok_or_else(expected)
}

/// A wait that is one: zero would make every request fail, or never rest.
pub(crate) fn wait(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("must be longer than nothing".to_owned()),
        wait => Ok(wait),
    }
}

/// `1048576`, `512KiB`, `32MiB`, `1GiB`.
pub(crate) fn bytes(text: &str) -> Result<usize, String> {
    let expected = || "expected a size such as 512KiB, 32MiB or 1GiB".to_owned();
    let (number, unit) = split_unit(text).ok_or_else(expected)?;
    let factor: u64 = match unit {
        "" | "B" => 1,
        "KiB" | "K" => 1 << 10,
        "MiB" | "M" => 1 << 20,
        "GiB" | "G" => 1 << 30,
        _ => return Err(expected()),
    };
    number.checked_mul(factor).and_then(|bytes| usize::try_from(bytes).ok()).ok_or_else(expected)
}

pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

/// A base URL as far as it can be told here.
pub(crate) fn url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let legal = |rest: &str| {
        let authority = rest.split('/').next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        // Colons within brackets belong to the address.
        let port = host.rsplit(']').next().and_then(|rest| rest.split_once(':'));
        !host.is_empty()
            && !rest.contains('?')
            && port.is_none_or(|(_, port)| port.parse::<u16>().is_ok())
    };
    match rest {
        Some(rest) if legal(rest) => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err("expected http://HOST[:PORT] or https://HOST[:PORT]".to_owned()),
    }
}

/// Origins as browsers send them, separated by commas; `*` for all.
pub(crate) fn origins(text: &str) -> Result<Vec<String>, String> {
    let origins: Vec<String> =
        text.split(',').map(str::trim).filter(|o| !o.is_empty()).map(str::to_owned).collect();
    let legal = |origin: &String| {
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        origin == "*"
            || host.is_some_and(|host| {
                !host.is_empty() && host.bytes().all(|b| b.is_ascii_graphic() && b != b'/')
            })
    };
    match origins.iter().all(legal) {
        true => Ok(origins),
        false => Err("expected origins such as https://app.example, or *".to_owned()),
    }
}

/// Headers as OpenTelemetry writes them: `name=value`, separated by commas.
pub(crate) fn headers(text: &str) -> Result<Vec<(String, String)>, String> {
    let token = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
    };
    let legal = |value: &str| value.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let header = |entry: &str| {
        let (name, value) = entry.split_once('=')?;
        let (name, value) = (name.trim(), value.trim());
        (token(name) && legal(value)).then(|| (name.to_owned(), value.to_owned()))
    };
    let headers: Option<Vec<_>> = entries.map(header).collect();
    headers.ok_or_else(|| "expected name=value, separated by commas".to_owned())
}

/// In front of keys: short, and nothing that a header or a URL would change.
pub(crate) fn key_prefix(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match text.chars().all(plain) && !text.is_empty() && text.len() <= 32 {
        true => Ok(text.to_owned()),
        false => Err("expected 1 to 32 letters, digits, - _ or .".to_owned()),
    }
}

/// `/api`: begins with a slash, ends without one; empty for none.
pub(crate) fn prefix(text: &str) -> Result<String, String> {
    let text = text.trim_end_matches('/');
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.~".contains(c);
    if text.is_empty() || (text.starts_with('/') && text.chars().all(plain)) {
        return Ok(text.to_owned());
    }
    Err("expected a path that begins with /, of letters, digits, - _ . ~ and /".to_owned())
}

fn split_unit(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..at].parse().ok()?, text[at..].trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_have_units() {
        assert_eq!(duration("1500ms"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("2 h"), Ok(Duration::from_secs(7200)));
        assert_eq!(duration("30d"), Ok(Duration::from_secs(30 * 24 * 3600)));
        assert_eq!(bytes("32MiB"), Ok(32 << 20));
        assert!(duration("10").is_err() && duration("s").is_err() && bytes("1TB").is_err());
        assert!(duration("99999999999999999999s").is_err());
    }

    #[test]
    fn urls_have_a_host_and_a_port_that_is_one() {
        for text in
            ["http://h", "https://h:1/", "http://[::1]", "http://[::1]:65535", "http://u:p@h:1/x"]
        {
            assert!(url(text).is_ok(), "{text}");
        }
        for text in [
            "h",
            "ftp://h",
            "http://",
            "http:///x",
            "http://h:65536",
            "http://[::1]:x",
            "http://h?x",
        ] {
            assert!(url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn zero_needs_no_unit() {
        assert_eq!(duration("0"), Ok(Duration::ZERO));
    }

    #[test]
    fn origins_have_a_scheme_and_no_path() {
        assert_eq!(origins(""), Ok(Vec::new()));
        let two = origins("https://a.example, http://localhost:5173").expect("legal");
        assert_eq!(two, ["https://a.example", "http://localhost:5173"]);
        assert_eq!(origins("*"), Ok(vec!["*".to_owned()]));
        for text in ["a.example", "https://", "https://a.example/", "null"] {
            assert!(origins(text).is_err(), "{text}");
        }
    }

    #[test]
    fn prefixes_begin_with_a_slash() {
        assert_eq!(prefix("/api/"), Ok("/api".to_owned()));
        assert_eq!(prefix(""), Ok(String::new()));
        assert!(prefix("api").is_err() && prefix("/a b").is_err() && prefix("/{x}").is_err());
    }
}
