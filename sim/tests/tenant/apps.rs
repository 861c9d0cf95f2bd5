//! App states, their history, and the report.

use serde_json::json;
use sim::tenant::AppChange;

use super::bed::{Bed, seconds};

#[tokio::test]
async fn app_states_change_only_after_the_check_in_and_its_lag() {
    let bed = Bed::new().await;
    bed.sync("IPAD-017").await;
    bed.sim.clock.advance(seconds(46));
    assert_eq!(bed.app_state("IPAD-017", "Contoso Mail").await, "failed");
    bed.sim.clock.advance(seconds(24));
    assert_eq!(bed.app_state("IPAD-017", "Contoso Mail").await, "installed");
    let (code, at) = bed.last_failure("IPAD-017", "Contoso Expenses").await;
    assert_eq!((code.as_str(), at.as_str()), ("-2016330893", "2026-11-23T10:00:49Z"));
    let (code, at) = bed.last_failure("IPAD-017", "Roaming Notes").await;
    assert_eq!((code.as_str(), at.as_str()), ("-2016330892", "2026-11-21T10:00:00Z"));
    assert_eq!(bed.last_failure("IPAD-017", "Field Maps").await.0, "-2016345060");
}

#[tokio::test]
async fn a_device_without_a_user_has_its_apps_under_the_zero_id() {
    let bed = Bed::new().await;
    let id = bed.id("KIOSK-11");
    let zero = "/beta/users/00000000-0000-0000-0000-000000000000/mobileAppIntentAndStates";
    let (status, body) = bed.get(&format!("{zero}/{id}")).await;
    assert_eq!((status, &body["mobileAppList"][0]["displayName"]), (200, &json!("Kiosk Browser")));
    assert_eq!(bed.get(&format!("{zero}/{}", bed.id("IPAD-017"))).await.0, 404);
    bed.sim.tenant.break_app_reads(true);
    assert_eq!(bed.get(&format!("{zero}/{id}")).await.0, 403);
    assert_eq!(bed.get(&format!("{}/{id}", zero.replace("beta", "v1.0"))).await.0, 400);
}

#[tokio::test]
async fn the_report_wants_an_app_and_does_not_know_devices() {
    let bed = Bed::new().await;
    let path = "/v1.0/deviceManagement/reports/retrieveDeviceAppInstallationStatusReport";
    let app = bed.app_id("IPAD-017", "Field Maps");
    let ask = |filter: String| json!({"select": ["ErrorCode", "HexErrorCode", "DeviceId", "AppInstallState"], "filter": filter, "skip": 0, "top": 50, "orderBy": []});
    let (status, kind, report) = bed.report(path, ask(format!("(ApplicationId eq '{app}')"))).await;
    assert_eq!((status, kind.as_str()), (200, "application/octet-stream"));
    let columns: Vec<&str> =
        report["Schema"].as_array().unwrap().iter().map(|c| c["Column"].as_str().unwrap()).collect();
    assert_eq!(columns, ["AppInstallState", "AppInstallState_loc", "DeviceId", "ErrorCode", "HexErrorCode"]);
    assert_eq!(report["Values"][0], json!([2, "Failed", bed.id("IPAD-017"), -2_016_345_060, "0x87D1041C"]));
    let other = format!("(ApplicationId eq '{app}') and (DeviceId eq 'none')");
    assert_eq!(bed.report(path, ask(other)).await.2["TotalRowCount"], 1);
    assert_eq!(bed.report(path, ask("(DeviceId eq 'x')".to_owned())).await.0, 400);
    let localised = json!({"select": ["AppInstallState_loc"], "filter": format!("(ApplicationId eq '{app}')")});
    assert_eq!(bed.report(path, localised).await.0, 500);
}

#[tokio::test]
async fn tests_can_plan_what_an_app_does_next() {
    let bed = Bed::new().await;
    bed.sim.tenant.plan_app("MBP-ELSA", "Contoso Chat", AppChange::Fails(-2_016_330_889)).unwrap();
    bed.sim.tenant.set_app_state("MBP-ELSA", "Contoso Mail", Some(-2_016_330_888)).unwrap();
    bed.sim.tenant.check_in_now("MBP-ELSA").unwrap();
    bed.sim.clock.advance(seconds(60));
    assert_eq!(
        bed.last_failure("MBP-ELSA", "Contoso Chat").await,
        ("-2016330889".to_owned(), "2026-11-23T10:00:04Z".to_owned())
    );
    assert_eq!(bed.last_failure("MBP-ELSA", "Contoso Mail").await.0, "-2016330888");
}
