//! Cutting text into pieces.

use std::fmt::Write as _;

/// At most this many pieces of a text that the simulator wrote itself.
const QUOTE_PIECES: usize = 64;

/// `text` in pieces of `size` code points.
pub(crate) fn pieces(mut text: &str, size: usize) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        if text.is_empty() {
            return None;
        }
        let end = text.char_indices().nth(size).map_or(text.len(), |(at, _)| at);
        let (piece, rest) = text.split_at(end);
        text = rest;
        Some(piece)
    })
}

/// The piece size of a quoted text: `split`, but larger for a long text.
pub(crate) fn quote_size(text: &str, split: usize) -> usize {
    split.max(text.chars().count().div_ceil(QUOTE_PIECES))
}

/// Writes the piece `wN `.
pub(crate) fn numbered(piece: &mut String, number: u32) {
    piece.clear();
    // Writing to a string does not fail.
    let _ = write!(piece, "w{number} ");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_code_points() {
        let of = |text, size| pieces(text, size).collect::<Vec<_>>();
        assert_eq!(of("héllo 世界", 4), ["héll", "o 世界"]);
        assert_eq!(of("ab", 1), ["a", "b"]);
        assert_eq!(of("", 4), [""; 0]);
    }

    #[test]
    fn quotes_stay_few() {
        assert_eq!(quote_size("short", 4), 4);
        let long = "x".repeat(100_000);
        assert!(pieces(&long, quote_size(&long, 4)).count() <= QUOTE_PIECES);
    }

    #[test]
    fn numbered_pieces_have_their_blank() {
        let mut piece = String::new();
        numbered(&mut piece, 1);
        numbered(&mut piece, 12);
        assert_eq!(piece, "w12 ");
    }
}
