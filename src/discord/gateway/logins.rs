//! Logins at the gateway. Discord allows a thousand a day and takes the token away from whoever uses more.

use std::convert::Infallible;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serenity::all::{ConnectionStage, ShardManager};

use super::status::GatewayStatus;

/// Between two looks at what the shard does.
const LOOK: Duration = Duration::from_millis(250);

/// Starts within an hour that are nothing to worry about.
const FREE_STARTS: usize = 15;

/// What each further one waits longer than the one before it.
const STEP: SignedDuration = SignedDuration::from_mins(1);

/// Over which starts are counted.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What is kept back of a day's logins: serenity needs some by itself when sessions end.
const RESERVE: u64 = 25;

/// Logins without a session, in one absence, that mean that Discord does not let the bot in.
const REFUSED: u64 = 2;

/// What is left of the day's logins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginsLeft {
    /// How many.
    pub remaining: u64,
    /// Until there are all of them again.
    pub reset_after: SignedDuration,
}

impl LoginsLeft {
    /// Whether one of them may be used.
    pub fn allow(&self) -> bool {
        self.remaining > RESERVE
    }

    /// Whether so many were used since `before` that Discord evidently does not let the bot in.
    pub fn tell_of_refusals(&self, before: &Self) -> bool {
        before.remaining >= self.remaining + REFUSED
    }
}

/// How long to wait before the gateway is started once more after these starts, so that a crash loop does not use up the day's
/// logins: about 25 starts an hour come of it at most.
pub fn back_off(starts: &[Timestamp], now: Timestamp) -> SignedDuration {
    let last_hour = starts.iter().filter(|start| now.duration_since(**start).abs() < HOUR).count();
    let too_many = i32::try_from(last_hour.saturating_sub(FREE_STARTS - 1)).unwrap_or(i32::MAX);
    STEP.saturating_mul(too_many).min(HOUR)
}

/// Keeps `status` right: serenity does not tell of every connection that breaks.
pub(super) async fn watch(shards: &ShardManager, status: &GatewayStatus) -> Infallible {
    let has_session = |stage| matches!(stage, ConnectionStage::Connected | ConnectionStage::Resuming);
    loop {
        tokio::time::sleep(LOOK).await;
        let inside = shards.runners.lock().await.values().any(|runner| has_session(runner.stage));
        if !inside && status.is_connected() {
            status.connected(false);
            tracing::warn!("the gateway connection was lost; serenity reconnects");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_loop_slows_down_and_an_ordinary_day_does_not() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let minutes = |minutes| now - SignedDuration::from_mins(minutes);
        assert_eq!(back_off(&[], now), SignedDuration::ZERO);
        assert_eq!(back_off(&[minutes(1); 14], now), SignedDuration::ZERO);
        assert_eq!(back_off(&[minutes(1); 15], now), SignedDuration::from_mins(1));
        assert_eq!(back_off(&[minutes(1); 20], now), SignedDuration::from_mins(6));
        assert_eq!(back_off(&[minutes(61); 500], now), SignedDuration::ZERO, "that was in another hour");
        assert_eq!(back_off(&[minutes(-600); 500], now), SignedDuration::ZERO, "a clock that was wrong");
        // A day of a process that ends at once whenever it is started.
        let (mut starts, mut at) = (Vec::new(), now);
        while at < now + SignedDuration::from_hours(24) {
            let wait = back_off(&starts, at);
            at += wait + SignedDuration::from_secs(5);
            starts.push(at);
        }
        assert!(starts.len() < 700, "{} starts in a day", starts.len());
    }
}
