//! What a sync costs the store, on both databases: claims in a second, and a whole sync as the history grows.
//!
//! `make bench ARGS='store [ROWS …]'`. The history is one real sync, copied: a million rows of it
//! are a million requests, device syncs, attempts, notices and audit rows each.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use intune_sync_bot::chat::{Actor, ChannelId, ChatRoleId, ChatUserId, GuildId, InteractionId};
use intune_sync_bot::clock::Clock;
use intune_sync_bot::intune::{Device, DeviceFilter, TenantId};
use intune_sync_bot::store::{
    Address, Answer, BulkTarget, Confirmed, DeviceSyncState, Ending, NewBulk, OfRequest, Outcome, Phase, Reply, Sink,
    Store, Tell, Yes,
};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::json;

use crate::asked::request;
use crate::engines::{Database, Engine};
use crate::history::History;
use crate::print::print;
use crate::samples::device;

/// Rows of the history when no number is given.
const ROWS: [u32; 3] = [1_000, 100_000, 1_000_000];

/// Whole syncs measured at each of them.
const SYNCS: u32 = 200;

/// Single syncs that wait while claims are counted, and who takes them at once.
const WAITING: u32 = 400;
const WORKERS: usize = 4;

/// Devices of the bulk request that is claimed in twenties.
const BULK: u128 = 10_000;

/// Devices are numbered from here, where no other part of the bench has any.
const FRESH: u128 = 1 << 64;

pub(crate) async fn run(numbers: &[usize]) -> anyhow::Result<()> {
    let mut sizes = numbers.iter().map(|&rows| u32::try_from(rows)).collect::<Result<Vec<_>, _>>()?;
    if sizes.is_empty() {
        sizes.extend(ROWS);
    }
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let database = Database::new(engine).await;
        Box::pin(measure(engine, &database, &sizes)).await?;
        database.remove().await;
    }
    Ok(())
}

async fn measure(engine: Engine, database: &Database, sizes: &[u32]) -> anyhow::Result<()> {
    let store = Store::open(database.url(), TenantId(uuid::Uuid::from_u128(1))).await?;
    let mut bench = Bench { store, clock: Clock::real(), now: "2026-11-23T10:00:00Z".parse()?, count: 0 };
    let mut history = History::of(database, bench.sync().await?).await?;
    let mut first = None;
    for &rows in sizes {
        history.grow_to(rows).await?;
        // Not measured: caches fill, plans are made.
        for _ in 0..SYNCS / 10 {
            bench.sync().await?;
        }
        let mut took = Vec::new();
        for _ in 0..SYNCS {
            let began = bench.clock.steady();
            bench.sync().await?;
            took.push((bench.clock.steady() - began).unsigned_abs());
        }
        took.sort_unstable();
        let (middle, commit) = (took[took.len() / 2], bench.commit().await?);
        let ratio = middle.as_secs_f64() / first.get_or_insert(middle).as_secs_f64();
        print(&format!(
            "{engine:?}, {rows} rows of history: a whole sync takes the store {middle:.2?} (p99 {:.2?}), {ratio:.2} times the first; one commit {commit:.2?}",
            took[took.len() * 99 / 100]
        ));
        let (single, bulk) = (bench.claims().await?, bench.bulk_claims().await?);
        print(&format!(
            "{engine:?}, {rows} rows of history: {single:.0} single claims/s, {bulk:.0} bulk devices claimed/s"
        ));
        let began = bench.clock.steady();
        ensure!(bench.store.history(None, 10).await?.len() == 10, "there is a history");
        print(&format!("{engine:?}, {rows} rows of history: /history of everyone {:.2?}", since(&bench.clock, began)));
    }
    bench.store.close().await;
    Ok(())
}

fn since(clock: &Clock, began: SignedDuration) -> Duration {
    (clock.steady() - began).unsigned_abs()
}

struct Bench {
    store: Store,
    clock: Clock,
    now: Timestamp,
    count: u32,
}

