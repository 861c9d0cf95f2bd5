-- When the devices were last found to be those that were agreed to.
ALTER TABLE approvals ADD COLUMN agreed_at INTEGER;
