//! Tokens of every wrong kind, made with real keys.

use std::sync::LazyLock;

use openssl::pkey::Private;
use openssl::sign::Signer;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const ISSUER: &str = "https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/v2.0";
const TENANT: &str = "11111111-2222-4333-8444-555555555555";
const APP: &str = "bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee";
const PERSON: &str = "00000000-0000-4000-8000-00000000e001";

static OURS: LazyLock<Rsa<Private>> = LazyLock::new(|| Rsa::generate(2_048).unwrap());
static THEIRS: LazyLock<Rsa<Private>> = LazyLock::new(|| Rsa::generate(2_048).unwrap());

fn now() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn jwk(kid: &str, key: &Rsa<Private>) -> Value {
    let number = |number: &openssl::bn::BigNumRef| secret::base64url(&number.to_vec());
    json!({ "kty": "RSA", "use": "sig", "kid": kid, "n": number(key.n()), "e": number(key.e()) })
}

fn keys() -> Keys {
    let set = json!({ "keys": [jwk("ours", &OURS), { "kty": "EC", "kid": "curve" }] });
    Keys::read(set.to_string().as_bytes()).unwrap()
}

fn claims() -> Value {
    let now = now().as_second();
    json!({
        "iss": ISSUER, "aud": APP, "exp": now + 3_600, "nbf": now - 10, "iat": now - 10, "nonce": "n-1", "tid": TENANT,
        "oid": PERSON, "auth_time": now - 60, "acrs": ["c1", "p1"], "preferred_username": "somebody@else.example",
    })
}

fn text(value: &Value) -> String {
    secret::base64url(value.to_string().as_bytes())
}

fn signed(header: &Value, claims: &Value, key: &Rsa<Private>) -> String {
    let signed = format!("{}.{}", text(header), text(claims));
    let key = PKey::from_rsa(key.clone()).unwrap();
    let signature = Signer::new(MessageDigest::sha256(), &key).unwrap().sign_oneshot_to_vec(signed.as_bytes()).unwrap();
    format!("{signed}.{}", secret::base64url(&signature))
}

fn good_header() -> Value {
    json!({ "typ": "JWT", "alg": "RS256", "kid": "ours" })
}

fn check(token: &str) -> Result<SignedIn, BadIdToken> {
    let expected = Expected { tenant: TENANT.parse().unwrap(), issuer: ISSUER, audience: APP, nonce: "n-1" };
    verify(token, &keys(), &expected, now())
}

fn with(change: &Value) -> Result<SignedIn, BadIdToken> {
    let mut claims = claims();
    for (name, value) in change.as_object().unwrap() {
        claims[name] = value.clone();
    }
    check(&signed(&good_header(), &claims, &OURS))
}

#[test]
fn a_good_token_says_who_when_and_how() {
    let person = check(&signed(&good_header(), &claims(), &OURS)).unwrap();
    assert_eq!(person.id.to_string(), PERSON);
    assert_eq!(person.at, Some(now() - SignedDuration::from_secs(60)));
    assert_eq!(person.contexts, ["c1", "p1"]);
}

#[test]
fn each_wrong_claim_is_noticed() {
    let at = now().as_second();
    let other_tenant = "99999999-2222-4333-8444-555555555555";
    for (change, why) in [
        (json!({ "tid": other_tenant, "iss": ISSUER.replace(TENANT, other_tenant) }), BadIdToken::Tenant),
        (json!({ "tid": other_tenant }), BadIdToken::Tenant),
        (json!({ "tid": null }), BadIdToken::Shape),
        (json!({ "tid": "" }), BadIdToken::Tenant),
        (json!({ "iss": ISSUER.replace("microsoftonline", "evil") }), BadIdToken::Issuer),
        (json!({ "iss": format!("{ISSUER}/") }), BadIdToken::Issuer),
        (json!({ "aud": "another-app" }), BadIdToken::Audience),
        (json!({ "aud": [APP, "another-app"] }), BadIdToken::Audience),
        (json!({ "exp": at - 301 }), BadIdToken::Expired),
        (json!({ "exp": i64::MAX }), BadIdToken::Shape),
        (json!({ "nbf": at + 301 }), BadIdToken::NotYet),
        (json!({ "nonce": "n-2" }), BadIdToken::Nonce),
        (json!({ "nonce": "" }), BadIdToken::Nonce),
        (json!({ "oid": "" }), BadIdToken::NoPerson),
        (json!({ "oid": "hanna@contoso.example" }), BadIdToken::NoPerson),
        (json!({ "oid": "00000000-0000-0000-0000-000000000000" }), BadIdToken::NoPerson),
    ] {
        assert_eq!(with(&change), Err(why), "{change}");
    }
}

