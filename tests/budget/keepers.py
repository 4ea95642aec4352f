"""Databases that keep ledgers, as tests see them: turns at made-up times, and what is kept afterwards."""

from __future__ import annotations

from importlib import resources
from typing import Any, Protocol

import psycopg
from attrs import define

from ac_sms_async.budget.ledger import Ledger, Waiter
from ac_sms_async.budget.limits import Held
from ac_sms_async.budget.redis import PREFIX, script, script_arguments
from ac_sms_async.budget.redis_address import Wire

READ = """
local l = cmsgpack.unpack(redis.call('GET', KEYS[1]))
local function told(value)
  if type(value) == 'table' then
    local all = {}
    for place, one in ipairs(value) do
      all[place] = told(one)
    end
    return all
  elseif type(value) == 'number' then
    return string.format('%.17g', value)
  elseif type(value) == 'boolean' then
    return value and 1 or 0
  end
  return value
end
return told({l.starts, l.waiters, l.paused_until, l.let_go_at, l.since_bulk, l.interactive_at, l.limits})
"""

Turn = tuple[str, int, bool, int, float, bool, int | None, float | None, int | None]
"""What to do, who, whether it is bulk, number, seconds, again; requests, window and reserve of a limit."""


class Keeper(Protocol):
    """A database."""

    def forget_all(self) -> None: ...

    def begin(self, account: str) -> None:
        """Of this account nothing was started of late."""
        ...

    def turn(self, account: str, turn: Turn, now: float) -> float:
        """For how long to wait."""
        ...

    def kept(self, account: str) -> Ledger: ...


@define
class PostgresKeeper:
    """Keeps them in PostgreSQL."""

    connection: psycopg.Connection[tuple[Any, ...]]

    def install(self) -> None:
        self.connection.execute(resources.files("ac_sms_async.budget").joinpath("postgres.sql").read_bytes())

    def forget_all(self) -> None:
        self.connection.execute("TRUNCATE ac_sms_budget.ledgers")

    def begin(self, account: str) -> None:
        self.connection.execute("INSERT INTO ac_sms_budget.ledgers (account) VALUES (%s)", (account,))

    def turn(self, account: str, turn: Turn, now: float) -> float:
        question = "SELECT wait, now_ FROM ac_sms_budget.turn(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        row = self.connection.execute(question, (account, *turn, now), prepare=True).fetchone()
        assert row is not None
        assert row[1] == now
        return float(row[0])

    def kept(self, account: str) -> Ledger:
        question = (
            "SELECT paused_until, let_go_at, since_bulk, interactive_at, starts, numbers, waiters, look_at,"
            " held_requests, held_window, held_reserve, held_until FROM ac_sms_budget.ledgers WHERE account = %s"
        )
        row = self.connection.execute(question, (account,), prepare=True).fetchone()
        assert row is not None
        paused_until, let_go_at, since_bulk, interactive_at, starts, numbers, waiters, look_at, *held = row
        return Ledger(
            list(zip(starts, numbers, strict=True)),
            [
                Waiter(abs(who), "bulk" if who < 0 else "interactive", at)
                for who, at in zip(waiters, look_at, strict=True)
            ],
            paused_until,
            let_go_at,
            since_bulk,
            interactive_at,
            limits=[Held(*limit) for limit in zip(*held, strict=True)],
        )


@define
class RedisKeeper:
    """Keeps them in Redis."""

    connection: Wire

    def _run(self, *command: str | int) -> Any:
        self.connection.send_command(*command)
        return self.connection.read_response()

    def forget_all(self) -> None:
        self._run("FLUSHDB")

    def begin(self, account: str) -> None:
        # Whoever asks without a limit makes an empty one.
        self.turn(account, ("show", 1, False, 0, 0.0, False, None, None, None), 0.0)

    def turn(self, account: str, turn: Turn, now: float, *, is_new: bool = False) -> float:
        [reply] = self._run("EVAL", script(), *script_arguments([(account, turn)], at=now, is_new=is_new))
        assert float(reply[1]) == now
        return float(reply[0])

    def kept(self, account: str) -> Ledger:
        starts, waiters, paused_until, let_go_at, since_bulk, interactive_at, limits = self._run(
            "EVAL", READ, 1, PREFIX + account
        )
        return Ledger(
            [(float(moment), int(number)) for moment, number in starts],
            [Waiter(int(who), "bulk" if bulk else "interactive", float(at)) for who, bulk, at in waiters],
            float(paused_until),
            float(let_go_at),
            int(since_bulk),
            float(interactive_at),
            limits=[
                Held(int(most), float(window), int(reserve), float(until)) for most, window, reserve, until in limits
            ],
        )
