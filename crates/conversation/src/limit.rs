//! Ends an answer where the client wants it to end: at a number of tokens, or at a stop text.
//!
//! Neither upstream flow has fields for these limits, so the gateway enforces them between the
//! session and the client. Text that could be the beginning of a stop text is held back until it
//! is known not to be one. Reasoning counts towards the tokens but is not searched.

use crate::{BlockKind, Event, Limits, StopReason, TokenCounter};

/// Filters the events of one answer.
#[derive(Debug)]
pub struct Limiter {
    stop: Vec<String>,
    most_tokens: Option<u64>,
    counter: TokenCounter,
    held: String,
    block: Block,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    None,
    Text,
    Other,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Continue,
    /// The answer has been ended; the upstream call may be dropped.
    Ended,
}

impl Limiter {
    /// `None` when the client set no limit: then there is nothing to do per event.
    #[must_use]
    pub fn new(limits: &Limits) -> Option<Self> {
        if limits.stop.is_empty() && limits.max_output_tokens.is_none() {
            return None;
        }
        Some(Self {
            stop: limits.stop.clone(),
            most_tokens: limits.max_output_tokens,
            counter: TokenCounter::default(),
            held: String::new(),
            block: Block::None,
        })
    }

    /// Passes one event on, shortened, delayed or replaced by an early end.
    pub fn push(&mut self, event: Event, out: &mut Vec<Event>) -> Verdict {
        match event {
            Event::Opened(kind) => {
                self.block = match kind {
                    BlockKind::Text => Block::Text,
                    BlockKind::Reasoning | BlockKind::ToolCall { .. } => Block::Other,
                };
                out.push(Event::Opened(kind));
                Verdict::Continue
            }
            Event::Delta(text) => self.delta(text, out),
            Event::Closed(seal) => {
                let held = std::mem::take(&mut self.held);
                if let Verdict::Ended = self.emit(held, out) {
                    return Verdict::Ended;
                }
                self.block = Block::None;
                out.push(Event::Closed(seal));
                Verdict::Continue
            }
            Event::Started { .. } | Event::Usage(_) | Event::Finished(_) => {
                out.push(event);
                Verdict::Continue
            }
        }
    }

    fn delta(&mut self, text: String, out: &mut Vec<Event>) -> Verdict {
        if self.block != Block::Text || self.stop.is_empty() {
            return self.emit(text, out);
        }
        self.held.push_str(&text);
        if let Some((at, stop)) = self.first_stop() {
            let stop = stop.to_owned();
            let mut rest = std::mem::take(&mut self.held);
            rest.truncate(at);
            if let Verdict::Ended = self.emit(rest, out) {
                return Verdict::Ended;
            }
            self.end(StopReason::StopSequence(stop), out);
            return Verdict::Ended;
        }
        let keep = self.possible_beginning();
        let rest = self.held.split_off(self.held.len() - keep);
        let sure = std::mem::replace(&mut self.held, rest);
        self.emit(sure, out)
    }

    /// The earliest stop text in what is held; the longest of those that begin there.
    fn first_stop(&self) -> Option<(usize, &str)> {
        self.stop
            .iter()
            .filter_map(|stop| self.held.find(stop.as_str()).map(|at| (at, stop.as_str())))
            .min_by_key(|(at, stop)| (*at, usize::MAX - stop.len()))
    }

    /// Bytes at the end of what is held that may be the beginning of a stop text.
    fn possible_beginning(&self) -> usize {
        self.stop
            .iter()
            .filter_map(|stop| {
                (1..stop.len().min(self.held.len() + 1))
                    .rev()
                    .find(|&n| stop.is_char_boundary(n) && self.held.ends_with(&stop[..n]))
            })
            .max()
            .unwrap_or(0)
    }

    fn emit(&mut self, text: String, out: &mut Vec<Event>) -> Verdict {
        if text.is_empty() {
            return Verdict::Continue;
        }
        let Some(most) = self.most_tokens else {
            out.push(Event::Delta(text));
            return Verdict::Continue;
        };
        let mut counter = self.counter;
        counter.push(&text);
        if counter.count() <= most {
            self.counter = counter;
            out.push(Event::Delta(text));
            return Verdict::Continue;
        }
        let fitting = self.fitting_prefix(&text, most);
        if !fitting.is_empty() {
            out.push(Event::Delta(fitting.to_owned()));
        }
        self.end(StopReason::MaxOutput, out);
        Verdict::Ended
    }

