"""Calls that take several requests, struck in the middle: between pages, mid-poll, mid-batch.

A journey answers to the same rule as a single request. What is known beforehand is what it gives when nothing is
wrong; a fault that heals changes nothing in that, and one that lasts leaves what came before it. A wait goes on through
all that says nothing of what is waited for; when its time is over, its error tells of the last of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from attrs import frozen

from ac_sms_async import Pager, SMSClient, SMSError
from tests.faults.answers import VALUES, which
from tests.faults.http11 import Answer, Request

ROWS = 5


async def upstream(request: Request) -> Answer:
    """A server with five rows of everything, asked for two at a time; waits end at the third look."""
    operation = which(request)
    value = VALUES[operation.operation_id]
    if operation.operation_id == "getBroadcastMetrics":
        return Answer.of({"metrics": [{**value["metrics"][0], "id": wanted} for wanted in request.json()["ids"]]})
    if "meta" in value:
        name: str = next(key for key in value if key != "meta")
        rows: list[dict[str, Any]] = value[name]
        offset, limit = request.number("offset", 0), request.number("limit", 20)
        page = [{**rows[0], "id": 1 + index} for index in range(ROWS)][offset : offset + limit]
        return Answer.of({**value, name: page, "meta": {"total": ROWS}})
    return Answer.of(value)


class Polled:
    """`upstream`, but a broadcast is only sent, and an AI request only done, at the third look."""

    def __init__(self) -> None:
        self.looks = 0

    async def __call__(self, request: Request) -> Answer:
        operation = which(request)
        if operation.operation_id not in ("getBroadcast", "getAIBroadcastStatus"):
            return await upstream(request)
        value = VALUES[operation.operation_id]
        self.looks += 1
        if operation.operation_id == "getBroadcast":
            return Answer.of({**value, "status": "sent" if self.looks >= 3 else "sending"})
        done = {"status": "success", "broadcastId": 42} if self.looks >= 3 else {"status": "in_progress"}
        return Answer.of({**value, "broadcastId": None, **done})


@frozen
class Outcome:
    """What a journey gave before it ended, and the error that ended it or that marks what is missing."""

    got: list[Any]
    error: SMSError | None = None


@frozen
class Journey:
    """`skip` requests pass before the fault strikes; `before` is what was given out by then."""

    name: str
    operation_id: str
    upstream: Callable[[], Callable[[Request], Awaitable[Answer]]]
    run: Callable[[SMSClient, float], Awaitable[Outcome]]
    """With the seconds that a wait may take."""
    whole: list[Any]
    before: list[Any]
    skip: int

    @property
    def waits(self) -> bool:
        """Whether it looks until something is done: the server ends it at a number of requests, retries counted."""
        return self.upstream is Polled


def _pages(name: str) -> Journey:
    async def run(sms: SMSClient, wait: float) -> Outcome:
        got: list[Any] = []
        try:
            async for row in PAGERS[name](sms, None):
                # One by one, because an error keeps what came before it.
                got.append(row.id)  # noqa: PERF401
        except SMSError as error:
            return Outcome(got, error)
        return Outcome(got)

    ids = list(range(1, ROWS + 1))
    return Journey(name, name.partition(",")[0], lambda: upstream, run, ids, ids[:3], skip=2)


def _broadcasts(sms: SMSClient, token: str | None) -> Pager[Any]:
    return sms.broadcasts.list(page_size=2, prefetch=1, resume=token)


def _lists(sms: SMSClient, token: str | None) -> Pager[Any]:
    return sms.lists.list(page_size=2, prefetch=1, resume=token)


def _recipients(sms: SMSClient, token: str | None) -> Pager[Any]:
    return sms.recipients.list(42, page_size=2, prefetch=1, resume=token)


PAGERS: dict[str, Callable[[SMSClient, str | None], Pager[Any]]] = {
    "listBroadcasts, between pages": _broadcasts,
    "listBroadcastLists, between pages": _lists,
    "getBroadcastRecipients, between pages": _recipients,
}


async def _metrics(sms: SMSClient, wait: float) -> Outcome:
    batch = await sms.metrics.fetch(range(1, 7), chunk_size=2, max_concurrency=1)
    assert not batch.missing
    return Outcome(sorted(batch.metrics), next(iter(batch.failed.values()), None))


async def _failures(sms: SMSClient, wait: float) -> Outcome:
    got: list[Any] = []
    error: SMSError | None = None
    async for outcome in sms.metrics.stream_failures(range(1, 5), max_concurrency=1):
        if outcome.error is None:
            got.append(outcome.id)
        error = error or outcome.error
    return Outcome(sorted(got), error)


async def _waited(wait: Awaitable[Any]) -> Outcome:
    try:
        return Outcome([(await wait).id])
    except SMSError as error:
        return Outcome([], error)


JOURNEYS = [
    *(_pages(name) for name in PAGERS),
    Journey(
        "getBroadcastMetrics, mid-batch",
        "getBroadcastMetrics",
        lambda: upstream,
        _metrics,
        [1, 2, 3, 4, 5, 6],
        [1, 2],
        1,
    ),
    Journey(
        "getBroadcastFailures, mid-batch", "getBroadcastFailures", lambda: upstream, _failures, [1, 2, 3, 4], [1, 2], 2
    ),
    Journey(
        "getBroadcast, mid-poll",
        "getBroadcast",
        Polled,
        lambda sms, wait: _waited(sms.broadcasts.wait(42, timeout=wait)),
        [42],
        [],
        1,
    ),
    Journey(
        "getAIBroadcastStatus, mid-poll",
        "getAIBroadcastStatus",
        Polled,
        lambda sms, wait: _waited(sms.ai.request("abc-1").wait(timeout=wait)),
        [42],
        [],
        1,
    ),
]
