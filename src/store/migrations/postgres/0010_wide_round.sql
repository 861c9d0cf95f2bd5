-- Every number of the store has 64 bits; the one of 0009 could not be read.
ALTER TABLE link_attempts ALTER COLUMN round TYPE BIGINT;
