//! Two people and one device: one call, and both are told.

use sim::tenant::{CheckIn, Fault, FaultKind};

use crate::bed::{Answer, Bed, HELPDESK, Spans as _};

#[tokio::test]
async fn someone_who_asks_for_a_device_under_way_joins_and_is_told_too() {
    let bed = Bed::new("joining").await;
    let hanna = bed.user("hanna").syncs("LT-042").await;
    let omar = bed.user("omar").runs("/sync device:LT-042 reason:INC-2").await;
    insta::assert_snapshot!("joined", omar.card());
    let lena = bed.user("lena").runs("/sync device:LT-042").await;
    bed.advance(4.minutes()).await;
    for asked in [&hanna, &omar, &lena] {
        asked.says("`LT-042` checked in");
    }
    assert_eq!(bed.calls().len(), 1, "no second call");
    assert_eq!(bed.team().len(), 1, "one line for one sync");
    bed.finish().await;
}

async fn both_read_of_one_call(bed: &Bed, both: [&Answer<'_>; 2]) {
    bed.advance(4.minutes()).await;
    for asked in both {
        asked.says("`LT-042` checked in");
    }
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
}

#[tokio::test]
async fn two_cards_for_one_device_end_in_one_call() {
    let bed = Bed::new("two cards").await;
    let hanna = bed.user("hanna").runs("/sync device:LT-042").await;
    let omar = bed.user("omar").runs("/sync device:LT-042").await;
    hanna.clicks("Yes").await;
    omar.clicks("Yes").await;
    omar.says("You joined that sync");
    both_read_of_one_call(&bed, [&hanna, &omar]).await;
    bed.finish().await;
}

#[tokio::test]
async fn two_people_who_press_yes_at_the_same_moment_make_one_call() {
    let bed = Bed::new("two at once").await;
    let hanna = bed.user("hanna").runs("/sync device:LT-042").await;
    let omar = bed.user("omar").runs("/sync device:LT-042").await;
    hanna.presses("Yes");
    omar.presses("Yes");
    both_read_of_one_call(&bed, [&hanna, &omar]).await;
    bed.finish().await;
}

#[tokio::test]
async fn when_the_first_askers_rights_end_before_the_call_the_next_one_takes_over() {
    let bed = Bed::new("taking over").await;
    bed.graph_fails(Fault::on_sync(FaultKind::Unavailable).until(bed.now() + 1.minutes()));
    let hanna = bed.user("hanna").syncs("LT-042").await;
    let omar = bed.user("omar").runs("/sync device:LT-042").await;
    let lena = bed.user("lena").runs("/sync device:LT-042").await;
    omar.says("You joined that sync");
    bed.discord.remove_role("hanna", "Helpdesk");
    bed.advance(5.minutes()).await;
    hanna.says("Your rights were checked right before the call.");
    omar.says("`LT-042` checked in");
    lena.says("`LT-042` checked in");
    let taken = bed.calls().into_iter().filter(|call| call.status == 204).count();
    assert_eq!((taken, bed.team().len()), (1, 2));
    bed.finish().await;
}

#[tokio::test]
async fn a_stranger_without_rights_cannot_join() {
    let bed = Bed::new("joining without rights").await;
    bed.user("hanna").syncs("LT-042").await;
    bed.user("rolf").runs("/sync device:LT-042").await.says("does not include the permission");
    bed.user("sam").runs("/sync device:LT-042").await.says("No such device");
    bed.advance(4.minutes()).await;
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn everyone_who_joined_hears_in_the_channel_when_it_takes_long() {
    let bed = Bed::new("joining a long one").await;
    bed.user("hanna").syncs("PIX-009").await;
    bed.advance(10.minutes()).await;
    bed.user("omar").runs("/sync device:PIX-009").await.says("You joined that sync");
    bed.advance(52.minutes()).await;
    let said = bed.channel("helpdesk");
    assert_eq!(said.len(), 2);
    assert!(
        said.iter().any(|one| one.contains("(pings @hanna)")) && said.iter().any(|one| one.contains("(pings @omar)"))
    );
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn the_team_hears_of_many_devices_whose_last_one_was_somebody_else_s_sync() {
    let bed = Bed::new("many join one").await;
    for device in bed.tenant.devices() {
        let after = if device.name == "LT-042" { 8.minutes() } else { 1.minutes() };
        bed.tenant.plan_check_in(&device.id, CheckIn::After(after)).expect("there is such a device");
    }
    let omar = bed.user("omar").syncs("LT-042").await;
    let hanna = bed.user("hanna").runs("/bulk-sync user user:jonas.weber@contoso.example").await;
    hanna.clicks("Yes").await;
    bed.advance(12.minutes()).await;
    omar.says("`LT-042` checked in");
    let team = bed.team();
    // Both end at the same moment, and may stand in one message.
    let lines: Vec<_> = team.iter().flat_map(|message| message.lines()).collect();
    assert_eq!(lines.len(), 2, "{team:?}");
    assert!(
        ["`LT-042` ✅", "📦 6 devices"].iter().all(|one| lines.iter().any(|line| line.starts_with(one))),
        "{team:?}"
    );
    let said = bed.channel_messages(HELPDESK).into_iter().map(|message| message.content);
    assert_eq!(said.filter(|said| said.starts_with("<@")).count(), 1, "hanna's summary");
    bed.finish().await;
}

#[tokio::test]
async fn when_somebody_cancels_many_devices_who_joined_for_one_goes_on() {
    let bed = Bed::with("cancelled beside", "[watch]\ndeadline = \"10m\"\n[limits]\ngraph_writes = \"1/20s\"\n").await;
    bed.user("hanna").runs("/bulk-sync user user:jonas.weber@contoso.example").await.clicks("Yes").await;
    let called: Vec<_> = bed.calls().into_iter().filter_map(|call| call.device_name).collect();
    let waits = ["LT-042", "LT-LATE"].into_iter().find(|name| !called.iter().any(|called| called == name));
    let waits = waits.expect("one waits");
    let omar = bed.user("omar").runs(&format!("/sync device:{waits}")).await;
    omar.says("You joined that sync");
    let board = bed.channel_messages(HELPDESK).into_iter().find(|board| board.button("Cancel").is_some());
    bed.user("hanna").clicks_in_channel(&board.expect("a board"), "Cancel").await;
    bed.advance(20.minutes()).await;
    assert!(!omar.text().contains("cancelled"), "{}", omar.text());
    assert!(bed.calls().len() > called.len(), "it is sent for him");
    bed.channel(HELPDESK);
    bed.team();
    bed.finish().await;
}
