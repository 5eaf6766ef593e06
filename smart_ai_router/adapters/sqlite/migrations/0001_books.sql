-- The books of usage: records, rollups, and how far each journal file has been read.
-- Everything here is derived from the journal and can be rebuilt from it.
-- A day is days since 1970-01-01 in the configured time zone, a month is months since the year 0, an hour is hours
-- since 1970 UTC. Costs are picos; in rollups a cost is units * 10^12 + pico, so that no cell overflows.

CREATE TABLE books (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  time_zone TEXT NOT NULL,
  first_day INTEGER,                -- of all records
  live_from INTEGER,                -- the newest day of any record; folded rollups hold the days before it
  lag_min_ms INTEGER NOT NULL,      -- a record's time less the time in its sid: the least and the greatest
  lag_max_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE dim (
  kind INTEGER NOT NULL,            -- see dictionary.py
  id INTEGER NOT NULL,              -- 0 is "", except for outcomes, where it is success
  name TEXT NOT NULL,
  PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX dim_name ON dim (kind, name);

CREATE TABLE channel_name (
  channel_id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  named_ms INTEGER NOT NULL         -- the time of the latest record that bore it
) STRICT, WITHOUT ROWID;

-- What many records have in common: one row for each combination that was met.
CREATE TABLE profile (
  id INTEGER PRIMARY KEY,
  usage_type INTEGER NOT NULL,
  error_kind INTEGER NOT NULL,
  status_code INTEGER,
  currency INTEGER NOT NULL,
  region INTEGER NOT NULL,
  usage_source INTEGER NOT NULL,
  cost_basis INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX profile_content ON profile
  (usage_type, error_kind, ifnull(status_code, -1), currency, region, usage_source, cost_basis);

CREATE TABLE usage (
  sid INTEGER PRIMARY KEY,
  check_bits INTEGER,               -- the random part of the request id; NULL: the id is of other make
  file INTEGER NOT NULL,            -- where the line stands in the journal
  line_offset INTEGER NOT NULL,
  line_length INTEGER NOT NULL,
  lag_ms INTEGER NOT NULL,          -- the record's time is sid_ms(sid) + lag_ms
  profile INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  model INTEGER NOT NULL,
  channel INTEGER NOT NULL,
  provider INTEGER NOT NULL,
  user INTEGER NOT NULL,
  api_key INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  reasoning_tokens INTEGER NOT NULL,
  input_cost INTEGER NOT NULL,
  output_cost INTEGER NOT NULL,
  other_cost INTEGER NOT NULL,      -- what the total holds beyond input and output
  user_charge INTEGER,
  images INTEGER NOT NULL,
  media_ms INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  first_token_ms INTEGER
) STRICT;
-- sid >> 51 cuts time into pieces of six days, so that new entries of an index stand together on few pages.
CREATE INDEX usage_user ON usage (sid >> 51, user);
CREATE INDEX usage_model ON usage (sid >> 51, model);
CREATE INDEX usage_provider ON usage (sid >> 51, provider);
CREATE INDEX usage_failed ON usage (sid >> 51) WHERE outcome <> 0;

CREATE TABLE foreign_id (
  sid INTEGER PRIMARY KEY,
  request_id TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE journal_file (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,               -- usage_YYYYMMDD.jsonl
  generation INTEGER NOT NULL,      -- 2 and more: another file that later bore the same name
  inode INTEGER NOT NULL,           -- 0: no live file
  applied INTEGER NOT NULL,         -- bytes
  crc32 INTEGER NOT NULL,           -- of the applied bytes
  head_length INTEGER NOT NULL,     -- the first bytes, by which the file is known again after a start
  head_crc32 INTEGER NOT NULL,
  is_unterminated INTEGER NOT NULL, -- the last applied line has no newline yet
  archive_inode INTEGER NOT NULL,   -- the archive that was read to its end; 0: none
  archive_size INTEGER NOT NULL,
  lines INTEGER NOT NULL,           -- records that came from this file
  repeated INTEGER NOT NULL,        -- lines that were in the books already, unchanged
  UNIQUE (name, generation)
) STRICT;

CREATE TABLE journal_problem (
  file INTEGER NOT NULL,
  line_offset INTEGER NOT NULL,
  reason TEXT NOT NULL,
  line_length INTEGER NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (file, line_offset, reason)
) STRICT, WITHOUT ROWID;

CREATE TABLE journal_problem_count (
  file INTEGER NOT NULL,
  reason TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (file, reason)
) STRICT, WITHOUT ROWID;

CREATE TABLE hour (
  period INTEGER NOT NULL, currency INTEGER NOT NULL,
  requests INTEGER NOT NULL, successes INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
  input_units INTEGER NOT NULL, input_pico INTEGER NOT NULL,
  output_units INTEGER NOT NULL, output_pico INTEGER NOT NULL,
  other_units INTEGER NOT NULL, other_pico INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL, unpriced INTEGER NOT NULL, estimated INTEGER NOT NULL,
  images INTEGER NOT NULL, media_ms INTEGER NOT NULL,
  PRIMARY KEY (period, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE cube_day (
  period INTEGER NOT NULL, model INTEGER NOT NULL, channel INTEGER NOT NULL, provider INTEGER NOT NULL,
  usage_type INTEGER NOT NULL, currency INTEGER NOT NULL,
  requests INTEGER NOT NULL, successes INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
  input_units INTEGER NOT NULL, input_pico INTEGER NOT NULL,
  output_units INTEGER NOT NULL, output_pico INTEGER NOT NULL,
  other_units INTEGER NOT NULL, other_pico INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL, unpriced INTEGER NOT NULL, estimated INTEGER NOT NULL,
  images INTEGER NOT NULL, media_ms INTEGER NOT NULL,
  PRIMARY KEY (period, model, channel, provider, usage_type, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE cube_month (
  period INTEGER NOT NULL, model INTEGER NOT NULL, channel INTEGER NOT NULL, provider INTEGER NOT NULL,
  usage_type INTEGER NOT NULL, currency INTEGER NOT NULL,
  requests INTEGER NOT NULL, successes INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
  input_units INTEGER NOT NULL, input_pico INTEGER NOT NULL,
  output_units INTEGER NOT NULL, output_pico INTEGER NOT NULL,
  other_units INTEGER NOT NULL, other_pico INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL, unpriced INTEGER NOT NULL, estimated INTEGER NOT NULL,
  images INTEGER NOT NULL, media_ms INTEGER NOT NULL,
  PRIMARY KEY (period, model, channel, provider, usage_type, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE channel_day (
  period INTEGER NOT NULL, channel INTEGER NOT NULL, provider INTEGER NOT NULL, currency INTEGER NOT NULL,
  requests INTEGER NOT NULL, successes INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
  input_units INTEGER NOT NULL, input_pico INTEGER NOT NULL,
  output_units INTEGER NOT NULL, output_pico INTEGER NOT NULL,
  other_units INTEGER NOT NULL, other_pico INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL, unpriced INTEGER NOT NULL, estimated INTEGER NOT NULL,
  images INTEGER NOT NULL, media_ms INTEGER NOT NULL,
  PRIMARY KEY (period, channel, provider, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE channel_month (
  period INTEGER NOT NULL, channel INTEGER NOT NULL, provider INTEGER NOT NULL, currency INTEGER NOT NULL,
  requests INTEGER NOT NULL, successes INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
  input_units INTEGER NOT NULL, input_pico INTEGER NOT NULL,
  output_units INTEGER NOT NULL, output_pico INTEGER NOT NULL,
  other_units INTEGER NOT NULL, other_pico INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL, unpriced INTEGER NOT NULL, estimated INTEGER NOT NULL,
  images INTEGER NOT NULL, media_ms INTEGER NOT NULL,
  PRIMARY KEY (period, channel, provider, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE model_day (
  period INTEGER NOT NULL, model INTEGER NOT NULL, usage_type INTEGER NOT NULL, currency INTEGER NOT NULL,
  requests INTEGER NOT NULL, successes INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
  input_units INTEGER NOT NULL, input_pico INTEGER NOT NULL,
  output_units INTEGER NOT NULL, output_pico INTEGER NOT NULL,
  other_units INTEGER NOT NULL, other_pico INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL, unpriced INTEGER NOT NULL, estimated INTEGER NOT NULL,
  images INTEGER NOT NULL, media_ms INTEGER NOT NULL,
  PRIMARY KEY (period, model, usage_type, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE model_month (
  period INTEGER NOT NULL, model INTEGER NOT NULL, usage_type INTEGER NOT NULL, currency INTEGER NOT NULL,
  requests INTEGER NOT NULL, successes INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
  input_units INTEGER NOT NULL, input_pico INTEGER NOT NULL,
  output_units INTEGER NOT NULL, output_pico INTEGER NOT NULL,
  other_units INTEGER NOT NULL, other_pico INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL, unpriced INTEGER NOT NULL, estimated INTEGER NOT NULL,
  images INTEGER NOT NULL, media_ms INTEGER NOT NULL,
  PRIMARY KEY (period, model, usage_type, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE user_cube_day (
  period INTEGER NOT NULL, user INTEGER NOT NULL, api_key INTEGER NOT NULL, model INTEGER NOT NULL,
  channel INTEGER NOT NULL, provider INTEGER NOT NULL, usage_type INTEGER NOT NULL, currency INTEGER NOT NULL,
  requests INTEGER NOT NULL, successes INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
  input_units INTEGER NOT NULL, input_pico INTEGER NOT NULL,
  output_units INTEGER NOT NULL, output_pico INTEGER NOT NULL,
  other_units INTEGER NOT NULL, other_pico INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL, unpriced INTEGER NOT NULL, estimated INTEGER NOT NULL,
  images INTEGER NOT NULL, media_ms INTEGER NOT NULL,
  PRIMARY KEY (period, user, api_key, model, channel, provider, usage_type, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE user_day (
  period INTEGER NOT NULL, user INTEGER NOT NULL, api_key INTEGER NOT NULL, currency INTEGER NOT NULL,
  requests INTEGER NOT NULL, successes INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
  input_units INTEGER NOT NULL, input_pico INTEGER NOT NULL,
  output_units INTEGER NOT NULL, output_pico INTEGER NOT NULL,
  other_units INTEGER NOT NULL, other_pico INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL, unpriced INTEGER NOT NULL, estimated INTEGER NOT NULL,
  images INTEGER NOT NULL, media_ms INTEGER NOT NULL,
  PRIMARY KEY (period, user, api_key, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE user_month (
  period INTEGER NOT NULL, user INTEGER NOT NULL, api_key INTEGER NOT NULL, currency INTEGER NOT NULL,
  requests INTEGER NOT NULL, successes INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
  input_units INTEGER NOT NULL, input_pico INTEGER NOT NULL,
  output_units INTEGER NOT NULL, output_pico INTEGER NOT NULL,
  other_units INTEGER NOT NULL, other_pico INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL, unpriced INTEGER NOT NULL, estimated INTEGER NOT NULL,
  images INTEGER NOT NULL, media_ms INTEGER NOT NULL,
  PRIMARY KEY (period, user, api_key, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE tag_day (
  period INTEGER NOT NULL, tag INTEGER NOT NULL, currency INTEGER NOT NULL,
  requests INTEGER NOT NULL, successes INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
  input_units INTEGER NOT NULL, input_pico INTEGER NOT NULL,
  output_units INTEGER NOT NULL, output_pico INTEGER NOT NULL,
  other_units INTEGER NOT NULL, other_pico INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL, unpriced INTEGER NOT NULL, estimated INTEGER NOT NULL,
  images INTEGER NOT NULL, media_ms INTEGER NOT NULL,
  PRIMARY KEY (period, tag, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE tag_month (
  period INTEGER NOT NULL, tag INTEGER NOT NULL, currency INTEGER NOT NULL,
  requests INTEGER NOT NULL, successes INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
  input_units INTEGER NOT NULL, input_pico INTEGER NOT NULL,
  output_units INTEGER NOT NULL, output_pico INTEGER NOT NULL,
  other_units INTEGER NOT NULL, other_pico INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL, unpriced INTEGER NOT NULL, estimated INTEGER NOT NULL,
  images INTEGER NOT NULL, media_ms INTEGER NOT NULL,
  PRIMARY KEY (period, tag, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE region_day (
  period INTEGER NOT NULL, region INTEGER NOT NULL, currency INTEGER NOT NULL,
  requests INTEGER NOT NULL, successes INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
  input_units INTEGER NOT NULL, input_pico INTEGER NOT NULL,
  output_units INTEGER NOT NULL, output_pico INTEGER NOT NULL,
  other_units INTEGER NOT NULL, other_pico INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL, unpriced INTEGER NOT NULL, estimated INTEGER NOT NULL,
  images INTEGER NOT NULL, media_ms INTEGER NOT NULL,
  PRIMARY KEY (period, region, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE region_month (
  period INTEGER NOT NULL, region INTEGER NOT NULL, currency INTEGER NOT NULL,
  requests INTEGER NOT NULL, successes INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
  input_units INTEGER NOT NULL, input_pico INTEGER NOT NULL,
  output_units INTEGER NOT NULL, output_pico INTEGER NOT NULL,
  other_units INTEGER NOT NULL, other_pico INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL, unpriced INTEGER NOT NULL, estimated INTEGER NOT NULL,
  images INTEGER NOT NULL, media_ms INTEGER NOT NULL,
  PRIMARY KEY (period, region, currency)
) STRICT, WITHOUT ROWID;

-- Upstream tries of a channel. The buckets count the successful ones by latency: see LATENCY_BOUNDS_MS.
CREATE TABLE attempt_hour (
  period INTEGER NOT NULL, channel INTEGER NOT NULL, currency INTEGER NOT NULL,
  attempts INTEGER NOT NULL, failures INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
  cost_units INTEGER NOT NULL, cost_pico INTEGER NOT NULL, duration_ms INTEGER NOT NULL,
  latency_0 INTEGER NOT NULL, latency_1 INTEGER NOT NULL, latency_2 INTEGER NOT NULL, latency_3 INTEGER NOT NULL,
  latency_4 INTEGER NOT NULL, latency_5 INTEGER NOT NULL, latency_6 INTEGER NOT NULL, latency_7 INTEGER NOT NULL,
  latency_8 INTEGER NOT NULL, latency_9 INTEGER NOT NULL, latency_10 INTEGER NOT NULL, latency_11 INTEGER NOT NULL,
  latency_12 INTEGER NOT NULL, latency_13 INTEGER NOT NULL, latency_14 INTEGER NOT NULL, latency_15 INTEGER NOT NULL,
  PRIMARY KEY (period, channel, currency)
) STRICT, WITHOUT ROWID;
CREATE TABLE attempt_day (
  period INTEGER NOT NULL, channel INTEGER NOT NULL, currency INTEGER NOT NULL,
  attempts INTEGER NOT NULL, failures INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
  cost_units INTEGER NOT NULL, cost_pico INTEGER NOT NULL, duration_ms INTEGER NOT NULL,
  latency_0 INTEGER NOT NULL, latency_1 INTEGER NOT NULL, latency_2 INTEGER NOT NULL, latency_3 INTEGER NOT NULL,
  latency_4 INTEGER NOT NULL, latency_5 INTEGER NOT NULL, latency_6 INTEGER NOT NULL, latency_7 INTEGER NOT NULL,
  latency_8 INTEGER NOT NULL, latency_9 INTEGER NOT NULL, latency_10 INTEGER NOT NULL, latency_11 INTEGER NOT NULL,
  latency_12 INTEGER NOT NULL, latency_13 INTEGER NOT NULL, latency_14 INTEGER NOT NULL, latency_15 INTEGER NOT NULL,
  PRIMARY KEY (period, channel, currency)
) STRICT, WITHOUT ROWID;
