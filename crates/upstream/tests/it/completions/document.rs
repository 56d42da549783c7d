//! A file in an editor: its text in UTF-16, its version, and random edits of it.

use conversation::completion::{FileSync, FileSyncUpdate, FileUpdate, FileUpload, UpdateRange};
use sha2::{Digest as _, Sha256};

pub(super) const UUID: &str = "file:///home/demo/src/a.rs";
pub(super) const PATH: &str = "src/a.rs";

/// One, two and three bytes, a surrogate pair, line ends of both kinds, and nothing.
const PIECES: [&str; 10] =
    ["x", "let y = 2;", "ü", "文字", "👋", "\n", "\r\n", "    ", "", "e\u{301}"];

pub(super) struct Document {
    units: Vec<u16>,
    pub(super) version: i32,
    /// State of the generator (Knuth's MMIX constants); a run is the same every time.
    seed: u64,
}

impl Document {
    pub(super) fn new(text: &str, seed: u64) -> Self {
        Self { units: text.encode_utf16().collect(), version: 1, seed }
    }

    pub(super) fn text(&self) -> String {
        String::from_utf16(&self.units).expect("no half pairs")
    }

    pub(super) fn hash(&self) -> String {
        hex::encode(Sha256::digest(self.text()))
    }

    pub(super) fn upload(&self) -> FileUpload {
        FileUpload {
            uuid: UUID.into(),
            relative_workspace_path: PATH.into(),
            contents: self.text(),
            model_version: self.version,
            sha256_hash: Some(self.hash()),
        }
    }

    /// The request for these updates, all made to this document.
    pub(super) fn sync(&self, filesync_updates: Vec<FileSyncUpdate>) -> FileSync {
        FileSync {
            uuid: UUID.into(),
            relative_workspace_path: PATH.into(),
            model_version: self.version,
            filesync_updates,
            sha256_hash: self.hash(),
        }
    }

    /// A number below `bound`.
    pub(super) fn random(&mut self, bound: usize) -> usize {
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.seed >> 33).expect("31 bits") % bound
    }

    /// A new version by one to three random replacements.
    pub(super) fn edit(&mut self) -> FileSyncUpdate {
        let count = 1 + self.random(3);
        let mut places: Vec<usize> = (0..2 * count).map(|_| self.place()).collect();
        places.sort_unstable();
        // Which of two changes at one place comes first is not for this test.
        let mut changes: Vec<(usize, usize, &str)> = Vec::new();
        for pair in places.chunks(2) {
            // Now and then a long way; mostly a few characters.
            let end = if self.random(20) == 0 { pair[1] } else { self.near(pair[0], pair[1]) };
            if changes.last().is_none_or(|(_, before, _)| *before < pair[0]) {
                changes.push((pair[0], end, PIECES[self.random(PIECES.len())]));
            }
        }
        self.replace(&changes)
    }

    /// A new version by these replacements, in order and apart, places being those before.
    pub(super) fn replace(&mut self, changes: &[(usize, usize, &str)]) -> FileSyncUpdate {
        let mut updates = Vec::new();
        // From the bottom up, as editors list them.
        for (start, end, text) in changes.iter().rev() {
            let number = |at: usize| i32::try_from(at).expect("small");
            let (from, to) = (self.point(*start), self.point(*end));
            updates.push(FileUpdate {
                start_position: number(*start),
                end_position: number(*end),
                change_length: number(end - start),
                replaced_string: (*text).to_owned(),
                range: Some(UpdateRange {
                    start_line_number: from.0,
                    start_column: from.1,
                    end_line_number_inclusive: to.0,
                    end_column: to.1,
                }),
            });
        }
        for (start, end, text) in changes.iter().rev() {
            self.units.splice(start..end, text.encode_utf16());
        }
        self.version += 1;
        FileSyncUpdate {
            model_version: self.version,
            relative_workspace_path: PATH.into(),
            updates,
            expected_file_length: i32::try_from(self.units.len()).expect("small"),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.units.len()
    }

    /// A place that is not within a pair.
    fn place(&mut self) -> usize {
        let at = self.random(self.units.len() + 1);
        if self.is_within_pair(at) { at - 1 } else { at }
    }

    /// A few characters behind `start`, but not behind `end`.
    fn near(&mut self, start: usize, end: usize) -> usize {
        let at = end.min(start + self.random(6));
        if self.is_within_pair(at) { at - 1 } else { at }
    }

    fn is_within_pair(&self, at: usize) -> bool {
        self.units.get(at).is_some_and(|unit| (0xdc00..0xe000).contains(unit))
    }

    /// Line and column of a place, from 1.
    fn point(&self, at: usize) -> (i32, i32) {
        let breaks = |units: &[u16]| units.iter().filter(|unit| **unit == u16::from(b'\n')).count();
        let before = &self.units[..at];
        let line = before.iter().rposition(|unit| *unit == u16::from(b'\n')).map_or(0, |i| i + 1);
        let number = |count: usize| i32::try_from(count + 1).expect("small");
        (number(breaks(before)), number(at - line))
    }
}
