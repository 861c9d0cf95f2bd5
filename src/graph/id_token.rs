//! The ID token: what Entra says about who signed in, believed only after every check.
//!
//! Signature first (RS256 and nothing else, by a key of the tenant's own key set), then tenant, issuer, audience,
//! times and nonce. The person is (tid, oid) and never a name.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Public};
use openssl::rsa::Rsa;
use openssl::sign::Verifier;
use serde::Deserialize;

use crate::intune::{EntraUserId, TenantId};
use crate::secret;

/// How far Entra's clock and ours may disagree.
const LEEWAY: SignedDuration = SignedDuration::from_mins(5);

/// Longest token looked at, in bytes. Entra's are about 1,500.
const LONGEST: usize = 16 * 1024;

/// Shortest RSA key believed, in bits.
const SHORTEST_KEY: u32 = 2_048;

/// What must stand in the token.
#[derive(Clone, Debug)]
pub(super) struct Expected<'a> {
    /// Our tenant.
    pub(super) tenant: TenantId,
    /// Its issuer: `{authority}/{tenant}/v2.0`.
    pub(super) issuer: &'a str,
    /// The client id of the app that signs people in.
    pub(super) audience: &'a str,
    /// The nonce sent with this sign-in.
    pub(super) nonce: &'a str,
}

/// Somebody who proved to Entra who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// Their object id in our tenant.
    pub id: EntraUserId,
    /// When they last gave proof (`auth_time`); Entra says so only where the app asks for the claim.
    pub at: Option<Timestamp>,
    /// The authentication contexts that this sign-in satisfies (`acrs`), such as `c1`; may be empty. Entra's v2.0 tokens do not say
    /// how somebody signed in (`amr`), so this is how multifactor authentication is asked for and shown.
    pub contexts: Vec<String>,
}

/// Why a token is not believed. No variant holds anything of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadIdToken {
    /// Not three parts of base64url with JSON in them.
    #[error("it has not the shape of a token")]
    Shape,
    /// Signed in another way than RS256, or not at all.
    #[error("it is not signed with RS256")]
    Algorithm,
    /// Signed by a key that is not in the tenant's key set.
    #[error("its key is not in the tenant's key set")]
    UnknownKey,
    /// The signature is wrong.
    #[error("its signature is wrong")]
    Signature,
    /// About a person of another tenant.
    #[error("it is of another tenant")]
    Tenant,
    /// Issued by somebody else.
    #[error("it is of another issuer")]
    Issuer,
    /// Meant for another app.
    #[error("it is meant for another app")]
    Audience,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// Its time has not come.
    #[error("it is not valid yet")]
    NotYet,
    /// Of another sign-in.
    #[error("it belongs to another sign-in")]
    Nonce,
    /// It does not say who.
    #[error("it does not name a person's object id")]
    NoPerson,
}

/// A tenant's signing keys by their `kid`.
#[derive(Clone, Default)]
pub(super) struct Keys(HashMap<String, PKey<Public>>);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    #[serde(default)]
    kid: String,
    #[serde(default)]
    kty: String,
    #[serde(default, rename = "use")]
    purpose: Option<String>,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
}

impl Jwk {
    fn read(&self) -> Option<PKey<Public>> {
        if self.kty != "RSA" || self.purpose.as_deref().is_some_and(|purpose| purpose != "sig") || self.kid.is_empty() {
            return None;
        }
        let number = |text: &str| BigNum::from_slice(&secret::from_base64url(text)?).ok();
        let key = Rsa::from_public_components(number(&self.n)?, number(&self.e)?).ok()?;
        PKey::from_rsa(key).ok().filter(|key| key.bits() >= SHORTEST_KEY)
    }
}

