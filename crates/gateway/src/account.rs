//! An account as the gateway uses it: what it proves itself with and how it is served.

use accounts::{Alias, Credential};
use conversation::{Failure, FailureClass, Retry, Scope};
use upstream::transport::Via;
use upstream::{Caller, Flow, MachineIds};

use crate::tokens::TokenSource;

/// One account.
#[derive(Debug)]
pub struct Account {
    pub alias: Alias,
    pub flow: Flow,
    timezone: Option<String>,
    machine: MachineIds,
    pub(crate) tokens: TokenSource,
}

impl Account {
    #[must_use]
    pub fn new(alias: Alias, credential: Credential, flow: Flow, timezone: Option<String>) -> Self {
        let machine = MachineIds::derive(&credential.seed());
        Self { alias, flow, timezone, machine, tokens: TokenSource::new(credential) }
    }

    pub(crate) fn timezone(&self) -> Option<&str> {
        self.timezone.as_deref()
    }

    pub(crate) fn caller(&self, bearer: secrecy::SecretString) -> Caller {
        Caller {
            bearer,
            machine: self.machine.clone(),
            timezone: self.timezone.clone(),
            client_key: None,
            session_id: None,
            config_version: None,
            via: Via::Direct,
        }
    }
}

/// There is nobody to serve a turn.
pub(crate) fn no_accounts() -> Failure {
    Failure::new(FailureClass::Overloaded, "The gateway has no upstream account to use.")
        .scope(Scope::Account)
        .retry(Retry::Never)
        .log("no account is configured")
}
