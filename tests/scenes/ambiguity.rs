//! A name that several devices have: the bot asks which, and takes an answer from the asker alone.

use crate::bed::{Bed, Spans as _};

#[tokio::test]
async fn the_asker_chooses_and_the_chosen_device_is_the_one_that_is_called() {
    let bed = Bed::new("which device").await;
    let asked = bed.user("hanna").runs("/sync device:SHARED-IPAD reason:INC-1").await;
    insta::assert_snapshot!("which_device", asked.card());
    let wanted = asked.list().options[1].value.clone();
    asked.selects(1).await;
    asked.says("Sync `SHARED-IPAD`?").says("`INC-1`");
    asked.clicks("Yes").await;
    bed.advance(5.minutes()).await;
    asked.says("`SHARED-IPAD` checked in");
    let calls = bed.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].device_id, wanted);
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn three_namesakes_are_offered_for_looking_too() {
    let bed = Bed::new("which device to look at").await;
    for command in ["/device", "/apps", "/access"] {
        let asked = bed.user("hanna").runs(&format!("{command} device:LAB-PC")).await;
        assert_eq!(asked.list().options.len(), 3, "{command}");
        asked.selects(2).await;
        asked.says("LAB-PC").never_says("Which device?");
    }
    bed.finish().await;
}

#[tokio::test]
async fn a_stranger_cannot_choose() {
    let bed = Bed::new("a stranger chooses").await;
    let asked = bed.user("hanna").runs("/sync device:SHARED-IPAD").await;
    let list = asked.list().custom_id;
    let answer = bed.user("omar").forges(asked.message().id, &list).await;
    answer.says("This list has expired or is not yours.");
    assert!(answer.is_private());
    asked.says("Which device?");
    assert!(bed.events().await.contains(&"click_ignored".to_owned()));
    bed.finish().await;
}

#[tokio::test]
async fn a_choice_expires() {
    let bed = Bed::new("an old list").await;
    let asked = bed.user("hanna").runs("/sync device:SHARED-IPAD").await;
    bed.advance(11.minutes()).await;
    let late = asked.selects(0).await;
    late.says("This list has expired");
    assert!(bed.calls().is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn a_device_chosen_by_a_forged_value_passes_the_same_gate() {
    let bed = Bed::new("a forged choice").await;
    // Sam is asked about devices of the school, and claims to have picked one outside his scope.
    let asked = bed.user("sam").runs("/sync device:uwe.hahn@contoso.example").await;
    asked.says("Which device?");
    let outside = bed.tenant.device("LT-042").unwrap().id;
    asked.forges_choice(&outside).await.says("No such device").never_says("LT-042");
    // Asking about many namesakes in scope groups costs many reads; the shared budget lets them go one by one.
    bed.advance(1.seconds()).await;
    let none = bed.tenant.unknown_device_id();
    let asked = bed.user("sam").runs("/sync device:uwe.hahn@contoso.example").await;
    asked.says("Which device?").forges_choice(&none).await.says("No such device");
    bed.advance(1.seconds()).await;
    let asked = bed.user("sam").runs("/sync device:uwe.hahn@contoso.example").await;
    asked.says("Which device?").forges_choice("no id at all").await.says("This list has expired or is not yours.");
    assert!(bed.calls().is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn a_list_answered_without_a_device_changes_nothing() {
    let bed = Bed::new("a list answered by a button").await;
    let asked = bed.user("hanna").runs("/sync device:SHARED-IPAD").await;
    let list = asked.list().custom_id;
    bed.user("hanna").forges(asked.message().id, &list).await.says("This list has expired or is not yours.");
    bed.finish().await;
}

#[tokio::test]
async fn namesakes_outside_the_askers_scope_are_not_offered() {
    let bed = Bed::new("namesakes in scope").await;
    bed.tenant.add_to_group("School staff", "tina.koch").unwrap();
    let asked = bed.user("sam").runs("/sync device:SHARED-IPAD").await;
    asked.says("Sync `SHARED-IPAD`?").says("Tina Koch").clicks("No").await;
    bed.finish().await;
}
