"""After a create of which nobody can tell: the error carries what it takes to find out, and finding out works."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest

from ac_sms_async import RetryPolicy, SMSClient, SMSError
from ac_sms_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(rate_limit=None) as sandbox:
        yield sandbox


# An answer that is cut in its middle has been given, so the create took effect.
@pytest.mark.parametrize(
    ("fault", "applied"),
    [("cut", True), *((fault, applied) for fault in ("reset", "500", "503", "408") for applied in (True, False))],
)
async def test_whether_a_create_took_effect_can_be_found_out(sandbox: Sandbox, fault: str, applied: bool) -> None:
    sandbox.reset()
    sandbox.faults.add(fault, "createBroadcast", applied=applied, count=1)
    retry = RetryPolicy(max_attempts=4, initial=0, maximum=0)
    async with SMSClient(sandbox.url, sandbox.token, rate_limit=None, retry=retry) as sms:
        with pytest.raises(SMSError) as caught:
            await sms.broadcasts.create(name="Sale", body="20% off", list_ids=[1])
        error = pickle.loads(pickle.dumps(caught.value))
        assert error.maybe_applied
        assert error.attempts == 1
        assert error.unconfirmed is not None
        found = await sms.broadcasts.find_unconfirmed(error.unconfirmed)
    assert len(found) == applied
    assert [broadcast.name for broadcast in found] == ["Sale"] * applied
    creates = [entry for entry in sandbox.journal if entry.operation == "createBroadcast"]
    assert len(creates) == 1
