//! A real browser, Chromium without a window, told what to do over WebDriver in the words that a person sees.
//!
//! Nothing here sleeps: the driver itself looks again until what is asked for is there, and fails the test if it is not
//! there in time.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::Instant;

use crate::folder::Folder;
use crate::http::Http;

/// Where Debian's packages `chromium-driver` and `chromium` put them.
const DRIVER: &str = "/usr/bin/chromedriver";

/// The driver looks for something as long as this.
const PATIENCE: Duration = Duration::from_secs(20);

/// WebDriver's name for the member that holds an element (W3C WebDriver, 11).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Which page this is, and whether a click on the first element of an XPath that can be seen leads to another one. What
/// the page's own script makes of a click is marked on the element.
const LEADS_AWAY: &str = "const all = document.evaluate(arguments[0], document, null, 7, null); \
    const seen = Array.from({ length: all.snapshotLength }, (_, index) => all.snapshotItem(index)) \
        .find((element) => element.checkVisibility()); \
    const leads = (control) => { \
        const { close, set, copy, copyCode, themeSwitch } = control.dataset; \
        if ([close, set, copy, copyCode, themeSwitch].some((mark) => mark !== undefined)) return false; \
        if (control.tagName === 'A') { \
            const to = new URL(control.href), same = to.pathname + to.search === location.pathname + location.search; \
            return !control.hasAttribute('download') && !(same && to.hash); \
        } \
        const form = control.form; \
        return !!form && control.type === 'submit' \
            && (form.noValidate || control.formNoValidate || form.checkValidity()); \
    }; \
    return [performance.timeOrigin, !!seen && leads(seen)];";

/// Which page this is, once all of it is here.
const ARRIVED: &str = "return document.readyState === 'complete' ? performance.timeOrigin : null";

/// The keys that pages are worked with (W3C WebDriver, 17.4.2).
pub mod key {
    /// To the next control.
    pub const TAB: &str = "\u{e004}";
    /// Follows a link, presses a button, sends a form.
    pub const ENTER: &str = "\u{e007}";
    /// Closes what is open.
    pub const ESCAPE: &str = "\u{e00c}";
    /// Ticks.
    pub const SPACE: &str = " ";
}

/// One window, with cookies of its own. Gone when dropped.
pub struct Browser {
    http: Http,
    session: String,
    port: u16,
    server: String,
    _driver: Child,
    // Nobody reads on after the announcement; closed, the driver could not write any more.
    _stdout: BufReader<ChildStdout>,
    // Removed when everything that uses it is gone.
    _folder: Folder,
}

impl Browser {
    /// Opens one for the server at `server`, `http://127.0.0.1:1234`.
    ///
    /// # Panics
    /// If it cannot be started.
    pub async fn open(server: &str) -> Self {
        Self::start(server, &json!({})).await
    }

    /// Opens one that runs no script of any page.
    ///
    /// # Panics
    /// If it cannot be started.
    pub async fn without_script(server: &str) -> Self {
        Self::start(server, &json!({ "profile.managed_default_content_settings.javascript": 2 })).await
    }

    #[expect(clippy::panic, reason = "a test without its browser cannot go on")]
    async fn start(server: &str, preferences: &Value) -> Self {
        match Self::try_start(server, preferences).await {
            Ok(browser) => browser,
            Err(error) => panic!("the browser does not start: {error:#}"),
        }
    }

