//! Rows that nobody can read any more: the work ends with a word that says what is known, and nothing else waits for it.

use intune_sync_bot::store::{DeviceSyncId, Revived};
use sim::tenant::{Fault, FaultKind};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, SqliteConnection};
use tempfile::TempDir;

use crate::bed::{Bed, HELPDESK, Spans as _, show};

/// A bed whose database can be got at from outside.
struct Torn {
    bed: Bed,
    database: tokio::sync::Mutex<SqliteConnection>,
    _folder: TempDir,
}

impl Torn {
    async fn new(name: &str) -> Self {
        Self::with(name, "").await
    }

    async fn with(name: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("torn.db").display());
        let config = format!("{more}\n[store]\nurl = \"{url}\"\n[watch]\ndeadline = \"20m\"\n");
        let bed = Bed::on_its_own_store(name, &config, |_| {}).await;
        let database = SqliteConnection::connect(&url).await.expect("the same file");
        Self { bed, database: database.into(), _folder: folder }
    }

    /// Damages the database; so many rows.
    async fn tear(&self, statement: &'static str, rows: u64) {
        let torn = self.database.lock().await.execute(AssertSqlSafe(statement)).await.expect("it is done");
        assert_eq!(torn.rows_affected(), rows, "{statement}");
    }

    async fn dead(&self) -> Vec<DeviceSyncId> {
        let dead = self.bed.store().await.dead(10).await.expect("the store answers");
        dead.into_iter().map(|dead| dead.id).collect()
    }
}

/// A sync that waits for Graph, so that its rows can be torn before anything is sent.
async fn waiting(torn: &Torn, who: &'static str, device: &'static str) {
    torn.bed.graph_fails(Fault::on_sync(FaultKind::Unavailable).until(torn.bed.now() + 30.seconds()));
    torn.bed.user(who).syncs(device).await;
}

fn expects_to_give_up(bed: &Bed) {
    bed.expects_error("a step failed in the bot itself");
    bed.expects_error("a device sync was given up: no step of it could be done");
}

#[tokio::test]
async fn a_device_sync_that_cannot_be_read_ends_with_what_is_known_and_delays_nobody() {
    let torn = Torn::new("an unreadable device").await;
    expects_to_give_up(&torn.bed);
    waiting(&torn, "hanna", "LT-042").await;
    torn.tear("UPDATE device_syncs SET device = 'torn'", 1).await;
    let other = torn.bed.user("omar").syncs("IPAD-017").await;
    torn.bed.advance(5.minutes()).await;
    other.says("`IPAD-017` checked in");
    torn.bed.advance(10.minutes()).await;
    let bed = &torn.bed;
    let hanna = bed.discord.messages_seen_by(HELPDESK, "hanna").pop().expect("an answer");
    insta::assert_snapshot!("given_up", show::card(&hanna));
    assert_eq!(bed.team().len(), 2);
    assert_eq!(torn.bed.metric("device_syncs_given_up").await, Some(1));
    let audit = bed.audit().await;
    let given_up = audit.iter().find(|(event, _)| event == "given_up").map(|(_, detail)| detail.clone());
    let given_up = given_up.expect("it is in the audit");
    assert!(given_up["troubles"] == 6 && given_up["called"] == "no", "{given_up}");
    bed.user("hanna").runs("/history").await.says("failed");
    torn.bed.finish().await;
}

#[tokio::test]
async fn an_admin_takes_up_again_what_was_given_up_and_every_check_is_made_again() {
    let torn = Torn::new("taken up again").await;
    expects_to_give_up(&torn.bed);
    waiting(&torn, "hanna", "LT-042").await;
    torn.tear("UPDATE device_syncs SET device = 'torn'", 1).await;
    torn.bed.advance(10.minutes()).await;
    let (store, dead) = (torn.bed.store().await, torn.dead().await);
    let revive = async |id| store.revive(torn.bed.now(), id).await.expect("the store answers");
    assert_eq!(revive(dead[0]).await, Revived::Queued);
    assert_eq!(revive(dead[0]).await, Revived::NotDead, "once");
    torn.bed.wakes().await;
    torn.bed.advance(4.minutes()).await;
    let hanna = torn.bed.channel(HELPDESK).join("\n")
        + &torn.bed.discord.messages_seen_by(HELPDESK, "hanna").pop().expect("an answer").text();
    assert!(hanna.contains("checked in"), "{hanna}");
    assert_eq!(torn.bed.calls().iter().filter(|call| call.status == 204).count(), 1);
    assert_eq!(torn.bed.team().len(), 2, "given up, and then checked in");
    assert_eq!(torn.bed.metric("device_syncs_given_up").await, Some(0));
    torn.bed.finish().await;
}

