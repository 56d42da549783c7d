//! Plays the answer to a conversation on a stream.
//!
//! Knows the directives and the rules of pacing; what a piece of text or a tool call looks like
//! on the wire is the business of the [`Flow`].

pub(crate) mod texts;

use std::time::Duration;

use serde_json::value::RawValue;

use crate::failure::Failure;
use crate::link::{Halt, Link};
use crate::script::{Directive, Native, Query};
use crate::view::{Play, Tool, View, select};

/// How long `hang` and `silent` last.
pub(crate) const HANG: Duration = Duration::from_secs(60);
/// Pause between the keep-alives of `heartbeats`.
const KEEP_ALIVE: Duration = Duration::from_millis(500);

/// One chat protocol.
pub(crate) trait Flow: Send {
    fn link(&mut self) -> &mut Link;
    fn view(&self) -> &View;
    /// A model step begins.
    fn begin_step(&mut self);
    /// A model step is over.
    fn end_step(&mut self);
    fn text(&mut self, piece: &str);
    fn thinking(&mut self, piece: &str);
    /// Closes an open reasoning block.
    fn end_thinking(&mut self);
    /// A run of pieces is over.
    fn end_pieces(&mut self);
    /// Announces and requests a tool call.
    fn call(&mut self, tool: &Tool, arguments: &RawValue);
    /// Waits for the results of all calls of this step and appends them to the view. Whether
    /// there were any.
    fn results(&mut self) -> impl Future<Output = Result<bool, Halt>> + Send;
    /// Lets time pass while the client is heard.
    fn pause(&mut self, time: Duration) -> impl Future<Output = Result<(), Halt>> + Send;
    fn keep_alive(&mut self);
    fn usage(&mut self, input: i64, output: i64);
    /// Asks for a built-in tool; gives what the client said.
    fn native(&mut self, native: Native) -> impl Future<Output = Result<String, Halt>> + Send;
    /// Asks the user; gives the answer.
    fn query(&mut self, query: Query) -> impl Future<Output = Result<String, Halt>> + Send;
    /// Sends what no client knows.
    fn unknown(&mut self) -> impl Future<Output = Result<(), Halt>> + Send;
}

/// Plays the whole answer: one step after the other, as long as tools were called.
pub(crate) async fn answer(flow: &mut impl Flow) -> Result<(), Halt> {
    loop {
        flow.begin_step();
        match select(flow.view()) {
            Play::Text(text) => Step::default().quote(flow, &text).await?,
            Play::Step(step) => play(flow, step).await?,
        }
        flow.end_thinking();
        flow.link().out.hold(false);
        let called = flow.results().await?;
        flow.end_step();
        if !called {
            return Ok(());
        }
    }
}

async fn play(flow: &mut impl Flow, directives: Vec<Directive>) -> Result<(), Halt> {
    let mut step = Step::default();
    for directive in directives {
        step.play(flow, directive).await?;
    }
    Ok(())
}

/// The settings of the step that is played; they start afresh with each step.
struct Step {
    split: usize,
    delay: Duration,
    burst: u32,
}

impl Default for Step {
    fn default() -> Self {
        Self { split: 4, delay: Duration::ZERO, burst: 0 }
    }
}

