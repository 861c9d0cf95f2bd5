//! Entra's token endpoint, for an application and for people who signed in, and the discovery documents a client may ask for first.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::answer::Answer;
use super::model::{Token, World};
use super::seed::fresh_id;

/// The scope of the real service, accepted beside the simulator's own address.
const GRAPH_SCOPE: &str = "https://graph.microsoft.com/.default";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl World {
    /// `POST /{tenant}/oauth2/v2.0/token`; `client_credentials` is served here, `authorization_code` by `sign_in`.
    pub(crate) fn token(&mut self, tenant: &str, form: &[(String, String)]) -> Answer {
        self.issue(tenant, form).unwrap_or_else(|refusal| self.refused(&refusal))
    }

    fn issue(&mut self, tenant: &str, form: &[(String, String)]) -> Result<Answer, Refusal> {
        let field =
            |name: &str| form.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty());
        if !self.is_this(tenant) {
            return Err(Refusal(400, "invalid_request", 90_002, no_tenant(tenant)));
        }
        let need = |name: &str| field(name).ok_or_else(|| Refusal::missing(name));
        let grant = need("grant_type")?;
        if grant == "authorization_code" {
            return self.redeem(form);
        }
        if grant != "client_credentials" {
            let text = format!("The app requested an unsupported grant type '{grant}'.");
            return Err(Refusal(400, "unsupported_grant_type", 70_003, text));
        }
        let client = need("client_id")?;
        if !client.eq_ignore_ascii_case(&self.application.client_id) {
            return Err(Refusal::no_application(client));
        }
        let scope = need("scope")?;
        if scope != GRAPH_SCOPE && scope != format!("{}/.default", self.base) {
            let text = format!("The provided value for scope {scope} is not valid.");
            return Err(Refusal(400, "invalid_scope", 1_002_012, text));
        }
        match (field("client_secret"), field("client_assertion")) {
            (Some(secret), _) if secret == self.application.secret => {}
            (None, Some(jwt)) if jwt.split('.').count() == 3 && field("client_assertion_type") == Some(ASSERTION) => {}
            (Some(_), _) => return Err(Refusal::bad_secret(client)),
            (None, Some(_)) => {
                return Err(Refusal(401, "invalid_client", 700_027, "Client assertion failed validation.".to_owned()));
            }
            (None, None) => return Err(Refusal::no_proof()),
        }
        let lifetime = self.application.token_lifetime;
        let text = format!("sim.{}.{}", fresh_id(), fresh_id());
        self.hand_out(Token { text: text.clone(), ends: self.token_end(), person: None });
        self.log.tokens_issued += 1;
        Ok(Answer::ok(json!({
            "token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": text,
        })))
    }

    /// When a token that is handed out now ends.
    pub(crate) fn token_end(&self) -> Timestamp {
        let lifetime = SignedDuration::from_secs(i64::from(self.application.token_lifetime));
        self.now.saturating_add(lifetime).unwrap_or(self.now)
    }

    /// Remembers a token, and forgets those that ended a day ago.
    pub(crate) fn hand_out(&mut self, token: Token) {
        let long_ago = self.now.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(self.now);
        self.tokens.retain(|known| known.ends > long_ago);
        self.tokens.push(token);
    }

    /// Whether a path names this tenant, by its id or its domain.
    pub(crate) fn is_this(&self, tenant: &str) -> bool {
        tenant.eq_ignore_ascii_case(&self.tenant_id) || tenant == self.domain
    }

    fn refused(&self, refusal: &Refusal) -> Answer {
        let Refusal(status, error, code, text) = refusal;
        let (trace, correlation) = (fresh_id(), fresh_id());
        let stamp = self.now.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let description =
            format!("AADSTS{code}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}");
        let body = json!({
            "error": error, "error_description": description, "error_codes": [code], "timestamp": stamp,
            "trace_id": trace, "correlation_id": correlation,
            "error_uri": format!("{}/error?code={code}", self.base),
        });
        let mut answer = Answer::ok(body);
        answer.status = *status;
        answer
    }

    /// `/{tenant}/v2.0/.well-known/openid-configuration`.
    pub(crate) fn openid_configuration(&self, tenant: &str) -> Answer {
        if !self.is_this(tenant) {
            return self.refused(&Refusal(400, "invalid_tenant", 90_002, no_tenant(tenant)));
        }
        let base = format!("{}/{tenant}", self.base);
        Answer::ok(json!({
            // The id, also where the path names the domain.
            "issuer": format!("{}/{}/v2.0", self.base, self.tenant_id),
            "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
            "token_endpoint": format!("{base}/oauth2/v2.0/token"),
            "jwks_uri": format!("{base}/discovery/v2.0/keys"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "scopes_supported": ["openid", "profile", "email"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }))
    }

    /// `/{tenant}/discovery/v2.0/keys`.
    pub(crate) fn signing_keys(&self, tenant: &str) -> Answer {
        if self.is_this(tenant) {
            return Answer::ok(self.sign_ins.public_keys());
        }
        self.refused(&Refusal(400, "invalid_tenant", 90_002, no_tenant(tenant)))
    }

    /// `/common/discovery/instance`.
    pub(crate) fn instance_discovery(&self) -> Answer {
        let host = self.base.trim_start_matches("http://");
        Answer::ok(json!({
            "tenant_discovery_endpoint":
                format!("{}/{}/v2.0/.well-known/openid-configuration", self.base, self.tenant_id),
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        }))
    }
}

/// What Entra says of a tenant that it does not know.
pub(crate) fn no_tenant(tenant: &str) -> String {
    format!("Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID.")
}

/// Status, error word, AADSTS number and sentence.
pub(crate) struct Refusal(pub(crate) u16, pub(crate) &'static str, pub(crate) u32, pub(crate) String);

impl Refusal {
    pub(crate) fn missing(name: &str) -> Self {
        let text = format!("The request body must contain the following parameter: '{name}'.");
        Self(400, "invalid_request", 900_144, text)
    }

    pub(crate) fn no_application(client: &str) -> Self {
        let text = format!("Application with identifier '{client}' was not found in the directory.");
        Self(400, "unauthorized_client", 700_016, text)
    }

    pub(crate) fn bad_secret(client: &str) -> Self {
        Self(401, "invalid_client", 7_000_215, format!("Invalid client secret provided for app '{client}'."))
    }

    pub(crate) fn no_proof() -> Self {
        let text = "The request body must contain 'client_assertion' or 'client_secret'.";
        Self(401, "invalid_client", 7_000_218, text.to_owned())
    }
}

/// Fields of a form that prove something.
const SECRET_FIELDS: &[&str] = &["client_secret", "client_assertion", "code", "code_verifier"];
/// Fields of an answer that open something.
const SECRET_ANSWERS: &[&str] = &["access_token", "id_token", "refresh_token"];

/// The form as it is recorded: an object, with what proves something blanked.
pub(crate) fn recorded_form(form: &[(String, String)]) -> Value {
    let blank = |name: &str| SECRET_FIELDS.contains(&name);
    let field = |(name, value): &(String, String)| (name.clone(), json!(if blank(name) { "***" } else { value }));
    Value::Object(form.iter().map(field).collect())
}

/// The answer as it is recorded: tokens are blanked.
pub(crate) fn recorded_answer(answer: &Value) -> Value {
    let mut answer = answer.clone();
    for (_, value) in answer.as_object_mut().into_iter().flatten().filter(|(n, _)| SECRET_ANSWERS.contains(&n.as_str()))
    {
        *value = json!("***");
    }
    answer
}
