"""What `budget=` may say; what a DSN holds is shown nowhere."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from ac_sms_async.budget.scope import Database, parse_scope
from ac_sms_async.errors import ConfigurationError
from ac_sms_async.options import RateLimit

SECRET = "s3cret-w0rd"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (f"postgresql://me:{SECRET}@db.example:5433/app", "postgresql://db.example:5433/app"),
        (f" postgres://me:{SECRET}@db.example/app?sslmode=require ", "postgresql://db.example/app"),
        (f"PostgreSQL://db/app?password={SECRET}", "postgresql://db/app"),
        (f"host=db port=5432 dbname=app password={SECRET}", "postgresql://db:5432/app"),
        (f"hostaddr=10.0.0.1 user={SECRET}", "postgresql://10.0.0.1/"),
        (f"redis://me:{SECRET}@cache.example:6380/2", "redis://cache.example:6380/2"),
        (f" Redis://:{SECRET}@cache.example?max_connections=3 ", "redis://cache.example:6379/0"),
        (f"rediss://me@cache.example?password={SECRET}&ssl_cert_reqs=none&db=4", "rediss://cache.example:6379/4"),
        (f"redis://?password={SECRET}", "redis://localhost:6379/0"),
        (f"unix://me:{SECRET}@/run/redis.sock?db=3", "unix:///run/redis.sock?db=3"),
    ],
)
def test_a_dsn_is_shown_without_its_secrets(given: str, shown: str) -> None:
    scope = parse_scope(given, None)
    assert isinstance(scope, Database)
    assert scope.shown == str(scope) == shown
    assert SECRET not in repr(scope)
    assert SECRET in scope.dsn


@pytest.mark.parametrize("given", ["loop", "machine"])
def test_words(given: Any) -> None:
    assert parse_scope(given, RateLimit(100)) == given


@pytest.mark.parametrize(
    "given",
    [
        f"redis://me:{SECRET}@db:port/1",
        f"redis://me:{SECRET}@db/1?option={SECRET}",
        f"rediss://me:{SECRET}@[db/1",
        f"memcached://me:{SECRET}@db/1",
        f"postgresql://me:{SECRET}@[db/app",
        f"host=db passwort={SECRET}",
        f"me:{SECRET}@db",
        "everywhere",
        None,
        5,
    ],
)
def test_anything_else_is_refused_and_no_secret_repeated(given: Any) -> None:
    with pytest.raises(ConfigurationError, match="budget must be") as refused:
        parse_scope(given, None)
    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_what_is_no_secret_is_repeated() -> None:
    with pytest.raises(ConfigurationError, match="not 'everywhere'"):
        parse_scope("everywhere", None)


def test_a_file_has_room_for_a_hundred() -> None:
    with pytest.raises(ConfigurationError, match=r"100 requests at most, not 101$"):
        parse_scope("machine", RateLimit(101))
    parse_scope("loop", RateLimit(101))
    parse_scope("postgresql://db/app", RateLimit(101))


def test_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match=r"ac-sms-async\[postgres\]"):
        parse_scope("postgresql://db/app", None)
    monkeypatch.setitem(sys.modules, "ac_sms_async.budget.redis_address", None)
    with pytest.raises(ConfigurationError, match=r"ac-sms-async\[redis\]"):
        parse_scope("redis://db/0", None)


def test_what_there_is_to_fall_back_to() -> None:
    assert RateLimit(5).fallback == 1
    assert RateLimit(5, fallback=None).fallback is None
    with pytest.raises(ConfigurationError, match=r"^RateLimit.fallback must be a whole number, 1 to 5, not 6$"):
        RateLimit(5, fallback=6)
