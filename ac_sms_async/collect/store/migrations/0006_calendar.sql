-- People work by the account's own calendar, and know lists by name: a broadcast sent on New Year's Eve in Chicago was
-- sent in the old year, whatever UTC says. SQLite knows no time zones, and PostgreSQL may know others than the collector
-- does, so the changes of clocks are rows.

ALTER TABLE accounts ADD COLUMN timezone TEXT;

CREATE TABLE time_zones (
  timezone TEXT NOT NULL,
  since TIMESTAMPTZ NOT NULL,
  utc_offset BIGINT NOT NULL,
  PRIMARY KEY (timezone, since)
);

CREATE TABLE lists (
  account TEXT NOT NULL,
  list_id BIGINT NOT NULL,
  name TEXT,
  subscriber_count BIGINT,
  collected_at TIMESTAMPTZ NOT NULL,
  run_id TEXT NOT NULL,
  PRIMARY KEY (account, list_id)
);

REPLACE VIEW broadcast_rates AS
SELECT
  b.account, b.broadcast_id, b.name, b.status, b.sent_date,
  m.sends, m.deliveries, m.failures, m.clicks, m.replies, m.opt_outs,
  CAST(m.deliveries AS DOUBLE PRECISION) / NULLIF(m.sends, 0) AS delivery_rate,
  CAST(m.failures AS DOUBLE PRECISION) / NULLIF(m.sends, 0) AS failure_rate,
  CAST(m.clicks AS DOUBLE PRECISION) / NULLIF(m.deliveries, 0) AS click_rate,
  CAST(m.replies AS DOUBLE PRECISION) / NULLIF(m.deliveries, 0) AS reply_rate,
  CAST(m.opt_outs AS DOUBLE PRECISION) / NULLIF(m.deliveries, 0) AS opt_out_rate,
  m.collected_at,
  b.timezone,
  LOCAL_DAY(b.sent_local) AS sent_day,
  LOCAL_WEEK(b.sent_local) AS sent_week,
  LOCAL_MONTH(b.sent_local) AS sent_month,
  LOCAL_WEEKDAY(b.sent_local) AS sent_weekday,
  LOCAL_HOUR(b.sent_local) AS sent_hour
FROM (
  SELECT
    account, broadcast_id, name, status, sent_date, timezone, LOCAL_TIME(sent_date, utc_offset) AS sent_local
  FROM (
    SELECT
      c.account, c.broadcast_id, c.name, c.status, c.sent_date,
      COALESCE(a.timezone, 'UTC') AS timezone,
      -- In the first year and the last one a zone might lead out of the years that there are.
      CASE WHEN c.sent_date < '0002-01-01T00:00:00Z' OR c.sent_date >= '9999-01-01T00:00:00Z' THEN 0 ELSE
        COALESCE((
          SELECT z.utc_offset FROM time_zones z WHERE z.timezone = a.timezone AND z.since <= c.sent_date
          ORDER BY z.since DESC LIMIT 1
        ), 0)
      END AS utc_offset
    FROM broadcasts c
    LEFT JOIN accounts a ON a.account = c.account
    WHERE c.deleted_at IS NULL
  ) AS zoned
) AS b
LEFT JOIN metrics m ON m.account = b.account AND m.broadcast_id = b.broadcast_id;

REPLACE VIEW monthly_rates AS
SELECT
  account, sent_month AS month, COUNT(*) AS broadcasts,
  TOTAL_OF(sends) AS sends,
  TOTAL_OF(deliveries) AS deliveries,
  TOTAL_OF(failures) AS failures,
  TOTAL_OF(clicks) AS clicks,
  TOTAL_OF(replies) AS replies,
  TOTAL_OF(opt_outs) AS opt_outs,
  RATE(deliveries, sends) AS delivery_rate,
  RATE(failures, sends) AS failure_rate,
  RATE(clicks, deliveries) AS click_rate,
  RATE(replies, deliveries) AS reply_rate,
  RATE(opt_outs, deliveries) AS opt_out_rate
