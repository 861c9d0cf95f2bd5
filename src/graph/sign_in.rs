//! Signing people in at Entra: the authorization code flow with PKCE, and a key set that is read when it is needed.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::id_token::{BadIdToken, Expected, Keys, SignedIn, key_of, verify};
use crate::clock::Clock;
use crate::intune::TenantId;
use crate::secret;
use crate::settings::{Link, Settings};

/// What Entra is asked for: who they are, and with `profile` their object id. No access to anything.
const SCOPE: &str = "openid profile";

/// A key set is believed for so long; Microsoft asks to look daily.
const KEYS_FRESH: SignedDuration = SignedDuration::from_hours(24);

/// For a key that is not in the set, the set is read again at most this often.
const KEYS_AGAIN: SignedDuration = SignedDuration::from_mins(1);

/// Largest answer read, in bytes.
const LARGEST: usize = 512 * 1024;

/// Signs people in at one tenant, for one app registration.
pub struct SignIn {
    http: reqwest::Client,
    authority: Url,
    tenant: TenantId,
    issuer: String,
    client_id: String,
    client_secret: SecretString,
    authentication_context: String,
    redirect_uri: String,
    timeout: Duration,
    clock: Clock,
    keys: RwLock<HeldKeys>,
}

#[derive(Debug, Default)]
struct HeldKeys {
    keys: Keys,
    /// When the set that is here was asked for.
    read_at: Option<Timestamp>,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn")
            .field("tenant", &self.tenant)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// Why a code did not lead to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// Entra does not take the code: used, old, or of another sign-in.
    #[error("Entra does not take the code")]
    CodeRefused,
    /// Entra does not take the app registration or its secret.
    #[error("Entra refuses the app registration of [link]: {}", .0.as_str())]
    App(AppFault),
    /// Entra does not answer.
    #[error("Entra does not answer")]
    Unavailable,
    /// The ID token is not believed.
    #[error("the ID token is not believed: {0}")]
    BadIdToken(#[from] BadIdToken),
}

/// Entra's word on what is wrong with the app registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppFault {
    /// `invalid_client`: the secret is wrong or has expired.
    Secret,
    /// `unauthorized_client`: the app may not do this.
    Unauthorized,
    /// Something else that is not the code's fault.
    Other,
}

impl AppFault {
    fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "its secret is wrong or has expired",
            Self::Unauthorized => "it may not sign people in",
            Self::Other => "its settings do not fit",
        }
    }
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

#[derive(Default, Deserialize)]
struct Refused {
    #[serde(default)]
    error: String,
}

impl SignIn {
    /// Signs in at `[entra]`'s tenant with the app of `[link]`.
    pub fn new(settings: &Settings, link: &Link, http: reqwest::Client, clock: &Clock) -> Self {
        let authority = settings.entra.authority_url.clone();
        let tenant = settings.entra.tenant_id;
        Self {
            http,
            issuer: format!("{}/{tenant}/v2.0", authority.as_str().trim_end_matches('/')),
            authority,
            tenant,
            client_id: link.client_id.clone(),
            client_secret: link.client_secret.clone(),
            authentication_context: link.authentication_context.clone(),
            redirect_uri: format!("{}/link/callback", link.public_url.as_str().trim_end_matches('/')),
            timeout: Duration::try_from(settings.graph.timeout).unwrap_or(Duration::from_secs(30)),
            clock: clock.clone(),
            keys: RwLock::default(),
        }
    }

