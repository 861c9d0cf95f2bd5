//! One try to deliver a notice: the call to Discord or to a webhook, and what became of it.

use jiff::Timestamp;

use super::card::Card;
use super::delivery::Delivery;
use super::outbound::CallError;
use super::way::Place;
use super::webhook;
use crate::chat::{ChannelId, MessageId};
use crate::store::{Address, ClaimedNotice, Notice};

/// A fresh token may answer "not found" until Discord has worked off the click; so often it is tried again.
const NOT_FOUND_TRIES: u32 = 2;

/// Unknown Message: somebody deleted it.
const UNKNOWN_MESSAGE: isize = 10_008;

/// The message is another application's: the bot has a new identity.
const NOT_THE_AUTHOR: isize = 50_005;

/// What became of one try.
pub(super) enum Sent {
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
    /// Tries once.
    pub(super) async fn attempt(&self, claimed: &ClaimedNotice, card: &Card) -> Sent {
        let now = self.clock.now();
        match self.place(claimed) {
            Place::Reply => self.edit_reply(claimed, now, card).await,
            Place::Channel(channel) => self.post(channel, claimed, card).await,
            Place::Message(channel, message) => self.edit(channel, message, claimed, card).await,
            Place::Webhook => self.tell(claimed, now).await,
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
            Notice::BulkTeamLine => match self.store.bulk_standing(claimed.request.id).await {
                Ok(standing) => Some(standing),
                Err(error) => {
                    tracing::warn!(%error, "the store did not say how a request ended; its webhook is told later");
                    return Sent::Again;
                }
            },
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
}

/// The message for a channel: to the asker it begins with a mention.
fn message(claimed: &ClaimedNotice, card: &Card) -> Card {
    match claimed.address {
        Address::Asker => {
            let asker = claimed.request.actor.user;
            Card { content: format!("<@{asker}>"), mention: Some(asker), ..card.clone() }
        }
        _ => card.clone(),
    }
}

/// What makes Discord take a message once, of at most 25 characters.
fn nonce(claimed: &ClaimedNotice) -> String {
    // An id's first 23 or 25 characters hold its time and most of its random part.
    match claimed.address {
        // Whichever state comes first: a crash between the post and its record may make a newer one post again.
        Address::Living { board, round, .. } if claimed.standing.is_none() => {
            format!("{}{}{}", &claimed.request.id.to_string()[..23], &board.as_str()[..1], round % 10)
        }
        _ => claimed.id.to_string()[..25].to_owned(),
    }
}
