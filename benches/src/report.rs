//! The table that is printed: medians over the rounds, and the ratio to the bare proxy.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write as _;

/// Who was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Proxy,
    Chat,
    Agent,
}

/// Figures by name, in the order in which they came.
#[derive(Default)]
pub(crate) struct Table {
    order: Vec<&'static str>,
    figures: BTreeMap<(&'static str, Side), Vec<f64>>,
}

impl Table {
    pub(crate) fn add(&mut self, name: &'static str, side: Side, value: f64) {
        if !self.order.contains(&name) {
            self.order.push(name);
        }
        self.figures.entry((name, side)).or_default().push(value);
    }

    fn median(&self, name: &'static str, side: Side) -> Option<f64> {
        let mut values = self.figures.get(&(name, side))?.clone();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<32}{:>12}{:>14}{:>8}{:>15}{:>8}",
            "", "bare proxy", "gateway chat", "ratio", "gateway agent", "ratio"
        )?;
        for name in &self.order {
            let proxy = self.median(name, Side::Proxy);
            write!(f, "{name:<32}{:>12}", number(proxy))?;
            for side in [Side::Chat, Side::Agent] {
                let value = self.median(name, side);
                let ratio = value.zip(proxy).map(|(value, proxy)| value / proxy);
                let width = if side == Side::Chat { 14 } else { 15 };
                write!(f, "{:>width$}{:>8}", number(value), number(ratio))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"))
}

pub(crate) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "benches: {text}");
}
