"""Which budget a client draws on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import anyio
import httpx
import httpx2
import pytest

from ac_sms_async import RateLimit, SMSClient
from ac_sms_async.errors import ConfigurationError
from tests.transport.conftest import Over
from tests.transport.fake_backend import FakeBackend, Step
from tests.transport.requests import reading

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AC_SMS_BUDGET_DIR", str(tmp_path / "budget"))


@pytest.mark.skipif(sys.platform != "linux", reason="what processes share is shared on Linux")
async def test_clients_share_it_that_say_so(over: Over, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("file", "machine"):
        monkeypatch.setattr(f"ac_sms_async.budget.{module}.clock", anyio.current_time)
    backend = FakeBackend([Step(latency=0.01)])
    one, two, other = (over(backend, rate_limit=RateLimit(1), budget=scope) for scope in ("machine", "machine", "loop"))
    began = anyio.current_time()
    async with one, two, other:
        for transport in (one, two, other, one):
            await transport.send(reading())
    assert [at - began for at in backend.times] == pytest.approx([0, 1.05, 1.06, 2.1], abs=0.03)


@pytest.mark.parametrize("value", ["", "host", 1, 10**5000], ids=["empty", "host", "1", "long"])
def test_what_is_no_budget_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r'^budget must be "loop", "machine", "postgresql://..." or'):
        SMSClient("https://acme.api-us1.com", "token", budget=value)


def test_a_limit_that_no_page_has_room_for_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="100 requests at most, not 101"):
        SMSClient("https://acme.api-us1.com", "token", budget="machine", rate_limit=RateLimit(101))
    SMSClient("https://acme.api-us1.com", "token", budget="machine", rate_limit=None)


URL = "https://acme.api-us1.com"

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is the loop's")


@LINUX
@pytest.mark.parametrize(
    ("url", "options", "kept"),
    [
        (URL, {}, "machine"),
        (URL, {"rate_limit": RateLimit(2)}, "machine"),
        (URL, {"backend": "httptools"}, "machine"),
        (URL, {"proxy": "http://proxy:3128"}, "machine"),
        ("http://sandbox:8080", {"allow_insecure_http": True}, "machine"),
        (URL, {"rate_limit": None}, "loop"),
        (URL, {"rate_limit": RateLimit(101)}, "loop"),
        ("http://127.0.0.1:8080", {}, "loop"),
        ("https://localhost", {}, "loop"),
        ("http://127.0.0.1:8080", {"budget": "machine"}, "machine"),
        (URL, {"rate_limit": None, "budget": "machine"}, "machine"),
        (URL, {"budget": "loop"}, "loop"),
    ],
)
def test_the_machine_shares_it_unless_something_may_be_made_up(url: str, options: Any, kept: str) -> None:
    assert SMSClient(url, "token", **options).transport.budget == kept


@LINUX
@pytest.mark.parametrize("library", [httpx, httpx2])
async def test_a_client_of_the_callers_may_make_up_answers(library: Any) -> None:
    def refuse(request: Any) -> Any:
        return library.Response(429)

    async with library.AsyncClient(transport=library.MockTransport(refuse)) as own:
        assert SMSClient(URL, "token", http_client=own).transport.budget == "loop"
        assert SMSClient(URL, "token", http_client=own, budget="machine").transport.budget == "machine"


def test_elsewhere_than_on_linux_it_is_the_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert SMSClient(URL, "token").transport.budget == "loop"


async def kept_in(over: Over, **options: Any) -> tuple[str, str]:
    """What a client draws on before it has sent anything, and then."""
    transport = over(FakeBackend([Step()]), **options)
    before = transport.budget
    async with transport:
        await transport.send(reading())
    return before, transport.budget


@LINUX
async def test_within_pytest_it_is_the_loops_unless_told(over: Over) -> None:
    assert await kept_in(over) == ("machine", "loop")
    assert await kept_in(over, budget="machine") == ("machine", "machine")


@LINUX
async def test_on_a_virtual_clock_it_is_the_loops_unless_told(over: Over, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    assert await kept_in(over) == ("machine", "loop")
    assert await kept_in(over, budget="machine") == ("machine", "machine")


@LINUX
@pytest.mark.parametrize("loop", ["asyncio", "trio", "uvloop"])
def test_on_a_real_clock_it_is_the_machines(over: Over, monkeypatch: pytest.MonkeyPatch, loop: str) -> None:
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    backend, options = ("asyncio", {"use_uvloop": True}) if loop == "uvloop" else (loop, {})

    async def found() -> tuple[str, str]:
        return await kept_in(over)

    assert anyio.run(found, backend=backend, backend_options=options) == ("machine", "machine")
