//! `links list` and `links remove`: what an admin does about links, also while the bot runs.

use anyhow::{Context as _, bail};
use serde_json::json;

use super::print::say;
use crate::chat::ChatUserId;
use crate::clock::Clock;
use crate::settings::{Settings, Source, load};
use crate::store::{Link, Store};

/// Opens the store that the bot works on.
pub(super) async fn open(settings: &Settings) -> anyhow::Result<Store> {
    is_there(settings)?;
    open_or_make(settings).await
}

/// The same, also before the bot's first start.
pub(super) async fn open_or_make(settings: &Settings) -> anyhow::Result<Store> {
    Store::sealed(settings).await.context("while opening the store")
}

/// An empty database would answer that all is well, about a bot that works on another one.
fn is_there(settings: &Settings) -> anyhow::Result<()> {
    if let Some(file) = Store::missing_file(&settings.store.url) {
        bail!("there is no database at {}; is [store] url the one that the bot runs with?", file.display());
    }
    Ok(())
}

/// The same as [`open`] for verbs that write no audit row, and so need not know its key.
pub(super) async fn open_as_it_is(settings: &Settings) -> anyhow::Result<Store> {
    is_there(settings)?;
    Store::open(&settings.store.url, settings.entra.tenant_id).await.context("while opening the store")
}

pub(super) async fn list(source: &Source, as_json: bool) -> anyhow::Result<()> {
    let links = open(&load(source)?).await?.links().await?;
    if as_json {
        let all: Vec<_> = links.iter().map(object).collect();
        say(&serde_json::to_string_pretty(&all)?);
    } else if links.is_empty() {
        say("Nobody is linked.");
    } else {
        say(&table(&links));
    }
    Ok(())
}

fn object(link: &Link) -> serde_json::Value {
    json!({
        "chat_user": link.chat_user,
        "entra_user": link.person.id,
        "name": link.person.name,
        "sign_in": link.person.sign_in,
        "guest": link.person.guest,
        "source": link.source.as_str(),
        "linked_at": link.linked_at,
        "ended_at": link.ended_at,
    })
}

fn table(links: &[Link]) -> String {
    let shown = links.iter().map(|link| {
        let person = &link.person;
        // Names come from outside, and a terminal obeys control characters.
        let name = |text: &str| text.chars().filter(|c| !c.is_control()).collect::<String>();
        let who = match (person.name.as_str(), person.sign_in.as_str()) {
            ("", "") => "(not looked up)".to_owned(),
            (display, sign_in) => format!("{} <{}>", name(display), name(sign_in)),
        };
        let guest = if person.guest { ", guest" } else { "" };
        let state = match link.ended_at {
            None => format!("since {:.0}", link.linked_at),
            Some(at) => format!("ended {at:.0}"),
        };
        format!("{:<20}  {}  {who}{guest}  {} {state}", link.chat_user.to_string(), person.id, link.source.as_str())
    });
    shown.collect::<Vec<_>>().join("\n")
}

pub(super) async fn remove(source: &Source, user: ChatUserId) -> anyhow::Result<()> {
    let store = open(&load(source)?).await?;
    if !store.remove_link(Clock::real().now(), user).await? {
        bail!("chat account {user} has no link; `intune-sync-bot links list` shows those there are");
    }
    say(&format!("The link of chat account {user} is forgotten."));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{EntraPerson, LinkSource};

    #[test]
    fn people_read_it_like_this() {
        let link = |user, name: &str, guest, source, ended_at: Option<&str>| Link {
            chat_user: ChatUserId(user),
            person: EntraPerson {
                id: "00000000-0000-4000-8000-000000000301".parse().unwrap(),
                name: name.to_owned(),
                sign_in: if name.is_empty() { String::new() } else { "hanna@contoso.example".to_owned() },
                guest,
            },
            source,
            linked_at: "2026-11-23T10:00:00.5Z".parse().unwrap(),
            ended_at: ended_at.map(|at| at.parse().unwrap()),
        };
        insta::assert_snapshot!(table(&[
            link(900_000_000_000_000_301, "Hanna\u{1b}[31m Meyer", false, LinkSource::SignIn, None),
            link(900_000_000_000_000_302, "Gus", true, LinkSource::SignIn, Some("2026-11-23T11:00:00Z")),
            link(42, "", false, LinkSource::Import, None),
        ]));
    }
}
