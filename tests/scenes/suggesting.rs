//! Suggestions for linked people: from memory, never older than five minutes, and nothing of what is not known.

use super::linked::linked;
use crate::bed::Spans as _;

#[tokio::test]
async fn suggestions_show_a_linked_person_their_devices_and_nothing_before_they_are_known() {
    let bed = linked("suggestions of linked people").await;
    for (who, text) in [("sam", "/sync device:"), ("tomas", "/sync device:FIELD"), ("ines", "/sync device:LT-04")] {
        assert!(bed.user(who).types(text).await.is_empty(), "{who}: unknown reach shows nothing");
    }
    let sam = bed.user("sam").types("/sync device:").await;
    assert!(
        sam.iter().any(|name| name.starts_with("SCHOOL-IPAD-3")) && !sam.iter().any(|name| name.starts_with("LT-"))
    );
    // Scope tags are looked up for what is typed, for the keystroke after.
    bed.user("tomas").types("/sync device:FIELD").await;
    let tomas = bed.user("tomas").types("/sync device:FIELD").await;
    assert!(tomas.iter().any(|name| name.starts_with("FIELD-LT-1")), "{tomas:?}");
    // A tag that was taken away is shown no longer than five minutes, also to someone who goes on typing.
    bed.tenant.set_device_tags("FIELD-LT-1", &["0"]).unwrap();
    bed.advance(6.minutes()).await;
    bed.user("tomas").types("/sync device:FIELD").await;
    bed.user("tomas").types("/sync device:FIELD").await;
    assert!(bed.user("tomas").types("/sync device:FIELD").await.is_empty(), "its tags are read anew");
    bed.user("tomas").types("/sync device:LT-04").await;
    assert!(bed.user("tomas").types("/sync device:LT-04").await.is_empty());
    assert!(!bed.user("ines").types("/sync device:LT-04").await.is_empty());
    for who in ["nora", "left"] {
        bed.user(who).types("/sync device:LT").await;
        assert!(bed.user(who).types("/sync device:LT").await.is_empty(), "{who} sees nothing");
    }
    // Rights that ended are shown no longer than five minutes, and grant nothing at once.
    bed.tenant.end_roles("sam").unwrap();
    bed.user("sam").runs("/sync device:SCHOOL-IPAD-3").await.says("No Intune role is assigned");
    bed.advance(10.minutes()).await;
    assert!(bed.user("sam").types("/sync device:SCHOOL").await.is_empty());
    bed.finish().await;
}
