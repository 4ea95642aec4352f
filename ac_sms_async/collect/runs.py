"""Runs in the store: beginning one, taking up one that was cut short, closing one.

A run is what one command asks for; a sitting is one process at work on it. Each sitting takes the account's next
number, and that is the order of everything: clocks jump, and two machines never agree. Whoever has the highest number
has the account; one that was overtaken, because it was frozen and woke late, can't write any more (see `Ledger`).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Literal, cast

from attrs import evolve, frozen

from ac_sms_async.collect.calendar import keep_calendar, zone_name
from ac_sms_async.collect.result import RunStatus
from ac_sms_async.collect.rows import moment
from ac_sms_async.collect.store.protocol import Row, Statement, Store
from ac_sms_async.collect.window import Window

__all__ = ["RUN_COUNTS", "Run", "begin", "fence", "finish"]

RUN_COUNTS = ("broadcasts", "metrics", "missing", "failure_groups", "recipients", "replies", "failed")

RESUME_WITHIN = timedelta(days=3)
"""An unfinished run older than this is given up: nobody asks for it any more."""

ATTEMPTS = 8
"""So many runs try an id that fails, over some two dozen of them; then it is given up, with a note in failed_ids."""


@frozen
class Run:
    """A run that was begun or taken up again, in its present sitting."""

    run_id: str
    started_at: datetime
    """When it was begun, by the clock of the machine that began it."""
    resumed: bool
    since: datetime | None
    """For a run since the last: what was sent before it has come to rest. None: everything is counted."""
    sitting: int
    """The account's number of this sitting."""
    sat_down_at: datetime
    seq: int
    """The highest number of its work so far."""


async def begin(
    store: Store,
    account: str,
    url: str,
    window: Window,
    spec: str,
    *,
    now: datetime,
    zone: tzinfo | None = None,
    fresh: bool = False,
) -> Run:
    """Take up the unfinished run of the same account and `spec`, or begin one (always, with `fresh`).

    `zone` is that of the account's calendar; None leaves what is known of it. A run that is taken up reads everything
    anew, for only then does each row tell of this sitting; what it had not fetched yet comes first.
    """
    unfinished = await store.read(
        "SELECT run_id, spec, started_at FROM runs WHERE account = ? "
        "AND status IN ('running', 'failed', 'interrupted') ORDER BY sitting DESC, started_at DESC, run_id DESC",
        (account,),
    )
    found = cast("list[tuple[str, str, str]]", unfinished)
    same = [row for row in found if row[1] == spec]
    oldest = moment(now - RESUME_WITHIN)
    rows = await store.read("SELECT sitting FROM accounts WHERE account = ?", (account,))
    sitting = cast("int", rows[0][0]) + 1 if rows else 1
    now = now.replace(microsecond=0)
    run = Run(f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}", now, False, None, sitting, now, 0)
    if same and same[0][2] >= oldest and not fresh:
        run_id, _, started_at = same[0]
        [(seq,)] = await store.read("SELECT COALESCE(MAX(seq), 0) FROM work WHERE run_id = ?", (run_id,))
        started = datetime.fromisoformat(started_at)
        run = evolve(run, run_id=run_id, started_at=started, resumed=True, seq=cast("int", seq))
    run = evolve(run, since=await _since(store, account, window))
    stale = [row[0] for row in found if row[0] != run.run_id and (row[1] == spec or row[2] < oldest)]
    await store.write(
        Statement(
            "INSERT INTO accounts (account, url, first_seen_at, sitting, timezone) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (account) DO UPDATE SET url = excluded.url, sitting = excluded.sitting, "
            "timezone = COALESCE(excluded.timezone, accounts.timezone)",
            [(account, url, moment(now), sitting, zone_name(zone))],
        ),
        *await keep_calendar(store, zone, now),
        Statement("UPDATE runs SET status = 'abandoned' WHERE run_id = ?", [(run_id,) for run_id in stale]),
        *_emptied(stale),
        Statement("DELETE FROM work WHERE run_id = ? AND done = 1", [(run.run_id,)]),
        _opened(run, account, window, spec),
        Statement(
            "INSERT INTO work (run_id, kind, broadcast_id, seq, done) VALUES (?, ?, 0, ?, 0) ON CONFLICT DO NOTHING",
            [(run.run_id, kind, run.seq + 1) for kind in ("credits", "lists", "snapshot")],
        ),
    )
    return evolve(run, seq=run.seq + 1)


