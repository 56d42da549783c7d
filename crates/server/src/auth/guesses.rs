//! Slows down whoever guesses keys: counts failures per address, and knows which clients with a key
//! that can be guessed were seen to be right, so that these go on while somebody behind the same
//! address guesses. Clients with other keys are not asked for here.
//!
//! Pure: the instant is an argument. Bounded: when there are too many addresses, the rest share one
//! count.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Failures are counted over this long, from the first one on.
const WINDOW: Duration = Duration::from_secs(60);
/// A client that was right so recently, from the same address, is not held up by others there.
const TRUST: Duration = Duration::from_secs(3600);
/// Most addresses that are counted on their own.
const MOST_ADDRESSES: usize = 10_000;
/// Most clients that are remembered.
const MOST_CLIENTS: usize = 10_000;
/// Between two searches for what may be forgotten.
const SWEEP: Duration = Duration::from_secs(1);

/// `C` names a client; it is no secret.
#[derive(Debug)]
pub(crate) struct Guesses<C> {
    /// Failures allowed in a window; 0 allows any number.
    most: u32,
    by_address: HashMap<IpAddr, Window>,
    /// Of all addresses that find no place of their own.
    others: Option<Window>,
    /// Where a client was right: elsewhere the same key may be a lucky guess.
    right: HashMap<(IpAddr, C), Instant>,
    swept: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    since: Instant,
    failures: u32,
}

impl Window {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= WINDOW
    }
}

