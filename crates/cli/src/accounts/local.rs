//! The account that the editor, or the command-line agent, on this machine is logged in with
//! (`reference/upstream-protocol.md` §4.1). Read only, and only after asking.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use secrecy::SecretString;
use serde::Deserialize;

use super::files::{add_all, bounded};
use crate::admin::AdminClient;
use crate::args::ImportArgs;
use crate::import::{Entry, Outcome};
use crate::terminal::{Refused, confirm, plain, say, stdin_is_terminal};

/// What a program keeps of its login.
struct Login {
    access: SecretString,
    refresh: Option<SecretString>,
    email: Option<String>,
}

pub(super) async fn import(args: ImportArgs) -> Result<ExitCode> {
    let path = match args.path {
        Some(path) => path,
        None => usual(args.editor)?,
    };
    let program = if args.editor { "the editor" } else { "the command-line agent" };
    if !args.yes {
        if !stdin_is_terminal() {
            let text = "this reads another program's tokens and asks before: without a terminal, \
                        say --yes";
            return Err(Refused(text.to_owned()).into());
        }
        let path = path.display();
        if !confirm(&format!("Read the tokens of {program} from {path} and add its account?")) {
            return Err(anyhow!("nothing was read"));
        }
    }
    let login = if args.editor { of_editor(&path)? } else { of_agent(&path)? };
    let alias = args.alias.or(login.email);
    let entry = entry(alias, &login.access)?.with_refresh(login.refresh);
    let (client, _) = AdminClient::open(&args.settings).await?;
    let added = add_all(&client, vec![entry], usize::MAX).await;
    client.close().await;
    let row = added?.pop().ok_or_else(|| anyhow!("nothing was added"))?;
    let alias = plain(row.alias.as_deref().unwrap_or_default());
    match row.outcome {
        Outcome::Added => say(&format!("{alias}: added")),
        Outcome::Skipped(reason) => say(&format!("{alias}: skipped: {}", plain(&reason))),
        Outcome::Rejected(reason) => return Err(anyhow!("{alias}: not added: {reason}")),
    }
    Ok(ExitCode::SUCCESS)
}

fn entry(alias: Option<String>, access: &SecretString) -> Result<Entry, Refused> {
    use secrecy::ExposeSecret as _;
    Entry::new(1, alias, access.expose_secret()).map_err(|row| match row.outcome {
        Outcome::Rejected(reason) | Outcome::Skipped(reason) => Refused(reason),
        Outcome::Added => Refused("no credential".to_owned()),
    })
}

/// Where the program keeps it on this system.
fn usual(editor: bool) -> Result<PathBuf, Refused> {
    #[expect(clippy::disallowed_methods, reason = "the composition root reads the environment")]
    let folder = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let database = "Cursor/User/globalStorage/state.vscdb";
    let path = if cfg!(windows) {
        let file = if editor { database } else { "Cursor/auth.json" };
        folder("APPDATA").map(|folder| folder.join(file))
    } else if cfg!(target_os = "macos") {
        let editor_file = format!("Library/Application Support/{database}");
        let file = if editor { editor_file.as_str() } else { ".cursor/auth.json" };
        folder("HOME").map(|home| home.join(file))
    } else {
        let config = folder("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
        let config = config.or_else(|| folder("HOME").map(|home| home.join(".config")));
        config.map(|config| config.join(if editor { database } else { "cursor/auth.json" }))
    };
    path.ok_or_else(|| Refused("the home folder is not known: name the file with --path".into()))
}

fn of_editor(path: &Path) -> Result<Login, Refused> {
    let failed = |why: &dyn std::fmt::Display| {
        let path = path.display();
        Refused(format!("{path}: {why} (if the editor is running, close it and try again)"))
    };
    std::fs::metadata(path).map_err(|error| Refused(format!("{}: {error}", path.display())))?;
    let database = open(path).map_err(|error| failed(&error))?;
    let value = |key: &str| {
        let found = database
            .query_row("SELECT CAST(value AS TEXT) FROM ItemTable WHERE key = ?1", [key], |row| {
                row.get::<_, Option<String>>(0)
            })
            .optional()
            .map_err(|error| failed(&error))?;
        Ok::<_, Refused>(found.flatten().filter(|text| !text.is_empty()))
    };
    let access = value("cursorAuth/accessToken")?.ok_or_else(|| {
        Refused(format!("{}: nobody is logged in with this editor", path.display()))
    })?;
    Ok(Login {
        access: access.into(),
        refresh: value("cursorAuth/refreshToken")?.map(SecretString::from),
        email: value("cursorAuth/cachedEmail")?,
    })
}

/// Without a lock, so that a running editor is not disturbed; with what it has in its log, if there
/// is one.
fn open(path: &Path) -> rusqlite::Result<Connection> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let has_log = std::fs::metadata(&log).is_ok_and(|metadata| metadata.len() > 0);
    let escaped: String = path
        .to_string_lossy()
        .chars()
        .map(|c| match c {
            '%' | '?' | '#' => format!("%{:02x}", u32::from(c)),
            '\\' if cfg!(windows) => "/".to_owned(),
            c => c.to_string(),
        })
        .collect();
    let root = if cfg!(windows) { "/" } else { "" };
    let immutable = if has_log { "" } else { "&immutable=1" };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(format!("file:{root}{escaped}?mode=ro{immutable}"), flags)
}

