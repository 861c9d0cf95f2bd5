-- The chain over the audit: a row's place in it and its seal. Rows from before the chain have neither.
ALTER TABLE audit ADD COLUMN position INTEGER;
ALTER TABLE audit ADD COLUMN seal TEXT;
CREATE UNIQUE INDEX audit_in_the_chain ON audit (tenant_id, position);
CREATE INDEX audit_by_time ON audit (tenant_id, at);

-- What retention removed, signed.
CREATE TABLE audit_checkpoints (
    tenant_id TEXT    NOT NULL,
    position  INTEGER NOT NULL,
    seal      TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    removed   INTEGER NOT NULL,
    signature TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, position)
);
