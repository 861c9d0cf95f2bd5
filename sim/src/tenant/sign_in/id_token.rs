//! The ID token: its claims, and the ways in which a test can make it lie.

use openssl::error::ErrorStack;
use serde_json::{Value, json};

use super::super::model::{Person, World};
use super::super::seed::{fresh_id, id_for};
use super::Code;
use super::keys::base64url;

/// How long an ID token holds, in seconds.
const LIFE: i64 = 3600;

/// A lie in an ID token. Everything that is not named stays as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgery {
    /// `iss` and `tid` are another tenant's.
    OtherTenant,
    /// `aud` is another application.
    OtherAudience,
    /// `nonce` is another one.
    OtherNonce,
    /// It ended an hour ago.
    Expired,
    /// The key's id is right, the signature is another key's.
    BadSignature,
    /// Signed by a key that is not in the list.
    UnknownKey,
    /// `alg` is `none`, and there is no signature.
    AlgNone,
    /// There is no `oid`.
    NoOid,
    /// `auth_time` is an hour ago: there was a session, and nobody was asked.
    OldSession,
    /// There is no `auth_time`: the application does not ask for the optional claim.
    NoAuthTime,
    /// There is no `acrs`: no policy belongs to the authentication context.
    NoContext,
}

impl World {
    /// The signed ID token of a sign-in.
    pub(super) fn id_token(
        &self,
        code: &Code,
        person: &Person,
        forgery: Option<Forgery>,
    ) -> Result<String, ErrorStack> {
        let claims = self.claims(code, person, forgery);
        let keys = &self.sign_ins.keys;
        let header = match forgery {
            Some(Forgery::AlgNone) => json!({"typ": "JWT", "alg": "none"}),
            Some(Forgery::UnknownKey) => json!({"typ": "JWT", "alg": "RS256", "kid": "sim-key-that-nobody-lists"}),
            _ => json!({"typ": "JWT", "alg": "RS256", "kid": keys.id()}),
        };
        let part = |value: &Value| base64url(value.to_string().as_bytes());
        let text = format!("{}.{}", part(&header), part(&claims));
        if forgery == Some(Forgery::AlgNone) {
            return Ok(format!("{text}."));
        }
        let by_the_other = matches!(forgery, Some(Forgery::BadSignature | Forgery::UnknownKey));
        let signature = keys.sign(&text, by_the_other)?;
        Ok(format!("{text}.{}", base64url(&signature)))
    }

    fn claims(&self, code: &Code, person: &Person, forgery: Option<Forgery>) -> Value {
        let other = |kind: &str| id_for(self.seed, kind, "of a forged ID token");
        let tenant = if forgery == Some(Forgery::OtherTenant) { other("other tenant") } else { self.tenant_id.clone() };
        let client = &self.sign_in.client_id;
        let audience =
            if forgery == Some(Forgery::OtherAudience) { other("other application") } else { client.clone() };
        let nonce = if forgery == Some(Forgery::OtherNonce) { Some(fresh_id()) } else { code.nonce.clone() };
        let earlier = if forgery == Some(Forgery::Expired) { 2 * LIFE } else { 0 };
        let issued = self.now.as_second() - earlier;
        let mut claims = json!({
            "iss": format!("{}/{tenant}/v2.0", self.base),
            "aud": audience,
            "sub": id_for(self.seed, "subject", &format!("{}/{client}", person.id)),
            "tid": tenant,
            "oid": person.id,
            "preferred_username": person.upn,
            "name": person.name,
            "acct": u8::from(person.guest),
            "auth_time": code.at.as_second() - if forgery == Some(Forgery::OldSession) { LIFE } else { earlier },
            "iat": issued,
            "nbf": issued,
            "exp": issued + LIFE,
            "ver": "2.0",
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        if let Some(context) = &code.context {
            claims["acrs"] = json!([context]);
        }
        let left_out = match forgery {
            Some(Forgery::NoOid) => "oid",
            Some(Forgery::NoAuthTime) => "auth_time",
            Some(Forgery::NoContext) => "acrs",
            _ => return claims,
        };
        if let Some(fields) = claims.as_object_mut() {
            fields.remove(left_out);
        }
        claims
    }
}
