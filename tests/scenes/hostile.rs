//! Names that try something: whatever a device, app or ticket is called, it is shown as text and does nothing.

use crate::bed::{Bed, Spans as _, show};

/// What of a card is alive: everything outside inline code spans.
fn alive(card: &str) -> String {
    card.split('`').step_by(2).collect()
}

const INVISIBLE: [char; 4] = ['\u{202e}', '\u{200b}', '\u{2066}', '\u{200f}'];

#[tokio::test]
async fn a_hostile_device_name_is_dead_text_in_every_card() {
    let bed = Bed::new("hostile names").await;
    let hostile = |name: &str| {
        ["`rm", "@everyone", "[click]", "\u{202e}", "LONG-NAME", "\n", "\u{200b}"]
            .iter()
            .any(|part| name.contains(part))
    };
    let devices: Vec<_> = bed.tenant.devices().into_iter().filter(|device| hostile(&device.name)).collect();
    assert!(devices.len() >= 7, "the tenant has such names");
    let mut said = Vec::new();
    for device in devices {
        let asked = bed.user("hanna").syncs_id(&device.id).await;
        let card = asked.card();
        for word in ["rm -rf", "everyone", "evil.example", "gpj", "LONG-NAME"] {
            assert!(!alive(&card).contains(word), "{word} is alive in\n{card}");
        }
        assert!(!card.contains(INVISIBLE), "an invisible character in\n{card}");
        assert!(asked.message().pings.is_empty());
        said.push(card.lines().next().unwrap_or_default().to_owned());
        asked.clicks("No").await;
    }
    said.sort_unstable();
    insta::assert_snapshot!("hostile_names", said.join("\n"));
    bed.finish().await;
}

#[tokio::test]
async fn a_hostile_name_pings_nobody_in_the_channels() {
    let bed = Bed::new("hostile names in channels").await;
    let device = bed.tenant.device("@everyone free laptops").unwrap();
    bed.tenant.plan_check_in(&device.id, sim::tenant::CheckIn::Never).unwrap();
    bed.user("hanna").syncs_id(&device.id).await.clicks("Yes").await;
    bed.advance(62.minutes()).await;
    let said = bed.channel_messages("helpdesk");
    assert_eq!(said[0].pings, [sim::discord::Ping::User("hanna".to_owned())], "only the asker");
    let team = bed.channel_messages("device-team");
    assert!(team[0].pings.is_empty());
    assert!(!alive(&show::card(&team[0])).contains("@everyone"));
    bed.finish().await;
}

#[tokio::test]
async fn a_hostile_ticket_is_dead_text() {
    let bed = Bed::new("hostile ticket").await;
    let ticket = "@everyone <@900000000000000302> [x](https://evil.example) `";
    let asked = bed.user("hanna").runs(&format!("/sync device:LT-042 reason:{ticket}")).await;
    assert!(!alive(&asked.card()).contains("everyone"), "{}", asked.card());
    asked.clicks("Yes").await;
    bed.advance(4.minutes()).await;
    let team = bed.channel_messages("device-team");
    assert!(team[0].pings.is_empty());
    assert!(!alive(&team[0].text()).contains("evil.example"), "{}", team[0].text());
    bed.user("ada").runs("/history").await.says("`@everyone <@9");
    bed.finish().await;
}

#[tokio::test]
async fn a_hostile_text_typed_as_a_device_is_dead_text_and_no_filter() {
    let bed = Bed::new("hostile text").await;
    for text in ["@everyone", "' or 1 eq 1 or deviceName eq '", "[a](https://evil.example)", "%27%20or%201", "../users"]
    {
        let asked = bed.user("hanna").runs(&format!("/sync device:{text}")).await;
        asked.says("No such device");
        assert!(!alive(&asked.card()).contains("everyone"), "{}", asked.card());
        assert!(!alive(&asked.card()).contains("evil.example"), "{}", asked.card());
    }
    bed.finish().await;
}

#[tokio::test]
async fn a_hostile_app_name_is_dead_text() {
    let bed = Bed::new("hostile app").await;
    let device = bed.tenant.devices().into_iter().find(|device| device.name.starts_with("ZERO")).unwrap();
    let sent = bed.user("hanna").runs(&format!("/apps device:{}", device.id)).await;
    sent.says("`**Bold** <@&1> app`");
    assert!(sent.message().pings.is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn hostile_names_are_harmless_in_suggestions() {
    let bed = Bed::new("hostile suggestions").await;
    for typed in ["LT-", "ZERO", "TWO", "LONG", "`rm"] {
        for one in bed.user("hanna").types(&format!("/sync device:{typed}")).await {
            assert!(one.chars().count() <= 100 && !one.contains(INVISIBLE) && !one.contains('\n'), "{one:?}");
        }
    }
    bed.finish().await;
}
