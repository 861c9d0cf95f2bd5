//! Linking what is not one's own: forwarded links, replayed states, forged tokens, guessed codes, foreign clicks.

use reqwest::Method;
use sim::tenant::{Fault, FaultKind, Forgery};

use crate::bed::{Bed, Spans as _};

const SIGN_IN: &str = "Sign in with Microsoft";
const ENTER: &str = "Enter the code";

#[tokio::test]
async fn a_forwarded_link_that_another_browser_began_is_over_for_the_first() {
    let bed = Bed::new("two browsers").await;
    let link = bed.user("hanna").runs("/link").await.address_of(SIGN_IN);
    let (first, second) = (bed.browser(), bed.browser());
    let back = first.signs_in(&link, "hanna").await;
    second.continues(&link).await.says(403, "This is not the browser that began");
    // Nor can the second finish what the first began.
    second.opens(&back).await.says(403, "This is not the browser that began");
    assert_eq!(bed.link_refusals().await, ["wrong_browser", "wrong_browser"]);
    // And the first is not disturbed by it.
    first.opens(&back).await.says(200, "Signed in as Hanna Meyer");
    bed.finish().await;
}

#[tokio::test]
async fn a_forwarded_link_that_the_victim_finishes_is_worth_nothing_to_the_sender() {
    let bed = Bed::new("a forwarded link").await;
    // Rolf sends his link to Ada, and she signs in.
    let offered = bed.user("rolf").runs("/link").await;
    let ada = bed.browser();
    ada.opens(&offered.address_of(SIGN_IN)).await.says(200, "<strong>Rolf Jansen</strong>");
    let code = ada.finishes(&offered.address_of(SIGN_IN), "ada").await;
    // He has no code, and guessing ends it.
    offered.clicks(ENTER).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    bed.user("rolf").enters(wrong).await.says("That is not the code. 4 tries are left");
    // Typed by Ada, it is not hers to type either: the dialog is not opened to her.
    let dialog = bed.user("ada").clicks_on(&offered, ENTER).await;
    dialog.says("Only the person who typed `/link` can go on here.");
    assert!(bed.discord.modal("ada").is_none());
    assert_eq!(bed.link_refusals().await, ["wrong_code", "not_yours"]);
    assert!(bed.store().await.links().await.unwrap().is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn the_code_of_one_account_does_not_serve_another() {
    let bed = Bed::new("somebody else's code").await;
    let hanna = bed.user("hanna").runs("/link").await;
    let rolf = bed.user("rolf").runs("/link").await;
    let code = bed.browser().finishes(&hanna.address_of(SIGN_IN), "hanna").await;
    rolf.clicks(ENTER).await;
    bed.user("rolf").enters(&code).await.says("Nobody has finished signing in yet.");
    assert_eq!(bed.link_refusals().await, ["not_signed_in"]);
    bed.finish().await;
}

#[tokio::test]
async fn a_state_counts_once() {
    let bed = Bed::new("a replayed state").await;
    let link = bed.user("hanna").runs("/link").await.address_of(SIGN_IN);
    let browser = bed.browser();
    let back = browser.signs_in(&link, "hanna").await;
    browser.opens(&back).await.says(200, "Signed in as");
    browser.opens(&back).await.says(410, "This sign-in was used already");
    assert_eq!(bed.link_refusals().await, ["state_replayed"]);
    // The link too.
    browser.opens(&link).await.says(410, "This link was used already");
    browser.continues(&link).await.says(410, "type /link");
    assert_eq!(bed.link_refusals().await, ["state_replayed", "used"]);
    // Pressing Continue twice is no replay: the newer state counts.
    let link = bed.user("hanna").runs("/link").await.address_of(SIGN_IN);
    let (old, new) = (browser.signs_in(&link, "hanna").await, browser.signs_in(&link, "hanna").await);
    browser.opens(&old).await.says(404, "There is nothing here");
    browser.opens(&new).await.says(200, "Signed in as");
    bed.finish().await;
}

#[tokio::test]
async fn a_sign_in_that_another_browser_is_made_to_finish_links_nobody() {
    let bed = Bed::new("login csrf").await;
    // Rolf goes the whole way up to the last step, and makes Hanna's browser take that one.
    let link = bed.user("rolf").runs("/link").await.address_of(SIGN_IN);
    let back = bed.browser().signs_in(&link, "rolf").await;
    bed.browser().opens(&back).await.says(403, "This is not the browser that began");
    assert_eq!(bed.link_refusals().await, ["wrong_browser"]);
    // Or he makes her browser press Continue, past the page that names his account.
    let link = bed.user("rolf").runs("/link").await.address_of(SIGN_IN);
    let pushed = bed.browser().sends(Method::POST, &format!("{link}/start"), &[("sec-fetch-site", "cross-site")]).await;
    pushed.says(403, "Another site sent you here");
    assert_eq!(bed.link_refusals().await, ["wrong_browser", "cross_site"]);
    // A state that nobody gave out is nobody's.
    let made_up = back.split("state=").next().unwrap().to_owned() + "state=" + &"x".repeat(43);
    bed.browser().opens(&made_up).await.says(404, "There is nothing here");
    bed.finish().await;
}

#[tokio::test]
async fn an_id_token_that_lies_is_not_believed() {
    let bed = Bed::new("forged id tokens").await;
    for (forgery, why) in [
        (Forgery::OtherTenant, "wrong_tenant"),
        (Forgery::OtherAudience, "bad_id_token"),
        (Forgery::OtherNonce, "bad_id_token"),
        (Forgery::Expired, "bad_id_token"),
        (Forgery::BadSignature, "bad_id_token"),
        (Forgery::UnknownKey, "bad_id_token"),
        (Forgery::AlgNone, "bad_id_token"),
        (Forgery::NoOid, "bad_id_token"),
    ] {
        let offered = bed.user("hanna").runs("/link").await;
        let browser = bed.browser();
        let back = browser.signs_in(&offered.address_of(SIGN_IN), "hanna").await;
        bed.tenant.forge_next_id_token(forgery);
        let page = browser.opens(&back).await;
        assert!(page.status == 403 && page.html.contains("Nothing was linked"), "{forgery:?}: {page:#?}");
        assert_eq!(bed.link_refusals().await.last().map(String::as_str), Some(why), "{forgery:?}");
        offered.clicks(ENTER).await.says("type `/link` to start again");
    }
    assert!(bed.store().await.links().await.unwrap().is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn five_wrong_codes_end_it() {
    let bed = Bed::new("wrong codes").await;
    let offered = bed.user("hanna").runs("/link").await;
    let code = bed.browser().finishes(&offered.address_of(SIGN_IN), "hanna").await;
    for left in ["4 tries are left", "3 tries are left", "2 tries are left", "1 try is left", "the last wrong code"] {
        offered.clicks(ENTER).await;
        let wrong = if code == "123456" { "123457" } else { "123456" };
        bed.user("hanna").enters(wrong).await.says(left);
    }
    offered.clicks(ENTER).await.says("type `/link` to start again");
    assert_eq!(bed.link_refusals().await[..5], ["wrong_code"; 5]);
    assert!(bed.store().await.links().await.unwrap().is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn only_the_asker_can_press_link() {
    let bed = Bed::new("a foreign press of Link").await;
    let offered = bed.user("hanna").runs("/link").await;
    let code = bed.browser().finishes(&offered.address_of(SIGN_IN), "hanna").await;
    offered.clicks(ENTER).await;
    let found = bed.user("hanna").enters(&code).await;
    for label in ["Link", "Not me"] {
        bed.user("rolf").clicks_on(&found, label).await.says("Only the person who typed `/link` can go on here.");
    }
    assert_eq!(bed.link_refusals().await, ["not_yours", "not_yours"]);
    found.clicks("Link").await;
    found.says("Linked");
    // Once.
    let yes = offered.id_of(ENTER).replace("link_code", "link_yes");
    bed.user("hanna").forges(found.message().id, &yes).await.says("This was used already");
    assert_eq!(bed.link_refusals().await, ["not_yours", "not_yours", "used"]);
    bed.finish().await;
}

#[tokio::test]
async fn without_the_code_link_cannot_be_forged() {
    let bed = Bed::new("Link before the code").await;
    let offered = bed.user("rolf").runs("/link").await;
    bed.browser().finishes(&offered.address_of(SIGN_IN), "ada").await;
    let yes = offered.id_of(ENTER).replace("link_code", "link_yes");
    bed.user("rolf").forges(offered.message().id, &yes).await.says("Nothing was changed");
    assert_eq!(bed.link_refusals().await, ["not_confirmed"]);
    assert!(bed.store().await.links().await.unwrap().is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn a_disabled_account_is_not_linked() {
    let bed = Bed::new("a disabled account").await;
    let link = bed.user("hanna").runs("/link").await.address_of(SIGN_IN);
    let browser = bed.browser();
    let back = browser.signs_in(&link, "hanna").await;
    // Between Entra's answer and Graph's.
    let fault = bed.graph_fails(Fault::new(FaultKind::Unavailable).path("/users/"));
    let disabling = async {
        bed.wait_for("Graph is asked", || bed.has_logged("reading from Graph is tried again")).await;
        bed.tenant.disable_user("hanna", true).unwrap();
        bed.tenant.clear_fault(fault);
    };
    let (page, ()) = tokio::join!(bed.while_time_passes(browser.opens(&back)), disabling);
    page.says(403, "That account is disabled");
    assert_eq!(bed.link_refusals().await, ["account_disabled"]);
    bed.finish().await;
}

#[tokio::test]
async fn one_person_acts_through_one_chat_account() {
    let bed = Bed::new("a person twice").await;
    bed.user("hanna").links_as("hanna").await.says("Linked");
    let offered = bed.user("rolf").runs("/link").await;
    let code = bed.browser().finishes(&offered.address_of(SIGN_IN), "hanna").await;
    offered.clicks(ENTER).await;
    let found = bed.user("rolf").enters(&code).await;
    found.clicks("Link").await.says("This Microsoft account is linked to another chat account");
    assert_eq!(bed.link_refusals().await, ["person_taken"]);
    // Once the other link has ended, it works.
    bed.user("hanna").runs("/unlink").await;
    bed.user("rolf").links_as("hanna").await.says("Linked");
    bed.finish().await;
}

#[tokio::test]
async fn whoever_hammers_the_page_is_slowed_down() {
    let bed = Bed::new("hammering the page").await;
    let link = bed.user("hanna").runs("/link").await.address_of(SIGN_IN);
    let guessed = link.rsplit_once('/').unwrap().0.to_owned() + "/" + &"A".repeat(43);
    let browser = bed.browser();
    let mut statuses = Vec::new();
    for _ in 0..130 {
        statuses.push(browser.opens(&guessed).await.status);
    }
    assert_eq!((statuses[0], statuses[119], statuses[129]), (404, 404, 429));
    bed.advance(1.minutes()).await;
    browser.opens(&link).await.says(200, "Continue to Microsoft");
    bed.finish().await;
}
