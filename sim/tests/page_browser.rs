//! The chat page in a real browser, with a small scripted bot behind it.

#[path = "common/browser.rs"]
mod browser;
mod common;

use std::time::Duration;

use browser::Browser;
use common::{HANNA, Rest, Socket, quiet, text};
use serde_json::{Value, json};
use sim::{Clock, Sim};

const ENTER: &str = "\u{e007}";
const DOWN: &str = "\u{e015}";
const ESCAPE: &str = "\u{e00c}";
const TAB: &str = "\u{e004}";

/// A device name that tries everything.
const HOSTILE: &str = "<img src=x onerror=alert(1)> \"LT-666\" <script>alert(2)</script>";

fn card() -> Value {
    let fields = json!([
        {"name": "User", "value": "Hanna Meyer", "inline": true},
        {"name": "Last check-in", "value": "<t:1795424400:R>", "inline": true},
        {"name": "Compliance", "value": "Not compliant", "inline": true},
        {"name": "What happens", "value": "Intune asks **LT-042** to check in. Usually within *five minutes*.\n-# Nothing is installed by this."}]);
    let embed = json!({"title": "Sync LT-042?", "description": "`LT-042` · Windows 11 · seen [in the portal](https://example.com/x)",
        "color": 0x0058_65f2, "fields": fields, "footer": {"text": "Reference 7Q2F"}, "timestamp": "2026-11-23T10:00:00Z"});
    let button =
        |style: u8, label: &str| json!({"type": 2, "style": style, "label": label, "custom_id": format!("v1:{label}")});
    let buttons = json!([button(3, "Yes"), button(2, "No"), button(1, "Add a reason"), button(4, "Never"),
        {"type": 2, "style": 5, "label": "Help", "url": "https://example.com/help"}]);
    let options =
        json!([{"label": "LT-042", "value": "42", "description": "Windows"}, {"label": "LT-043", "value": "43"}]);
    let menu = json!([{"type": 3, "custom_id": "v1:other", "placeholder": "Another device", "options": options}]);
    quiet(
        json!({"embeds": [embed], "components": [{"type": 1, "components": buttons}, {"type": 1, "components": menu}]}),
    )
}

/// Answers interactions until the world ends.
async fn serve(rest: Rest, mut socket: Socket) {
    loop {
        let interaction = socket.interaction().await;
        let data = &interaction["data"];
        let id = text(data, "custom_id");
        match interaction["type"].as_u64() {
            Some(4) => {
                let names = ["LT-042 · Hanna Meyer", "LT-043 · Omar Haddad", HOSTILE];
                let choices: Vec<Value> =
                    names.iter().enumerate().map(|(n, name)| json!({"name": name, "value": n.to_string()})).collect();
                rest.reply(&interaction, json!({"type": 8, "data": {"choices": choices}})).await;
            }
            Some(2) if data["name"] == "silent" => {}
            Some(2) => {
                rest.reply(&interaction, json!({"type": 5, "data": {"flags": 64}})).await;
                tokio::time::sleep(Duration::from_millis(300)).await;
                rest.webhook("PATCH", &interaction, "/messages/@original", card()).await;
            }
            Some(3) if id == "v1:Add a reason" => {
                let input = json!({"type": 4, "style": 2, "custom_id": "reason", "label": "Reason", "placeholder": "Ticket or why", "max_length": 200});
                let modal = json!({"custom_id": "v1:reason", "title": "Why now?", "components": [{"type": 1, "components": [input]}]});
                rest.reply(&interaction, json!({"type": 9, "data": modal})).await;
            }
            Some(3) => {
                let said = format!("You chose {id} {}", data["values"]);
                rest.reply(
                    &interaction,
                    json!({"type": 7, "data": quiet(json!({"content": said, "embeds": [], "components": []}))}),
                )
                .await;
            }
            _ => {
                let said = text(&data["components"][0]["components"][0], "value");
                rest.reply(
                    &interaction,
                    json!({"type": 4, "data": quiet(json!({"content": format!("Noted: {said}"), "flags": 64}))}),
                )
                .await;
            }
        }
    }
}