    fn endpoint(&self, rest: &[&str]) -> Url {
        let mut url = self.authority.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(&self.tenant.to_string()).extend(rest);
        }
        url
    }

    /// Where the browser is sent. Entra asks which account, so that nobody links the one that happens to be signed in.
    pub fn authorize_url(&self, state: &str, nonce: &str, verifier: &str) -> Url {
        let mut url = self.authorize(state, nonce, verifier);
        url.query_pairs_mut().append_pair("prompt", "select_account");
        url
    }

    /// The same for proof of presence: Entra asks for credentials again, whatever session there is, and for the authentication context
    /// that `[link]` names.
    pub fn step_up_url(&self, state: &str, nonce: &str, verifier: &str) -> Url {
        let claims = json!({ "id_token": {
            "acrs": { "essential": true, "value": self.authentication_context },
            "auth_time": { "essential": true },
        } });
        let mut url = self.authorize(state, nonce, verifier);
        url.query_pairs_mut()
            .append_pair("prompt", "login")
            .append_pair("max_age", "0")
            .append_pair("claims", &claims.to_string());
        url
    }

    /// Whether a sign-in satisfies the authentication context. Without one nothing does.
    pub fn satisfies_context(&self, signed_in: &SignedIn) -> bool {
        !self.authentication_context.is_empty() && signed_in.contexts.contains(&self.authentication_context)
    }

    fn authorize(&self, state: &str, nonce: &str, verifier: &str) -> Url {
        let mut url = self.endpoint(&["oauth2", "v2.0", "authorize"]);
        url.query_pairs_mut()
            .append_pair("client_id", &self.client_id)
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("response_mode", "query")
            .append_pair("scope", SCOPE)
            .append_pair("state", state)
            .append_pair("nonce", nonce)
            .append_pair("code_challenge", &secret::hash(verifier))
            .append_pair("code_challenge_method", "S256");
        url
    }

    /// Who signed in, by the code that their browser brought back. Tried once: Entra takes a code once.
    pub async fn redeem(&self, code: &str, verifier: &str, nonce: &str) -> Result<SignedIn, SignInError> {
        let form = [
            ("client_id", self.client_id.as_str()),
            ("client_secret", self.client_secret.expose_secret()),
            ("grant_type", "authorization_code"),
            ("scope", SCOPE),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", verifier),
        ];
        let (status, body) =
            self.answer(self.http.post(self.endpoint(&["oauth2", "v2.0", "token"])).form(&form)).await?;
        match status {
            200 => {}
            400..=403 => {
                let refused: Refused = serde_json::from_slice(&body).unwrap_or_default();
                return Err(match refused.error.as_str() {
                    "invalid_grant" => SignInError::CodeRefused,
                    "invalid_client" => SignInError::App(AppFault::Secret),
                    "unauthorized_client" => SignInError::App(AppFault::Unauthorized),
                    _ => SignInError::App(AppFault::Other),
                });
            }
            _ => return Err(SignInError::Unavailable),
        }
        let tokens: Tokens = serde_json::from_slice(&body).map_err(|_| BadIdToken::Shape)?;
        let keys = self.keys_for(&key_of(&tokens.id_token)?).await?;
        let expected = Expected { tenant: self.tenant, issuer: &self.issuer, audience: &self.client_id, nonce };
        Ok(verify(&tokens.id_token, &keys, &expected, self.clock.now())?)
    }

    /// The key set, read anew if it is old, or if it lacks this key and has not been asked for a moment ago.
    async fn keys_for(&self, kid: &str) -> Result<Keys, SignInError> {
        let now = self.clock.now();
        let before = {
            let mut held = self.keys.write().unwrap_or_else(PoisonError::into_inner);
            let age = held.read_at.map(|at| now.duration_since(at));
            let fresh = age.is_some_and(|age| age < if held.keys.has(kid) { KEYS_FRESH } else { KEYS_AGAIN });
            if fresh {
                return Ok(held.keys.clone());
            }
            // Noted before the answer is here, so that many unknown keys at once still ask once. The first set of
            // all is not: whoever signs in meanwhile needs it too.
            let before = held.read_at;
            held.read_at = before.map(|_| now);
            before
        };
        let read = self.read_keys().await;
        let mut held = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(keys) => {
                held.keys = keys.clone();
                held.read_at = Some(now);
                Ok(keys)
            }
            Err(error) => {
                held.read_at = before;
                Err(error)
            }
        }
    }

    async fn read_keys(&self) -> Result<Keys, SignInError> {
        let (status, body) = self.answer(self.http.get(self.endpoint(&["discovery", "v2.0", "keys"]))).await?;
        (status == 200).then(|| Keys::read(&body)).flatten().ok_or(SignInError::Unavailable)
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<(u16, Vec<u8>), SignInError> {
        let unavailable = |error: reqwest::Error| {
            // The text of the error could hold the address; nothing else of the request.
            tracing::warn!(reason = %error.without_url(), "Entra's sign-in does not answer");
            SignInError::Unavailable
        };
        let mut answer = request.timeout(self.timeout).send().await.map_err(unavailable)?;
        let status = answer.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unavailable)? {
            if body.len() + chunk.len() > LARGEST {
                return Err(SignInError::Unavailable);
            }
            body.extend_from_slice(&chunk);
        }
        Ok((status, body))
    }
}
