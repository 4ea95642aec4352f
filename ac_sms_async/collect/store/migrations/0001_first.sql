-- The first schema. Understood by SQLite (3.24 and later) and PostgreSQL alike; a migration never changes once released.

CREATE TABLE accounts (
  account TEXT NOT NULL,
  url TEXT,
  first_seen_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (account)
);

CREATE TABLE runs (
  run_id TEXT NOT NULL,
  account TEXT NOT NULL,
  mode TEXT NOT NULL,
  spec JSONB NOT NULL,
  status TEXT NOT NULL,
  window_start DATE,
  window_end DATE,
  started_at TIMESTAMPTZ NOT NULL,
  finished_at TIMESTAMPTZ,
  resumed BIGINT NOT NULL DEFAULT 0,
  broadcasts BIGINT NOT NULL DEFAULT 0,
  metrics BIGINT NOT NULL DEFAULT 0,
  missing BIGINT NOT NULL DEFAULT 0,
  failure_groups BIGINT NOT NULL DEFAULT 0,
  recipients BIGINT NOT NULL DEFAULT 0,
  replies BIGINT NOT NULL DEFAULT 0,
  failed BIGINT NOT NULL DEFAULT 0,
  error TEXT,
  PRIMARY KEY (run_id)
);

CREATE TABLE broadcasts (
  account TEXT NOT NULL,
  broadcast_id BIGINT NOT NULL,
  name TEXT,
  status TEXT,
  body TEXT,
  sent_date TIMESTAMPTZ,
  scheduled_date TIMESTAMPTZ,
  sent_to_count BIGINT,
  list_ids JSONB,
  segment_id TEXT,
  custom_segment_id TEXT,
  custom_run_id TEXT,
  label_ids JSONB,
  address_id BIGINT,
  media_urls JSONB,
  preview_url TEXT,
  shorten_track_links_enabled BOOLEAN,
  quiet_hours_enabled BIGINT,
  scheduled_by BIGINT,
  created_at TIMESTAMPTZ,
  created_by BIGINT,
  updated_at TIMESTAMPTZ,
  updated_by BIGINT,
  deleted_at TIMESTAMPTZ,
  sift_approved BIGINT,
  arc_approved BIGINT,
  extra JSONB,
  first_collected_at TIMESTAMPTZ NOT NULL,
  collected_at TIMESTAMPTZ NOT NULL,
  failures_collected_at TIMESTAMPTZ,
  recipients_collected_at TIMESTAMPTZ,
  run_id TEXT NOT NULL,
  PRIMARY KEY (account, broadcast_id)
);

CREATE TABLE metrics (
  account TEXT NOT NULL,
  broadcast_id BIGINT NOT NULL,
  sends BIGINT,
  deliveries BIGINT,
  failures BIGINT,
  clicks BIGINT,
  replies BIGINT,
  opt_outs BIGINT,
  collected_at TIMESTAMPTZ NOT NULL,
  changed_at TIMESTAMPTZ NOT NULL,
  run_id TEXT NOT NULL,
  PRIMARY KEY (account, broadcast_id)
);

CREATE TABLE metrics_history (
  account TEXT NOT NULL,
  broadcast_id BIGINT NOT NULL,
  run_id TEXT NOT NULL,
  sends BIGINT,
  deliveries BIGINT,
  failures BIGINT,
  clicks BIGINT,
  replies BIGINT,
  opt_outs BIGINT,
  collected_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (account, broadcast_id, run_id)
);

CREATE TABLE failure_groups (
  account TEXT NOT NULL,
  broadcast_id BIGINT NOT NULL,
  error_code TEXT NOT NULL,
  error_source TEXT NOT NULL,
  count BIGINT NOT NULL,
  collected_at TIMESTAMPTZ NOT NULL,
  run_id TEXT NOT NULL,
  PRIMARY KEY (account, broadcast_id, error_code, error_source)
);

CREATE TABLE recipients (
  account TEXT NOT NULL,
  broadcast_id BIGINT NOT NULL,
  contact_id BIGINT NOT NULL,
  name TEXT,
  phone_number TEXT,
  sent_date TIMESTAMPTZ,
  deliverability TEXT,
  clicks BIGINT,
  reply_count BIGINT,
  opt_out TEXT,
  error_code TEXT,
  error_source TEXT,
  extra JSONB,
  collected_at TIMESTAMPTZ NOT NULL,
  run_id TEXT NOT NULL,
  PRIMARY KEY (account, broadcast_id, contact_id)
);

CREATE TABLE replies (
  account TEXT NOT NULL,
  broadcast_id BIGINT NOT NULL,
  contact_id BIGINT NOT NULL,
  position BIGINT NOT NULL,
  message TEXT,
  date TIMESTAMPTZ,
  PRIMARY KEY (account, broadcast_id, contact_id, position)
);

CREATE TABLE credits (
  account TEXT NOT NULL,
  run_id TEXT NOT NULL,
  period TEXT,
  next_refill_date TIMESTAMPTZ,
  included_this_period BIGINT,
  used_this_period BIGINT,
  extra_credits BIGINT,
  available BIGINT,
  collected_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (account, run_id)
);

CREATE TABLE snapshots (
  account TEXT NOT NULL,
  run_id TEXT NOT NULL,
  window_start DATE,
  window_end DATE,
  campaigns BIGINT,
  sends BIGINT,
  deliveries BIGINT,
  failures BIGINT,
  clicks BIGINT,
  replies BIGINT,
  opt_outs BIGINT,
  collected_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (account, run_id)
);

