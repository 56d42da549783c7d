//! Percent-encoding, as aliases have it in headers.

use std::fmt::Write as _;

/// Encodes what is not printable ASCII, and what lists in headers use themselves.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_graphic() && !matches!(byte, b',' | b'=' | b'%') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// `None` for what is not encoded, or not UTF-8.
pub(crate) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
            let value = digit()? * 16 + digit()?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_fit_for_a_header_and_come_back() {
        for (text, shown) in
            [("work-1", "work-1"), ("a b,c=d%\r\n", "a%20b%2Cc%3Dd%25%0D%0A"), ("工", "%E5%B7%A5")]
        {
            assert_eq!(encoded(text), shown);
            assert_eq!(decoded(shown).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_not_encoded_is_nothing() {
        for odd in ["%", "%5", "%zz", "100%x", "%FF"] {
            assert_eq!(decoded(odd), None, "{odd}");
        }
    }
}
