//! The duty of being connected to Discord's gateway: one of several processes has it at a time, logs in sparingly, and ends when
//! the connection stays away.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::discord::{Duty, Gateway, GatewayError, GatewayStatus, Goodbye, Handler, LoginsLeft, Outbound, back_off};
use crate::settings::Discord;
use crate::store::{DutyName, Store};

/// How long the gateway may stay away: then the process ends, and its supervisor starts it anew.
const AWAY: SignedDuration = SignedDuration::from_mins(2);

/// How often a standby asks whether it is its turn.
const ASK: SignedDuration = SignedDuration::from_secs(1);

/// After something did not answer.
const AFTER_TROUBLE: SignedDuration = SignedDuration::from_secs(5);

/// Longest wait for a day's logins between two looks.
const LOOK: SignedDuration = SignedDuration::from_mins(10);

/// How often the day's logins are counted while the gateway is away.
const COUNT: SignedDuration = SignedDuration::from_secs(10);

/// Where the starts of the last hour are remembered.
const STARTS: &str = "gateway_starts";

/// What is needed to be connected.
pub(super) struct GatewayDuty {
    pub(super) clock: Clock,
    pub(super) stop: CancellationToken,
    pub(super) store: Store,
    pub(super) settings: Discord,
    pub(super) outbound: Outbound,
    pub(super) handler: Arc<Handler>,
    pub(super) status: Arc<GatewayStatus>,
    pub(super) tasks: TaskTracker,
    /// For how long the duty is taken at a time; it is renewed four times in that.
    pub(super) term: SignedDuration,
    /// Built at the start, so that a wrong address is an error there.
    pub(super) gateway: Option<Gateway>,
}

/// How a time on duty ended.
enum Over {
    Stopped,
    /// The duty may go to another process from now on.
    Lost,
    Ended(String),
}

impl GatewayDuty {
    /// Until the bot stops, or the gateway ends for good.
    pub(super) async fn run(mut self, ended: watch::Sender<Option<String>>) {
        while let Some(until) = self.stand_by().await {
            self.status.is_on(Duty::Ours);
            let mut goodbye = None;
            let over = self.serve(until, &mut goodbye).await;
            if let Some(goodbye) = goodbye {
                goodbye.say().await;
            }
            if !matches!(over, Over::Lost)
                && self.store.is_shared()
                && let Err(error) = self.store.leave_duty(DutyName::Gateway).await
            {
                tracing::warn!(%error, "the gateway could not be handed over at once; another process takes it when its time is over");
            }
            match over {
                Over::Stopped => return,
                Over::Lost => {}
                Over::Ended(reason) => {
                    tracing::error!(reason, "the gateway ended; the bot stops");
                    ended.send_replace(Some(reason));
                    return;
                }
            }
        }
    }

    /// Waits until the duty is ours; until when (steady time), unless it is ours for good. `None`: the bot stops.
    async fn stand_by(&self) -> Option<Option<SignedDuration>> {
        if !self.store.is_shared() {
            return Some(None);
        }
        let mut said = false;
        loop {
            let asked = self.clock.steady();
            match self.store.take_duty(DutyName::Gateway, self.term).await {
                Ok(Some(_)) => return Some(Some(asked + self.term)),
                Ok(None) => {
                    if !std::mem::replace(&mut said, true) {
                        tracing::info!("another process is connected to Discord's gateway; this one stands by");
                    }
                }
                Err(error) => tracing::warn!(%error, "whose turn it is at the gateway could not be asked"),
            }
            self.status.is_on(Duty::Standby);
            if !self.rest(ASK).await {
                return None;
            }
        }
    }

