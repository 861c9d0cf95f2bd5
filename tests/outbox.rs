//! The outbox as the store keeps it, on both engines: queues that do not hold up each other, living messages, digests.

mod asked;
mod engines;
mod samples;

use asked::request;
use engines::{Database, Engine};
use intune_sync_bot::chat::{Actor, ChannelId, ChatUserId, GuildId, MessageId};
use intune_sync_bot::intune::TenantId;
use intune_sync_bot::store::{
    Address, Board, ClaimedNotice, NewNotice, Notice, Outcome, Phase, Reply, RequestId, Stage, Store,
};
use jiff::{SignedDuration, Timestamp};
use samples::device;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection};

macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::Engine::Sqlite).await;
            })+
        }
        mod postgresql {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::Engine::Postgres).await;
            })+
        }
    };
}

on_both_engines! {
    a_channel_that_cannot_move_holds_up_no_other,
    what_is_about_one_request_and_goes_to_one_address_keeps_its_order,
    of_a_living_messages_states_the_newest_is_said_and_the_last_is_never_lost,
    a_newer_state_keeps_the_patience_and_the_place_of_the_one_it_replaces,
    a_living_message_is_edited_at_its_pace,
    the_lines_of_a_digest_stay_together_over_a_crash,
    a_line_that_may_stand_already_is_in_no_other_message,
    the_last_word_is_said_again_where_something_may_cover_it,
    what_is_dropped_is_in_the_audit_line_by_line,
    what_an_older_version_wrote_is_delivered,
}

const TEAM: Address = Address::Channel(ChannelId(102));
const OTHER: Address = Address::Channel(ChannelId(103));
const LIVING: Address = Address::Living { channel: ChannelId(102), board: Board::Progress, round: 0 };

struct World {
    database: Database,
    store: Store,
    now: Timestamp,
}

impl World {
    async fn new(engine: Engine) -> Self {
        let database = Database::new(engine).await;
        let store = Store::open(database.url(), TenantId(uuid::Uuid::from_u128(1))).await.expect("the store opens");
        Self { database, store, now: "2026-11-23T10:00:00Z".parse().expect("a time") }
    }

    async fn ask(&self, number: u128) -> RequestId {
        let (guild, channel) = (GuildId(1), ChannelId(101));
        let actor = Actor { user: ChatUserId(301), name: "hanna".to_owned(), roles: Vec::new(), guild, channel };
        let reply = Reply { token: SecretString::from("a token"), until: self.now + SignedDuration::from_mins(14) };
        let (device, expires_at) = (device(number), self.now + SignedDuration::from_hours(1));
        let new = request(&actor, &device, &reply, expires_at);
        self.store.create_request(self.now, &new).await.expect("the store answers").0
    }

    async fn say(&self, request: RequestId, address: Address, body: Notice) {
        let new = NewNotice { request, address, body, due_at: self.now };
        self.store.say(&new).await.expect("the store answers");
    }

    async fn claim(&self) -> Option<ClaimedNotice> {
        self.store.claim_notice(self.now).await.expect("the store answers")
    }

    async fn claims(&self) -> ClaimedNotice {
        self.claim().await.expect("a notice is due")
    }

    async fn fails(&self, claimed: &ClaimedNotice, seconds: i64) {
        let again_at = self.now + SignedDuration::from_secs(seconds);
        self.store.notice_again(claimed, again_at).await.expect("the store answers");
    }

    async fn done(&self, claimed: &ClaimedNotice) {
        self.store.notice_done(self.now, claimed, None).await.expect("the store answers");
    }

    fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    /// Runs a statement that this version would not.
    async fn meddle(&self, statement: &'static str) {
        let url = self.database.url().expose_secret();
        if url.starts_with("sqlite") {
            let mut connection = SqliteConnection::connect(url).await.expect("the file opens");
            connection.execute(AssertSqlSafe(statement)).await.expect("it is done");
        } else {
            let mut connection = PgConnection::connect(url).await.expect("the server answers");
            connection.execute(AssertSqlSafe(statement)).await.expect("it is done");
        }
    }

    async fn end(self) {
        self.store.close().await;
        self.database.remove().await;
    }
}

fn line(number: u128) -> Notice {
    let (device, actor) = (Box::new(device(number)), ChatUserId(301));
    Notice::TeamLine { actor, device, outcome: Outcome::Gone, reason: None, digest: false }
}

fn state(number: u128) -> Notice {
    Notice::Progress { device: Box::new(device(number)), phase: Phase::Waiting, requested_at: None }
}

/// Which of the notices of `line` and `state` this is.
fn number(body: &Notice) -> u128 {
    match body {
        Notice::TeamLine { device, .. } | Notice::Progress { device, .. } => device.id.0.as_u128(),
        other => panic!("nobody said {other:?}"),
    }
}

