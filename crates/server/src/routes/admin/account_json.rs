//! Accounts as JSON: what `/tokens/get` shows and what the other endpoints take.

pub(super) use self::read::{AddedList, AddedObject, Checksum, Info, Row, added};
pub(super) use self::show::{ShownRow, State};

mod read;
mod show;
