-- Sums stop at the largest number instead of making the view unreadable, and a count that the server didn't say no longer
-- makes a rate smaller.

REPLACE VIEW monthly_rates AS
SELECT
  account, UTC_MONTH(sent_date) AS month, COUNT(*) AS broadcasts,
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
WHERE sent_date IS NOT NULL
GROUP BY account, UTC_MONTH(sent_date);

REPLACE VIEW account_rates AS
SELECT
  account, COUNT(*) AS broadcasts,
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
WHERE sends IS NOT NULL
GROUP BY account;

REPLACE VIEW failure_totals AS
SELECT
  f.account, f.error_code, f.error_source,
  COUNT(*) AS broadcasts,
  TOTAL_OF(f.count) AS count
FROM failure_groups f
JOIN broadcasts b ON b.account = f.account AND b.broadcast_id = f.broadcast_id
WHERE b.deleted_at IS NULL
GROUP BY f.account, f.error_code, f.error_source;