impl Step {
    async fn play(&mut self, flow: &mut impl Flow, directive: Directive) -> Result<(), Halt> {
        match directive {
            Directive::Say(text) => self.say(flow, &text, self.split).await?,
            Directive::Think(text) => self.think(flow, &text).await?,
            Directive::Chunks(count) => self.chunks(flow, count).await?,
            Directive::Tool { name, arguments } => self.tool(flow, &name, &arguments).await?,
            Directive::Echo => {
                let text = flow.view().echo();
                self.quote(flow, &text).await?;
            }
            Directive::Recall(key) => {
                let text = flow.view().recall(&key);
                self.quote(flow, &text).await?;
            }
            Directive::Report => {
                let text = flow.view().report();
                self.quote(flow, &text).await?;
            }
            Directive::Schema(name) => {
                let text = flow.view().schema(&name);
                self.quote(flow, &text).await?;
            }
            Directive::Stats(name) => {
                let text = flow.link().call.state.stats(&name);
                self.quote(flow, &text).await?;
            }
            Directive::Split(size) => self.split = size,
            Directive::Delay(time) => self.delay = time,
            Directive::Wait(time) => flow.pause(time).await?,
            Directive::Fragment(size) => {
                flow.link().out.flushed().await;
                flow.link().out.fragment(size);
            }
            Directive::Usage { input, output } => flow.usage(input, output),
            Directive::Tag(name) => flow.link().call.tag(&name),
            Directive::Gzip => flow.link().out.compress(),
            Directive::Burst(count) => {
                self.burst = count;
                flow.link().out.hold(count > 0);
            }
            Directive::Native(native) => {
                let answer = flow.native(native).await?;
                self.quote(flow, &format!("native {}: {answer}", native.name())).await?;
            }
            Directive::Query(query) => {
                let answer = flow.query(query).await?;
                self.quote(flow, &format!("query {}: {answer}", query.name())).await?;
            }
            Directive::Unknown => flow.unknown().await?,
            Directive::Heartbeats(time) => self.heartbeats(flow, time).await?,
            // `steps` left none of these.
            Directive::Next => {}
            end @ (Directive::Error { .. }
            | Directive::Drop
            | Directive::Cut
            | Directive::NoEnd
            | Directive::Empty
            | Directive::Hang
            | Directive::Silent
            | Directive::Http { .. }) => return Err(halt(flow, end).await),
        }
        Ok(())
    }

    async fn say(&mut self, flow: &mut impl Flow, text: &str, split: usize) -> Result<(), Halt> {
        flow.end_thinking();
        for piece in texts::pieces(text, split) {
            flow.text(piece);
            self.after_piece(flow).await?;
        }
        flow.end_pieces();
        Ok(())
    }

    /// A text that the simulator wrote itself. A long one is not cut into thousands of pieces.
    async fn quote(&mut self, flow: &mut impl Flow, text: &str) -> Result<(), Halt> {
        self.say(flow, text, texts::quote_size(text, self.split)).await
    }

    async fn think(&mut self, flow: &mut impl Flow, text: &str) -> Result<(), Halt> {
        for piece in texts::pieces(text, self.split) {
            flow.thinking(piece);
            self.after_piece(flow).await?;
        }
        flow.end_pieces();
        Ok(())
    }

    async fn chunks(&mut self, flow: &mut impl Flow, count: u32) -> Result<(), Halt> {
        flow.end_thinking();
        let mut piece = String::new();
        for number in 1..=count {
            texts::numbered(&mut piece, number);
            flow.text(&piece);
            self.after_piece(flow).await?;
        }
        flow.end_pieces();
        Ok(())
    }

    async fn tool(
        &mut self,
        flow: &mut impl Flow,
        name: &str,
        arguments: &RawValue,
    ) -> Result<(), Halt> {
        flow.end_thinking();
        let Some(tool) = flow.view().tool(name).cloned() else {
            let text = flow.view().no_tool(name);
            return self.quote(flow, &text).await;
        };
        flow.call(&tool, arguments);
        Ok(())
    }

    async fn after_piece(&mut self, flow: &mut impl Flow) -> Result<(), Halt> {
        let link = flow.link();
        link.call.piece();
        if self.burst > 0 {
            self.burst -= 1;
            if self.burst == 0 {
                link.out.hold(false);
            }
        }
        if !self.delay.is_zero() {
            return flow.pause(self.delay).await;
        }
        if link.out.is_full() {
            link.out.flushed().await;
            // Hears what came meanwhile.
            return flow.pause(Duration::ZERO).await;
        }
        Ok(())
    }

    async fn heartbeats(&mut self, flow: &mut impl Flow, time: Duration) -> Result<(), Halt> {
        let mut left = time;
        while !left.is_zero() {
            flow.keep_alive();
            let pause = left.min(KEEP_ALIVE);
            flow.pause(pause).await?;
            left -= pause;
        }
        Ok(())
    }
}

/// Plays a directive that ends the answer.
async fn halt(flow: &mut impl Flow, end: Directive) -> Halt {
    match end {
        Directive::Error { code, text, retry } => {
            Failure::scenario(code, text.as_deref(), retry).into()
        }
        Directive::Cut => Halt::Cut,
        Directive::NoEnd => Halt::NoEnd,
        Directive::Empty => Halt::Empty,
        Directive::Hang | Directive::Silent => {
            flow.link().silence(HANG).await;
            Halt::Reset
        }
        // A status cannot be sent any more (see `head`); the nearest a proxy could do is a reset.
        _ => Halt::Reset,
    }
}
