//! The ways by which calls leave, as far as they are in trouble.

use std::time::Duration;

use super::rest::{Growth, Rest};
use crate::id::{UnixMs, WayName};

const DOWN: Growth = Growth { first: Duration::from_secs(2), longest: Duration::from_secs(60) };

/// Ways in trouble are few; when a proxy is deleted while it is down, its entry stays until this
/// many have gathered.
const KEPT: usize = 64;

#[derive(Debug, Clone, Default)]
pub(super) struct Ways(Vec<(WayName, Rest)>);

impl Ways {
    pub(super) fn trouble(&mut self, way: &WayName, now: UnixMs) {
        if let Some((_, rest)) = self.0.iter_mut().find(|(name, _)| name == way) {
            *rest = Rest::after(Some(*rest), DOWN, None, false, now);
            return;
        }
        if self.0.len() >= KEPT {
            self.0.retain(|(_, rest)| rest.lasts(now));
        }
        self.0.push((way.clone(), Rest::after(None, DOWN, None, false, now)));
    }

    pub(super) fn works(&mut self, way: &WayName) {
        self.0.retain(|(name, _)| name != way);
    }

    pub(super) fn any_down(&self, now: UnixMs) -> bool {
        self.0.iter().any(|(_, rest)| rest.lasts(now))
    }

    /// Until when the way is down, if it is.
    pub(super) fn down(&self, way: &WayName, now: UnixMs) -> Option<UnixMs> {
        let (_, rest) = self.0.iter().find(|(name, _)| name == way)?;
        rest.lasts(now).then_some(rest.until)
    }
}
