"""A real Redis that keeps a budget: frozen, killed and started anew, guarded, behind TLS, by a socket."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
import trustme

if sys.platform != "linux":
    pytest.skip("what machines share is shared on Linux", allow_module_level=True)

from ac_sms_async import RateLimit
from ac_sms_async.budget.budget import Budget, make_budget
from ac_sms_async.budget.link import Link, opener_of
from ac_sms_async.budget.scope import Database, parse_scope
from ac_sms_async.budget.store import PATIENCE, Answer, Request
from tests.budget.budgets import let_go
from tests.budget.redis_server import RedisServer

pytestmark = pytest.mark.anyio


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    """One that may be harmed."""
    with RedisServer.started() as server:
        yield server


def named(url: str) -> Database:
    database = parse_scope(url, None)
    assert isinstance(database, Database)
    return database


def look(number: int) -> Request:
    return Request("acme", "look", 7, False, number, 0.0, False, 5, 1.05, 0)


async def asked(url: str, *requests: Request) -> list[Answer | None]:
    """What a link of its own is answered."""
    link = Link(opener_of(named(url)))
    try:
        return [await link.ask(request) for request in requests]
    finally:
        link.leave("user")


def gone(budget: Budget) -> bool:
    """(A name for it, of which a type checker remembers nothing.)"""
    return budget.is_degraded


async def emptied(server: RedisServer) -> None:
    """So that five may start now."""
    [answer] = await asked(server.url, Request("acme", "show", 7))
    assert answer is not None
    assert not answer.starts


async def test_frozen_it_counts_as_gone_and_thawed_as_there(own_server: RedisServer) -> None:
    link = Link(opener_of(named(own_server.url)))
    assert await link.ask(look(1)) is not None
    own_server.freeze()
    began = time.monotonic()
    assert await link.ask(look(2)) is None
    assert time.monotonic() - began < PATIENCE + 0.2
    own_server.thaw()
    with anyio.fail_after(10):
        while await link.ask(look(3)) is None:
            pass
    link.leave("user")


async def test_started_anew_and_empty_it_counts_as_full(own_server: RedisServer) -> None:
    await emptied(own_server)
    link = Link(opener_of(named(own_server.url)))
    answer = await link.ask(look(1))
    assert answer is not None
    assert answer.wait == 0
    own_server.kill()
    own_server.start_again()
    # The connection has gone, too, and the script.
    answer = await link.ask(look(2))
    assert answer is not None
    assert answer.wait == pytest.approx(1.05, abs=0.01)
    link.leave("user")


async def test_what_it_wrote_down_a_while_ago_counts_as_full(own_server: RedisServer) -> None:
    await emptied(own_server)
    own_server.run("SAVE")
    first = await asked(own_server.url, *[look(number) for number in range(5)])
    assert [answer.wait for answer in first if answer is not None] == [0] * 5
    own_server.kill()
    own_server.start_again()
    [answer] = await asked(own_server.url, look(6))
    assert answer is not None
    assert answer.wait == pytest.approx(1.05, abs=0.01)
    assert len(answer.starts) == 5


async def test_a_user_of_few_rights_can_and_others_are_told_why_not() -> None:
    rights = ("~ac_sms_budget:*", "+eval", "+evalsha", "+time", "+get", "+set")
    with RedisServer.started("--user", "default", "off", "--user", "app", "on", ">s3cret", *rights) as server:
        port = server.port
        [answer] = await asked(f"redis://app:s3cret@127.0.0.1:{port}/0", look(1))
        assert answer is not None
        for user in ("app:wr0ng", "nobody:s3cret"):
            link = Link(opener_of(named(f"redis://{user}@127.0.0.1:{port}/0")))
            assert await link.ask(look(1)) is None
            assert link.trouble == "AuthenticationError"
            link.leave("user")


async def test_by_its_socket_and_with_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    own = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    own.private_key_and_cert_chain_pem.write_to_path(tmp_path / "own.pem")
    files = ("--tls-cert-file", str(tmp_path / "own.pem"), "--tls-key-file", str(tmp_path / "own.pem"))
    secured = ("--tls-auth-clients", "no", "--tls-ca-cert-file", str(tmp_path / "ca.pem"), *files)
    with RedisServer.started() as plain, RedisServer.started(*secured, tls=True) as server:
        [answer] = await asked(f"unix://{plain.path}?db=3", look(1))
        assert answer is not None
        [answer] = await asked(f"rediss://localhost:{server.port}/0?ssl_ca_certs={tmp_path / 'ca.pem'}", look(1))
        assert answer is not None
        # Whoever it is not signed for is not trusted.
        [answer] = await asked(f"rediss://localhost:{server.port}/0", look(1))
        assert answer is None


async def test_gone_each_machine_goes_by_its_file_until_it_is_there_again(
    own_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AC_SMS_BUDGET_DIR", str(tmp_path))
    caplog.set_level(logging.WARNING)
    url = f"redis://me:s3cret@127.0.0.1:{own_server.port}/0"
    own_server.run("ACL", "SETUSER", "me", "on", ">s3cret", "~*", "+@all")
    budget = make_budget(named(url), "acme")
    budget.limit = RateLimit(5)
    with anyio.fail_after(30):
        for _ in range(6):
            await let_go(budget)
        own_server.freeze()
        await let_go(budget)
        assert gone(budget)
        own_server.thaw()
        while gone(budget):
            await let_go(budget)
    budget.close()
    assert "s3cret" not in caplog.text
    assert f"redis://127.0.0.1:{own_server.port}/0 is gone" in caplog.text
    assert "is there again" in caplog.text
