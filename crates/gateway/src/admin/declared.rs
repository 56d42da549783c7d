//! Accounts that the settings declare.

use accounts::Credential;
use secrecy::ExposeSecret as _;

use super::accounts::digest;
use super::input::Understood;
use super::{AccountInput, AdminError};
use crate::book::Draft;
use crate::service::{Gateway, Inner};

impl Gateway {
    /// Whether accounts can be declared, as far as it shows without doing it.
    ///
    /// # Errors
    /// One cannot be.
    pub fn check_declared(&self, list: Vec<AccountInput>) -> Result<(), AdminError> {
        for (row, input) in list.into_iter().enumerate() {
            let understood = self.inner().understand(input);
            understood.map_err(|error| error.within(&format!("accounts[{row}]")))?;
        }
        Ok(())
    }

    /// Accounts that the settings declare: put in, or given the credential that they declare now.
    /// Others stay as they are.
    ///
    /// # Errors
    /// The store does not take them, or one cannot be; then none is put in.
    pub async fn declare(&self, list: Vec<AccountInput>) -> Result<(), AdminError> {
        let inner = self.inner();
        inner
            .book
            .change(|draft| {
                for (row, input) in list.into_iter().enumerate() {
                    let at = format!("accounts[{row}]");
                    let understood = inner.understand(input).map_err(|error| error.within(&at))?;
                    declare_one(inner, draft, understood).map_err(|error| error.within(&at))?;
                }
                Ok(((), Vec::new()))
            })
            .await
    }
}

fn declare_one(inner: &Inner, draft: &mut Draft, understood: Understood) -> Result<(), AdminError> {
    let (Some(alias), Some((primary, _))) = (understood.alias.clone(), &understood.primary) else {
        return Err(AdminError::invalid("credential", "is missing"));
    };
    let declared = digest(primary.expose_secret());
    match draft.find(&alias).and_then(|id| draft.record(id)) {
        // What was refreshed since is newer than what is written down.
        Some(mut record) if record.declared == Some(declared) => {
            let credential = Credential::parse(record.tokens.primary.expose_secret())
                .map_err(|error| AdminError::invalid("credential", error.to_string()))?;
            let mut rest = understood;
            rest.primary = None;
            if digest(record.tokens.primary.expose_secret()) != declared {
                rest.forget_tokens();
            }
            // Most starts bring nothing new, and need not write.
            if rest.changes(&record) {
                let credential = rest.merge_into(&mut record, credential);
                draft.put(record, credential);
            }
            Ok(())
        }
        Some(mut record) => {
            let credential = Credential::parse(record.tokens.primary.expose_secret())
                .map_err(|error| AdminError::invalid("credential", error.to_string()))?;
            record.declared = Some(declared);
            let credential = understood.merge_into(&mut record, credential);
            draft.put(record, credential);
            Ok(())
        }
        None => {
            let id = draft.new_id();
            let (mut record, credential) = understood.into_record(id, alias, inner, true)?;
            record.declared = Some(declared);
            draft.put(record, credential);
            Ok(())
        }
    }
}