async fn a_channel_that_cannot_move_holds_up_no_other(engine: Engine) {
    let mut world = World::new(engine).await;
    let request = world.ask(1).await;
    for number in 1..=3 {
        world.say(request, TEAM, line(number)).await;
    }
    world.say(request, OTHER, line(4)).await;
    let stuck = world.claims().await;
    assert_eq!(number(&stuck.body), 1);
    // While the first is in somebody's hands the others of its channel wait, and the other channel does not.
    assert_eq!(number(&world.claims().await.body), 4);
    assert!(world.claim().await.is_none());
    world.fails(&stuck, 60).await;
    assert!(world.claim().await.is_none(), "nor do they while it waits to be tried again");
    let next = world.store.next_due_notice().await.expect("the store answers");
    assert_eq!(next, Some(world.now + SignedDuration::from_secs(60)), "and nobody looks for them before");
    world.pass(60);
    for expected in 1..=3 {
        let claimed = world.claims().await;
        assert_eq!(number(&claimed.body), expected);
        world.done(&claimed).await;
    }
    world.end().await;
}

async fn what_is_about_one_request_and_goes_to_one_address_keeps_its_order(engine: Engine) {
    let world = World::new(engine).await;
    let (request, other) = (world.ask(1).await, world.ask(2).await);
    world.say(request, Address::Asker, line(1)).await;
    world.say(other, Address::Asker, line(2)).await;
    // The first one finds its reply gone and goes to a channel that is busy with something else.
    world.say(other, Address::Channel(ChannelId(101)), line(3)).await;
    let first = world.claims().await;
    let busy = [world.claims().await, world.claims().await];
    assert_eq!(busy.each_ref().map(|claimed| number(&claimed.body)), [2, 3]);
    world.store.notice_moves(world.now, &first, Stage::Asked, ChannelId(101)).await.expect("the store answers");
    world.say(request, Address::Asker, line(4)).await;
    let moved = world.claims().await;
    assert_eq!((number(&moved.body), moved.stage), (1, Stage::Asked), "it is the oldest of its new queue");
    assert!(world.claim().await.is_none(), "the second word about the request waits for the first");
    world.done(&moved).await;
    assert_eq!(number(&world.claims().await.body), 4);
    world.end().await;
}

async fn of_a_living_messages_states_the_newest_is_said_and_the_last_is_never_lost(engine: Engine) {
    let mut world = World::new(engine).await;
    let request = world.ask(1).await;
    world.say(request, LIVING, state(1)).await;
    world.say(request, LIVING, state(2)).await;
    let first = world.claims().await;
    assert_eq!(number(&first.body), 2);
    assert!(first.standing.is_none(), "it is not posted yet");
    // While it is on its way more states are written; none of them may overtake it.
    world.say(request, LIVING, state(3)).await;
    world.say(request, LIVING, state(4)).await;
    assert!(world.claim().await.is_none());
    let (channel, message) = (ChannelId(102), MessageId(7));
    world.store.notice_stands(world.now, &first, channel, message).await.expect("the lease is held");
    world.pass(3600);
    let last = world.claims().await;
    assert_eq!(number(&last.body), 4);
    assert_eq!(last.standing.map(|standing| (standing.channel, standing.message)), Some((channel, message)));
    world.store.notice_stands(world.now, &last, channel, message).await.expect("the lease is held");
    assert!(world.claim().await.is_none());
    let standing = world.store.standing(request, Board::Progress).await.expect("the store answers").expect("it stands");
    assert_eq!(standing.edited_at.duration_since(standing.posted_at), SignedDuration::from_hours(1));
    assert!(world.store.standing(request, Board::Approval).await.expect("the store answers").is_none());
    world.end().await;
}

async fn a_newer_state_keeps_the_patience_and_the_place_of_the_one_it_replaces(engine: Engine) {
    let mut world = World::new(engine).await;
    let request = world.ask(1).await;
    world.say(request, LIVING, state(1)).await;
    let claimed = world.claims().await;
    world.store.notice_moves(world.now, &claimed, Stage::Fallback, ChannelId(109)).await.expect("the store answers");
    let claimed = world.claims().await;
    world.fails(&claimed, 30).await;
    world.say(request, LIVING, state(2)).await;
    assert!(world.claim().await.is_none(), "a newer state does not try the same place sooner");
    world.pass(30);
    let claimed = world.claims().await;
    assert_eq!((number(&claimed.body), claimed.tries, claimed.stage), (2, 1, Stage::Fallback));
    world.end().await;
}

async fn a_living_message_is_edited_at_its_pace(engine: Engine) {
    let mut world = World::new(engine).await;
    let request = world.ask(1).await;
    world.say(request, LIVING, state(1)).await;
    let claimed = world.claims().await;
    world.store.notice_stands(world.now, &claimed, ChannelId(102), MessageId(7)).await.expect("the lease is held");
    for (after, pace) in [(0, 2), (10, 2), (3600, 120)] {
        world.pass(after);
        world.say(request, LIVING, state(2)).await;
        if let Some(claimed) = world.claim().await {
            world.store.notice_stands(world.now, &claimed, ChannelId(102), MessageId(7)).await.expect("it is held");
            world.say(request, LIVING, state(3)).await;
        }
        let next = world.store.next_due_notice().await.expect("the store answers");
        assert_eq!(next, Some(world.now + SignedDuration::from_secs(pace)), "after {after} s more");
    }
    world.end().await;
}

