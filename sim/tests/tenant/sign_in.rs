//! People who sign in: the page, the code, the tokens; and every way in which Entra says no.

use reqwest::redirect::Policy;
use serde_json::{Value, json};
use sim::tenant::{Forgery, SignInError};

use super::bed::{Bed, seconds};
use super::client::{BACK, CLIENT, HANNA, SECRET, VERIFIER, parameter, request, says, with};

#[tokio::test]
async fn somebody_signs_in_with_a_browser_that_runs_no_script() {
    let bed = Bed::new().await;
    let browser = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    let page = browser.get(bed.authorize_url(&request())).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'self' http://127.0.0.1:9;"));
    let html = page.text().await.unwrap();
    assert!(html.contains("Sign in (simulated)") && html.contains("<strong>Intune Sync sign-in</strong>"));
    assert!(html.contains("name=\"sign_in_as\" value=\"hanna\"") && html.contains("hanna@contoso.example"));
    assert!(
        html.contains("<span class=\"mark\">guest</span>")
            && html.contains("account disabled")
            && html.contains("name=\"cancel\"")
    );
    assert!(html.contains("value=\"state 1&amp;x\"") && !html.contains("<script"));

    let hinted = browser.get(bed.authorize_url(&with("login_hint", "ada@contoso.example"))).send().await.unwrap();
    let hinted = hinted.text().await.unwrap();
    assert!(hinted.find("value=\"ada\"") < hinted.find("value=\"hanna\""), "whom the client expects comes first");

    let mut form = request();
    form.push(("sign_in_as", "hanna".to_owned()));
    let sent_back = browser.post(bed.authorize()).form(&form).send().await.unwrap();
    assert_eq!(sent_back.status(), 302);
    let location = sent_back.headers()["location"].to_str().unwrap().to_owned();
    assert!(location.starts_with(&format!("{BACK}?code=")), "{location}");
    assert_eq!(parameter(&location, "state").unwrap(), "state 1&x");
    let (status, body) = bed.redeem(&[], &parameter(&location, "code").unwrap()).await;
    assert_eq!((status, &body["token_type"], &body["scope"]), (200, &json!("Bearer"), &json!("openid profile")));
    assert_eq!(body["expires_in"], 3599);
    assert!(bed.signature_is_right(body["id_token"].as_str().unwrap()).await);

    let mut form = request();
    form.push(("cancel", "1".to_owned()));
    let sent_back = browser.post(bed.authorize()).form(&form).send().await.unwrap();
    let location = sent_back.headers()["location"].to_str().unwrap();
    assert_eq!(parameter(location, "error").unwrap(), "access_denied");
    assert!(parameter(location, "error_description").unwrap().starts_with("AADSTS65004:"));
    assert_eq!((parameter(location, "state").as_deref(), parameter(location, "code")), (Some("state 1&x"), None));
}

