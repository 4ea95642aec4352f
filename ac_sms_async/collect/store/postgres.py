"""The same store on PostgreSQL, through psycopg 3: for several machines, or a database that is there already."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Any, Self, TypeVar

import anyio
import psycopg
import sniffio
from psycopg import sql

from ac_sms_async.collect.patience import finished
from ac_sms_async.collect.store.migrate import CREATE_VERSION_TABLE, POSTGRESQL, check_version, migrations, outstanding
from ac_sms_async.collect.store.postgres_connection import Connection, break_off, connect, failure
from ac_sms_async.collect.store.postgres_words import plain_row, query
from ac_sms_async.collect.store.protocol import Row, Statement, StoreBusyError, StoreError
from ac_sms_async.collect.store.storable import storable_row, text

__all__ = ["PostgresStore"]

T = TypeVar("T")

_log = logging.getLogger("ac_sms_async")

# Any constant: it keeps two processes from migrating at once.
_MIGRATION_LOCK = 0x5354_4F52


class PostgresStore:
    """A `Store` in a schema of a PostgreSQL database. Make one with `open`. psycopg runs on asyncio only.

    Where its connection has ended, because the database was restarted or is another one now, it connects again; unless
    an account is held, for another process may have it by then.
    """

    def __init__(self, schema: str, connection: Connection, connect_again: Callable[[], Awaitable[Connection]]) -> None:
        self._schema = schema
        self._connection = connection
        self._connect_again = connect_again
        self._held = 0
        self._left = False
        self._turn = anyio.Lock()

    @classmethod
    async def open(
        cls,
        dsn: str,
        *,
        schema: str = "ac_sms",
        create: bool = True,
        read_only: bool = False,
        wait_for_disk: bool = True,
    ) -> Self:
        """Connect by `dsn`, make the schema where there is none, and bring it up to date; or only read it.

        With `create=False` the schema has to be there already. With `wait_for_disk=False` only durable writes wait for
        the disk: a crash of the database may take others back, the last ones first. Raises `StoreError`.
        """
        if sniffio.current_async_library() != "asyncio":
            raise StoreError("the PostgreSQL store runs on asyncio only (psycopg does); on trio, use SQLite")
        connect_again = partial(connect, dsn, schema, read_only=read_only, wait_for_disk=wait_for_disk)
        connection = await connect_again()
        store = cls(schema, connection, connect_again)
        try:
            await store._prepare(create=create and not read_only, read_only=read_only)
        except BaseException:
            await connection.close()
            raise
        return store

    async def write(self, *statements: Statement, durable: bool = False) -> None:
        """Run all statements in one transaction."""

        async def run() -> None:
            trouble: psycopg.Error | None = None
            # In one go: a round trip for each statement would cost more than the statements. What is sent
            # without a sync in between is one transaction to PostgreSQL; `transaction()` would sync four times.
            try:
                async with self._connection.pipeline(), self._connection.cursor() as cursor:
                    try:
                        if durable:
                            await cursor.execute("SELECT set_config('synchronous_commit', 'on', true)")
                        for statement in statements:
                            await self._send(cursor, statement)
                    except psycopg.Error as error:
                        # Not through the pipeline, which would complain on stderr about what it can't do any more.
                        trouble = error
            except psycopg.Error as error:
                # What came of an earlier statement may be told only here.
                trouble = error if trouble is None or isinstance(trouble, psycopg.errors.PipelineAborted) else trouble
            if trouble is not None:
                raise trouble

        await self._do(run)

    async def read(self, sql: str, values: Row = ()) -> list[Row]:
        """All rows of a query."""

        async def run() -> list[Row]:
            cursor = await self._connection.execute(query(sql, self._schema), storable_row(values))
            return [plain_row(row) for row in await cursor.fetchall()]

        try:
            return await self._do(run)
        except StoreError:
            # That a connection has ended is noticed only by asking. A question may be asked again.
            if not self._ended:
                raise
            return await self._do(run)

    @asynccontextmanager
    async def stream(
        self, sql: str, values: Row = (), *, size: int = 1000
    ) -> AsyncGenerator[AsyncIterator[list[Row]], None]:
        """The rows of a query, `size` at a time, by a server-side cursor on a connection of its own."""
        connection = await self._connect_again()
        try:
            await connection.execute("BEGIN")
            async with connection.cursor(name="ac_sms_stream") as cursor:
                await cursor.execute(query(sql, self._schema), storable_row(values))

                async def chunks() -> AsyncGenerator[list[Row], None]:
                    while rows := await cursor.fetchmany(size):
                        yield [plain_row(row) for row in rows]

                async with aclosing(chunks()) as found:
                    yield found
        except psycopg.Error as error:
            raise failure(error) from error
        finally:
            # Its transaction ends with the connection.
            with anyio.CancelScope(shield=True):
                await connection.close()

    @asynccontextmanager
    async def exclusive(self, account: str, *, shared: bool = False) -> AsyncGenerator[None, None]:
        """Hold the account by an advisory lock, which PostgreSQL frees when the connection ends."""
        key = text(f"{self._schema}:{account}")
        kind = "_shared" if shared else ""
        [(held,)] = await self.read(f"SELECT pg_try_advisory_lock{kind}(hashtextextended(?, 0))", (key,))
        if not held:
            raise StoreBusyError(
                f"another process is collecting the account {account!r} into this store; wait for it, or stop it"
            )
        self._held += 1
        try:
            yield
        finally:
            try:
                if not self._connection.closed:
                    await self.read(f"SELECT pg_advisory_unlock{kind}(hashtextextended(?, 0))", (key,))
            except StoreError as trouble:
                # Nobody knows now whether it is still locked; with the connection it is not.
                _log.warning("could not unlock %s in the store, so its connection is broken off: %s", account, trouble)
                break_off(self._connection)
            finally:
                self._held -= 1

    @property
    def closed(self) -> bool:
        """Whether the connection is closed or broken."""
        return self._connection.closed

    def abort(self) -> None:
        """Break the connection off: what waits for the database ends in `StoreError` at once, network or not."""
        self._left = True
        break_off(self._connection)

    async def aclose(self) -> None:
        """Close the connection."""
        self._left = True
        with anyio.CancelScope(shield=True):
            await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def _send(self, cursor: psycopg.AsyncCursor[Any], statement: Statement) -> None:
        words = query(statement.sql, self._schema)
        rows: Sequence[Row] = [storable_row(row) for row in statement.rows]
        if len(rows) == 1:
            await cursor.execute(words, rows[0])
        elif rows:
            await cursor.executemany(words, rows)

    async def _do(self, work: Callable[[], Awaitable[T]], doing: str = "PostgreSQL") -> T:
        """One at a time; finished or rolled back as a whole, also when the caller is cancelled meanwhile."""

        async def run() -> T:
            async with self._turn:
                try:
                    return await work()
                except psycopg.Error as error:
                    raise failure(error, doing) from error

        await self._come_back()
        return await finished(run, lambda: break_off(self._connection))

    async def _come_back(self) -> None:
        """Connect again where the connection has ended."""
        async with self._turn:
            if not self._ended:
                return
            self._connection = await self._connect_again()

    @property
    def _ended(self) -> bool:
        """Whether the connection has ended, and another one would do."""
        return self._connection.closed and not self._held and not self._left

    async def _prepare(self, *, create: bool, read_only: bool) -> None:
        """Find the schema as this release knows it, or bring it there."""
        version = await self._version()
        if version is None and not create:
            raise StoreError("there is no store in this database: `ac-sms collect` makes one")
        if not outstanding(version, migrations()):
            # Most often; needs no right but to read.
            return
        if read_only:
            check_version(version, migrations(), "DSN")
        await self._do(self._migrate, "cannot bring the store up to date")

    async def _version(self) -> int | None:
        """The version of the schema; None where there is no store."""
        there = await self.read(
            "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = ? AND tablename = 'schema_version'", (self._schema,)
        )
        if not there:
            return None
        [(version,)] = await self.read("SELECT COALESCE(MAX(version), 0) FROM schema_version")
        return None if version is None else int(version)

    async def _migrate(self) -> None:
        connection, place = self._connection, sql.Identifier(self._schema)
        await connection.execute("BEGIN")
        try:
            # Who set these had queries in mind. Others wait behind whoever waits for a table, so not for long.
            await connection.execute("SET LOCAL statement_timeout = 0")
            await connection.execute("SET LOCAL lock_timeout = '20s'")
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
            found = await connection.execute(
                "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = %s", (self._schema,)
            )
            if await found.fetchone() is None:
                await connection.execute(sql.SQL("CREATE SCHEMA {}").format(place))
            await self._run(CREATE_VERSION_TABLE)
            cursor = await connection.execute(query("SELECT MAX(version) FROM schema_version", self._schema))
            row = await cursor.fetchone()
            for migration in outstanding(row[0] if row else None, migrations()):
                for statement in migration.statements(POSTGRESQL):
                    await self._run(statement)
                await self._run(f"INSERT INTO schema_version VALUES ({migration.version}, now())")
        except BaseException:
            if not connection.closed:
                await connection.execute("ROLLBACK")
            raise
        await connection.execute("COMMIT")

    async def _run(self, statement: str) -> None:
        await self._connection.execute(query(statement, self._schema), ())
