//! JSON text as every dialect writes it: what `serde_json` writes, and besides that the line
//! separators U+0085, U+2028 and U+2029 as escapes, because some clients split server-sent
//! events at them.

use std::io;

use bytes::{BufMut, BytesMut};
use serde::Serialize;
use serde_json::ser::Formatter;

/// A value as one line of JSON.
pub(crate) fn to_vec(value: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Careful);
    value.serialize(&mut serializer).expect("own structs with text keys, written to memory");
    out
}

struct Careful;

impl Formatter for Careful {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment.as_bytes();
        while let Some((at, separator)) = find_separator(rest) {
            writer.write_all(&rest[..at])?;
            writer.write_all(separator.escape)?;
            rest = &rest[at + separator.length..];
        }
        writer.write_all(rest)
    }
}

struct Separator {
    /// Bytes in UTF-8.
    length: usize,
    escape: &'static [u8],
}

fn find_separator(bytes: &[u8]) -> Option<(usize, Separator)> {
    (0..bytes.len())
        .filter(|&at| matches!(bytes[at], 0xC2 | 0xE2))
        .find_map(|at| separator_at(&bytes[at..]).map(|separator| (at, separator)))
}

/// Whether a line separator begins here.
fn separator_at(bytes: &[u8]) -> Option<Separator> {
    match bytes {
        [0xC2, 0x85, ..] => Some(Separator { length: 2, escape: b"\\u0085" }),
        [0xE2, 0x80, 0xA8, ..] => Some(Separator { length: 3, escape: b"\\u2028" }),
        [0xE2, 0x80, 0xA9, ..] => Some(Separator { length: 3, escape: b"\\u2029" }),
        _ => None,
    }
}

/// What a byte means inside a JSON string.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    /// Backslash and this letter.
    Short(u8),
    /// `\u00XX`.
    Control,
    /// May begin a line separator.
    Lead,
}

const KINDS: [Kind; 256] = {
    let mut kinds = [Kind::Plain; 256];
    let mut byte = 0;
    while byte < 0x20 {
        kinds[byte] = Kind::Control;
        byte += 1;
    }
    kinds[0x08] = Kind::Short(b'b');
    kinds[b'\t' as usize] = Kind::Short(b't');
    kinds[b'\n' as usize] = Kind::Short(b'n');
    kinds[0x0C] = Kind::Short(b'f');
    kinds[b'\r' as usize] = Kind::Short(b'r');
    kinds[b'"' as usize] = Kind::Short(b'"');
    kinds[b'\\' as usize] = Kind::Short(b'\\');
    kinds[0xC2] = Kind::Lead;
    kinds[0xE2] = Kind::Lead;
    kinds
};

/// Appends the text as the inside of a JSON string: runs of plain bytes are copied whole.
pub(crate) fn escape_into(text: &str, out: &mut BytesMut) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let bytes = text.as_bytes();
    let mut copied = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let kind = KINDS[usize::from(byte)];
        if kind == Kind::Plain {
            at += 1;
            continue;
        }
        let mut length = 1;
        let control =
            [b'\\', b'u', b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
        let short;
        let escape: &[u8] = match kind {
            Kind::Short(letter) => {
                short = [b'\\', letter];
                &short
            }
            Kind::Control => &control,
            Kind::Plain | Kind::Lead => match separator_at(&bytes[at..]) {
                Some(separator) => {
                    length = separator.length;
                    separator.escape
                }
                None => {
                    at += 1;
                    continue;
                }
            },
        };
        out.put_slice(&bytes[copied..at]);
        out.put_slice(escape);
        at += length;
        copied = at;
    }
    out.put_slice(&bytes[copied..]);
}

/// Appends the number in decimal.
pub(crate) fn put_number(number: usize, out: &mut BytesMut) {
    if number >= 10 {
        put_number(number / 10, out);
    }
    out.put_u8(b"0123456789"[number % 10]);
}

/// A text that is known to be JSON, on one line: without blanks between its tokens, with the line
/// separators as escapes, and with no half of a surrogate pair, which raw values may have and
/// strict readers refuse.
pub(crate) fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut in_string = false;
    let mut rest = json;
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        match c {
            ' ' | '\t' | '\n' | '\r' if !in_string => {}
            '\\' => {
                let (escape, taken) = whole_escape(rest);
                out.push_str(escape);
                length = taken;
            }
            '\u{85}' => out.push_str("\\u0085"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            other => {
                in_string ^= other == '"';
                out.push(other);
            }
        }
        rest = &rest[length..];
    }
    out
}