#[tokio::test]
async fn the_id_token_says_who_it_is_and_the_discovery_document_fits() {
    let bed = Bed::new().await;
    let (header, claims, text) = bed.id_token("hanna").await;
    assert!(bed.signature_is_right(&text).await);
    assert_eq!((&header["alg"], &header["typ"]), (&json!("RS256"), &json!("JWT")));
    let now = bed.sim.clock.now().as_second();
    let issuer = format!("{}/{}/v2.0", bed.sim.url(), Bed::TENANT);
    for (name, value) in [
        ("iss", json!(issuer)),
        ("aud", json!(CLIENT)),
        ("tid", json!(Bed::TENANT)),
        ("oid", json!(HANNA)),
        ("preferred_username", json!("hanna@contoso.example")),
        ("name", json!("Hanna Meyer")),
        ("nonce", json!("nonce-1")),
        ("acct", json!(0)),
        ("iat", json!(now)),
        ("nbf", json!(now)),
        ("auth_time", json!(now)),
        ("exp", json!(now + 3600)),
        ("ver", json!("2.0")),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    assert!(claims["sub"].is_string() && claims["sub"] != claims["oid"]);
    assert_eq!(bed.id_token("gina").await.1["acct"], 1);
    for tenant in [Bed::TENANT, "contoso.example"] {
        let path = bed.at(&format!("/{tenant}/v2.0/.well-known/openid-configuration"));
        let known: Value = bed.http.get(path).send().await.unwrap().json().await.unwrap();
        assert_eq!(known["issuer"], issuer);
        assert_eq!(known["authorization_endpoint"], format!("{}/{tenant}/oauth2/v2.0/authorize", bed.sim.url()));
        assert_eq!(known["jwks_uri"], format!("{}/{tenant}/discovery/v2.0/keys", bed.sim.url()));
    }
    for path in ["/common/v2.0/.well-known/openid-configuration", "/elsewhere.example/discovery/v2.0/keys"] {
        assert_eq!(bed.http.get(bed.at(path)).send().await.unwrap().status(), 400, "{path}");
    }
}

#[tokio::test]
async fn a_bad_request_never_leads_anywhere() {
    let bed = Bed::new().await;
    let browser = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    for (wrong, code) in [
        (with("client_id", "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"), 700_016),
        (with("client_id", ""), 900_144),
        (with("redirect_uri", "http://evil.example/callback"), 50_011),
        (with("redirect_uri", "http://127.0.0.1@evil.example/"), 50_011),
        (with("redirect_uri", "https://a.example;script-src/"), 50_011),
        (with("redirect_uri", "https://a.example/#part"), 50_011),
        (with("redirect_uri", "/callback"), 50_011),
        (with("redirect_uri", ""), 900_144),
        (with("response_type", "token"), 700_054),
        (with("response_mode", "fragment"), 70_007),
        (with("scope", "profile"), 70_011),
        (with("prompt", "maybe"), 90_023),
        (with("max_age", "soon"), 90_023),
        (with("code_challenge", ""), 9_002_325),
        (with("code_challenge", "short"), 501_491),
        (with("code_challenge_method", "plain"), 9_002_313),
        (with("code_challenge_method", ""), 9_002_313),
        ([request(), vec![("state", "again".to_owned())]].concat(), 9_002_313),
    ] {
        let page = browser.get(bed.authorize_url(&wrong)).send().await.unwrap();
        assert_eq!((page.status().as_u16(), page.headers().get("location")), (400, None), "{wrong:?}");
        let html = page.text().await.unwrap();
        assert!(html.contains(&format!("AADSTS{code}:")), "{code}: {html}");
        let posted = [wrong.clone(), vec![("sign_in_as", "hanna".to_owned())]].concat();
        let answer = browser.post(bed.authorize()).form(&posted).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers().get("location")), (400, None), "{wrong:?}");
        let went = bed.sim.tenant.sign_in(&bed.authorize_url(&wrong), "hanna");
        assert!(matches!(went, Err(SignInError::Refused { code: known, .. }) if known == code), "{went:?}");
    }
    let hostile = with("scope", "<script>alert(1)</script>");
    let html = browser.get(bed.authorize_url(&hostile)).send().await.unwrap().text().await.unwrap();
    assert!(!html.contains("<script") && html.contains("&lt;script"));
    let nobody = browser.post(bed.authorize()).form(&request()).send().await.unwrap();
    assert_eq!(nobody.status(), 400);
    let elsewhere = bed.authorize_url(&request()).replace(Bed::TENANT, "99999999-0000-4000-8000-000000000000");
    assert_eq!(browser.get(&elsewhere).send().await.unwrap().status(), 400);
    let real = "https://login.microsoftonline.com/common/oauth2/v2.0/authorize?client_id=x";
    assert!(matches!(bed.sim.tenant.sign_in(real, "hanna"), Err(SignInError::NotHere(_))));
    let silent = browser.get(bed.authorize_url(&with("prompt", "none"))).send().await.unwrap();
    let location = silent.headers()["location"].to_str().unwrap();
    assert_eq!(parameter(location, "error").unwrap(), "login_required");
    let location = bed.sim.tenant.sign_in(&bed.authorize_url(&with("prompt", "none")), "hanna").unwrap();
    assert_eq!(
        (parameter(&location, "error").as_deref(), parameter(&location, "code")),
        (Some("login_required"), None)
    );
}

#[tokio::test]
async fn redirect_addresses_can_be_named() {
    let bed = Bed::new().await;
    let goes = |address: &str| {
        bed.sim.tenant.sign_in(&bed.authorize_url(&with("redirect_uri", address)), "hanna").map(|_| ()).is_ok()
    };
    assert!(goes("https://sync.example/link/done?x=1") && goes("http://localhost:8080/") && goes("http://[::1]:8080/"));
    bed.sim.tenant.set_redirect_uris(&["https://sync.example/link/done"]);
    assert!(goes("https://sync.example/link/done"));
    assert!(!goes("https://sync.example/link/done/") && !goes("http://localhost:8080/"));
    bed.sim.tenant.set_redirect_uris(&[]);
    let with_query = bed.authorize_url(&with("redirect_uri", "https://sync.example/done?x=1"));
    let location = bed.sim.tenant.cancel_sign_in(&with_query).unwrap();
    assert!(location.starts_with("https://sync.example/done?x=1&error=access_denied&"), "{location}");
}

