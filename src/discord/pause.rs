//! The rest that delivery takes while Discord does not accept the bot's token.

use std::sync::PoisonError;

use jiff::{SignedDuration, Timestamp};

use super::delivery::Delivery;
use super::outbound::CallError;
use super::tries::Sent;

/// First and longest time that everything rests after Discord refused the bot's token: each try counts against the bot's address.
const TOKEN_WAITS: (SignedDuration, SignedDuration) = (SignedDuration::from_secs(15), SignedDuration::from_mins(5));

/// Everything rests while Discord does not accept the bot's token.
#[derive(Debug, Default)]
pub(super) struct Pause {
    until: Option<Timestamp>,
    refusals: u32,
}

impl Delivery {
    /// Until when everything rests, if it does.
    pub(super) fn paused_until(&self) -> Option<Timestamp> {
        let pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        pause.until.filter(|&until| until > self.clock.now())
    }

    /// Discord refused the token: everything rests for a while.
    pub(super) fn pause(&self) -> Sent {
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        // Of several that went out side by side, the first one decides.
        if pause.until.is_none_or(|until| until <= now) {
            let (first, longest) = TOKEN_WAITS;
            let wait = first.saturating_mul(1 << pause.refusals.min(6)).min(longest);
            pause.until = Some(now.saturating_add(wait).unwrap_or(now));
            pause.refusals += 1;
            tracing::error!(
                "Discord does not accept the bot's token: nothing goes out until it does, and nothing is lost"
            );
            self.status.token_refused(true);
        }
        Sent::Paused
    }

    /// Any other answer to a call with the bot's token shows that the token is accepted.
    pub(super) fn heard<T>(&self, answer: &Result<T, CallError>) {
        if matches!(answer, Err(CallError::Later | CallError::BotToken)) {
            return;
        }
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        if pause.refusals > 0 {
            *pause = Pause::default();
            tracing::info!("Discord accepts the bot's token again");
            self.status.token_refused(false);
        }
    }
}
