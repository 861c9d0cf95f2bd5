//! Databases for tests: a file in a folder of its own, or a database of its own on the server that `scripts/postgres.sh` started.

use secrecy::SecretString;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;
use url::Url;

/// Where the address of the server stands.
const SERVER: &str = "TEST_POSTGRES_URL";

/// What a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// An empty database.
pub(crate) struct Database {
    url: SecretString,
    place: Place,
}

enum Place {
    Folder(TempDir),
    Server { admin: Url, name: String },
}

impl Database {
    pub(crate) async fn new(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => {
                let folder = TempDir::new().expect("a folder");
                let url = SecretString::from(format!("sqlite://{}", folder.path().join("bot.db").display()));
                Self { url, place: Place::Folder(folder) }
            }
            Engine::Postgres => {
                let admin: Url = std::env::var(SERVER)
                    .unwrap_or_else(|_| {
                        panic!("{SERVER} is not set: run the tests with `make test`, or by scripts/postgres.sh")
                    })
                    .parse()
                    .expect("an address");
                let name = format!("test_{}", uuid::Uuid::new_v4().simple());
                run(&admin, format!("CREATE DATABASE {name}")).await;
                let mut url = admin.clone();
                url.set_path(&name);
                Self { url: SecretString::from(url.to_string()), place: Place::Server { admin, name } }
            }
        }
    }

    pub(crate) fn url(&self) -> &SecretString {
        &self.url
    }

    /// Removes it, whoever may still be connected. A test that fails leaves it to the end of the server.
    pub(crate) async fn remove(self) {
        match self.place {
            Place::Folder(folder) => drop(folder),
            Place::Server { admin, name } => run(&admin, format!("DROP DATABASE {name} WITH (FORCE)")).await,
        }
    }
}

async fn run(admin: &Url, statement: String) {
    let mut connection = PgConnection::connect(admin.as_str()).await.expect("the server answers");
    connection.execute(AssertSqlSafe(statement)).await.expect("the server does it");
    connection.close().await.expect("the server answers");
}
