-- Requests for many devices, the second person who agrees to them, and times in which nothing is sent.

-- What was asked for, where it is more than one device.
ALTER TABLE requests ADD COLUMN target TEXT;
-- Every device that was looked at for it, taken in or left out.
ALTER TABLE requests ADD COLUMN considered TEXT;
-- Nothing more is sent for it.
ALTER TABLE requests ADD COLUMN stopped_at BIGINT;
-- When a worker last took some of its devices: whose turn it is.
ALTER TABLE requests ADD COLUMN served_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX requests_running ON requests (tenant_id, served_at) WHERE state = 'running' AND target IS NOT NULL;

-- 0: somebody waits for this device; 1: one of many.
ALTER TABLE device_syncs ADD COLUMN urgency BIGINT NOT NULL DEFAULT 0;
-- How it ended, in a word that can be counted.
ALTER TABLE device_syncs ADD COLUMN ended_as TEXT;
CREATE INDEX device_syncs_by_end ON device_syncs (tenant_id, ended_at);
CREATE INDEX device_syncs_of_bulk ON device_syncs (request_id, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE approvals (
    request_id TEXT NOT NULL PRIMARY KEY REFERENCES requests (id),
    tenant_id  TEXT NOT NULL,
    -- Where its card is shown.
    channel    TEXT NOT NULL,
    -- The rules as they were when Yes was pressed.
    rules      TEXT NOT NULL,
    -- Votes of an earlier round are void: the devices changed.
    round      BIGINT NOT NULL DEFAULT 1,
    remind_at  BIGINT,
    expires_at BIGINT NOT NULL,
    -- Who refused, and why.
    ended_by   TEXT,
    ended_reason TEXT
);

CREATE TABLE approval_votes (
    request_id    TEXT NOT NULL REFERENCES requests (id),
    round         BIGINT NOT NULL,
    approver_user TEXT NOT NULL,
    tenant_id     TEXT NOT NULL,
    approver      TEXT NOT NULL,
    -- The rules that it counts for.
    rules         TEXT NOT NULL,
    at            BIGINT NOT NULL,
    PRIMARY KEY (request_id, round, approver_user)
);

-- Devices that a rule has let through by itself.
CREATE TABLE approval_allowances (
    request_id TEXT NOT NULL REFERENCES requests (id),
    rule       TEXT NOT NULL,
    tenant_id  TEXT NOT NULL,
    devices    BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (request_id, rule)
);
CREATE INDEX approval_allowances_by_rule ON approval_allowances (tenant_id, rule, at);

CREATE TABLE freezes (
    id         TEXT NOT NULL PRIMARY KEY,
    tenant_id  TEXT NOT NULL,
    reason     TEXT NOT NULL,
    actor      TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ends_at    BIGINT NOT NULL,
    ended_by   TEXT
);
CREATE INDEX freezes_by_end ON freezes (tenant_id, ends_at);
CREATE INDEX device_syncs_leased ON device_syncs (lease_token) WHERE lease_token IS NOT NULL;
