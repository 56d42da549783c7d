//! Texts that are searched by their parts, each once: names of models, kinds and texts of errors.
//!
//! A search looks through the list and then through the numbers of its words. The list is bounded:
//! a word that is too long, or comes when the list is full, is [`UNLISTED`], and a search has to
//! look at the entry itself. Every word knows how often it is used and goes with its last use.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use rusqlite::{Connection, params};

use super::trouble::Trouble;

/// The number for no word at all.
pub(super) const NOTHING: u16 = 0;
/// The number of all words that are not in the list.
pub(super) const UNLISTED: u16 = 1;
const FIRST: u16 = 2;
/// Most words of a list.
const MOST: u16 = 32_768;
/// Bytes of the longest word in the list.
const LONGEST: usize = 256;

/// Kind and text.
type Word = (String, String);

/// The writer's view of one list; the table lags behind it until [`Words::save`].
#[derive(Debug)]
pub(super) struct Words {
    table: Table,
    words: HashMap<Arc<Word>, u16>,
    uses: HashMap<u16, (u64, Arc<Word>)>,
    free: BTreeSet<u16>,
    changed: BTreeSet<u16>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Table {
    Models,
    Faults,
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Self::Models => "models",
            Self::Faults => "faults",
        }
    }

    /// Looks at every word: its number, kind and text.
    pub(super) fn each(
        self,
        connection: &Connection,
        mut look: impl FnMut(u16, &str, &str) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let sql = format!("SELECT id, kind, text FROM {}", self.name());
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let text = |column| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
            look(row.get(0)?, text(1)?, text(2)?)?;
        }
        Ok(())
    }
}

impl Words {
    pub(super) fn load(connection: &Connection, table: Table) -> Result<Self, Trouble> {
        let mut words = Self {
            table,
            words: HashMap::new(),
            uses: HashMap::new(),
            free: (FIRST..FIRST + MOST).collect(),
            changed: BTreeSet::new(),
        };
        let sql = format!("SELECT id, kind, text, uses FROM {}", table.name());
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (id, word) = (row.get(0)?, (row.get(1)?, row.get(2)?));
            let uses: i64 = row.get(3)?;
            words.list(id, uses.cast_unsigned(), word);
        }
        Ok(words)
    }

    fn list(&mut self, id: u16, uses: u64, word: Word) {
        let word = Arc::new(word);
        self.free.remove(&id);
        self.words.insert(Arc::clone(&word), id);
        self.uses.insert(id, (uses, word));
    }

    /// Uses a word once more; gives its number.
    pub(super) fn take(&mut self, kind: &str, text: &str) -> u16 {
        if kind.len() + text.len() > LONGEST {
            return UNLISTED;
        }
        let word = (kind.to_owned(), text.to_owned());
        let id = match self.words.get(&word) {
            Some(id) => *id,
            None => match self.free.first() {
                Some(id) => {
                    let id = *id;
                    self.list(id, 0, word);
                    id
                }
                None => return UNLISTED,
            },
        };
        if let Some((uses, _)) = self.uses.get_mut(&id) {
            *uses += 1;
        }
        self.changed.insert(id);
        id
    }

    /// Uses a word once less.
    pub(super) fn give_back(&mut self, id: u64) {
        let Ok(id) = u16::try_from(id) else { return };
        if let Some((uses, _)) = self.uses.get_mut(&id) {
            *uses = uses.saturating_sub(1);
            self.changed.insert(id);
        }
    }

    /// Writes down what has changed, and drops what is no longer used.
    pub(super) fn save(&mut self, connection: &Connection) -> Result<(), Trouble> {
        let table = self.table.name();
        for id in std::mem::take(&mut self.changed) {
            let Some((uses, word)) = self.uses.get(&id) else { continue };
            let (kind, text) = &**word;
            if *uses > 0 {
                let sql = format!(
                    "INSERT INTO {table} (id, kind, text, uses) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (id) DO UPDATE
                     SET kind = excluded.kind, text = excluded.text, uses = excluded.uses"
                );
                let mut statement = connection.prepare_cached(&sql)?;
                statement.execute(params![id, kind, text, uses.cast_signed()])?;
                continue;
            }
            let sql = format!("DELETE FROM {table} WHERE id = ?1");
            connection.prepare_cached(&sql)?.execute([id])?;
            if let Some((_, word)) = self.uses.remove(&id) {
                self.words.remove(&word);
            }
            self.free.insert(id);
        }
        Ok(())
    }
}
