//! Linking: the way on which the bot learns which Entra person a chat account is.
//!
//! `/link` gives out a ticket; a browser carries it to Entra and back; the browser then shows a code, and only the
//! chat account that asked, typing that code, makes the link. So a forwarded link is worth nothing to whoever sent
//! it, and a finished sign-in is worth nothing to whoever has no code.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use url::Url;

use super::link_refusal::LinkRefusal;
use crate::chat::{Actor, ChatUserId};
use crate::clock::Clock;
use crate::graph::{Graph, Patience, SignIn};
use crate::secret;
use crate::store::{
    Accepted, Approves, AttemptPhase, CodeTried, EntraPerson, Error, Handshake, Link, LinkAttempt, LinkAttemptId,
    NotTaken, Store,
};

/// How long the whole way from `/link` to the last click may take.
pub(super) const TIME: SignedDuration = SignedDuration::from_mins(10);

/// Digits of a code.
const DIGITS: usize = 6;

/// Longest code of Entra's looked at, in bytes.
const LONGEST_CODE: usize = 8 * 1024;

/// The outcome of one step: done, or refused with the reason. An error is the store's alone.
pub type Step<T> = Result<Result<T, LinkRefusal>, Error>;

/// Signing in, where `[link]` is set.
#[derive(Debug)]
pub struct LinkPage {
    /// Entra's sign-in.
    pub sign_in: SignIn,
    /// How browsers reach the page.
    pub public_url: Url,
}

/// Links chat accounts to Entra people.
#[derive(Debug)]
pub struct Linking {
    pub(super) graph: Arc<Graph>,
    pub(super) store: Store,
    pub(super) page: Option<LinkPage>,
    pub(super) clock: Clock,
}

/// The answer to `/link`.
#[derive(Debug)]
pub struct Offer {
    /// Whom the account is linked to already.
    pub current: Option<Link>,
    /// The way to link it; `None`: signing in is not set up here.
    pub way: Option<Way>,
}

/// A way to link an account, open for ten minutes. Its address is for the asker alone.
pub struct Way {
    /// The attempt, for the buttons.
    pub attempt: LinkAttemptId,
    /// Where the asker's browser goes.
    pub url: Url,
    /// Until when.
    pub until: Timestamp,
}

impl std::fmt::Debug for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Way").field("attempt", &self.attempt).field("until", &self.until).finish_non_exhaustive()
    }
}

/// What the page says before any sign-in: which chat account this is about, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landing {
    /// The account.
    pub chat_user: ChatUserId,
    /// Its name when the way was opened, from outside.
    pub chat_name: String,
    /// What for.
    pub purpose: Purpose,
}

/// What a sign-in is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A link.
    Link,
    /// Proof for one approval.
    Approve {
        /// Who asked for the sync, from outside.
        asker: String,
        /// The device's name, from outside; `None`: several devices.
        device: Option<String>,
        /// How many devices.
        devices: u64,
    },
}

/// Off to Entra. Neither part may enter a log.
pub struct Departure {
    /// Where the browser goes.
    pub url: Url,
    /// What it carries as its cookie.
    pub cookie: String,
}

/// What a browser brings back from Entra, all of it from outside.
#[derive(Default)]
pub struct Return {
    /// The authorization code.
    pub code: Option<String>,
    /// The state.
    pub state: Option<String>,
    /// Entra's error instead of a code.
    pub error: Option<String>,
    /// The browser's cookie.
    pub cookie: Option<String>,
}

/// Somebody signed in.
pub struct Arrival {
    /// The chat account that it is good for.
    pub landing: Landing,
    /// Who signed in.
    pub person: EntraPerson,
    /// The code for chat, where it is for a link. It is shown once and never logged.
    pub code: Option<String>,
}

impl Linking {
    /// Linking over these parts.
    pub fn new(graph: Arc<Graph>, store: Store, page: Option<LinkPage>, clock: Clock) -> Self {
        Self { graph, store, page, clock }
    }

