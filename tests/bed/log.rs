//! Everything that is logged while a scene plays, kept apart by thread: a scene and its bot share one.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{LazyLock, Mutex, Once, PoisonError};
use std::thread::ThreadId;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt as _};

/// One line of the log.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// How bad it is.
    pub(crate) level: Level,
    /// Who wrote it, its message and its fields.
    pub(crate) text: String,
}

/// The log of one scene.
#[derive(Debug)]
pub(crate) struct Log(ThreadId);

static LINES: LazyLock<Mutex<HashMap<ThreadId, Vec<Line>>>> = LazyLock::new(Mutex::default);

struct Capture;

#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _written_to_a_string = write!(self.0, " {}={value:?}", field.name());
    }
}

impl<S: Subscriber> Layer<S> for Capture {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut text = Text(event.metadata().target().to_owned());
        event.record(&mut text);
        let line = Line { level: *event.metadata().level(), text: text.0 };
        let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        lines.entry(std::thread::current().id()).or_default().push(line);
    }
}

/// Starts to listen: to our own crates at every level, to the others as in production.
pub(crate) fn start() -> Log {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let levels = Targets::new()
            .with_default(Level::INFO)
            .with_target("intune_sync_bot", Level::TRACE)
            .with_target("commands", Level::TRACE)
            .with_target("serenity", Level::WARN)
            .with_target("serenity::http", tracing::level_filters::LevelFilter::OFF)
            .with_target("azure_core", Level::WARN);
        let subscriber = tracing_subscriber::registry().with(Capture.with_filter(levels));
        tracing::subscriber::set_global_default(subscriber).expect("nobody else listens in a test");
    });
    let log = Log(std::thread::current().id());
    LINES.lock().unwrap_or_else(PoisonError::into_inner).remove(&log.0);
    log
}

impl Log {
    /// What was logged so far.
    pub(crate) fn lines(&self) -> Vec<Line> {
        LINES.lock().unwrap_or_else(PoisonError::into_inner).get(&self.0).cloned().unwrap_or_default()
    }
}
