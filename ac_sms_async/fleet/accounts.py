"""The accounts of a fleet: where each one is, whose token opens it, when it is collected, and how that went."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from attrs import field, frozen
from psycopg import errors
from psycopg.types.json import Jsonb

from ac_sms_async.client import INSECURE_HOST_VARIABLE, is_trusted
from ac_sms_async.collect.store.storable import text
from ac_sms_async.errors import ConfigurationError
from ac_sms_async.fleet.database import Connection, Database
from ac_sms_async.fleet.errors import FleetError, WorkerUnfitError
from ac_sms_async.fleet.plan import Plan
from ac_sms_async.fleet.vault import Vault
from ac_sms_async.options import time_zone
from ac_sms_async.transport.address import IF_YOU_MEAN_IT, Address, check_token

__all__ = [
    "COLLECT",
    "ENQUEUEING",
    "Account",
    "add_account",
    "checked_url",
    "find_accounts",
    "next_time",
    "remove_account",
]

COLLECT = "ac-sms:collect"

# Any constant. Who puts jobs into the queue holds it, so that between looking and inserting nobody else does.
ENQUEUEING = 0x464C_5155

# It comes without types.
_croniter: Any = import_module("croniter").croniter


@frozen
class Account:
    """An account as it is kept: its token is encrypted (`sealed`), or in the workers' variable `token_env`."""

    name: str
    url: str
    timezone: str = "America/Chicago"
    sealed: bytes | None = field(default=None, repr=False)
    token_env: str | None = None
    plan: Plan | None = field(factory=Plan)
    """None where another release has written one that this one can't read."""
    priority: int = 0
    schedule: str | None = None

    def token(self, vault: Vault | None, environment: Mapping[str, str] = os.environ) -> str:
        """Its token. Raises `WorkerUnfitError` where the key or the variable is missing here, `FleetError` else."""
        if self.sealed is None:
            token = environment.get(self.token_env or "", "").strip()
            if not token:
                raise WorkerUnfitError(
                    f"the token of {self.name} is in the variable {self.token_env}, which is not set here"
                )
            return token
        return (vault or Vault.from_env(environment)).unlock(self.url, self.sealed)


def next_time(schedule: str, after: datetime) -> datetime:
    """When a cron schedule is due next, in UTC. Raises `FleetError` for what is no schedule."""
    # A sixth field would be seconds and a seventh a year, after which it never comes again.
    fields = len(schedule.split())
    alias = fields == 1 and schedule.startswith("@")
    try:
        valid = (fields == 5 or alias) and _croniter.is_valid(schedule)
        due: datetime | None = _croniter(schedule, after).get_next(datetime) if valid else None
    except (ValueError, TypeError, LookupError, ArithmeticError):
        # Such as the 30th of February.
        raise FleetError(f"{schedule!a} is never due: there is no such day") from None
    if due is None:
        raise FleetError(f"{schedule!a} is not a cron schedule such as '0 3 * * *' (every day at three, UTC)")
    return due


async def add_account(
    database: Database,
    name: str,
    url: str,
    *,
    token: str | None = None,
    token_env: str | None = None,
    vault: Vault | None = None,
    timezone: str = "America/Chicago",
    plan: Plan | None = None,
    priority: int = 0,
    schedule: str | None = None,
) -> Account:
    """Add an account, or change the one of that name; with `token` encrypted by `vault`, or `token_env` by reference.

    `schedule` is cron's, in UTC; of accounts that wait, those of higher `priority` come first. Raises `FleetError`, and
    `ConfigurationError` for a bad URL, token or time zone.
    """
    if not name.strip():
        raise FleetError("an account needs a name")
    for given in (name, token_env or ""):
        if text(given) != given:
            raise FleetError(f"{given!a} can't be kept in a database: give a name without such characters")
    url = checked_url(url)
    time_zone(timezone)
    if (token is None) == (token_env is None):
        raise FleetError("give the token, or the name of a variable that will hold it; not both")
    sealed = None if token is None else (vault or Vault.from_env()).lock(url, check_token(token.strip()))
    plan = plan or Plan()
    account = Account(name, url, timezone, sealed, token_env, plan, priority, schedule)
    due = None if schedule is None else next_time(schedule, datetime.now(UTC))
    try:
        await database.rows(
            """
            INSERT INTO accounts (name, url, timezone, token, token_env, plan, priority, schedule, next_at)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (name) DO UPDATE SET
                url = excluded.url, timezone = excluded.timezone, token = excluded.token,
                token_env = excluded.token_env, plan = excluded.plan, priority = excluded.priority,
                schedule = excluded.schedule, next_at = excluded.next_at
            """,
            (name, url, timezone, sealed, token_env, Jsonb(plan.to_json()), priority, schedule, due),
        )
    except FleetError as error:
        if isinstance(error.__cause__, errors.UniqueViolation):
            raise FleetError(f"{url} is in the fleet under another name: an account has one budget") from None
        raise
    return account


def checked_url(url: str) -> str:
    """An account's URL in its one form. Raises `ConfigurationError`, also for http:// to a host that isn't trusted."""
    try:
        return Address.parse(url, allow_insecure_http=is_trusted(str(url).strip())).account
    except ConfigurationError as error:
        instead = f"name its host in {INSECURE_HOST_VARIABLE} if you mean it"
        raise ConfigurationError(error.message.replace(IF_YOU_MEAN_IT, instead)) from None


async def remove_account(database: Database, name: str) -> None:
    """Forget an account, its token and its waiting jobs; what was collected stays.

    Raises `FleetError` where there is none.
    """
    async with database.transaction() as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (ENQUEUEING,))
        if not await database.rows("DELETE FROM accounts WHERE name = %s RETURNING name", (name,), on=connection):
            raise FleetError(f"there is no account {name!r} in the fleet")
        await database.rows(
            "UPDATE procrastinate_jobs SET status = 'cancelled' "
            "WHERE task_name = %s AND status = 'todo' AND args->>'account' = %s",
            (COLLECT, name),
            on=connection,
        )


async def find_accounts(
    database: Database, names: Collection[str] | None = None, *, on: Connection | None = None
) -> list[Account]:
    """The accounts of these names, or all of them, by name. Raises `FleetError` where one is missing."""
    rows = await database.rows(
        "SELECT name, url, timezone, token, token_env, plan, priority, schedule FROM accounts "
        "WHERE %(names)s::text[] IS NULL OR name = ANY(%(names)s) ORDER BY name",
        {"names": None if names is None else list(names)},
        on=on,
    )
    missing = sorted(set(names or ()) - {row["name"] for row in rows})
    if missing:
        raise FleetError(f"there is no account {', '.join(map(repr, missing))} in the fleet")
    return [
        Account(
            row["name"],
            row["url"],
            row["timezone"],
            None if row["token"] is None else bytes(row["token"]),
            row["token_env"],
            _plan(row["plan"]),
            row["priority"],
            row["schedule"],
        )
        for row in rows
    ]


def _plan(value: Any) -> Plan | None:
    try:
        return Plan.from_json(value)
    except WorkerUnfitError:
        return None
