"""Metrics in bulk through the facade: every id accounted for, errors that end a run, and what a snapshot is of."""

from __future__ import annotations

import json
import pickle
from datetime import date
from typing import Any

import httpx
import pytest
from attrs.exceptions import FrozenInstanceError
from pytest_httpx import HTTPXMock

from ac_sms_async import (
    AuthenticationError,
    ConfigurationError,
    Failed,
    MetricsFound,
    Missing,
    NotFoundError,
    SMSClient,
)

pytestmark = pytest.mark.anyio


def metrics_of(*known: int, bad: int | None = None) -> Any:
    """A server that knows some ids, leaves out others, and refuses a request with a bad one."""

    def answer(request: httpx.Request) -> httpx.Response:
        ids = json.loads(request.content)["ids"]
        if bad in ids:
            return httpx.Response(404, json={"message": f"no broadcast {bad}"})
        return httpx.Response(200, json={"metrics": [{"id": i, "sends": 10 * i} for i in ids if i in known]})

    return answer


async def test_every_id_is_in_exactly_one_of_three(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_callback(metrics_of(1, 2, 4, bad=3), is_reusable=True)
    progress: list[tuple[int, int, int | None]] = []
    batch = await sms.metrics.fetch(
        [1, 2, 3, 4, 5, 2], chunk_size=2, on_progress=lambda done, failed, total: progress.append((done, failed, total))
    )
    assert {broadcast_id: found.sends for broadcast_id, found in batch.metrics.items()} == {1: 10, 2: 20, 4: 40}
    assert batch.missing == [5]
    assert list(batch.failed) == [3]
    assert isinstance(batch.failed[3], NotFoundError)
    assert progress[-1][:2] == (5, 1)


async def test_a_stream_yields_one_outcome_for_each_id(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_callback(metrics_of(1), is_reusable=True)
    outcomes = [outcome async for outcome in sms.metrics.stream([1, 2])]
    assert [(o.id, o.status, o.value and o.value.sends, o.error) for o in outcomes] == [
        (1, "ok", 10, None),
        (2, "missing", None, None),
    ]


async def test_an_outcome_stays_as_it_is(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_callback(metrics_of(1, bad=3), is_reusable=True)
    outcomes = [outcome async for outcome in sms.metrics.stream([1, 2, 3])]
    assert [type(outcome) for outcome in outcomes] == [MetricsFound, Missing, Failed]
    for outcome in outcomes:
        for name in ("id", "status", "value", "error"):
            with pytest.raises((FrozenInstanceError, AttributeError)):
                setattr(outcome, name, 4)
        assert type(pickle.loads(pickle.dumps(outcome))) is type(outcome)


async def test_failures_come_one_request_an_id(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    base = "https://acme.api-us1.com/api/3/sms/broadcasts/metrics"
    httpx_mock.add_response(url=f"{base}/1/failures", json={"failures": [{"errorCode": "30003", "count": 2}]})
    httpx_mock.add_response(url=f"{base}/2/failures", status_code=404)
    first, second = [outcome async for outcome in sms.metrics.stream_failures([1, 2])]
    assert first.status == "ok"
    assert (first.id, [group.count for group in first.failures]) == (1, [2])
    assert second.status == "failed"
    assert (second.id, second.value) == (2, None)
    assert isinstance(second.error, NotFoundError)


async def test_an_error_that_ends_the_run_carries_what_was_gathered(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_callback(metrics_of(1, 2))
    httpx_mock.add_response(status_code=401)
    with pytest.raises(AuthenticationError) as caught:
        await sms.metrics.fetch([1, 2, 3, 4], chunk_size=2, max_concurrency=1)
    assert caught.value.batch is not None
    assert list(caught.value.batch.metrics) == [1, 2]


async def test_a_snapshot_is_of_ids_or_of_dates(sms: SMSClient) -> None:
    with pytest.raises(ConfigurationError, match="leave one of them out"):
        await sms.metrics.snapshot(ids=[1], start_date=date(2026, 1, 1))  # type: ignore[call-overload]  # the mistake
