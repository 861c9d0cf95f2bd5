//! Rate limits: a bucket per route and channel (or webhook), and the global one; windows follow simulated time.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer};

use super::error::ApiError;

/// So many requests in so much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests in a window.
    pub count: u32,
    /// The window.
    pub per: SignedDuration,
}

impl Rate {
    /// `count` requests in `seconds`.
    pub const fn new(count: u32, seconds: i64) -> Self {
        Self { count, per: SignedDuration::from_secs(seconds) }
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parts = text.split_once('/').and_then(|(count, per)| Some((count.parse().ok()?, per.parse().ok()?)));
        let (count, per) = parts.ok_or_else(|| serde::de::Error::custom("write a rate as \"5/5s\""))?;
        Ok(Self { count, per })
    }
}

/// All rates. They are Discord's observed ones; its documents name only the global rate.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// All requests with the bot token, apart from interaction routes.
    pub global: Rate,
    /// New messages, per channel.
    pub create_message: Rate,
    /// Edits and deletions of messages, per channel.
    pub edit_message: Rate,
    /// Everything with one interaction's token.
    pub webhook: Rate,
    /// Registration of commands.
    pub commands: Rate,
    /// Any other route.
    pub other: Rate,
    /// Edits of one message that is over an hour old (code 30046).
    pub old_edits: Rate,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            global: Rate::new(50, 1),
            create_message: Rate::new(5, 5),
            edit_message: Rate::new(5, 5),
            webhook: Rate::new(5, 2),
            commands: Rate::new(5, 20),
            other: Rate::new(50, 1),
            old_edits: Rate::new(30, 3600),
        }
    }
}

impl Limits {
    /// Limits that nothing reaches.
    pub fn generous() -> Self {
        let rate = Rate::new(1_000_000, 1);
        Self {
            global: rate,
            create_message: rate,
            edit_message: rate,
            webhook: rate,
            commands: rate,
            other: rate,
            old_edits: rate,
        }
    }
}

/// The route class of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Class {
    Global,
    Create,
    Edit,
    Webhook,
    Commands,
    Other,
}

/// The headers of one answer.
#[derive(Clone, Debug)]
pub(super) struct Headers {
    pub(super) limit: u32,
    pub(super) remaining: u32,
    /// When the window ends.
    pub(super) reset: Timestamp,
    pub(super) reset_after: f64,
    pub(super) bucket: String,
}

#[derive(Debug)]
pub(super) struct Limiter {
    pub(super) limits: Limits,
    windows: HashMap<(Class, String), (Timestamp, u32)>,
}

impl Limiter {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, windows: HashMap::new() }
    }

    fn rate(&self, class: Class) -> Rate {
        match class {
            Class::Global => self.limits.global,
            Class::Create => self.limits.create_message,
            Class::Edit => self.limits.edit_message,
            Class::Webhook => self.limits.webhook,
            Class::Commands => self.limits.commands,
            Class::Other => self.limits.other,
        }
    }

    /// Counts one request; `major` is the channel, guild or token that the bucket belongs to.
    pub(super) fn count(&mut self, class: Class, major: &str, now: Timestamp) -> (Headers, Result<(), ApiError>) {
        let rate = self.rate(class);
        self.windows.retain(|_, (start, _)| now.duration_since(*start) < SignedDuration::from_hours(1));
        let (start, used) = self.windows.entry((class, major.to_owned())).or_insert((now, 0));
        if now.duration_since(*start) >= rate.per {
            (*start, *used) = (now, 0);
        }
        let reset = start.saturating_add(rate.per).unwrap_or(Timestamp::MAX);
        let reset_after = reset.duration_since(now).as_secs_f64();
        let allowed = *used < rate.count;
        *used = used.saturating_add(1);
        let headers = Headers {
            limit: rate.count,
            remaining: rate.count.saturating_sub(*used),
            reset,
            reset_after,
            bucket: format!("{:016x}", bucket_name(class)),
        };
        let verdict = if allowed { Ok(()) } else { Err(ApiError::rate_limited(reset_after, class == Class::Global)) };
        (headers, verdict)
    }
}

/// Buckets have opaque names that depend on the route alone.
fn bucket_name(class: Class) -> u64 {
    0x5eed_c0de_0000_0000 + (class as u64) * 0x0101
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_lets_its_count_through_and_opens_again_after_its_time() {
        let mut limiter = Limiter::new(Limits::default());
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        for left in (0..5).rev() {
            let (headers, verdict) = limiter.count(Class::Create, "1", now);
            assert!(verdict.is_ok());
            assert_eq!(headers.remaining, left);
        }
        let error = limiter.count(Class::Create, "1", now).1.unwrap_err();
        assert_eq!((error.status, error.retry_after), (429, Some(5.0)));
        assert!(limiter.count(Class::Create, "2", now).1.is_ok(), "another channel has its own bucket");
        assert!(limiter.count(Class::Create, "1", now + SignedDuration::from_secs(5)).1.is_ok());
    }

    #[test]
    fn a_rate_is_written_as_count_and_window() {
        let limits: Limits = toml::from_str("create_message = \"2/10s\"").unwrap();
        assert_eq!(limits.create_message, Rate::new(2, 10));
    }
}
