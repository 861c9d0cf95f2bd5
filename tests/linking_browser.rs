//! Linking in a real browser: `/link` in the chat page, the sign-in, the code, the dialog, "Linked", and then a sync.

#[path = "../sim/tests/common/browser.rs"]
#[expect(clippy::disallowed_methods, reason = "shared with the page's own tests; a browser lives in real time")]
mod browser;

use std::time::Duration;

use browser::Browser;
use intune_sync_bot::demo::{Stage, StageOptions};

const ENTER: &str = "\u{e007}";

/// Presses a button of the chat page's messages.
async fn presses(browser: &Browser, label: &str) {
    let button = format!("[...document.querySelectorAll('#log button')].filter(b => b.innerText.trim() === '{label}')");
    browser.until(&format!("{button}.length > 0")).await;
    browser.eval(&format!("{button}.at(-1).click()")).await;
}

/// The text of the one element that matches.
async fn text(browser: &Browser, css: &str) -> String {
    browser.wait(css).await.text().await.expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn someone_signs_in_with_a_real_browser_and_links_their_account() {
    let stage = Box::pin(Stage::start(StageOptions::live())).await.expect("the stage starts");
    let browser = Browser::start(1180, 900).await;
    browser.client.goto(&stage.sim.url()).await.unwrap();
    browser.until("document.getElementById('link').innerText.includes('online')").await;
    browser.click("#box").await;
    browser.keys("/link").await;
    browser.wait("#suggestions li").await;
    browser.keys(ENTER).await;
    browser.keys(ENTER).await;
    browser.sees("Link your Microsoft work account").await;
    browser.picture("link-1-offer").await;
    let chat = browser.client.window().await.unwrap();

    // The link page opens in a window of its own. Nothing in it needs a script; the policy would not let one run.
    browser.click("#log .press.outward").await;
    let page = loop {
        let windows = browser.client.windows().await.unwrap();
        if let Some(page) = windows.into_iter().find(|window| *window != chat) {
            break page;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    browser.client.switch_to_window(page).await.unwrap();
    assert_eq!(text(&browser, "h1").await, "Link this Discord account?");
    assert!(text(&browser, ".account").await.contains("Hanna Meyer"));
    assert_eq!(browser.eval("document.scripts.length").await, 0);
    assert_eq!(browser.eval("getComputedStyle(document.querySelector('main')).borderRadius").await, "16px");
    browser.client.set_window_size(620, 940).await.unwrap();
    browser.picture("link-2-page").await;
    browser.client.set_window_size(390, 800).await.unwrap();
    assert_eq!(browser.eval("document.documentElement.scrollWidth <= innerWidth").await, true);
    browser.picture("link-2-page-phone").await;

    browser.click("button[type=submit]").await;
    browser.click("button[value=hanna]").await;
    assert_eq!(text(&browser, "h1").await, "Signed in as Hanna Meyer");
    let code = text(&browser, ".code").await;
    assert_eq!(code.len(), 7, "six digits and a space: {code}");
    assert_eq!(browser.eval("document.documentElement.scrollWidth <= innerWidth").await, true);
    browser.picture("link-3-code-phone").await;
    browser.client.set_window_size(620, 940).await.unwrap();
    browser.picture("link-3-code").await;
    // Coming back to it shows no code again.
    browser.client.refresh().await.unwrap();
    assert_eq!(text(&browser, "h1").await, "This sign-in was used already");
    browser.picture("link-4-used").await;

    browser.client.switch_to_window(chat).await.unwrap();
    presses(&browser, "Enter the code").await;
    browser.click("#dialog input").await;
    browser.keys(&code).await;
    browser.picture("link-5-dialog").await;
    browser.click("#dialog-submit").await;
    browser.sees("Is this you?").await;
    browser.picture("link-6-found").await;
    presses(&browser, "Link").await;
    browser.sees("From now on you act here as Hanna Meyer").await;
    browser.picture("link-7-linked").await;
    assert_eq!(stage.app().store().links().await.unwrap().len(), 1);

    // From here on Intune's own assignment decides: her chat role is gone.
    stage.sim.discord.remove_role("hanna", "Helpdesk");
    browser.click("#box").await;
    browser.keys("/sync").await;
    browser.wait("#suggestions li").await;
    browser.keys(ENTER).await;
    // What she may see was not known before she typed; a keystroke later it is.
    browser.keys("LT-0").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    browser.keys("42").await;
    browser
        .until("[...document.querySelectorAll('#suggestions li')].some(li => li.innerText.includes('LT-042'))")
        .await;
    browser.keys(ENTER).await;
    browser.keys(ENTER).await;
    browser.sees("Sync LT-042?").await;
    presses(&browser, "Yes").await;
    browser.sees("accepted").await;
    browser.picture("link-8-synced").await;
    assert_eq!(stage.sim.tenant.sync_calls().len(), 1);
    browser.close().await;
    stage.stop().await;
}
