//! Files of cards, sent as the bot sends them and looked at as a person in the chat gets them.

use intune_sync_bot::app::http_client;
use intune_sync_bot::chat::{ChannelId, MessageId};
use intune_sync_bot::demo::{Stage, StageOptions};
use intune_sync_bot::discord::{Card, MOST_BYTES, Outbound};
use intune_sync_bot::settings::{Source, load};
use secrecy::SecretString;
use sim::discord::MessageView;

const TEAM: ChannelId = ChannelId(900_000_000_000_000_102);

/// A PNG of one pixel.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";

async fn stage() -> (Stage, Outbound) {
    let stage = Box::pin(Stage::start(StageOptions::still())).await.expect("the stage starts");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    let (url, gateway) = (stage.sim.url(), stage.sim.gateway_url());
    let config = format!(
        "[discord]\ntoken = \"sim-bot-token\"\napplication_id = \"900000000000000010\"\n\
         guild_ids = [\"900000000000000001\"]\napi_url = \"{url}\"\ngateway_url = \"{gateway}\"\n\
         [entra]\ntenant_id = \"{}\"\nclient_id = \"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee\"\nclient_secret = \"x\"\n",
        stage.sim.tenant.tenant_id()
    );
    std::fs::write(&file, config).expect("written");
    let settings = load(&Source { file: Some(file), ..Source::default() }).expect("they are whole");
    let outbound = Outbound::new(&settings.discord, http_client().expect("a client"));
    (stage, outbound)
}

fn card(text: &str, files: &[(&str, &[u8])]) -> Card {
    let mut card = Card::text(text);
    for (name, bytes) in files {
        card.attach(name, bytes.to_vec()).expect("it fits");
    }
    card
}

/// Downloads what is attached: each file's address, type and bytes.
async fn downloads(message: &MessageView) -> Vec<(String, String, Vec<u8>)> {
    let mut files = Vec::new();
    for url in &message.attachments {
        let answer = reqwest::get(url).await.expect("it is served");
        let kind = answer.headers()["content-type"].to_str().expect("text").to_owned();
        let name = url.rsplit('/').next().unwrap_or_default().to_owned();
        files.push((name, kind, answer.bytes().await.expect("its bytes").to_vec()));
    }
    files
}

fn last(stage: &Stage, channel: &str) -> MessageView {
    stage.sim.discord.messages(channel).pop().expect("a message")
}

#[tokio::test]
async fn a_channel_message_carries_files_and_an_edit_says_which_stay() {
    let (stage, outbound) = stage().await;
    let first = card("two files", &[("devices of Ada.csv", b"name\nLT-1\n"), ("chart.png", PICTURE)]);
    let id = outbound.post(TEAM, &first, "a nonce").await.expect("it is taken");
    let files = downloads(&last(&stage, "device-team")).await;
    assert_eq!(files.len(), 2, "{files:?}");
    assert_eq!((files[0].0.as_str(), files[0].2.as_slice()), ("devices_of_Ada.csv", b"name\nLT-1\n".as_slice()));
    assert_eq!((files[1].0.as_str(), files[1].1.as_str(), files[1].2.as_slice()), ("chart.png", "image/png", PICTURE));
    outbound.edit(TEAM, id, &Card::text("the same files").keeping_files()).await.expect("it is taken");
    assert_eq!(last(&stage, "device-team").attachments.len(), 2);
    outbound.edit(TEAM, id, &card("another", &[("other.csv", b"1")])).await.expect("it is taken");
    assert_eq!(downloads(&last(&stage, "device-team")).await[0].2, b"1");
    outbound.edit(TEAM, id, &Card::text("none")).await.expect("it is taken");
    let message = last(&stage, "device-team");
    assert!(message.attachments.is_empty() && message.text().contains("none"));
    assert_eq!(message.history.len(), 3, "it is one message");
    // Each file has a number of its own, by which Discord finds its part.
    let posted = stage.sim.traffic.exchanges().into_iter().find(|one| one.path.ends_with("/messages"));
    let numbers = posted.and_then(|one| one.request).expect("its payload")["attachments"].clone();
    assert_eq!((&numbers[0]["id"], &numbers[1]["id"]), (&0.into(), &1.into()), "{numbers}");
    stage.stop().await;
}

#[tokio::test]
async fn a_reply_carries_files_that_only_its_reader_can_see() {
    let (stage, outbound) = stage().await;
    let asked = stage.sim.discord.user("hanna").run("helpdesk", "/help").expect("it is registered");
    stage.settle().await.expect("the worlds come to rest");
    let path = stage.sim.traffic.exchanges().into_iter().map(|one| one.path).find(|path| path.ends_with("@original"));
    let token =
        path.and_then(|path| path.split('/').nth(5).map(str::to_owned)).map(SecretString::from).expect("a token");
    let preview = card("a preview", &[("devices.csv", b"name\n")]);
    outbound.edit_reply(&token, &preview).await.expect("it is taken");
    let reply = || stage.sim.discord.reply_to(asked).expect("a reply");
    assert_eq!(downloads(&reply()).await[0].2, b"name\n");
    outbound.edit_reply(&token, &Card::text("still there").keeping_files()).await.expect("it is taken");
    assert_eq!(reply().attachments.len(), 1);
    outbound.edit_reply(&token, &Card::text("gone")).await.expect("it is taken");
    assert!(reply().attachments.is_empty() && reply().ephemeral_for.as_deref() == Some("hanna"));
    stage.stop().await;
}

#[tokio::test]
async fn the_largest_file_that_a_card_takes_is_taken_by_discord_too() {
    let (stage, outbound) = stage().await;
    let bytes = vec![b'x'; MOST_BYTES];
    let mut largest = card("large", &[("large.csv", &bytes)]);
    largest.attach("one_more.csv", vec![b'y']).expect_err("the card is full");
    let MessageId(id) = outbound.post(TEAM, &largest, "a nonce").await.expect("it is taken");
    assert!(id > 0);
    assert_eq!(downloads(&last(&stage, "device-team")).await[0].2.len(), MOST_BYTES);
    stage.stop().await;
}
