//! Linking: the way that works, and what people read when it does not.

use reqwest::Method;
use serde_json::json;
use sim::tenant::{Fault, FaultKind};

use crate::bed::{Bed, Spans as _};

const SIGN_IN: &str = "Sign in with Microsoft";
const ENTER: &str = "Enter the code";

#[tokio::test]
async fn someone_links_their_account_and_unlinks_it() {
    let bed = Bed::new("linking").await;
    let hanna = bed.user("hanna");
    let offered = hanna.runs("/link").await;
    assert!(offered.is_private());
    insta::assert_snapshot!("the_offer", offered.card());

    let (browser, link) = (bed.browser(), offered.address_of(SIGN_IN));
    let landing = browser.opens(&link).await;
    landing.says(200, "<strong>Hanna Meyer</strong>").says(200, "If you did not type <code>/link</code> yourself");
    let back = browser.signs_in(&link, "hanna").await;
    let arrived = browser.opens(&back).await;
    arrived
        .says(200, "Signed in as Hanna Meyer")
        .says(200, "Never give this code to anybody, also not to the helpdesk.");
    let code = arrived.code();

    offered.clicks(ENTER).await;
    // As people write it down.
    let found = hanna.enters(&format!("{} {}", &code[..3], &code[3..])).await;
    assert!(found.is_private());
    insta::assert_snapshot!("the_person_found", found.card());
    found.clicks("Link").await;
    insta::assert_snapshot!("linked", found.card());
    let (event, detail) = bed.audit().await.pop().expect("a row");
    assert_eq!(event, "linked");
    let person = "00000000-0000-4000-8000-000000000301";
    let all = json!({ "chat_user": "900000000000000301", "entra_user": person, "guest": false, "source": "sign_in" });
    assert_eq!(detail, all);

    hanna.runs("/link").await.says("You are linked to `Hanna Meyer`").says("Signing in again replaces that.");
    hanna.runs("/unlink").await.says("The link is ended.").says("Your chat roles do not count again by themselves");
    hanna.runs("/unlink").await.says("You are not linked");
    assert_eq!(bed.events().await, ["linked", "unlinked"]);
    assert!(bed.store().await.links().await.unwrap()[0].ended_at.is_some(), "the row stays");
    bed.finish().await;
}

#[tokio::test]
async fn a_guest_is_told_apart() {
    let bed = Bed::in_world("linking a guest", "", |world| {
        world.tenant.person.iter_mut().filter(|person| person.key == "gus").for_each(|person| person.guest = true);
    })
    .await;
    let found = bed.user("hanna").links_as("gus").await;
    found.says("Linked").says("a guest");
    assert!(bed.store().await.links().await.unwrap()[0].person.guest);
    bed.finish().await;
}

