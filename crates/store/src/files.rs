//! Files that only their owner may read, and writes that survive a power cut.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::StoreError;

/// Says which file it was.
pub(crate) fn failed(doing: &str, path: &Path, error: &io::Error) -> StoreError {
    StoreError::Unavailable(format!("cannot {doing} {}: {error}", path.display()))
}

/// The path with something put behind its name: `a/b.db` and `-wal` give `a/b.db-wal`.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Makes the folder, readable for its owner alone, unless it is there.
pub(crate) fn private_folder(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path).map_err(|error| failed("create the folder", path, &error))
}

/// How a new file is opened that only its owner may read.
pub(crate) fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

/// Makes a file that must not be there yet, and makes it last.
pub(crate) fn create_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = private_options().create_new(true).open(path)?;
    file.write_all(content)?;
    file.sync_all()?;
    sync_folder_of(path)
}

/// Makes creations, renames and removals in a file's folder last.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened as a file.
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// Removes the file if there is one.
pub(crate) fn remove(path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(failed("remove", path, &error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Puts one file in the place of another, so that a crash leaves one or the other.
pub(crate) fn replace(from: &Path, to: &Path) -> Result<(), StoreError> {
    std::fs::rename(from, to)
        .and_then(|()| sync_folder_of(to))
        .map_err(|error| failed("replace", to, &error))
}

/// Whether the file is there and holds something.
pub(crate) fn has_content(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.len() > 0)
}

/// One process at a time works in a folder; ends when this is dropped.
#[derive(Debug)]
pub(crate) struct FolderLock {
    file: File,
}

impl FolderLock {
    pub(crate) fn take(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join("lock");
        let file = private_options()
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| failed("open", &path, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(std::fs::TryLockError::WouldBlock) => {
                Err(StoreError::InUse(folder.display().to_string()))
            }
            Err(std::fs::TryLockError::Error(error)) => Err(failed("lock", &path, &error)),
        }
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Closing is not enough: a process that is just being started has a copy of the handle
        // until it runs its own program.
        let _ = self.file.unlock();
    }
}
