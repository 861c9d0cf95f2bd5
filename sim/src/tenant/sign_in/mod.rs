//! People who sign in: the page where a person is chosen, the code, and the ID token that a client checks.
//!
//! - `authorize`: what the first request may say, and what choosing a person leads to.
//! - `page`: the page that shows the choice, and the one that says no.
//! - `redeem`: the code against an ID token and a delegated access token.
//! - `id_token`, `keys`: what is signed, by which key, and how it can lie.
//! - `handle`: signing in without a browser, and the lies.

mod authorize;
mod handle;
mod id_token;
mod keys;
mod page;
mod redeem;

use jiff::Timestamp;

pub use handle::SignInError;
pub use id_token::Forgery;
pub(crate) use keys::Keys;

/// What is under way.
#[derive(Debug)]
pub(crate) struct SignIns {
    keys: Keys,
    codes: Vec<Code>,
    /// How the next ID token lies.
    forgery: Option<Forgery>,
}

impl SignIns {
    /// Nobody has signed in yet.
    pub(crate) fn new(keys: Keys) -> Self {
        Self { keys, codes: Vec::new(), forgery: None }
    }

    /// The keys that clients check against now.
    pub(crate) fn public_keys(&self) -> serde_json::Value {
        self.keys.public()
    }
}

/// A code that was handed out.
#[derive(Clone, Debug)]
struct Code {
    text: String,
    /// Object id of the person who signed in.
    person: String,
    redirect_uri: String,
    scope: String,
    nonce: Option<String>,
    challenge: String,
    /// The authentication context that the person satisfied, because the client asked for it.
    context: Option<String>,
    at: Timestamp,
    redeemed: bool,
}
