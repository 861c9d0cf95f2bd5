//! Signing in without a browser, and making an ID token lie: the part of the handle for tests.

use axum::http::Uri;

use super::super::Tenant;
use super::super::odata::pairs;
use super::Forgery;
use super::authorize::{Chosen, Refused};

/// Why there is nowhere to go back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignInError {
    /// The address is not the simulator's authorize endpoint.
    NotHere(String),
    /// The error page.
    Refused {
        /// The AADSTS number.
        code: u32,
        /// What the page says after it.
        text: String,
    },
}

impl std::fmt::Display for SignInError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotHere(address) => write!(f, "nobody can sign in at {address}"),
            Self::Refused { code, text } => write!(f, "AADSTS{code}: {text}"),
        }
    }
}

impl std::error::Error for SignInError {}

/// Who signs in.
impl Tenant {
    /// The client id and the secret of the application that people sign in to.
    pub fn sign_in_credentials(&self) -> (String, String) {
        self.with(|world| (world.sign_in.client_id.clone(), world.sign_in.secret.clone()))
    }

    /// Opens the authorize address and picks a person (key, UPN or id), as a browser would; returns the address that
    /// the browser is sent back to. It is not followed.
    pub fn sign_in(&self, authorize_url: &str, person: &str) -> Result<String, SignInError> {
        self.decide(authorize_url, Chosen::Person(person))
    }

    /// As [`Tenant::sign_in`], and "Cancel" is pressed there.
    pub fn cancel_sign_in(&self, authorize_url: &str) -> Result<String, SignInError> {
        self.decide(authorize_url, Chosen::Nobody)
    }

    fn decide(&self, authorize_url: &str, chosen: Chosen<'_>) -> Result<String, SignInError> {
        let not_here = || SignInError::NotHere(authorize_url.to_owned());
        self.with(|world| {
            let rest = authorize_url.strip_prefix(&world.base).ok_or_else(not_here)?;
            let uri: Uri = rest.parse().map_err(|_| not_here())?;
            let tenant = uri.path().strip_prefix('/').and_then(|path| path.strip_suffix("/oauth2/v2.0/authorize"));
            let parameters = pairs(uri.query().unwrap_or_default());
            let went = world.decide(tenant.ok_or_else(not_here)?, &parameters, chosen);
            went.map_err(|Refused(code, text)| SignInError::Refused { code, text })
        })
    }

    /// The ID token of the next code that is redeemed lies in this way; the one after it is right again.
    pub fn forge_next_id_token(&self, forgery: Forgery) {
        self.with(|world| world.sign_ins.forgery = Some(forgery));
    }

    /// From now on another key signs, and the old one is gone from the list of keys.
    pub fn rotate_signing_key(&self) {
        self.with(|world| world.sign_ins.keys.rotate());
    }

    /// A new client secret for the application that people sign in to; the old one is refused from now on.
    pub fn set_sign_in_secret(&self, secret: &str) {
        self.with(|world| secret.clone_into(&mut world.sign_in.secret));
    }

    /// The only addresses that a sign-in may lead back to; none: any loopback or https address.
    pub fn set_redirect_uris(&self, addresses: &[&str]) {
        self.with(|world| world.sign_in.redirect_uris = addresses.iter().map(|&a| a.to_owned()).collect());
    }
}
