//! Delivery: takes due notices from the outbox, renders them, and sends them until Discord took them.
//!
//! A notice has a way: its own address first, then the channel that the asker asked in, then the channel for what finds no other.
//! Each place that cannot be reached leads to the next; only at the end of the way is it dropped, loudly.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};

use super::card::Card;
use super::cards;
use super::channels::{Channels, Turn, Write};
use super::outbound::Outbound;
use super::pause::Pause;
use super::status::DeliveryStatus;
use super::tries::Sent;
use super::way::Place;
use super::webhook::Webhooks;
use crate::chat::ChannelId;
use crate::clock::Clock;
use crate::graph::Graph;
use crate::panics::caught;
use crate::settings::{Rate, Settings};
use crate::store::{Address, AuditRow, Behind, ClaimedNotice, Error, Event, Notice, Store};

/// First wait after Discord did not take a message.
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(2);

/// Longest such wait.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(120);

/// After so many tries, about an hour, an outage is a long one, and the waits are longer too.
const PATIENT_TRIES: u32 = 30;

/// The wait from then on.
const PATIENT_WAIT: SignedDuration = SignedDuration::from_mins(10);

/// A notice is given up when Discord did not take it in so many tries, and for so long.
const MOST_TRIES: u32 = 50;

/// The least, for a message that stood behind others for all that time.
const FEW_TRIES: u32 = 4;

/// At least so long.
const TRIED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// Failures in the bot itself, by a panic or by something that cannot be read, after which a notice is given up.
const MOST_FAILURES: u32 = 6;

/// Lines of a digest.
const MOST_LINES: usize = 10;

/// Sends what the bot has to say.
#[derive(Debug)]
pub struct Delivery {
    pub(super) store: Store,
    pub(super) graph: Arc<Graph>,
    pub(super) outbound: Outbound,
    pub(super) clock: Clock,
    /// The rate of calls that live messages speak of.
    pub(super) rate: Rate,
    /// For what finds no other place.
    pub(super) fallback: Option<ChannelId>,
    pub(super) webhooks: Webhooks,
    pub(super) channels: Channels,
    pub(super) pause: Mutex<Pause>,
    pub(super) status: Arc<DeliveryStatus>,
}

impl Delivery {
    /// A delivery.
    pub fn new(
        store: Store,
        graph: Arc<Graph>,
        outbound: Outbound,
        settings: &Settings,
        http: reqwest::Client,
        clock: Clock,
    ) -> Self {
        let webhooks = Webhooks::new(http, settings.notify.webhooks.clone());
        let fallback = settings.discord.fallback_channel_id.or(settings.discord.team_channel_id);
        let rate = settings.limits.graph_writes;
        let (channels, pause, status) = (Channels::default(), Mutex::default(), Arc::default());
        Self { store, graph, outbound, clock, rate, fallback, webhooks, channels, pause, status }
    }

    /// How it goes, for health and metrics.
    pub fn status(&self) -> &Arc<DeliveryStatus> {
        &self.status
    }

    /// Takes a due notice. `None`: none is due, or nothing may go out.
    pub async fn claim(&self) -> Result<Option<ClaimedNotice>, Error> {
        while self.paused_until().is_none() {
            let now = self.clock.now();
            let Some(claimed) = self.store.claim_notice(now).await? else { return Ok(None) };
            // A state that was written while the one before it was on its way.
            match claimed.standing.map(|standing| standing.next_edit(now)).filter(|&at| at > now) {
                Some(later) => self.store.notice_later(&claimed, later).await?,
                None => return Ok(Some(claimed)),
            }
        }
        Ok(None)
    }

