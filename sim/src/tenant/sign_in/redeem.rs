//! The token endpoint with `grant_type=authorization_code`: a code, once, against an ID token and an access token.

use jiff::SignedDuration;
use serde_json::json;

use super::super::answer::Answer;
use super::super::entra::Refusal;
use super::super::model::{Token, World};
use super::super::seed::fresh_id;
use super::authorize::field;
use super::keys::base64url;

/// How long a code may wait.
const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);

impl World {
    /// Checks everything, and hands out the tokens.
    pub(crate) fn redeem(&mut self, form: &[(String, String)]) -> Result<Answer, Refusal> {
        let need = |name: &str| field(form, name).ok_or_else(|| Refusal::missing(name));
        let client = need("client_id")?;
        let is_ours = client.eq_ignore_ascii_case(&self.sign_in.client_id);
        if !is_ours && !client.eq_ignore_ascii_case(&self.application.client_id) {
            return Err(Refusal::no_application(client));
        }
        let secret = if is_ours { &self.sign_in.secret } else { &self.application.secret };
        match field(form, "client_secret") {
            None => return Err(Refusal::no_proof()),
            Some(given) if given != secret => return Err(Refusal::bad_secret(client)),
            Some(_) => {}
        }
        let invalid = |code: u32, text: &str| Refusal(400, "invalid_grant", code, text.to_owned());
        let (given, redirect_uri, verifier) = (need("code")?, need("redirect_uri")?, need("code_verifier")?);
        let index = self.sign_ins.codes.iter().position(|code| code.text == given).filter(|_| is_ours);
        let index =
            index.ok_or_else(|| invalid(70_000, "The provided value for the 'code' parameter is not valid."))?;
        let code = self.sign_ins.codes[index].clone();
        if code.redeemed {
            return Err(invalid(
                54_005,
                "OAuth2 Authorization code was already redeemed, please retry with a new valid code.",
            ));
        }
        if self.now.duration_since(code.at) > CODE_LIFE {
            return Err(invalid(
                70_008,
                "The provided authorization code or refresh token has expired due to inactivity.",
            ));
        }
        if code.redirect_uri != redirect_uri {
            let text = format!(
                "The reply address '{redirect_uri}' does not match the reply address '{}' provided when requesting \
                 Authorization code.",
                code.redirect_uri
            );
            return Err(invalid(500_112, &text));
        }
        if base64url(&openssl::sha::sha256(verifier.as_bytes())) != code.challenge {
            let text = "The Code_Verifier does not match the code_challenge supplied in the authorization request.";
            return Err(invalid(501_481, text));
        }
        let person = self.people.get(&code.person).cloned();
        let person = person.ok_or_else(|| invalid(50_034, "The user account does not exist in the directory."))?;
        if !person.enabled {
            return Err(invalid(50_057, "The user account is disabled."));
        }
        let forgery = self.sign_ins.forgery.take();
        let id_token = self.id_token(&code, &person, forgery).map_err(|error| {
            Refusal(500, "server_error", 90_033, format!("A transient error has occurred. {error}"))
        })?;
        self.sign_ins.codes[index].redeemed = true;
        let text = format!("sim.delegated.{}.{}", fresh_id(), fresh_id());
        let lifetime = self.application.token_lifetime;
        self.hand_out(Token { text: text.clone(), ends: self.token_end(), person: Some(person.id) });
        Ok(Answer::ok(json!({
            "token_type": "Bearer", "scope": code.scope, "expires_in": lifetime, "ext_expires_in": lifetime,
            "access_token": text, "id_token": id_token,
        })))
    }
}