#[tokio::test]
async fn an_account_that_is_off_or_unknown_gets_no_code() {
    let bed = Bed::new().await;
    let url = bed.authorize_url(&request());
    let code = |person: &str| match bed.sim.tenant.sign_in(&url, person) {
        Err(SignInError::Refused { code, .. }) => code,
        other => panic!("{other:?}"),
    };
    assert_eq!((code("left.company"), code("nobody")), (50_057, 50_034));
    bed.sim.tenant.delete_user("omar").unwrap();
    assert_eq!(code("omar"), 50_034);
    let waiting = bed.code("hanna");
    bed.sim.tenant.disable_user("hanna", true).unwrap();
    assert_eq!(code("hanna"), 50_057);
    let (status, body) = bed.redeem(&[], &waiting).await;
    assert!(status == 400 && says(&body, "AADSTS50057"), "{body}");
    let waiting = bed.code("gina");
    bed.sim.tenant.delete_user("gina").unwrap();
    let (status, body) = bed.redeem(&[], &waiting).await;
    assert!(status == 400 && says(&body, "AADSTS50034"), "{body}");
}

#[tokio::test]
async fn a_code_is_good_for_one_client_once_and_for_ten_minutes() {
    let bed = Bed::new().await;
    let code = bed.code("hanna");
    for (changed, status, error, said) in [
        (("client_id", "other"), 400, "unauthorized_client", "AADSTS700016"),
        (("client_secret", "wrong"), 401, "invalid_client", "AADSTS7000215"),
        (("client_secret", ""), 401, "invalid_client", "AADSTS7000218"),
        (("code", "made-up"), 400, "invalid_grant", "AADSTS70000"),
        (("code", ""), 400, "invalid_request", "AADSTS900144"),
        (("redirect_uri", "http://127.0.0.1:9/other"), 400, "invalid_grant", "AADSTS500112"),
        (("code_verifier", "another-verifier-of-a-good-length-0123456789-xx"), 400, "invalid_grant", "AADSTS501481"),
        (("code_verifier", ""), 400, "invalid_request", "AADSTS900144"),
        (("grant_type", "password"), 400, "unsupported_grant_type", "AADSTS70003"),
    ] {
        let (got, body) = bed.redeem(&[changed], &code).await;
        assert_eq!((got, &body["error"]), (status, &json!(error)), "{changed:?} {body}");
        assert!(says(&body, said), "{changed:?} {body}");
    }
    // The other application's identity does not open it either.
    let (status, body) = bed.redeem(&[("client_id", Bed::CLIENT), ("client_secret", Bed::SECRET)], &code).await;
    assert!(status == 400 && says(&body, "AADSTS70000"), "{body}");
    assert_eq!(bed.redeem(&[], &code).await.0, 200);
    let (status, body) = bed.redeem(&[], &code).await;
    assert!(status == 400 && says(&body, "AADSTS54005"), "{body}");

    let (early, late) = (bed.code("hanna"), bed.code("hanna"));
    bed.sim.clock.advance(seconds(600));
    assert_eq!(bed.redeem(&[], &early).await.0, 200);
    bed.sim.clock.advance(seconds(1));
    let (status, body) = bed.redeem(&[], &late).await;
    assert!(status == 400 && says(&body, "AADSTS70008"), "{body}");
    bed.sim.tenant.set_sign_in_secret("a new one");
    assert_eq!(bed.redeem(&[], &bed.code("hanna")).await.0, 401);
    assert_eq!(bed.sim.tenant.sign_in_credentials(), (CLIENT.to_owned(), "a new one".to_owned()));
}

#[tokio::test]
async fn a_persons_token_opens_me_and_nothing_else() {
    let bed = Bed::new().await;
    assert_eq!(bed.get("/v1.0/me").await.0, 400);
    let (_, body) = bed.redeem(&[], &bed.code("hanna")).await;
    body["access_token"].as_str().unwrap().clone_into(&mut bed.token.lock().unwrap());
    let (status, me) = bed.get("/v1.0/me").await;
    assert_eq!((status, &me["id"], &me["displayName"]), (200, &json!(HANNA), &json!("Hanna Meyer")));
    assert!(me.get("accountEnabled").is_none());
    let (_, me) = bed.get("/v1.0/me?$select=id,userType").await;
    assert_eq!(me, json!({"id": HANNA, "userType": "Member"}));
    for path in [
        "/v1.0/me/managedDevices",
        "/v1.0/users",
        "/v1.0/deviceManagement/managedDevices",
        "/v1.0/deviceManagement/roleAssignments",
    ] {
        assert_eq!(bed.get(path).await.0, 403, "{path}");
    }
    let batch = json!({"requests": [{"id": "1", "method": "GET", "url": "/users"}]});
    assert_eq!(bed.post("/v1.0/$batch", Some(batch)).await.0, 403);
    assert_eq!(bed.sync("LT-042").await, 403);
    bed.sim.clock.advance(seconds(3600));
    assert_eq!(bed.get("/v1.0/me").await.0, 401);
}

