//! The way of a notice: where it goes now, and where next when that place cannot be reached.

use jiff::Timestamp;

use super::delivery::Delivery;
use super::outbound::CallError;
use crate::chat::{ChannelId, MessageId};
use crate::store::{Address, ClaimedNotice, Error, Stage};

/// Where a claimed notice goes now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The asker's reply.
    Reply,
    /// A new message.
    Channel(ChannelId),
    /// Another state of a living message.
    Message(ChannelId, MessageId),
    /// A webhook of the operator's.
    Webhook,
}

impl Delivery {
    /// Where it goes now.
    pub(super) fn place(&self, claimed: &ClaimedNotice) -> Place {
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

    /// On to the next place of its way, or, at its end, dropped.
    pub(super) async fn go_on(&self, now: Timestamp, claimed: &ClaimedNotice, error: CallError) -> Result<(), Error> {
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
        self.drop_it(now, claimed, &error.to_string()).await
    }

    /// Nobody can be told: loudly, and with an audit row for each notice that its message would have said.
    pub(super) async fn drop_it(&self, now: Timestamp, claimed: &ClaimedNotice, why: &str) -> Result<(), Error> {
        tracing::error!(error = why, notice = %claimed.id, request = %claimed.request.id, "a notice could not be delivered anywhere");
        self.status.dropped(1 + claimed.behind.len());
        self.store.notice_dropped(now, claimed, why).await
    }
}
