"""Which budget a client draws on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import anyio
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


@pytest.mark.skipif(sys.platform != "linux", reason="what processes share is shared on Linux")
async def test_clients_share_it_that_say_so(over: Over, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AC_SMS_BUDGET_DIR", str(tmp_path / "budget"))
    for module in ("file", "machine"):
        monkeypatch.setattr(f"ac_sms_async.budget.{module}.clock", anyio.current_time)
    backend = FakeBackend([Step(latency=0.01)])
    one, two, other = (over(backend, rate_limit=RateLimit(1), budget=scope) for scope in ("machine", "machine", "loop"))
    began = anyio.current_time()
    async with one, two, other:
        for transport in (one, two, other, one):
            await transport.send(reading())
    assert [at - began for at in backend.times] == pytest.approx([0, 1.05, 1.06, 2.1], abs=0.03)


@pytest.mark.parametrize("value", ["", "host", None, 1, 10**5000], ids=["empty", "host", "None", "1", "long"])
def test_what_is_no_budget_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r'^budget must be "loop", "machine" or "postgresql://..."'):
        SMSClient("https://acme.api-us1.com", "token", budget=value)


def test_a_limit_that_no_page_has_room_for_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="100 requests at most, not 101"):
        SMSClient("https://acme.api-us1.com", "token", budget="machine", rate_limit=RateLimit(101))
    SMSClient("https://acme.api-us1.com", "token", budget="machine", rate_limit=None)
