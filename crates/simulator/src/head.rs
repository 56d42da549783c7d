//! Faults that come instead of response headers: `http` and `silent`.
//!
//! They are only possible before anything was sent, so the script is looked at before the stream
//! is accepted. Later in a script `http` is played as a reset and `silent` as `hang`.

use std::time::Duration;

use crate::script::Directive;
use crate::view::{Play, View, select};

/// A fault in place of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// What to count the call under.
    pub(crate) tags: Vec<String>,
    /// The pauses before it.
    pub(crate) wait: Duration,
    pub(crate) kind: HeadKind,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HeadKind {
    Http { status: u16, retry: Option<u64> },
    Silent,
}

/// The fault that the answer to this conversation begins with.
pub(crate) fn fault(view: &View) -> Option<Head> {
    let Play::Step(step) = select(view) else {
        return None;
    };
    let (mut tags, mut wait) = (Vec::new(), Duration::ZERO);
    for directive in step {
        let kind = match directive {
            Directive::Tag(name) => {
                tags.push(name);
                continue;
            }
            Directive::Wait(time) => {
                wait += time;
                continue;
            }
            Directive::Split(_)
            | Directive::Delay(_)
            | Directive::Fragment(_)
            | Directive::Usage { .. }
            | Directive::Gzip
            | Directive::Burst(_) => continue,
            Directive::Http { status, retry } => HeadKind::Http { status, retry },
            Directive::Silent => HeadKind::Silent,
            _ => return None,
        };
        return Some(Head { tags, wait, kind });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::{Message, Role};

    fn of(text: &str) -> Option<Head> {
        fault(&View { messages: vec![Message::new(Role::User, text)], ..View::default() })
    }

    #[test]
    fn only_before_output() {
        let head =
            of("[[sim: tag a]] [[sim: wait 1s]] [[sim: http 503 retry=2]]").expect("a fault");
        assert_eq!(head.kind, HeadKind::Http { status: 503, retry: Some(2) });
        assert_eq!((head.tags, head.wait), (vec!["a".to_owned()], Duration::from_secs(1)));
        assert_eq!(of("[[sim: silent]]").map(|head| head.kind), Some(HeadKind::Silent));
        assert_eq!(of("[[sim: say x]] [[sim: http 503]]"), None);
        assert_eq!(of("[[sim: next]] [[sim: http 503]]"), None);
        assert_eq!(of("hello"), None);
    }
}
