//! `cursor-api backup`, `restore` and `rotate-key`: the database itself.

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use secrecy::SecretString;
use settings::Settings;
use store::{KeySource, SqliteStore, StoreError};

use crate::accounts::bounded;
use crate::args::{BackupArgs, RestoreArgs, RotateKeyArgs};
use crate::compose::{key_source, open_store};
use crate::sources;
use crate::terminal::{Refused, complain, say};

pub(crate) fn backup(args: BackupArgs) -> Result<ExitCode> {
    let settings = sources::settings(&args.settings)?;
    SqliteStore::backup_beside(&settings.data_dir, &args.file)
        .map_err(|error| anyhow!("no backup was made: {error}"))?;
    say(&format!("{}: written", args.file.display()));
    match key_source(&settings) {
        KeySource::File(path) => complain(&format!(
            "keep a copy of {} too, in another place: without it the backup cannot be read",
            path.display()
        )),
        KeySource::Given(_) => {
            complain("keep store.key too, in another place: without it the backup cannot be read");
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn restore(args: RestoreArgs) -> Result<ExitCode> {
    let settings = sources::settings(&args.settings)?;
    let had_one = SqliteStore::is_in(&settings.data_dir);
    SqliteStore::restore(&settings.data_dir, &args.file, key_source(&settings))
        .map_err(|error| problem(&settings, "nothing was restored", &error))?;
    say(&format!("{}: restored into {}", args.file.display(), settings.data_dir.display()));
    if had_one {
        complain("what was there is kept beside it as cursor-api.db.before-restore");
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn rotate_key(args: RotateKeyArgs) -> Result<ExitCode> {
    const LONGEST: u64 = 1024;
    let settings = sources::settings(&args.settings)?;
    if !SqliteStore::is_in(&settings.data_dir) {
        let folder = settings.data_dir.display();
        return Err(Refused(format!("data_dir: {folder}: there is no database yet")).into());
    }
    let new = match &args.new_key_file {
        None => None,
        Some(path) => {
            let name = path.display().to_string();
            let file =
                std::fs::File::open(path).map_err(|error| Refused(format!("{name}: {error}")))?;
            let bytes = bounded(file, LONGEST, &name)?;
            let text = String::from_utf8(bytes)
                .map_err(|_| Refused(format!("{name}: is no UTF-8 text")))?;
            Some(SecretString::from(text.trim()))
        }
    };
    let unchanged = "the key was not changed";
    let store = open_store(&settings).map_err(|error| problem(&settings, unchanged, &error))?;
    store.rotate_key(new).map_err(|error| problem(&settings, unchanged, &error))?;
    drop(store);
    match key_source(&settings) {
        KeySource::File(path) => {
            say(&format!("all secrets are encrypted anew; the key is in {}", path.display()));
        }
        KeySource::Given(_) => {
            say(
                "all secrets are encrypted anew; set store.key to the new key before the next start",
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A gateway in the way is something to be told, not a failure of the disk.
fn problem(settings: &Settings, what: &str, error: &StoreError) -> anyhow::Error {
    match error {
        StoreError::InUse(_) => Refused(format!(
            "{what}: a gateway or another command is using {}; stop it first",
            settings.data_dir.display()
        ))
        .into(),
        StoreError::Unavailable(_)
        | StoreError::TooBroad
        | StoreError::Key(_)
        | StoreError::Conflict(_) => {
            anyhow!("{what}: {error}")
        }
    }
}
