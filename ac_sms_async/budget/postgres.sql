-- The rules of ledger.py within PostgreSQL, in its own time: a turn is one call of `turn`, and holds nothing afterwards.
-- What is here is said there; both are held against each other on the same schedules.

CREATE SCHEMA IF NOT EXISTS ac_sms_budget;

-- Of what a crash takes with it, nothing was worth a wait for the disk: a ledger that isn't there counts as full.
CREATE UNLOGGED TABLE IF NOT EXISTS ac_sms_budget.ledgers (
    account text PRIMARY KEY,
    starts float8[] NOT NULL DEFAULT '{}',
    numbers bigint[] NOT NULL DEFAULT '{}',
    waiters bigint[] NOT NULL DEFAULT '{}', -- of bulk work with a minus
    look_at float8[] NOT NULL DEFAULT '{}',
    paused_until float8 NOT NULL DEFAULT '-Infinity',
    let_go_at float8 NOT NULL DEFAULT '-Infinity',
    since_bulk bigint NOT NULL DEFAULT 0,
    interactive_at float8 NOT NULL DEFAULT '-Infinity',
    -- The limits of all who share it, those last that were said last.
    held_requests integer[] NOT NULL DEFAULT '{}',
    held_window float8[] NOT NULL DEFAULT '{}',
    held_reserve integer[] NOT NULL DEFAULT '{}',
    held_until float8[] NOT NULL DEFAULT '{}'
) WITH (fillfactor = 20);

-- By one limit, where one waits for `wait` in any case.
CREATE OR REPLACE FUNCTION ac_sms_budget.wait_for_place(
    l ac_sms_budget.ledgers, requests integer, span float8, now_ float8, ahead integer, wait float8
) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    negligible CONSTANT float8 := 1e-6;
    excess integer;
BEGIN
    excess := cardinality(l.starts) + ahead % requests - requests;
    IF excess >= 0 AND l.starts[excess + 1] > now_ - span + negligible THEN
        wait := greatest(wait, least(l.starts[excess + 1], now_) + span - now_);
    END IF;
    RETURN wait + ahead / requests * span;
END $$;

CREATE OR REPLACE FUNCTION ac_sms_budget.expected_wait(
    l ac_sms_budget.ledgers, requests integer, span float8, now_ float8, ahead integer
) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    wait float8 := greatest(l.paused_until - now_, 0);
    expected float8;
BEGIN
    IF requests IS NULL THEN
        RETURN wait;
    END IF;
    expected := ac_sms_budget.wait_for_place(l, requests, span, now_, ahead, wait);
    IF cardinality(l.held_until) > 1 THEN
        FOR i IN 1..cardinality(l.held_until) LOOP
            expected := greatest(expected, ac_sms_budget.wait_for_place(
                l, l.held_requests[i], l.held_window[i], now_, ahead, wait
            ));
        END LOOP;
    END IF;
    RETURN expected;
END $$;

-- The ledger with a start put in its place.
CREATE OR REPLACE FUNCTION ac_sms_budget.entered(
    l ac_sms_budget.ledgers, moment float8, number_ bigint
) RETURNS ac_sms_budget.ledgers LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    place integer := cardinality(l.starts);
BEGIN
    WHILE place > 0 AND (l.starts[place] > moment OR (l.starts[place] = moment AND l.numbers[place] > number_)) LOOP
        place := place - 1;
    END LOOP;
    l.starts := l.starts[:place] || moment || l.starts[place + 1:];
    l.numbers := l.numbers[:place] || number_ || l.numbers[place + 1:];
    RETURN l;
END $$;

-- The ledger without a start.
CREATE OR REPLACE FUNCTION ac_sms_budget.forgotten(
    l ac_sms_budget.ledgers, number_ bigint
) RETURNS ac_sms_budget.ledgers LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    place integer := array_position(l.numbers, number_);
BEGIN
    IF place IS NOT NULL THEN
        l.starts := l.starts[:place - 1] || l.starts[place + 1:];
        l.numbers := l.numbers[:place - 1] || l.numbers[place + 1:];
    END IF;
    RETURN l;
