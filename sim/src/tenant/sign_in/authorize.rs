//! The authorize endpoint: what its request may say, and what choosing a person, or nobody, leads to.

use axum::http::Uri;
use jiff::SignedDuration;

use super::super::answer::{Answer, Body};
use super::super::entra::no_tenant;
use super::super::model::World;
use super::super::seed::fresh_id;
use super::{Code, page};

/// Codes are forgotten this long after they were handed out.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(24);
/// The length of a SHA-256 digest in base64.
const CHALLENGE: usize = 43;
/// Parameters that the page hands on from the first request to the choice.
pub(super) const HANDED_ON: &[&str] = &[
    "client_id",
    "response_type",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "login_hint",
    "max_age",
    "claims",
    "response_mode",
];

/// An AADSTS number and its sentence.
pub(super) struct Refused(pub(super) u32, pub(super) String);

/// A request that was checked.
pub(super) struct Wanted {
    redirect_uri: String,
    /// Scheme, host and port of the redirect address.
    pub(super) origin: String,
    state: Option<String>,
    pub(super) login_hint: Option<String>,
    /// `prompt=none`: the page may not be shown.
    silent: bool,
    scope: String,
    nonce: Option<String>,
    challenge: String,
    /// The authentication context that the client asks for.
    context: Option<String>,
}

/// What comes of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Chosen<'a> {
    /// A person, by key, object id or user principal name.
    Person(&'a str),
    /// "Cancel".
    Nobody,
}

impl World {
    /// `GET /{tenant}/oauth2/v2.0/authorize`: the page, or the error page.
    pub(crate) fn authorize_page(&self, tenant: &str, query: &[(String, String)]) -> Answer {
        match self.checked(tenant, query) {
            Err(refused) => error_page(&refused),
            Ok(wanted) if wanted.silent => found(&not_signed_in(&wanted)),
            Ok(wanted) => html(200, page::choice(self, tenant, query, &wanted), Some(&wanted.origin)),
        }
    }

    /// `POST /{tenant}/oauth2/v2.0/authorize`: back to the client with a code or an error, or the error page.
    pub(crate) fn authorize(&mut self, tenant: &str, form: &[(String, String)]) -> Answer {
        let chosen = match (field(form, "sign_in_as"), field(form, "cancel")) {
            (Some(person), None) => Chosen::Person(person),
            (None, Some(_)) => Chosen::Nobody,
            _ => {
                let text = "The request body must contain the following parameter: 'sign_in_as'.";
                return error_page(&Refused(900_144, text.to_owned()));
            }
        };
        self.decide(tenant, form, chosen).map_or_else(|refused| error_page(&refused), |location| found(&location))
    }

    /// The address to go back to.
    pub(super) fn decide(
        &mut self,
        tenant: &str,
        parameters: &[(String, String)],
        chosen: Chosen<'_>,
    ) -> Result<String, Refused> {
        let wanted = self.checked(tenant, parameters)?;
        if wanted.silent {
            return Ok(not_signed_in(&wanted));
        }
        let Chosen::Person(who) = chosen else {
            let text = "AADSTS65004: User declined to consent to access the app.";
            return Ok(back(&wanted, &[("error", "access_denied"), ("error_description", text)]));
        };
        let Some(person) = self.person(who) else {
            let text = format!("The user account {who} does not exist in the {} directory.", self.tenant_id);
            return Err(Refused(50_034, text));
        };
        if !person.enabled {
            return Err(Refused(50_057, "The user account is disabled.".to_owned()));
        }
        let (person, at) = (person.id.clone(), self.now);
        let text = format!("1.{}{}", fresh_id().replace('-', ""), fresh_id().replace('-', ""));
        let location = back(&wanted, &[("code", &text), ("session_state", &fresh_id())]);
        let Wanted { redirect_uri, scope, nonce, challenge, context, .. } = wanted;
        self.sign_ins.codes.retain(|code| at.duration_since(code.at) < FORGOTTEN);
        self.sign_ins.codes.push(Code {
            text,
            person,
            redirect_uri,
            scope,
            nonce,
            challenge,
            context,
            at,
            redeemed: false,
        });
        Ok(location)
    }

