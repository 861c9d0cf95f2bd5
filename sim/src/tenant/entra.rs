//! Entra's token endpoint for an application, and the discovery documents a client may ask for first.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::answer::Answer;
use super::model::World;
use super::seed::fresh_id;

/// The scope of the real service, accepted beside the simulator's own address.
const GRAPH_SCOPE: &str = "https://graph.microsoft.com/.default";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl World {
    /// `POST /{tenant}/oauth2/v2.0/token` with `grant_type=client_credentials`.
    pub(crate) fn token(&mut self, tenant: &str, form: &[(String, String)]) -> Answer {
        self.issue(tenant, form).unwrap_or_else(|refusal| self.refused(&refusal))
    }

    fn issue(&mut self, tenant: &str, form: &[(String, String)]) -> Result<Answer, Refusal> {
        let field =
            |name: &str| form.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty());
        if !tenant.eq_ignore_ascii_case(&self.tenant_id) && tenant != self.domain {
            let text = format!("Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID.");
            return Err(Refusal(400, "invalid_request", 90_002, text));
        }
        let missing = |name: &str| {
            let text = format!("The request body must contain the following parameter: '{name}'.");
            Refusal(400, "invalid_request", 900_144, text)
        };
        let grant = field("grant_type").ok_or_else(|| missing("grant_type"))?;
        if grant != "client_credentials" {
            let text = format!("The app requested an unsupported grant type '{grant}'.");
            return Err(Refusal(400, "unsupported_grant_type", 70_003, text));
        }
        let client = field("client_id").ok_or_else(|| missing("client_id"))?;
        if !client.eq_ignore_ascii_case(&self.application.client_id) {
            let text = format!("Application with identifier '{client}' was not found in the directory.");
            return Err(Refusal(400, "unauthorized_client", 700_016, text));
        }
        let scope = field("scope").ok_or_else(|| missing("scope"))?;
        if scope != GRAPH_SCOPE && scope != format!("{}/.default", self.base) {
            let text = format!("The provided value for scope {scope} is not valid.");
            return Err(Refusal(400, "invalid_scope", 1_002_012, text));
        }
        match (field("client_secret"), field("client_assertion")) {
            (Some(secret), _) if secret == self.application.secret => {}
            (None, Some(jwt)) if jwt.split('.').count() == 3 && field("client_assertion_type") == Some(ASSERTION) => {}
            (Some(_), _) => {
                let text = format!("Invalid client secret provided for app '{client}'.");
                return Err(Refusal(401, "invalid_client", 7_000_215, text));
            }
            (None, Some(_)) => {
                return Err(Refusal(401, "invalid_client", 700_027, "Client assertion failed validation.".to_owned()));
            }
            (None, None) => {
                let text = "The request body must contain 'client_assertion' or 'client_secret'.".to_owned();
                return Err(Refusal(401, "invalid_client", 7_000_218, text));
            }
        }
        let lifetime = self.application.token_lifetime;
        let token = format!("sim.{}.{}", fresh_id(), fresh_id());
        let end = self.now.saturating_add(SignedDuration::from_secs(i64::from(lifetime))).unwrap_or(self.now);
        let now = self.now;
        self.tokens.retain(|(_, end)| *end > now.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(now));
        self.tokens.push((token.clone(), end));
        self.log.tokens_issued += 1;
        Ok(Answer::ok(json!({
            "token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token,
        })))
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
        let base = format!("{}/{tenant}", self.base);
        Answer::ok(json!({
            "issuer": format!("{base}/v2.0"),
            "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
            "token_endpoint": format!("{base}/oauth2/v2.0/token"),
            "jwks_uri": format!("{base}/discovery/v2.0/keys"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "response_types_supported": ["code"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }))
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

/// Status, error word, AADSTS number and sentence.
struct Refusal(u16, &'static str, u32, String);

/// The form as it is recorded: an object, with what proves the client's identity blanked.
pub(crate) fn recorded_form(form: &[(String, String)]) -> Value {
    let blank = |name: &str| ["client_secret", "client_assertion"].contains(&name);
    let field = |(name, value): &(String, String)| (name.clone(), json!(if blank(name) { "***" } else { value }));
    Value::Object(form.iter().map(field).collect())
}
