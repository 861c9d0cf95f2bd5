//! Requests for many devices, and the card that asks somebody else about them.

use sim::discord::MessageView;

use super::{APPROVALS, Bed, show};

/// Asks for the six devices of one person.
pub(crate) const BULK: &str = "/bulk-sync user user:jonas.weber@contoso.example";

/// A watch that is short enough to see its end.
pub(crate) const SHORT: &str = "[watch]\ndeadline = \"10m\"\n";

/// Syncs of three devices and more want one of the leads. More keys of the rule may follow.
pub(crate) const LARGE: &str = r#"
[discord]
approvals_channel_id = "900000000000000103"
[watch]
deadline = "10m"
[[approval.rule]]
name = "large"
min_devices = 3
approver_roles = ["900000000000000207"]
"#;

impl Bed {
    /// The newest card in the approvals channel.
    pub(crate) fn approval_card(&self) -> MessageView {
        let is_card = |message: &MessageView| !show::card(message).contains("still waits for somebody");
        self.channel_messages(APPROVALS).into_iter().rfind(is_card).expect("a card is there")
    }
}
