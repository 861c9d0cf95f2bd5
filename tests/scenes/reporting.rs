//! The report after a check-in: each failed app with its code, its time and Microsoft's advice.

use sim::tenant::{Fault, FaultKind};

use crate::bed::{Bed, Spans as _};

#[tokio::test]
async fn mixed_app_failures_each_get_their_advice() {
    let bed = Bed::new("mixed failures").await;
    let asked = bed.user("hanna").syncs("IPAD-017").await;
    bed.advance(4.minutes()).await;
    insta::assert_snapshot!("mixed_app_failures", asked.card());
    insta::assert_snapshot!("team_line_with_app_failures", bed.team().join("\n"));
    assert_eq!(bed.calls().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn every_code_of_microsofts_table_is_told_with_its_verdict() {
    let bed = Bed::with("all eleven codes", "[apps]\nmax_failures = 11").await;
    let asked = bed.user("hanna").runs("/apps device:IPHONE-ALL11").await;
    insta::assert_snapshot!("every_code", asked.card());
    let after = bed.user("hanna").syncs("IPHONE-ALL11").await;
    bed.advance(4.minutes()).await;
    after.says("11 apps still fail").says("… and 3 more failed.");
    assert!(bed.team()[0].contains("11 app failures"));
    bed.finish().await;
}

#[tokio::test]
async fn a_device_without_a_user_has_apps_too() {
    let bed = Bed::new("a kiosk").await;
    let asked = bed.user("hanna").syncs("KIOSK-11").await;
    bed.advance(4.minutes()).await;
    insta::assert_snapshot!("a_device_without_a_user", asked.card());
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn a_device_whose_apps_are_well_has_no_failures() {
    let bed = Bed::new("no failures").await;
    let asked = bed.user("hanna").syncs("MBP-ELSA").await;
    bed.advance(4.minutes()).await;
    asked.says("`MBP-ELSA` checked in").says("No app failures.");
    assert!(bed.team()[0].contains("no app failures"));
    bed.finish().await;
}

#[tokio::test]
async fn unavailable_app_states_are_never_called_no_failures() {
    let bed = Bed::new("app states forbidden").await;
    bed.tenant.break_app_reads(true);
    let asked = bed.user("hanna").syncs("IPAD-017").await;
    bed.advance(4.minutes()).await;
    asked.says("`IPAD-017` checked in").says("App states are unavailable").never_says("No app failures");
    bed.user("hanna").runs("/apps device:IPAD-017").await.says("App states are unavailable");
    assert!(bed.team()[0].contains("app states unavailable"));
    bed.finish().await;
}

#[tokio::test]
async fn app_states_that_graph_does_not_deliver_in_time_are_unavailable_too() {
    for (name, kind) in [("app states 503", FaultKind::Unavailable), ("app states cut short", FaultKind::MalformedJson)]
    {
        let bed = Bed::new(name).await;
        bed.graph_fails(Fault::new(kind).path("/beta/"));
        let asked = bed.user("hanna").syncs("IPAD-017").await;
        bed.advance(6.minutes()).await;
        asked.says("`IPAD-017` checked in").says("App states are unavailable").never_says("No app failures");
        assert_eq!(bed.team().len(), 1);
        bed.finish().await;
    }
}

#[tokio::test]
async fn where_the_history_is_silent_the_report_tells_the_code() {
    let bed = Bed::new("report as fallback").await;
    bed.graph_fails(Fault::new(FaultKind::Forbidden).path("/mobileAppTroubleshootingEvents"));
    let asked = bed.user("hanna").runs("/apps device:IPAD-017").await;
    bed.advance(5.seconds()).await;
    asked.says("2016330892").says("0x87D13B74").says("Retryable");
    assert!(
        bed.tenant.graph_calls().iter().any(|call| call.path.contains("retrieveDeviceAppInstallationStatusReport"))
    );
    bed.finish().await;
}

#[tokio::test]
async fn without_beta_the_bot_says_what_it_cannot_know() {
    let bed = Bed::with("no beta", "[apps]\nbeta = false").await;
    let asked = bed.user("hanna").syncs("IPAD-017").await;
    bed.advance(4.minutes()).await;
    asked.says("`IPAD-017` checked in").never_says("No app failures");
    let beta: Vec<_> = bed.tenant.graph_calls().into_iter().filter(|call| call.path.starts_with("/beta")).collect();
    assert!(beta.iter().all(|call| !call.path.contains("Troubleshooting")), "{beta:?}");
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn an_app_mended_by_the_sync_is_not_listed_any_more() {
    let bed = Bed::new("mended").await;
    let before = bed.user("hanna").runs("/apps device:IPAD-017").await;
    before.says("Contoso Mail");
    let asked = bed.user("hanna").syncs("IPAD-017").await;
    bed.advance(4.minutes()).await;
    asked.never_says("Contoso Mail").says("Contoso Expenses");
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}
