"""The connection to the database that keeps budgets, on real sockets: near, cut, frozen, refused."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import anyio
import anyio.to_thread
import psycopg
import pytest
from attrs import frozen
from psycopg.conninfo import conninfo_to_dict

if sys.platform != "linux":
    pytest.skip("what machines share is shared on Linux", allow_module_level=True)

from ac_sms_async.budget.file import clock
from ac_sms_async.budget.link import Link, link_to, opener_of
from ac_sms_async.budget.scope import Database, parse_scope
from ac_sms_async.budget.store import CONNECTING, PATIENCE, Request
from tests.budget.distance import Distance
from tests.budget.redis_server import RedisServer

pytestmark = pytest.mark.anyio


def named(budget: str) -> Database:
    database = parse_scope(budget, None)
    assert isinstance(database, Database)
    return database


@frozen
class Server:
    """One of the databases that can keep budgets."""

    database: Database
    cut_all: Callable[[], object]
    """Ends all connections to it."""
    _path: str
    _through: str
    _stack: ExitStack

    def far(self) -> tuple[Database, Distance]:
        """The same server, at some distance."""
        if not self._path.startswith("/"):
            pytest.skip("this server has no socket in the file system")
        distance = self._stack.enter_context(Distance(self._path))
        return named(self._through.format(port=distance.port)), distance


def of_postgres(dsn: str, stack: ExitStack) -> Server:
    def cut_all() -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ac-sms budget'"
            )

    given = conninfo_to_dict(dsn)
    through = f"postgresql://postgres@127.0.0.1:{{port}}/{given['dbname']}?sslmode=disable&gssencmode=disable"
    return Server(named(dsn), cut_all, f"{given.get('host')}/.s.PGSQL.5432", through, stack)


def of_redis(redis: RedisServer, stack: ExitStack) -> Server:
    def cut_all() -> None:
        redis.run("CLIENT", "KILL", "TYPE", "normal")

    redis.run("FLUSHALL")
    return Server(named(redis.url), cut_all, redis.path, "redis://127.0.0.1:{port}/0", stack)


@pytest.fixture(params=["postgres", "redis"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with ExitStack() as stack:
        if request.param == "redis":
            yield of_redis(request.getfixturevalue("redis_server"), stack)
        else:
            yield of_postgres(request.getfixturevalue("new_database")(), stack)


def look(number: int, *, account: str = "acme", me: int = 7, until: float = 0.0) -> Request:
    return Request(account, "look", me, False, number, until, False, 5, 1.05, 0)


async def ended(link: Link) -> None:
    """Its thread ends once all is done."""
    assert link.is_closed
    await anyio.to_thread.run_sync(link.thread.join, 5)
    assert not link.thread.is_alive()


async def test_it_makes_what_it_needs_and_answers(server: Server) -> None:
    user = object()
    link = link_to(server.database, user)
    assert link_to(server.database, user) is link
    answer = await link.ask(look(1))
    assert answer is not None
    assert answer.wait == pytest.approx(1.05, abs=0.01)
    assert answer.starts == pytest.approx([0] * 5, abs=0.01)
    assert answer.limit == (5, 1.05)
    # What is told comes before what is asked afterwards.
    for number in range(2, 5):
        link.tell(Request("acme", "move", 7, number=number, until=clock() - 0.5))
    answer = await link.ask(look(5))
    assert answer is not None
    assert len(answer.starts) == 8
    assert answer.starts[5:] != pytest.approx(answer.starts[:3], abs=0.1)
    assert answer.waiters == [7]
    link.leave(user)
    link.leave(user)
    await ended(link)
    another = link_to(server.database, user)
    assert another is not link
    answer = await another.ask(Request("another account", "show", 1))
    assert answer is not None
    assert answer.limit is None
    another.leave(user)
    await ended(another)


async def test_many_accounts_are_asked_about_at_once(server: Server) -> None:
    link = link_to(server.database, "user")
    answers: dict[str, Any] = {}

    async def ask(account: str) -> None:
        answers[account] = await link.ask(look(1, account=account))

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(ask, f"account {number % 10} of {number}")
    assert len(answers) == 20
    assert None not in answers.values()
    link.leave("user")
    await ended(link)


async def test_a_connection_that_was_cut_is_renewed_at_once(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    # However busy this machine is.
    monkeypatch.setattr("ac_sms_async.budget.link.PATIENCE", 10.0)
    monkeypatch.setattr("ac_sms_async.budget.redis.PATIENCE", 10.0)
    link = link_to(server.database, "user")
    assert await link.ask(look(1)) is not None
    server.cut_all()
    assert await link.ask(look(2)) is not None
    link.leave("user")
    await ended(link)


async def test_frozen_it_counts_as_gone_in_a_quarter_of_a_second(server: Server) -> None:
    database, far = server.far()
    link = link_to(database, "user")
    assert await link.ask(look(1)) is not None
    far.is_frozen = True
    began = time.monotonic()
    assert await link.ask(look(2)) is None
    assert 0.9 * PATIENCE <= time.monotonic() - began < PATIENCE + 0.2
    assert link.trouble in ("no answer in time", "TimeoutError")
    # It opens another connection meanwhile, which takes as long as it takes; nobody waits longer for it.
    began = time.monotonic()
    assert await link.ask(look(3), patience=0.1) is None
    assert time.monotonic() - began < 0.3
    far.is_frozen = False
    with anyio.fail_after(10):
        while await link.ask(look(4)) is None:
            pass
    link.leave("user")
    await ended(link)


async def test_a_connection_of_which_nothing_is_heard_is_given_up(server: Server) -> None:
    database, far = server.far()
    link = link_to(database, "user")
    assert await link.ask(look(1)) is not None
    far.silence()
    assert await link.ask(look(2)) is None
    with anyio.fail_after(10):
        while await link.ask(look(3)) is None:
            pass
    link.leave("user")
    await ended(link)


@pytest.mark.parametrize(
    ("budget", "trouble"),
    [
        ("postgresql://me:s3cret@127.0.0.1:1/app?connect_timeout=2", "OperationalError"),
        ("redis://me:s3cret@127.0.0.1:1/0", "ConnectionError"),
        ("rediss://me:s3cret@127.0.0.1:1/0", "ConnectionError"),
        ("unix:///nowhere/s3cret.sock?password=s3cret", "ConnectionError"),
    ],
)
async def test_refused_it_says_so_and_tells_no_secret(budget: str, trouble: str) -> None:
    link = Link(opener_of(named(budget)))
    began = time.monotonic()
    link.tell(look(1))
    assert await link.ask(look(2)) is None
    assert time.monotonic() - began < CONNECTING
    assert link.trouble == trouble
    link.leave("user")
    await ended(link)


async def test_what_the_database_refuses_is_trouble_too(server: Server) -> None:
    link = link_to(server.database, "user")
    assert await link.ask(look(1)) is not None
    # No database knows what to do with it.
    assert await link.ask(Request("acme", "look", 7, number=1, requests=5, window=0.0, reserve="none")) is None  # type: ignore[arg-type]
    assert link.trouble in ("ResponseError", "InvalidTextRepresentation")
    assert await link.ask(look(2)) is not None
    link.leave("user")
    await ended(link)


async def test_a_process_that_was_forked_off_opens_its_own(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    link = link_to(server.database, "user")
    monkeypatch.setattr(os, "getpid", lambda: 4711)
    another = link_to(server.database, "user")
    assert another is not link
    for one in (link, another):
        one.leave("user")
    await ended(another)


def test_an_answer_to_a_loop_that_has_ended_is_lost_and_nothing_else(server: Server) -> None:
    links: list[Link] = []

    async def leave_early() -> None:
        links.append(link_to(server.database, "user"))
        with anyio.move_on_after(0):
            await links[0].ask(look(1, me=8))

    anyio.run(leave_early)

    async def again() -> None:
        answer = await links[0].ask(look(2))
        assert answer is not None
        # What nobody waited for any more was not even asked.
        assert answer.waiters == [7]
        links[0].leave("user")
        await ended(links[0])

    anyio.run(again)
