//! What the stream encoders of all dialects have in common. Says nothing about any frame's shape.

use bytes::{BufMut, BytesMut};
use conversation::{Event, Failure};

/// Turns one answer into server-sent events, appending to `out`.
///
/// Events come in the order of [`conversation::Grammar`]. The answer ends with either
/// `Event::Finished` or [`Encoder::fail`]; whatever is called afterwards writes nothing.
pub trait Encoder {
    fn encode(&mut self, event: Event, out: &mut BytesMut);

    /// Reports that the answer broke off. No terminator of success follows.
    fn fail(&mut self, failure: &Failure, out: &mut BytesMut);

    /// A comment that keeps proxies and clients from giving up while nothing is said.
    fn heartbeat(&self, out: &mut BytesMut) {
        out.put_slice(b": keep-alive\n\n");
    }
}