    /// `/link`
    pub async fn offer(&self, actor: &Actor) -> Result<Offer, Error> {
        let current = self.store.link_of(actor.user).await?.filter(|link| link.ended_at.is_none());
        let Some(page) = &self.page else { return Ok(Offer { current, way: None }) };
        let way = self.open_way(page, actor, None).await?;
        tracing::info!(chat_user = %actor.user, attempt = %way.attempt.reference(), "someone starts to link their account");
        Ok(Offer { current, way: Some(way) })
    }

    /// A new way to the page, in the place of every earlier one of the same chat account.
    pub(super) async fn open_way(
        &self,
        page: &LinkPage,
        actor: &Actor,
        approves: Option<Approves>,
    ) -> Result<Way, Error> {
        let now = self.clock.now();
        let until = now.saturating_add(TIME).unwrap_or(now);
        let ticket = secret::secret();
        let attempt = self.store.create_link_attempt(now, actor, &secret::hash(&ticket), until, approves).await?;
        let mut url = page.public_url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["link", &ticket]);
        }
        Ok(Way { attempt, url, until })
    }

    /// The attempt of a ticket, if its way is still open at this point.
    async fn open_attempt(&self, ticket: &str) -> Step<LinkAttempt> {
        if !secret::is_secret(ticket) {
            return Ok(Err(LinkRefusal::Unknown));
        }
        let found = self.store.link_attempt_by_ticket(&secret::hash(ticket)).await?;
        Ok(match found {
            None => Err(LinkRefusal::Unknown),
            Some(attempt) if attempt.expires_at <= self.clock.now() => Err(LinkRefusal::Expired),
            Some(attempt) if matches!(attempt.phase, AttemptPhase::Open | AttemptPhase::Started) => Ok(attempt),
            Some(_) => Err(LinkRefusal::Used),
        })
    }

    /// The page of a ticket. Looking at it changes nothing: chat programs fetch links to preview them.
    pub async fn landing(&self, ticket: &str) -> Step<Landing> {
        Ok(match self.open_attempt(ticket).await? {
            Ok(attempt) => Ok(self.landing_of(&attempt).await?),
            Err(refusal) => Err(refusal),
        })
    }

    /// Continue: binds the attempt to the browser that carries `cookie`, or to a new one, and sends it to Entra.
    /// `foreign`: the browser says that another site sent the form.
    pub async fn start(&self, ticket: &str, cookie: Option<&str>, foreign: bool) -> Step<Departure> {
        let Some(page) = &self.page else { return Ok(Err(LinkRefusal::Unknown)) };
        let attempt = match self.open_attempt(ticket).await? {
            Ok(attempt) => attempt,
            Err(refusal) => {
                if let Some(attempt) = self.store.link_attempt_by_ticket(&secret::hash(ticket)).await? {
                    let _the_same = self.refuse::<()>(&attempt, refusal, Value::Null).await?;
                }
                return Ok(Err(refusal));
            }
        };
        if foreign {
            return self.refuse(&attempt, LinkRefusal::CrossSite, Value::Null).await;
        }
        let cookie = match cookie.filter(|cookie| secret::is_secret(cookie)) {
            Some(cookie) if self.store.is_browser_of(attempt.id, &secret::hash(cookie)).await? => cookie.to_owned(),
            _ => secret::secret(),
        };
        let state = secret::secret();
        let handshake = Handshake {
            browser_hash: secret::hash(&cookie),
            state_hash: secret::hash(&state),
            nonce: secret::secret(),
            verifier: secret::secret(),
        };
        if !self.store.start_link_attempt(self.clock.now(), attempt.id, &handshake).await? {
            let refusal = if attempt.is_bound { LinkRefusal::WrongBrowser } else { LinkRefusal::Used };
            return self.refuse(&attempt, refusal, Value::Null).await;
        }
        let url = if attempt.approves.is_some() {
            page.sign_in.step_up_url(&state, &handshake.nonce, &handshake.verifier)
        } else {
            page.sign_in.authorize_url(&state, &handshake.nonce, &handshake.verifier)
        };
        Ok(Ok(Departure { url, cookie }))
    }

    /// The browser is back from Entra.
    pub async fn arrive(&self, back: Return) -> Step<Arrival> {
        let Some(page) = &self.page else { return Ok(Err(LinkRefusal::Unknown)) };
        let Some(state) = back.state.filter(|state| secret::is_secret(state)) else {
            return Ok(Err(LinkRefusal::Unknown));
        };
        let browser = back.cookie.filter(|cookie| secret::is_secret(cookie)).map(|cookie| secret::hash(&cookie));
        let taken = self.store.take_link_state(self.clock.now(), &secret::hash(&state), browser.as_deref()).await?;
        let (attempt, handshake) = match taken {
            Ok(taken) => taken,
            Err(NotTaken::Unknown) => {
                tracing::info!("a browser came back with a state that nobody gave out");
                return Ok(Err(LinkRefusal::Unknown));
            }
            Err(NotTaken::WrongBrowser(attempt)) => {
                return self.refuse(&attempt, LinkRefusal::WrongBrowser, Value::Null).await;
            }
            Err(NotTaken::Replayed(attempt)) => {
                return self.refuse(&attempt, LinkRefusal::StateReplayed, Value::Null).await;
            }
            Err(NotTaken::Expired(attempt)) => {
                return self.refuse(&attempt, LinkRefusal::Expired, Value::Null).await;
            }
        };
        let code = match (back.code, back.error) {
            (Some(code), None) if code.len() <= LONGEST_CODE => code,
            (_, Some(error)) if error == "access_denied" => {
                return self.refuse(&attempt, LinkRefusal::Declined, Value::Null).await;
            }
            (_, error) => {
                let word = error.filter(|error| is_word(error));
                return self.refuse(&attempt, LinkRefusal::SignInFailed, json!({ "error": word })).await;
            }
        };
        let signed_in = match page.sign_in.redeem(&code, &handshake.verifier, &handshake.nonce).await {
            Ok(signed_in) => signed_in,
            Err(error) => {
                tracing::warn!(%error, "a sign-in on the link page did not succeed");
                let detail = json!({ "reason": error.to_string() });
                return self.refuse(&attempt, LinkRefusal::from(error), detail).await;
            }
        };
        let person = match self.person(signed_in.id).await {
            Ok(person) => person,
            Err((refusal, detail)) => return self.refuse(&attempt, refusal, detail).await,
        };
        let landing = self.landing_of(&attempt).await?;
        if let Some(approves) = attempt.approves {
            if let Err((refusal, detail)) = self.prove(page, &attempt, approves, &signed_in).await? {
                return self.refuse(&attempt, refusal, detail).await;
            }
            return Ok(Ok(Arrival { landing, person, code: None }));
        }
        let code = secret::code();
        if !self.store.found_person(self.clock.now(), attempt.id, &person, &code_hash(attempt.id, &code)).await? {
            // Ten minutes are over, or another /link took its place while Entra was asked.
            return self.refuse(&attempt, LinkRefusal::Expired, Value::Null).await;
        }
        tracing::info!(chat_user = %attempt.chat_user, entra_user = %person.id, "someone signed in on the link page");
        Ok(Ok(Arrival { landing, person, code: Some(code) }))
    }

    /// The person of our tenant with this object id, who may sign in.
    async fn person(&self, id: crate::intune::EntraUserId) -> Result<EntraPerson, (LinkRefusal, Value)> {
        let detail = json!({ "entra_user": id });
        match self.graph.user(id, Patience::Interactive).await {
            Ok(None) => Err((LinkRefusal::NotInTenant, detail)),
            Ok(Some(user)) if !user.enabled => Err((LinkRefusal::AccountDisabled, detail)),
            Ok(Some(user)) => {
                Ok(EntraPerson { id: user.id, name: user.name, sign_in: user.sign_in, guest: user.guest })
            }
            Err(error) => {
                tracing::warn!(%error, "whoever signed in on the link page could not be looked up");
                Err((LinkRefusal::Unavailable, detail))
            }
        }
    }

    /// Writes a refusal on the page down and hands it back.
    pub(super) async fn refuse<T>(&self, attempt: &LinkAttempt, refusal: LinkRefusal, detail: Value) -> Step<T> {
        let why = refusal.why();
        tracing::info!(chat_user = %attempt.chat_user, attempt = %attempt.id.reference(), why, "linking was refused");
        self.store.refuse_link_attempt(self.clock.now(), attempt, why, detail, refusal.ends_sign_in()).await?;
        Ok(Err(refusal))
    }

    /// Enter the code: whether a dialog may be shown to this person.
    pub async fn may_enter_code(&self, actor: &Actor, id: LinkAttemptId) -> Step<()> {
        let attempt = self.store.link_attempt(id).await?;
        let refusal = match &attempt {
            None => LinkRefusal::Unknown,
            Some(attempt) if attempt.chat_user != actor.user => LinkRefusal::NotYours,
            Some(attempt) if attempt.approves.is_some() => LinkRefusal::Used,
            Some(attempt) if matches!(attempt.phase, AttemptPhase::Linked | AttemptPhase::Ended) => LinkRefusal::Used,
            Some(attempt) if attempt.expires_at <= self.clock.now() => LinkRefusal::Expired,
            Some(_) => return Ok(Ok(())),
        };
        self.store.refuse_link_click(self.clock.now(), actor, refusal.why()).await?;
        Ok(Err(refusal))
    }

    /// The code, as somebody typed it.
    pub async fn enter_code(&self, actor: &Actor, id: LinkAttemptId, typed: &str) -> Step<EntraPerson> {
        let digits: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').take(DIGITS + 1).collect();
        let tried = self.store.try_link_code(self.clock.now(), id, actor, &code_hash(id, &digits)).await?;
        Ok(match tried {
            CodeTried::Right(person) => Ok(person),
            CodeTried::Wrong { left } => Err(LinkRefusal::WrongCode { left }),
            CodeTried::NotSignedIn => Err(LinkRefusal::NotSignedIn),
            CodeTried::NotYours => Err(LinkRefusal::NotYours),
            CodeTried::Expired => Err(LinkRefusal::Expired),
            CodeTried::Ended => Err(LinkRefusal::Used),
        }
        .inspect_err(|refusal| log_in_chat(actor, *refusal)))
    }

    /// Link.
    pub async fn accept(&self, actor: &Actor, id: LinkAttemptId) -> Step<EntraPerson> {
        let accepted = self.store.accept_link(self.clock.now(), id, actor).await?;
        Ok(linked(accepted).inspect_err(|refusal| log_in_chat(actor, *refusal)).inspect(|person| {
            tracing::info!(chat_user = %actor.user, entra_user = %person.id, "an account is linked");
        }))
    }

    /// Not me.
    pub async fn decline(&self, actor: &Actor, id: LinkAttemptId) -> Step<()> {
        let not = self.store.decline_link(self.clock.now(), id, actor).await?;
        let refusal = not.and_then(|accepted| linked(accepted).err());
        log_in_chat(actor, refusal.unwrap_or(LinkRefusal::NotMe));
        Ok(refusal.map_or(Ok(()), Err))
    }

    /// `/unlink`. `false`: there was no link.
    pub async fn unlink(&self, actor: &Actor) -> Result<bool, Error> {
        let done = self.store.end_link(self.clock.now(), actor).await?;
        if done {
            tracing::info!(chat_user = %actor.user, "an account is no longer linked");
        }
        Ok(done)
    }
}

fn linked(accepted: Accepted) -> Result<EntraPerson, LinkRefusal> {
    match accepted {
        Accepted::Linked(person) => Ok(person),
        Accepted::PersonTaken(_) => Err(LinkRefusal::PersonTaken),
        Accepted::NotYours => Err(LinkRefusal::NotYours),
        Accepted::Expired => Err(LinkRefusal::Expired),
        Accepted::Ended => Err(LinkRefusal::Used),
    }
}

fn log_in_chat(actor: &Actor, refusal: LinkRefusal) {
    tracing::info!(chat_user = %actor.user, why = refusal.why(), "linking was refused");
}

/// A code alone has few values, so its hash is bound to its attempt.
fn code_hash(id: LinkAttemptId, code: &str) -> String {
    secret::hash(&format!("{id}:{code}"))
}

/// Whether Entra's error is one of OAuth's words, which may be kept; anything else is a stranger's text.
fn is_word(text: &str) -> bool {
    text.len() <= 40 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}
