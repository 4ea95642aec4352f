"""The fleet's database: a schema of its own in a PostgreSQL, which holds Procrastinate's queue and the accounts."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString, TypeAlias
from weakref import WeakSet

import psycopg
from procrastinate import PsycopgConnector
from procrastinate.exceptions import ConnectorException
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row

from ac_sms_async.collect.store.postgres_connection import break_off, see_what_is_between
from ac_sms_async.collect.store.protocol import StoreError
from ac_sms_async.collect.store.storable import text
from ac_sms_async.fleet.errors import FleetError, OutOfReachError

__all__ = ["Connection", "Database", "complete_dsn", "open_database"]

Connection: TypeAlias = psycopg.AsyncConnection[Any]

SCHEMA = "ac_sms_fleet"

_PATIENCE = 10.0
"""Seconds that anybody waits for a connection before the database counts as out of reach."""

_DEFAULTS: Mapping[str, str] = {
    "application_name": "ac-sms fleet",
    "connect_timeout": "5",
    # A dead network is noticed within some 15 s, and not after the two hours that systems take by default.
    "keepalives_idle": "5",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}


def complete_dsn(dsn: str) -> str:
    """`dsn` with what a fleet needs of its connections, where it says nothing about that. Raises `FleetError`."""
    try:
        given = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        # Its message quotes the DSN, and with it the password.
        raise FleetError("the database must be given as postgresql://user@host/name") from None
    return make_conninfo(dsn, **{name: value for name, value in _DEFAULTS.items() if name not in given})


class Database:
    """Connections to the fleet's schema. Make one with `open_database`."""

    def __init__(self, dsn: str, *, size: int = 4) -> None:
        self.dsn: str = complete_dsn(dsn)
        self._opened: WeakSet[Connection] = WeakSet()
        self.connector: PsycopgConnector = PsycopgConnector(
            conninfo=self.dsn, configure=self._configure, min_size=1, max_size=size, timeout=_PATIENCE
        )

    async def _configure(self, connection: Connection) -> None:
        self._opened.add(connection)
        await connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(SCHEMA)))
        # Who freezes in the middle of a transaction must not hold its locks for ever.
        await connection.execute("SET idle_in_transaction_session_timeout TO '10s'")
        await connection.commit()

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection, None]:
        """A connection whose transaction is committed when the block went well. Raises `FleetError`."""
        try:
            async with self.connector.pool.connection() as connection:
                yield connection
        except psycopg.errors.UndefinedTable:
            raise OutOfReachError("there is no fleet in this database yet: ac-sms fleet init") from None
        except (psycopg.Error, ConnectorException) as error:
            raise OutOfReachError(f"PostgreSQL: {error}") from error

    async def rows(
        self, query: LiteralString, values: Sequence[Any] | Mapping[str, Any] = (), *, on: Connection | None = None
    ) -> list[dict[str, Any]]:
        """The rows that a statement gives, in a transaction of its own or in that of `on`. Raises `FleetError`."""
        if on is None:
            async with self.transaction() as connection:
                return await self.rows(query, values, on=connection)
        async with on.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query, _storable(values))
            return await cursor.fetchall() if cursor.description else []

    def abort(self) -> None:
        """Break all connections off: what waits for the database fails at once, even on a dead network."""
        for connection in list(self._opened):
            break_off(connection)


def _storable(values: Sequence[Any] | Mapping[str, Any]) -> Sequence[Any] | Mapping[str, Any]:
    """Some texts are a server's words: none of them may keep the books from being kept."""
    if isinstance(values, Mapping):
        return {name: text(value) if isinstance(value, str) else value for name, value in values.items()}
    return [text(value) if isinstance(value, str) else value for value in values]


@asynccontextmanager
async def open_database(dsn: str, *, size: int = 4) -> AsyncGenerator[Database, None]:
    """Connect to the fleet's database with up to `size` connections. Raises `FleetError` where nobody answers."""
    database = Database(dsn, size=size)
    try:
        try:
            # The pool would go on trying for half a minute, and then not say why.
            async with await psycopg.AsyncConnection.connect(database.dsn, autocommit=True) as connection:
                # Locks of the fleet and of the store would guard nothing there.
                await see_what_is_between(connection, database.dsn, {})
                await database.connector.open_async()
        except StoreError as error:
            raise FleetError(str(error)) from None
        except psycopg.Error as error:
            raise OutOfReachError(f"cannot connect to PostgreSQL: {error}") from None
        yield database
    finally:
        await database.connector.close_async()
