"""How the fleet stands: each account, the queue, the workers, and how much gets done."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from attrs import asdict, field, frozen

from ac_sms_async.fleet.database import Database
from ac_sms_async.fleet.queue import COLLECT, SCHEDULE, TIDY

__all__ = ["AccountStatus", "FleetStatus", "fleet_status"]

State = Literal["running", "queued", "retrying", "failing", "partial", "ok", "new"]


@frozen(kw_only=True)
class AccountStatus:
    """How one account stands. `lag` is the seconds since its last success, or since it was added."""

    name: str
    url: str
    state: State
    """`running` or `queued` now; `retrying` after a failure; else as the last job ended; `new` before the first."""
    priority: int
    schedule: str | None
    next_at: datetime | None
    last_success_at: datetime | None
    last_ended_at: datetime | None
    lag: float
    reason: str | None
    """The class of the error that the last job ended in."""
    error: str | None
    """That error in words."""
    requests: int
    """Requests that its finished jobs have made, ever."""
    rows: int
    """Rows that its finished jobs have collected, ever."""


@frozen(kw_only=True)
class FleetStatus:
    """How all of it stands."""

    accounts: list[AccountStatus]
    jobs: dict[str, int]
    """How many jobs of its accounts are `todo`, `doing` and `failed`."""
    upkeep_failed: list[str] = field(factory=list[str])
    """Of the fleet's own upkeep (`ac-sms:schedule`, `ac-sms:tidy`), what failed when it was last tried."""
    workers: int
    """How many workers have shown a sign of life within 30 seconds."""
    requests_per_second: float
    """Of the jobs that ended within the last hour."""
    rows_per_second: float
    """Of the jobs that ended within the last hour."""

    def to_json(self) -> dict[str, Any]:
        """As a dict that JSON can hold, but for its times."""
        return asdict(self)


async def fleet_status(database: Database) -> FleetStatus:
    """How the fleet stands now. Raises `FleetError`."""
    accounts = await database.rows(
        """
        SELECT a.*, extract(epoch FROM now() - coalesce(last_success_at, added_at))::float AS lag,
            coalesce(j.doing, false) AS doing, coalesce(j.todo, false) AS todo
        FROM accounts AS a LEFT JOIN (
            SELECT args->>'account' AS name, bool_or(status = 'doing') AS doing, bool_or(status = 'todo') AS todo
            FROM procrastinate_jobs WHERE task_name = %s AND status IN ('todo', 'doing') GROUP BY 1
        ) AS j USING (name) ORDER BY a.name
        """,
        (COLLECT,),
    )
    jobs = await database.rows(
        """
        SELECT status::text, count(*) AS number FROM (
            SELECT DISTINCT ON (queueing_lock) status, args FROM procrastinate_jobs WHERE task_name = %s
            ORDER BY queueing_lock, id DESC
        ) AS latest JOIN accounts ON name = args->>'account' GROUP BY status
        """,
        (COLLECT,),
    )
    upkeep = await database.rows(
        """
        SELECT DISTINCT ON (task_name) task_name, status::text FROM procrastinate_jobs
        WHERE task_name = ANY(%s) AND status IN ('succeeded', 'failed') ORDER BY task_name, id DESC
        """,
        ([SCHEDULE, TIDY],),
    )
    [workers] = await database.rows(
        "SELECT count(*) AS number FROM procrastinate_workers WHERE last_heartbeat > now() - interval '30 seconds'"
    )
    [speed] = await database.rows(
        """
        SELECT coalesce(sum(requests) / greatest(1, extract(epoch FROM now() - min(started_at))), 0)::float AS requests,
            coalesce(sum(rows) / greatest(1, extract(epoch FROM now() - min(started_at))), 0)::float AS rows
        FROM sittings WHERE ended_at > now() - interval '1 hour'
        """
    )
    counted = {row["status"]: row["number"] for row in jobs}
    return FleetStatus(
        accounts=[_account(row) for row in accounts],
        jobs={status: counted.get(status, 0) for status in ("todo", "doing", "failed")},
        upkeep_failed=[row["task_name"] for row in upkeep if row["status"] == "failed"],
        workers=workers["number"],
        requests_per_second=speed["requests"],
        rows_per_second=speed["rows"],
    )


def _account(row: dict[str, Any]) -> AccountStatus:
    return AccountStatus(
        state=_state(row),
        reason=row["last_reason"],
        error=row["last_error"],
        **{
            name: row[name]
            for name in (
                *("name", "url", "priority", "schedule", "next_at", "last_success_at", "last_ended_at"),
                *("lag", "requests", "rows"),
            )
        },
    )


def _state(row: dict[str, Any]) -> State:
    if row["doing"]:
        return "running"
    if row["todo"]:
        return "retrying" if row["last_outcome"] in ("failed", "returned") else "queued"
    outcomes: dict[str | None, State] = {None: "new", "complete": "ok", "partial": "partial"}
    return outcomes.get(row["last_outcome"], "failing")
