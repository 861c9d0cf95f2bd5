//! The page's picture of the world for one persona, as JSON and as a stream of changes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::Stream;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::{broadcast, watch};

use super::Page;
use crate::discord::InteractionView;
use crate::{Exchange, Service};

/// Messages of a channel that the page gets.
const MESSAGES: usize = 200;
/// Graph calls that a newly opened page gets.
const CALLS: usize = 100;
/// How often the world is looked at without a change: three seconds pass without one.
const LOOK: Duration = Duration::from_millis(500);
/// Changes come in bursts; this long is waited for the rest of one.
const SETTLE: Duration = Duration::from_millis(25);

/// Through whose eyes.
#[derive(Debug, Deserialize)]
pub(super) struct Eyes {
    #[serde(rename = "as", default)]
    who: String,
}

pub(super) async fn state(State(page): State<Page>, Query(eyes): Query<Eyes>) -> Json<Value> {
    let mut state = picture(&page, &eyes.who);
    state["now"] = json!(page.discord.time());
    Json(state)
}

/// Everything but the time, so that two pictures can be compared.
fn picture(page: &Page, who: &str) -> Value {
    let discord = &page.discord;
    let mut messages = Map::new();
    for channel in discord.channels() {
        let mut seen = discord.messages_seen_by(&channel.name, who);
        let surplus = seen.len().saturating_sub(MESSAGES);
        seen.drain(..surplus);
        for message in &mut seen {
            message.history.clear();
        }
        messages.insert(channel.name, json!(seen));
    }
    // Autocomplete questions are no news; of the rest, the page needs those without an answer.
    let open = |one: &InteractionView| {
        one.user == who && one.kind != 4 && !matches!(one.state, crate::discord::InteractionState::Acknowledged { .. })
    };
    let interactions: Vec<_> = discord.interactions().into_iter().filter(open).collect();
    json!({
        "guild": discord.guild_name(), "bot": discord.bot_name(), "bot_id": discord.bot_id(), "connected": discord.connected(), "me": who,
        "channels": discord.channels(), "people": discord.people(),
        "roles": discord.roles().iter().map(|(id, name)| json!({"id": id, "name": name})).collect::<Vec<_>>(),
        "commands": discord.registered_commands(), "messages": messages, "interactions": interactions,
        "modal": discord.modal(who), "offset": discord.time_moved_by().as_secs(),
    })
}

struct Feed {
    page: Page,
    who: String,
    last: Value,
    changed: watch::Receiver<u64>,
    calls: broadcast::Receiver<Arc<Exchange>>,
    waiting: Vec<Event>,
}

pub(super) async fn events(
    State(page): State<Page>,
    Query(eyes): Query<Eyes>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let calls = page.traffic.subscribe();
    let earlier = page.traffic.exchanges();
    let graph: Vec<&Exchange> = earlier.iter().filter(|exchange| exchange.service == Service::Graph).collect();
    // Events leave from the end of the list, so the newest comes first in it.
    let waiting: Vec<Event> = graph.iter().rev().take(CALLS).map(|exchange| call(exchange)).collect();
    let feed = Feed { changed: page.discord.changed(), calls, page, who: eyes.who, last: Value::Null, waiting };
    let stream = futures_util::stream::unfold(feed, |mut feed| async move {
        let event = feed.next().await;
        Some((Ok(event), feed))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

impl Feed {
    async fn next(&mut self) -> Event {
        loop {
            let seen = picture(&self.page, &self.who);
            if seen != self.last {
                let mut sent = seen.clone();
                self.last = seen;
                sent["now"] = json!(self.page.discord.time());
                return Event::default().event("state").data(sent.to_string());
            }
            if let Some(event) = self.waiting.pop() {
                return event;
            }
            tokio::select! {
                _ = self.changed.changed() => tokio::time::sleep(SETTLE).await,
                heard = self.calls.recv() => match heard {
                    Ok(exchange) if exchange.service == Service::Graph => return call(&exchange),
                    Err(broadcast::error::RecvError::Closed) => tokio::time::sleep(LOOK).await,
                    _ => {}
                },
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }
}

fn call(exchange: &Exchange) -> Event {
    let data = json!({"method": exchange.method, "path": exchange.path, "query": exchange.query,
        "status": exchange.status, "at": exchange.at});
    Event::default().event("call").data(data.to_string())
}
