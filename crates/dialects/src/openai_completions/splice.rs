//! Edits of whole lines, made into one text to insert at the cursor.
//!
//! An edit counts when it replaces lines around the cursor and leaves everything before and
//! behind the cursor as it is: what it adds in between is the text. Blanks behind the cursor may
//! go, for models drop them. All other edits have no place in this API and are left out; they are
//! kept in mind, because the lines of later edits are numbered as if they had been made. An edit
//! that changes what stands around the cursor makes the cursor's place unknown, and nothing after
//! it counts. No edit at all is an empty answer.
//!
//! An edit is looked at when it is complete: only then is it known to be one that counts.

mod file;

use conversation::completion::CompletionEvent;
use conversation::{
    BlockKind, Event, Limiter, Limits, StopReason, TokenCounter, Usage, UsageSource, Verdict,
    estimate_tokens,
};

use self::file::{Edit, File};

/// Makes the events of an answer from those of a completion, in the order of
/// [`conversation::Grammar`]: the caller's [`Event::Started`], any number of [`Splice::push`], and
/// then either [`Splice::finish`] or a failure.
#[derive(Debug)]
pub struct Splice {
    file: File,
    edit: Option<Edit>,
    limiter: Option<Limiter>,
    input: u64,
    output: TokenCounter,
    opened: bool,
    over: bool,
}

impl Splice {
    /// `cursor`: bytes of the text before it.
    pub(super) fn new(text: &str, cursor: usize, limits: &Limits) -> Self {
        Self {
            file: File::new(text, cursor),
            edit: None,
            limiter: Limiter::new(limits),
            input: estimate_tokens(text),
            output: TokenCounter::default(),
            opened: false,
            over: false,
        }
    }

    /// Takes an event of the completion. Once the verdict is that the answer has been ended,
    /// because of a limit, the completion may be dropped.
    pub fn push(&mut self, event: CompletionEvent, out: &mut Vec<Event>) -> Verdict {
        if self.over {
            return Verdict::Ended;
        }
        match event {
            CompletionEvent::RangeReplace {
                start_line_number,
                end_line_number_inclusive,
                binding_id: _,
                should_remove_leading_eol,
            } => {
                let verdict = self.complete(out);
                self.edit = Some(Edit::new(
                    start_line_number,
                    end_line_number_inclusive,
                    should_remove_leading_eol.unwrap_or(false),
                ));
                verdict
            }
            CompletionEvent::Text(text) => {
                if let Some(edit) = &mut self.edit {
                    edit.push(&text);
                }
                Verdict::Continue
            }
            CompletionEvent::DoneEdit
            | CompletionEvent::BeginEdit
            | CompletionEvent::DoneStream => self.complete(out),
            CompletionEvent::ModelInfo { .. }
            | CompletionEvent::CursorPrediction { .. }
            | CompletionEvent::Debug { .. } => Verdict::Continue,
        }
    }

    /// Ends the answer: the completion came to its end.
    pub fn finish(&mut self, out: &mut Vec<Event>) {
        if self.over || self.complete(out) == Verdict::Ended {
            return;
        }
        if self.opened && self.pass(Event::Closed(None), out) == Verdict::Ended {
            return;
        }
        self.pass(Event::Finished(StopReason::EndTurn), out);
        self.over = true;
    }

    fn complete(&mut self, out: &mut Vec<Event>) -> Verdict {
        let Some(text) = self.edit.take().and_then(|edit| self.file.apply(edit)) else {
            return Verdict::Continue;
        };
        if text.is_empty() {
            return Verdict::Continue;
        }
        if !self.opened {
            self.opened = true;
            self.pass(Event::Opened(BlockKind::Text), out);
        }
        self.pass(Event::Delta(text), out)
    }

    /// Through the limits, counting what the client gets; the count comes before the end.
    fn pass(&mut self, event: Event, out: &mut Vec<Event>) -> Verdict {
        let mut passed = Vec::new();
        let verdict = match &mut self.limiter {
            Some(limiter) => limiter.push(event, &mut passed),
            None => {
                passed.push(event);
                Verdict::Continue
            }
        };
        self.over |= verdict == Verdict::Ended;
        for event in passed {
            match &event {
                Event::Delta(text) => self.output.push(text),
                Event::Finished(_) => out.push(Event::Usage(self.usage())),
                Event::Started { .. } | Event::Opened(_) | Event::Closed(_) | Event::Usage(_) => {}
            }
            out.push(event);
        }
        verdict
    }

    fn usage(&self) -> Usage {
        Usage {
            input: self.input,
            output: self.output.count(),
            cache_read: None,
            cache_write: None,
            reasoning: None,
            source: UsageSource::Estimate,
        }
    }
}

#[cfg(test)]
mod tests;