    /// When the next notice is due.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        let next = self.store.next_due_notice().await?;
        Ok(match self.paused_until() {
            Some(until) => next.map(|next| next.max(until)),
            None => next,
        })
    }

    /// When a claimed notice may be sent, so that its channel does not get too many at once.
    pub fn turn(&self, claimed: &ClaimedNotice) -> Turn {
        let now = self.clock.now();
        match self.place(claimed) {
            Place::Reply | Place::Webhook => Turn { at: now, busy: false },
            Place::Channel(channel) => self.channels.turn(channel, Write::Post, now),
            Place::Message(channel, _) => self.channels.turn(channel, Write::Edit, now),
        }
    }

    /// Sends a claimed notice. `busy`: lines that wait behind it go with it. What fails here is tried again like what Discord did not
    /// take; `Err`: the store is away.
    pub async fn send(&self, claimed: ClaimedNotice, busy: bool) -> Result<(), Error> {
        let kept = claimed.clone();
        let why = match caught(Box::pin(self.deliver(claimed, busy))).await {
            Ok(Err(error)) if error.is_of_the_row() => error.to_string(),
            Ok(done) => return done,
            Err(panic) => panic,
        };
        let (now, tries) = (self.clock.now(), kept.tries + 1);
        tracing::error!(notice = %kept.id, request = %kept.request.id, why, tries, "a delivery failed in the bot itself");
        if tries < MOST_FAILURES {
            return self.store.notice_again(&kept, wait_from(now, kept.tries)).await;
        }
        self.drop_it(now, &kept, &why).await
    }

    /// News that cannot be read: its asker is told that there is some; anybody else is not. `None`: nothing more is to be done.
    async fn readable(&self, mut claimed: ClaimedNotice) -> Result<Option<ClaimedNotice>, Error> {
        let Some(why) = claimed.unreadable.clone() else { return Ok(Some(claimed)) };
        let now = self.clock.now();
        if claimed.address != Address::Asker {
            self.drop_it(now, &claimed, &why).await?;
            return Ok(None);
        }
        claimed.body = Notice::Unreadable;
        Ok(Some(claimed))
    }

    /// What stood in a notice is lost, though its asker was told that there was something: that belongs into the audit like a word that
    /// was never said.
    async fn note_unreadable(&self, now: Timestamp, claimed: &ClaimedNotice, why: &str) -> Result<(), Error> {
        tracing::error!(notice = %claimed.id, request = %claimed.request.id, why, "a notice cannot be read; its asker is told so");
        let detail = serde_json::json!({ "notice": claimed.id.to_string(), "why": why });
        let row = AuditRow::new(Event::NoticeDropped).request(claimed.request.id).detail(detail);
        self.store.audit(now, &row).await
    }

    async fn deliver(&self, claimed: ClaimedNotice, busy: bool) -> Result<(), Error> {
        let Some(mut claimed) = self.readable(claimed).await? else { return Ok(()) };
        let lease = claimed.lease();
        let sending = async {
            // Once a try may have been taken, the message stays as it is: Discord would take no other one under its nonce, and what was
            // added would never be said.
            if claimed.is_fresh && (busy || is_digest(&claimed)) {
                self.gather(&mut claimed).await?;
            }
            let card = self.render(&claimed).await?;
            Ok(self.attempt(&claimed, &card).await)
        };
        let sent = match self.store.holding(&self.clock, lease, Box::pin(sending)).await {
            Ok(sent) => sent,
            Err(Error::LeaseLost) => return Ok(()),
            Err(error) => return Err(error),
        };
        let now = self.clock.now();
        match sent {
            Sent::Done(message) => {
                if let Some(why) = &claimed.unreadable {
                    self.note_unreadable(now, &claimed, why).await?;
                }
                self.store.notice_done(now, &claimed, message.map(|message| message.to_string())).await
            }
            Sent::Stands(channel, message) => {
                self.keep_alive(&claimed).await?;
                match self.store.notice_stands(now, &claimed, channel, message).await {
                    Err(Error::LeaseLost) => Ok(()),
                    other => other,
                }
            }
            Sent::Pointless => self.store.notice_done(now, &claimed, None).await,
            Sent::Again if is_hopeless(&claimed, now) => {
                let who = if matches!(claimed.address, Address::Webhook(_)) { "the webhook" } else { "Discord" };
                self.drop_it(now, &claimed, &format!("{who} did not take it in a day and more")).await
            }
            Sent::Again => self.store.notice_again(&claimed, wait_from(now, claimed.tries)).await,
            Sent::Paused => self.store.notice_later(&claimed, now).await,
            Sent::Elsewhere(error) => self.go_on(now, &claimed, error).await,
        }
    }

    /// Takes what waits behind a team line into its message.
    async fn gather(&self, claimed: &mut ClaimedNotice) -> Result<(), Error> {
        let is_line = matches!(claimed.body, Notice::TeamLine { .. } | Notice::BulkTeamLine);
        if !is_line || !matches!(claimed.address, Address::Channel(_)) {
            return Ok(());
        }
        let most = u32::try_from(MOST_LINES - 1).unwrap_or(0);
        let first = self.line(claimed.request.id, &claimed.body).await?;
        let mut lines = Vec::new();
        for line in self.store.lines_behind(self.clock.now(), claimed, most).await? {
            match self.line(line.request, &line.body).await {
                Ok(card) => lines.push((line, card)),
                // It is dealt with when it is the first.
                Err(error) if error.is_of_the_row() => {}
                Err(error) => return Err(error),
            }
        }
        let fitting = cards::fitting(&first, lines, |(_, card): &(Behind, Card)| card.clone());
        let fitting: Vec<_> = fitting.into_iter().map(|(line, _)| line).collect();
        if fitting.is_empty() { Ok(()) } else { self.store.gather(claimed, fitting).await }
    }
}

/// Whether lines that came meanwhile are told with it. What is told of many devices does not say whether it waited for others; those
/// that are due when it is sent go with it in any case.
fn is_digest(claimed: &ClaimedNotice) -> bool {
    matches!(claimed.body, Notice::TeamLine { digest: true, .. } | Notice::BulkTeamLine)
}

/// Whether it was tried for so long that it will not get anywhere. What stands behind others for a webhook has waited for that webhook
/// since it was due, so that one that is gone for good does not get a day for each message.
fn is_hopeless(claimed: &ClaimedNotice, now: Timestamp) -> bool {
    match claimed.address {
        Address::Webhook(_) => claimed.tries >= FEW_TRIES && now.duration_since(claimed.id.time()) >= TRIED_FOR,
        _ => claimed.tries >= MOST_TRIES && now.duration_since(claimed.first_try_at) >= TRIED_FOR,
    }
}

fn wait_from(now: Timestamp, tries: u32) -> Timestamp {
    let longest = if tries < PATIENT_TRIES { LONGEST_WAIT } else { PATIENT_WAIT };
    let wait = FIRST_WAIT.saturating_mul(1 << tries.min(10)).min(longest);
    now.saturating_add(wait).unwrap_or(now)
}
