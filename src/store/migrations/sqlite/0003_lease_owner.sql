-- Which start of the program holds a lease, so that it can give back at its stop what it still holds.
ALTER TABLE device_syncs ADD COLUMN lease_owner TEXT;
ALTER TABLE late_watches ADD COLUMN lease_owner TEXT;
ALTER TABLE notices ADD COLUMN lease_owner TEXT;
