//! One rate for each person, each server, each address: governor's limiters on the injected clock.
//!
//! "N in T" is held in ANY stretch of T. A bucket that refills N per T and holds N would let 2N through around a
//! full bucket, so the bucket holds half (people come in bursts) and the refill leaves room for it.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use jiff::SignedDuration;

use crate::clock::Clock;
use crate::settings::Rate;

/// Our clock, as governor wants it: it never jumps.
#[derive(Clone, Debug)]
struct Steady(Clock);

impl GovernorClock for Steady {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::try_from(self.0.steady()).unwrap_or_default()
    }
}

fn quota(rate: Rate) -> Quota {
    let burst = NonZeroU32::new(rate.count.div_ceil(2)).unwrap_or(NonZeroU32::MIN);
    let per = Duration::try_from(rate.per).unwrap_or(Duration::from_secs(1));
    // After a full bucket at 0, refills at p, 2p, … must number at most N - burst before T.
    let period = per / (rate.count - burst.get() + 1);
    Quota::with_period(period).expect("a rate's duration is positive").allow_burst(burst)
}

/// How long until the next one is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait(pub SignedDuration);

fn wait(not_until: &governor::NotUntil<Duration>, now: Duration) -> Wait {
    let rest = not_until.wait_time_from(now);
    Wait(SignedDuration::try_from(rest).unwrap_or(SignedDuration::MAX))
}

/// One rate for each key: each person, each server.
#[derive(Debug)]
pub struct BudgetPer<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, HashMapStateStore<K>, Steady, NoOpMiddleware<Duration>>,
    clock: Steady,
}

/// Beyond so many keys, those whose bucket is full again are forgotten.
const KEYS_KEPT: usize = 1_000;

impl<K: Hash + Eq + Clone> BudgetPer<K> {
    /// A budget of `rate` for each key.
    pub fn new(rate: Rate, clock: &Clock) -> Self {
        let clock = Steady(clock.clone());
        Self { limiter: RateLimiter::hashmap_with_clock(quota(rate), clock.clone()), clock }
    }

    /// Takes one of `key`'s, or says how long to wait.
    pub fn take(&self, key: &K) -> Result<(), Wait> {
        if self.limiter.len() > KEYS_KEPT {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(key).map_err(|not_until| wait(&not_until, self.clock.now()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn half_of_a_persons_rate_may_go_at_once() {
        let clock = Clock::manual("2026-11-23T10:00:00Z".parse().unwrap());
        let budget = BudgetPer::new("10/1m".parse().unwrap(), &clock);
        assert!((0..5).all(|_| budget.take(&"hanna").is_ok()));
        assert!(budget.take(&"hanna").is_err());
        assert!(budget.take(&"omar").is_ok(), "one person's rate is not another's");
    }

    proptest! {
        #[test]
        fn no_stretch_of_t_ever_holds_more_than_n(
            count in 1_u32..40,
            waits in prop::collection::vec(0_i64..900, 1..400),
        ) {
            let clock = Clock::manual("2026-11-23T10:00:00Z".parse().unwrap());
            let rate = Rate { count, per: SignedDuration::from_secs(20) };
            let budget = BudgetPer::new(rate, &clock);
            let mut taken = Vec::new();
            for wait in waits {
                clock.advance_to(clock.now() + SignedDuration::from_millis(wait));
                while budget.take(&"hanna").is_ok() {
                    taken.push(clock.now());
                }
            }
            for (first, &at) in taken.iter().enumerate() {
                let within = taken[first..].iter().take_while(|&&later| later.duration_since(at) < rate.per).count();
                prop_assert!(within <= count as usize, "{within} in one window of {count}");
            }
        }
    }
}