FROM broadcast_rates
WHERE sent_month IS NOT NULL
GROUP BY account, sent_month;

REPLACE VIEW weekly_rates AS
SELECT
  account, sent_week AS week, COUNT(*) AS broadcasts,
  TOTAL_OF(sends) AS sends,
  TOTAL_OF(deliveries) AS deliveries,
  TOTAL_OF(failures) AS failures,
  TOTAL_OF(clicks) AS clicks,
  TOTAL_OF(replies) AS replies,
  TOTAL_OF(opt_outs) AS opt_outs,
  RATE(deliveries, sends) AS delivery_rate,
  RATE(failures, sends) AS failure_rate,
  RATE(clicks, deliveries) AS click_rate,
  RATE(replies, deliveries) AS reply_rate,
  RATE(opt_outs, deliveries) AS opt_out_rate
FROM broadcast_rates
WHERE sent_week IS NOT NULL
GROUP BY account, sent_week;

REPLACE VIEW week_over_week AS
SELECT
  w.account, w.week, w.broadcasts, w.sends,
  w.delivery_rate, w.failure_rate, w.click_rate, w.reply_rate, w.opt_out_rate,
  p.broadcasts AS broadcasts_before,
  p.sends AS sends_before,
  w.delivery_rate - p.delivery_rate AS delivery_rate_change,
  w.failure_rate - p.failure_rate AS failure_rate_change,
  w.click_rate - p.click_rate AS click_rate_change,
  w.reply_rate - p.reply_rate AS reply_rate_change,
  w.opt_out_rate - p.opt_out_rate AS opt_out_rate_change
FROM weekly_rates w
LEFT JOIN weekly_rates p ON p.account = w.account AND p.week = WEEK_BEFORE(w.week);

ON SQLITE REPLACE VIEW broadcast_lists AS
SELECT b.account, b.broadcast_id, CAST(e.value AS BIGINT) AS list_id, l.name
FROM broadcasts b
JOIN json_each(b.list_ids) e ON e.type = 'integer'
LEFT JOIN lists l ON l.account = b.account AND l.list_id = e.value
WHERE b.deleted_at IS NULL;

ON POSTGRESQL REPLACE VIEW broadcast_lists AS
SELECT b.account, b.broadcast_id, CAST(e.value AS BIGINT) AS list_id, l.name
FROM broadcasts b
JOIN LATERAL jsonb_array_elements_text(
  CASE WHEN jsonb_typeof(b.list_ids) = 'array' THEN b.list_ids ELSE '[]' END
) e(value) ON e.value ~ '^[0-9]{1,18}$'
LEFT JOIN lists l ON l.account = b.account
  AND l.list_id = CASE WHEN e.value ~ '^[0-9]{1,18}$' THEN CAST(e.value AS BIGINT) END
WHERE b.deleted_at IS NULL;

REPLACE VIEW latest AS
SELECT
  a.account, a.url, COALESCE(a.timezone, 'UTC') AS timezone,
  r.run_id, r.status, r.error, r.started_at, r.finished_at,
  (SELECT MAX(w.finished_at) FROM runs w WHERE w.account = a.account AND w.status = 'complete') AS complete_at,
  (SELECT COUNT(*) FROM failed_ids f WHERE f.account = a.account AND f.given_up_at IS NULL) AS owed,
  c.available, c.used_this_period, c.included_this_period, c.extra_credits, c.next_refill_date,
  c.collected_at AS credits_collected_at
FROM accounts a
LEFT JOIN runs r ON r.run_id = (
  SELECT n.run_id FROM runs n WHERE n.account = a.account ORDER BY n.sitting DESC, n.started_at DESC, n.run_id DESC LIMIT 1
)
LEFT JOIN credits c ON c.account = a.account AND c.run_id = (
  SELECT k.run_id FROM credits k LEFT JOIN runs o ON o.run_id = k.run_id WHERE k.account = a.account
  ORDER BY COALESCE(o.sitting, 0) DESC, k.collected_at DESC, k.run_id DESC LIMIT 1
);
