//! Digests: lines that wait for a channel together and are said in one message. Which ones is written down before the message is sent,
//! so that after a crash the same message is sent once more and Discord takes it once.

use jiff::Timestamp;

use super::engine::On;
use super::notice::Notice;
use super::notices::ClaimedNotice;
use super::query::query;
use super::row::{Row, millis};
use super::{Error, NoticeId, RequestId, Store};

/// A notice that the message of another one says too.
#[derive(Clone, Debug)]
pub struct Behind {
    /// Its id.
    pub id: NoticeId,
    /// The request it is about.
    pub request: RequestId,
    /// What.
    pub body: Notice,
}

impl Behind {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self { id: row.parsed("id")?, request: row.parsed("request_id")?, body: row.json("body")? })
    }
}

/// What the message of this notice says too.
pub(super) async fn behind(on: impl Into<On<'_>>, head: NoticeId) -> Result<Vec<Behind>, Error> {
    let rows =
        query("SELECT id, request_id, body FROM notices WHERE digest_id = $1 AND state = 'waiting' ORDER BY seq")
            .bind(head.to_string())
            .fetch_all(on)
            .await?;
    Ok(rows.iter().filter_map(|row| Behind::read(row).ok()).collect())
}

impl Store {
    /// The next `most` team lines that wait in the queue beside this one. None that somebody had in their hands before: Discord may
    /// have taken its message, and knows it by its own nonce only.
    pub async fn lines_behind(&self, now: Timestamp, claimed: &ClaimedNotice, most: u32) -> Result<Vec<Behind>, Error> {
        let rows = query(
            "SELECT n.id, n.request_id, n.body FROM notices n JOIN notices h ON h.queue = n.queue
              WHERE h.id = $1 AND h.lease_token = $2 AND n.seq <> h.seq AND n.state = 'waiting' AND n.due_at <= $3
                AND n.digest_id IS NULL AND n.first_try_at IS NULL
                AND (n.body LIKE '{\"TeamLine\"%' OR n.body = '\"BulkTeamLine\"')
              ORDER BY n.seq LIMIT $4",
        )
        .bind(claimed.id.to_string())
        .bind(&claimed.lease)
        .bind(millis(now))
        .bind(most)
        .fetch_all(&self.engine)
        .await?;
        // What cannot be read stays behind, and is dealt with when it is the first.
        Ok(rows.iter().filter_map(|row| Behind::read(row).ok()).collect())
    }

    /// Writes down that the message of `claimed` says these too. Those that somebody else took meanwhile are left out.
    pub async fn gather(&self, claimed: &mut ClaimedNotice, lines: Vec<Behind>) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let head = query("SELECT queue FROM notices WHERE id = $1 AND lease_token = $2 AND state = 'waiting'")
            .bind(claimed.id.to_string())
            .bind(&claimed.lease)
            .fetch_optional(&mut tx)
            .await?;
        let Some(head) = head else { return Err(Error::LeaseLost) };
        let queue = head.text("queue")?;
        for line in lines {
            let gathered = query(
                "UPDATE notices SET digest_id = $2
                  WHERE id = $1 AND queue = $3 AND state = 'waiting' AND digest_id IS NULL AND first_try_at IS NULL",
            )
            .bind(line.id.to_string())
            .bind(claimed.id.to_string())
            .bind(&queue)
            .execute(&mut tx)
            .await?;
            if gathered == 1 {
                claimed.behind.push(line);
            }
        }
        tx.commit().await
    }
}