#[tokio::test]
async fn one_who_lost_the_right_meanwhile_gets_nothing_by_a_retry() {
    let torn = Torn::new("taken up without a right").await;
    expects_to_give_up(&torn.bed);
    waiting(&torn, "hanna", "LT-042").await;
    torn.tear("UPDATE device_syncs SET device = 'torn'", 1).await;
    torn.bed.advance(10.minutes()).await;
    torn.bed.discord.set_roles("hanna", &[]);
    let (store, dead) = (torn.bed.store().await, torn.dead().await);
    assert_eq!(store.revive(torn.bed.now(), dead[0]).await.expect("the store answers"), Revived::Queued);
    torn.bed.wakes().await;
    torn.bed.advance(4.minutes()).await;
    assert!(torn.bed.calls().iter().all(|call| call.status != 204));
    assert!(torn.bed.team()[1].contains("refused"), "{:?}", torn.bed.team());
    torn.bed.channel(HELPDESK);
    torn.bed.finish().await;
}

#[tokio::test]
async fn a_call_whose_fate_is_known_is_said_even_when_nothing_else_is() {
    for (tear, called, words) in [
        ("UPDATE requests SET actor = 'torn'", "accepted", "Intune accepted the request before that"),
        ("UPDATE attempts SET answer = 'torn'", "unknown", "its answer is not known"),
    ] {
        let torn = Torn::new(&format!("torn {called}")).await;
        expects_to_give_up(&torn.bed);
        torn.bed.user("hanna").syncs("LT-042").await;
        torn.tear(tear, 1).await;
        torn.bed.advance(15.minutes()).await;
        let given_up = torn.bed.audit().await.into_iter().find(|(event, _)| event == "given_up");
        assert_eq!(given_up.expect("it is in the audit").1["called"], called);
        let hanna = torn.bed.discord.messages_seen_by(HELPDESK, "hanna").pop().expect("an answer").text();
        assert!(hanna.contains(words), "{hanna}");
        assert_eq!(torn.bed.team().len(), 1);
        torn.bed.finish().await;
    }
}

#[tokio::test]
async fn one_torn_device_of_many_ends_by_itself_and_the_others_go_on() {
    let torn = Torn::new("one of many is torn").await;
    expects_to_give_up(&torn.bed);
    torn.bed.graph_fails(Fault::on_sync(FaultKind::Unavailable).until(torn.bed.now() + 30.seconds()));
    let asked = torn.bed.user("hanna").runs("/bulk-sync user user:jonas.weber@contoso.example").await;
    asked.clicks("Yes").await;
    // Each has had its turn and comes back later: none is in a worker's hands, which would write it anew.
    torn.bed.advance(2.seconds()).await;
    torn.tear("UPDATE device_syncs SET device = 'torn' WHERE id = (SELECT MIN(id) FROM device_syncs WHERE due_at IS NOT NULL)", 1).await;
    torn.bed.advance(40.minutes()).await;
    let said = torn.bed.channel(HELPDESK);
    assert!(said.iter().any(|message| message.contains("is over")), "{said:?}");
    assert_eq!(torn.dead().await.len(), 1);
    let outcomes = torn.bed.events().await.into_iter().filter(|event| event == "outcome").count();
    let history = torn.bed.store().await.history(None, 50).await.expect("the store answers");
    assert_eq!(outcomes, history.len(), "each device has its outcome");
    torn.bed.team();
    torn.bed.finish().await;
}