async fn the_lines_of_a_digest_stay_together_over_a_crash(engine: Engine) {
    let mut world = World::new(engine).await;
    let request = world.ask(1).await;
    for number in 1..=5 {
        world.say(request, TEAM, line(number)).await;
    }
    world.say(request, TEAM, Notice::Expired { device: Box::new(device(6)) }).await;
    let mut head = world.claims().await;
    let lines = world.store.lines_behind(world.now, &head, 3).await.expect("the store answers");
    assert_eq!(lines.iter().map(|line| number(&line.body)).collect::<Vec<_>>(), [2, 3, 4]);
    world.store.gather(&mut head, lines).await.expect("the lease is held");
    // The process dies before Discord answers; nobody says these lines by themselves.
    world.pass(121);
    let again = world.claims().await;
    assert_eq!(again.id, head.id, "the same message with the same nonce");
    assert_eq!(again.behind.iter().map(|line| number(&line.body)).collect::<Vec<_>>(), [2, 3, 4]);
    world.done(&again).await;
    let after = world.claims().await;
    assert_eq!(number(&after.body), 5);
    world.done(&after).await;
    assert!(matches!(world.claims().await.body, Notice::Expired { .. }));
    world.end().await;
}

async fn a_line_that_may_stand_already_is_in_no_other_message(engine: Engine) {
    let mut world = World::new(engine).await;
    let request = world.ask(1).await;
    // The first in the queue is seen late: it was due later, or its writer committed later.
    let late = NewNotice { request, address: TEAM, body: line(1), due_at: world.now + SignedDuration::from_secs(10) };
    world.store.say(&late).await.expect("the store answers");
    let other = world.ask(2).await;
    world.say(other, TEAM, line(2)).await;
    world.say(other, TEAM, line(3)).await;
    let tried = world.claims().await;
    assert_eq!(number(&tried.body), 2);
    world.fails(&tried, 20).await;
    world.pass(20);
    let head = world.claims().await;
    assert_eq!(number(&head.body), 1);
    let lines = world.store.lines_behind(world.now, &head, 9).await.expect("the store answers");
    assert_eq!(lines.iter().map(|line| number(&line.body)).collect::<Vec<_>>(), [3], "its answer may be what was lost");
    world.end().await;
}

async fn the_last_word_is_said_again_where_something_may_cover_it(engine: Engine) {
    let mut world = World::new(engine).await;
    let request = world.ask(1).await;
    let again = async |world: &World| world.store.say_last_word_again(world.now, request).await.expect("it answers");
    for number in 1..=2 {
        world.say(request, Address::Asker, line(number)).await;
        let claimed = world.claims().await;
        world.done(&claimed).await;
    }
    again(&world).await;
    assert!(world.claim().await.is_none(), "it still waits for Yes: nothing newer was said");
    world.meddle("UPDATE requests SET state = 'running'").await;
    again(&world).await;
    let claimed = world.claims().await;
    assert_eq!(number(&claimed.body), 2, "the newest");
    world.done(&claimed).await;
    world.pass(5);
    world.say(request, Address::Asker, line(3)).await;
    again(&world).await;
    assert_eq!(number(&world.claims().await.body), 3, "what waits is said anyway");
    world.end().await;
}

async fn what_is_dropped_is_in_the_audit_line_by_line(engine: Engine) {
    let world = World::new(engine).await;
    let (request, other) = (world.ask(1).await, world.ask(2).await);
    world.say(request, TEAM, line(1)).await;
    world.say(other, TEAM, line(2)).await;
    let mut head = world.claims().await;
    let lines = world.store.lines_behind(world.now, &head, 9).await.expect("the store answers");
    world.store.gather(&mut head, lines).await.expect("the lease is held");
    world.store.notice_moves(world.now, &head, Stage::Fallback, ChannelId(109)).await.expect("the store answers");
    let head = world.claims().await;
    assert_eq!((head.stage, head.behind.len()), (Stage::Fallback, 1));
    world.store.notice_dropped(world.now, &head, "nobody is there").await.expect("the store answers");
    assert!(world.claim().await.is_none());
    let audit = world.store.audit_trail().await.expect("the store answers");
    let dropped: Vec<_> = audit.iter().filter(|(event, _)| event == "notice_dropped").collect();
    assert_eq!(dropped.len(), 2);
    assert!(dropped.iter().all(|(_, detail)| detail["why"] == "nobody is there"), "{dropped:?}");
    world.end().await;
}

async fn what_an_older_version_wrote_is_delivered(engine: Engine) {
    let world = World::new(engine).await;
    let request = world.ask(1).await;
    for (address, number) in [(TEAM, 1), (TEAM, 2), (Address::Asker, 3)] {
        world.say(request, address, line(number)).await;
    }
    world.meddle("UPDATE notices SET queue = NULL, stage = NULL, first_try_at = NULL").await;
    let claimed = [world.claims().await, world.claims().await];
    assert_eq!(claimed.each_ref().map(|claimed| number(&claimed.body)), [1, 3]);
    assert!(world.claim().await.is_none(), "it stands in the queues that it belongs into");
    world.end().await;
}
