"""Who shares a budget, as the option says it: read once, and shown without secrets."""

from __future__ import annotations

import os
import re
import sys
import time
from typing import Any, Literal, TypeAlias

from attrs import field, frozen

from ac_sms_async.errors import ConfigurationError
from ac_sms_async.options import RateLimit, shown

__all__ = ["MOST_SHARED", "TRIED_ON", "Database", "Scope", "default_scope", "is_played", "parse_scope"]

TRIED_ON = ("linux",)
"""Elsewhere a budget is that of the event loop."""

FAR_OFF = 60.0
"""Seconds between an event loop's time and the machine's that no busy loop makes: it is a virtual one."""

MOST_SHARED = 100
"""Requests of a limit that processes share: a page of the file has room for so many."""

_DSN = re.compile(r"postgres(?:ql)?://|\w+ *=", re.IGNORECASE)
"""A URL, or libpq's keywords."""

_REDIS = re.compile(r"(rediss?|unix)://", re.IGNORECASE)


@frozen
class Database:
    """A PostgreSQL or Redis that keeps budgets."""

    dsn: str = field(repr=False)
    shown: str
    """Where it is, without user, password and options."""
    is_redis: bool = False

    def __str__(self) -> str:
        return self.shown


Scope: TypeAlias = Literal["loop", "machine"] | Database


def default_scope(limit: RateLimit | None, *, may_be_shared: bool) -> Scope:
    """Who shares a budget where nothing is said of it: the machine, unless that may bring in what isn't real."""
    fits = limit is not None and limit.requests <= MOST_SHARED
    return "machine" if fits and may_be_shared and sys.platform in TRIED_ON else "loop"


def is_played() -> bool:
    """Whether the running code is under pytest, or its event loop's time is not the machine's."""
    if "PYTEST_CURRENT_TEST" in os.environ:
        return True
    import asyncio

    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        # Trio's own clock has an offset by chance; all others are somebody's.
        import trio

        return type(trio.lowlevel.current_clock()).__name__ != "SystemClock"
    return abs(loop.time() - time.monotonic()) > FAR_OFF


def parse_scope(budget: Any, limit: RateLimit | None) -> Scope:
    """What `budget` says. Raises `ConfigurationError`, which repeats nothing of a DSN."""
    scope: Scope
    if isinstance(budget, str) and _DSN.match(budget.strip()):
        # PostgreSQL's own library knows the scheme in small letters only.
        scope = _database(re.sub(r"^postgres(ql)?://", "postgresql://", budget.strip(), flags=re.IGNORECASE))
    elif isinstance(budget, str) and _REDIS.match(budget.strip()):
        # As there.
        scope = _redis(_REDIS.sub(lambda found: found[0].lower(), budget.strip(), count=1))
    elif budget == "loop" or budget == "machine":
        scope = budget
    else:
        given = "this (it isn't repeated here: it may hold a password)" if _may_hold_secrets(budget) else shown(budget)
        raise ConfigurationError(f'budget must be "loop", "machine", "postgresql://..." or "redis://...", not {given}')
    if scope == "machine" and limit is not None and limit.requests > MOST_SHARED:
        raise ConfigurationError(
            f'with budget="machine" rate_limit can have {MOST_SHARED} requests at most, not {limit.requests}'
        )
    return scope


def _may_hold_secrets(given: Any) -> bool:
    return isinstance(given, str) and re.search(r"[@:=]", given) is not None


def _database(dsn: str) -> Database:
    try:
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict
    except ImportError:
        raise ConfigurationError('a budget in PostgreSQL needs psycopg: pip install "ac-sms-async[postgres]"') from None
    try:
        given = conninfo_to_dict(dsn)
    except ProgrammingError:
        # Its message quotes the DSN, and with it the password.
        raise ConfigurationError(
            "budget must be given as postgresql://user@host/database; this can't be read"
        ) from None
    host = given.get("host") or given.get("hostaddr") or ""
    port = f":{given['port']}" if given.get("port") else ""
    return Database(dsn, f"postgresql://{host}{port}/{given.get('dbname') or ''}")


def _redis(url: str) -> Database:
    try:
        from ac_sms_async.budget.redis_address import connection_to, shown_address
    except ImportError:
        raise ConfigurationError('a budget in Redis needs redis: pip install "ac-sms-async[redis]"') from None
    try:
        connection_to(url)
        return Database(url, shown_address(url), is_redis=True)
    except (TypeError, ValueError):
        # Their messages may quote the URL, and with it the password.
        raise ConfigurationError("budget must be given as redis://user@host:6379/0; this can't be read") from None