#[tokio::test]
async fn news_that_cannot_be_read_is_said_to_exist() {
    let torn = Torn::new("unreadable news").await;
    torn.bed.expects_error("a notice cannot be read; its asker is told so");
    let asked = torn.bed.user("hanna").runs("/sync device:LT-042").await;
    asked.clicks("Yes").await;
    torn.bed.advance(95.seconds()).await;
    torn.bed.discord.fault("PATCH /webhooks", sim::discord::Fault::Status(502), 5);
    torn.bed.advance(10.seconds()).await;
    torn.tear("UPDATE notices SET body = '{\"Torn\":1}' WHERE state = 'waiting' AND body LIKE '{\"Outcome\"%'", 1)
        .await;
    torn.bed.advance(5.minutes()).await;
    insta::assert_snapshot!("unreadable_news", {
        let card = asked.card();
        let reference = card.split("Reference ").nth(1).map(|rest| rest[..8].to_owned()).expect("a reference");
        card.replace(&reference, "1A2B3C4D")
    });
    assert!(torn.bed.events().await.contains(&"notice_dropped".to_owned()), "what was lost is in the audit");
    torn.bed.user("hanna").runs("/history").await.says("checked in");
    assert_eq!(torn.bed.team().len(), 1);
    torn.bed.finish().await;
}

#[tokio::test]
async fn a_torn_card_and_a_torn_watch_end_and_hold_up_no_other() {
    let torn = Torn::new("a torn card and a torn watch").await;
    torn.bed.expects_error("a late watch was given up: no look could be made");
    let watched = torn.bed.user("hanna").syncs("PIX-009").await;
    torn.bed.advance(25.minutes()).await;
    let ended = torn.bed.channel_messages(HELPDESK).pop().expect("an outcome");
    torn.bed.user("hanna").clicks_in_channel(&ended, "Tell me when it shows up").await.says("keep an eye on it");
    drop(watched);
    torn.bed.user("omar").runs("/sync device:LT-042").await;
    let card = torn.bed.user("hanna").runs("/sync device:IPAD-017").await;
    torn.tear("UPDATE device_syncs SET device = 'torn' WHERE device LIKE '%LT-042%' OR device LIKE '%PIX-009%'", 2)
        .await;
    torn.bed.advance(40.minutes()).await;
    card.says("Nobody pressed Yes in time");
    let omar = torn.bed.discord.messages_seen_by(HELPDESK, "omar").pop().expect("an answer").text();
    assert!(omar.contains("I can no longer read"), "{omar}");
    let expired = torn.bed.events().await.into_iter().filter(|event| event == "expired").count();
    assert_eq!(expired, 2);
    assert_eq!(torn.bed.store().await.late_watches().await.expect("the store answers"), 0);
    assert!(torn.bed.channel(HELPDESK).iter().any(|message| message.contains("I can no longer read")));
    torn.bed.team();
    torn.bed.finish().await;
}

#[tokio::test]
async fn what_discord_does_not_take_in_a_day_is_dropped_loudly() {
    let torn = Torn::new("discord is away for days").await;
    torn.bed.expects_error("a notice could not be delivered anywhere");
    torn.bed.user("hanna").syncs("LT-042").await;
    torn.bed.discord.fault("POST /channels", sim::discord::Fault::Status(502), usize::MAX);
    torn.bed.advance(20.hours()).await;
    assert_eq!(torn.bed.metric("notices_dropped").await, Some(0), "there is hope yet");
    torn.bed.advance(6.hours()).await;
    assert_eq!(torn.bed.metric("notices_dropped").await, Some(1));
    assert!(torn.bed.events().await.contains(&"notice_dropped".to_owned()));
    torn.bed.finish().await;
}

#[tokio::test]
async fn an_approval_that_cannot_be_read_ends_in_time_and_keeps_no_other_from_ending() {
    let torn = Torn::with(
        "an unreadable approval",
        r#"
        [discord]
        approvals_channel_id = "900000000000000103"
        [[approval.rule]]
        name = "all"
        approver_roles = ["900000000000000207"]
        "#,
    )
    .await;
    torn.bed.expects_error("the card of an approval cannot be shown");
    torn.bed.user("hanna").syncs("LT-042").await;
    torn.bed.user("omar").syncs("IPAD-017").await;
    torn.tear("UPDATE approvals SET channel = 'torn' WHERE request_id = (SELECT MIN(request_id) FROM approvals)", 1)
        .await;
    torn.bed.advance(9.hours()).await;
    let said = torn.bed.channel(HELPDESK).join("\n");
    assert_eq!(said.matches("Nobody agreed in time").count(), 2, "{said}");
    let events = torn.bed.events().await;
    assert_eq!(events.iter().filter(|event| *event == "approval_expired").count(), 2);
    torn.bed.channel("sync-approvals");
    assert!(torn.bed.calls().is_empty());
    torn.bed.finish().await;
}
