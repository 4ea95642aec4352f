"""A connection to a Redis that keeps budgets: the rules are a script there, `redis.lua`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from hashlib import sha1
from importlib import resources
from typing import Any

from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import NoScriptError, RedisError

from ac_sms_async.budget.redis_address import connection_to
from ac_sms_async.budget.store import CONNECTING, PATIENCE, Answer, Cut, Request, Trouble

__all__ = ["PREFIX", "RedisStore", "script", "script_arguments"]

PREFIX = "ac_sms_budget:"
"""An account's ledger is kept under this and its name."""


@cache
def script() -> str:
    """The rules."""
    return resources.files("ac_sms_async.budget").joinpath("redis.lua").read_text()


@cache
def _digest() -> str:
    # Redis names scripts by it; nothing is kept safe by it.
    return sha1(script().encode(), usedforsecurity=False).hexdigest()


class RedisStore:
    """As `store.Store`."""

    def __init__(self, url: str) -> None:
        self._connection = connection_to(url, patience=PATIENCE, connecting=CONNECTING)
        try:
            self._connection.connect()
        except RedisError as error:
            raise Trouble(type(error).__name__) from None

    def take_turns(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """All in one go."""
        turns = [(request.account, request.values()) for request in requests]
        try:
            try:
                replies = self._run("EVALSHA", _digest(), *script_arguments(turns))
            except NoScriptError:
                # No script outlives a server: it has lost what it knew, or goes by what it wrote down a while ago.
                replies = self._run("EVAL", script(), *script_arguments(turns, is_new=True))
        except RedisError as error:
            raise (Cut if isinstance(error, ConnectionLost) else Trouble)(type(error).__name__) from None
        return [_answer(*reply) for reply in replies]

    def _run(self, *command: str | int) -> Any:
        self._connection.send_command(*command)
        return self._connection.read_response()

    def break_off(self) -> None:
        """It gives up by itself, as soon as whoever asks does."""

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.disconnect()


def script_arguments(
    turns: Sequence[tuple[str, Sequence[Any]]], *, at: float | None = None, is_new: bool = False
) -> Sequence[str | int]:
    """What the script is run with, for so many accounts' turns: how many keys there are, these, and its arguments.

    `at` is for tests.
    """
    keys = list(dict.fromkeys(account for account, _ in turns))
    values = [_text(value) for account, turn in turns for value in (keys.index(account) + 1, *turn)]
    return (len(keys), *(PREFIX + key for key in keys), _text(at), _text(is_new), *values)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return repr(float(value)) if isinstance(value, float) else str(int(value) if isinstance(value, bool) else value)


def _answer(
    wait: str,
    now: str,
    starts: Sequence[str],
    paused_until: str,
    since_bulk: int,
    waiters: Sequence[str],
    most: int | str,
    within: str,
) -> Answer:
    there = float(now)
    limit = None if most == "" else (int(most), float(within))
    return Answer(
        float(wait),
        [float(start) - there for start in starts],
        float(paused_until) - there,
        since_bulk,
        [int(waiter) for waiter in waiters],
        limit,
    )
