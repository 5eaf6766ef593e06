-- Who may log in, and who has: sessions belong to an account as it was when they were opened, so that a new password
-- or a lock ends them all without a list of them.

ALTER TABLE administrator ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0;  -- the action since which sessions count

DROP TABLE session;
CREATE TABLE session (
  token_sha256 BYTEA PRIMARY KEY,
  account TEXT COLLATE "C" NOT NULL,         -- administrator:carol, or key:key_1 for the user whose key it is
  epoch BIGINT NOT NULL,                     -- of the account, when it was opened
  opened_ms BIGINT NOT NULL,
  seen_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL
);
CREATE INDEX session_expires ON session (expires_ms);

-- The secret that a rotated key had before, while it is still accepted.
ALTER TABLE api_key ADD COLUMN former_sha256 BYTEA;
ALTER TABLE api_key ADD COLUMN former_until_ms BIGINT;
CREATE INDEX api_key_former ON api_key (former_sha256) WHERE former_sha256 IS NOT NULL;

CREATE INDEX audit_actor ON audit (actor, id);
CREATE INDEX audit_at ON audit (at_ms);
