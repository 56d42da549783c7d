//! Edits to a text by UTF-16 offsets, as editors count them.
//!
//! Pure (`reference/upstream-protocol.md` §11, "change" and "order"). `range` says the same place
//! once more and is not looked at; what `change_length` means is disputed, so it is not either.

use std::cmp::Reverse;

use cursor_proto::aiserver::{FilesyncUpdateWithModelVersion, SingleUpdateRequest};

/// Why edits do not lead to a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EditError {
    /// The request contradicts itself.
    Invalid(String),
    /// The edits are for another text than the one that is here.
    Mismatch,
    /// The text grows beyond the limit.
    TooLarge,
}

/// A text and the version of the document that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Versioned {
    pub(crate) text: String,
    pub(crate) version: i32,
}

/// Applies the edits of all versions newer than `version`, in order; older ones are already in
/// the text. `path` is the file's, `limit` the most UTF-16 units of any version.
pub(crate) fn apply(
    text: &str,
    version: i32,
    path: &str,
    updates: &[FilesyncUpdateWithModelVersion],
    limit: usize,
) -> Result<Versioned, EditError> {
    check(path, updates)?;
    let mut now = version;
    let mut units: Option<Vec<u16>> = None;
    for update in updates.iter().filter(|update| update.model_version > version) {
        let units = units.get_or_insert_with(|| text.encode_utf16().collect());
        one_version(units, &update.updates)?;
        if units.len() > limit {
            return Err(EditError::TooLarge);
        }
        if usize::try_from(update.expected_file_length) != Ok(units.len()) {
            return Err(EditError::Mismatch);
        }
        now = update.model_version;
    }
    let text = match units {
        None => text.to_owned(),
        // Half a surrogate pair is no text, so there is nothing to take a hash of.
        Some(units) => String::from_utf16(&units).map_err(|_| EditError::Mismatch)?,
    };
    Ok(Versioned { text, version: now })
}

fn check(path: &str, updates: &[FilesyncUpdateWithModelVersion]) -> Result<(), EditError> {
    let invalid = |text: String| Err(EditError::Invalid(text));
    for (at, update) in updates.iter().enumerate() {
        let own = &update.relative_workspace_path;
        if !own.is_empty() && own != path {
            return invalid(format!("filesync_updates[{at}] is for {own:?}, not for {path:?}"));
        }
        if at > 0 && update.model_version <= updates[at - 1].model_version {
            return invalid(format!("filesync_updates[{at}].model_version does not grow"));
        }
        for single in &update.updates {
            if single.start_position < 0 || single.end_position < single.start_position {
                let (from, to) = (single.start_position, single.end_position);
                return invalid(format!("filesync_updates[{at}] replaces {from}..{to}"));
            }
        }
    }
    Ok(())
}

/// All offsets are those of the text before this version, so the highest place goes first.
fn one_version(units: &mut Vec<u16>, updates: &[SingleUpdateRequest]) -> Result<(), EditError> {
    let mut ordered: Vec<(usize, usize, &str)> = Vec::with_capacity(updates.len());
    for single in updates {
        let offset = |position: i32| usize::try_from(position).map_err(|_| EditError::Mismatch);
        let (start, end) = (offset(single.start_position)?, offset(single.end_position)?);
        if end > units.len() {
            return Err(EditError::Mismatch);
        }
        ordered.push((start, end, &single.replaced_string));
    }
    // Stable: of insertions at one place, the one listed first ends up behind the others, as in
    // a list that goes through the document from the bottom up.
    ordered.sort_by_key(|&(start, end, _)| Reverse((start, end)));
    if let Some(pair) = ordered.windows(2).find(|pair| pair[1].1 > pair[0].0) {
        let text = format!("edits of one version overlap at {}", pair[0].0);
        return Err(EditError::Invalid(text));
    }
    for (start, end, replacement) in ordered {
        units.splice(start..end, replacement.encode_utf16());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn single(start: i32, end: i32, new: &str) -> SingleUpdateRequest {
        SingleUpdateRequest {
            start_position: start,
            end_position: end,
            replaced_string: new.into(),
            ..Default::default()
        }
    }

    fn version(
        number: i32,
        length: i32,
        updates: Vec<SingleUpdateRequest>,
    ) -> FilesyncUpdateWithModelVersion {
        FilesyncUpdateWithModelVersion {
            model_version: number,
            expected_file_length: length,
            updates,
            ..Default::default()
        }
    }

    fn applied(text: &str, length: i32, updates: Vec<SingleUpdateRequest>) -> String {
        apply(text, 1, "a", &[version(2, length, updates)], 100).expect("a text").text
    }

    #[test]
    fn any_listed_order_gives_the_same_text() {
        let edits = [single(0, 1, "X"), single(2, 2, "--"), single(3, 5, "")];
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
            let listed = order.map(|at: usize| edits[at].clone()).to_vec();
            assert_eq!(applied("abcdef", 6, listed), "Xb--cf");
        }
    }

    #[test]
    fn an_insertion_before_a_replacement_at_the_same_place() {
        for listed in
            [[single(1, 1, "i"), single(1, 2, "R")], [single(1, 2, "R"), single(1, 1, "i")]]
        {
            assert_eq!(applied("abc", 4, listed.to_vec()), "aiRc");
        }
        assert_eq!(applied("ab", 4, vec![single(1, 1, "2"), single(1, 1, "1")]), "a12b");
    }

    #[test]
    fn offsets_are_utf16_units() {
        assert_eq!(applied("👋é\r\nx", 5, vec![single(2, 3, "e"), single(5, 6, "")]), "👋e\r\n");
        // An edit may cut a pair if another one completes it.
        assert_eq!(
            apply("👋", 1, "a", &[version(2, 1, vec![single(1, 2, "")])], 100),
            Err(EditError::Mismatch)
        );
    }

    #[test]
    fn versions_go_on_from_each_other_and_old_ones_are_skipped() {
        let all = [
            version(2, 9, vec![single(0, 3, "nonsense!")]),
            version(3, 4, vec![single(3, 3, "d")]),
            version(7, 5, vec![single(4, 4, "e")]),
        ];
        let done = apply("abc", 2, "a", &all, 100).expect("a text");
        assert_eq!(done, Versioned { text: "abcde".into(), version: 7 });
        let none = apply("abc", 9, "a", &all, 100).expect("a text");
        assert_eq!(none, Versioned { text: "abc".into(), version: 9 });
    }

    #[test]
    fn refusals() {
        let with = |updates: &[FilesyncUpdateWithModelVersion]| {
            apply("abc", 1, "a.rs", updates, 5).expect_err("a refusal")
        };
        let one = |length, single| [version(2, length, vec![single])];
        assert_eq!(with(&one(3, single(3, 4, "x"))), EditError::Mismatch, "beyond the text");
        assert_eq!(with(&one(5, single(3, 3, "x"))), EditError::Mismatch, "another length");
        assert_eq!(with(&one(6, single(0, 0, "xyz"))), EditError::TooLarge);
        let invalid =
            |error: EditError| assert!(matches!(error, EditError::Invalid(_)), "{error:?}");
        invalid(with(&one(3, single(-1, 0, ""))));
        invalid(with(&one(3, single(2, 1, ""))));
        invalid(with(&[version(2, 3, vec![single(0, 2, "ab"), single(1, 3, "bc")])]));
        invalid(with(&[version(3, 3, vec![]), version(3, 3, vec![])]));
        let mut other = version(2, 3, vec![]);
        other.relative_workspace_path = "b.rs".into();
        invalid(with(&[other]));
    }
}
