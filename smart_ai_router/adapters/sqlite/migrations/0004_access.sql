-- Who may log in, and who has: sessions belong to an account as it was when they were opened, so that a new password
-- or a lock ends them all without a list of them.

ALTER TABLE administrator ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;  -- the action since which sessions count

DROP TABLE session;
CREATE TABLE session (
  token_sha256 BLOB PRIMARY KEY,
  account TEXT NOT NULL,            -- administrator:carol, or sha256:... of the API key of a user
  epoch INTEGER NOT NULL,           -- of the account, when it was opened
  opened_ms INTEGER NOT NULL,
  seen_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_expires ON session (expires_ms);

-- The secret that a rotated key had before, while it is still accepted.
ALTER TABLE api_key ADD COLUMN former_sha256 BLOB;
ALTER TABLE api_key ADD COLUMN former_until_ms INTEGER;
CREATE INDEX api_key_former ON api_key (former_sha256) WHERE former_sha256 IS NOT NULL;

CREATE INDEX audit_actor ON audit (actor, id);
CREATE INDEX audit_at ON audit (at_ms);
