//! Delivery: takes due notices from the outbox, renders them, and sends them until Discord took them.
//!
//! A notice has a way: its own address first, then the channel that the asker asked in, then the channel for what finds no other.
//! Each place that cannot be reached leads to the next; only at the end of the way is it dropped, loudly.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::card::Card;
use super::cards;
use super::channels::{Channels, Turn, Write};
use super::outbound::{CallError, Outbound};
use super::render::team_line;
use super::status::DeliveryStatus;
use super::webhook::{self, Webhooks};
use crate::chat::{ChannelId, MessageId};
use crate::clock::Clock;
use crate::settings::{Rate, Settings};
use crate::store::{Address, Behind, ClaimedNotice, Error, Notice, Stage, Store};

/// First wait after Discord did not take a message.
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(2);

/// Longest such wait.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(120);

/// A fresh token may answer "not found" until Discord has worked off the click; so often it is tried again.
const NOT_FOUND_TRIES: u32 = 2;

/// First and longest time that everything rests after Discord refused the bot's token: each try counts against the bot's address.
const TOKEN_WAITS: (SignedDuration, SignedDuration) = (SignedDuration::from_secs(15), SignedDuration::from_mins(5));

/// Lines of a digest.
const MOST_LINES: usize = 10;

/// Unknown Message: somebody deleted it.
const UNKNOWN_MESSAGE: isize = 10_008;

/// The message is another application's: the bot has a new identity.
const NOT_THE_AUTHOR: isize = 50_005;

/// Sends what the bot has to say.
#[derive(Debug)]
pub struct Delivery {
    pub(super) store: Store,
    outbound: Outbound,
    pub(super) clock: Clock,
    /// The rate of calls that live messages speak of.
    pub(super) rate: Rate,
    /// For what finds no other place.
    fallback: Option<ChannelId>,
    webhooks: Webhooks,
    channels: Channels,
    pause: Mutex<Pause>,
    status: Arc<DeliveryStatus>,
}

/// Everything rests while Discord does not accept the bot's token.
#[derive(Debug, Default)]
struct Pause {
    until: Option<Timestamp>,
    refusals: u32,
}

/// Where a claimed notice goes now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The asker's reply.
    Reply,
    /// A new message.
    Channel(ChannelId),
    /// Another state of a living message.
    Message(ChannelId, MessageId),
    /// A webhook of the operator's.
    Webhook,
}

/// What became of one try.
enum Sent {
    /// Discord took it; the message's id where it is the bot's own.
    Done(Option<MessageId>),
    /// Discord took it as the state of a living message.
    Stands(ChannelId, MessageId),
    /// It is no longer worth saying.
    Pointless,
    /// Later.
    Again,
    /// The bot's token is not accepted: nothing goes out for now.
    Paused,
    /// Not there.
    Elsewhere(CallError),
}

