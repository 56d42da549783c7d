//! The settings file as a file: its bytes, their hash, and how they are replaced.

use std::fs::{self, File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// Longer settings files are none.
const LONGEST: u64 = 1 << 20;

/// The file; perhaps it is not there.
#[derive(Debug, Clone)]
pub(crate) struct SettingsFile {
    path: PathBuf,
}

/// What it holds at a moment.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Content {
    /// `None` when there is no file.
    pub(crate) text: Option<String>,
    /// Lower-case hex SHA-256; of nothing, when there is no file.
    pub(crate) hash: String,
}

/// Why it was not replaced.
#[derive(Debug)]
pub(crate) enum NotReplaced {
    /// Somebody else was faster.
    Other(Content),
    Failed(io::Error),
}

impl From<io::Error> for NotReplaced {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// Holds secrets.
impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Content").field("hash", &self.hash).finish_non_exhaustive()
    }
}

impl Content {
    fn of(text: Option<String>) -> Self {
        let hash = hash(text.as_deref().unwrap_or_default());
        Self { text, hash }
    }
}

pub(crate) fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

impl SettingsFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for the disk.
    ///
    /// # Errors
    /// It is there and cannot be read, is no text, or is too long. A pipe is no file: what it gave
    /// at the start it does not give again, and opening it may wait for ever.
    pub(crate) fn read(&self) -> io::Result<Content> {
        let is_file = |metadata: fs::Metadata| metadata.is_file();
        let file = match fs::metadata(&self.path).map(is_file) {
            Ok(true) => File::open(&self.path),
            Ok(false) => {
                let text = "no regular file, so it is read at the start only";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            }
            Err(error) => Err(error),
        };
        let file = match file {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Content::of(None)),
            Err(error) => return Err(error),
        };
        let mut text = String::new();
        file.take(LONGEST + 1).read_to_string(&mut text)?;
        if text.len() as u64 > LONGEST {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "longer than 1 MiB"));
        }
        Ok(Content::of(Some(text)))
    }

    /// Puts another text in its place, as long as it still has this hash: whole or not at all. A
    /// link stays one, the mode and the owner stay; a new file is for its owner alone.
    ///
    /// # Errors
    /// Nothing was changed.
    pub(crate) fn replace(&self, hash: &str, text: &str) -> Result<(), NotReplaced> {
        let target = match fs::canonicalize(&self.path) {
            Ok(path) => path,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.path.is_symlink() => {
                self.path.clone()
            }
            Err(error) => return Err(error.into()),
        };
        let folder = match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        // For its owner alone from the first byte on.
        let mut new = tempfile::Builder::new().prefix(".config-").tempfile_in(folder)?;
        new.write_all(text.as_bytes())?;
        if let Ok(old) = fs::metadata(&target) {
            let (made, file) = (new.as_file().metadata()?, new.as_file());
            if (made.uid(), made.gid()) != (old.uid(), old.gid()) {
                fchown(file, Some(old.uid()), Some(old.gid()))?;
            }
            file.set_permissions(Permissions::from_mode(old.mode() & 0o7777))?;
        }
        new.as_file().sync_all()?;
        let now = self.read()?;
        if now.hash != hash {
            return Err(NotReplaced::Other(now));
        }
        new.persist(&target).map_err(|error| error.error)?;
        // The name is on disk as well; where folders cannot be synced, nothing better can be done.
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder")
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").mode() & 0o777
    }

    #[test]
    fn a_new_file_is_for_its_owner_alone_and_an_old_one_keeps_its_mode() {
        let folder = folder();
        let file = SettingsFile::new(folder.path().join("config.toml"));
        let none = file.read().expect("none");
        assert!(none.text.is_none());
        file.replace(&none.hash, "port = 1").expect("made");
        assert_eq!(mode(file.path()), 0o600);
        fs::set_permissions(file.path(), Permissions::from_mode(0o640)).expect("set");
        file.replace(&hash("port = 1"), "port = 2").expect("replaced");
        assert_eq!(mode(file.path()), 0o640);
        assert_eq!(fs::read_to_string(file.path()).expect("text"), "port = 2");
        assert_eq!(fs::read_dir(folder.path()).expect("files").count(), 1);
    }

    #[test]
    fn a_link_stays_one() {
        let (folder, other) = (folder(), folder());
        let target = other.path().join("real.toml");
        fs::write(&target, "a").expect("written");
        let file = SettingsFile::new(folder.path().join("config.toml"));
        symlink(&target, file.path()).expect("a link");
        file.replace(&hash("a"), "b").expect("replaced");
        assert!(file.path().is_symlink());
        assert_eq!(fs::read_to_string(&target).expect("text"), "b");
    }

    #[test]
    fn who_saw_another_text_changes_nothing() {
        let folder = folder();
        let file = SettingsFile::new(folder.path().join("config.toml"));
        fs::write(file.path(), "a").expect("written");
        let refused = file.replace(&hash("b"), "c").expect_err("stale");
        assert!(matches!(refused, NotReplaced::Other(now) if now.hash == hash("a")));
        assert_eq!(fs::read_to_string(file.path()).expect("text"), "a");
    }
}
