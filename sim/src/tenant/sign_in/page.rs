//! The two pages of a sign-in: who are you, and no. Plain HTML that needs no script.

use super::super::model::{Person, World};
use super::authorize::{HANDED_ON, Refused, Wanted};

/// The page that offers everybody who is named in the scenario.
pub(super) fn choice(world: &World, tenant: &str, query: &[(String, String)], wanted: &Wanted) -> String {
    let hidden = query.iter().filter(|(name, _)| HANDED_ON.contains(&name.as_str())).map(|(name, value)| {
        format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">\n", escape(name), escape(value))
    });
    let hinted = |person: &Person| {
        wanted.login_hint.as_deref().is_some_and(|hint| person.upn.eq_ignore_ascii_case(hint) || person.id == hint)
    };
    let mut people: Vec<&Person> = world.people.values().filter(|person| !person.made_up).collect();
    people.sort_by_key(|person| !hinted(person));
    let accounts: String = people.into_iter().map(account).collect();
    let body = format!(
        "<h1 id=\"title\">Sign in (simulated)</h1>\n\
         <p>The application <strong>{app}</strong> asks who you are in <strong>{domain}</strong>. \
         This is a simulated tenant: nothing here is a real account, and no password is asked for.</p>\n\
         <form method=\"post\" action=\"/{tenant}/oauth2/v2.0/authorize\">\n{hidden}\
         <ul class=\"accounts\">\n{accounts}</ul>\n\
         <button class=\"press secondary\" type=\"submit\" name=\"cancel\" value=\"1\">Cancel</button>\n</form>",
        app = escape(&world.sign_in.name),
        domain = escape(&world.domain),
        tenant = escape(tenant),
        hidden = hidden.collect::<String>(),
    );
    whole("Sign in (simulated)", &body)
}

fn account(person: &Person) -> String {
    let mark = |text: &str| format!(" <span class=\"mark\">{text}</span>");
    let guest = if person.guest { mark("guest") } else { String::new() };
    let disabled = if person.enabled { String::new() } else { mark("account disabled") };
    format!(
        "<li><button class=\"account\" type=\"submit\" name=\"sign_in_as\" value=\"{}\">\
         <span class=\"name\">{}</span>{guest}{disabled}<span class=\"upn\">{}</span></button></li>\n",
        escape(&person.key),
        escape(&person.name),
        escape(&person.upn),
    )
}

/// The page that says no, and never leads anywhere.
pub(super) fn refusal(Refused(code, text): &Refused) -> String {
    let body = format!(
        "<h1 id=\"title\">Sorry, but we’re having trouble signing you in (simulated).</h1>\n\
         <p class=\"refused\">AADSTS{code}: {}</p>\n<p>You can close this page.</p>",
        escape(text)
    );
    whole("Sign-in error (simulated)", &body)
}

fn whole(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <link rel=\"stylesheet\" href=\"/_sim/assets/style.css\">\n\
         <link rel=\"stylesheet\" href=\"/_sim/assets/sign-in.css\">\n</head>\n\
         <body class=\"sign-in\">\n<main aria-labelledby=\"title\">\n{body}\n</main>\n</body>\n</html>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
