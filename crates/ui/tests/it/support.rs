//! A browser without script: keeps cookies, sends forms from our pages.

use std::collections::BTreeMap;
use std::sync::Mutex;

use gatepost_core::people::NewUser;
use gatepost_keys::Plain;
use gatepost_model::{Role, User};
use gatepost_store::StoreError;
use gatepost_store::tables::people;
use gatepost_testkit::{Answer, App, Http};
use url::form_urlencoded;

pub(crate) const BASE: &str = "/settings/api-manager";
pub(crate) const EMAIL: &str = "ines@ceramics.example";
pub(crate) const PASSWORD: &str = "wheel and kiln";

/// What every form that a browser sends from one of our pages carries.
pub(crate) const OURS: (&str, &str) = ("sec-fetch-site", "same-origin");

pub(crate) struct Browser {
    http: Http,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Browser {
    pub(crate) fn new(app: &App) -> Self {
        Self { http: app.http.clone(), cookies: Mutex::default() }
    }

    /// One at another address of this machine.
    pub(crate) fn at(app: &App, address: [u8; 4]) -> Self {
        Self { http: app.http.from_address(address.into()), cookies: Mutex::default() }
    }

    /// Someone who set the deployment up just now, and owns all its workspaces.
    pub(crate) async fn owner(app: &App) -> Self {
        let token = app.gatepost().prepare_set_up().await.unwrap().unwrap();
        let new = NewUser {
            name: String::from("Ines Ferreira"),
            email: EMAIL.to_owned(),
            password: Plain::new(PASSWORD.to_owned()),
        };
        app.gatepost().set_up([203, 0, 113, 5].into(), token.expose(), new).await.unwrap();
        let browser = Self::new(app);
        browser.sign_in(EMAIL, PASSWORD).await.with_status(303);
        browser
    }

    /// Another browser that knows nothing yet.
    pub(crate) fn another(&self) -> Self {
        Self { http: self.http.clone(), cookies: Mutex::default() }
    }

    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> Answer {
        self.post("/sign-in", &[("email", email), ("password", password)]).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], String::new()).await
    }

    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let headers = [OURS, ("content-type", "application/x-www-form-urlencoded")];
        self.send("POST", path, &headers, form).await
    }

    /// Sends a request to a page, with the cookies that it has, and keeps those that it gets.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Answer {
        let cookies = {
            let cookies = self.cookies.lock().unwrap();
            cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
        };
        let mut headers = headers.to_vec();
        headers.push(("cookie", &cookies));
        let path = if path.starts_with(BASE) { path.to_owned() } else { format!("{BASE}{path}") };
        let answer = self.http.send(method, &path, &headers, body).await;
        let mut cookies = self.cookies.lock().unwrap();
        for cookie in answer.headers.get_all("set-cookie") {
            let (pair, rest) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if rest.contains("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        drop(cookies);
        answer
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap().get(name).cloned()
    }

    pub(crate) fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }
}

/// An answer that must have a status, whether or not anything else of it is looked at.
pub(crate) trait WithStatus {
    /// The answer itself.
    fn with_status(self, status: u16) -> Answer;
}

impl WithStatus for Answer {
    #[track_caller]
    fn with_status(self, status: u16) -> Answer {
        self.expect(status)
    }
}

/// A user with these roles, who signs in with [`PASSWORD`].
pub(crate) async fn colleague(app: &App, name: &str, roles: &[(&str, Role)]) -> Browser {
    let gatepost = app.gatepost();
    let workspaces = gatepost.list_workspaces().await.unwrap();
    let user = User {
        id: format!("usr_{name}"),
        email: format!("{name}@ceramics.example"),
        name: name.to_owned(),
        has_second_factor: false,
        memberships: Vec::new(),
        created_at: gatepost.now(),
    };
    let roles: Vec<_> = roles
        .iter()
        .map(|(name, role)| {
            (workspaces.iter().find(|known| known.subdomain.as_str() == *name).unwrap().number, *role)
        })
        .collect();
    let email = user.email.clone();
    gatepost
        .store()
        .write(move |tx| {
            // The same password as the owner's.
            let owner = people::lookup_by_email(tx, EMAIL)?.ok_or(StoreError::NotFound)?;
            let password = people::lookup_password(tx, &owner.id)?.unwrap_or_default();
            people::insert(tx, &user, &password)?;
            for (workspace, role) in &roles {
                people::join(tx, &user.id, *workspace, *role)?;
            }
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    let browser = Browser::new(app);
    browser.sign_in(&email, PASSWORD).await.with_status(303);
    browser
}

/// The text between the first `before` and the next `after` that follows it.
#[track_caller]
pub(crate) fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let start = text.find(before).unwrap_or_else(|| panic!("no {before} in {text}")) + before.len();
    let end = text[start..].find(after).unwrap_or_else(|| panic!("no {after} after {before}"));
    &text[start..start + end]
}

/// The code that an authenticator shows: RFC 6238 with SHA-1, six digits, 30 seconds.
pub(crate) fn authenticator_code(secret: &str, now: gatepost_model::Timestamp) -> String {
    let (mut held, mut bits, mut key) = (0u64, 0, Vec::new());
    for byte in secret.bytes() {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == byte).unwrap();
        held = (held << 5) | value as u64;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            key.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = aws_lc_rs::hmac::sign(&key, &(now.seconds() / 30).to_be_bytes());
    let at = usize::from(tag.as_ref()[19] & 15);
    let word = u32::from_be_bytes(tag.as_ref()[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

/// The text of a page as a browser shows it.
pub(crate) fn unescaped(page: &str) -> String {
    let pairs = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    pairs.iter().fold(page.to_owned(), |page, (from, to)| page.replace(from, to))
}
