//! The link page's HTML: what a person reads on the way to Microsoft and back. No script, one stylesheet.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::discord::cards::clean;
use crate::identity::{Arrival, Landing, LinkRefusal, Purpose};

/// The stylesheet, served from the page's own origin.
pub(super) const STYLE: &str = include_str!("templates/style.css");

/// Longest name shown, in characters: a user principal name has up to 113.
const NAME: usize = 120;

/// What to do after nearly everything that did not work.
const AGAIN: &str = "Go back to Discord and start again there: type /link, or press Approve once more. Nothing was linked, and nothing was approved.";

#[derive(Template)]
#[template(path = "landing.html", config = "src/web/askama.toml")]
struct LandingPage<'a> {
    base: &'a str,
    ticket: &'a str,
    name: String,
    id: String,
}

#[derive(Template)]
#[template(path = "code.html", config = "src/web/askama.toml")]
struct CodePage<'a> {
    base: &'a str,
    name: String,
    id: String,
    person: String,
    sign_in: String,
    first: &'a str,
    last: &'a str,
    /// The digits apart, as a screen reader should say them.
    spelled: String,
}

#[derive(Template)]
#[template(path = "approve.html", config = "src/web/askama.toml")]
struct ApprovePage<'a> {
    base: &'a str,
    ticket: &'a str,
    name: String,
    id: String,
    asker: String,
    what: String,
}

#[derive(Template)]
#[template(path = "proven.html", config = "src/web/askama.toml")]
struct ProvenPage<'a> {
    base: &'a str,
    person: String,
    sign_in: String,
    what: String,
}

#[derive(Template)]
#[template(path = "problem.html", config = "src/web/askama.toml")]
struct ProblemPage<'a> {
    base: &'a str,
    title: &'a str,
    text: &'a str,
    next: &'a str,
}

/// A name from outside, without the characters that would turn or hide the text around it; the template escapes it.
fn named(name: &str) -> String {
    clean(name, NAME)
}

fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Before any sign-in: whose account this is about. `base`: the path under which browsers reach us, without its end.
pub(super) fn landing(base: &str, ticket: &str, landing: &Landing) -> Response {
    let (name, id) = (named(&landing.chat_name), landing.chat_user.to_string());
    match &landing.purpose {
        Purpose::Link => page(StatusCode::OK, &LandingPage { base, ticket, name, id }),
        Purpose::Approve { asker, .. } => {
            let (asker, what) = (named(asker), subject(&landing.purpose));
            page(StatusCode::OK, &ApprovePage { base, ticket, name, id, asker, what })
        }
    }
}

/// What an approval is about, in words.
fn subject(purpose: &Purpose) -> String {
    match purpose {
        Purpose::Link => String::new(),
        Purpose::Approve { device: Some(device), .. } => named(device),
        Purpose::Approve { device: None, devices: 1, .. } => "1 device".to_owned(),
        Purpose::Approve { device: None, devices, .. } => format!("{devices} devices"),
    }
}

/// After the sign-in: who it was, and the code, or that they can approve now.
pub(super) fn arrived(base: &str, arrival: &Arrival) -> Response {
    let Landing { chat_user, chat_name, purpose } = &arrival.landing;
    let (person, sign_in) = (named(&arrival.person.name), named(&arrival.person.sign_in));
    let Some(code) = &arrival.code else {
        return page(StatusCode::OK, &ProvenPage { base, person, sign_in, what: subject(purpose) });
    };
    let (first, last) = code.split_at_checked(3).unwrap_or((code, ""));
    let spelled = code.chars().map(String::from).collect::<Vec<_>>().join(" ");
    let id = chat_user.to_string();
    page(StatusCode::OK, &CodePage { base, name: named(chat_name), id, person, sign_in, first, last, spelled })
}

/// Why the way ends here.
pub(super) fn refusal(base: &str, refusal: LinkRefusal) -> Response {
    let (status, title, text) = words(refusal);
    page(status, &ProblemPage { base, title, text, next: AGAIN })
}

/// Too many requests from one address.
pub(super) fn too_fast(base: &str) -> Response {
    let (title, text) = ("A little slower, please", "Too many requests came from your address.");
    page(
        StatusCode::TOO_MANY_REQUESTS,
        &ProblemPage { base, title, text, next: "Wait a minute and load the page again." },
    )
}

/// The store does not answer.
pub(super) fn trouble(base: &str, reference: &str) -> Response {
    let title = "That did not work";
    let text = "The bot's database does not answer at the moment. Nothing was linked.";
    let next = format!("Try again in a few minutes. The bot's log has this under the reference {reference}.");
    page(StatusCode::SERVICE_UNAVAILABLE, &ProblemPage { base, title, text, next: &next })
}