impl Keys {
    /// Reads a JWKS document. Keys that cannot sign an RS256 token are passed over; `None`: it is no key set.
    pub(super) fn read(json: &[u8]) -> Option<Self> {
        let set: KeySet = serde_json::from_slice(json).ok()?;
        Some(Self(set.keys.into_iter().filter_map(|jwk| Some((jwk.kid.clone(), jwk.read()?))).collect()))
    }

    /// Whether a key with this id is there.
    pub(super) fn has(&self, kid: &str) -> bool {
        self.0.contains_key(kid)
    }
}

#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    alg: String,
    #[serde(default)]
    kid: String,
    /// Extensions that must be understood; we understand none.
    #[serde(default)]
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    iss: String,
    #[serde(default)]
    aud: serde_json::Value,
    exp: i64,
    nbf: i64,
    #[serde(default)]
    nonce: String,
    #[serde(default)]
    tid: String,
    #[serde(default)]
    oid: String,
    #[serde(default)]
    auth_time: Option<i64>,
    #[serde(default)]
    acrs: serde_json::Value,
}

fn part<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_slice(&secret::from_base64url(text)?).ok()
}

/// The header, the claims (not believed yet), what was signed, and the signature, of a token of the right shape.
fn split(token: &str) -> Result<(Header, &str, &str, Vec<u8>), BadIdToken> {
    if token.len() > LONGEST {
        return Err(BadIdToken::Shape);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(BadIdToken::Shape)?;
    let (header, claims) = signed.split_once('.').ok_or(BadIdToken::Shape)?;
    let header: Header = part(header).ok_or(BadIdToken::Shape)?;
    if header.alg != "RS256" || header.crit.is_some() {
        return Err(BadIdToken::Algorithm);
    }
    Ok((header, claims, signed, secret::from_base64url(signature).ok_or(BadIdToken::Shape)?))
}

/// The id of the key that a token names, so that the key set can be read again should it be new.
pub(super) fn key_of(token: &str) -> Result<String, BadIdToken> {
    split(token).map(|(header, ..)| header.kid)
}

/// Checks a token in full.
pub(super) fn verify(
    token: &str,
    keys: &Keys,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<SignedIn, BadIdToken> {
    let (header, claims, signed, signature) = split(token)?;
    let key = keys.0.get(&header.kid).ok_or(BadIdToken::UnknownKey)?;
    let right = Verifier::new(MessageDigest::sha256(), key)
        .and_then(|mut verifier| verifier.verify_oneshot(&signature, signed.as_bytes()));
    if !right.unwrap_or(false) {
        return Err(BadIdToken::Signature);
    }
    let claims: Claims = part(claims).ok_or(BadIdToken::Shape)?;
    if claims.tid.parse() != Ok(expected.tenant) {
        return Err(BadIdToken::Tenant);
    }
    if claims.iss != expected.issuer {
        return Err(BadIdToken::Issuer);
    }
    // A list of audiences is never Entra's.
    if claims.aud.as_str() != Some(expected.audience) {
        return Err(BadIdToken::Audience);
    }
    let time = |seconds: i64| Timestamp::from_second(seconds).map_err(|_| BadIdToken::Shape);
    if now.duration_since(time(claims.exp)?) > LEEWAY {
        return Err(BadIdToken::Expired);
    }
    if time(claims.nbf)?.duration_since(now) > LEEWAY {
        return Err(BadIdToken::NotYet);
    }
    if expected.nonce.is_empty() || !secret::same(&claims.nonce, expected.nonce) {
        return Err(BadIdToken::Nonce);
    }
    let id: EntraUserId = claims.oid.parse().map_err(|_| BadIdToken::NoPerson)?;
    if id.is_nil() {
        return Err(BadIdToken::NoPerson);
    }
    let at = claims.auth_time.and_then(|seconds| Timestamp::from_second(seconds).ok());
    let contexts = match claims.acrs {
        serde_json::Value::String(one) => vec![one],
        serde_json::Value::Array(all) => all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    };
    Ok(SignedIn { id, at, contexts })
}

#[cfg(test)]
mod tests;
