//! The server's copies of files that are being edited, per user and client key.
//!
//! Bounded in number and bytes; the copies not used for longest go first, which a client sees as
//! `non_existant` and answers with an upload.

use std::collections::HashMap;
use std::sync::Arc;

/// The largest file, in bytes of UTF-8 (`FSConfigResponse.max_file_size_to_sync_bytes`).
pub(crate) const MAX_FILE: usize = 1_000_000;
/// The most files of all users together.
const MAX_FILES: usize = 1000;
/// The most bytes of all files together.
const MAX_BYTES: usize = 64 << 20;

/// A file as the server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyncedFile {
    /// The client's name for the file.
    pub uuid: String,
    /// The path relative to the workspace.
    pub path: String,
    /// The version of the document.
    pub version: i32,
    /// The whole text.
    pub text: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    user: String,
    /// Fingerprint of the client key.
    client: String,
    uuid: String,
}

#[derive(Debug)]
struct Entry {
    file: SyncedFile,
    touched: u64,
}

/// All copies.
#[derive(Debug)]
pub(crate) struct Files {
    entries: HashMap<Key, Entry>,
    bytes: usize,
    clock: u64,
    max_files: usize,
    max_bytes: usize,
}

impl Default for Files {
    fn default() -> Self {
        Self::new(MAX_FILES, MAX_BYTES)
    }
}

impl Files {
    fn new(max_files: usize, max_bytes: usize) -> Self {
        Self { entries: HashMap::new(), bytes: 0, clock: 0, max_files, max_bytes }
    }

    /// The file of this name; it counts as used.
    pub(crate) fn get(&mut self, user: &str, client: &str, uuid: &str) -> Option<SyncedFile> {
        self.clock += 1;
        let entry = self.entries.get_mut(&key(user, client, uuid))?;
        entry.touched = self.clock;
        Some(entry.file.clone())
    }

    /// The file under this path, the one used last if several are; it counts as used.
    pub(crate) fn by_path(&mut self, user: &str, client: &str, path: &str) -> Option<SyncedFile> {
        self.clock += 1;
        let own = self.entries.iter_mut().filter(|(key, entry)| {
            key.user == user && key.client == client && entry.file.path == path
        });
        let (_, entry) = own.max_by_key(|(_, entry)| entry.touched)?;
        entry.touched = self.clock;
        Some(entry.file.clone())
    }

    /// Keeps a file, in place of the one of the same name.
    pub(crate) fn put(&mut self, user: &str, client: &str, file: SyncedFile) {
        self.clock += 1;
        self.bytes += file.text.len();
        let key = key(user, client, &file.uuid);
        let old = self.entries.insert(key, Entry { file, touched: self.clock });
        self.bytes -= old.map_or(0, |old| old.file.text.len());
        while self.entries.len() > self.max_files || self.bytes > self.max_bytes {
            self.forget_oldest();
        }
    }

    /// The files of a user, the one used longest ago first.
    pub(crate) fn of(&self, user: &str) -> Vec<SyncedFile> {
        let mut own: Vec<&Entry> = self
            .entries
            .iter()
            .filter(|(key, _)| key.user == user)
            .map(|(_, entry)| entry)
            .collect();
        own.sort_by_key(|entry| entry.touched);
        own.into_iter().map(|entry| entry.file.clone()).collect()
    }

    fn forget_oldest(&mut self) {
        let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.touched);
        if let Some(key) = oldest.map(|(key, _)| key.clone())
            && let Some(entry) = self.entries.remove(&key)
        {
            self.bytes -= entry.file.text.len();
        }
    }
}

fn key(user: &str, client: &str, uuid: &str) -> Key {
    Key { user: user.to_owned(), client: client.to_owned(), uuid: uuid.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(uuid: &str, path: &str, text: &str) -> SyncedFile {
        SyncedFile { uuid: uuid.into(), path: path.into(), version: 1, text: text.into() }
    }

    #[test]
    fn users_and_keys_do_not_see_each_other() {
        let mut files = Files::default();
        files.put("u", "k", file("1", "a", "text"));
        assert_eq!(files.get("u", "k", "1").expect("a file").text.as_ref(), "text");
        assert!(files.get("v", "k", "1").is_none() && files.get("u", "l", "1").is_none());
        assert!(files.by_path("u", "l", "a").is_none() && files.by_path("u", "k", "b").is_none());
        assert_eq!((files.of("u").len(), files.of("v").len()), (1, 0));
    }

    #[test]
    fn of_two_files_under_one_path_the_newest_is_meant() {
        let mut files = Files::default();
        files.put("u", "k", file("1", "a", "one"));
        files.put("u", "k", file("2", "a", "two"));
        assert_eq!(files.by_path("u", "k", "a").expect("a file").uuid, "2");
        files.get("u", "k", "1");
        assert_eq!(files.by_path("u", "k", "a").expect("a file").uuid, "1");
    }

    #[test]
    fn the_file_not_used_for_longest_is_forgotten() {
        let mut files = Files::new(2, 10);
        files.put("u", "k", file("1", "a", "1234"));
        files.put("u", "k", file("2", "b", "1234"));
        files.get("u", "k", "1");
        files.put("u", "k", file("3", "c", "12"));
        assert!(files.get("u", "k", "2").is_none());
        assert_eq!((files.entries.len(), files.bytes), (2, 6));
        files.put("u", "k", file("3", "c", "1234567"));
        assert!(files.get("u", "k", "1").is_none(), "too many bytes");
        assert_eq!((files.entries.len(), files.bytes), (1, 7));
    }
}
