//! Linking: the offer, the dialog for the code, whom it found, and every way in which it can be refused.

use commands::{CustomId, Verb};

use super::clean::code;
use super::words::{NAME, time_of_day};
use crate::discord::card::{Card, Embed, Tone};
use crate::identity::{LinkRefusal, Offer};
use crate::store::{EntraPerson, LinkAttemptId};

/// The words of the dialog for the code.
pub const CODE_TITLE: &str = "The code of the sign-in page";
/// The label of its one input.
pub const CODE_LABEL: &str = "Six digits, as the page shows them";
/// What the code looks like.
pub const CODE_EXAMPLE: &str = "123 456";

/// The answer to `/link`.
pub fn link_offer(offer: &Offer) -> Card {
    let current = offer.current.as_ref().map(|link| format!("You are linked to {}.", person(&link.person)));
    let Some(way) = &offer.way else {
        let text = "Signing in to link your account is not set up here. Ask the admin of this bot: they can set it up, or link you from a list.";
        let text = current.map_or_else(|| text.to_owned(), |current| format!("{current} {text}"));
        return Card::of(Embed::new(Tone::Attention, "No sign-in here", text));
    };
    let before = current.map_or_else(String::new, |current| format!("{current} Signing in again replaces that.\n\n"));
    let text = format!(
        "{before}Sign in once with Microsoft, so that I know which Intune roles are yours. I learn your name and your id in the tenant, and get no access to your mail, your files or anything else.\n\n1. Press **Sign in with Microsoft**. Your browser opens.\n2. Sign in. The page then shows a code.\n3. Come back, press **Enter the code** and type it.\n\nThe sign-in link is yours alone: give it to nobody. It works until {}.",
        time_of_day(way.until)
    );
    Card::of(Embed::new(Tone::Neutral, "Link your Microsoft work account", text))
        .link("Sign in with Microsoft", way.url.clone())
        .button("Enter the code", CustomId::new(Verb::LinkCode, way.attempt.0), false)
}

/// The right code: who signed in, and the last question.
pub fn link_found(attempt: LinkAttemptId, found: &EntraPerson) -> Card {
    let text = "The code is right. This is the Microsoft account that signed in. Link it only if it is yours: from then on you act here with its rights, and the audit names it.";
    let embed = Embed::new(Tone::Neutral, "Is this you?", text)
        .field("Name", code(&found.name, NAME))
        .field("Signs in as", code(&found.sign_in, 2 * NAME))
        .field("In the tenant", if found.guest { "a guest" } else { "a member" });
    Card::of(embed).button("Link", CustomId::new(Verb::LinkYes, attempt.0), true).button(
        "Not me",
        CustomId::new(Verb::LinkNo, attempt.0),
        false,
    )
}

/// Linked.
pub fn linked(found: &EntraPerson) -> Card {
    let text = format!(
        "From now on you act here as {}. `/access` shows what you may do, and `/unlink` ends the link.",
        person(found)
    );
    Card::of(Embed::new(Tone::Good, "Linked", text))
}

/// Not me.
pub fn link_declined() -> Card {
    let text = "Nothing was linked. If somebody sent you that code or a sign-in link, tell your security team. Type `/link` to start again.";
    Card::of(Embed::new(Tone::Neutral, "Not linked", text))
}

/// The answer to `/unlink`.
pub fn unlinked(done: bool) -> Card {
    if !done {
        return Card::text("You are not linked to a Microsoft account, so there is nothing to end.");
    }
    let text = "The link is ended. Your chat roles do not count again by themselves: only an admin of this bot can bring that back, by removing the ended link. Type `/link` to link an account again.";
    Card::of(Embed::new(Tone::Neutral, "No longer linked", text))
}

