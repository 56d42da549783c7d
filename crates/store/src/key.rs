//! The master key: where it comes from, and the file it is kept in.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretBox, SecretString};

use crate::files::{self, beside, failed};
use crate::{Random, StoreError};

/// Where the master key comes from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// A file with 64 hex characters, mode 0600; made together with the database.
    File(PathBuf),
    /// The key itself: 32 bytes as 64 hex characters or as base64.
    Given(SecretString),
}

impl KeySource {
    /// The file `master.key` beside the database.
    #[must_use]
    pub fn default_in(dir: &Path) -> Self {
        Self::File(dir.join("master.key"))
    }

    /// Whether a key that was given can be one; files are looked at when they are needed.
    ///
    /// # Errors
    /// `Key`: it is malformed.
    pub fn check(&self) -> Result<(), StoreError> {
        match self {
            Self::File(_) => Ok(()),
            Self::Given(key) => MasterKey::parse(key.expose_secret()).map(drop),
        }
    }
}

/// The 32 bytes that everything is encrypted with.
#[derive(Debug)]
pub(crate) struct MasterKey(pub(crate) SecretBox<[u8; 32]>);

/// A key file is 65 bytes; more is not read.
const FILE_LIMIT: u64 = 1024;

impl MasterKey {
    pub(crate) fn generate(random: &Random) -> Self {
        Self(SecretBox::init_with_mut(|bytes: &mut [u8; 32]| random(bytes)))
    }

    /// # Errors
    /// The text is not 32 bytes in hex or base64.
    pub(crate) fn parse(text: &str) -> Result<Self, StoreError> {
        let text = text.trim();
        let bytes = Zeroizing::new(if text.len() == 64 {
            hex::decode(text).unwrap_or_default()
        } else {
            base64::engine::general_purpose::STANDARD_NO_PAD
                .decode(text.trim_end_matches('='))
                .unwrap_or_default()
        });
        let bytes: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| {
            StoreError::Key("a key is 32 bytes, as 64 hex characters or as base64".to_owned())
        })?;
        Ok(Self(SecretBox::init_with_mut(|key: &mut [u8; 32]| key.copy_from_slice(bytes))))
    }

    /// Reads a key file; `None` when there is none.
    ///
    /// # Errors
    /// It cannot be read, others may read it, or it holds no key.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, StoreError> {
        let file = match std::fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("open the key file", path, &error)),
        };
        check_mode(path, &file)?;
        let mut text = Zeroizing::new(String::new());
        file.take(FILE_LIMIT)
            .read_to_string(&mut text)
            .map_err(|error| failed("read the key file", path, &error))?;
        Self::parse(&text).map(Some).map_err(|_| {
            StoreError::Key(format!("{} does not hold 64 hex characters", path.display()))
        })
    }

    /// Makes the key file; whole or not at all.
    ///
    /// # Errors
    /// The file is there already or cannot be written.
    pub(crate) fn create(&self, path: &Path) -> Result<(), StoreError> {
        let mut text = Zeroizing::new(hex::encode(self.0.expose_secret()));
        text.push('\n');
        files::create_private(path, text.as_bytes())
            .map_err(|error| failed("write the key file", path, &error))
    }
}

#[cfg(unix)]
fn check_mode(path: &Path, file: &std::fs::File) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = file.metadata().map_err(|error| failed("look at", path, &error))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(StoreError::Key(format!(
        "{path} may be read or written by others (mode {mode:04o}): chmod 600 {path}"
    )))
}

#[cfg(not(unix))]
fn check_mode(_path: &Path, _file: &std::fs::File) -> Result<(), StoreError> {
    Ok(())
}

/// The file that the next key waits in while everything is encrypted anew.
pub(crate) fn next_file(path: &Path) -> PathBuf {
    beside(path, ".new")
}

/// The key of a database that does not exist yet. A key file that is there is used.
pub(crate) fn first(source: &KeySource, random: &Random) -> Result<MasterKey, StoreError> {
    match source {
        KeySource::Given(text) => MasterKey::parse(text.expose_secret()),
        KeySource::File(path) => {
            if let Some(key) = MasterKey::read(path)? {
                return Ok(key);
            }
            // By way of a second name: a crash while writing must not leave half a key.
            let draft = next_file(path);
            files::remove(&draft)?;
            let key = MasterKey::generate(random);
            key.create(&draft)?;
            files::replace(&draft, path)?;
            Ok(key)
        }
    }
}

/// The key of a database that exists, without a look at whether it fits.
pub(crate) fn present(source: &KeySource) -> Result<MasterKey, StoreError> {
    match source {
        KeySource::Given(text) => MasterKey::parse(text.expose_secret()),
        KeySource::File(path) => MasterKey::read(path)?.ok_or_else(|| {
            StoreError::Key(format!(
                "the key file {} is missing: put it back, nothing else can open this database",
                path.display()
            ))
        }),
    }
}

/// The key that fits. Ends a rotation that a crash has cut: either the new key is in force and its
/// file takes its place, or it never was and goes.
pub(crate) fn settle(
    source: &KeySource,
    fits: impl Fn(&MasterKey) -> Result<(), StoreError>,
) -> Result<MasterKey, StoreError> {
    let key = present(source)?;
    let KeySource::File(path) = source else {
        return fits(&key).map(|()| key);
    };
    let waiting = next_file(path);
    match fits(&key) {
        Ok(()) => files::remove(&waiting).map(|()| key),
        Err(wrong @ StoreError::Key(_)) => match MasterKey::read(&waiting) {
            Ok(Some(next)) if fits(&next).is_ok() => {
                files::replace(&waiting, path)?;
                Ok(next)
            }
            Ok(_) | Err(_) => Err(wrong),
        },
        Err(other) => Err(other),
    }
}
