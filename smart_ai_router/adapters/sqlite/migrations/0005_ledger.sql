-- The ledger as it is kept. The tables made for it before were never filled.
--
-- An account keeps three sums, which may pass 64 bits and are decimal text, computed outside of SQL: what it was
-- credited with, what calls took of it, and what is lent of it to workers. Its balance is the first less the second.
-- Amounts of one call or one transfer fit 64 bits. Moments are milliseconds since 1970 UTC.

DROP TABLE entry;
DROP TABLE transfer;
DROP TABLE lease;
DROP TABLE worker;
DROP TABLE pool;
DROP TABLE account;
DROP TABLE model_switch;
DROP TABLE alert;
DROP TABLE exchange_rate;

CREATE TABLE account (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,               -- user | key | pool; counter-accounts: revenue | provider | allowance | outside
  owner TEXT NOT NULL,              -- user id, key id or provider id; "" where a counter-account has none
  unit TEXT NOT NULL,               -- a currency, or text_token | image | audio_ms | video_ms
  part TEXT NOT NULL,               -- permanent | monthly:2026-11 | daily:2026-11-22 | ""
  credited TEXT NOT NULL,
  used TEXT NOT NULL,
  leased TEXT NOT NULL,
  recall_round INTEGER NOT NULL,
  is_granted INTEGER NOT NULL,      -- a grant, a correction or a recharge has made it
  UNIQUE (kind, owner, unit, part)
) STRICT;
CREATE INDEX account_dated ON account (part) WHERE part NOT IN ('', 'permanent') AND credited <> used;

-- What a call took of an account, from its journal line. The other side, on a counter-account, follows from it.
CREATE TABLE usage_entry (
  sid INTEGER NOT NULL,
  account INTEGER NOT NULL,
  amount INTEGER NOT NULL,
  PRIMARY KEY (account, sid)
) STRICT, WITHOUT ROWID;

-- A transfer that an action made; its entries sum to zero in each unit. The id is made of the action's number and the
-- transfer's place in it.
CREATE TABLE transfer (
  id INTEGER PRIMARY KEY,
  idempotency_key TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,               -- recharge | grant | adjust | refund | expire | reprice
  at_ms INTEGER NOT NULL,
  request_id TEXT,                  -- the call that it is about
  actor TEXT NOT NULL,
  source TEXT NOT NULL,
  remark TEXT NOT NULL,
  balance_before TEXT               -- of the pool, with a recharge
) STRICT;
CREATE INDEX transfer_request ON transfer (request_id) WHERE request_id IS NOT NULL;

CREATE TABLE entry (
  transfer INTEGER NOT NULL REFERENCES transfer (id),
  account INTEGER NOT NULL REFERENCES account (id),
  amount INTEGER NOT NULL,
  PRIMARY KEY (transfer, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_account ON entry (account, transfer);

-- What follows from actions beside transfers: pools, rules, currencies, budgets, rates, switches.
CREATE TABLE ledger_setting (
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  content TEXT NOT NULL,            -- JSON
  PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;

-- A life of a gateway worker.
CREATE TABLE holder (
  name TEXT PRIMARY KEY,
  worker INTEGER NOT NULL,
  process_id INTEGER NOT NULL,
  status TEXT NOT NULL              -- open | broken | over
) STRICT, WITHOUT ROWID;

-- What a holder was lent of an account, as counters that only grow; see domain/leasing.py.
CREATE TABLE lease (
  account INTEGER NOT NULL REFERENCES account (id),
  holder TEXT NOT NULL REFERENCES holder (name),
  granted TEXT NOT NULL,
  used TEXT NOT NULL,
  returned TEXT NOT NULL,
  asked_round INTEGER NOT NULL,
  answered_round INTEGER NOT NULL,
  wish_round INTEGER NOT NULL,
  wish_sequence INTEGER NOT NULL,
  PRIMARY KEY (account, holder)
) STRICT, WITHOUT ROWID;
CREATE INDEX lease_holder ON lease (holder);

-- What people were told of a pool. This alone is not made anew by a rebuild, it is carried over.
CREATE TABLE pool_state (
  provider TEXT PRIMARY KEY,
  content TEXT NOT NULL,            -- JSON
  recharges_seen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE pool_alert (
  id INTEGER PRIMARY KEY,
  provider TEXT NOT NULL,
  kind TEXT NOT NULL,               -- low_balance | insufficient_balance
  level TEXT NOT NULL,              -- warning | critical
  percentage TEXT NOT NULL,
  available TEXT NOT NULL,
  currency TEXT NOT NULL,
  message TEXT NOT NULL,
  opened_ms INTEGER NOT NULL,
  raised_ms INTEGER NOT NULL,
  resolved_ms INTEGER,
  resolved_by TEXT
) STRICT;
CREATE UNIQUE INDEX pool_alert_open ON pool_alert (provider) WHERE resolved_ms IS NULL;