END $$;

-- The ledger with a limit that somebody comes with, and without those that nobody has said for long.
CREATE OR REPLACE FUNCTION ac_sms_budget.agreed(
    l ac_sms_budget.ledgers, requests integer, span float8, reserve integer, now_ float8
) RETURNS ac_sms_budget.ledgers LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    held_for CONSTANT float8 := 120.0;
    most CONSTANT integer := 16;
    kept ac_sms_budget.ledgers := l;
BEGIN
    kept.held_requests := '{}';
    kept.held_window := '{}';
    kept.held_reserve := '{}';
    kept.held_until := '{}';
    FOR i IN 1..cardinality(l.held_until) LOOP
        IF l.held_until[i] > now_ AND (l.held_requests[i], l.held_window[i], l.held_reserve[i])
                IS DISTINCT FROM (requests, span, reserve) THEN
            kept.held_requests := kept.held_requests || l.held_requests[i];
            kept.held_window := kept.held_window || l.held_window[i];
            kept.held_reserve := kept.held_reserve || l.held_reserve[i];
            -- The server's clock was set back, or else none would be held for so long.
            kept.held_until := kept.held_until || least(l.held_until[i], now_ + held_for);
        END IF;
    END LOOP;
    IF requests IS NOT NULL THEN
        kept.held_requests := kept.held_requests || requests;
        kept.held_window := kept.held_window || span;
        kept.held_reserve := kept.held_reserve || reserve;
        kept.held_until := kept.held_until || (now_ + held_for);
        IF cardinality(kept.held_until) > most THEN
            kept.held_requests := kept.held_requests[2:];
            kept.held_window := kept.held_window[2:];
            kept.held_reserve := kept.held_reserve[2:];
            kept.held_until := kept.held_until[2:];
        END IF;
    END IF;
    RETURN kept;
END $$;

-- The ledger without a waiter.
CREATE OR REPLACE FUNCTION ac_sms_budget.without(
    l ac_sms_budget.ledgers, place integer
) RETURNS ac_sms_budget.ledgers LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF place IS NOT NULL THEN
        l.waiters := l.waiters[:place - 1] || l.waiters[place + 1:];
        l.look_at := l.look_at[:place - 1] || l.look_at[place + 1:];
    END IF;
    RETURN l;
END $$;

-- One turn at an account's ledger. `act` is 'look', which enters the request `number_` where it may start, 'leave',
-- 'move' (to so many seconds from now), 'forget', 'pause', 'resume', 'show' or 'return' (of one who was without it). `at` is for tests.
CREATE OR REPLACE FUNCTION ac_sms_budget.turn(
    account_ text, act text, me bigint, bulk boolean, number_ bigint, seconds float8, again boolean,
    requests integer, span float8, reserve integer, at float8 DEFAULT NULL,
    OUT wait float8, OUT now_ float8, OUT starts float8[], OUT paused_until float8, OUT since_bulk bigint,
    OUT waiters bigint[], OUT most integer, OUT within float8
) LANGUAGE plpgsql AS $$
DECLARE
    share CONSTANT integer := 5;
    spread CONSTANT float8 := 0.95;
    about CONSTANT float8 := 60.0;
    late CONSTANT float8 := 0.005;
    negligible CONSTANT float8 := 1e-6;
    grace CONSTANT float8 := 0.025;
    stagger CONSTANT float8 := 0.002;
    soon CONSTANT float8 := 0.01;
    again_after CONSTANT float8 := 0.004;
    forgotten_after CONSTANT float8 := 60.0;
    longest_pause CONSTANT float8 := 60.0;
    who CONSTANT bigint := CASE WHEN bulk THEN -me ELSE me END;
    l ac_sms_budget.ledgers;
    fresh boolean := false;
    mine integer;
    longest float8 := 0;
    place float8;
    to_spread float8;
    turns bigint;
    entry float8;
    n_interactive integer := 0;
    n_bulk integer := 0;
    before_mine integer := 0;
    ahead integer := 0;
    bulk_ahead integer := 0;
    since bigint;
    i integer;
