//! Delivery: takes due notices from the outbox, renders them, and sends them until Discord took them.

use jiff::{SignedDuration, Timestamp};

use super::card::Card;
use super::outbound::{CallError, Outbound};
use crate::chat::ChannelId;
use crate::clock::Clock;
use crate::settings::Rate;
use crate::store::{Address, ClaimedNotice, Error, Notice, Store};

/// First wait after Discord did not take a message.
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(2);

/// Longest such wait.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(120);

/// A fresh token may answer "not found" until Discord has worked off the click; so often it is tried again.
const NOT_FOUND_TRIES: u32 = 2;

/// Sends what the bot has to say.
#[derive(Debug)]
pub struct Delivery {
    pub(super) store: Store,
    outbound: Outbound,
    pub(super) clock: Clock,
    pub(super) rate: Rate,
}

/// What became of one try.
enum Sent {
    /// Discord took it; the message's id where it is the bot's own.
    Done(Option<String>),
    /// It is no longer worth saying.
    Pointless,
    /// Later.
    Again,
    /// Nobody can be told.
    Never(CallError),
}

impl Delivery {
    /// A delivery.
    pub fn new(store: Store, outbound: Outbound, clock: Clock, rate: Rate) -> Self {
        Self { store, outbound, clock, rate }
    }

    /// Takes one due notice and sends it. `false`: none was due.
    pub async fn step(&self) -> Result<bool, Error> {
        let Some(claimed) = self.store.claim_notice(self.clock.now()).await? else { return Ok(false) };
        let card = self.render(&claimed).await?;
        let sending = async {
            match claimed.address {
                Address::Asker => self.to_asker(&claimed, card.clone()).await,
                Address::Channel(channel) | Address::Living { channel, .. } => {
                    self.post(channel, &card, &claimed).await
                }
            }
        };
        let sent = self.store.holding(&self.clock, claimed.lease(), Box::pin(sending)).await;
        let now = self.clock.now();
        match sent {
            Sent::Done(message) => self.store.notice_done(now, &claimed, message).await?,
            Sent::Pointless => self.store.notice_done(now, &claimed, None).await?,
            Sent::Again => self.store.notice_again(&claimed, wait_from(now, claimed.tries)).await?,
            Sent::Never(error) => {
                tracing::error!(%error, notice = %claimed.id, request = %claimed.request.id, "a notice could not be delivered anywhere");
                self.store.notice_dropped(now, &claimed, &error.to_string()).await?;
            }
        }
        Ok(true)
    }

    /// When the next notice is due.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        self.store.next_due_notice().await
    }

    /// The asker's reply while it can be edited; then the channel they asked in, with a mention.
    async fn to_asker(&self, claimed: &ClaimedNotice, card: Card) -> Sent {
        let news_of_its_own =
            matches!(claimed.body, Notice::ShowedUp { .. } | Notice::NeverShowedUp { .. } | Notice::BulkSummary);
        let reply = &claimed.request.reply;
        if !news_of_its_own && self.clock.now() < reply.until {
            match self.outbound.edit_reply(&reply.token, &card).await {
                Ok(()) => return Sent::Done(None),
                Err(CallError::Later) => return Sent::Again,
                Err(CallError::NotFound(_)) if claimed.tries < NOT_FOUND_TRIES => return Sent::Again,
                Err(error) => {
                    tracing::info!(%error, request = %claimed.request.id, "a reply cannot be edited any more");
                }
            }
        }
        if claimed.body.is_passing() || matches!(claimed.body, Notice::Expired { .. } | Notice::BulkExpired { .. }) {
            return Sent::Pointless;
        }
        let mut card = card;
        let asker = claimed.request.actor.user;
        card.content = format!("<@{asker}>");
        card.mention = Some(asker);
        self.post(claimed.request.actor.channel, &card, claimed).await
    }

    async fn post(&self, channel: ChannelId, card: &Card, claimed: &ClaimedNotice) -> Sent {
        // The id's first 25 characters (Discord's limit) hold its time and most of its random part.
        let nonce = &claimed.id.to_string()[..25];
        match self.outbound.post(channel, card, nonce).await {
            Ok(message) => Sent::Done(Some(message)),
            Err(CallError::Later | CallError::BotToken) => Sent::Again,
            Err(error) => Sent::Never(error),
        }
    }
}

fn wait_from(now: Timestamp, tries: u32) -> Timestamp {
    let wait = FIRST_WAIT.saturating_mul(1 << tries.min(6)).min(LONGEST_WAIT);
    now.saturating_add(wait).unwrap_or(now)
}
