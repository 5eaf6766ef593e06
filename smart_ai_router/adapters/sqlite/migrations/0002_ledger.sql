-- The ledger, and what administrators set: nothing here is derived from the usage journal.
-- Amounts of money are picos, amounts of a counted unit are whole numbers. A balance may pass 64 bits and is decimal
-- text, computed outside of SQL; an entry is units * 10^12 + pico. Moments are milliseconds since 1970 UTC.

CREATE TABLE account (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,               -- user | key | pool, and their counter-accounts: revenue | provider | outside
  owner TEXT NOT NULL,              -- user id, key id or provider id; "" for a counter-account
  unit TEXT NOT NULL,               -- a currency, or text_token | image | audio_second | video_second
  part TEXT NOT NULL,               -- permanent | monthly:2026-11 | "" where an account has no parts
  posted TEXT NOT NULL,             -- the sum of its entries, kept beside them and proven by verify
  leased TEXT NOT NULL,             -- the sum of its open leases
  state TEXT NOT NULL,              -- open | closed
  opened_ms INTEGER NOT NULL,
  UNIQUE (kind, owner, unit, part)
) STRICT;

-- One movement of money: its entries sum to zero in each unit.
CREATE TABLE transfer (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,               -- usage | recharge | grant | adjust | refund | expire | reprice
  idempotency_key TEXT UNIQUE,      -- NULL for usage, where the sid is the key
  sid INTEGER,                      -- the usage record that it settles
  at_ms INTEGER NOT NULL,
  actor TEXT NOT NULL,
  source TEXT NOT NULL,
  remark TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX transfer_usage ON transfer (sid, kind) WHERE sid IS NOT NULL;

CREATE TABLE entry (
  transfer INTEGER NOT NULL REFERENCES transfer (id),
  line INTEGER NOT NULL,
  account INTEGER NOT NULL REFERENCES account (id),
  amount_units INTEGER NOT NULL,
  amount_pico INTEGER NOT NULL,
  PRIMARY KEY (transfer, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_account ON entry (account, transfer);

CREATE TABLE worker (
  id TEXT PRIMARY KEY,
  host TEXT NOT NULL,
  started_ms INTEGER NOT NULL,
  seen_ms INTEGER NOT NULL,
  state TEXT NOT NULL               -- alive | drained | dead
) STRICT, WITHOUT ROWID;

-- A slice of an account that a worker may spend by holds in its memory; the journal says what it spent.
CREATE TABLE lease (
  id INTEGER PRIMARY KEY,
  account INTEGER NOT NULL REFERENCES account (id),
  worker TEXT NOT NULL REFERENCES worker (id),
  granted TEXT NOT NULL,
  used TEXT NOT NULL,               -- what records posted under it have taken so far
  granted_ms INTEGER NOT NULL,
  lasts_ms INTEGER NOT NULL,        -- an interval, so that a stepping clock expires nothing
  state TEXT NOT NULL               -- open | returned | expired | reconciled
) STRICT;
CREATE INDEX lease_open ON lease (account, worker) WHERE state = 'open';

CREATE TABLE pool (
  provider TEXT PRIMARY KEY,
  account INTEGER NOT NULL REFERENCES account (id),
  threshold_basis_points INTEGER NOT NULL,  -- 1000 is 10 %
  is_low INTEGER NOT NULL,
  recharged_ms INTEGER,
  checked_ms INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE model_switch (
  provider TEXT NOT NULL,
  model TEXT NOT NULL,              -- * for all of the provider
  reason TEXT NOT NULL,
  cause TEXT NOT NULL,              -- money | hand: a recharge switches only the former on again
  off_ms INTEGER NOT NULL,
  actor TEXT NOT NULL,
  PRIMARY KEY (provider, model, cause)
) STRICT, WITHOUT ROWID;

CREATE TABLE alert (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,               -- low_balance | insufficient_balance | unpriced_model | ...
  level TEXT NOT NULL,              -- warning | critical
  subject_kind TEXT NOT NULL,       -- pool | user | channel | model
  subject TEXT NOT NULL,
  message TEXT NOT NULL,
  details TEXT NOT NULL,            -- JSON
  opened_ms INTEGER NOT NULL,
  raised_ms INTEGER NOT NULL,       -- when it last rose in level
  resolved_ms INTEGER,
  resolved_by TEXT
) STRICT;
CREATE UNIQUE INDEX alert_open ON alert (subject_kind, subject, kind) WHERE resolved_ms IS NULL;

CREATE TABLE api_user (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  is_enabled INTEGER NOT NULL,
  group_ratio TEXT NOT NULL,        -- exact decimal: user charge = cost * ratio
  created_ms INTEGER NOT NULL,
  deleted_ms INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE api_key (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES api_user (id),
  name TEXT NOT NULL,
  sha256 BLOB NOT NULL UNIQUE,
  shown_end TEXT NOT NULL,          -- the last characters, by which its owner knows it
  is_enabled INTEGER NOT NULL,
  models TEXT NOT NULL,             -- JSON list; [] means all
  requests_per_minute_max INTEGER,
  concurrency_max INTEGER,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER,
  revoked_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX api_key_user ON api_key (user_id);

CREATE TABLE administrator (
  username TEXT PRIMARY KEY,
  password_hash TEXT NOT NULL,      -- argon2id
  role TEXT NOT NULL,               -- admin | billing_viewer
  is_enabled INTEGER NOT NULL,
  created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
  token_sha256 BLOB PRIMARY KEY,
  subject_kind TEXT NOT NULL,       -- administrator | user
  subject TEXT NOT NULL,
  opened_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Appended, never edited: a row is closed by a later one.
CREATE TABLE price_version (
  id TEXT PRIMARY KEY,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  meter TEXT NOT NULL,
  price TEXT NOT NULL,              -- exact decimal
  currency TEXT NOT NULL,
  per INTEGER NOT NULL,
  effective_from_ms INTEGER NOT NULL,
  effective_to_ms INTEGER,
  conditions TEXT NOT NULL,         -- JSON: region, channel, context, window, service tier, minimum, rounding
  source TEXT NOT NULL,
  checked TEXT NOT NULL,
  actor TEXT NOT NULL,
  added_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX price_version_model ON price_version (provider, model, meter, effective_from_ms);

-- Dated exchange rates: amounts of different currencies are never added without one.
CREATE TABLE exchange_rate (
  base TEXT NOT NULL,
  quote TEXT NOT NULL,
  effective_from_ms INTEGER NOT NULL,
  rate TEXT NOT NULL,               -- exact decimal
  source TEXT NOT NULL,
  PRIMARY KEY (base, quote, effective_from_ms)
) STRICT, WITHOUT ROWID;

-- The first answer to a request that moves money, for ever: a repetition gets it again, another body a conflict.
CREATE TABLE idempotency (
  idempotency_key TEXT PRIMARY KEY,
  route TEXT NOT NULL,
  body_sha256 BLOB NOT NULL,
  status INTEGER NOT NULL,
  answer BLOB NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  before TEXT NOT NULL,             -- JSON, without secrets
  after TEXT NOT NULL,
  client TEXT NOT NULL
) STRICT;
CREATE INDEX audit_subject ON audit (subject, at_ms);

CREATE TABLE setting (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL,
  actor TEXT NOT NULL,
  set_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