    /// Is connected until something ends it.
    async fn serve(&mut self, until: Option<SignedDuration>, goodbye: &mut Option<Goodbye>) -> Over {
        let gateway = self.gateway.take();
        let connected = async {
            self.await_login().await;
            self.status.is_on(Duty::Ours);
            let gateway = match gateway {
                Some(gateway) => gateway,
                None => self.build().await?,
            };
            *goodbye = Some(gateway.goodbye());
            tokio::select! {
                ended = gateway.run() => ended.map(|()| "the gateway was closed".to_owned()),
                () = self.is_turned_away() => Err(GatewayError::LoginsRefused),
                () = self.stays_away() => Ok(format!("Discord's gateway was not connected for {AWAY:#}; the log says what serenity met")),
            }
        };
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Over::Stopped,
            () = self.keep(until) => Over::Lost,
            ended = connected => Over::Ended(ended.unwrap_or_else(|error: GatewayError| error.to_string())),
        }
    }

    async fn build(&self) -> Result<Gateway, GatewayError> {
        let (handler, status) = (Arc::clone(&self.handler), Arc::clone(&self.status));
        Gateway::new(&self.settings, &self.outbound, handler, status, &self.tasks).await
    }

    /// Keeps the duty. Completes when it cannot be kept, early enough to hang up before another process may log in.
    async fn keep(&self, until: Option<SignedDuration>) {
        let Some(mut until) = until else { return std::future::pending().await };
        let _busy = self.clock.busy();
        let (mut wanted, mut alone) = (true, false);
        loop {
            self.clock.sleep(self.term / 4).await;
            let asked = self.clock.steady();
            // A third of the term is for saying goodbye.
            let left = Duration::try_from(until - self.term / 3 - asked).unwrap_or_default();
            match tokio::time::timeout(left, self.store.take_duty(DutyName::Gateway, self.term)).await {
                Ok(Ok(Some(held))) => {
                    until = asked + self.term;
                    (wanted, alone) = (held.wanted, false);
                }
                Ok(Ok(None)) => {
                    tracing::warn!("another process took over the gateway; this one stands by");
                    return;
                }
                Ok(Err(_)) | Err(_) if self.clock.steady() + self.term / 4 < until - self.term / 3 => {}
                Ok(Err(_)) | Err(_) if wanted => {
                    tracing::warn!(
                        "the database does not answer, and another process may take over the gateway: this one hangs up"
                    );
                    return;
                }
                // Nobody else was there a moment ago, and people had better be told than met with silence.
                Ok(Err(_)) | Err(_) => {
                    if !std::mem::replace(&mut alone, true) {
                        tracing::warn!(
                            "the database does not answer; the gateway stays connected, for no other process asked for it"
                        );
                    }
                }
            }
        }
    }

    /// Completes when the gateway was not connected for so long that a new start is better.
    async fn stays_away(&self) {
        loop {
            self.status.wait_for(false).await;
            let _busy = self.clock.busy();
            tokio::select! {
                () = self.clock.sleep(AWAY) => return,
                () = self.status.wait_for(true) => {}
            }
        }
    }

    /// Completes when Discord evidently does not let the bot in. Serenity says nothing of it (close codes 4010 and 4011) and tries for
    /// ever; but Discord counts.
    async fn is_turned_away(&self) {
        loop {
            self.status.wait_for(false).await;
            let counted = async {
                let _busy = self.clock.busy();
                let mut before: Option<LoginsLeft> = None;
                loop {
                    if let Ok(left) = self.outbound.logins_left().await {
                        if before.is_some_and(|before| left.tell_of_refusals(&before)) {
                            return;
                        }
                        before.get_or_insert(left);
                    }
                    self.clock.sleep(COUNT).await;
                }
            };
            tokio::select! {
                () = counted => return,
                () = self.status.wait_for(true) => {}
            }
        }
    }

    /// Waits until one more login does no harm.
    async fn await_login(&self) {
        while let Some(wait) = self.login_after().await {
            self.status.is_on(Duty::NoLogin);
            let _busy = self.clock.busy();
            self.clock.sleep(wait).await;
        }
    }

    /// `None`: now, and it is remembered.
    async fn login_after(&self) -> Option<SignedDuration> {
        let now = self.clock.now();
        let starts = match self.store.meta(STARTS).await {
            Ok(text) => recent(text.as_deref().unwrap_or_default(), now),
            Err(error) => {
                tracing::warn!(%error, "how often the gateway was started could not be read; the login waits");
                return Some(AFTER_TROUBLE);
            }
        };
        // Already waited for since the last of them?
        let since = starts.last().map_or(SignedDuration::MAX, |last| now.duration_since(*last).abs());
        let wait = back_off(&starts, now) - since;
        if wait.is_positive() {
            tracing::error!(starts = starts.len(), wait = %format_args!("{wait:#}"), "the bot is started too often; the login at the gateway waits, for Discord allows 1,000 a day");
            return Some(wait);
        }
        match self.outbound.logins_left().await {
            Ok(left) if left.allow() => {}
            Ok(left) => {
                let wait = left.reset_after.clamp(ASK, LOOK);
                tracing::error!(left = left.remaining, reset_after = %format_args!("{:#}", left.reset_after), "Discord's logins of the day are nearly used up; the login at the gateway waits, or Discord would take the token away");
                return Some(wait);
            }
            Err(error) => {
                tracing::warn!(%error, "how many logins Discord still allows could not be read; the login waits");
                return Some(AFTER_TROUBLE);
            }
        }
        let remembered: Vec<_> = starts.iter().chain([&now]).map(|start| start.as_second().to_string()).collect();
        if let Err(error) = self.store.set_meta(STARTS, &remembered.join(" ")).await {
            tracing::warn!(%error, "the start of the gateway could not be remembered; the login waits");
            return Some(AFTER_TROUBLE);
        }
        None
    }

    /// `false`: the bot stops.
    async fn rest(&self, wait: SignedDuration) -> bool {
        let _busy = self.clock.busy();
        tokio::select! {
            () = self.stop.cancelled() => false,
            () = self.clock.sleep(wait) => true,
        }
    }
}

/// Starts within the last hour, oldest first. What cannot be read is no start.
fn recent(text: &str, now: Timestamp) -> Vec<Timestamp> {
    let read = text.split_whitespace().filter_map(|second| Timestamp::from_second(second.parse().ok()?).ok());
    read.filter(|start| now.duration_since(*start).abs() < SignedDuration::from_hours(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_remembered_for_an_hour_and_rubbish_is_none() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let seconds = [now.as_second() - 4_000, now.as_second() - 5, now.as_second()];
        let text = format!("{} {} x 99999999999999999999 {}", seconds[0], seconds[1], seconds[2]);
        assert_eq!(recent(&text, now).len(), 2);
        assert!(recent("", now).is_empty());
    }
}
