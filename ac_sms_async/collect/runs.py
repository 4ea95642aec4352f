"""Runs in the store: beginning one, taking up one that was cut short, closing one."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from typing import Literal, cast

from attrs import evolve, frozen

from ac_sms_async.collect.result import RunStatus
from ac_sms_async.collect.rows import moment
from ac_sms_async.collect.statements import marks
from ac_sms_async.collect.store import Row, Statement, Store
from ac_sms_async.collect.window import Detail, Window

__all__ = ["RUN_COUNTS", "Run", "begin", "finish"]

RUN_COUNTS = ("broadcasts", "metrics", "missing", "failure_groups", "recipients", "replies", "failed")

RESUME_WITHIN = timedelta(days=3)
"""An unfinished run older than this is given up: what it listed is too old to go on with."""


@frozen
class Run:
    """A run that was begun or taken up again."""

    run_id: str
    started_at: datetime
    resumed: bool
    since: date | None
    """For a run since the last: the first day of what can still change. None: everything is read."""
    seq: int
    """The highest number of its work so far."""


async def begin(
    store: Store,
    account: str,
    url: str,
    window: Window,
    include: Collection[Detail],
    *,
    now: datetime,
    fresh: bool = False,
) -> Run:
    """Take up the unfinished run of the same account, window and details, or begin one (always, with `fresh`).

    What earlier runs owe (`failed_ids`) becomes work of this one.
    """
    spec = window.spec(include)
    oldest = moment(now - RESUME_WITHIN)
    unfinished = await store.read(
        "SELECT run_id, spec, started_at, window_start FROM runs WHERE account = ? "
        "AND status IN ('running', 'failed', 'interrupted') ORDER BY started_at DESC, run_id DESC",
        (account,),
    )
    found = cast("list[tuple[str, str, str, str | None]]", unfinished)
    same = [row for row in found if row[1] == spec]
    if same and same[0][2] >= oldest and not fresh:
        run = await _taken_up(store, same[0], window)
    else:
        since = await _since(store, account, window)
        run_id = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        run = Run(run_id, now.replace(microsecond=0), False, since, 0)
    stale = [row[0] for row in found if row[0] != run.run_id and (row[1] == spec or row[2] < oldest)]
    owed = await _owed(store, account, include)
    await store.write(
        Statement(
            "INSERT INTO accounts (account, url, first_seen_at) VALUES (?, ?, ?) "
            "ON CONFLICT (account) DO UPDATE SET url = excluded.url",
            [(account, url, moment(now))],
        ),
        Statement("UPDATE runs SET status = 'abandoned' WHERE run_id = ?", [(run_id,) for run_id in stale]),
        *_emptied(stale),
        _opened(run, account, window, spec),
        Statement(
            "INSERT INTO work (run_id, kind, broadcast_id, seq, done) VALUES (?, ?, ?, ?, 0) "
            "ON CONFLICT (run_id, kind, broadcast_id) DO UPDATE SET seq = excluded.seq, done = 0",
            [(run.run_id, kind, owed_id, run.seq + place) for place, (kind, owed_id) in enumerate(owed, 1)],
        ),
        Statement(
            "INSERT INTO work (run_id, kind, broadcast_id, seq, done) VALUES (?, ?, 0, ?, 0) ON CONFLICT DO NOTHING",
            [(run.run_id, kind, run.seq + len(owed) + 1) for kind in ("credits", "snapshot")],
        ),
    )
    return evolve(run, seq=run.seq + len(owed) + 1)


async def finish(
    store: Store,
    account: str,
    run: Run,
    status: RunStatus | Literal["interrupted"],
    error: str | None,
    *,
    now: datetime,
) -> Row:
    """Close the run; returns its counts, as `RUN_COUNTS` names them. A run that is over leaves no work behind."""
    over = status in ("complete", "partial")
    await store.write(
        Statement(
            "UPDATE runs SET status = ?, error = ?, finished_at = ?, "
            "broadcasts = (SELECT COUNT(*) FROM work WHERE run_id = ? AND kind = 'metrics'), "
            "failed = (SELECT COUNT(*) FROM failed_ids WHERE account = ? AND run_id = ?) WHERE run_id = ?",
            [(status, error, moment(now), run.run_id, account, run.run_id, run.run_id)],
        ),
        *_emptied([run.run_id] if over else []),
    )
    [row] = await store.read(f"SELECT {', '.join(RUN_COUNTS)} FROM runs WHERE run_id = ?", (run.run_id,))
    return row


async def _taken_up(store: Store, found: tuple[str, str, str, str | None], window: Window) -> Run:
    run_id, _, started_at, start = found
    since = date.fromisoformat(start) if start is not None and window.horizon is not None else None
    [(seq,)] = await store.read("SELECT COALESCE(MAX(seq), 0) FROM work WHERE run_id = ?", (run_id,))
    return Run(run_id, datetime.fromisoformat(started_at), True, since, cast("int", seq))


async def _since(store: Store, account: str, window: Window) -> date | None:
    """The first day of what can have changed since the last run that looked at everything that could."""
    if window.horizon is None:
        return None
    [(started_at,)] = await store.read(
        "SELECT MAX(started_at) FROM runs WHERE account = ? AND mode IN ('full', 'since_last') "
        "AND status IN ('complete', 'partial')",
        (account,),
    )
    return (datetime.fromisoformat(str(started_at)) - window.horizon).date() if started_at is not None else None


async def _owed(store: Store, account: str, include: Collection[Detail]) -> list[tuple[str, int]]:
    """What failed before and is asked for again, as `(kind, broadcast_id)`."""
    kinds = ("broadcast", "metrics", "credits", "snapshot", *sorted(include))
    rows = await store.read(
        f"SELECT kind, broadcast_id FROM failed_ids WHERE account = ? AND kind IN ({marks(len(kinds))}) "
        "ORDER BY kind, broadcast_id",
        (account, *kinds),
    )
    return cast("list[tuple[str, int]]", rows)


def _opened(run: Run, account: str, window: Window, spec: str) -> Statement:
    start = run.since or window.start
    return Statement(
        "INSERT INTO runs (run_id, account, mode, spec, status, window_start, window_end, started_at) "
        "VALUES (?, ?, ?, ?, 'running', ?, ?, ?) ON CONFLICT (run_id) DO UPDATE SET "
        "status = 'running', finished_at = NULL, error = NULL, resumed = runs.resumed + 1",
        [
            (
                *(run.run_id, account, window.mode, spec),
                *(_text(start), _text(window.end), moment(run.started_at)),
            )
        ],
    )


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _emptied(run_ids: Iterable[str]) -> list[Statement]:
    rows = [(run_id,) for run_id in run_ids]
    return [Statement(f"DELETE FROM {name} WHERE run_id = ?", rows) for name in ("work", "checkpoints")]
