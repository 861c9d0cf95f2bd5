//! Holding one exchange on the wire, before it is served or before its answer is sent, so that a client can be killed just then.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::Service;

/// When an exchange is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// The request has arrived, and nothing was done.
    Before,
    /// Everything was done, and no byte of the answer was sent.
    After,
}

/// Which exchange is held.
#[derive(Clone, Debug)]
pub struct Hold {
    /// Whose.
    pub service: Service,
    /// Its method.
    pub method: String,
    /// Part of its path.
    pub path: String,
    /// When.
    pub moment: Moment,
    /// How many that match are let pass before it.
    pub passes: u32,
}

/// The hold that is set, if any. Cloning gives another handle to the same one.
#[derive(Clone, Debug)]
pub struct Holds(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    set: Mutex<Option<Hold>>,
    stage: watch::Sender<Stage>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    Holding,
    Released,
}

impl Default for Holds {
    fn default() -> Self {
        Self(Arc::new(Inner { set: Mutex::default(), stage: watch::channel(Stage::Waiting).0 }))
    }
}

impl Holds {
    /// Holds the exchange that fits, once.
    pub fn set(&self, hold: Hold) {
        *self.0.set.lock().unwrap_or_else(PoisonError::into_inner) = Some(hold);
        self.0.stage.send_replace(Stage::Waiting);
    }

    /// Waits until an exchange is held.
    pub async fn held(&self) {
        let mut stage = self.0.stage.subscribe();
        let _the_sender_lives = stage.wait_for(|stage| *stage != Stage::Waiting).await;
    }

    /// Lets go of what is held: its connection closes without a word.
    pub fn release(&self) {
        *self.0.set.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.0.stage.send_replace(Stage::Released);
    }

    /// Passes an exchange on. `true`: it was held, and is to be closed now.
    pub(crate) async fn keeps(&self, service: Service, method: &str, path: &str, moment: Moment) -> bool {
        if !self.takes(service, method, path, moment) {
            return false;
        }
        self.0.stage.send_replace(Stage::Holding);
        let mut stage = self.0.stage.subscribe();
        let _the_sender_lives = stage.wait_for(|stage| *stage == Stage::Released).await;
        true
    }

    fn takes(&self, service: Service, method: &str, path: &str, moment: Moment) -> bool {
        let mut set = self.0.set.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |hold: &&mut Hold| {
            hold.service == service && hold.method == method && path.contains(&hold.path) && hold.moment == moment
        };
        let Some(hold) = set.as_mut().filter(fits) else { return false };
        if hold.passes > 0 {
            hold.passes -= 1;
            return false;
        }
        *set = None;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_exchange_is_held_and_no_other() {
        let holds = Holds::default();
        let (method, path) = ("POST".to_owned(), "/messages".to_owned());
        holds.set(Hold { service: Service::Discord, method, path, moment: Moment::After, passes: 1 });
        let pass = |path: &'static str, moment| holds.keeps(Service::Discord, "POST", path, moment);
        assert!(!pass("/channels/1/messages", Moment::Before).await);
        assert!(!pass("/interactions", Moment::After).await);
        assert!(!pass("/channels/1/messages", Moment::After).await, "one passes");
        let release = async {
            holds.held().await;
            holds.release();
        };
        let (held, ()) = tokio::join!(pass("/channels/1/messages", Moment::After), release);
        assert!(held);
        assert!(!pass("/channels/1/messages", Moment::After).await);
    }
}
