-- What several processes share besides the work itself. Times are microseconds on the database's clock, so that no machine's
-- own clock matters.

-- One row for each rate toward Graph: where its next free place is, how long it is paused, which share of it is taken (millionths).
CREATE TABLE graph_budgets (
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    next_at BIGINT NOT NULL,
    paused_until BIGINT NOT NULL,
    share BIGINT NOT NULL,
    share_at BIGINT NOT NULL,
    cut_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);
