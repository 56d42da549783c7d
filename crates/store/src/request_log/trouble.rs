//! What can go wrong with the file of the request log.

use rusqlite::ErrorCode;

use crate::StoreError;

pub(super) enum Trouble {
    Sql(rusqlite::Error),
    /// What is in the file makes no sense; says what.
    Damaged(String),
    /// The query took too long.
    Slow,
    /// The folder cannot be used.
    Folder(StoreError),
}

impl Trouble {
    /// Whether it is the file's content, which another attempt will not change.
    pub(super) fn is_damage(&self) -> bool {
        match self {
            Self::Damaged(_) => true,
            Self::Sql(error) => matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
            ),
            Self::Slow | Self::Folder(_) => false,
        }
    }

    /// As whoever asked is told.
    pub(super) fn told(self) -> StoreError {
        match self {
            Self::Sql(error) => StoreError::Unavailable(format!("the request log: {error}")),
            Self::Damaged(what) => {
                StoreError::Unavailable(format!("the request log is damaged: {what}"))
            }
            Self::Slow => StoreError::TooBroad,
            Self::Folder(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Folder(error)
    }
}
