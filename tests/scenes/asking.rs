//! Asking for a device: by name, serial number, user or id; and what is suggested while someone types.

use std::time::Duration;

use sim::tenant::{Fault, FaultKind};

use crate::bed::{Bed, Spans as _};

#[tokio::test]
async fn a_device_is_found_by_name_serial_number_and_id_in_any_case() {
    let bed = Bed::new("asking by name").await;
    let device = bed.tenant.device("MBP-ELSA").unwrap();
    for text in ["MBP-ELSA", "mbp-elsa", " MBP-Elsa", &device.serial, &device.id, &device.id.to_uppercase()] {
        bed.user("hanna").runs(&format!("/device device:{text}")).await.says("`MBP-ELSA`");
    }
    bed.finish().await;
}

#[tokio::test]
async fn a_user_stands_for_their_only_device_and_for_a_choice_of_several() {
    let bed = Bed::new("asking by user").await;
    let device = bed.tenant.device("IPAD-017").unwrap();
    for user in [device.user_upn.unwrap(), device.user_name.unwrap()] {
        bed.user("hanna").runs(&format!("/sync device:{user}")).await.says("Sync `IPAD-017`?").clicks("No").await;
    }
    let asked = bed.user("hanna").runs("/device device:jonas.weber@contoso.example").await;
    asked.says("Which device?");
    assert!(asked.card().contains("LT-042"), "{}", asked.card());
    bed.finish().await;
}

#[tokio::test]
async fn the_card_before_the_click_says_which_device_and_what_sync_does() {
    let bed = Bed::new("the card").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042 reason:INC-4711").await;
    assert!(asked.is_private(), "a reply to a command is for the asker alone");
    insta::assert_snapshot!("the_card_before_the_click", asked.card());
    asked.clicks("No").await.says("Not syncing `LT-042`").says("Nothing was sent.");
    let unseen = bed.user("hanna").runs("/sync device:PIX-009").await;
    unseen.says("It has not been seen for 43 days.").clicks("No").await;
    let never = bed.user("hanna").runs("/sync device:LT-NEVER").await;
    never.says("It has never checked in.").clicks("No").await;
    assert!(bed.calls().is_empty(), "nobody said yes");
    bed.finish().await;
}

#[tokio::test]
async fn an_unknown_text_and_an_unknown_id_are_clear_refusals() {
    let bed = Bed::new("unknown device").await;
    let asked = bed.user("hanna").runs("/sync device:LT-`404`").await;
    insta::assert_snapshot!("an_unknown_device", asked.card());
    let id = bed.tenant.unknown_device_id();
    bed.user("hanna").syncs_id(&id).await.says("No such device");
    bed.finish().await;
}

#[tokio::test]
async fn a_device_enrolled_a_moment_ago_is_found_in_graph_and_a_removed_one_is_not() {
    let bed = Bed::new("newer than the directory").await;
    bed.tenant.remove_device("LT-042").unwrap();
    bed.user("hanna").runs("/sync device:LT-042").await.says("No such device");
    bed.finish().await;
}

#[tokio::test]
async fn suggestions_follow_what_is_typed_and_who_types() {
    let bed = Bed::new("suggestions").await;
    let hanna = bed.user("hanna");
    insta::assert_snapshot!("suggestions_for_a_helpdesk_agent", hanna.types("/sync device:LT-0").await.join("\n"));
    assert_eq!(hanna.types("/sync device:").await.len(), 25, "an empty box shows the first devices");
    assert!(hanna.types("/sync device:mia.schulz").await.iter().any(|one| one.starts_with("IPAD-017")));
    let serial = bed.tenant.device("LT-042").unwrap().serial;
    assert!(hanna.types(&format!("/device device:{serial}")).await[0].starts_with("LT-042"));
    assert!(hanna.types("/sync device:no such thing").await.is_empty());
    for (who, sees) in [("omar", true), ("priya", true), ("carla", true), ("rolf", true), ("nora", false)] {
        let shown = bed.user(who).types("/apps device:LT-042").await;
        assert_eq!(!shown.is_empty(), sees, "{who} is shown {shown:?}");
    }
    bed.finish().await;
}

