//! A real Chromium, driven by chromedriver, for as long as the value lives.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::json;

/// How long something may take to appear.
const PATIENCE: Duration = Duration::from_secs(10);

/// Chromedriver with one open browser.
pub(crate) struct Browser {
    driver: Child,
    /// Port and session, to end the browser even after a panic.
    ends_at: Option<(String, String)>,
    pub(crate) client: Client,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts chromedriver on a free port, and a headless Chromium with an empty profile.
    pub(crate) async fn start(width: u32, height: u32) -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is missing: install the packages chromium and chromium-driver");
        let mut lines = BufReader::new(driver.stdout.take().expect("its output")).lines();
        let port = loop {
            let line = lines.next().expect("chromedriver says its port").expect("text");
            if let Some((_, port)) = line.split_once("successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        // Go on reading, so that chromedriver never waits for its output.
        std::thread::spawn(move || lines.for_each(drop));
        let profile = tempfile::tempdir().expect("a folder");
        let arguments = [
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--lang=en-GB".to_owned(),
            format!("--window-size={width},{height}"),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        let capabilities = json!({"goog:chromeOptions": {"args": arguments}, "goog:loggingPrefs": {"browser": "ALL"}});
        let connected = ClientBuilder::native()
            .capabilities(capabilities.as_object().expect("an object").clone())
            .connect(&format!("http://127.0.0.1:{port}"))
            .await;
        match connected {
            Ok(client) => {
                let session = client.session_id().await.expect("asked").expect("a session");
                Self { driver, ends_at: Some((port, session)), client, _profile: profile }
            }
            Err(error) => {
                let _gone = driver.kill();
                panic!("Chromium did not start; install the packages chromium and chromium-driver: {error}");
            }
        }
    }

    /// Waits for an element and returns it.
    pub(crate) async fn wait(&self, css: &str) -> fantoccini::elements::Element {
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
        found.unwrap_or_else(|error| panic!("nothing matches {css}: {error}"))
    }

    /// Waits until the page's JavaScript expression is true.
    pub(crate) async fn until(&self, expression: &str) {
        let started = std::time::Instant::now();
        while self.eval(expression).await != json!(true) {
            let log = self.eval("document.getElementById('chat').innerText").await;
            assert!(started.elapsed() < PATIENCE, "never true: {expression}\n{log}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The value of a JavaScript expression.
    pub(crate) async fn eval(&self, expression: &str) -> serde_json::Value {
        self.client.execute(&format!("return ({expression});"), vec![]).await.expect("a script that runs")
    }

    /// Waits until the messages contain a text.
    pub(crate) async fn sees(&self, text: &str) {
        self.until(&format!("document.getElementById('log').innerText.includes({})", json!(text))).await;
    }

    /// Clicks what matches, once it can be clicked (drawers slide in).
    pub(crate) async fn click(&self, css: &str) {
        let started = std::time::Instant::now();
        while let Err(error) = self.wait(css).await.click().await {
            assert!(started.elapsed() < PATIENCE, "{css} cannot be clicked: {error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Types in whatever has the focus.
    pub(crate) async fn keys(&self, keys: &str) {
        let active = self.client.active_element().await.expect("a focus");
        active.send_keys(keys).await.expect("typed");
    }

    /// Saves a picture in the folder `SIM_SCREENSHOTS`, where that is set.
    pub(crate) async fn picture(&self, name: &str) {
        if let Some(folder) = std::env::var_os("SIM_SCREENSHOTS") {
            let png = self.client.screenshot().await.expect("a picture");
            std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), png).expect("saved");
        }
    }

    /// Ends the browser.
    pub(crate) async fn close(mut self) {
        self.ends_at = None;
        let _gone = self.client.clone().close().await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // A test that failed still has its Chromium; chromedriver ends it when asked, and not when killed.
        if let Some((port, session)) = &self.ends_at
            && let Ok(mut stream) = TcpStream::connect(format!("127.0.0.1:{port}"))
        {
            let _late = stream.set_read_timeout(Some(Duration::from_secs(5)));
            let request =
                format!("DELETE /session/{session} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
            let _gone = stream.write_all(request.as_bytes());
            let _gone = stream.read(&mut [0; 1024]);
        }
        let _gone = self.driver.kill();
        let _gone = self.driver.wait();
    }
}
