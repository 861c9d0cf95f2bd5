-- A sign-in that is no link but proof for one approval: of which request, in which round of its votes, and when Entra saw the person.
ALTER TABLE link_attempts ADD COLUMN approves TEXT;
ALTER TABLE link_attempts ADD COLUMN round INTEGER;
ALTER TABLE link_attempts ADD COLUMN signed_in_at BIGINT;
