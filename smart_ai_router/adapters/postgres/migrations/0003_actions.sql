-- What administrators did, as it stands in data/actions.jsonl: a lost file is written again from here, a lost database
-- is made anew from the file. An action's id is its idempotency key, so the table made for those is not needed.

DROP TABLE idempotency;

CREATE TABLE action (
  number BIGINT PRIMARY KEY,                 -- counts from 1; the audit entry of the same id says what it came to
  id TEXT COLLATE "C" NOT NULL UNIQUE,
  line BYTEA NOT NULL
);
