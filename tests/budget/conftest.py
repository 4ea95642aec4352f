"""A PostgreSQL and a Redis to keep budgets in, and the command to look at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.budget.redis_server import RedisServer
from tests.cli.conftest import ac_sms, acme, beside, sandbox
from tests.collect.conftest import new_database, postgres_server

__all__ = ["ac_sms", "acme", "beside", "new_database", "new_redis", "postgres_server", "redis_server", "sandbox"]


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A server of our own, which begins empty."""
    with RedisServer.started() as server:
        yield server


@pytest.fixture
def new_redis(redis_server: RedisServer) -> Callable[[], str]:
    """The URL of that server, of which all is forgotten."""

    def make() -> str:
        redis_server.run("FLUSHALL")
        return redis_server.url

    return make