/// The escape at the beginning of a text, and how many bytes of the text it stands for.
fn whole_escape(text: &str) -> (&str, usize) {
    let unit = |at: usize| {
        let digits = text.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let length = match (unit(0), unit(6)) {
        (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
        (Some(0xD800..=0xDFFF), _) => return ("\\ufffd", 6),
        (Some(_), _) => 6,
        // Backslash and one character; in JSON that is one byte.
        (None, _) => text.chars().take(2).map(char::len_utf8).sum(),
    };
    (&text[..length], length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(text: &str) -> String {
        let mut out = BytesMut::new();
        escape_into(text, &mut out);
        String::from_utf8(out.to_vec()).expect("UTF-8 stays UTF-8")
    }

    /// What `serde_json` writes, with the three extra escapes.
    fn expected(text: &str) -> String {
        let json = serde_json::to_string(text).expect("a string");
        json[1..json.len() - 1]
            .replace('\u{85}', "\\u0085")
            .replace('\u{2028}', "\\u2028")
            .replace('\u{2029}', "\\u2029")
    }

    #[test]
    fn every_character_below_u3000_is_escaped_like_serde_json() {
        for c in ('\0'..'\u{3000}').chain(['\u{1f600}', '\u{fffd}', '\u{10ffff}']) {
            let text = format!("a{c}{c}b");
            assert_eq!(escaped(&text), expected(&text), "{:x}", u32::from(c));
        }
    }

    /// litellm splits lines at these three.
    #[test]
    fn line_separators_of_unicode_never_stand_raw() {
        let text = "x\u{2028}y\u{2029}z\u{85}\u{7f}";
        assert_eq!(escaped(text), "x\\u2028y\\u2029z\\u0085\u{7f}");
        assert_eq!(to_vec(&text), b"\"x\\u2028y\\u2029z\\u0085\x7f\"");
    }

    #[test]
    fn numbers_are_written_in_decimal() {
        let mut out = BytesMut::new();
        for number in [0, 9, 10, 203, usize::MAX] {
            put_number(number, &mut out);
            assert_eq!(out.split(), number.to_string());
        }
    }

    #[test]
    fn compact_text_is_one_line_with_the_same_meaning() {
        let text = "{ \"a b\" : [ 1.50,\n\t\"x \\\" { \\\\\" , \"\u{2028}\u{85}\" ]\r\n}";
        assert_eq!(compact(text), r#"{"a b":[1.50,"x \" { \\","\u2028\u0085"]}"#);
    }

    #[test]
    fn half_a_surrogate_pair_does_not_get_through() {
        let text = r#"["\ud83d\ude00","\ud800","\udc00x","\ud800\n","\\ud800","\u00e9"]"#;
        let whole = r#"["\ud83d\ude00","\ufffd","\ufffdx","\ufffd\n","\\ud800","\u00e9"]"#;
        assert_eq!(compact(text), whole);
        assert!(serde_json::from_str::<Vec<String>>(whole).is_ok());
    }

    proptest! {
        #[test]
        fn compacting_keeps_the_meaning_and_survives_what_is_no_json(text in "(\\PC|[\u{0}-\u{20}\"\\\\u0-9d\u{2028}]){0,40}") {
            let _ = compact(&text);
            let json = format!(" {{ {} : [ 1 ] }}\n", serde_json::to_string(&text).expect("a string"));
            let line = compact(&json);
            let read = |json: &str| serde_json::from_str::<serde_json::Value>(json).expect("JSON");
            prop_assert_eq!(read(&line), read(&json));
            let is_line = !line.contains(['\n', '\u{2028}']);
            prop_assert!(is_line);
        }

        #[test]
        fn both_writers_agree_and_can_be_read_back(text in "(\\PC|[\u{0}-\u{20}\"\\\\\u{85}\u{2028}\u{2029}\u{2027}\u{a0}]){0,40}") {
            let json = format!("\"{}\"", escaped(&text));
            prop_assert_eq!(&escaped(&text), &expected(&text));
            prop_assert_eq!(to_vec(&text), json.as_bytes());
            prop_assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), text);
        }
    }
}
