//! An answer in a format: what the model says is held back until it fits.
//!
//! Reasoning goes out as it comes. Calls of the client's tools go out as they are: only a final
//! answer has to fit. Holding the text back costs its streaming, and is what makes a second try
//! and an honest error possible. The answer begins for its reader when the model's does, so that a
//! stream has its headers and its signs of life while the text is awaited.

use std::sync::Arc;

use conversation::{BlockKind, Event, Failure, Message, Part, StopReason, Usage, UsageSource};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::answer::{Answer, BATCHES, Batch, broken};
use crate::attempt::{shutting_down, stop_waiting};
use crate::format::{Format, misfit};
use crate::service::{Ask, Gateway};

/// How often the model may answer.
const TRIES: usize = 2;

impl Gateway {
    pub(crate) async fn answer_in_format(
        &self,
        mut ask: Ask,
        format: Format,
    ) -> Result<Answer, Failure> {
        ask.turn.instructions.push(format.instruction());
        let recording = ask.recording.clone();
        let first = self.answer_freely(ask.clone()).await?;
        let (out, answer) = mpsc::channel(BATCHES);
        let formatting = self.formatting();
        let cut = self.cut();
        let task =
            Formatting { gateway: self.clone(), ask, format, out, usage: None, started: false };
        self.spawn_to_end(async move {
            let _formatting = formatting;
            task.run(first, cut).await;
        });
        Answer::begin(answer, recording).await
    }
}

struct Formatting {
    gateway: Gateway,
    ask: Ask,
    format: Format,
    out: mpsc::Sender<Batch>,
    /// Of all tries together.
    usage: Option<Usage>,
    /// Whether the start of the answer was seen; a second try's is not told.
    started: bool,
}

/// What one try came to.
enum Tried {
    /// All is said.
    Done,
    Misfit {
        answer: String,
        reason: String,
    },
}

impl Formatting {
    async fn run(mut self, first: Answer, cut: CancellationToken) {
        let out = self.out.clone();
        let ended = tokio::select! {
            biased;
            () = out.closed() => return,
            () = cut.cancelled() => Err(shutting_down()),
            ended = self.tries(first) => ended,
        };
        if let Err(failure) = ended {
            // Waits for a slow reader, but not after a cut; one that has gone needs no word.
            tokio::select! {
                _ = out.send(Err(failure)) => {}
                () = stop_waiting(&cut) => {}
            }
        }
    }

    async fn tries(&mut self, first: Answer) -> Result<(), Failure> {
        let mut answer = first;
        for tried in 1.. {
            match self.follow(answer).await? {
                Tried::Done => break,
                Tried::Misfit { reason, .. } if tried == TRIES => return Err(misfit(&reason)),
                Tried::Misfit { answer: text, reason } => {
                    tracing::debug!(%reason, "an answer does not fit its format; asking again");
                    answer = self.ask_again(text, &reason).await?;
                }
            }
        }
        Ok(())
    }

    async fn ask_again(&self, answer: String, reason: &str) -> Result<Answer, Failure> {
        let correction = format!(
            "That answer does not have the required format:\n{reason}\nAnswer once more with the \
             corrected JSON and nothing else."
        );
        let mut turn = self.ask.turn.clone();
        if !answer.trim().is_empty() {
            turn.messages.push(Message::Assistant(vec![Part::Text(answer)]));
        }
        turn.messages.push(Message::User(vec![Part::Text(correction)]));
        self.gateway
            .answer_freely(Ask {
                recording: self.ask.recording.clone(),
                ..Ask::new(Arc::clone(&self.ask.grant), turn)
            })
            .await
    }

    /// Reads one try to its end.
    async fn follow(&mut self, mut answer: Answer) -> Result<Tried, Failure> {
        let mut text = String::new();
        let mut in_text = false;
        while let Some(batch) = answer.next().await {
            let mut shown = Vec::new();
            for event in batch? {
                match event {
                    Event::Started { .. } if self.started => {}
                    Event::Opened(BlockKind::Text) => in_text = true,
                    Event::Delta(piece) if in_text => text.push_str(&piece),
                    Event::Closed(_) if in_text => in_text = false,
                    Event::Usage(usage) => self.usage = Some(sum(self.usage, usage)),
                    Event::Opened(kind @ BlockKind::ToolCall { .. }) => {
                        // Words before a call are no answer yet.
                        say(&mut text, &mut shown);
                        shown.push(Event::Opened(kind));
                    }
                    Event::Finished(stop) => return self.finish(text, stop, shown).await,
                    event => shown.push(event),
                }
            }
            self.show(shown).await?;
        }
        Err(broken())
    }

    async fn finish(
        &mut self,
        mut text: String,
        stop: StopReason,
        mut shown: Vec<Event>,
    ) -> Result<Tried, Failure> {
        match stop {
            StopReason::EndTurn | StopReason::Other(_) => match self.format.check(&text) {
                Ok(json) => text = json.to_owned(),
                Err(reason) => {
                    self.show(shown).await?;
                    return Ok(Tried::Misfit { answer: text, reason });
                }
            },
            // Cut by the client's own limits, declined, or not the end yet.
            StopReason::ToolCalls
            | StopReason::MaxOutput
            | StopReason::StopSequence(_)
            | StopReason::Refused => {}
        }
        say(&mut text, &mut shown);
        shown.extend(self.usage.map(Event::Usage));
        shown.push(Event::Finished(stop));
        self.show(shown).await?;
        Ok(Tried::Done)
    }

    async fn show(&mut self, events: Vec<Event>) -> Result<(), Failure> {
        if events.is_empty() {
            return Ok(());
        }
        self.started = true;
        self.out.send(Ok(events)).await.map_err(|_| broken())
    }
}

/// A text block of what was held back.
fn say(text: &mut String, shown: &mut Vec<Event>) {
    if !text.is_empty() {
        let text = std::mem::take(text);
        shown.extend([Event::Opened(BlockKind::Text), Event::Delta(text), Event::Closed(None)]);
    }
}

/// Two tries cost what both cost; one that was estimated makes the sum an estimate.
fn sum(earlier: Option<Usage>, later: Usage) -> Usage {
    let Some(earlier) = earlier else { return later };
    let add = |a: Option<u64>, b: Option<u64>| match (a, b) {
        (None, None) => None,
        (a, b) => Some(a.unwrap_or(0) + b.unwrap_or(0)),
    };
    let source = match (earlier.source, later.source) {
        (UsageSource::Upstream, UsageSource::Upstream) => UsageSource::Upstream,
        (UsageSource::Estimate, _) | (_, UsageSource::Estimate) => UsageSource::Estimate,
    };
    Usage {
        input: earlier.input + later.input,
        output: earlier.output + later.output,
        cache_read: add(earlier.cache_read, later.cache_read),
        cache_write: add(earlier.cache_write, later.cache_write),
        reasoning: add(earlier.reasoning, later.reasoning),
        source,
    }
}
