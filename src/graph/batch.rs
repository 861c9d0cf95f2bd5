//! `$batch`: several reads in one HTTP request, each with its own answer, its own failure and its own place in the budget.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::client::{Graph, Patience, Stamped, UNAVAILABLE_FIRST, again_after};
use super::endpoint::{Read, Version};
use super::error::{Error, Kind, classify};
use super::headers::retry_after_text;
use super::odata::Page;
use super::throttle::Load;
use crate::budget::Urgency;

/// Items of one batch at the most (Microsoft Graph, JSON batching page).
const ITEMS: usize = 20;

#[derive(Deserialize)]
struct Responses {
    responses: Vec<Response>,
}

#[derive(Deserialize)]
struct Response {
    id: String,
    status: u16,
    #[serde(default)]
    headers: HashMap<String, Value>,
    #[serde(default)]
    body: Value,
}

/// An answer or a failure, in the order of the questions.
type Answers = Vec<(usize, Result<Stamped<Value>, Kind>)>;

impl Graph {
    /// Reads several things; the answers come in the order of `reads`. One read is sent by itself.
    pub(super) async fn read_many(&self, reads: &[Read], patience: Patience) -> Vec<Result<Value, Error>> {
        let answers = self.read_many_stamped(reads, patience).await;
        answers.into_iter().map(|answer| answer.map(|stamped| stamped.value)).collect()
    }

    /// The same, each with Graph's time when it was given: that of the batch it came in.
    pub(super) async fn read_many_stamped(
        &self,
        reads: &[Read],
        patience: Patience,
    ) -> Vec<Result<Stamped<Value>, Error>> {
        if let [read] = reads {
            return vec![self.read::<Value>(read, patience).await];
        }
        let mut started = self.now();
        let mut done: Vec<Option<Result<Stamped<Value>, Error>>> = reads.iter().map(|_| None).collect();
        let mut pending: Vec<usize> = (0..reads.len()).collect();
        let (mut attempts, mut wait) = (0, UNAVAILABLE_FIRST);
        while !pending.is_empty() {
            attempts += 1;
            let (v1, beta): (Vec<_>, Vec<_>) = pending.iter().partition(|&&at| reads[at].version() == Version::V1);
            // The two versions have a batch address each.
            let (mut answers, of_beta) = tokio::join!(
                self.batches(Version::V1, reads, &v1, patience.urgency()),
                self.batches(Version::Beta, reads, &beta, patience.urgency()),
            );
            answers.extend(of_beta);
            if attempts == 1 {
                // How long the first round takes is a matter of how many there are; patience is for what failed in it.
                started = self.now();
            }
            let mut next = SignedDuration::ZERO;
            pending.clear();
            for (at, answer) in answers {
                let result = answer.map_err(|kind| self.error(kind, attempts, started, None));
                if let Err(error) = &result
                    && let Some(pause) = again_after(error, patience, wait)
                {
                    next = next.max(pause);
                    pending.push(at);
                }
                done[at] = Some(result);
            }
            if !pending.is_empty() {
                self.rest(next).await;
                wait = wait.saturating_add(wait);
            }
        }
        done.into_iter().map(|answer| answer.expect("every question was put")).collect()
    }

    /// Reads several lists to their ends; further pages are asked for one by one.
    pub(super) async fn read_lists<T: DeserializeOwned + Send>(
        &self,
        reads: &[Read],
        patience: Patience,
    ) -> Vec<Result<Vec<T>, Error>> {
        let started = self.now();
        let mut lists = Vec::with_capacity(reads.len());
        for (read, first) in reads.iter().zip(self.read_many(reads, patience).await) {
            lists.push(match first {
                Ok(first) => self.rest_of(read, first, patience, started).await,
                Err(error) => Err(error),
            });
        }
        lists
    }

