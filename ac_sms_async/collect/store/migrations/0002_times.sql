-- A clock that was ahead left rows from the future, which no later run could replace: they count as of now. In SQLite
-- the years before 1000 were written without leading zeros, which nothing can read.

UPDATE accounts SET first_seen_at = RIGHT_NOW() WHERE first_seen_at > RIGHT_NOW();
UPDATE runs SET started_at = RIGHT_NOW() WHERE started_at > RIGHT_NOW();
UPDATE runs SET finished_at = RIGHT_NOW() WHERE finished_at > RIGHT_NOW();
UPDATE broadcasts SET first_collected_at = RIGHT_NOW() WHERE first_collected_at > RIGHT_NOW();
UPDATE broadcasts SET collected_at = RIGHT_NOW() WHERE collected_at > RIGHT_NOW();
UPDATE broadcasts SET failures_collected_at = RIGHT_NOW() WHERE failures_collected_at > RIGHT_NOW();
UPDATE broadcasts SET recipients_collected_at = RIGHT_NOW() WHERE recipients_collected_at > RIGHT_NOW();
UPDATE metrics SET changed_at = RIGHT_NOW() WHERE changed_at > RIGHT_NOW();
UPDATE metrics SET collected_at = RIGHT_NOW() WHERE collected_at > RIGHT_NOW();
UPDATE metrics_history SET collected_at = RIGHT_NOW() WHERE collected_at > RIGHT_NOW();
UPDATE failure_groups SET collected_at = RIGHT_NOW() WHERE collected_at > RIGHT_NOW();
UPDATE recipients SET collected_at = RIGHT_NOW() WHERE collected_at > RIGHT_NOW();
UPDATE credits SET collected_at = RIGHT_NOW() WHERE collected_at > RIGHT_NOW();
UPDATE snapshots SET collected_at = RIGHT_NOW() WHERE collected_at > RIGHT_NOW();
UPDATE failed_ids SET first_failed_at = RIGHT_NOW() WHERE first_failed_at > RIGHT_NOW();
UPDATE failed_ids SET last_failed_at = RIGHT_NOW() WHERE last_failed_at > RIGHT_NOW();

ON SQLITE UPDATE broadcasts SET sent_date = substr('000', instr(sent_date, '-') - 1) || sent_date
  WHERE instr(sent_date, '-') BETWEEN 2 AND 4;
ON SQLITE UPDATE broadcasts SET scheduled_date = substr('000', instr(scheduled_date, '-') - 1) || scheduled_date
  WHERE instr(scheduled_date, '-') BETWEEN 2 AND 4;
ON SQLITE UPDATE broadcasts SET created_at = substr('000', instr(created_at, '-') - 1) || created_at
  WHERE instr(created_at, '-') BETWEEN 2 AND 4;
ON SQLITE UPDATE broadcasts SET updated_at = substr('000', instr(updated_at, '-') - 1) || updated_at
  WHERE instr(updated_at, '-') BETWEEN 2 AND 4;
ON SQLITE UPDATE broadcasts SET deleted_at = substr('000', instr(deleted_at, '-') - 1) || deleted_at
  WHERE instr(deleted_at, '-') BETWEEN 2 AND 4;
ON SQLITE UPDATE recipients SET sent_date = substr('000', instr(sent_date, '-') - 1) || sent_date
  WHERE instr(sent_date, '-') BETWEEN 2 AND 4;
ON SQLITE UPDATE replies SET date = substr('000', instr(date, '-') - 1) || date
  WHERE instr(date, '-') BETWEEN 2 AND 4;
ON SQLITE UPDATE credits SET next_refill_date = substr('000', instr(next_refill_date, '-') - 1) || next_refill_date
  WHERE instr(next_refill_date, '-') BETWEEN 2 AND 4;
