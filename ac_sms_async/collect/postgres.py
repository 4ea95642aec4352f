"""The same store on PostgreSQL, through psycopg 3: for several machines, or a database that is there already."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import UTC, date, datetime
from typing import Any, Self, cast

import anyio
import psycopg
import sniffio
from psycopg import sql

from ac_sms_async.collect.migrate import CREATE_VERSION_TABLE, Dialect, migrations, outstanding
from ac_sms_async.collect.store import Row, Statement, StoreBusyError, StoreError, Value

__all__ = ["PostgresStore", "break_off"]

_DIALECT = Dialect(utc_month="to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM')")
# Any constant: it keeps two processes from migrating at once.
_MIGRATION_LOCK = 0x5354_4F52


class PostgresStore:
    """A `Store` in a schema of a PostgreSQL database. Make one with `open`. psycopg runs on asyncio only."""

    def __init__(self, dsn: str, schema: str, connection: psycopg.AsyncConnection[Any]) -> None:
        self._dsn = dsn
        self._schema = schema
        self._connection = connection
        self._turn = anyio.Lock()

    @classmethod
    async def open(cls, dsn: str, *, schema: str = "ac_sms") -> Self:
        """Connect by `dsn`, make the schema where there is none, and bring it up to date. Raises `StoreError`."""
        if sniffio.current_async_library() != "asyncio":
            raise StoreError("the PostgreSQL store runs on asyncio only (psycopg does); on trio, use SQLite")
        try:
            connection = await _connect(dsn, schema)
        except psycopg.Error as error:
            # psycopg's message may quote the DSN with its password.
            raise StoreError(f"cannot connect to PostgreSQL ({type(error).__name__})") from None
        store = cls(dsn, schema, connection)
        try:
            await store._migrate()
        except psycopg.Error as error:
            await connection.close()
            raise StoreError(f"cannot bring the store up to date: {error}") from error
        except StoreError:
            await connection.close()
            raise
        return store

    async def write(self, *statements: Statement) -> None:
        """Run all statements in one transaction."""
        # Finished or rolled back as a whole, also when the caller is cancelled meanwhile.
        with anyio.CancelScope(shield=True):
            async with self._turn:
                try:
                    # In one go: a round trip for each statement would cost more than the statements. What is sent
                    # without a sync in between is one transaction to PostgreSQL; `transaction()` would sync four times.
                    async with self._connection.pipeline(), self._connection.cursor() as cursor:
                        for statement in statements:
                            query = _query(statement.sql)
                            if len(statement.rows) == 1:
                                await cursor.execute(query, statement.rows[0])
                            elif statement.rows:
                                await cursor.executemany(query, statement.rows)
                except psycopg.Error as error:
                    raise StoreError(f"PostgreSQL: {error}") from error

    async def read(self, sql: str, values: Row = ()) -> list[Row]:
        """All rows of a query."""
        rows: list[tuple[Any, ...]] = []
        with anyio.CancelScope(shield=True):
            async with self._turn:
                try:
                    rows = await (await self._connection.execute(_query(sql), values)).fetchall()
                except psycopg.Error as error:
                    raise StoreError(f"PostgreSQL: {error}") from error
        return [_plain_row(row) for row in rows]

    @asynccontextmanager
    async def stream(
        self, sql: str, values: Row = (), *, size: int = 1000
    ) -> AsyncGenerator[AsyncIterator[list[Row]], None]:
        """The rows of a query, `size` at a time, by a server-side cursor on a connection of its own."""
        try:
            async with (
                await _connect(self._dsn, self._schema) as connection,
                connection.transaction(),
                connection.cursor(name="ac_sms_stream") as cursor,
            ):
                await cursor.execute(_query(sql), values)

                async def chunks() -> AsyncGenerator[list[Row], None]:
                    while rows := await cursor.fetchmany(size):
                        yield [_plain_row(row) for row in rows]

                async with aclosing(chunks()) as found:
                    yield found
        except psycopg.Error as error:
            raise StoreError(f"PostgreSQL: {error}") from error

    @asynccontextmanager
    async def exclusive(self, account: str) -> AsyncGenerator[None, None]:
        """Hold the account by an advisory lock, which PostgreSQL frees when the connection ends."""
        key = f"{self._schema}:{account}"
        [(held,)] = await self.read("SELECT pg_try_advisory_lock(hashtextextended(?, 0))", (key,))
        if not held:
            raise StoreBusyError(
                f"another process is collecting the account {account!r} into this store; wait for it, or stop it"
            )
        try:
            yield
        finally:
            if not self._connection.closed:
                await self.read("SELECT pg_advisory_unlock(hashtextextended(?, 0))", (key,))

    @property
    def closed(self) -> bool:
        """Whether the connection is closed or broken: such a store is of no use any more."""
        return self._connection.closed

    def abort(self) -> None:
        """Break the connection off: what waits for the database ends in `StoreError` at once, network or not."""
        break_off(self._connection)

    async def aclose(self) -> None:
        """Close the connection."""
        with anyio.CancelScope(shield=True):
            await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def _migrate(self) -> None:
        async with self._connection.transaction(), self._connection.cursor() as cursor:
            await cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
            await cursor.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(self._schema)))
            await cursor.execute(CREATE_VERSION_TABLE)
            await cursor.execute("SELECT MAX(version) FROM schema_version")
            row = await cursor.fetchone()
            for migration in outstanding(row[0] if row else None, migrations()):
                for statement in migration.statements(_DIALECT):
                    await cursor.execute(_query(statement), ())
                await cursor.execute("INSERT INTO schema_version VALUES (%s, now())", (migration.version,))


def break_off(connection: psycopg.AsyncConnection[Any]) -> None:
    """Shut a connection's socket down. Cancelling would ask the server first, which may never answer."""
    if not connection.closed:
        with socket.socket(fileno=os.dup(connection.fileno())) as same, suppress(OSError):
            same.shutdown(socket.SHUT_RDWR)


async def _connect(dsn: str, schema: str) -> psycopg.AsyncConnection[Any]:
    connection = await psycopg.AsyncConnection.connect(dsn, autocommit=True)
    # Tables of ours never meet tables of yours: they live in a schema of their own.
    await connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(schema)))
    return connection


def _query(text: str) -> bytes:
    # psycopg takes text that is written in the source only, lest values be mixed into it; ours are always beside it.
    return text.replace("%", "%%").replace("?", "%s").encode()


def _plain_row(row: tuple[Any, ...]) -> Row:
    return tuple(_plain(value) for value in row)


def _plain(value: Any) -> Value:
    """A value as SQLite would give it back."""
    match value:
        case bool():
            return int(value)
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        case date():
            return value.isoformat()
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        case _:
            return cast("Value", value)
