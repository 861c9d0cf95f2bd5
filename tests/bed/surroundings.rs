//! What a whole run of scenes is about: the database behind the bot, and the way in which interactions reach it.

use secrecy::ExposeSecret as _;

use super::engines::{Database, Engine};

/// `BED_STORE=postgres` puts the scenes on the server of the tests; without it they are on a file of the stage's.
pub(super) async fn database() -> Option<Database> {
    let engine = match std::env::var("BED_STORE").as_deref() {
        Err(_) => return None,
        Ok("sqlite") => Engine::Sqlite,
        Ok("postgres") => Engine::Postgres,
        Ok(other) => panic!("BED_STORE is sqlite or postgres, not {other:?}"),
    };
    Some(Database::new(engine).await)
}

/// Points the bot's config at it.
pub(super) fn lay_database(config: &mut toml::Table, database: Option<&Database>) {
    if let Some(database) = database {
        let url = toml::Value::from(database.url().expose_secret());
        config.insert("store".to_owned(), toml::Value::Table([("url".to_owned(), url)].into_iter().collect()));
    }
}

/// Whether this run plays its scenes with interactions posted to the bot (`BED_TRANSPORT=http`).
pub(super) fn over_http() -> bool {
    match std::env::var("BED_TRANSPORT").as_deref() {
        Ok("http") => true,
        Ok("gateway") | Err(_) => false,
        Ok(other) => panic!("BED_TRANSPORT is gateway or http, not {other:?}"),
    }
}