fn of_agent(path: &Path) -> Result<Login, Refused> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Auth {
        access_token: Option<SecretString>,
        refresh_token: Option<SecretString>,
        email: Option<String>,
    }
    const LONGEST: u64 = 1 << 20;
    let name = path.display().to_string();
    let file = std::fs::File::open(path).map_err(|error| Refused(format!("{name}: {error}")))?;
    let bytes = bounded(file, LONGEST, &name)?;
    let auth: Auth = serde_json::from_slice(&bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Refused(format!("{name}: is no JSON of a login: line {line}, column {column}"))
    })?;
    let access = auth
        .access_token
        .ok_or_else(|| Refused(format!("{name}: nobody is logged in with this program")))?;
    Ok(Login { access, refresh: auth.refresh_token, email: auth.email })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn database(path: &Path, rows: &[(&str, &str)]) -> Connection {
        let database = Connection::open(path).expect("a database");
        database
            .execute_batch(
                "CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)",
            )
            .expect("a table");
        for (key, value) in rows {
            database
                .execute("INSERT INTO ItemTable VALUES (?1, ?2)", (key, value.as_bytes()))
                .expect("a row");
        }
        database
    }

    #[test]
    fn the_editors_login_is_read_without_changing_its_file() {
        let folder = tempfile::tempdir().expect("a folder");
        // A path that an URI would cut.
        let path = folder.path().join("a #b?c%20.vscdb");
        drop(database(
            &path,
            &[
                ("cursorAuth/accessToken", "A"),
                ("cursorAuth/refreshToken", "R"),
                ("cursorAuth/cachedEmail", "a@example.com"),
                ("other", "x"),
            ],
        ));
        let before = std::fs::read(&path).expect("bytes");
        let login = of_editor(&path).expect("a login");
        assert_eq!(login.access.expose_secret(), "A");
        assert_eq!(login.refresh.expect("refresh").expose_secret(), "R");
        assert_eq!(login.email.as_deref(), Some("a@example.com"));
        assert_eq!(std::fs::read(&path).expect("bytes"), before);
        let files = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(files, 1, "no log and no lock is left");
    }

    #[test]
    fn what_a_running_editor_has_in_its_log_is_read_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.vscdb");
        let editor = database(&path, &[("cursorAuth/accessToken", "old")]);
        editor.pragma_update(None, "journal_mode", "WAL").expect("WAL");
        editor
            .execute("INSERT INTO ItemTable VALUES ('cursorAuth/accessToken', 'new')", [])
            .expect("a row");
        assert_eq!(of_editor(&path).expect("a login").access.expose_secret(), "new");
    }

    #[test]
    fn an_editor_without_a_login_and_a_file_that_is_none_are_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.vscdb");
        drop(database(&path, &[("cursorAuth/accessToken", "")]));
        let told = |path: &Path| of_editor(path).err().map(|refused| refused.0).unwrap_or_default();
        assert!(told(&path).contains("nobody is logged in"), "{}", told(&path));
        std::fs::write(&path, "canary, and no database at all").expect("written");
        assert!(told(&path).contains("not a database"), "{}", told(&path));
        assert!(!told(&path).contains("canary"));
        assert!(told(&folder.path().join("none")).contains("No such file"));
    }

    #[test]
    fn the_agents_login_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("auth.json");
        std::fs::write(&path, r#"{"accessToken":"A","refreshToken":"R","x":1}"#).expect("written");
        let login = of_agent(&path).expect("a login");
        assert_eq!(login.access.expose_secret(), "A");
        assert_eq!(login.refresh.expect("refresh").expose_secret(), "R");
        for content in ["{}", "canary", r#"{"accessToken":{"canary":1}}"#] {
            std::fs::write(&path, content).expect("written");
            let told = of_agent(&path).err().map(|refused| refused.0).unwrap_or_default();
            assert!(!told.is_empty() && !told.contains("canary"), "{told}");
        }
    }
}