fn actor() -> Actor {
    Actor {
        user: ChatUserId(301),
        name: "Hanna".to_owned(),
        roles: vec![ChatRoleId(201)],
        guild: GuildId(1),
        channel: ChannelId(101),
    }
}

impl Bench {
    fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    fn reply(&self) -> Reply {
        Reply { token: SecretString::from("a token"), until: self.now + SignedDuration::from_mins(14) }
    }

    fn fresh(&mut self) -> Device {
        self.count += 1;
        device(FRESH + u128::from(self.count))
    }

    /// `/sync` and Yes, as the bot stores them.
    async fn ask(&mut self) -> anyhow::Result<()> {
        let (device, actor, reply) = (self.fresh(), actor(), self.reply());
        self.store.claim_interaction(self.now, InteractionId(u64::from(self.count) * 2)).await?;
        let cooldown = self.now - SignedDuration::from_mins(5);
        ensure!(self.store.recent_sync(device.id, cooldown).await?.is_none(), "the device is fresh");
        let expires_at = self.now + SignedDuration::from_mins(10);
        let new = request(&actor, &device, &reply, expires_at);
        let (id, _joined) = self.store.create_request(self.now, &new).await?;
        self.store.claim_interaction(self.now, InteractionId(u64::from(self.count) * 2 + 1)).await?;
        self.store.freeze(self.now).await?;
        self.store.confirmable(self.now, id, &actor).await?;
        let yes = Yes { reply: &reply, decision: json!({}), rules: &[], approval: None };
        let done = self.store.confirm(self.now, id, &actor, &yes).await?;
        ensure!(matches!(done, Confirmed::Done { .. }), "{done:?}");
        Ok(())
    }

    /// Delivers what is due.
    async fn deliver(&self) -> anyhow::Result<()> {
        while let Some(notice) = self.store.claim_notice(self.now).await? {
            self.store.notice_done(self.now, &notice, Some("1".to_owned())).await?;
        }
        self.store.next_due_notice().await?;
        Ok(())
    }

    /// What every loop asks before it rests.
    async fn rest(&self) -> anyhow::Result<()> {
        let (store, now) = (&self.store, self.now);
        store.next_due_sync(now).await?;
        ensure!(store.claim_bulk(now, 20).await?.is_none(), "nobody asked for many");
        ensure!(store.claim_bulk_looks(now, 2_000).await?.is_none(), "nobody asked for many");
        store.next_due_bulk(now).await?;
        store.expire_requests(now).await?;
        store.expire_approvals(now).await?;
        ensure!(store.claim_late_watch(now).await?.is_none(), "nobody waits for a late one");
        store.next_due_late_watch().await?;
        store.outbox(now).await?;
        store.audit_head().await?;
        Ok(())
    }

    /// One sync from the command to its last word; the id of its request.
    async fn sync(&mut self) -> anyhow::Result<String> {
        self.ask().await?;
        let mut claimed = self.store.claim_device_sync(self.now).await?.context("it is due")?;
        let device = claimed.device.clone();
        self.store.begin_attempt(self.now, &mut claimed, &device, self.now, json!({})).await?;
        let next = (DeviceSyncState::Accepted, self.now + SignedDuration::from_secs(20));
        self.store.record_answer(self.now, &claimed, Answer::Accepted, Some("an id"), next).await?;
        self.deliver().await?;
        self.rest().await?;
        self.pass(20);
        let claimed = self.store.claim_device_sync(self.now).await?.context("a look is due")?;
        let (later, phase) = (self.now + SignedDuration::from_secs(60), Phase::ReadingApps { checked_in_at: self.now });
        self.store.come_back(self.now, &claimed, DeviceSyncState::Accepted, later, 1, Some(phase)).await?;
        self.deliver().await?;
        self.rest().await?;
        self.pass(60);
        let claimed = self.store.claim_device_sync(self.now).await?.context("its report is due")?;
        let outcome = Outcome::NoCheckInSeen { accepted: true, last_check_in: None };
        let team = Sink { address: Address::Channel(ChannelId(102)), digest: None };
        let tell = Tell { of_device: vec![team], of_request: OfRequest::by(|_, _| Vec::new()) };
        self.store.finish(self.now, &claimed, &Ending { outcome: &outcome, answer: None, tell }).await?;
        self.deliver().await?;
        self.rest().await?;
        Ok(claimed.request.id.to_string())
    }

