-- Which start of the program holds a lease, so that it can give back at its stop what it still holds.
ALTER TABLE device_syncs ADD COLUMN lease_owner TEXT;
ALTER TABLE late_watches ADD COLUMN lease_owner TEXT;
ALTER TABLE notices ADD COLUMN lease_owner TEXT;

-- Tells the other processes on this database that something may have become due: the tenant, and who committed.
-- Only at the commit, and once for each commit, however many rows it changed.
CREATE FUNCTION intune_sync_bot_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('intune_sync_bot', NEW.tenant_id || ' ' || current_setting('application_name'));
    RETURN NULL;
END
$$;
CREATE TRIGGER tell_of_requests AFTER INSERT ON requests
    FOR EACH ROW EXECUTE FUNCTION intune_sync_bot_tell();
CREATE TRIGGER tell_of_device_syncs AFTER INSERT OR UPDATE OF due_at ON device_syncs
    FOR EACH ROW WHEN (NEW.due_at IS NOT NULL) EXECUTE FUNCTION intune_sync_bot_tell();
CREATE TRIGGER tell_of_late_watches AFTER INSERT OR UPDATE OF due_at ON late_watches
    FOR EACH ROW WHEN (NEW.due_at IS NOT NULL) EXECUTE FUNCTION intune_sync_bot_tell();
CREATE TRIGGER tell_of_notices AFTER INSERT OR UPDATE OF due_at ON notices
    FOR EACH ROW EXECUTE FUNCTION intune_sync_bot_tell();