#[test]
fn five_minutes_between_two_clocks_are_forgiven() {
    let at = now().as_second();
    assert!(with(&json!({ "exp": at - 299, "nbf": at + 299 })).is_ok());
}

#[test]
fn only_rs256_by_one_of_the_tenants_keys_counts() {
    let header = |change: Value| {
        let mut header = good_header();
        for (name, value) in change.as_object().unwrap() {
            header[name] = value.clone();
        }
        header
    };
    for (header, key, why) in [
        (header(json!({ "alg": "none" })), &OURS, BadIdToken::Algorithm),
        (header(json!({ "alg": "HS256" })), &OURS, BadIdToken::Algorithm),
        (header(json!({ "alg": "rs256" })), &OURS, BadIdToken::Algorithm),
        (header(json!({ "crit": ["b64"] })), &OURS, BadIdToken::Algorithm),
        (header(json!({ "kid": "theirs" })), &THEIRS, BadIdToken::UnknownKey),
        (header(json!({ "kid": "curve" })), &OURS, BadIdToken::UnknownKey),
        (good_header(), &THEIRS, BadIdToken::Signature),
    ] {
        assert_eq!(check(&signed(&header, &claims(), key)), Err(why), "{header}");
    }
    let unsigned = format!("{}.{}.", text(&json!({ "alg": "none" })), text(&claims()));
    assert_eq!(check(&unsigned), Err(BadIdToken::Algorithm));
    let stripped = signed(&good_header(), &claims(), &OURS);
    let stripped = format!("{}.", stripped.rsplit_once('.').unwrap().0);
    assert_eq!(check(&stripped), Err(BadIdToken::Signature));
}

#[test]
fn a_public_key_used_as_a_shared_secret_opens_nothing() {
    let header = json!({ "alg": "HS256", "kid": "ours" });
    let body = format!("{}.{}", text(&header), text(&claims()));
    let key = PKey::hmac(&OURS.public_key_to_pem().unwrap()).unwrap();
    let mac = Signer::new(MessageDigest::sha256(), &key).unwrap().sign_oneshot_to_vec(body.as_bytes()).unwrap();
    assert_eq!(check(&format!("{body}.{}", secret::base64url(&mac))), Err(BadIdToken::Algorithm));
}

#[test]
fn short_keys_and_keys_for_encryption_are_passed_over() {
    let short = Rsa::generate(1_024).unwrap();
    let mut encrypting = jwk("encrypting", &OURS);
    encrypting["use"] = json!("enc");
    let set = json!({ "keys": [jwk("short", &short), encrypting, jwk("good", &OURS)] });
    let keys = Keys::read(set.to_string().as_bytes()).unwrap();
    assert_eq!([keys.has("short"), keys.has("encrypting"), keys.has("good")], [false, false, true]);
    assert!(Keys::read(b"<html>").is_none());
}

#[test]
fn claims_changed_after_signing_do_not_count() {
    let token = signed(&good_header(), &claims(), &OURS);
    let parts: Vec<_> = token.split('.').collect();
    let mut changed = claims();
    changed["oid"] = json!("00000000-0000-4000-8000-00000000e002");
    assert_eq!(check(&format!("{}.{}.{}", parts[0], text(&changed), parts[2])), Err(BadIdToken::Signature));
}

proptest! {
    #[test]
    fn no_text_at_all_passes_or_panics(text in "\\PC{0,60}|[A-Za-z0-9_-]{0,30}\\.[A-Za-z0-9_-]{0,30}\\.[A-Za-z0-9_-]{0,30}") {
        prop_assert!(check(&text).is_err());
        let _either = key_of(&text);
    }

    #[test]
    fn no_changed_byte_passes(at in 0_usize..1_000, to in prop::sample::select(vec![b'A', b'z', b'0', b'_', b'.', b'='])) {
        let token = signed(&good_header(), &claims(), &OURS);
        let mut bytes = token.clone().into_bytes();
        let at = at % bytes.len();
        bytes[at] = to;
        let changed = String::from_utf8(bytes).unwrap();
        // The last character of a part may carry bits that no byte uses; then nothing was changed.
        if changed != token && secret::from_base64url(changed.rsplit('.').next().unwrap())
            != secret::from_base64url(token.rsplit('.').next().unwrap())
        {
            prop_assert!(check(&changed).is_err());
        }
    }
}
