//! A browser as small as can be: it keeps one cookie and follows no redirect by itself.

use std::cell::RefCell;

use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};

use super::Bed;

/// Someone's browser.
pub(crate) struct Browser<'a> {
    bed: &'a Bed,
    http: reqwest::Client,
    cookie: RefCell<Option<String>>,
}

/// What a server answered.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) html: String,
}

impl Page {
    /// A header, if it is there.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }

    /// It must have this status and say this.
    pub(crate) fn says(&self, status: u16, words: &str) -> &Self {
        assert!(self.status == status && self.html.contains(words), "not {status} and {words:?}: {self:#?}");
        self
    }

    /// The code that it shows.
    pub(crate) fn code(&self) -> String {
        let (_, rest) = self.html.split_once("class=\"code\"").unwrap_or_else(|| panic!("a code: {self:#?}"));
        let (_, rest) = rest.split_once('>').expect("the tag ends");
        rest.split_once('<').expect("the text ends").0.replace(' ', "")
    }

    /// Where it leads.
    fn location(&self) -> String {
        self.header(LOCATION.as_str()).unwrap_or_else(|| panic!("a redirect: {self:#?}")).to_owned()
    }
}

/// What stands in an address behind `name=`.
pub(crate) fn parameter(address: &str, name: &str) -> Option<String> {
    let url: url::Url = address.parse().expect("an address");
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

impl<'a> Browser<'a> {
    pub(super) fn new(bed: &'a Bed) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        Self { bed, http: http.expect("a client"), cookie: RefCell::default() }
    }

    /// Sends a request of any kind.
    pub(crate) async fn sends(&self, method: reqwest::Method, address: &str, headers: &[(&str, &str)]) -> Page {
        let mut request = self.http.request(method, address);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = &*self.cookie.borrow() {
            request = request.header(COOKIE, cookie);
        }
        let answer = request.send().await.expect("the page answers");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        if let Some(cookie) = headers.get(SET_COOKIE) {
            let cookie = cookie.to_str().expect("text").split(';').next().expect("a pair").to_owned();
            self.bed.carries(cookie.split_once('=').expect("a value").1);
            self.cookie.replace(Some(cookie));
        }
        let page = Page { status, headers, html: answer.text().await.expect("text") };
        self.bed.settle().await;
        page
    }

    /// Opens an address.
    pub(crate) async fn opens(&self, address: &str) -> Page {
        for name in ["state", "code"] {
            parameter(address, name).inspect(|secret| self.bed.carries(secret));
        }
        self.sends(reqwest::Method::GET, address, &[]).await
    }

    /// Presses Continue on the page of a link.
    pub(crate) async fn continues(&self, link: &str) -> Page {
        self.bed.carries(link.rsplit('/').next().expect("a ticket"));
        self.sends(reqwest::Method::POST, &format!("{link}/start"), &[]).await
    }

    /// Opens a link, continues to Entra and signs in there; where Entra sends the browser back to, not opened yet.
    pub(crate) async fn signs_in(&self, link: &str, person: &str) -> String {
        self.opens(link).await.says(200, "Continue to Microsoft");
        let authorize = self.continues(link).await.location();
        self.bed.carries(&parameter(&authorize, "state").expect("a state"));
        self.bed.tenant.sign_in(&authorize, person).expect("the person signs in")
    }

    /// The whole way of a link, up to the code.
    pub(crate) async fn finishes(&self, link: &str, person: &str) -> String {
        let back = self.signs_in(link, person).await;
        let code = self.opens(&back).await.code();
        self.bed.carries(&code);
        code
    }

    /// Where Continue leads.
    pub(crate) async fn departs(&self, link: &str) -> String {
        self.continues(link).await.location()
    }
}

impl Bed {
    /// Something that no log line and no audit row may hold.
    fn carries(&self, secret: &str) {
        self.carried.borrow_mut().insert(secret.to_owned());
    }
}
