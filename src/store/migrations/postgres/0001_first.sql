-- Times are milliseconds since 1970 (UTC). Ids of ours are 32 hex digits, made in time order.
-- Every table carries the tenant id, so that one database can hold several one day.

CREATE TABLE requests (
    id           TEXT    NOT NULL PRIMARY KEY,
    tenant_id    TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    actor_user   TEXT    NOT NULL,
    actor        TEXT    NOT NULL,
    reason       TEXT,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    reply_token  TEXT    NOT NULL,
    reply_until  BIGINT NOT NULL,
    finished_at  BIGINT
);
CREATE INDEX requests_by_actor ON requests (tenant_id, actor_user, created_at);
CREATE INDEX requests_awaiting ON requests (expires_at) WHERE state = 'awaiting_confirmation';

CREATE TABLE device_syncs (
    id           TEXT    NOT NULL PRIMARY KEY,
    tenant_id    TEXT    NOT NULL,
    request_id   TEXT    NOT NULL REFERENCES requests (id),
    device_id    TEXT    NOT NULL,
    device       TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    -- Set while another device sync does the work for this one too.
    leader_id    TEXT    REFERENCES device_syncs (id),
    -- NULL while it waits for a click, follows a leader, or has ended.
    due_at       BIGINT,
    lease_token  TEXT,
    lease_until  BIGINT,
    tries        BIGINT NOT NULL DEFAULT 0,
    started_at   BIGINT,
    outcome      TEXT,
    ended_at     BIGINT
);
CREATE INDEX device_syncs_due ON device_syncs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX device_syncs_of_request ON device_syncs (request_id);
CREATE INDEX device_syncs_of_leader ON device_syncs (leader_id) WHERE leader_id IS NOT NULL;
CREATE INDEX device_syncs_of_device ON device_syncs (tenant_id, device_id, ended_at);
-- One device, one sync at a time.
CREATE UNIQUE INDEX device_syncs_one_at_a_time ON device_syncs (tenant_id, device_id)
    WHERE due_at IS NOT NULL AND leader_id IS NULL;

-- Baseline and time are written before the call and never changed; the answer is written once.
CREATE TABLE attempts (
    device_sync_id   TEXT    NOT NULL REFERENCES device_syncs (id),
    number           BIGINT NOT NULL,
    tenant_id        TEXT    NOT NULL,
    baseline         BIGINT,
    requested_at     BIGINT NOT NULL,
    answered_at      BIGINT,
    answer           TEXT,
    graph_request_id TEXT,
    PRIMARY KEY (device_sync_id, number)
);

CREATE TABLE late_watches (
    id             TEXT    NOT NULL PRIMARY KEY,
    tenant_id      TEXT    NOT NULL,
    device_sync_id TEXT    NOT NULL UNIQUE REFERENCES device_syncs (id),
    actor          TEXT    NOT NULL,
    state          TEXT    NOT NULL,
    due_at         BIGINT,
    until          BIGINT NOT NULL,
    lease_token    TEXT,
    lease_until    BIGINT
);
CREATE INDEX late_watches_due ON late_watches (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE notices (
    seq         BIGINT  NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    id          TEXT    NOT NULL UNIQUE,
    tenant_id   TEXT    NOT NULL,
    request_id  TEXT    NOT NULL REFERENCES requests (id),
    address     TEXT    NOT NULL,
    body        TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    due_at      BIGINT NOT NULL,
    tries       BIGINT NOT NULL DEFAULT 0,
    lease_token TEXT,
    lease_until BIGINT,
    message_id  TEXT,
    ended_at    BIGINT
);
CREATE INDEX notices_waiting ON notices (due_at) WHERE state = 'waiting';
CREATE INDEX notices_of_request ON notices (request_id, seq) WHERE state = 'waiting';

-- Append-only.
CREATE TABLE audit (
    seq            BIGINT  NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    tenant_id      TEXT    NOT NULL,
    at             BIGINT NOT NULL,
    event          TEXT    NOT NULL,
    actor_user     TEXT,
    actor_name     TEXT,
    request_id     TEXT,
    device_sync_id TEXT,
    device_id      TEXT,
    detail         TEXT    NOT NULL
);
CREATE INDEX audit_of_request ON audit (request_id);

-- An interaction is handled once, however often it is delivered.
CREATE TABLE interactions (
    id        TEXT    NOT NULL PRIMARY KEY,
    tenant_id TEXT    NOT NULL,
    at        BIGINT NOT NULL
);
CREATE INDEX interactions_by_time ON interactions (at);

-- A question "which of these devices?" that waits for its answer.
CREATE TABLE choices (
    id         TEXT    NOT NULL PRIMARY KEY,
    tenant_id  TEXT    NOT NULL,
    actor_user TEXT    NOT NULL,
    purpose    TEXT    NOT NULL,
    reason     TEXT,
    expires_at BIGINT NOT NULL
);

CREATE TABLE meta (
    tenant_id TEXT NOT NULL,
    key       TEXT NOT NULL,
    value     TEXT NOT NULL,
    PRIMARY KEY (tenant_id, key)
);
