"""A connection to a PostgreSQL that keeps budgets: the rules are a function there, in `postgres.sql`."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import resources
from typing import Any, TypeAlias

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ac_sms_async.budget.store import Answer, Cut, Request, Trouble

__all__ = ["PostgresStore"]

_DEFAULTS: Mapping[str, str] = {
    "fallback_application_name": "ac-sms budget",
    "connect_timeout": "2",
    "keepalives_idle": "5",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}

# Any constant: it keeps two processes from doing this at once.
_INSTALL = "SELECT pg_advisory_xact_lock(1112884295);"

_TURNS = """
SELECT done.* FROM unnest(
    %s::text[], %s::text[], %s::bigint[], %s::boolean[], %s::bigint[], %s::float8[], %s::boolean[],
    %s::integer[], %s::float8[], %s::integer[]
) WITH ORDINALITY AS asked (account, act, me, bulk, number, seconds, again, requests, span, reserve, place),
LATERAL ac_sms_budget.turn(account, act, me, bulk, number, seconds, again, requests, span, reserve) AS done
ORDER BY place
"""

_Row: TypeAlias = tuple[Any, ...]


class PostgresStore:
    """As `store.Store`."""

    def __init__(self, dsn: str) -> None:
        given = conninfo_to_dict(dsn)
        missing = {name: value for name, value in _DEFAULTS.items() if name not in given}
        try:
            self._connection: psycopg.Connection[_Row] = psycopg.connect(
                make_conninfo(dsn, **missing), autocommit=True, prepare_threshold=None
            )
        except psycopg.Error as error:
            raise Trouble(type(error).__name__) from None

    def take_turns(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """All in one go."""
        try:
            try:
                rows = self._ask(requests)
            except (psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedFunction):
                text = resources.files("ac_sms_async.budget").joinpath("postgres.sql").read_text()
                self._connection.execute((_INSTALL + text).encode())
                rows = self._ask(requests)
        except psycopg.Error as error:
            raise (Cut if isinstance(error, psycopg.OperationalError) else Trouble)(type(error).__name__) from None
        return [_answer(*row) for row in rows]

    def _ask(self, requests: Sequence[Request]) -> Sequence[_Row]:
        columns = zip(*((request.account, *request.values()) for request in requests), strict=True)
        return self._connection.execute(_TURNS, [list(column) for column in columns]).fetchall()

    def break_off(self) -> None:
        """What waits for the database fails at once, as it does on a dead network, too."""
        # It may have been closed by now, by either side.
        with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(self._connection.fileno())) as same:
            same.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()


def _answer(
    wait: float,
    now: float,
    starts: Sequence[float],
    paused_until: float,
    since_bulk: int,
    waiters: Sequence[int],
    most: int | None,
    within: float,
) -> Answer:
    limit = None if most is None else (most, within)
    return Answer(wait, [start - now for start in starts], paused_until - now, since_bulk, waiters, limit)