#[tokio::test]
async fn an_id_token_lies_once_where_it_is_told_to() {
    let bed = Bed::new().await;
    let now = bed.sim.clock.now().as_second();
    for forgery in [
        Forgery::OtherTenant,
        Forgery::OtherAudience,
        Forgery::OtherNonce,
        Forgery::Expired,
        Forgery::BadSignature,
        Forgery::UnknownKey,
        Forgery::AlgNone,
        Forgery::NoOid,
    ] {
        bed.sim.tenant.forge_next_id_token(forgery);
        let (header, claims, text) = bed.id_token("hanna").await;
        let signed = !matches!(forgery, Forgery::BadSignature | Forgery::UnknownKey | Forgery::AlgNone);
        assert_eq!(bed.signature_is_right(&text).await, signed, "{forgery:?}");
        let tenant_fits = claims["iss"] == format!("{}/{}/v2.0", bed.sim.url(), Bed::TENANT);
        assert_eq!((tenant_fits, claims["tid"] == Bed::TENANT), ((forgery != Forgery::OtherTenant), tenant_fits));
        assert_eq!(claims["aud"] == CLIENT, forgery != Forgery::OtherAudience);
        assert_eq!(claims["nonce"] == "nonce-1", forgery != Forgery::OtherNonce);
        assert_eq!(claims["exp"].as_i64().unwrap() > now, forgery != Forgery::Expired);
        assert_eq!(claims.get("oid").is_some(), forgery != Forgery::NoOid);
        assert_eq!(header["alg"] == "none", forgery == Forgery::AlgNone);
        assert_eq!(text.ends_with('.'), forgery == Forgery::AlgNone);
        let (_, claims, text) = bed.id_token("hanna").await;
        assert!(bed.signature_is_right(&text).await && claims["oid"] == HANNA, "after {forgery:?}");
    }
}

#[tokio::test]
async fn the_signing_key_can_change() {
    let bed = Bed::new().await;
    let (before, _, old) = bed.id_token("hanna").await;
    bed.sim.tenant.rotate_signing_key();
    let (after, _, new) = bed.id_token("hanna").await;
    assert_ne!(before["kid"], after["kid"]);
    assert!(!bed.signature_is_right(&old).await && bed.signature_is_right(&new).await);
}

#[tokio::test]
async fn what_opens_something_is_not_recorded() {
    let bed = Bed::new().await;
    let browser = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    browser.get(bed.authorize_url(&request())).send().await.unwrap();
    let form = [request(), vec![("sign_in_as", "hanna".to_owned())]].concat();
    let answer = browser.post(bed.authorize()).form(&form).send().await.unwrap();
    let code = parameter(answer.headers()["location"].to_str().unwrap(), "code").unwrap();
    let (_, body) = bed.redeem(&[], &code).await;
    bed.signature_is_right(body["id_token"].as_str().unwrap()).await;
    let recorded = bed.sim.traffic.exchanges();
    let (text, tokens) = (serde_json::to_string(&recorded).unwrap(), ["access_token", "id_token"]);
    for secret in tokens.map(|name| body[name].as_str().unwrap()).into_iter().chain([&*code, VERIFIER, SECRET]) {
        assert!(!text.contains(secret), "{secret}");
    }
    assert!(!text.contains(bed.token.lock().unwrap().as_str()), "the application's token");
    let paths: Vec<String> =
        recorded.iter().map(|e| format!("{} {}", e.method, e.path.replace(Bed::TENANT, "t"))).collect();
    let wanted = [
        "POST /t/oauth2/v2.0/token",
        "GET /t/oauth2/v2.0/authorize",
        "POST /t/oauth2/v2.0/token",
        "GET /t/discovery/v2.0/keys",
    ];
    assert_eq!(paths, wanted);
    assert_eq!(recorded[2].request.as_ref().unwrap()["code"], "***");
    assert_eq!(recorded[2].response.as_ref().unwrap()["id_token"], "***");
}
