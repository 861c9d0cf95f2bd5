//! A newcomer's first minute, with the real binary and a real browser: `demo`, the page, `/sync`, Yes, the outcome.

#[path = "../sim/tests/common/browser.rs"]
#[expect(
    dead_code,
    clippy::disallowed_methods,
    reason = "shared with the page's own tests; a browser lives in real time"
)]
mod browser;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use browser::Browser;

const ENTER: &str = "\u{e007}";

/// The demo in a process of its own; it ends with the value.
struct Demo {
    process: Child,
    url: String,
}

impl Demo {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_intune-sync-bot"))
            .args(["demo", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let url = loop {
            let line = lines.next().expect("the demo says where its page is").expect("text");
            if let Some((_, url)) = line.split_once("The chat page: ") {
                break url.trim().to_owned();
            }
        };
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, url }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}

/// Waits for words in the messages, longer than the page's own tests do: a device takes its time.
async fn reads(browser: &Browser, words: &str) {
    for _half_second in 0..240 {
        let log = browser.eval("document.getElementById('log').innerText").await;
        if log.as_str().is_some_and(|log| log.contains(words)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let log = browser.eval("document.getElementById('log').innerText").await;
    panic!("the page never says {words:?}; it says:\n{log}");
}

#[tokio::test]
async fn a_newcomer_syncs_a_device_and_is_told_what_really_happened() {
    let demo = Demo::start();
    let browser = Browser::start(1480, 960).await;
    browser.client.goto(&demo.url).await.unwrap();
    browser.until("document.getElementById('link').innerText.includes('online')").await;

    // Suggestions come from the bot; the first one is taken with Enter, a second Enter sends.
    browser.click("#box").await;
    browser.keys("/sync").await;
    browser.wait("#suggestions li").await;
    browser.keys(ENTER).await;
    browser.keys("IPAD-01").await;
    browser
        .until("[...document.querySelectorAll('#suggestions li')].some(li => li.innerText.includes('IPAD-017'))")
        .await;
    browser.picture("1-suggestions").await;
    browser.keys(ENTER).await;
    browser.keys(ENTER).await;
    reads(&browser, "Sync IPAD-017?").await;
    browser.picture("2-card").await;

    browser
        .eval("[...document.querySelectorAll('#log button')].find(button => button.innerText.trim() === 'Yes').click()")
        .await;
    reads(&browser, "accepted").await;
    browser.picture("3-accepted").await;

    // The side panel shows the same device in the tenant, and the calls as they arrive.
    browser.click("#device-search").await;
    browser.keys("IPAD-017").await;
    browser
        .until("[...document.querySelectorAll('#devices button')].some(b => b.innerText.includes('IPAD-017'))")
        .await;
    browser.until("document.querySelectorAll('#devices button').length === 1").await;
    browser.click("#devices button").await;
    browser.until("document.querySelector('#device h4').innerText.includes('IPAD-017')").await;
    browser.until("document.getElementById('calls').innerText.includes('syncDevice')").await;

    // The device would check in after 45 s; a newcomer may also move time.
    browser.click("[data-seconds='60']").await;
    reads(&browser, "IPAD-017 has checked in").await;
    browser.click("[data-seconds='60']").await;
    reads(&browser, "3 apps still fail").await;
    for words in ["Contoso Expenses", "Retryable", "Roaming Notes", "Not retryable", "Not in Microsoft's retry table"] {
        reads(&browser, words).await;
    }
    browser.picture("4-outcome").await;

    // Somebody without a role is refused, with what to do.
    browser.client.goto(&format!("{}/?as=nora&channel=helpdesk", demo.url)).await.unwrap();
    browser.until("document.getElementById('link').innerText.includes('online')").await;
    browser.click("#box").await;
    browser.keys("/sync device:LT-042").await;
    browser.until("document.querySelectorAll('#suggestions li').length === 0").await;
    browser.picture("5-nothing-suggested").await;
    browser.keys(ENTER).await;
    reads(&browser, "None of your chat roles stands for an Intune role").await;
    browser.picture("5-refused").await;
    browser.close().await;
}

/// The chat page as this person sees this channel.
async fn opens(browser: &Browser, demo: &Demo, person: &str, channel: &str) {
    browser.client.goto(&format!("{}/?as={person}&channel={channel}", demo.url)).await.expect("a page");
    browser.until("document.getElementById('link').innerText.includes('online')").await;
}

/// Presses the newest button with this label.
async fn presses(browser: &Browser, label: &str) {
    let button =
        format!("[...document.querySelectorAll('#log button')].filter(b => b.innerText.trim() === '{label}').at(-1)");
    browser.until(&format!("{button} !== undefined")).await;
    browser.eval(&format!("{button}.click()")).await;
}

#[tokio::test]
async fn many_devices_wait_for_a_lead_and_end_with_a_picture() {
    let demo = Demo::start();
    let browser = Browser::start(1480, 960).await;
    opens(&browser, &demo, "hanna", "helpdesk").await;
    browser.click("#box").await;
    browser.keys("/bulk-sync user user:jonas.weber@contoso.example").await;
    browser.until("document.getElementById('suggestions').innerText.includes('Jonas Weber')").await;
    browser.keys(ENTER).await;
    browser.until("document.getElementById('suggestions').innerText.includes('dry_run')").await;
    browser.keys(ENTER).await;
    reads(&browser, "a second person has to agree").await;
    browser.picture("6-many").await;
    presses(&browser, "Yes").await;
    reads(&browser, "for approval").await;

    opens(&browser, &demo, "lena", "sync-approvals").await;
    reads(&browser, "Hanna").await;
    browser.picture("7-approval").await;
    presses(&browser, "Approve").await;
    reads(&browser, "Approved").await;

    opens(&browser, &demo, "hanna", "helpdesk").await;
    reads(&browser, "6 devices").await;
    browser.picture("8-progress").await;
    browser.click("[data-seconds='60']").await;
    browser.click("[data-seconds='60']").await;
    reads(&browser, "4 checked in").await;
    // One more does not check in within the hour.
    browser.click("[data-seconds='3600']").await;
    reads(&browser, "4 of 6 devices checked in").await;
    // The summary's picture is one that the browser can draw.
    browser.until("[...document.querySelectorAll('#log img')].some(img => img.naturalWidth > 400)").await;
    browser.picture("9-summary").await;
    browser.close().await;
}
