//! What an operator reads of the bot: its figures.

use super::Bed;

impl Bed {
    /// A figure of the metrics; `None`: it is not told.
    pub(crate) async fn metric(&self, name: &str) -> Option<i64> {
        let answer = reqwest::get(format!("{}/metrics", self.ops().await)).await.expect("the metrics answer");
        let all = answer.text().await.expect("in text");
        let name = format!("intune_sync_bot_{name} ");
        all.lines().find_map(|line| line.strip_prefix(&name)).map(|value| value.parse().expect("a number"))
    }
}
