"""What callers are told while the database that keeps their budget is gone."""

from __future__ import annotations

import copy
import logging
import pickle
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from ac_sms_async import (
    BudgetDegraded,
    BudgetRestored,
    BudgetUnavailableError,
    DeadlineExceededError,
    Event,
    RateLimit,
)
from tests.budget.far import Server
from tests.transport.conftest import Over
from tests.transport.fake_backend import FakeBackend, Step
from tests.transport.requests import reading

if sys.platform != "linux":
    pytest.skip("what machines share is shared on Linux", allow_module_level=True)

pytestmark = pytest.mark.anyio

DSN = "postgresql://me:s3cret@db/app"


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server()
    monkeypatch.setenv("AC_SMS_BUDGET_DIR", str(tmp_path / "budget"))
    monkeypatch.setattr("ac_sms_async.budget.database.link_to", server.link_to)
    for module in ("file", "machine", "database"):
        monkeypatch.setattr(f"ac_sms_async.budget.{module}.clock", anyio.current_time)
    return server


async def test_each_client_tells_once_that_it_is_gone_and_that_it_is_there_again(
    over: Over, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[list[Event]] = [[], []]
    backend = FakeBackend([Step(latency=0.01)])
    one = over(backend, budget=DSN, on_event=told[0].append)
    two = over(backend, budget=DSN, on_event=told[1].append)
    deaf = over(backend, budget=DSN)
    async with one, two, deaf:
        await one.send(reading())
        server.is_gone = True
        for _ in range(2):
            for transport in (one, two, deaf):
                await transport.send(reading())
        server.is_gone = False
        await anyio.sleep(2)
        for _ in range(2):
            for transport in (one, two, deaf):
                await transport.send(reading())
    for events in told:
        of_the_budget = [event for event in events if isinstance(event, BudgetDegraded | BudgetRestored)]
        assert [type(event) for event in of_the_budget] == [BudgetDegraded, BudgetRestored]
        assert "s3cret" not in repr(events)
    assert "s3cret" not in caplog.text
    assert server.links[0].is_closed


async def test_it_fails_closed_at_the_deadline_and_says_why(over: Over, server: Server) -> None:
    backend = FakeBackend([Step()])
    server.is_gone = True
    closed = over(backend, budget=DSN, rate_limit=RateLimit(5, fallback=None), deadline=7)
    began = anyio.current_time()
    async with closed:
        with pytest.raises(BudgetUnavailableError, match="the database that keeps it doesn't answer") as failed:
            await closed.send(reading())
    assert anyio.current_time() - began == pytest.approx(7)
    assert backend.times == []
    assert failed.value.spent == {"budget": pytest.approx(7)}
    assert not failed.value.maybe_applied
    assert isinstance(failed.value, DeadlineExceededError)
    for twin in (copy.copy(failed.value), pickle.loads(pickle.dumps(failed.value))):
        assert type(twin) is BudgetUnavailableError
        assert twin.spent == failed.value.spent


async def test_the_strictest_limit_says_whether_it_fails_closed(over: Over, server: Server) -> None:
    backend = FakeBackend([Step()])
    server.is_gone = True
    closed = over(backend, budget=DSN, rate_limit=RateLimit(5, fallback=None), deadline=4)
    another = over(backend, budget=DSN, deadline=4)
    async with closed, another, anyio.create_task_group() as tasks:
        tasks.start_soon(_refused, closed)
        tasks.start_soon(_refused, another)
    assert backend.times == []
    async with over(backend, budget=DSN, deadline=4) as lenient:
        await lenient.send(reading())
    assert len(backend.times) == 1


async def _refused(transport: Any) -> None:
    with pytest.raises(BudgetUnavailableError):
        await transport.send(reading())
