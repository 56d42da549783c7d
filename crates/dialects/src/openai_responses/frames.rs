//! Server-sent events of this dialect: numbered without gaps, each with its name in an `event:`
//! line as well as in its `type`.

use bytes::{BufMut, BytesMut};

use crate::json;

/// Writes events.
#[derive(Debug, Default)]
pub(super) struct Frames {
    next: usize,
}

impl Frames {
    /// An event with these fields besides `type` and `sequence_number`.
    pub(super) fn put(&mut self, kind: &str, fields: &[Field<'_>], out: &mut BytesMut) {
        let room: usize = fields.iter().map(Field::room).sum();
        out.reserve(2 * kind.len() + room + 64);
        for piece in ["event: ", kind, "\ndata: {\"type\":\"", kind, "\",\"sequence_number\":"] {
            out.put_slice(piece.as_bytes());
        }
        json::put_number(self.next, out);
        self.next += 1;
        for field in fields {
            field.put(out);
        }
        out.put_slice(b"}\n\n");
    }
}

/// A field of an event.
#[derive(Debug, Clone, Copy)]
pub(super) enum Field<'a> {
    Text(&'static str, &'a str),
    Number(&'static str, usize),
    /// JSON on one line.
    Json(&'static str, &'a str),
}

impl Field<'_> {
    fn room(&self) -> usize {
        match self {
            Self::Text(name, value) | Self::Json(name, value) => name.len() + value.len() + 8,
            Self::Number(name, _) => name.len() + 24,
        }
    }

    fn put(&self, out: &mut BytesMut) {
        let (Self::Text(name, _) | Self::Number(name, _) | Self::Json(name, _)) = self;
        out.put_slice(b",\"");
        out.put_slice(name.as_bytes());
        out.put_slice(b"\":");
        match self {
            Self::Text(_, text) => {
                out.put_u8(b'"');
                json::escape_into(text, out);
                out.put_u8(b'"');
            }
            Self::Number(_, number) => json::put_number(*number, out),
            Self::Json(_, json) => out.put_slice(json.as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_numbered_and_named_twice() {
        let mut out = BytesMut::new();
        let mut frames = Frames::default();
        frames.put("a.b", &[Field::Text("delta", "x\n\"")], &mut out);
        frames.put("c", &[Field::Number("index", 120), Field::Json("item", "{}")], &mut out);
        assert_eq!(
            String::from_utf8(out.to_vec()).expect("UTF-8"),
            "event: a.b\ndata: {\"type\":\"a.b\",\"sequence_number\":0,\"delta\":\"x\\n\\\"\"}\n\n\
             event: c\ndata: {\"type\":\"c\",\"sequence_number\":1,\"index\":120,\"item\":{}}\n\n"
        );
    }
}
