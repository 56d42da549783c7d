//! Protobuf by hand, for what the generated types cannot say: unknown fields and arms.

/// Appends a length-delimited field.
pub(crate) fn field(out: &mut Vec<u8>, number: u32, payload: &[u8]) {
    varint(out, u64::from(number) << 3 | 2);
    varint(out, payload.len() as u64);
    out.extend_from_slice(payload);
}

/// Appends a varint field.
pub(crate) fn number(out: &mut Vec<u8>, number: u32, value: u64) {
    varint(out, u64::from(number) << 3);
    varint(out, value);
}

/// A message that holds one length-delimited field.
pub(crate) fn message(number: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    field(&mut out, number, payload);
    out
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_as_in_the_vectors() {
        // `chat_responses/unknown_field`: field 1007 with three bytes.
        assert_eq!(message(1007, b"abc"), b"\xfa\x3e\x03abc");
        let mut out = Vec::new();
        number(&mut out, 1, 300);
        assert_eq!(out, b"\x08\xac\x02");
    }
}