    /// The least that a write can take, in the middle: what the disk and the machine are worth at this moment.
    async fn commit(&self) -> anyhow::Result<Duration> {
        let mut took = Vec::new();
        for number in 0..SYNCS {
            let began = self.clock.steady();
            self.store.set_meta("bench", &number.to_string()).await?;
            took.push(since(&self.clock, began));
        }
        took.sort_unstable();
        Ok(took[took.len() / 2])
    }

    /// Claims of single syncs in a second, while there are more.
    async fn claims(&mut self) -> anyhow::Result<f64> {
        for _ in 0..WAITING {
            self.ask().await?;
        }
        let mut workers = tokio::task::JoinSet::new();
        for _ in 0..WORKERS {
            let (store, now, clock) = (self.store.clone(), self.now, self.clock.clone());
            workers.spawn(async move {
                let (mut count, mut took) = (0_u32, Duration::ZERO);
                loop {
                    let began = clock.steady();
                    let Some(claimed) = store.claim_device_sync(now).await? else { return anyhow::Ok((count, took)) };
                    took += since(&clock, began);
                    count += 1;
                    store.finish(now, &claimed, &gone()).await?;
                }
            });
        }
        let (mut count, mut rate) = (0, 0.0);
        while let Some(done) = workers.join_next().await {
            let (mine, took) = done??;
            count += mine;
            rate += f64::from(mine) / took.as_secs_f64().max(f64::MIN_POSITIVE);
        }
        ensure!(count == WAITING, "each was claimed once");
        self.deliver().await?;
        Ok(rate)
    }

    /// Devices of one large bulk request that are claimed in a second, twenty at a time.
    async fn bulk_claims(&mut self) -> anyhow::Result<f64> {
        let (actor, reply) = (actor(), self.reply());
        let devices: Vec<Device> = (0..BULK).map(|_| self.fresh()).collect();
        let considered: Vec<_> = devices.iter().map(|device| device.id).collect();
        let expires_at = self.now + SignedDuration::from_mins(10);
        let target = BulkTarget::Filter(DeviceFilter::default());
        let new = NewBulk {
            actor: &actor,
            reason: None,
            target: &target,
            devices: &devices,
            expires_at,
            reply: &reply,
            considered: &considered,
            detail: json!({}),
        };
        let id = self.store.create_bulk(self.now, &new).await?;
        let yes = Yes { reply: &reply, decision: json!({}), rules: &[], approval: None };
        self.store.confirm(self.now, id, &actor, &yes).await?;
        let (mut claiming, mut ending) = (Duration::ZERO, Duration::ZERO);
        loop {
            let began = self.clock.steady();
            let Some(group) = self.store.claim_bulk(self.now, 20).await? else { break };
            claiming += since(&self.clock, began);
            let began = self.clock.steady();
            for claimed in &group.syncs {
                self.store.finish(self.now, claimed, &gone()).await?;
            }
            ending += since(&self.clock, began);
        }
        let each = ending / u32::try_from(BULK)?;
        print(&format!("  the end of one of {BULK} devices of a bulk request: {each:.2?}"));
        self.deliver().await?;
        Ok(f64::from(u32::try_from(BULK)?) / claiming.as_secs_f64())
    }
}

/// An end that needs no reports.
fn gone() -> Ending<'static> {
    Ending { outcome: &Outcome::Gone, answer: None, tell: Tell::default() }
}
