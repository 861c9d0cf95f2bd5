-- What costs the same however long the history is. Each of these begins with what an index over the history begins with, and goes on
-- for longer: SQLite takes the index of which it can use more columns, and took one over the whole history for lack of these.

-- What is to be done, by who waits for it and when it is due.
CREATE INDEX device_syncs_to_do ON device_syncs (tenant_id, urgency, due_at, id) WHERE due_at IS NOT NULL;
-- The next of one request for many, in the order in which they are taken.
CREATE INDEX device_syncs_next_of_bulk ON device_syncs (request_id, due_at, id) WHERE due_at IS NOT NULL;
-- Whether anything of a request goes on.
CREATE INDEX device_syncs_open ON device_syncs (request_id, id) WHERE state <> 'ended';
-- Requests that wait for Yes.
CREATE INDEX requests_to_answer ON requests (tenant_id, expires_at) WHERE state = 'awaiting_confirmation';
-- The newest of everyone.
CREATE INDEX requests_by_time ON requests (tenant_id, created_at, id);
-- And of one person.
CREATE INDEX requests_of_actor ON requests (tenant_id, actor_user, created_at, id);
-- Requests that wait for a second person.
CREATE INDEX requests_to_approve ON requests (id) WHERE state = 'awaiting_approval';
-- What is in somebody's hands, for the stop and the start.
CREATE INDEX notices_leased ON notices (lease_token) WHERE lease_token IS NOT NULL;
CREATE INDEX late_watches_leased ON late_watches (lease_token) WHERE lease_token IS NOT NULL;