/// A refusal in chat.
pub fn link_refusal(refusal: LinkRefusal) -> Card {
    let text = match refusal {
        LinkRefusal::WrongCode { left: 0 } => {
            "That was the last wrong code, so this sign-in is over. Type `/link` to start again.".to_owned()
        }
        LinkRefusal::WrongCode { left } => {
            let tries = if left == 1 { "1 try is left".to_owned() } else { format!("{left} tries are left") };
            format!("That is not the code. {tries}; look at the page once more and press **Enter the code** again.")
        }
        LinkRefusal::NotSignedIn => {
            "Nobody has finished signing in yet. Press **Sign in with Microsoft** first; the page then shows the code."
                .to_owned()
        }
        LinkRefusal::NotYours => "Only the person who typed `/link` can go on here. Your click changed nothing.".to_owned(),
        LinkRefusal::Expired => "The ten minutes for this are over. Nothing was linked; type `/link` to start again.".to_owned(),
        LinkRefusal::PersonTaken => "This Microsoft account is linked to another chat account, and one person acts through one. If that is an old account of yours, type `/unlink` there; otherwise ask the admin of this bot to remove that link. Nothing was changed.".to_owned(),
        _ => "This was used already, or a newer `/link` has taken its place. Nothing was changed; type `/link` to start again.".to_owned(),
    };
    Card::text(text)
}

/// "`Hanna Keller` (`hanna@…`)", or the bare id of someone who was imported without being looked up.
pub(super) fn person(person: &EntraPerson) -> String {
    if person.name.is_empty() && person.sign_in.is_empty() {
        return format!("the Entra person with the object id `{}`", person.id);
    }
    let guest = if person.guest { ", a guest" } else { "" };
    format!("{} ({}{guest})", code(&person.name, NAME), code(&person.sign_in, 2 * NAME))
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use crate::chat::ChatUserId;
    use crate::identity::Way;
    use crate::store::{Link, LinkSource};

    const ATTEMPT: LinkAttemptId = LinkAttemptId(0x0192_0000_0000_0000_0000_0000_0000_0007);

    fn hanna() -> EntraPerson {
        EntraPerson {
            id: "00000000-0000-4000-8000-00000000e001".parse().unwrap(),
            name: "Hanna Keller".to_owned(),
            sign_in: "hanna.keller@contoso.example".to_owned(),
            guest: false,
        }
    }

    fn link(person: EntraPerson) -> Link {
        let (chat_user, source) = (ChatUserId(7), LinkSource::SignIn);
        Link { chat_user, person, source, linked_at: samples::now(), ended_at: None }
    }

    fn way() -> Way {
        let url = "https://sync.contoso.example/link/a-ticket-that-no-snapshot-shows".parse().unwrap();
        Way { attempt: ATTEMPT, url, until: samples::at("2026-11-23T10:52:00Z") }
    }

    #[test]
    fn every_answer_to_link_and_unlink() {
        let nameless = EntraPerson { name: String::new(), sign_in: String::new(), ..hanna() };
        let offers = [
            Offer { current: None, way: Some(way()) },
            Offer { current: Some(link(hanna())), way: Some(way()) },
            Offer { current: None, way: None },
            Offer { current: Some(link(nameless)), way: None },
        ];
        let shown = offers.iter().map(|offer| link_offer(offer).to_string());
        let shown: Vec<_> = shown.chain([unlinked(true).to_string(), unlinked(false).to_string()]).collect();
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[test]
    fn from_the_code_to_the_link() {
        let guest = EntraPerson { name: "`Gina` @everyone".to_owned(), guest: true, ..hanna() };
        let shown = [link_found(ATTEMPT, &hanna()), link_found(ATTEMPT, &guest), linked(&hanna()), linked(&guest)];
        insta::assert_snapshot!(format!("{}\n{}", shown.map(|card| card.to_string()).join("\n"), link_declined()));
    }

    #[test]
    fn every_refusal_in_chat() {
        let all = [
            LinkRefusal::WrongCode { left: 4 },
            LinkRefusal::WrongCode { left: 1 },
            LinkRefusal::WrongCode { left: 0 },
            LinkRefusal::NotSignedIn,
            LinkRefusal::NotYours,
            LinkRefusal::Expired,
            LinkRefusal::PersonTaken,
            LinkRefusal::Used,
        ];
        insta::assert_snapshot!(all.map(|refusal| link_refusal(refusal).to_string()).concat());
    }

    #[test]
    fn the_dialog_fits_discord() {
        assert!([CODE_TITLE, CODE_LABEL].iter().all(|text| text.chars().count() <= 45));
    }
}
