-- The outbox in queues: what goes to the same reply, channel or living message goes out one after the other.
-- A version from before this knows no queues; what it still writes is put into its queue when it is found.
ALTER TABLE notices ADD COLUMN queue TEXT;
-- How far down its way a notice is, once it left the first place: the channel asked in, the fallback channel.
ALTER TABLE notices ADD COLUMN stage TEXT;
-- The notice whose message says this one too.
ALTER TABLE notices ADD COLUMN digest_id TEXT;
ALTER TABLE notices ADD COLUMN first_try_at INTEGER;
CREATE INDEX notices_of_queue ON notices (queue, seq) WHERE state = 'waiting';
CREATE INDEX notices_without_queue ON notices (seq) WHERE state = 'waiting' AND queue IS NULL;
CREATE INDEX notices_of_digest ON notices (digest_id) WHERE digest_id IS NOT NULL;
UPDATE notices SET queue = CASE WHEN address = '"Asker"' THEN request_id ELSE address END WHERE state = 'waiting';

-- The bot's own channel messages that are edited for as long as they live.
CREATE TABLE living_messages (
    tenant_id  TEXT    NOT NULL,
    request_id TEXT    NOT NULL REFERENCES requests (id),
    board      TEXT    NOT NULL,
    channel_id TEXT    NOT NULL,
    message_id TEXT    NOT NULL,
    posted_at  INTEGER NOT NULL,
    edited_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, request_id, board)
);

-- Steps in a row that failed in the bot itself, the last such failure, and when the work was given up for them.
ALTER TABLE device_syncs ADD COLUMN troubles INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device_syncs ADD COLUMN trouble TEXT;
ALTER TABLE device_syncs ADD COLUMN dead_at INTEGER;
CREATE INDEX device_syncs_dead ON device_syncs (tenant_id, dead_at) WHERE dead_at IS NOT NULL;
ALTER TABLE late_watches ADD COLUMN troubles INTEGER NOT NULL DEFAULT 0;
