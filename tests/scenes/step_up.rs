//! Step-up: an approver signs in to Entra afresh, and that counts for one approval, by the right person, just now, and by more than a password.

use sim::discord::MessageView;
use sim::tenant::Forgery;

use crate::bed::{APPROVALS, Answer, Bed, LARGE, Spans as _, show};

/// Who signs in for lena.
const LENA: &str = "lena";

/// Who approves many devices has to sign in for it.
fn config() -> String {
    format!("{LARGE}step_up = true\n[link]\nauthentication_context = \"c1\"\n")
}

/// A world in which lena is linked.
async fn with_lena(name: &str) -> Bed {
    let bed = Bed::with(name, &config()).await;
    bed.link(LENA).await;
    bed
}

/// Hanna asks for six devices and presses Yes.
async fn asks(bed: &Bed) -> Answer<'_> {
    let asked = bed.user("hanna").runs("/bulk-sync user user:jonas.weber@contoso.example").await;
    asked.clicks("Yes").await;
    asked.says("for approval");
    asked
}

/// The newest card in the approvals channel.
fn card(bed: &Bed) -> MessageView {
    bed.channel_messages(APPROVALS)
        .into_iter()
        .rev()
        .find(|card| card.button("Approve").is_some())
        .expect("a card is there")
}

async fn presses_approve(bed: &Bed) -> Answer<'_> {
    bed.user(LENA).clicks_in_channel(&card(bed), "Approve").await
}

/// Presses Approve, is sent to sign in, and does: what the page says then.
async fn signs_in(bed: &Bed, person: &str) -> crate::bed::Page {
    let first = presses_approve(bed).await;
    first.says("Sign in to approve");
    let link = first.address_of("Sign in with Microsoft");
    let browser = bed.browser();
    let back = browser.signs_in(&link, person).await;
    browser.opens(&back).await
}

#[tokio::test]
async fn an_approver_signs_in_afresh_and_the_word_counts_then() {
    let bed = with_lena("a fresh sign-in").await;
    asks(&bed).await;
    insta::assert_snapshot!("approval_card_with_a_sign_in", show::card(&card(&bed)));
    let first = presses_approve(&bed).await;
    insta::assert_snapshot!("sign_in_first", first.card());
    assert!(first.is_private());
    let link = first.address_of("Sign in with Microsoft");
    let browser = bed.browser();
    browser.opens(&link).await.says(200, "Approve the sync of 6 devices?").says(200, "Hanna");
    let back = browser.signs_in(&link, LENA).await;
    browser.opens(&back).await.says(200, "Nothing is approved yet");
    assert!(bed.calls().is_empty());
    presses_approve(&bed).await.says("Approved");
    bed.advance(1.minutes()).await;
    assert!(!bed.calls().is_empty());
    let audit = bed.audit().await;
    let detail = |event: &str| audit.iter().find(|(name, _)| name == event).map(|(_, detail)| detail.clone());
    let (proof, approved) = (detail("stepped_up").expect("it is there"), detail("approved").expect("it is there"));
    assert_eq!(proof["signed_in_at"], approved["signed_in_at"]);
    bed.ends_after(15.minutes()).await;
}

#[tokio::test]
async fn one_sign_in_is_one_approval() {
    let bed = with_lena("one sign-in one approval").await;
    asks(&bed).await;
    signs_in(&bed, LENA).await.says(200, "Nothing is approved yet");
    presses_approve(&bed).await.says("Approved");
    bed.advance(20.minutes()).await;
    let calls = bed.calls().len();
    asks(&bed).await;
    presses_approve(&bed).await.says("Sign in to approve");
    bed.advance(1.minutes()).await;
    assert_eq!(bed.calls().len(), calls);
    bed.ends_after(15.minutes()).await;
}

#[tokio::test]
async fn a_sign_in_counts_for_the_request_that_it_was_made_for() {
    let bed = with_lena("a sign-in for another request").await;
    asks(&bed).await;
    let first = card(&bed);
    signs_in(&bed, LENA).await;
    bed.user("priya").runs("/bulk-sync filter platform:Android").await.clicks("Yes").await;
    let second = card(&bed);
    assert_ne!(first.id, second.id);
    bed.user(LENA).clicks_in_channel(&second, "Approve").await.says("Sign in to approve");
    assert!(bed.calls().is_empty());
    bed.ends_after(15.minutes()).await;
}

#[tokio::test]
async fn whoever_is_not_that_person_or_not_there_now_proves_nothing() {
    let bed = with_lena("no proof").await;
    asks(&bed).await;
    signs_in(&bed, "hanna").await.says(403, "That is another account");
    presses_approve(&bed).await.says("Sign in to approve");
    for (forgery, words) in [
        (Forgery::OldSession, "That sign-in was not fresh"),
        (Forgery::NoAuthTime, "That sign-in was not fresh"),
        (Forgery::NoContext, "That sign-in was not strong enough"),
        (Forgery::OtherNonce, "The sign-in could not be verified"),
    ] {
        bed.tenant.forge_next_id_token(forgery);
        signs_in(&bed, LENA).await.says(403, words);
        presses_approve(&bed).await.says("Sign in to approve");
    }
    let refused = bed.link_refusals().await;
    assert_eq!(refused, ["other_person", "not_fresh", "not_fresh", "not_strong", "bad_id_token"]);
    assert!(bed.calls().is_empty());
    assert!(!bed.events().await.contains(&"approved".to_owned()));
    bed.ends_after(15.minutes()).await;
}

#[tokio::test]
async fn a_sign_in_is_worth_nothing_after_its_ten_minutes_or_for_other_devices() {
    let bed = with_lena("an old sign-in").await;
    asks(&bed).await;
    signs_in(&bed, LENA).await;
    bed.advance(11.minutes()).await;
    presses_approve(&bed).await.says("Sign in to approve");
    signs_in(&bed, LENA).await;
    bed.tenant.remove_device("LT-LATE").expect("it is there");
    presses_approve(&bed).await.says("The devices behind this request have changed");
    presses_approve(&bed).await.says("Sign in to approve");
    signs_in(&bed, LENA).await;
    presses_approve(&bed).await.says("Approved");
    bed.ends_after(15.minutes()).await;
}

#[tokio::test]
async fn without_a_link_nobody_knows_who_should_sign_in_and_a_no_needs_no_proof() {
    let bed = Bed::with("no link to sign in by", &config()).await;
    let asked = asks(&bed).await;
    presses_approve(&bed).await.says("Type `/link` first");
    bed.user(LENA).clicks_in_channel(&card(&bed), "Reject").await;
    bed.user(LENA).submits("reason", "").await.says("Rejected");
    asked.says("did not agree");
    assert!(bed.calls().is_empty());
    bed.ends_after(15.minutes()).await;
}
