//! What became of suggestions: the reports of `CppService/RecordCppFate`.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use buffa::Enumeration as _;
use cursor_proto::aiserver::RecordCppFateRequest;

use crate::failure::Failure;

const KEPT: usize = 1000;
const MAX_TEXT: usize = 256;

/// One report.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompletionFate {
    /// Whose report.
    pub user: String,
    /// The binding id of the suggestion, as the client sent it.
    pub request_id: String,
    /// The name on the wire: `CPP_FATE_ACCEPT`, `CPP_FATE_REJECT` or `CPP_FATE_PARTIAL_ACCEPT`.
    pub fate: &'static str,
    /// The file extension.
    pub extension: String,
}

/// The newest reports.
#[derive(Debug, Default)]
pub(crate) struct Fates(Mutex<VecDeque<CompletionFate>>);

impl Fates {
    fn inner(&self) -> MutexGuard<'_, VecDeque<CompletionFate>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn record(&self, user: &str, report: RecordCppFateRequest) -> Result<(), Failure> {
        let fate = report.fate.as_known().filter(|fate| fate.to_i32() != 0);
        let fate = fate.ok_or_else(|| Failure::invalid("fate is required"))?.proto_name();
        if report.request_id.is_empty() || report.request_id.len() > MAX_TEXT {
            return Err(Failure::invalid(format!("request_id must have 1 to {MAX_TEXT} bytes")));
        }
        if report.extension.len() > MAX_TEXT {
            return Err(Failure::invalid(format!("extension is longer than {MAX_TEXT} bytes")));
        }
        let mut kept = self.inner();
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(CompletionFate {
            user: user.to_owned(),
            request_id: report.request_id,
            fate,
            extension: report.extension,
        });
        Ok(())
    }

    /// All that are kept, oldest first.
    pub(crate) fn all(&self) -> Vec<CompletionFate> {
        self.inner().iter().cloned().collect()
    }
}