BEGIN
    SELECT * INTO l FROM ac_sms_budget.ledgers WHERE account = account_ FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO ac_sms_budget.ledgers (account) VALUES (account_) ON CONFLICT DO NOTHING;
        fresh := FOUND;
        SELECT * INTO l FROM ac_sms_budget.ledgers WHERE account = account_ FOR UPDATE;
    END IF;
    now_ := coalesce(at, extract(epoch FROM clock_timestamp()));
    wait := 0;
    IF fresh AND requests IS NOT NULL THEN
        -- Nobody knows what was started within the last second.
        l.starts := array_fill(now_, ARRAY[requests]);
        l.numbers := array_fill(0::bigint, ARRAY[requests]);
    END IF;
    -- The server's clock was set back, or else nobody would be held up for so long.
    l.paused_until := least(l.paused_until, now_ + longest_pause);
    -- From here on `requests`, `span` and `reserve` are those that hold for all.
    l := ac_sms_budget.agreed(l, requests, span, reserve, now_);
    requests := NULL;
    FOR i IN 1..cardinality(l.held_until) LOOP
        requests := least(requests, l.held_requests[i]);
    END LOOP;
    span := 0;
    reserve := 0;
    FOR i IN 1..cardinality(l.held_until) LOOP
        span := greatest(span, l.held_window[i] / (l.held_requests[i] / requests));
        longest := greatest(longest, l.held_window[i]);
        reserve := greatest(reserve, least(l.held_reserve[i], requests - 1));
    END LOOP;

    CASE act
    WHEN 'look' THEN
        WHILE requests IS NOT NULL AND l.starts[1] <= now_ - longest + negligible LOOP
            l.starts := l.starts[2:];
            l.numbers := l.numbers[2:];
        END LOOP;
        place := ac_sms_budget.expected_wait(l, requests, span, now_, 0);
        wait := place;
        IF NOT bulk THEN
            l.interactive_at := now_;
        ELSIF requests IS NOT NULL AND l.since_bulk < share - 1 AND now_ < l.interactive_at + about THEN
            to_spread := l.let_go_at + spread * span / requests - now_;
            IF to_spread <= negligible THEN
                to_spread := 0;
            END IF;
            wait := greatest(ac_sms_budget.expected_wait(l, requests, span, now_, reserve), to_spread);
        END IF;
        IF wait > 0 OR cardinality(l.waiters) > 0 THEN
            IF array_position(l.waiters, who) IS NULL THEN
                l.waiters := l.waiters || who;
                l.look_at := l.look_at || now_;
            END IF;
            FOR i IN REVERSE cardinality(l.waiters)..1 LOOP
                IF now_ > l.look_at[i] + forgotten_after AND l.waiters[i] <> who THEN
                    l := ac_sms_budget.without(l, i);
                END IF;
            END LOOP;
            mine := array_position(l.waiters, who);
            -- Who waits beside it and is expected: all, or for a place that is free those who are about to come.
            FOR i IN 1..cardinality(l.waiters) LOOP
                IF i = mine OR (now_ <= l.look_at[i] + grace AND (place > 0 OR l.look_at[i] <= now_ + soon)) THEN
                    IF i < mine AND (l.waiters[i] < 0) = bulk THEN
                        before_mine := before_mine + 1;
                    END IF;
                    IF l.waiters[i] < 0 THEN
                        n_bulk := n_bulk + 1;
                    ELSE
                        n_interactive := n_interactive + 1;
                    END IF;
                END IF;
            END LOOP;
            since := l.since_bulk;
            LOOP
                IF bulk_ahead < n_bulk AND (ahead - bulk_ahead >= n_interactive OR since >= share - 1) THEN
                    EXIT WHEN bulk AND bulk_ahead = before_mine;
                    bulk_ahead := bulk_ahead + 1;
                    since := 0;
                ELSE
                    EXIT WHEN NOT bulk AND ahead - bulk_ahead = before_mine;
                    since := since + 1;
                END IF;
                ahead := ahead + 1;
            END LOOP;
            IF ahead > 0 AND place > 0 THEN
                wait := greatest(wait, ac_sms_budget.expected_wait(l, requests, span, now_, ahead - 1));
                IF bulk AND bulk_ahead < ahead THEN
                    turns := share - 1 - least(l.since_bulk, share - 1) + share * bulk_ahead;
                    wait := least(
                        wait, ac_sms_budget.expected_wait(l, requests, span, now_, greatest(turns - 1, 0)::integer)
                    );
                END IF;
                wait := wait + least(stagger * ahead, soon);
            ELSIF ahead > 0 THEN
                wait := again_after;
            END IF;
        END IF;
        IF wait > 0 THEN
            l.look_at[mine] := now_ + wait;
        ELSE
            wait := 0;
            entry := now_;
            mine := array_position(l.waiters, who);
            IF mine IS NOT NULL THEN
                entry := greatest(least(l.look_at[mine], now_), now_ - late);
                l := ac_sms_budget.without(l, mine);
                IF again THEN
                    l.waiters := l.waiters || who;
                    l.look_at := l.look_at || now_;
                END IF;
            END IF;
            l.let_go_at := now_;
            l.since_bulk := CASE WHEN bulk THEN 0 ELSE l.since_bulk + 1 END;
            IF requests IS NOT NULL THEN
                l := ac_sms_budget.entered(l, entry, number_);
            END IF;
        END IF;
    WHEN 'leave' THEN
        l := ac_sms_budget.without(l, array_position(l.waiters, who));
    WHEN 'move' THEN
        l := ac_sms_budget.entered(ac_sms_budget.forgotten(l, number_), now_ + seconds, number_);
    WHEN 'forget' THEN
        l := ac_sms_budget.forgotten(l, number_);
    WHEN 'pause' THEN
        IF now_ + least(seconds, longest_pause) > l.paused_until THEN
            l.paused_until := now_ + least(seconds, longest_pause);
            -- All places but one are taken for a window from then on: one request finds out whether it holds still.
            FOR i IN 1..CASE WHEN seconds > longest_pause THEN coalesce(requests, 1) - 1 ELSE 0 END LOOP
                l := ac_sms_budget.entered(l, l.paused_until, 0);
            END LOOP;
        END IF;
    WHEN 'resume' THEN
        l.paused_until := '-Infinity';
        -- With those that held places from the end of a long pause on.
        WHILE l.starts[cardinality(l.starts)] > now_ AND l.numbers[cardinality(l.numbers)] = 0 LOOP
            l.starts := l.starts[:cardinality(l.starts) - 1];
            l.numbers := l.numbers[:cardinality(l.numbers) - 1];
        END LOOP;
    WHEN 'show' THEN
        NULL;
    WHEN 'return' THEN
        -- Who was without it for a while may not be the only one. Where nobody has drawn on it within a window, others
        -- may still start what is not in here, until they find it too, within so many seconds: no place is free before.
        IF l.let_go_at <= now_ - span THEN
            FOR i IN 1..coalesce(requests, 0) LOOP
                l := ac_sms_budget.entered(l, now_ + seconds - span, 0);
            END LOOP;
            l.let_go_at := now_;
        END IF;
    END CASE;

    UPDATE ac_sms_budget.ledgers AS kept SET
        starts = l.starts, numbers = l.numbers, waiters = l.waiters, look_at = l.look_at,
        paused_until = l.paused_until, let_go_at = l.let_go_at, since_bulk = l.since_bulk,
        interactive_at = l.interactive_at, held_requests = l.held_requests, held_window = l.held_window,
        held_reserve = l.held_reserve, held_until = l.held_until
    WHERE kept.account = account_;
    starts := l.starts;
    paused_until := l.paused_until;
    since_bulk := l.since_bulk;
    waiters := l.waiters;
    most := requests;
    within := span;
END $$;