fn words(refusal: LinkRefusal) -> (StatusCode, &'static str, &'static str) {
    match refusal {
        LinkRefusal::Expired => (
            StatusCode::GONE,
            "This link has expired",
            "A sign-in link works for ten minutes, and this one's are over.",
        ),
        LinkRefusal::Used => (
            StatusCode::GONE,
            "This link was used already",
            "A sign-in link works once, and a newer one takes the place of an older one.",
        ),
        LinkRefusal::StateReplayed => (
            StatusCode::GONE,
            "This sign-in was used already",
            "A sign-in counts once. If a code was shown to you, it still works for ten minutes in all.",
        ),
        LinkRefusal::WrongBrowser => (
            StatusCode::FORBIDDEN,
            "This is not the browser that began",
            "A sign-in has to end in the browser in which it began. If somebody sent you this page, close it and tell your security team.",
        ),
        LinkRefusal::CrossSite => (
            StatusCode::FORBIDDEN,
            "Another site sent you here",
            "Open the link from Discord yourself. If some other site brought you here, close this page and tell your security team.",
        ),
        LinkRefusal::Declined => {
            (StatusCode::BAD_REQUEST, "You cancelled the sign-in", "Microsoft reports that the sign-in was cancelled.")
        }
        LinkRefusal::SignInFailed => {
            (StatusCode::BAD_REQUEST, "The sign-in did not work", "Microsoft did not confirm who signed in.")
        }
        LinkRefusal::AppRefused => (
            StatusCode::BAD_GATEWAY,
            "The sign-in is not set up right",
            "Microsoft does not accept this bot's app registration. Its admin can see why in the log.",
        ),
        LinkRefusal::WrongTenant | LinkRefusal::NotInTenant => (
            StatusCode::FORBIDDEN,
            "That account is not of this organisation",
            "Sign in with the work account of the organisation whose devices this bot looks after.",
        ),
        LinkRefusal::AccountDisabled => (
            StatusCode::FORBIDDEN,
            "That account is disabled",
            "Microsoft says that this account is disabled. Your administrators can enable it.",
        ),
        LinkRefusal::OtherPerson => (
            StatusCode::FORBIDDEN,
            "That is another account",
            "Sign in with the work account that your Discord account is linked to. If somebody sent you this page, close it and tell your security team.",
        ),
        LinkRefusal::NotFresh => (
            StatusCode::FORBIDDEN,
            "That sign-in was not fresh",
            "Microsoft did not say that you signed in just now, and in doubt the answer is no. Enter your credentials when it asks. If it happens again, the admin of this bot has to add the optional claim auth_time to the app registration.",
        ),
        LinkRefusal::NotStrong => (
            StatusCode::FORBIDDEN,
            "That sign-in was not strong enough",
            "Microsoft did not say that you used multifactor authentication for this, and in doubt the answer is no. If it never asks for it, the admin of this bot has to look at the Conditional Access policy of the authentication context.",
        ),
        LinkRefusal::BadIdToken => (
            StatusCode::FORBIDDEN,
            "The sign-in could not be verified",
            "What came back from the sign-in does not prove who you are, and in doubt the answer is no.",
        ),
        LinkRefusal::Unavailable => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Microsoft does not answer",
            "Who you are could not be looked up at the moment, and in doubt the answer is no. Wait a few minutes.",
        ),
        LinkRefusal::Unknown
        | LinkRefusal::NotYours
        | LinkRefusal::NotSignedIn
        | LinkRefusal::WrongCode { .. }
        | LinkRefusal::PersonTaken
        | LinkRefusal::NotMe => {
            (StatusCode::NOT_FOUND, "There is nothing here", "No sign-in is waiting under this address.")
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chat::ChatUserId;
    use crate::store::EntraPerson;

    fn of(name: &str) -> Landing {
        let (chat_user, chat_name) = (ChatUserId(900_000_000_000_000_301), name.to_owned());
        Landing { chat_user, chat_name, purpose: Purpose::Link }
    }

    fn landing_html(name: &str) -> String {
        let id = of(name).chat_user.to_string();
        LandingPage { base: "", ticket: "the-ticket", name: named(name), id }.render().unwrap()
    }

    #[test]
    fn the_pages_as_html() {
        let arrival = CodePage {
            base: "/helpdesk",
            name: named("Hanna"),
            id: "900000000000000301".to_owned(),
            person: named("Hanna \u{202e}Keller"),
            sign_in: named("hanna.keller@contoso.example"),
            first: "482",
            last: "913",
            spelled: "4 8 2 9 1 3".to_owned(),
        };
        let (_, title, text) = words(LinkRefusal::Expired);
        let problem = ProblemPage { base: "", title, text, next: AGAIN }.render().unwrap();
        let (asker, what) = (named("Omar"), "12 devices".to_owned());
        let (name, id) = (named("Hanna"), "900000000000000301".to_owned());
        let (person, sign_in) = (named("Hanna Keller"), named("hanna.keller@contoso.example"));
        let proven = ProvenPage { base: "", person, sign_in, what: what.clone() }.render().unwrap();
        let approve = ApprovePage { base: "", ticket: "the-ticket", name, id, asker, what }.render().unwrap();
        insta::assert_snapshot!(
            [landing_html("Hanna"), arrival.render().unwrap(), problem, approve, proven].join("\n\n")
        );
    }

    #[test]
    fn every_page_is_without_script_and_styled_from_its_own_origin() {
        let person = EntraPerson {
            id: "00000000-0000-4000-8000-00000000e001".parse().unwrap(),
            name: "<script>alert(1)</script>".to_owned(),
            sign_in: "\"onload=\"alert(1)".to_owned(),
            guest: false,
        };
        let arrival = Arrival { landing: of("<img src=x onerror=alert(1)>"), person, code: Some("482913".to_owned()) };
        assert_eq!(arrived("", &arrival).status(), StatusCode::OK);
        assert_eq!(landing("", "the-ticket", &arrival.landing).status(), StatusCode::OK);
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
    }

    proptest! {
        #[test]
        fn a_hostile_name_stays_text(name in "[<>&\"'/a-z= ]{0,40}|\\PC{0,40}") {
            let plain = landing_html("plain");
            let hostile = landing_html(&name);
            for sign in ['<', '>', '"'] {
                prop_assert_eq!(hostile.matches(sign).count(), plain.matches(sign).count(), "{}", sign);
            }
        }
    }
}
