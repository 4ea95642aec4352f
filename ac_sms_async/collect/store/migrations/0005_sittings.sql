-- Order comes from runs, not from clocks: each time a job sits down to an account it takes the account's next number.
-- What it wrote carries that number, so that what it did not see again is known, and one that was overtaken writes no more.

ALTER TABLE accounts ADD COLUMN sitting BIGINT NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN sitting BIGINT NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN reached TIMESTAMPTZ;
ALTER TABLE broadcasts ADD COLUMN sitting BIGINT NOT NULL DEFAULT 0;
ALTER TABLE recipients ADD COLUMN sitting BIGINT NOT NULL DEFAULT 0;

-- Details are fetched again where a broadcast's counts are no longer those that they were fetched under.

ALTER TABLE broadcasts ADD COLUMN failures_counts TEXT;
ALTER TABLE broadcasts ADD COLUMN recipients_counts TEXT;

-- What fails again and again is tried less and less often, and is given up at last.

ALTER TABLE failed_ids ADD COLUMN retry_sitting BIGINT NOT NULL DEFAULT 0;
ALTER TABLE failed_ids ADD COLUMN given_up_at TIMESTAMPTZ;

-- Contacts that are gone, or want to be.

ALTER TABLE recipients ADD COLUMN erased_at TIMESTAMPTZ;

CREATE TABLE forgotten (
  account TEXT NOT NULL,
  contact_id BIGINT NOT NULL,
  forgotten_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (account, contact_id)
);
