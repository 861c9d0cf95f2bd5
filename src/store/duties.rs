//! Duties that one of several processes has at a time, by a lease on the database's clock.

use jiff::SignedDuration;

use super::query::query;
use super::{Error, Store};

/// The present moment on the database's clock, in microseconds, unless `$4` says otherwise.
macro_rules! now {
    () => {
        "COALESCE($4, CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT))"
    };
}

/// What one process has at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DutyName {
    /// The connection to Discord's gateway.
    Gateway,
}

impl DutyName {
    fn text(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
        }
    }
}

/// A duty that is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Whether another process asked for it in the last minute.
    pub wanted: bool,
}

impl Store {
    /// Takes a duty for `term`, or keeps it for as long from now. `None`: another process has it.
    ///
    /// A term that lies further ahead than two of them was written before the database's clock was set back, and does not count.
    pub async fn take_duty(&self, duty: DutyName, term: SignedDuration) -> Result<Option<Held>, Error> {
        let term = i64::try_from(term.as_micros()).unwrap_or(i64::MAX / 4);
        let taken = query(concat!(
            "INSERT INTO duties (tenant_id, name, holder, until_at) VALUES ($1, $2, $3, ",
            now!(),
            " + $5)
             ON CONFLICT (tenant_id, name) DO UPDATE SET holder = excluded.holder, until_at = excluded.until_at
             WHERE duties.holder = excluded.holder OR duties.until_at <= ",
            now!(),
            " OR duties.until_at > 2 * $5 + ",
            now!(),
            " RETURNING COALESCE(wanted_at > ",
            now!(),
            " - 60000000, FALSE) AS wanted"
        ));
        let bound = taken.bind(&self.tenant).bind(duty.text()).bind(self.owner.to_string());
        if let Some(row) = bound.bind(self.hand_moved_now()).bind(term).fetch_optional(&self.engine).await? {
            return Ok(Some(Held { wanted: row.flag("wanted")? }));
        }
        let wanted = query(concat!(
            "UPDATE duties SET wanted_at = ",
            now!(),
            " WHERE tenant_id = $1 AND name = $2 AND holder <> $3"
        ));
        let bound = wanted.bind(&self.tenant).bind(duty.text()).bind(self.owner.to_string());
        bound.bind(self.hand_moved_now()).execute(&self.engine).await?;
        Ok(None)
    }

    /// Gives a duty back, so that another process can take it at once.
    pub async fn leave_duty(&self, duty: DutyName) -> Result<(), Error> {
        query("UPDATE duties SET until_at = 0 WHERE tenant_id = $1 AND name = $2 AND holder = $3")
            .bind(&self.tenant)
            .bind(duty.text())
            .bind(self.owner.to_string())
            .execute(&self.engine)
            .await?;
        Ok(())
    }
}
