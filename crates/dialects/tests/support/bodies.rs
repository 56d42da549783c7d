//! Bodies of requests that are damaged in any way, for the properties of the decoders.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

pub(crate) fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..200)
}

/// What may stand where a value was: these of a dialect, what is wrong in every dialect, or any
/// few characters.
pub(crate) fn pieces(own: &[&'static str]) -> impl Strategy<Value = String> {
    let common = [
        "null",
        "true",
        "-1",
        "1e400",
        "0.5",
        "\"\"",
        "\"x\"",
        "[]",
        "{}",
        "[{}]",
        "[null]",
        "",
        "[[[[",
        "\"\\ud800\"",
        "18446744073709551616",
    ];
    let literal = select([&common, own].concat());
    prop_oneof![literal.prop_map(str::to_owned), "\\PC{0,6}"]
}

/// The request with a few of its values replaced by [`pieces`].
pub(crate) fn changed(
    request: &'static str,
    own: &[&'static str],
) -> impl Strategy<Value = String> {
    vec((any::<Index>(), pieces(own)), 1..5).prop_map(|changes| {
        let mut body = request.to_owned();
        for (at, piece) in changes {
            let tokens: Vec<(usize, &str)> =
                body.match_indices([',', ':', '{', '[', '"']).collect();
            let at = tokens[at.index(tokens.len())].0;
            let end = body[at..].find([',', '}', ']']).map_or(body.len(), |end| at + end);
            body.replace_range(at + 1..end.max(at + 1), &piece);
        }
        body
    })
}
