//! A file that is edited for a while: the copy is always the editor's text.

use serde_json::json;

use super::{EDITOR, about, complete, events, outcome, synced, text, upload};
use crate::rig::{ANN, Rig};

/// Numbers that only look random (xorshift64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).expect("fits")).expect("fits")
    }

    fn piece(&mut self) -> &'static str {
        const PIECES: [&str; 12] =
            ["a", "fn ", "\r\n", "\n", "é", "👋", "👩‍👩‍👧‍👦", "\u{feff}", "工作", "\t\"", "\\", "𝄞x"];
        PIECES[self.below(PIECES.len())]
    }
}

/// A document as editors have it: units of UTF-16.
struct Document {
    units: Vec<u16>,
    version: i32,
}

impl Document {
    fn text(&self) -> String {
        String::from_utf16(&self.units).expect("whole characters")
    }

    /// A place that is not within a pair.
    fn place(&self, dice: &mut Dice) -> usize {
        let at = dice.below(self.units.len() + 1);
        let within = self.units.get(at).is_some_and(|unit| (0xdc00..0xe000).contains(unit));
        if within { at - 1 } else { at }
    }

    /// One change as a request; the longer the text, the more goes.
    fn change(&mut self, dice: &mut Dice) -> serde_json::Value {
        let (one, other) = (self.place(dice), self.place(dice));
        let near = |at: usize| if one.abs_diff(at) < 40 { at } else { one };
        let other = if self.units.len() > 4000 { other } else { near(other) };
        let (start, end) = (one.min(other), one.max(other));
        let new: String = (0..dice.below(8)).map(|_| dice.piece()).collect();
        self.units.splice(start..end, new.encode_utf16());
        self.version += 1;
        super::sync(self.version, (start, end), &new, &self.text())
    }
}

#[tokio::test]
async fn a_thousand_changes_are_taken_and_the_copy_completes() {
    let rig = Rig::new().await;
    let mut dice = Dice(0x5eed_5eed_5eed_5eed);
    let beginning = "fn é👋() {\r\n}\r\n".repeat(20);
    let mut document = Document { units: beginning.encode_utf16().collect(), version: 1 };
    assert_eq!(outcome(&rig, "/file/upload", &upload(&beginning, 1)).await, "unspecified");
    for number in 0..1000 {
        let change = document.change(&mut dice);
        assert_eq!(outcome(&rig, "/file/sync", &change).await, "unspecified", "change {number}");
    }
    let whole = document.text();
    assert!(whole.contains("👋") && whole.contains("\r\n"), "{whole:?}");
    let copy = rig.control.synced_file(ANN, EDITOR, super::UUID).expect("a copy");
    assert_eq!((&*copy.text, copy.version), (whole.as_str(), 1001));

    // The last changes come with the request for a completion and are not kept.
    let end = document.units.len();
    let more = "\r\nlet 👋 = f(";
    document.units.extend(more.encode_utf16());
    document.version += 1;
    let change = super::sync(document.version, (end, end), more, &document.text());
    let lines = document.text().split('\n').count() - 1;
    let mut body =
        synced(document.version, &document.text(), lines, "let 👋 = f(".encode_utf16().count());
    body["current_file"]["line_ending"] = json!("\r\n");
    body["filesync_updates"] = change["filesync_updates"].clone();
    let events = events(&complete(&rig, &body).await);
    assert_eq!(text(&events), "\r\nlet 👋 = f()");
    assert_eq!(events[1]["start_line_number"], json!(lines + 1));
    assert_eq!(outcome(&rig, "/file/sync", &change).await, "unspecified");
    body["filesync_updates"] = json!([]);
    assert_eq!(text(&super::events(&complete(&rig, &body).await)), "\r\nlet 👋 = f()");
    body["current_file"]["sha_256_hash"] = json!(super::hash("another text"));
    assert_eq!(complete(&rig, &body).await.status, 404);
    assert_eq!(complete(&rig, &about("f(", 0, 2)).await.status, 200);
}