#[tokio::test]
async fn every_answer_of_the_page_keeps_to_itself() {
    let bed = Bed::new("the headers of the page").await;
    let link = bed.user("hanna").runs("/link").await.address_of(SIGN_IN);
    let browser = bed.browser();
    let nobody = link.replace("/link/", "/nobody/");
    let style = link.rsplit_once('/').unwrap().0.to_owned() + "/style.css";
    for (address, status) in [(&link, 200), (&style, 200), (&nobody, 404), (&format!("{link}/start"), 404)] {
        let page = browser.opens(address).await;
        // GET of Continue is not served; it says so in its own page.
        assert_eq!(page.status, status, "{address}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self'; form-action 'self' http://127.0.0.1:"),
            "{policy}"
        );
        assert!(policy.ends_with("; base-uri 'none'; frame-ancestors 'none'"), "{policy}");
        for (name, value) in [
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(page.header(name), Some(value), "{address}: {name}");
        }
        assert!(page.header("strict-transport-security").is_none() && !page.html.contains("<script"));
    }
    let departure = browser.continues(&link).await;
    assert_eq!(departure.status, 303);
    let cookie = departure.header("set-cookie").unwrap();
    assert!(
        cookie.starts_with("link=") && cookie.ends_with("; Path=/; Max-Age=600; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
    let authorize = departure.header("location").unwrap();
    for part in ["prompt=select_account", "response_mode=query", "code_challenge_method=S256", "scope=openid+profile"] {
        assert!(authorize.contains(part), "{part} in {authorize}");
    }
    bed.finish().await;
}

#[tokio::test]
async fn link_previews_use_nothing_up() {
    let bed = Bed::new("link previews").await;
    let offered = bed.user("hanna").runs("/link").await;
    let link = offered.address_of(SIGN_IN);
    let preview = bed.browser();
    for method in [Method::GET, Method::HEAD, Method::GET] {
        assert_eq!(preview.sends(method, &link, &[]).await.status, 200);
    }
    let browser = bed.browser();
    let back = browser.signs_in(&link, "hanna").await;
    assert_eq!(browser.sends(Method::HEAD, &back, &[]).await.status, 405);
    browser.opens(&back).await.says(200, "Signed in as Hanna Meyer");
    assert!(bed.events().await.is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn a_new_signing_key_is_found_without_a_restart() {
    let bed = Bed::new("rotated keys").await;
    bed.user("hanna").links_as("hanna").await.says("Linked");
    bed.tenant.rotate_signing_key();
    // Within the minute the key set is not asked for again.
    let link = bed.user("omar").runs("/link").await.address_of(SIGN_IN);
    let browser = bed.browser();
    let back = browser.signs_in(&link, "omar").await;
    browser.opens(&back).await.says(403, "The sign-in could not be verified");
    assert_eq!(bed.link_refusals().await, ["bad_id_token"]);
    bed.advance(2.minutes()).await;
    bed.user("omar").links_as("omar").await.says("Linked");
    bed.finish().await;
}

#[tokio::test]
async fn not_me_ends_it() {
    let bed = Bed::new("not me").await;
    let offered = bed.user("hanna").runs("/link").await;
    let code = bed.browser().finishes(&offered.address_of(SIGN_IN), "omar").await;
    offered.clicks(ENTER).await;
    let found = bed.user("hanna").enters(&code).await;
    found.says("Omar Haddad").clicks("Not me").await;
    found.says("Nothing was linked.");
    assert_eq!(bed.link_refusals().await, ["not_me"]);
    assert!(bed.store().await.links().await.unwrap().is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn after_ten_minutes_every_step_says_so() {
    let bed = Bed::new("expired on the way").await;
    let hanna = bed.user("hanna");
    let offered = hanna.runs("/link").await;
    let link = offered.address_of(SIGN_IN);
    bed.advance(11.minutes()).await;
    bed.browser().opens(&link).await.says(410, "This link has expired").says(410, "type /link");
    bed.browser().continues(&link).await.says(410, "This link has expired");
    offered.clicks(ENTER).await.says("The ten minutes for this are over.");

    let link = hanna.runs("/link").await.address_of(SIGN_IN);
    let browser = bed.browser();
    let back = browser.signs_in(&link, "hanna").await;
    bed.advance(11.minutes()).await;
    browser.opens(&back).await.says(410, "This link has expired");

    let offered = hanna.runs("/link").await;
    let code = bed.browser().finishes(&offered.address_of(SIGN_IN), "hanna").await;
    offered.clicks(ENTER).await;
    bed.advance(11.minutes()).await;
    hanna.enters(&code).await.says("The ten minutes for this are over.");

    let offered = hanna.runs("/link").await;
    let code = bed.browser().finishes(&offered.address_of(SIGN_IN), "hanna").await;
    offered.clicks(ENTER).await;
    let found = hanna.enters(&code).await;
    bed.advance(11.minutes()).await;
    found.clicks("Link").await.says("The ten minutes for this are over.");
    assert_eq!(bed.link_refusals().await, ["expired"; 5]);
    assert!(bed.store().await.links().await.unwrap().is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn a_newer_link_takes_the_place_of_an_older_one() {
    let bed = Bed::new("a newer link").await;
    let older = bed.user("hanna").runs("/link").await;
    let browser = bed.browser();
    let back = browser.signs_in(&older.address_of(SIGN_IN), "hanna").await;
    bed.user("hanna").runs("/link").await;
    browser.opens(&back).await.says(410, "This sign-in was used already");
    older.clicks(ENTER).await.says("a newer `/link` has taken its place");
    assert_eq!(bed.link_refusals().await, ["state_replayed", "used"]);
    bed.finish().await;
}

#[tokio::test]
async fn linking_again_replaces_the_link() {
    let bed = Bed::new("linking again").await;
    bed.user("hanna").links_as("omar").await.says("`Omar Haddad`");
    bed.user("hanna").links_as("hanna").await.says("`Hanna Meyer`");
    let links = bed.store().await.links().await.unwrap();
    assert_eq!(links.len(), 1);
    assert_eq!(links[0].person.name, "Hanna Meyer");
    bed.finish().await;
}

#[tokio::test]
async fn while_graph_does_not_say_who_it_was_nobody_is_linked() {
    let bed = Bed::new("graph down during linking").await;
    let link = bed.user("hanna").runs("/link").await.address_of(SIGN_IN);
    let browser = bed.browser();
    let back = browser.signs_in(&link, "hanna").await;
    bed.graph_fails(Fault::new(FaultKind::Unavailable).path("/users/"));
    let page = bed.while_time_passes(browser.opens(&back)).await;
    page.says(503, "Microsoft does not answer");
    assert_eq!(bed.link_refusals().await, ["unavailable"]);
    bed.finish().await;
}

#[tokio::test]
async fn a_cancelled_sign_in_and_a_wrong_secret_are_told_apart() {
    let bed = Bed::new("cancelled at entra").await;
    let link = bed.user("hanna").runs("/link").await.address_of(SIGN_IN);
    let browser = bed.browser();
    let back = bed.tenant.cancel_sign_in(&browser.departs(&link).await).unwrap();
    browser.opens(&back).await.says(400, "You cancelled the sign-in");

    let link = bed.user("hanna").runs("/link").await.address_of(SIGN_IN);
    let back = browser.signs_in(&link, "hanna").await;
    bed.tenant.set_sign_in_secret("another");
    browser.opens(&back).await.says(502, "The sign-in is not set up right");
    assert!(bed.has_logged("its secret is wrong or has expired"));
    assert_eq!(bed.link_refusals().await, ["declined", "app_refused"]);
    bed.finish().await;
}

#[tokio::test]
async fn without_sign_in_the_admin_is_named() {
    let bed = Bed::with("no sign-in here", "[link]\nclient_id = \"\"").await;
    insta::assert_snapshot!("no_sign_in_here", bed.user("hanna").runs("/link").await.card());
    bed.finish().await;
}

#[tokio::test]
async fn an_open_way_survives_a_restart() {
    let bed = Bed::new("a restart while linking").await;
    let offered = bed.user("hanna").runs("/link").await;
    let browser = bed.browser();
    let back = browser.signs_in(&offered.address_of(SIGN_IN), "hanna").await;
    bed.restart().await;
    let code = browser.opens(&back).await.code();
    bed.restart().await;
    offered.clicks(ENTER).await;
    let found = bed.user("hanna").enters(&code).await;
    bed.restart().await;
    found.clicks("Link").await;
    found.says("Linked");
    bed.finish().await;
}