CREATE TABLE failed_ids (
  account TEXT NOT NULL,
  kind TEXT NOT NULL,
  broadcast_id BIGINT NOT NULL,
  error TEXT NOT NULL,
  error_type TEXT NOT NULL,
  http_status BIGINT,
  attempts BIGINT NOT NULL,
  first_failed_at TIMESTAMPTZ NOT NULL,
  last_failed_at TIMESTAMPTZ NOT NULL,
  run_id TEXT NOT NULL,
  PRIMARY KEY (account, kind, broadcast_id)
);

CREATE TABLE checkpoints (
  run_id TEXT NOT NULL,
  name TEXT NOT NULL,
  token TEXT,
  done BIGINT NOT NULL,
  PRIMARY KEY (run_id, name)
);

CREATE TABLE work (
  run_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  broadcast_id BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  done BIGINT NOT NULL,
  PRIMARY KEY (run_id, kind, broadcast_id)
);

CREATE INDEX runs_by_account ON runs (account, started_at);
CREATE INDEX broadcasts_by_sent_date ON broadcasts (account, sent_date);
CREATE INDEX work_by_seq ON work (run_id, kind, done, seq);
CREATE INDEX recipients_by_contact ON recipients (account, contact_id);

CREATE VIEW broadcast_rates AS
SELECT
  b.account, b.broadcast_id, b.name, b.status, b.sent_date,
  m.sends, m.deliveries, m.failures, m.clicks, m.replies, m.opt_outs,
  CAST(m.deliveries AS DOUBLE PRECISION) / NULLIF(m.sends, 0) AS delivery_rate,
  CAST(m.failures AS DOUBLE PRECISION) / NULLIF(m.sends, 0) AS failure_rate,
  CAST(m.clicks AS DOUBLE PRECISION) / NULLIF(m.deliveries, 0) AS click_rate,
  CAST(m.replies AS DOUBLE PRECISION) / NULLIF(m.deliveries, 0) AS reply_rate,
  CAST(m.opt_outs AS DOUBLE PRECISION) / NULLIF(m.deliveries, 0) AS opt_out_rate,
  m.collected_at
FROM broadcasts b
LEFT JOIN metrics m ON m.account = b.account AND m.broadcast_id = b.broadcast_id
WHERE b.deleted_at IS NULL;

CREATE VIEW monthly_rates AS
SELECT
  account, month, broadcasts, sends, deliveries, failures, clicks, replies, opt_outs,
  CAST(deliveries AS DOUBLE PRECISION) / NULLIF(sends, 0) AS delivery_rate,
  CAST(failures AS DOUBLE PRECISION) / NULLIF(sends, 0) AS failure_rate,
  CAST(clicks AS DOUBLE PRECISION) / NULLIF(deliveries, 0) AS click_rate,
  CAST(replies AS DOUBLE PRECISION) / NULLIF(deliveries, 0) AS reply_rate,
  CAST(opt_outs AS DOUBLE PRECISION) / NULLIF(deliveries, 0) AS opt_out_rate
FROM (
  SELECT
    account, UTC_MONTH(sent_date) AS month, COUNT(*) AS broadcasts,
    CAST(SUM(sends) AS BIGINT) AS sends,
    CAST(SUM(deliveries) AS BIGINT) AS deliveries,
    CAST(SUM(failures) AS BIGINT) AS failures,
    CAST(SUM(clicks) AS BIGINT) AS clicks,
    CAST(SUM(replies) AS BIGINT) AS replies,
    CAST(SUM(opt_outs) AS BIGINT) AS opt_outs
  FROM broadcast_rates
  WHERE sent_date IS NOT NULL
  GROUP BY account, UTC_MONTH(sent_date)
) AS months;

CREATE VIEW account_rates AS
SELECT
  account, broadcasts, sends, deliveries, failures, clicks, replies, opt_outs,
  CAST(deliveries AS DOUBLE PRECISION) / NULLIF(sends, 0) AS delivery_rate,
  CAST(failures AS DOUBLE PRECISION) / NULLIF(sends, 0) AS failure_rate,
  CAST(clicks AS DOUBLE PRECISION) / NULLIF(deliveries, 0) AS click_rate,
  CAST(replies AS DOUBLE PRECISION) / NULLIF(deliveries, 0) AS reply_rate,
  CAST(opt_outs AS DOUBLE PRECISION) / NULLIF(deliveries, 0) AS opt_out_rate
FROM (
  SELECT
    account, COUNT(*) AS broadcasts,
    CAST(SUM(sends) AS BIGINT) AS sends,
    CAST(SUM(deliveries) AS BIGINT) AS deliveries,
    CAST(SUM(failures) AS BIGINT) AS failures,
    CAST(SUM(clicks) AS BIGINT) AS clicks,
    CAST(SUM(replies) AS BIGINT) AS replies,
    CAST(SUM(opt_outs) AS BIGINT) AS opt_outs
  FROM broadcast_rates
  WHERE sends IS NOT NULL
  GROUP BY account
) AS totals;

CREATE VIEW failure_totals AS
SELECT
  f.account, f.error_code, f.error_source,
  COUNT(*) AS broadcasts,
  CAST(SUM(f.count) AS BIGINT) AS count
FROM failure_groups f
JOIN broadcasts b ON b.account = f.account AND b.broadcast_id = f.broadcast_id
WHERE b.deleted_at IS NULL
GROUP BY f.account, f.error_code, f.error_source;