async fn world() -> (Sim, Rest) {
    let sim = common::world_at(Clock::real()).await;
    let rest = Rest::new(&sim);
    let mut commands = common::commands();
    commands.as_array_mut().expect("a list").push(json!({"name": "silent", "description": "Never answers"}));
    rest.call("PUT", &format!("/applications/{}/guilds/{}/commands", common::APP, common::GUILD), commands).await;
    let socket = Socket::identified(&sim).await;
    tokio::spawn(serve(rest.clone(), socket));
    (sim, rest)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_types_a_command_and_presses_yes() {
    let (sim, _rest) = world().await;
    let browser = Browser::start(1440, 900).await;
    browser.client.goto(&sim.url()).await.expect("the page");
    browser.until("document.querySelectorAll('#people button').length === 14").await;
    browser.until("document.getElementById('link').textContent === 'Intune Sync is online'").await;
    browser.until("!document.getElementById('hint').hidden").await;
    browser.picture("1-first").await;

    browser.click("#box").await;
    browser.keys("/").await;
    browser.until("document.querySelectorAll('#suggestions li').length === 3").await;
    browser.picture("2-commands").await;
    browser.keys("sy").await;
    browser.keys(TAB).await;
    browser.until("document.getElementById('box').value === '/sync device:'").await;
    browser.keys("LT-0").await;
    browser.until("document.querySelectorAll('#suggestions li').length === 3").await;
    assert_eq!(
        browser.eval("document.getElementById('box').getAttribute('aria-activedescendant')").await,
        "suggestion-0"
    );
    browser.keys(DOWN).await;
    assert_eq!(
        browser.eval("document.getElementById('box').getAttribute('aria-activedescendant')").await,
        "suggestion-1"
    );
    browser.keys("\u{e013}").await;
    browser.picture("3-choices").await;
    browser.keys(ENTER).await;
    browser.until("document.getElementById('box').value === '/sync device:LT-042 · Hanna Meyer '").await;
    browser.picture("4-chosen").await;
    browser.keys(ENTER).await;
    browser.sees("Sync LT-042?").await;
    let data = &sim.discord.interactions().last().expect("one").label.clone();
    assert_eq!(data, "/sync device:LT-042 · Hanna Meyer");
    assert_eq!(browser.eval("document.querySelectorAll('#log .embed .fields .inline').length").await, 3);
    assert_eq!(browser.eval("document.querySelector('#log a[href]')").await, Value::Null, "no link leads away");
    browser.picture("5-card").await;

    browser.click("[data-user=omar]").await;
    browser.until("!document.getElementById('log').innerText.includes('Sync LT-042?')").await;
    browser.click("[data-user=hanna]").await;
    browser.sees("Only you can see this").await;

    browser.click("[data-id='v1:Add a reason']").await;
    browser.until("document.getElementById('dialog').open && document.activeElement.id === 'field-reason'").await;
    browser.keys("INC-1").await;
    browser.picture("6-dialog").await;
    browser.click("#dialog-submit").await;
    browser.sees("Noted: INC-1").await;
    browser.until("!document.getElementById('dialog').open").await;
    browser.until("!document.querySelector('#log [aria-disabled]')").await;

    browser.click("[data-id='v1:Yes']").await;
    browser.sees("You chose v1:Yes").await;
    browser.sees("(edited)").await;
    browser.click("#log [data-id=dismiss]").await;
    browser.until("!document.getElementById('log').innerText.includes('You chose')").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_text_stays_text_and_markdown_becomes_what_discord_shows() {
    let (sim, rest) = world().await;
    let browser = Browser::start(1440, 900).await;
    browser.client.goto(&format!("{}/?as=hanna", sim.url())).await.expect("the page");
    browser.wait("#people button").await;
    let lines = [
        "# Report",
        "**bold** *it* __under__ ~~gone~~ `code **raw**` ||secret||",
        "- one",
        "- two",
        "> quoted",
        "-# small",
        "1. first",
        "[masked](https://example.com) <t:1795424400:R> snake_case_name 2 * 3 * 4",
        "```json\n{\"a\": 1}\n```",
    ];
    rest.post(quiet(json!({"content": lines.join("\n")}))).await;
    let pinged = json!({"content": format!("<@{HANNA}> <@&900000000000000201> {HOSTILE}"), "allowed_mentions": {"parse": [], "users": [HANNA]}});
    rest.post(pinged).await;
    rest.post(quiet(json!({"embeds": [{"title": HOSTILE, "fields": [{"name": HOSTILE, "value": HOSTILE}]}]}))).await;
    browser.sees("LT-666").await;
    let count = |css: &str| format!("document.querySelectorAll('#log {css}').length");
    for (css, wanted) in [
        ("strong", 1),
        ("em", 1),
        ("u", 1),
        ("s", 1),
        ("p code", 1),
        (".spoiler", 1),
        (".content ul li", 2),
        ("blockquote", 1),
        (".content .subtext", 1),
        (".content ol li", 1),
        (".link", 1),
        ("pre code", 1),
        (".head-1", 1),
        (".stamp", 1),
        ("img", 0),
        ("script", 0),
        (".pinged", 1),
        (".content .mention", 2),
    ] {
        assert_eq!(browser.eval(&count(css)).await, json!(wanted), "{css}");
    }
    assert_eq!(browser.eval("document.querySelector('#log p code').textContent").await, "code **raw**");
    assert_eq!(browser.eval("document.querySelector('#log .embed-title').textContent").await, HOSTILE);
    let address = browser.client.current_url().await.expect("an address");
    browser.click("#log .link").await;
    browser.until("document.getElementById('toast').textContent.includes('https://example.com')").await;
    assert_eq!(browser.client.current_url().await.expect("an address"), address, "links do not navigate");
    browser.picture("7-markdown").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_does_not_answer_is_said_to_have_failed_and_problems_are_named() {
    let (sim, _rest) = world().await;
    let browser = Browser::start(900, 760).await;
    browser.client.goto(&format!("{}/?as=nora", sim.url())).await.expect("the page");
    browser.wait("#people button").await;
    browser.click("#hint-close").await;
    browser.until("document.activeElement.id === 'box'").await;
    browser.keys("/silent").await;
    browser.keys(ENTER).await;
    browser.keys(ENTER).await;
    browser.sees("Sending command…").await;
    browser.click("#toggle-panel").await;
    browser.click("[data-seconds='60']").await;
    browser.sees("The application did not respond").await;
    browser.picture("8-failed").await;
    browser.click("#panel-close").await;
    browser.click("#box").await;
    browser.keys("/").await;
    browser.until("document.getElementById('box').getAttribute('aria-expanded') === 'true'").await;
    browser.keys(ESCAPE).await;
    browser.until("document.getElementById('box').getAttribute('aria-expanded') === 'false'").await;
    browser.keys("bulk-sync user ").await;
    browser.keys(ENTER).await;
    browser.until("document.getElementById('problem').textContent === 'The option “who” is required.'").await;
    browser.until("document.getElementById('box').value === '/bulk-sync user who:'").await;
    browser.client.set_window_size(400, 760).await.expect("a small window");
    browser.client.refresh().await.expect("again");
    browser.sees("The application did not respond").await;
    assert_eq!(browser.eval("document.documentElement.scrollWidth <= innerWidth").await, true, "no sideways scrolling");
    assert_eq!(browser.eval("document.getElementById('hint').hidden").await, true, "the hint stays hidden");
    browser.picture("9-narrow").await;
    browser.click("#toggle-side").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    browser.picture("10-narrow-side").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_button_leads_to_the_sign_in_page_and_from_there_back_to_the_application() {
    let (sim, rest) = world().await;
    let (arrived, mut visitors) = tokio::sync::mpsc::unbounded_channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let back = format!("http://{}/done", listener.local_addr().expect("an address"));
    let done = axum::routing::get(move |axum::extract::RawQuery(query): axum::extract::RawQuery| {
        let _test_over = arrived.send(query.unwrap_or_default());
        async { "You can close this page." }
    });
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().route("/done", done)).await });
    let address = |prompt: &str| {
        let parameters = [
            ("client_id", "bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee"),
            ("response_type", "code"),
            ("redirect_uri", &back),
            ("scope", "openid profile"),
            ("state", "state-1"),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
            ("prompt", prompt),
        ];
        let base = format!("{}/{}/oauth2/v2.0/authorize", sim.url(), sim.tenant.tenant_id());
        reqwest::Url::parse_with_params(&base, parameters).expect("an address").to_string()
    };
    let link = json!({"type": 2, "style": 5, "label": "Sign in", "url": address("select_account")});
    let row = json!([{"type": 1, "components": [link]}]);
    assert_eq!(rest.post(quiet(json!({"content": "Who are you?", "components": row}))).await.status, 200);

    let browser = Browser::start(1000, 800).await;
    browser.client.goto(&format!("{}/?as=hanna", sim.url())).await.expect("the page");
    browser.sees("Who are you?").await;
    let chat = browser.client.window().await.expect("a tab");
    for (css, wanted) in [("button[value=hanna]", "code="), ("button[name=cancel]", "error=access_denied")] {
        browser.client.switch_to_window(chat.clone()).await.expect("the chat");
        browser.click("#log .press.outward").await;
        let tab = loop {
            let tabs = browser.client.windows().await.expect("tabs");
            if let Some(tab) = tabs.into_iter().find(|tab| *tab != chat) {
                break tab;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        browser.client.switch_to_window(tab).await.expect("the new tab");
        browser.wait(css).await;
        assert_eq!(browser.eval("document.querySelector('h1').textContent").await, "Sign in (simulated)");
        assert_eq!(browser.eval("document.querySelector('main strong').textContent").await, "Intune Sync sign-in");
        assert_eq!(browser.eval("window.opener").await, Value::Null, "the page cannot reach the chat");
        browser.picture("12-sign-in").await;
        browser.click(css).await;
        let patience = tokio::time::timeout(Duration::from_secs(10), visitors.recv());
        let query = patience.await.expect("the browser goes back").expect("a visitor");
        assert!(query.starts_with(wanted) && query.ends_with("state=state-1"), "{query}");
        browser.client.close_window().await.expect("closed");
    }
    browser.client.switch_to_window(chat).await.expect("the chat");
    browser.close().await;
}

/// The panel's data, as a tenant gives it.
const PANEL: &str = r#"(() => {
    const device = {id: "d1", name: "LT-042", user: "Hanna Meyer", os: "Windows 11", compliance: "noncompliant", state: "managed",
        last_check_in: new Date(Date.now() - 9e6).toISOString(), next_check_in: new Date(Date.now() + 18e6).toISOString(), note: "Does not answer before tomorrow",
        apps: [{name: "Expenses <b>", state: "failed", code: "0x87D30067"}, {name: "Mail", state: "installed", code: null}]};
    const real = window.fetch;
    window.fetch = (path, options) => path.includes("/panel/devices") ? Promise.resolve(Response.json([device, {...device, id: "d2", name: "LT-043"}]))
        : path.endsWith("/check-in") ? (window.checkedIn = path, Promise.resolve(new Response(null, {status: 204})))
        : path.includes("/panel/device/") ? Promise.resolve(Response.json(device)) : real(path, options);
    return true;
})()"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_panel_shows_a_device_and_the_calls_to_graph() {
    let (sim, _rest) = world().await;
    let browser = Browser::start(1440, 900).await;
    browser.client.goto(&sim.url()).await.expect("the page");
    browser.wait("#people button").await;
    assert_eq!(browser.eval(PANEL).await, json!(true));
    browser.click("#device-search").await;
    browser.keys("LT").await;
    browser.until("document.querySelectorAll('#devices button').length === 2").await;
    browser.until("document.querySelector('#device h4')?.textContent === 'LT-042'").await;
    browser.until("document.getElementById('device').innerText.includes('0x87D30067')").await;
    browser.click("#check-in").await;
    browser.until("window.checkedIn === '/_sim/panel/device/d1/check-in'").await;
    for (method, status, name) in [
        ("GET", 200, "managedDevices"),
        ("POST", 204, "managedDevices/d1/syncDevice"),
        ("GET", 429, "deviceAppManagement/mobileApps"),
    ] {
        sim.traffic.record(sim::Exchange {
            service: sim::Service::Graph,
            method: method.to_owned(),
            path: format!("/v1.0/deviceManagement/{name}"),
            query: None,
            request: None,
            status,
            response: None,
            at: Some(sim.clock.now()),
        });
    }
    browser.until("document.querySelectorAll('#calls li').length === 3").await;
    assert_eq!(browser.eval("document.querySelector('#calls li .status').textContent").await, "429", "newest first");
    browser.client.refresh().await.expect("again");
    browser.until("document.querySelectorAll('#calls li').length === 3").await;
    assert_eq!(browser.eval("document.querySelector('#calls li .status').textContent").await, "429", "newest first");
    browser.eval(PANEL).await;
    browser.click("#device-search").await;
    browser.keys("LT").await;
    browser.until("document.querySelector('#device h4')?.textContent === 'LT-042'").await;
    browser.picture("11-panel").await;
    let before = sim.clock.now();
    browser.click("[data-seconds='3600']").await;
    browser.until("true").await;
    sim.discord.wait_until(|discord| discord.time().duration_since(before).as_secs() >= 3600).await;
    browser.close().await;
}
