//! A long history: one real sync, copied by SQL as often as is wanted.

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};

use crate::engines::Database;

/// Devices that the history is about, over and over.
const DEVICES: u32 = 10_000;

/// What is copied: a table, its columns that are new in each copy with their values, those that stay, and which row.
struct Copied {
    table: &'static str,
    new: &'static [(&'static str, &'static str)],
    kept: &'static str,
    row: &'static str,
}

/// `{id}` is a new id of ours, `{device}` a device's, `{n}` the number of the copy, `{was}` the request that is copied.
const COPIED: [Copied; 5] = [
    Copied {
        table: "requests",
        new: &[("id", "{id}"), ("created_at", "created_at - 2000000000 + {n}"), ("actor_user", "'u' || ({n} % 100)")],
        kept: "tenant_id, state, actor, reason, expires_at, reply_token, reply_until, finished_at",
        row: "id = '{was}'",
    },
    Copied {
        table: "device_syncs",
        new: &[
            ("id", "{id}"),
            ("request_id", "{id}"),
            ("device_id", "{device}"),
            ("ended_at", "ended_at - 2000000000 + {n}"),
        ],
        kept: "tenant_id, device, state, due_at, tries, started_at, outcome, urgency, ended_as, lease_owner",
        row: "request_id = '{was}'",
    },
    Copied {
        table: "attempts",
        new: &[("device_sync_id", "{id}")],
        kept: "number, tenant_id, baseline, requested_at, answered_at, answer, graph_request_id",
        row: "device_sync_id = (SELECT id FROM device_syncs WHERE request_id = '{was}')",
    },
    Copied {
        table: "notices",
        new: &[("id", "{id}"), ("request_id", "{id}")],
        kept: "tenant_id, address, queue, body, state, due_at, tries, message_id, ended_at",
        row: "seq = (SELECT MIN(seq) FROM notices WHERE request_id = '{was}' AND state = 'sent')",
    },
    Copied {
        table: "audit",
        new: &[("request_id", "{id}"), ("device_sync_id", "{id}"), ("position", "-{n}")],
        kept: "tenant_id, at, event, actor_user, actor_name, device_id, detail, seal",
        row: "seq = (SELECT MIN(seq) FROM audit WHERE request_id = '{was}')",
    },
];

/// A connection that writes without waiting for the disk.
enum Filling {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// The history, so far.
pub(crate) struct History {
    filling: Filling,
    request: String,
    rows: u32,
}

impl History {
    /// Of nothing but the sync of this request.
    pub(crate) async fn of(database: &Database, request: String) -> anyhow::Result<Self> {
        let url = database.url().expose_secret();
        let mut filling = if url.starts_with("sqlite:") {
            let options: SqliteConnectOptions = url.parse()?;
            Filling::Sqlite(options.foreign_keys(false).connect().await?)
        } else {
            Filling::Postgres(PgConnection::connect(url).await?)
        };
        filling
            .run(
                match filling {
                    Filling::Sqlite(_) => "PRAGMA synchronous = OFF",
                    Filling::Postgres(_) => "SET session_replication_role = replica",
                }
                .to_owned(),
            )
            .await?;
        Ok(Self { filling, request, rows: 0 })
    }

    /// Copies it until there are so many.
    pub(crate) async fn grow_to(&mut self, rows: u32) -> anyhow::Result<()> {
        if rows <= self.rows {
            return Ok(());
        }
        for copied in &COPIED {
            let statement = self.filling.copy(copied, self.rows + 1, rows).replace("{was}", &self.request);
            self.filling.run(statement).await.with_context(|| format!("while filling {}", copied.table))?;
        }
        // As autovacuum does by itself in time.
        if let Filling::Postgres(_) = self.filling {
            self.filling.run("VACUUM ANALYZE".to_owned()).await?;
        } else {
            self.filling.run("PRAGMA wal_checkpoint(TRUNCATE)".to_owned()).await?;
        }
        self.rows = rows;
        Ok(())
    }
}

impl Filling {
    async fn run(&mut self, statement: String) -> Result<(), sqlx::Error> {
        let statement = AssertSqlSafe(statement);
        match self {
            Self::Sqlite(connection) => sqlx::raw_sql(statement).execute(connection).await.map(drop),
            Self::Postgres(connection) => sqlx::raw_sql(statement).execute(connection).await.map(drop),
        }
    }

    fn copy(&self, copied: &Copied, first: u32, last: u32) -> String {
        let Copied { table, new, kept, row } = copied;
        let (series, id, device) = match self {
            Self::Sqlite(_) => (
                format!(
                    "(WITH RECURSIVE c(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM c WHERE n < {last}) SELECT n FROM c)"
                ),
                "printf('%032x', s.n)".to_owned(),
                format!("printf('00000000-0000-0000-0000-%012x', s.n % {DEVICES})"),
            ),
            Self::Postgres(_) => (
                format!("(SELECT generate_series({first}, {last}) AS n)"),
                "lpad(to_hex(s.n), 32, '0')".to_owned(),
                format!("'00000000-0000-0000-0000-' || lpad(to_hex(s.n % {DEVICES}), 12, '0')"),
            ),
        };
        let (names, values): (Vec<_>, Vec<_>) = new.iter().copied().unzip();
        let values = values.join(", ").replace("{id}", &id).replace("{device}", &device).replace("{n}", "s.n");
        format!(
            "INSERT INTO {table} ({}, {kept}) SELECT {values}, {kept} FROM (SELECT * FROM {table} WHERE {row}) t, {series} s",
            names.join(", ")
        )
    }
}
