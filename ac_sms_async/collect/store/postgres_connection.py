"""A connection to PostgreSQL as the store needs it, whatever the role, the database or a pooler between are set to."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, LiteralString, TypeAlias

import anyio
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from ac_sms_async.collect.store.protocol import StoreError

__all__ = ["Connection", "break_off", "connect", "failure", "see_what_is_between"]

Connection: TypeAlias = psycopg.AsyncConnection[Any]

_DEFAULTS: Mapping[str, str] = {
    "fallback_application_name": "ac-sms",
    "connect_timeout": "10",
    # A dead network is noticed within some 15 s, and not after the two hours that systems take by default.
    "keepalives_idle": "5",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}

_SETTINGS: Mapping[str, str] = {
    "client_encoding": "UTF8",
    "DateStyle": "ISO, YMD",
    "TimeZone": "UTC",
    "extra_float_digits": "1",
    "default_transaction_isolation": "read committed",
    # The store waits for the account, and holds a lock meanwhile: it isn't idle.
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}

_PROBES = 3
_PROBE_SECONDS = 5.0

_ADVICE: tuple[tuple[type[psycopg.Error], str], ...] = (
    (psycopg.errors.InsufficientPrivilege, "this role lacks a right: grant it what the store's page names"),
    (psycopg.errors.ReadOnlySqlTransaction, "the database takes no writes: is it a standby? Use the primary"),
    (psycopg.errors.DiskFull, "the database's disk is full: make room there, then run the same again"),
    (
        psycopg.errors.QueryCanceled,
        "a statement_timeout of this role or database: allow it more, and run the same again",
    ),
    (psycopg.errors.LockNotAvailable, "another process holds the tables: wait for it, or stop it"),
    (psycopg.errors.TooManyConnections, "the database has no connection to spare: wait, or allow it more"),
    (psycopg.errors.InsufficientResources, "the database is short of resources: see its log, then run the same again"),
    (psycopg.OperationalError, "see that the database is up and within reach, then run the same again"),
)


def failure(error: psycopg.Error, doing: str = "PostgreSQL") -> StoreError:
    """The error in words that say what to do; what was committed before is safe."""
    advice = next((words for kind, words in _ADVICE if isinstance(error, kind)), None)
    said = " ".join(str(error).split()) or type(error).__name__
    return StoreError(f"{doing}: {said}" + (f" ({advice})" if advice else ""))


async def connect(dsn: str, schema: str, *, read_only: bool = False, wait_for_disk: bool = True) -> Connection:
    """A connection whose statements are transactions of their own. Raises `StoreError`."""
    try:
        given = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        # Its message quotes the DSN, and with it the password.
        raise StoreError("PostgreSQL must be given as postgresql://user@host/database; this can't be read") from None
    options: dict[str, Any] = {name: value for name, value in _DEFAULTS.items() if name not in given}
    try:
        connection = await psycopg.AsyncConnection.connect(dsn, autocommit=True, **options)
    except psycopg.Error as error:
        raise StoreError(_without_userinfo(str(failure(error, "cannot connect to PostgreSQL")), given)) from None
    try:
        # First: what is set through a pooler that shares its connections would be set for others.
        await see_what_is_between(connection, dsn, options)
        await _settle(connection, schema, read_only=read_only, wait_for_disk=wait_for_disk)
    except psycopg.Error as error:
        await connection.close()
        raise failure(error, "cannot open the store in PostgreSQL") from error
    except BaseException:
        await connection.close()
        raise
    return connection


def _without_userinfo(message: str, given: Mapping[str, Any]) -> str:
    for secret in (given.get("password"), os.environ.get("PGPASSWORD")):
        if secret:
            message = message.replace(str(secret), "***")
    return re.sub(r'\b(user|role) "[^"]*"', r"this \1", message)


async def _settle(connection: Connection, schema: str, *, read_only: bool, wait_for_disk: bool) -> None:
    """What the role and the database are set to must not change what is read and written."""
    wanted = {**_SETTINGS, "search_path": sql.Identifier(schema).as_string(connection)}
    if read_only:
        wanted["default_transaction_read_only"] = "on"
    if not wait_for_disk:
        wanted["synchronous_commit"] = "off"
    # Older servers don't know all of them.
    await connection.execute(
        "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS wanted (name, value) "
        "JOIN pg_settings USING (name)",
        (list(wanted), list(wanted.values())),
        prepare=False,
    )
    [encoding] = await _row(connection, "SELECT getdatabaseencoding()")
    if encoding != "UTF8":
        raise StoreError(
            f"the database's encoding is {encoding}, in which names and messages get lost. A store needs UTF8: "
            "CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
        )


async def see_what_is_between(connection: Connection, dsn: str, options: Mapping[str, Any]) -> None:
    """Refuse a pooler that gives each transaction another connection: locks and settings would end up with others."""
    [mine] = await _row(connection, _PID)
    if mine == connection.info.backend_pid:
        return
    for _ in range(_PROBES):
        theirs = await _pid_in_a_transaction(dsn, options)
        [now] = await _row(connection, _PID)
        if theirs == mine or now != mine:
            raise StoreError(
                "between here and PostgreSQL is a pooler in transaction mode, which gives each transaction another "
                "connection; the store holds locks for longer. Give it the database's own address, or a pool in "
                "session mode (pgbouncer: pool_mode=session)"
            )


async def _pid_in_a_transaction(dsn: str, options: Mapping[str, Any]) -> Any:
    """Which connection another client gets while this one has nothing to do: in transaction mode, maybe this one's."""
    try:
        with anyio.fail_after(_PROBE_SECONDS):
            other = await psycopg.AsyncConnection.connect(dsn, autocommit=True, **options)
            try:
                await other.execute("BEGIN", prepare=False)
                [pid] = await _row(other, _PID)
                await other.execute("ROLLBACK", prepare=False)
            finally:
                await other.close()
    except TimeoutError:
        raise StoreError(
            "between here and PostgreSQL is a pooler that has no second connection to spare; the store needs two "
            "(pgbouncer: default_pool_size)"
        ) from None
    except psycopg.Error as error:
        raise StoreError(
            "between here and PostgreSQL is a pooler that allows no transactions, or no second connection: give the "
            f"store the database's own address, or a pool in session mode ({' '.join(str(error).split())})"
        ) from None
    return pid


_PID = "SELECT pg_backend_pid()"


async def _row(connection: Connection, query: LiteralString) -> tuple[Any, ...]:
    found = await (await connection.execute(query, prepare=False)).fetchone()
    return found or (None,)


def break_off(connection: Connection) -> None:
    """Shut a connection's socket down. Cancelling would ask the server first, which may never answer."""
    if not connection.closed:
        with socket.socket(fileno=os.dup(connection.fileno())) as same, suppress(OSError):
            same.shutdown(socket.SHUT_RDWR)