/// What counts as one place: an IPv6 host has a whole /64 to itself.
fn place(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

impl<C: Eq + Hash> Guesses<C> {
    pub(crate) fn new(most: u32) -> Self {
        let (by_address, right) = (HashMap::new(), HashMap::new());
        Self { most, by_address, others: None, right, swept: None }
    }

    pub(crate) fn set_most(&mut self, most: u32) {
        self.most = most;
    }

    /// A key was wrong. When the address has failed too often, how long it has to wait.
    pub(crate) fn wrong(&mut self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        if self.most == 0 {
            return Ok(());
        }
        self.closed(address, now)?;
        let fresh = Window { since: now, failures: 0 };
        let address = place(address);
        if !self.by_address.contains_key(&address) && self.by_address.len() >= MOST_ADDRESSES {
            self.sweep(now);
        }
        let has_room = self.by_address.len() < MOST_ADDRESSES;
        let window = if has_room || self.by_address.contains_key(&address) {
            self.by_address.entry(address).or_insert(fresh)
        } else {
            self.others.get_or_insert(fresh)
        };
        if window.is_over(now) {
            *window = fresh;
        }
        window.failures += 1;
        Ok(())
    }

    /// A key that can be guessed was right. Where too many were wrong this helps only a client that
    /// was right there before.
    pub(crate) fn right(
        &mut self,
        address: IpAddr,
        client: C,
        now: Instant,
    ) -> Result<(), Duration> {
        let seen = (place(address), client);
        let trusted =
            self.right.get(&seen).is_some_and(|seen| now.saturating_duration_since(*seen) < TRUST);
        if !trusted {
            self.closed(address, now)?;
            if self.right.len() >= MOST_CLIENTS {
                self.sweep(now);
            }
            if self.right.len() >= MOST_CLIENTS {
                return Ok(());
            }
        }
        self.right.insert(seen, now);
        Ok(())
    }

    /// How long the address has to wait, if it has failed too often.
    fn closed(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let own = self.by_address.get(&place(address));
        // Whoever finds no place is under the common count.
        let full = self.by_address.len() >= MOST_ADDRESSES;
        let window = own.or(self.others.as_ref().filter(|_| full));
        match window {
            Some(window)
                if self.most > 0 && window.failures >= self.most && !window.is_over(now) =>
            {
                Err(WINDOW.saturating_sub(now.saturating_duration_since(window.since)))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn sweep(&mut self, now: Instant) {
        if self.swept.is_some_and(|last| now.saturating_duration_since(last) < SWEEP) {
            return;
        }
        self.swept = Some(now);
        self.by_address.retain(|_, window| !window.is_over(now));
        self.right.retain(|_, seen| now.saturating_duration_since(*seen) < TRUST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn guesses(most: u32) -> Guesses<&'static str> {
        Guesses::new(most)
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn an_address_may_fail_so_often_and_then_has_to_wait() {
        let start = Instant::now();
        let mut guesses = guesses(3);
        for second in 0..3 {
            assert_eq!(guesses.wrong(HERE, after(start, second)), Ok(()));
        }
        assert_eq!(guesses.wrong(HERE, after(start, 10)), Err(Duration::from_secs(50)));
        assert_eq!(guesses.wrong(THERE, after(start, 10)), Ok(()));
        assert_eq!(guesses.wrong(HERE, after(start, 60)), Ok(()));
    }

    #[test]
    fn waiting_in_vain_does_not_make_the_wait_longer() {
        let start = Instant::now();
        let mut guesses = guesses(1);
        guesses.wrong(HERE, start).expect("first");
        for second in 1..60 {
            assert!(guesses.wrong(HERE, after(start, second)).is_err());
        }
        assert!(guesses.wrong(HERE, after(start, 60)).is_ok());
    }

    #[test]
    fn the_right_guess_does_not_help_but_clients_in_use_go_on() {
        let start = Instant::now();
        let mut guesses = guesses(1);
        guesses.right(HERE, "in use", start).expect("right");
        guesses.right(THERE, "in use elsewhere", start).expect("right");
        guesses.wrong(HERE, start).expect("first");
        assert_eq!(guesses.right(HERE, "guessed", start), Err(WINDOW));
        assert_eq!(guesses.right(HERE, "in use elsewhere", start), Err(WINDOW));
        assert_eq!(guesses.right(HERE, "in use", start), Ok(()));
        assert_eq!(guesses.right(THERE, "guessed", start), Ok(()));
    }

    #[test]
    fn trust_ends_an_hour_after_the_last_use() {
        let start = Instant::now();
        let mut guesses = guesses(1);
        guesses.right(HERE, "client", start).expect("right");
        guesses.right(HERE, "client", after(start, 3000)).expect("right");
        guesses.wrong(HERE, after(start, 6500)).expect("first");
        assert_eq!(guesses.right(HERE, "client", after(start, 6500)), Ok(()));
        guesses.wrong(HERE, after(start, 10_100)).expect("first");
        assert!(guesses.right(HERE, "client", after(start, 10_100)).is_err());
    }

    #[test]
    fn hosts_of_one_ipv6_network_count_together_and_mapped_addresses_as_what_they_are() {
        let now = Instant::now();
        let mut guesses = guesses(1);
        guesses.wrong("2001:db8:0:1::1".parse().expect("address"), now).expect("first");
        assert!(guesses.wrong("2001:db8:0:1:ffff::2".parse().expect("address"), now).is_err());
        assert!(guesses.wrong("2001:db8:0:2::1".parse().expect("address"), now).is_ok());
        guesses.wrong(HERE, now).expect("first");
        assert!(guesses.wrong("::ffff:192.0.2.1".parse().expect("address"), now).is_err());
    }

    #[test]
    fn addresses_are_bounded_and_the_rest_share_one_count() {
        let start = Instant::now();
        let mut guesses = guesses(2);
        let address = |n: u32| IpAddr::V4(std::net::Ipv4Addr::from(n));
        for n in 0..10_002 {
            guesses.wrong(address(n), start).expect("counted");
        }
        assert_eq!(guesses.by_address.len(), MOST_ADDRESSES);
        assert!(guesses.wrong(address(20_000), start).is_err());
        // The ones that have their own place are not touched by that.
        assert!(guesses.wrong(address(1), start).is_ok());
        // Later there is room again.
        assert!(guesses.wrong(address(20_000), after(start, 61)).is_ok());
        assert_eq!(guesses.by_address.len(), 1);
    }

    #[test]
    fn zero_turns_the_limit_off() {
        let now = Instant::now();
        let mut guesses = guesses(0);
        assert!((0..1000).all(|_| guesses.wrong(HERE, now).is_ok()));
        assert!(guesses.right(HERE, "client", now).is_ok());
    }
}
