//! Living messages: the bot's own, posted once in a channel and edited from then on, by whichever process has the next state.

use jiff::{SignedDuration, Timestamp};

use super::engine::{On, Tx};
use super::notice::{Address, Board};
use super::notices::{ClaimedNotice, done};
use super::query::query;
use super::row::millis;
use super::{Error, RequestId, Store};
use crate::chat::{ChannelId, MessageId};

/// Between two edits of one message: more often nobody reads it, and all messages of a channel share five edits in five seconds.
const BETWEEN_EDITS: SignedDuration = SignedDuration::from_secs(2);

/// From this age on Discord counts the edits of a message by themselves, and refuses more of them (code 30046).
const OLD: SignedDuration = SignedDuration::from_hours(1);

/// Between two edits of such a message. Discord does not say how many it takes; thirty an hour are known to be taken.
const BETWEEN_OLD_EDITS: SignedDuration = SignedDuration::from_mins(2);

/// Where a living message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// In which channel.
    pub channel: ChannelId,
    /// The message.
    pub message: MessageId,
    /// When it was posted.
    pub posted_at: Timestamp,
    /// When it was last edited; first, when it was posted.
    pub edited_at: Timestamp,
}

impl Standing {
    /// When it may be edited next.
    pub fn next_edit(&self, now: Timestamp) -> Timestamp {
        let wait = if now.duration_since(self.posted_at) < OLD { BETWEEN_EDITS } else { BETWEEN_OLD_EDITS };
        self.edited_at.saturating_add(wait).unwrap_or(now)
    }
}

/// Where it stands, once it does.
pub(super) async fn standing(
    on: impl Into<On<'_>>,
    tenant: &str,
    request: RequestId,
    board: Board,
) -> Result<Option<Standing>, Error> {
    let row = query(
        "SELECT channel_id, message_id, posted_at, edited_at FROM living_messages
          WHERE tenant_id = $1 AND request_id = $2 AND board = $3",
    )
    .bind(tenant)
    .bind(request.to_string())
    .bind(board.as_str())
    .fetch_optional(on)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Standing {
        channel: row.parsed("channel_id")?,
        message: row.parsed("message_id")?,
        posted_at: row.at("posted_at")?,
        edited_at: row.at("edited_at")?,
    }))
}

/// Its next state is posted as a new message; what stands stays as it is.
pub(super) async fn forget_standing(tx: &mut Tx, tenant: &str, request: RequestId, board: Board) -> Result<(), Error> {
    query("DELETE FROM living_messages WHERE tenant_id = $1 AND request_id = $2 AND board = $3")
        .bind(tenant)
        .bind(request.to_string())
        .bind(board.as_str())
        .execute(tx)
        .await?;
    Ok(())
}

impl Store {
    /// Where a living message stands; `None`: nowhere yet.
    pub async fn standing(&self, request: RequestId, board: Board) -> Result<Option<Standing>, Error> {
        standing(&self.engine, &self.tenant, request, board).await
    }

    /// Discord took the state of a living message, which stands there from now on.
    pub async fn notice_stands(
        &self,
        now: Timestamp,
        claimed: &ClaimedNotice,
        channel: ChannelId,
        message: MessageId,
    ) -> Result<(), Error> {
        let Address::Living { board, .. } = claimed.address else {
            return Err(Error::row("address", "is not that of a living message"));
        };
        let mut tx = self.begin().await?;
        if done(claimed, now, Some(message.to_string())).execute(&mut tx).await? == 0 {
            return Err(Error::LeaseLost);
        }
        // An edit leaves the time of the post as it was; a message that was posted anew is a young one again.
        query(
            "INSERT INTO living_messages (tenant_id, request_id, board, channel_id, message_id, posted_at, edited_at)
             VALUES ($1, $2, $3, $4, $5, $6, $6)
             ON CONFLICT (tenant_id, request_id, board) DO UPDATE SET
                posted_at = CASE WHEN living_messages.message_id = excluded.message_id THEN living_messages.posted_at
                                 ELSE excluded.posted_at END,
                channel_id = excluded.channel_id, message_id = excluded.message_id, edited_at = excluded.edited_at",
        )
        .bind(&self.tenant)
        .bind(claimed.request.id.to_string())
        .bind(board.as_str())
        .bind(channel.to_string())
        .bind(message.to_string())
        .bind(millis(now))
        .execute(&mut tx)
        .await?;
        tx.commit().await
    }
}