    fn checked(&self, tenant: &str, parameters: &[(String, String)]) -> Result<Wanted, Refused> {
        let get = |name: &str| field(parameters, name);
        let need = |name: &str| {
            let text = format!("The request body must contain the following parameter: '{name}'.");
            get(name).ok_or(Refused(900_144, text))
        };
        let twice = HANDED_ON.iter().find(|name| parameters.iter().filter(|(known, _)| known == *name).count() > 1);
        if let Some(name) = twice {
            return Err(Refused(9_002_313, format!("Invalid request. The parameter '{name}' is duplicated.")));
        }
        if !self.is_this(tenant) {
            return Err(Refused(90_002, no_tenant(tenant)));
        }
        let client = need("client_id")?;
        if !client.eq_ignore_ascii_case(&self.sign_in.client_id) {
            let text = format!("Application with identifier '{client}' was not found in the directory.");
            return Err(Refused(700_016, text));
        }
        let redirect_uri = need("redirect_uri")?;
        let Some(origin) = self.redirect_origin(redirect_uri) else {
            let text = format!(
                "The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs \
                 configured for the application '{client}'."
            );
            return Err(Refused(50_011, text));
        };
        let kind = need("response_type")?;
        if kind != "code" {
            let text = format!("The response_type '{kind}' is not enabled for the application.");
            return Err(Refused(700_054, text));
        }
        if let Some(mode) = get("response_mode").filter(|mode| *mode != "query") {
            let text = format!("'{mode}' is not a supported value of 'response_mode' when requesting a token.");
            return Err(Refused(70_007, text));
        }
        let scope = need("scope")?;
        if !scope.split(' ').any(|one| one == "openid") {
            let text = format!("The provided value for scope {scope} is not valid: it must hold 'openid'.");
            return Err(Refused(70_011, text));
        }
        if let Some(prompt) =
            get("prompt").filter(|prompt| !["login", "none", "consent", "select_account"].contains(prompt))
        {
            return Err(Refused(90_023, format!("Unsupported 'prompt' value '{prompt}'.")));
        }
        if let Some(age) = get("max_age").filter(|age| age.parse::<u32>().is_err()) {
            return Err(Refused(90_023, format!("The value '{age}' of 'max_age' is not a number of seconds.")));
        }
        let challenge = get("code_challenge").ok_or_else(|| {
            Refused(9_002_325, "Proof Key for Code Exchange is required: there is no 'code_challenge'.".to_owned())
        })?;
        if get("code_challenge_method") != Some("S256") {
            let text = "Invalid request. The 'code_challenge_method' must be 'S256'.";
            return Err(Refused(9_002_313, text.to_owned()));
        }
        if challenge.len() != CHALLENGE {
            return Err(Refused(501_491, "Invalid size of Code_Challenge parameter.".to_owned()));
        }
        let own = |name: &str| get(name).map(str::to_owned);
        let context = match get("claims").map(serde_json::from_str::<serde_json::Value>) {
            None => None,
            Some(Err(_)) => {
                let text = "The claims parameter value is not a valid JSON document.".to_owned();
                return Err(Refused(900_144, text));
            }
            Some(Ok(claims)) => {
                claims.pointer("/id_token/acrs/value").and_then(|value| value.as_str()).map(str::to_owned)
            }
        };
        Ok(Wanted {
            redirect_uri: redirect_uri.to_owned(),
            origin,
            state: own("state"),
            silent: get("prompt") == Some("none"),
            login_hint: own("login_hint"),
            scope: scope.to_owned(),
            nonce: own("nonce"),
            challenge: challenge.to_owned(),
            context,
        })
    }

    /// Where the redirect address leads, if it may lead there.
    fn redirect_origin(&self, address: &str) -> Option<String> {
        let known = &self.sign_in.redirect_uris;
        let uri: Uri = address.parse().ok()?;
        let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
        let host = authority.host();
        let plain = host.chars().all(|c| c.is_ascii_alphanumeric() || "-.:[]".contains(c));
        let local = ["127.0.0.1", "localhost", "[::1]"].contains(&host);
        let fits = if known.is_empty() {
            scheme == "https" || (scheme == "http" && local)
        } else {
            known.iter().any(|known| known == address)
        };
        let port = authority.port().map_or_else(String::new, |port| format!(":{port}"));
        (fits && plain && !host.is_empty() && !address.contains(['#', '@'])).then(|| format!("{scheme}://{host}{port}"))
    }
}

/// Nobody has a session here, so what may not ask cannot go on.
fn not_signed_in(wanted: &Wanted) -> String {
    let text = "AADSTS50058: A silent sign-in request was sent but no user is signed in.";
    back(wanted, &[("error", "login_required"), ("error_description", text)])
}

/// The redirect address with the outcome, and with the state that came.
fn back(wanted: &Wanted, outcome: &[(&str, &str)]) -> String {
    let mut address = wanted.redirect_uri.clone();
    let mut mark = if address.contains('?') { '&' } else { '?' };
    let state = wanted.state.as_deref().map(|state| ("state", state));
    for (name, value) in outcome.iter().copied().chain(state) {
        address.push(mark);
        address.push_str(name);
        address.push('=');
        address.push_str(&percent_encode(value));
        mark = '&';
    }
    address
}

fn percent_encode(text: &str) -> String {
    let hex = |digit: u8| char::from_digit(u32::from(digit), 16).unwrap_or('0').to_ascii_uppercase();
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    out
}

/// A parameter that is there and not empty.
pub(super) fn field<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
}

fn error_page(refused: &Refused) -> Answer {
    html(400, page::refusal(refused), None)
}

fn found(location: &str) -> Answer {
    let headers = vec![("location", location.to_owned()), ("cache-control", "no-store".to_owned())];
    Answer { status: 302, headers, body: Body::Empty }
}

/// A page; its form may lead to the simulator, and by a redirect to `origin`.
fn html(status: u16, text: String, origin: Option<&str>) -> Answer {
    let forms = origin.map_or_else(|| "'none'".to_owned(), |origin| format!("'self' {origin}"));
    let policy =
        format!("default-src 'none'; style-src 'self'; base-uri 'none'; form-action {forms}; frame-ancestors 'none'");
    let headers = vec![
        ("content-security-policy", policy),
        ("cache-control", "no-store".to_owned()),
        ("referrer-policy", "no-referrer".to_owned()),
        ("x-content-type-options", "nosniff".to_owned()),
    ];
    Answer { status, headers, body: Body::Html(text) }
}
