//! A client that people sign in to: its request, its code, and its own look at an ID token.

#![expect(clippy::unwrap_used, reason = "a sign-in that breaks ends its test")]

use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::sign::Verifier;
use serde_json::{Value, json};

use super::bed::Bed;

pub(crate) const CLIENT: &str = "bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee";
pub(crate) const SECRET: &str = "sim-link-secret";
pub(crate) const BACK: &str = "http://127.0.0.1:9/callback";
pub(crate) const VERIFIER: &str = "a-verifier-that-is-long-enough-to-be-one-0123456789";
pub(crate) const HANNA: &str = "00000000-0000-4000-8000-000000000301";

fn base64url(bytes: &[u8]) -> String {
    openssl::base64::encode_block(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_")
}

fn from_base64url(text: &str) -> Vec<u8> {
    let padded = format!("{text}{}", "=".repeat((4 - text.len() % 4) % 4));
    openssl::base64::decode_block(&padded.replace('-', "+").replace('_', "/")).unwrap()
}

/// The parameters of a good request.
pub(crate) fn request() -> Vec<(&'static str, String)> {
    vec![
        ("client_id", CLIENT.to_owned()),
        ("response_type", "code".to_owned()),
        ("redirect_uri", BACK.to_owned()),
        ("scope", "openid profile".to_owned()),
        ("state", "state 1&x".to_owned()),
        ("nonce", "nonce-1".to_owned()),
        ("code_challenge", base64url(&openssl::sha::sha256(VERIFIER.as_bytes()))),
        ("code_challenge_method", "S256".to_owned()),
    ]
}

pub(crate) fn with(name: &'static str, value: &str) -> Vec<(&'static str, String)> {
    let mut request = request();
    request.retain(|(known, _)| *known != name);
    if !value.is_empty() {
        request.push((name, value.to_owned()));
    }
    request
}

impl Bed {
    pub(crate) fn authorize(&self) -> String {
        self.at(&format!("/{}/oauth2/v2.0/authorize", Self::TENANT))
    }

    /// The whole address, as a client writes it.
    pub(crate) fn authorize_url(&self, request: &[(&'static str, String)]) -> String {
        reqwest::Client::new().get(self.authorize()).query(request).build().unwrap().url().to_string()
    }

    /// The code of a sign-in without a browser.
    pub(crate) fn code(&self, person: &str) -> String {
        let location = self.sim.tenant.sign_in(&self.authorize_url(&request()), person).unwrap();
        parameter(&location, "code").unwrap()
    }

    pub(crate) async fn redeem(&self, changed: &[(&str, &str)], code: &str) -> (u16, Value) {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("client_id", CLIENT),
            ("client_secret", SECRET),
            ("code", code),
            ("redirect_uri", BACK),
            ("code_verifier", VERIFIER),
        ];
        for (name, value) in changed {
            form.retain(|(known, _)| known != name);
            form.push((name, value));
        }
        let path = self.at(&format!("/{}/oauth2/v2.0/token", Self::TENANT));
        let answer = self.http.post(path).form(&form).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Signs somebody in and reads the ID token without checking it.
    pub(crate) async fn id_token(&self, person: &str) -> (Value, Value, String) {
        let (status, body) = self.redeem(&[], &self.code(person)).await;
        assert_eq!(status, 200, "{body}");
        let text = body["id_token"].as_str().unwrap().to_owned();
        let part = |n: usize| serde_json::from_slice(&from_base64url(text.split('.').nth(n).unwrap())).unwrap();
        (part(0), part(1), text)
    }

    /// Whether a key of the list made the signature.
    pub(crate) async fn signature_is_right(&self, id_token: &str) -> bool {
        let path = self.at(&format!("/{}/discovery/v2.0/keys", Self::TENANT));
        let keys: Value = self.http.get(path).send().await.unwrap().json().await.unwrap();
        let (text, signature) = id_token.rsplit_once('.').unwrap();
        let header: Value = serde_json::from_slice(&from_base64url(text.split('.').next().unwrap())).unwrap();
        let keys = keys["keys"].as_array().unwrap();
        let Some(key) = keys.iter().find(|key| key["kid"] == header["kid"]) else { return false };
        assert_eq!((&key["kty"], &key["use"]), (&json!("RSA"), &json!("sig")));
        let number = |name: &str| BigNum::from_slice(&from_base64url(key[name].as_str().unwrap())).unwrap();
        let key = PKey::from_rsa(Rsa::from_public_components(number("n"), number("e")).unwrap()).unwrap();
        let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
        verifier.verify_oneshot(&from_base64url(signature), text.as_bytes()).unwrap_or(false)
    }
}

/// A parameter of an address, decoded.
pub(crate) fn parameter(address: &str, name: &str) -> Option<String> {
    let url = reqwest::Url::parse(address).unwrap();
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

pub(crate) fn says(body: &Value, code: &str) -> bool {
    body["error_description"].as_str().unwrap().starts_with(&format!("{code}:"))
}
