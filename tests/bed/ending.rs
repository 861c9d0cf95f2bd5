//! The end of a scene: nothing forbidden was done, nothing is left over, and nothing was overlooked.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{APPROVALS, Allowed, Bed, HELPDESK, TEAM, show};

/// What no log line and no audit row may ever hold: the bot's token, the client secrets, the beginning of every
/// interaction token.
const SECRETS: [&str; 4] = ["sim-bot-token", "sim-client-secret", "sim-link-secret", "aW50"];

impl Bed {
    /// Ends a scene that needs so long to come to its end, and of which nobody reads the channels any more.
    pub(crate) async fn ends_after(self, time: SignedDuration) {
        self.advance(time).await;
        for channel in [HELPDESK, APPROVALS, TEAM] {
            self.channel(channel);
        }
        self.finish().await;
    }

    /// Ends the scene: nothing forbidden was done, nothing is left over, and nothing was overlooked.
    pub(crate) async fn finish(mut self) {
        self.settle().await;
        self.finished.set(true);
        let allowed = self.allowed.borrow().clone();
        assert!(self.tenant.unexpected_writes().is_empty(), "writes: {:?}", self.tenant.unexpected_writes());
        assert_eq!(self.tenant.over_limit(), 0, "calls that passed one of Graph's limits");
        assert_eq!(self.discord.unanswered(), 0, "interactions that wait for an answer");
        let failed = self.discord.failed_interactions();
        assert_eq!(failed.is_empty(), !allowed.contains(&Allowed::NoResponse), "did not respond: {failed:?}");
        let invalid = self.discord.invalid_requests();
        assert_eq!(invalid == 0, !allowed.contains(&Allowed::InvalidRequests), "{invalid} invalid requests");
        self.check_store(&allowed).await;
        self.check_read();
        self.check_log();
        let audit = format!("{:?}", self.audit().await);
        for secret in self.carried.borrow().iter() {
            let logged = self.log.lines().into_iter().find(|line| holds_word(&line.text, secret));
            assert!(logged.is_none(), "{secret:?} in the log: {logged:?}");
            assert!(!holds_word(&audit, secret), "{secret:?} in the audit: {audit}");
        }
        assert!(!SECRETS.iter().any(|secret| audit.contains(secret)), "a secret in the audit: {audit}");
        // The runtime ends with the scene, and the bot with it; how it stops by itself is the restarts' theme.
        if let Some(database) = self.database.take() {
            database.remove().await;
        }
    }

    async fn check_store(&self, allowed: &BTreeSet<Allowed>) {
        let store = self.store().await;
        let under_way = store.under_way().await.expect("the store answers");
        let may = allowed.contains(&Allowed::WorkUnderWay);
        assert_eq!(under_way == 0, !may, "{under_way} device syncs under way");
        let next = store.next_due_notice().await.expect("the store answers");
        assert!(may || next.is_none(), "a notice waits until {next:?}");
    }

    fn check_read(&self) {
        let read = self.read.borrow();
        for channel in self.discord.channels() {
            for message in self.discord.messages(&channel.name) {
                let overlooked = message.from_bot && !message.is_ephemeral() && !read.contains(&message.id);
                assert!(!overlooked, "nobody read in #{}:\n{}", channel.name, show::card(&message));
            }
        }
    }

    fn check_log(&self) {
        let lines = self.log.lines();
        let declared = self.errors.borrow();
        for line in &lines {
            let secret = SECRETS.iter().any(|secret| line.text.contains(secret)) || holds_bearer(&line.text);
            assert!(!secret, "a secret in the log: {}", line.text);
            let known = line.level != tracing::Level::ERROR || declared.iter().any(|words| line.text.contains(words));
            assert!(known, "an ERROR that the scene did not declare: {}", line.text);
        }
        for words in declared.iter() {
            let came = lines.iter().any(|line| line.level == tracing::Level::ERROR && line.text.contains(words));
            assert!(came, "a declared ERROR did not come: {words}");
        }
    }
}

/// Whether the text holds one of the tenant's bearer tokens: `sim.` and two UUIDs.
fn holds_bearer(text: &str) -> bool {
    text.match_indices("sim.").any(|(at, _)| text.as_bytes().get(at + 12) == Some(&b'-'))
}

/// Whether a text holds this word, and not only inside a longer one: six digits are in many numbers.
fn holds_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        !before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric)
    })
}
