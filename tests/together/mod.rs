//! Two handles to one database, as two processes have them; what the store's races share.

use intune_sync_bot::chat::{Actor, ChannelId, ChatUserId, GuildId};
use intune_sync_bot::intune::TenantId;
use intune_sync_bot::store::{Reply, RequestId, Store};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::asked::request;
use super::engines::{Database, Engine};
use super::samples::device;

/// Races of two are run so often.
pub(crate) const ROUNDS: u128 = 25;

/// An hour of other things.
pub(crate) const LONG: SignedDuration = SignedDuration::from_hours(1);

/// Each of these tests on both engines.
#[macro_export]
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(super::Engine::Sqlite).await;
            })+
        }
        mod postgresql {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(super::Engine::Postgres).await;
            })+
        }
    };
}

/// Two handles to one database, each as a process would open it.
pub(crate) struct Both {
    pub(crate) database: Database,
    pub(crate) one: Store,
    pub(crate) other: Store,
    pub(crate) now: Timestamp,
}

pub(crate) fn tenant() -> TenantId {
    TenantId(uuid::Uuid::from_u128(1))
}

impl Both {
    pub(crate) async fn new(engine: Engine) -> Self {
        let database = Database::new(engine).await;
        let one = Store::open(database.url(), tenant()).await.expect("the store opens");
        let other = Store::open(database.url(), tenant()).await.expect("the store opens again");
        let now = "2026-11-23T10:00:00Z".parse().expect("a time");
        Self { database, one, other, now }
    }

    pub(crate) fn reply(&self) -> Reply {
        Reply { token: SecretString::from("a token"), until: self.now + SignedDuration::from_mins(14) }
    }

    pub(crate) async fn ask(&self, person: u64, number: u128) -> RequestId {
        let (actor, device, reply) = (actor(person), device(number), self.reply());
        let expires_at = self.now + LONG;
        let new = request(&actor, &device, &reply, expires_at);
        self.one.create_request(self.now, &new).await.expect("the store answers").0
    }

    pub(crate) async fn end(self) {
        self.one.close().await;
        self.other.close().await;
        self.database.remove().await;
    }
}

pub(crate) fn actor(person: u64) -> Actor {
    let (guild, channel) = (GuildId(1), ChannelId(101));
    Actor { user: ChatUserId(person), name: format!("person {person}"), roles: Vec::new(), guild, channel }
}
