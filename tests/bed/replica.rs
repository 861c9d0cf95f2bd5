//! Another bot of the same application on the same database, with threads of its own, so that it can be killed.

use std::net::SocketAddr;

use intune_sync_bot::app::App;
use secrecy::ExposeSecret as _;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::runtime::{Builder, Runtime};

use super::Bed;

/// A bot beside the stage's own. Dropped, it is killed.
pub(crate) struct Replica {
    /// What its tasks run on.
    runtime: Option<Runtime>,
    app: Option<App>,
}

impl Bed {
    /// Runs somebody else's statement on the database that the scene's bots share.
    pub(crate) async fn sql(&self, statement: String) {
        let url = self.database().url().expose_secret();
        let mut connection = PgConnection::connect(url).await.expect("the server answers");
        connection.execute(AssertSqlSafe(statement)).await.expect("the server does it");
        connection.close().await.expect("the server answers");
    }

    /// Starts another bot, with `config` laid over what the scene's bots have.
    pub(crate) async fn another(&self, config: &str) -> Replica {
        let over: toml::Table = config.parse().expect("the replica's config is TOML");
        let mut whole: toml::Table = self.config.parse().expect("the scene's config is TOML");
        whole.extend(over);
        let (settings, options) =
            self.stage.read().await.for_another(&whole.to_string()).expect("the replica can be set up");
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let app = runtime.spawn(Box::pin(App::start(settings, options))).await.expect("no panic");
        let replica = Replica { runtime: Some(runtime), app: Some(app.expect("the replica starts")) };
        self.settle().await;
        replica
    }
}

impl Replica {
    fn app(&self) -> &App {
        self.app.as_ref().expect("it runs")
    }

    /// What `/readyz` says.
    pub(crate) async fn readiness(&self) -> String {
        readiness(self.app().ops().expect("it serves health")).await
    }

    /// Where it serves health.
    pub(crate) fn ops(&self) -> SocketAddr {
        self.app().ops().expect("it serves health")
    }

    /// Where interactions are posted to it.
    pub(crate) fn web(&self) -> SocketAddr {
        self.app().web().expect("it serves the endpoint")
    }

    /// Stops it, as SIGTERM does.
    pub(crate) async fn stop(mut self) {
        let (app, runtime) = (self.app.take().expect("it runs"), self.runtime.take().expect("it runs"));
        runtime.spawn(Box::pin(app.stop())).await.expect("it stops");
        runtime.shutdown_background();
    }

    /// Ends it where it stands: nothing of it runs any further.
    pub(crate) fn kill(self) {
        drop(self);
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What `/readyz` at this address says.
pub(crate) async fn readiness(ops: SocketAddr) -> String {
    let answer = reqwest::get(format!("http://{ops}/readyz")).await.expect("health answers");
    answer.text().await.expect("in text").trim_end().to_owned()
}
