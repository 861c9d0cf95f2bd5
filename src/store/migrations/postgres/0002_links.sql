-- Which Entra person a chat account is. A row with `ended_at` stays: it keeps chat roles from counting again.
CREATE TABLE links (
    tenant_id   TEXT    NOT NULL,
    chat_user   TEXT    NOT NULL,
    entra_user  TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    sign_in     TEXT    NOT NULL,
    guest       BOOLEAN NOT NULL,
    source      TEXT    NOT NULL,
    linked_at   BIGINT NOT NULL,
    ended_at    BIGINT,
    PRIMARY KEY (tenant_id, chat_user)
);
-- One Entra person acts through one chat account.
CREATE UNIQUE INDEX links_of_person ON links (tenant_id, entra_user) WHERE ended_at IS NULL;

-- A `/link` on its way: open, started, signing_in, found, confirmed, linked; or ended.
-- What a browser or a person carries (ticket, cookie, state, code) is kept as SHA-256 only; nonce and verifier are
-- needed as they are, and forgotten with the sign-in.
CREATE TABLE link_attempts (
    id           TEXT    NOT NULL PRIMARY KEY,
    tenant_id    TEXT    NOT NULL,
    chat_user    TEXT    NOT NULL,
    chat_name    TEXT    NOT NULL,
    phase        TEXT    NOT NULL,
    ticket_hash  TEXT    NOT NULL UNIQUE,
    browser_hash TEXT,
    state_hash   TEXT    UNIQUE,
    nonce        TEXT,
    verifier     TEXT,
    code_hash    TEXT,
    tries        BIGINT NOT NULL DEFAULT 0,
    found        TEXT,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX link_attempts_of ON link_attempts (tenant_id, chat_user);
CREATE INDEX link_attempts_by_time ON link_attempts (expires_at);

-- On whose authority: the Entra person linked to the actor at that moment, if any.
ALTER TABLE audit ADD COLUMN entra_user TEXT;