    async fn rest_of<T: DeserializeOwned + Send>(
        &self,
        read: &Read,
        first: Value,
        patience: Patience,
        started: Timestamp,
    ) -> Result<Vec<T>, Error> {
        let page: Page<T> =
            serde_json::from_value(first).map_err(|_| self.error(Kind::Malformed("not a list"), 1, started, None))?;
        let mut rows = page.value;
        if let Some(next) = page.next_link {
            rows.extend(self.follow(&next, read, patience).await?);
        }
        Ok(rows)
    }

    async fn batches(&self, version: Version, reads: &[Read], which: &[usize], urgency: Urgency) -> Answers {
        let mut answers = Answers::new();
        for chunk in which.chunks(self.batch_size(ITEMS)) {
            answers.extend(self.batch(version, reads, chunk, urgency).await);
        }
        answers
    }

    async fn batch(&self, version: Version, reads: &[Read], which: &[usize], urgency: Urgency) -> Answers {
        let items: Vec<Value> = which.iter().map(|&at| item(at, &reads[at])).collect();
        // Graph counts each item.
        let load = which.iter().map(|&at| reads[at].load()).fold(Load::default(), |all, one| all + one);
        let sent = match self.send_batch(version, &items, load, urgency).await {
            Ok(sent) => sent,
            Err(kind) => return failed(which, &kind),
        };
        let Ok(Responses { responses }) = serde_json::from_slice(&sent.body) else {
            return failed(which, &Kind::Malformed("not a batch's answer"));
        };
        let mut found: HashMap<String, Response> =
            responses.into_iter().map(|response| (response.id.clone(), response)).collect();
        let mut answers = Answers::new();
        for &at in which {
            // An id that is missing from the answer is unknown; a read may be asked again.
            let answer = found.remove(&at.to_string()).map_or(Err(Kind::NoAnswer), |response| self.unpack(response));
            if let Err(Kind::Throttled { after }) = &answer {
                self.throttled(&sent.turn, reads[at].load(), *after).await;
            }
            answers.push((at, answer.map(|value| Stamped { value, graph_time: sent.graph_time })));
        }
        answers
    }

    fn unpack(&self, response: Response) -> Result<Value, Kind> {
        if (200..300).contains(&response.status) {
            return Ok(response.body);
        }
        let header = response.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
        let text = header.and_then(|(_, value)| value.as_str().map(str::to_owned).or_else(|| Some(value.to_string())));
        let after = text.and_then(|text| retry_after_text(&text, self.now()));
        let kind = classify(response.status, response.body.to_string().as_bytes(), after);
        tracing::info!(status = response.status, %kind, "Graph refused an item of a batch");
        Err(kind)
    }
}

fn failed(which: &[usize], kind: &Kind) -> Answers {
    which.iter().map(|&at| (at, Err(kind.clone()))).collect()
}

/// One item: only what [`Read`] can say, so a batch can hold no write.
fn item(at: usize, read: &Read) -> Value {
    let url = read.relative();
    match read.body() {
        Some(body) => json!({
            "id": at.to_string(), "method": "POST", "url": url, "body": body,
            "headers": { "Content-Type": "application/json" },
        }),
        None => json!({ "id": at.to_string(), "method": "GET", "url": url }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intune::{EntraUserId, GroupId};

    #[test]
    fn an_item_is_relative_and_a_body_says_what_it_is() {
        let user = EntraUserId(uuid::Uuid::from_u128(1));
        assert_eq!(
            item(3, &Read::User(user)),
            json!({
                "id": "3", "method": "GET",
                "url": "/users/00000000-0000-0000-0000-000000000001?%24select=id%2CdisplayName%2CuserPrincipalName%2CaccountEnabled%2CuserType",
            })
        );
        let check = item(0, &Read::UserInGroups(user, vec![GroupId(uuid::Uuid::from_u128(2))]));
        assert_eq!(check["url"], "/users/00000000-0000-0000-0000-000000000001/checkMemberGroups");
        assert_eq!(check["method"], "POST");
        assert_eq!(check["headers"]["Content-Type"], "application/json");
    }
}
