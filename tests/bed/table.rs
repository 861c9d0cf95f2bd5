//! The tables that messages carry.

use std::collections::BTreeSet;

use sim::discord::MessageView;

/// The table that a message carries, its head first.
pub(crate) async fn table(message: &MessageView) -> Vec<Vec<String>> {
    let [url] = &message.attachments[..] else { panic!("one table, not {:?}", message.attachments) };
    let answer = reqwest::get(url).await.expect("it is served");
    let text = answer.text().await.expect("it is text");
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let rows = reader.records().map(|row| row.expect("it is a row").iter().map(str::to_owned).collect());
    rows.collect()
}

/// What a column says of each device.
pub(crate) fn column(table: &[Vec<String>], name: &str) -> BTreeSet<(String, String)> {
    let at = table[0].iter().position(|title| title == name).expect("there is such a column");
    table[1..].iter().map(|row| (row[0].clone(), row[at].clone())).collect()
}