def fence(account: str, run: Run) -> Statement:
    """What fails, and the whole transaction with it, once another sitting has the account."""
    return Statement(
        "UPDATE accounts SET sitting = CASE WHEN sitting = ? THEN sitting END WHERE account = ?",
        [(run.sitting, account)],
    )


async def finish(
    store: Store,
    account: str,
    run: Run,
    status: RunStatus | Literal["interrupted"],
    error: str | None,
    *,
    owed: int = 0,
    whole: bool = False,
    now: datetime,
) -> Row:
    """Close the run; returns its counts, as `RUN_COUNTS` names them. A run that is over leaves no work behind.

    `owed` is how much it owes, `whole` says that nothing of its list was left out.
    """
    over = status in ("complete", "partial")
    reached = await _reached(store, account, run) if whole and over else None
    await store.write(
        fence(account, run),
        Statement(
            "UPDATE runs SET status = ?, error = ?, finished_at = ?, reached = ?, failed = ?, broadcasts = "
            "(SELECT COUNT(*) FROM broadcasts WHERE account = ? AND sitting = ?) WHERE run_id = ?",
            [(status, error, moment(now), reached, owed, account, run.sitting, run.run_id)],
        ),
        *(_tried(account, run, now) if over else []),
        *_emptied([run.run_id] if over else []),
        # Whoever is told that it is complete can rely on it, whatever crashes next.
        durable=True,
    )
    [row] = await store.read(f"SELECT {', '.join(RUN_COUNTS)} FROM runs WHERE run_id = ?", (run.run_id,))
    return row


def _tried(account: str, run: Run, now: datetime) -> list[Statement]:
    """Another attempt at what failed: it is tried again after more and more runs, and given up at last.

    Only a run that came to its end counts: while an account is out of reach, nothing is learned about an id.
    """
    mine = (account, run.run_id)
    return [
        Statement(
            "UPDATE failed_ids SET attempts = attempts + 1, retry_sitting = ? + CASE WHEN attempts < 2 THEN 1 "
            "WHEN attempts < 4 THEN 2 WHEN attempts < 6 THEN 4 ELSE 8 END WHERE account = ? AND run_id = ?",
            [(run.sitting, *mine)],
        ),
        Statement(
            "UPDATE failed_ids SET given_up_at = ? "
            "WHERE account = ? AND run_id = ? AND attempts >= ? AND given_up_at IS NULL",
            [(moment(now), *mine, ATTEMPTS)],
        ),
    ]


async def _since(store: Store, account: str, window: Window) -> datetime | None:
    """Before when everything was sent that had come to rest by the last run that looked at all that could change."""
    if window.horizon is None:
        return None
    rows = await store.read(
        "SELECT reached FROM runs WHERE account = ? AND mode IN ('full', 'since_last') AND reached IS NOT NULL "
        "ORDER BY sitting DESC LIMIT 1",
        (account,),
    )
    try:
        return datetime.fromisoformat(str(rows[0][0])) - window.horizon if rows else None
    except OverflowError:
        # What the server calls sent was all sent at the beginning of time.
        return None


async def _reached(store: Store, account: str, run: Run) -> str:
    """When this sitting began, by our clock or by what the server has sent by then, whichever is earlier.

    A clock that is ahead must not make anything come to rest before its time, so it is believed only as far as the
    server bears it out.
    """
    clock = moment(run.sat_down_at)
    [(newest,)] = await store.read(
        "SELECT MAX(sent_date) FROM broadcasts WHERE account = ? AND sent_date <= ?", (account, clock)
    )
    return clock if newest is None else min(clock, str(newest))


def _opened(run: Run, account: str, window: Window, spec: str) -> Statement:
    start = window.start if run.since is None else run.since.astimezone(UTC).date()
    return Statement(
        "INSERT INTO runs (run_id, account, mode, spec, status, window_start, window_end, started_at, sitting) "
        "VALUES (?, ?, ?, ?, 'running', ?, ?, ?, ?) ON CONFLICT (run_id) DO UPDATE SET "
        "status = 'running', finished_at = NULL, error = NULL, reached = NULL, sitting = excluded.sitting, "
        "window_start = excluded.window_start, resumed = runs.resumed + 1, "
        + ", ".join(f"{name} = 0" for name in RUN_COUNTS),
        [
            (
                *(run.run_id, account, window.mode, spec),
                *(_text(start), _text(window.end), moment(run.started_at), run.sitting),
            )
        ],
    )


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _emptied(run_ids: Iterable[str]) -> list[Statement]:
    rows = [(run_id,) for run_id in run_ids]
    return [Statement(f"DELETE FROM {name} WHERE run_id = ?", rows) for name in ("work", "checkpoints")]
