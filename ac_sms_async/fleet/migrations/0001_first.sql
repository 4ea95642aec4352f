CREATE TABLE accounts (
    name            TEXT PRIMARY KEY,
    -- Its budget belongs to the URL, so no two names may share one.
    url             TEXT NOT NULL UNIQUE,
    timezone        TEXT NOT NULL,
    -- The token encrypted, or the name of the environment variable of the workers that holds it.
    token           BYTEA,
    token_env       TEXT,
    plan            JSONB NOT NULL,
    priority        INTEGER NOT NULL DEFAULT 0,
    schedule        TEXT,
    next_at         TIMESTAMPTZ,
    added_at        TIMESTAMPTZ NOT NULL DEFAULT now(),
    last_success_at TIMESTAMPTZ,
    last_ended_at   TIMESTAMPTZ,
    last_outcome    TEXT,
    last_reason     TEXT,
    last_error      TEXT,
    requests        BIGINT NOT NULL DEFAULT 0,
    rows            BIGINT NOT NULL DEFAULT 0,
    CHECK ((token IS NULL) <> (token_env IS NULL)),
    CHECK ((schedule IS NULL) = (next_at IS NULL))
);

CREATE INDEX accounts_next_at ON accounts (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE sittings (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account    TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    job_id     BIGINT NOT NULL,
    worker     TEXT NOT NULL,
    started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    ended_at   TIMESTAMPTZ,
    outcome    TEXT,
    requests   BIGINT NOT NULL DEFAULT 0,
    rows       BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX sittings_ended_at ON sittings (ended_at);
CREATE INDEX sittings_open ON sittings (account) WHERE ended_at IS NULL;

-- Procrastinate looks for other jobs with the same lock whenever one is taken; without this it reads all that wait.
CREATE INDEX fleet_jobs_lock ON procrastinate_jobs (lock) WHERE status IN ('todo', 'doing');