    /// The longest beginning of `text` with which the answer has at most `most` tokens.
    fn fitting_prefix<'t>(&self, text: &'t str, most: u64) -> &'t str {
        let mut counter = self.counter;
        for (at, c) in text.char_indices() {
            counter.push(c.encode_utf8(&mut [0; 4]));
            if counter.count() > most {
                return &text[..at];
            }
        }
        text
    }

    fn end(&mut self, reason: StopReason, out: &mut Vec<Event>) {
        if self.block != Block::None {
            out.push(Event::Closed(None));
        }
        out.push(Event::Finished(reason));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Grammar, fold};

    fn run(limits: &Limits, pieces: &[&str]) -> (String, StopReason) {
        let mut events = vec![
            Event::Started { id: "a".into(), model: "m".into() },
            Event::Opened(BlockKind::Text),
        ];
        events
            .extend(pieces.iter().filter(|p| !p.is_empty()).map(|p| Event::Delta((*p).to_owned())));
        events.push(Event::Closed(None));
        events.push(Event::Finished(StopReason::EndTurn));
        let mut limiter = Limiter::new(limits).expect("limits set");
        let mut out = Vec::new();
        for event in events {
            if limiter.push(event, &mut out) == Verdict::Ended {
                break;
            }
        }
        let mut grammar = Grammar::default();
        for event in &out {
            grammar.accept(event).expect("legal sequence");
        }
        assert!(grammar.is_ended());
        let reply = fold(out.into_iter().map(Ok)).expect("complete");
        (reply.text(), reply.stop)
    }

    fn stops(texts: &[&str]) -> Limits {
        Limits { max_output_tokens: None, stop: texts.iter().map(|s| (*s).to_owned()).collect() }
    }

    #[test]
    fn a_stop_text_split_across_pieces_is_found_and_not_shown() {
        let (text, stop) = run(&stops(&["END"]), &["abcE", "N", "Dxyz"]);
        assert_eq!(text, "abc");
        assert_eq!(stop, StopReason::StopSequence("END".into()));
    }

    #[test]
    fn a_false_beginning_is_shown_after_all() {
        let (text, stop) = run(&stops(&["END"]), &["abcEN", "C", "E"]);
        assert_eq!(text, "abcENCE");
        assert_eq!(stop, StopReason::EndTurn);
    }

    #[test]
    fn the_token_limit_cuts_inside_a_piece() {
        let limits = Limits { max_output_tokens: Some(3), stop: Vec::new() };
        let (text, stop) = run(&limits, &["w1 w2 ", "w3 w4 "]);
        assert_eq!(stop, StopReason::MaxOutput);
        assert!("w1 w2 w3".starts_with(text.trim_end()) && !text.is_empty(), "{text}");
    }

    /// Defect: every piece was charged by itself, so an answer in small pieces ended early.
    #[test]
    fn the_token_limit_does_not_depend_on_the_pieces() {
        let text = "Sphinx of black quartz, judge my vow. Sphinx of black quartz, judge my vow.";
        let limits = Limits { max_output_tokens: Some(9), stop: Vec::new() };
        let letters: Vec<String> = text.chars().map(String::from).collect();
        let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
        assert_eq!(run(&limits, &letters), run(&limits, &[text]));
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(text in "[abE ND\u{e9}]{0,40}", cuts in proptest::collection::vec(0usize..40, 0..6)) {
            let whole = run(&stops(&["END", "aa"]), &[&text]);
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|&c| c <= text.len() && text.is_char_boundary(c)).collect();
            cuts.sort_unstable();
            cuts.push(text.len());
            let mut from = 0;
            let mut pieces = Vec::new();
            for cut in cuts {
                pieces.push(&text[from..cut]);
                from = cut;
            }
            prop_assert_eq!(run(&stops(&["END", "aa"]), &pieces), whole);
        }
    }
}
