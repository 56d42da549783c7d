//! Query strings and form bodies, as browsers write them.

/// The longest query that is read, in bytes.
pub(crate) const MAX_QUERY: usize = 2048;
const MAX_PAIRS: usize = 32;

/// Names and values of a query string or a form body.
#[derive(Debug, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// At most 32 pairs are read. What is no percent code stands for itself; what is no UTF-8 makes
    /// its pair disappear, which shows as a missing field.
    pub(crate) fn read(text: &str) -> Self {
        let pairs = text.split('&').take(MAX_PAIRS).filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name)?, decode(value)?))
        });
        Self(pairs.collect())
    }

    /// The first value under a name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn decode(text: &str) -> Option<String> {
    String::from_utf8(percent_decode(&text.replace('+', " "))).ok()
}

/// The bytes behind percent codes.
pub(crate) fn percent_decode(text: &str) -> Vec<u8> {
    let mut rest = text.as_bytes();
    let mut out = Vec::with_capacity(rest.len());
    while let Some((first, after)) = rest.split_first() {
        let code = if *first == b'%' { after.get(..2).and_then(hex_byte) } else { None };
        out.push(code.unwrap_or(*first));
        rest = if code.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    out
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    // `from_str_radix` would also take a sign.
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_and_percent_codes() {
        let form = Form::read("a=1&b=x%20y+z&b=second&c&%64=%C3%A9&bad=%FF&half=%4");
        assert_eq!((form.get("a"), form.get("b")), (Some("1"), Some("x y z")));
        assert_eq!((form.get("c"), form.get("d")), (Some(""), Some("é")));
        assert_eq!((form.get("bad"), form.get("half")), (None, Some("%4")));
        assert_eq!(percent_decode("%+1%3A%3a"), b"%+1::");
        assert_eq!(Form::read(&"x=1&".repeat(100)).0.len(), MAX_PAIRS);
    }
}