#[tokio::test]
async fn a_scoped_school_administrator_is_shown_the_schools_devices_only() {
    let bed = Bed::new("scoped suggestions").await;
    let shown: Vec<_> = bed.user("sam").types("/sync device:").await;
    let names: Vec<_> = shown.iter().filter_map(|line| line.split(" · ").next()).collect();
    // NO-ENTRA-1 has no Entra object of its own; it belongs to a teacher of the school.
    assert_eq!(names, ["NO-ENTRA-1", "SCHOOL-IPAD-1", "SCHOOL-IPAD-2", "SCHOOL-IPAD-3", "TEACHER-MAC-5"]);
    assert!(bed.user("sam").types("/sync device:LT-0").await.is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn suggestions_come_from_memory_while_graph_is_broken() {
    let bed = Bed::new("suggestions without graph").await;
    bed.graph_fails(Fault::new(FaultKind::Unavailable));
    let before = bed.tenant.graph_calls().len();
    let shown = bed.user("hanna").types("/sync device:LT-04").await;
    assert!(shown[0].starts_with("LT-042"), "{shown:?}");
    assert_eq!(bed.tenant.graph_calls().len(), before, "no call was made for it");
    let slowest = bed.discord.ack_latencies().into_iter().max().unwrap();
    assert!(slowest < Duration::from_millis(300), "it took {slowest:?}");
    bed.finish().await;
}

#[tokio::test]
async fn the_directory_refreshes_itself_in_the_background() {
    let bed = Bed::with("directory refresh", "[directory]\nrefresh = \"15m\"").await;
    bed.tenant.remove_device("LT-042").unwrap();
    bed.advance(14.minutes()).await;
    assert_eq!(bed.user("hanna").types("/sync device:LT-042").await.len(), 1, "suggestions may be a little old");
    bed.advance(2.minutes()).await;
    assert!(bed.user("hanna").types("/sync device:LT-042").await.is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn suggestions_end_when_the_roles_have_not_been_readable_for_five_minutes() {
    let bed = Bed::new("suggestions with stale roles").await;
    bed.graph_fails(Fault::new(FaultKind::Unavailable));
    bed.advance(20.minutes()).await;
    assert!(bed.user("hanna").types("/sync device:LT-042").await.is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn a_question_is_answered_at_once_and_calmly_while_graph_is_broken() {
    let bed = Bed::new("graph down while asking").await;
    bed.graph_fails(Fault::new(FaultKind::Unavailable));
    bed.expects_error("a question could not be answered");
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    assert!(asked.message().loading, "deferred at once");
    bed.advance(1.minutes()).await;
    asked.says("That did not work").says("Microsoft Graph does not answer at the moment").says("Reference ");
    asked.never_says("503").never_says("http");
    let reference = asked.text().lines().last().unwrap().trim_start_matches("Reference ").to_owned();
    assert!(bed.has_logged(&reference), "the reference {reference} is in the log");
    bed.finish().await;
}

#[tokio::test]
async fn a_short_trouble_of_graph_is_bridged_while_someone_waits() {
    let bed = Bed::new("graph down for a moment").await;
    bed.graph_fails(Fault::new(FaultKind::Unavailable).method("GET").times(2));
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    bed.advance(5.seconds()).await;
    asked.says("Sync `LT-042`?").clicks("No").await;
    bed.finish().await;
}

#[tokio::test]
async fn nothing_waits_for_discord_longer_than_a_moment() {
    let bed = Bed::new("acknowledgements").await;
    bed.graph_fails(Fault::new(FaultKind::Slow(Duration::from_millis(700))).path("/managedDevices").times(2));
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    asked.says("Sync `LT-042`?").clicks("No").await;
    for latency in bed.discord.ack_latencies() {
        assert!(latency < Duration::from_millis(600), "an answer took {latency:?}");
    }
    bed.finish().await;
}