impl Delivery {
    /// A delivery.
    pub fn new(store: Store, outbound: Outbound, settings: &Settings, http: reqwest::Client, clock: Clock) -> Self {
        let webhooks = Webhooks::new(http, settings.notify.webhooks.clone());
        let fallback = settings.discord.fallback_channel_id.or(settings.discord.team_channel_id);
        let rate = settings.limits.graph_writes;
        let (channels, pause, status) = (Channels::default(), Mutex::default(), Arc::default());
        Self { store, outbound, clock, rate, fallback, webhooks, channels, pause, status }
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

    /// Sends a claimed notice. `busy`: lines that wait behind it go with it.
    pub async fn send(&self, mut claimed: ClaimedNotice, busy: bool) -> Result<(), Error> {
        let lease = claimed.lease();
        let sending = async {
            if claimed.behind.is_empty() && (busy || claimed.tries > 0 || is_digest(&claimed)) {
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
            Sent::Again => self.store.notice_again(&claimed, wait_from(now, claimed.tries)).await,
            Sent::Paused => self.store.notice_later(&claimed, now).await,
            Sent::Elsewhere(error) => self.go_on(now, &claimed, error).await,
        }
    }

    /// Takes what waits behind a team line into its message.
    async fn gather(&self, claimed: &mut ClaimedNotice) -> Result<(), Error> {
        if !matches!((&claimed.body, &claimed.address), (Notice::TeamLine { .. }, Address::Channel(_))) {
            return Ok(());
        }
        let most = u32::try_from(MOST_LINES - 1).unwrap_or(0);
        let lines = self.store.lines_behind(self.clock.now(), claimed, most).await?;
        let first = team_line(&claimed.body);
        let fitting = cards::fitting(&first, lines, |line: &Behind| team_line(&line.body));
        if fitting.is_empty() { Ok(()) } else { self.store.gather(claimed, fitting).await }
    }

    async fn attempt(&self, claimed: &ClaimedNotice, card: &Card) -> Sent {
        let now = self.clock.now();
        match self.place(claimed) {
            Place::Reply => self.edit_reply(claimed, now, card).await,
            Place::Channel(channel) => self.post(channel, claimed, card).await,
            Place::Message(channel, message) => self.edit(channel, message, claimed, card).await,
            Place::Webhook => self.tell(claimed, now).await,
        }
    }

    fn place(&self, claimed: &ClaimedNotice) -> Place {
        let asked = claimed.request.actor.channel;
        let first = match claimed.address {
            Address::Webhook(_) => return Place::Webhook,
            Address::Asker => asked,
            Address::Channel(channel) | Address::Living { channel, .. } => channel,
        };
        let channel = match (claimed.stage, &claimed.address) {
            (Stage::First, Address::Asker) => return Place::Reply,
            // Where it stands is where it is edited, whatever the config says by now.
            (Stage::First, Address::Living { .. }) => claimed.standing.map_or(first, |standing| standing.channel),
            (Stage::First, Address::Channel(_) | Address::Webhook(_)) => first,
            (Stage::Asked, _) => asked,
            (Stage::Fallback, _) => self.fallback.unwrap_or(first),
        };
        match claimed.standing {
            Some(standing) if standing.channel == channel => Place::Message(channel, standing.message),
            _ => Place::Channel(channel),
        }
    }

    /// The asker's reply, while it can be edited.
    async fn edit_reply(&self, claimed: &ClaimedNotice, now: Timestamp, card: &Card) -> Sent {
        let news_of_its_own =
            matches!(claimed.body, Notice::ShowedUp { .. } | Notice::NeverShowedUp { .. } | Notice::BulkSummary);
        let reply = &claimed.request.reply;
        let error = if news_of_its_own || now >= reply.until {
            CallError::TokenEnded
        } else {
            match self.outbound.edit_reply(&reply.token, card).await {
                Ok(()) => return Sent::Done(None),
                Err(CallError::Later) => return Sent::Again,
                Err(CallError::BotToken) => return self.pause(),
                Err(CallError::NotFound(_)) if claimed.tries < NOT_FOUND_TRIES => return Sent::Again,
                Err(error) => error,
            }
        };
        if claimed.body.is_passing() || matches!(claimed.body, Notice::Expired { .. } | Notice::BulkExpired { .. }) {
            tracing::debug!(%error, request = %claimed.request.id, "a reply cannot be edited any more");
            return Sent::Pointless;
        }
        Sent::Elsewhere(error)
    }

    async fn post(&self, channel: ChannelId, claimed: &ClaimedNotice, card: &Card) -> Sent {
        if self.channels.is_closed(channel, self.clock.now()) {
            return Sent::Elsewhere(CallError::Closed);
        }
        let posted = self.outbound.post(channel, &message(claimed, card), &nonce(claimed)).await;
        self.heard(&posted);
        match posted {
            Ok(message) if matches!(claimed.address, Address::Living { .. }) => Sent::Stands(channel, message),
            Ok(message) => Sent::Done(Some(message)),
            Err(CallError::Later) => Sent::Again,
            Err(CallError::BotToken) => self.pause(),
            Err(error) => self.closed(channel, error),
        }
    }

    async fn edit(&self, channel: ChannelId, id: MessageId, claimed: &ClaimedNotice, card: &Card) -> Sent {
        if self.channels.is_closed(channel, self.clock.now()) {
            return Sent::Elsewhere(CallError::Closed);
        }
        let edited = self.outbound.edit(channel, id, &message(claimed, card)).await;
        self.heard(&edited);
        match edited {
            Ok(()) => Sent::Stands(channel, id),
            Err(CallError::Later) => Sent::Again,
            Err(CallError::BotToken) => self.pause(),
            Err(CallError::NotFound(UNKNOWN_MESSAGE) | CallError::Forbidden(NOT_THE_AUTHOR)) => {
                tracing::info!(request = %claimed.request.id, "a living message is gone; it is posted anew");
                self.post(channel, claimed, card).await
            }
            Err(error) => self.closed(channel, error),
        }
    }

    async fn tell(&self, claimed: &ClaimedNotice, now: Timestamp) -> Sent {
        let Address::Webhook(name) = &claimed.address else { return Sent::Pointless };
        let standing = match claimed.body {
            Notice::BulkTeamLine => self.store.bulk_standing(claimed.request.id).await.ok(),
            _ => None,
        };
        match self.webhooks.post(name, &webhook::body(claimed, standing.as_ref()), now).await {
            Ok(()) => Sent::Done(None),
            Err(CallError::Later) => Sent::Again,
            Err(error) => Sent::Elsewhere(error),
        }
    }

    /// Whether it is the channel that cannot be reached, or this one message that Discord does not want.
    fn closed(&self, channel: ChannelId, error: CallError) -> Sent {
        if matches!(error, CallError::NotFound(_) | CallError::Forbidden(_)) {
            self.channels.close(channel, self.clock.now());
        }
        Sent::Elsewhere(error)
    }

    /// On to the next place of its way, or, at its end, dropped.
    async fn go_on(&self, now: Timestamp, claimed: &ClaimedNotice, error: CallError) -> Result<(), Error> {
        let (here, asked) = (self.place(claimed), claimed.request.actor.channel);
        let is_new = |channel: &ChannelId| match here {
            Place::Reply | Place::Webhook => true,
            Place::Channel(here) | Place::Message(here, _) => here != *channel,
        };
        let next = match claimed.stage {
            // What is told to a machine is of no use in a channel.
            _ if here == Place::Webhook => None,
            Stage::First if claimed.address == Address::Asker => Some((Stage::Asked, asked)),
            Stage::First | Stage::Asked => self.fallback.filter(is_new).map(|channel| (Stage::Fallback, channel)),
            Stage::Fallback => None,
        };
        if let Some((stage, channel)) = next {
            if here != Place::Reply {
                tracing::warn!(%error, notice = %claimed.id, request = %claimed.request.id, to = %channel, "a notice goes to another channel: its own cannot be reached");
                self.status.fell_back();
            }
            return self.store.notice_moves(now, claimed, stage, channel).await;
        }
        tracing::error!(%error, notice = %claimed.id, request = %claimed.request.id, "a notice could not be delivered anywhere");
        self.status.dropped(1 + claimed.behind.len());
        self.store.notice_dropped(now, claimed, &error.to_string()).await
    }

    fn paused_until(&self) -> Option<Timestamp> {
        let pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        pause.until.filter(|&until| until > self.clock.now())
    }

    fn pause(&self) -> Sent {
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
    fn heard<T>(&self, answer: &Result<T, CallError>) {
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

/// Whether lines that came meanwhile are told with it.
fn is_digest(claimed: &ClaimedNotice) -> bool {
    matches!(claimed.body, Notice::TeamLine { digest: true, .. })
}

/// The message for a channel: to the asker it begins with a mention.
fn message(claimed: &ClaimedNotice, card: &Card) -> Card {
    match claimed.address {
        Address::Asker => {
            let asker = claimed.request.actor.user;
            Card { content: format!("<@{asker}>"), mention: Some(asker), ..card.clone() }
        }
        _ if claimed.behind.is_empty() => card.clone(),
        _ => cards::digest(card, claimed.behind.iter().map(|line| team_line(&line.body))),
    }
}

/// What makes Discord take a message once, of at most 25 characters.
fn nonce(claimed: &ClaimedNotice) -> String {
    // An id's first 24 or 25 characters hold its time and most of its random part.
    match claimed.address {
        // Whichever state comes first: a crash between the post and its record may make a newer one post again.
        Address::Living { board, .. } if claimed.standing.is_none() => {
            format!("{}{}", &claimed.request.id.to_string()[..24], &board.as_str()[..1])
        }
        _ => claimed.id.to_string()[..25].to_owned(),
    }
}

fn wait_from(now: Timestamp, tries: u32) -> Timestamp {
    let wait = FIRST_WAIT.saturating_mul(1 << tries.min(6)).min(LONGEST_WAIT);
    now.saturating_add(wait).unwrap_or(now)
}
