//! Looking without changing anything: `/device`, `/apps`, `/app-error`, `/access`, `/history`, `/help`.

use crate::bed::{Bed, Spans as _};

#[tokio::test]
async fn device_and_apps_show_what_intune_knows_now() {
    let bed = Bed::new("device and apps").await;
    insta::assert_snapshot!("device", bed.user("hanna").runs("/device device:PIX-009").await.card());
    insta::assert_snapshot!("apps", bed.user("hanna").runs("/apps device:LT-042").await.card());
    let read = bed.audit().await;
    assert_eq!(read.len(), 2);
    assert!(read.iter().all(|(event, _)| event == "read"), "looking is in the audit: {read:?}");
    assert!(bed.calls().is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn looking_passes_the_same_gate() {
    let bed = Bed::new("looking passes the gate").await;
    for command in ["/device device:LT-042", "/apps device:LT-042"] {
        bed.user("nora").runs(command).await.says("you may not look at devices here").never_says("Jonas");
        bed.user("sam").runs(command).await.says("No such device").never_says("Jonas");
        bed.user("rolf").runs(command).await.never_says("You may not");
    }
    bed.user("sam").runs("/device device:SCHOOL-IPAD-1").await.says("Uwe Hahn");
    bed.finish().await;
}

#[tokio::test]
async fn a_device_outside_the_scope_is_not_told_from_one_that_does_not_exist() {
    let bed = Bed::new("hidden devices").await;
    for command in ["/sync device:", "/device device:", "/apps device:", "/access device:"] {
        let hidden = bed.user("sam").runs(&format!("{command}LT-042")).await.card();
        let nothing = bed.user("sam").runs(&format!("{command}LT-999")).await.card();
        assert_eq!(hidden.replace("LT-042", "LT-999"), nothing);
    }
    // The audit tells them apart.
    let whys: Vec<_> = bed.audit().await.into_iter().map(|(_, detail)| detail["why"].clone()).collect();
    assert_eq!(whys, ["not_allowed", "unknown_device"].repeat(4));
    bed.finish().await;
}

#[tokio::test]
async fn a_linux_device_cannot_be_synced_and_can_be_looked_at() {
    let bed = Bed::new("looking at linux").await;
    bed.user("hanna").runs("/device device:LNX-BUILD-3").await.says("`LNX-BUILD-3`").says("Linux");
    bed.finish().await;
}

#[tokio::test]
async fn an_app_error_is_explained_in_every_notation() {
    let bed = Bed::new("app error").await;
    let first = bed.user("hanna").runs("/app-error code:2016330897").await.card();
    insta::assert_snapshot!("app_error", first);
    for notation in ["-2016330897", "0x87D13B6F", "0x87d13b6f", "2278636399"] {
        let same = bed.user("hanna").runs(&format!("/app-error code:{notation}")).await;
        assert_eq!(same.card(), first, "{notation}");
    }
    for nonsense in ["0", "hello", "0x1FFFFFFFFF", "99999999999999999999"] {
        bed.user("hanna").runs(&format!("/app-error code:{nonsense}")).await.says("Not an error code");
    }
    bed.user("nora").runs("/app-error code:2016330889").await.says("Retry");
    bed.finish().await;
}

#[tokio::test]
async fn access_says_what_each_person_is_and_may_do() {
    let bed = Bed::new("access").await;
    let mut said = Vec::new();
    for who in ["hanna", "sam", "priya", "carla", "rolf", "nora", "ada"] {
        said.push(format!("{who}:\n{}", bed.user(who).runs("/access").await.card()));
    }
    insta::assert_snapshot!("access_of_each_person", said.join("\n\n"));
    bed.finish().await;
}

#[tokio::test]
async fn access_to_a_device_says_yes_or_why_not() {
    let bed = Bed::new("access to a device").await;
    let mut said = Vec::new();
    for (who, device) in [
        ("hanna", "LT-042"),
        ("sam", "LT-042"),
        ("sam", "SCHOOL-IPAD-1"),
        ("rolf", "LT-042"),
        ("nora", "LT-042"),
        ("hanna", "NOTHING"),
    ] {
        said.push(format!(
            "{who}, {device}:\n{}",
            bed.user(who).runs(&format!("/access device:{device}")).await.card()
        ));
    }
    insta::assert_snapshot!("access_to_a_device", said.join("\n\n"));
    bed.finish().await;
}

#[tokio::test]
async fn history_is_ones_own_and_everyones_for_an_admin() {
    let bed = Bed::new("history").await;
    bed.user("hanna").runs("/history").await.says("Nothing was asked yet.");
    bed.user("hanna").syncs("LT-042").await;
    bed.advance(1.seconds()).await;
    bed.user("omar").runs("/sync device:MBP-ELSA reason:INC-7").await.clicks("No").await;
    bed.advance(1.seconds()).await;
    bed.user("omar").runs("/sync device:KIOSK-11").await;
    bed.advance(1.seconds()).await;
    bed.user("omar").syncs("PIX-009").await;
    bed.advance(11.minutes()).await;
    bed.user("hanna").syncs("IPAD-017").await;
    insta::assert_snapshot!("history_of_ones_own", bed.user("hanna").runs("/history").await.card());
    insta::assert_snapshot!("history_of_everyone", bed.user("ada").runs("/history").await.card());
    bed.user("omar").runs("/history").await.never_says("LT-042");
    bed.user("nora").runs("/history").await.says("Nothing was asked yet.");
    bed.advance(62.minutes()).await;
    assert_eq!((bed.channel("helpdesk").len(), bed.team().len()), (1, 3));
    bed.finish().await;
}

#[tokio::test]
async fn help_names_every_command() {
    let bed = Bed::new("help").await;
    let help = bed.user("nora").runs("/help").await;
    insta::assert_snapshot!("help", help.card());
    for command in bed.discord.registered_commands() {
        help.says(&format!("/{}", command["name"].as_str().unwrap()));
    }
    bed.finish().await;
}