    async fn try_start(server: &str, preferences: &Value) -> anyhow::Result<Self> {
        let folder = Folder::new();
        let mut driver = Command::new(DRIVER)
            .arg("--port=0")
            .env("TMPDIR", folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{DRIVER}; on Debian: apt-get install chromium chromium-driver"))?;
        let mut stdout = BufReader::new(driver.stdout.take().context("the driver's output")?);
        let port = announced(&mut stdout).await?;
        let http = Http::new(format!("http://127.0.0.1:{port}"));
        // Over a pipe, so that the browser ends when its driver does, whatever way that was.
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--remote-debugging-pipe",
            "--disable-gpu",
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "timeouts": { "implicit": PATIENCE.as_millis() as u64 },
            "goog:chromeOptions": { "args": arguments, "prefs": preferences },
        } } });
        let answer = http.try_send("POST", "/session", &[], wanted.to_string()).await?;
        let session = answer.json()["value"]["sessionId"].as_str().map(str::to_owned);
        let session = session.with_context(|| answer.text())?;
        let server = server.to_owned();
        let browser = Self { http, session, port, server, _driver: driver, _stdout: stdout, _folder: folder };
        browser.resize(1440, 1000).await;
        browser.darken(false).await;
        Ok(browser)
    }

    /// Opens a page of the server.
    ///
    /// # Panics
    /// If it cannot be opened.
    pub async fn go(&self, path: &str) {
        self.command("POST", "/url", json!({ "url": format!("{}{path}", self.server) })).await;
    }

    /// The path of the page that is open, with its query.
    ///
    /// # Panics
    /// If there is no page.
    pub async fn path(&self) -> String {
        let url = self.command("GET", "/url", Value::Null).await;
        url.as_str().unwrap_or_default().trim_start_matches(&self.server).to_owned()
    }

    /// Opens the page again.
    ///
    /// # Panics
    /// If it cannot be opened.
    pub async fn reload(&self) {
        self.command("POST", "/refresh", json!({})).await;
    }

    /// Clicks the link or button with this text or name, or the summary that begins so. Where that leads to another
    /// page, it is there when this returns: the driver itself may answer before the browser has left.
    ///
    /// # Panics
    /// If none can be seen, or the other page does not come.
    pub async fn press(&self, label: &str) {
        let control = "self::a or self::button or self::summary";
        let opens = "self::summary and starts-with(normalize-space(),";
        let named = format!("normalize-space()={0} or @aria-label={0} or {opens} {0})", quoted(label));
        let path = format!("//*[({control}) and ({named})]");
        self.act(&path, "", Value::Null).await;
        let before = self.run(LEADS_AWAY, &[json!(path)]).await;
        self.act(&path, "click", json!({})).await;
        if before[1] == true {
            self.leave(&before[0]).await;
        }
    }

    /// Writes into the field with this label, instead of what is there.
    ///
    /// # Panics
    /// If it cannot be seen.
    pub async fn fill(&self, label: &str, text: &str) {
        let label = format!("//label[contains(normalize-space(), {})]", quoted(label));
        let field = format!("//*[@id={label}/@for]");
        self.act(&field, "clear", json!({})).await;
        self.act(&field, "value", json!({ "text": text })).await;
    }

    /// Clicks the box or choice whose label has this text, or whose name it is.
    ///
    /// # Panics
    /// If it cannot be seen.
    pub async fn tick(&self, label: &str) {
        let named = format!(
            "@aria-label={0} or (not(@aria-label) and ancestor::label[contains(normalize-space(), {0})])",
            quoted(label)
        );
        self.act(&format!("//input[(@type='checkbox' or @type='radio') and ({named})]"), "click", json!({}))
            .await;
    }

    /// Waits until this text can be seen.
    ///
    /// # Panics
    /// If it cannot in time.
    pub async fn sees(&self, text: &str) {
        let has = format!("contains(normalize-space(), {})", quoted(text));
        self.act(&format!("//body//*[{has} and not(.//*[{has}])]"), "", Value::Null).await;
    }

    /// Opens the page again until it has this text: for what happens on the server meanwhile.
    ///
    /// # Panics
    /// If it has it not in time.
    pub async fn sees_in_time(&self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let page = self.text().await;
            if page.contains(text) {
                return;
            }
            assert!(Instant::now() < deadline, "\"{text}\" is not on {}: {page}", self.path().await);
            self.reload().await;
        }
    }

    /// All text that can be seen.
    ///
    /// # Panics
    /// If there is no page.
    pub async fn text(&self) -> String {
        self.run("return document.body.innerText", &[]).await.as_str().unwrap_or_default().to_owned()
    }

    /// Strikes keys, where the keyboard's focus is.
    ///
    /// # Panics
    /// If nothing takes them.
    pub async fn strike(&self, keys: &str) {
        let active = self.command("GET", "/element/active", Value::Null).await;
        let active = active[ELEMENT].as_str().unwrap_or_default();
        self.command("POST", &format!("/element/{active}/value"), json!({ "text": keys })).await;
    }

    /// Runs a script in the page, whatever the page's policy is, and gives what it returns; of a promise, what it
    /// comes to.
    ///
    /// # Panics
    /// If it throws.
    pub async fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.command("POST", "/execute/sync", json!({ "script": script, "args": arguments })).await
    }

    /// Makes the page as large as a screen of this width and height, in CSS pixels.
    ///
    /// # Panics
    /// If the browser refuses.
    pub async fn resize(&self, width: u32, height: u32) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Says whether its user likes dark colours. Movement that user does not like in any case.
    ///
    /// # Panics
    /// If the browser refuses.
    pub async fn darken(&self, is_dark: bool) {
        let value = if is_dark { "dark" } else { "light" };
        let colours = json!({ "name": "prefers-color-scheme", "value": value });
        // What is looked at must not be on its way to somewhere else.
        let motion = json!({ "name": "prefers-reduced-motion", "value": "reduce" });
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": [colours, motion] })).await;
    }

    /// What can be seen now, as PNG.
    ///
    /// # Panics
    /// If there is no page.
    pub async fn screenshot(&self) -> Vec<u8> {
        let picture = self.command("GET", "/screenshot", Value::Null).await;
        STANDARD.decode(picture.as_str().unwrap_or_default()).unwrap_or_default()
    }

    /// Waits until another page than this one is here.
    async fn leave(&self, page: &Value) {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let arrived = self.try_command("POST", "/execute/sync", json!({ "script": ARRIVED, "args": [] }));
            if arrived.await.is_ok_and(|arrived| !arrived.is_null() && arrived != *page) {
                return;
            }
        }
        self.miss("the next page").await;
    }

    /// Does this to the first element of this XPath that can be seen. A page that changes meanwhile is looked at again.
    async fn act(&self, path: &str, action: &str, body: Value) {
        let deadline = Instant::now() + PATIENCE;
        let wanted = json!({ "using": "xpath", "value": path });
        while Instant::now() < deadline {
            let found = self.try_command("POST", "/elements", wanted.clone()).await.unwrap_or_default();
            for element in found.as_array().into_iter().flatten().filter_map(|found| found[ELEMENT].as_str())
            {
                let of = |what: &str| format!("/element/{element}/{what}");
                let is_seen = self.try_command("GET", &of("displayed"), Value::Null).await;
                let is_seen = is_seen.is_ok_and(|seen| seen == true);
                if is_seen
                    && (action.is_empty()
                        || self.try_command("POST", &of(action), body.clone()).await.is_ok())
                {
                    return;
                }
            }
        }
        self.miss(path).await;
    }

    #[expect(clippy::panic, reason = "a test whose page is another one cannot go on")]
    async fn miss(&self, what: &str) {
        panic!("{what} cannot be seen on {}: {}", self.path().await, self.text().await)
    }

    async fn devtools(&self, command: &str, parameters: Value) {
        self.command("POST", "/goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await;
    }

    /// Sends a command of WebDriver, and gives its value.
    #[expect(clippy::panic, reason = "a test whose browser fails cannot go on")]
    async fn command(&self, method: &str, path: &str, body: Value) -> Value {
        match self.try_command(method, path, body).await {
            Ok(value) => value,
            Err(error) => panic!("{method} {path}: {error}"),
        }
    }

    async fn try_command(&self, method: &str, path: &str, body: Value) -> anyhow::Result<Value> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let path = format!("/session/{}{path}", self.session);
        let answer = self.http.try_send(method, &path, &[], body).await?;
        let value = answer.json()["value"].take();
        anyhow::ensure!(answer.status == 200, "{}: {}", value["error"], value["message"]);
        Ok(value)
    }
}

impl Drop for Browser {
    /// Ends the browser before its driver is killed, so that it leaves no files behind.
    fn drop(&mut self) {
        let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)) else { return };
        // Best effort: the browser ends with its driver in any case.
        let _ = stream.set_read_timeout(Some(PATIENCE));
        let _ = write!(
            stream,
            "DELETE /session/{} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
            self.session
        );
        let _ = stream.read(&mut [0; 512]);
    }
}

/// The port that the driver says it listens on.
async fn announced(stdout: &mut BufReader<ChildStdout>) -> anyhow::Result<u16> {
    let mut lines = stdout.lines();
    while let Some(line) = lines.next_line().await? {
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            return port.trim_end_matches('.').parse().context("the driver's port");
        }
    }
    anyhow::bail!("the driver ended without saying where it listens")
}

/// A text in XPath, which knows no escapes.
fn quoted(text: &str) -> String {
    if text.contains('"') { format!("'{text}'") } else { format!("\"{text}\"") }
}
