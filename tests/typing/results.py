"""What an editor infers for what users write. Checked by mypy and pyright in `make types`, never run."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal, assert_never, assert_type

from ac_sms_async import (
    AIRequest,
    Answer,
    Export,
    Failed,
    FailuresFound,
    MetricsBatch,
    Missing,
    Outcome,
    Page,
    Pager,
    PartialBatch,
    SegmentEstimate,
    SMSClient,
    SMSError,
    UnconfirmedCreate,
    estimate_segments,
)
from ac_sms_async.models import (
    AIBroadcastStatus,
    BroadcastList,
    BroadcastMessage,
    BroadcastMetrics,
    FailureDetail,
    Recipient,
    SmsCredits,
    Snapshot,
)


async def clients() -> None:
    async with SMSClient("https://acme.api-us1.com", "token") as sms:
        assert_type(sms, SMSClient)
    assert_type(SMSClient.from_env(), SMSClient)
    assert_type(sms.with_options(deadline=3, headers={"X-Team": "billing"}), SMSClient)
    with sms.capture() as answers:
        assert_type(answers, list[Answer])
        assert_type(answers[0].body, bytes | None)


async def credits(sms: SMSClient) -> None:
    found = await sms.credits.get()
    assert_type(found, SmsCredits)
    assert_type(found.available, int | None)
    assert_type(found.next_refill_date, datetime | None)
    assert_type(found.extra, dict[str, Any])


async def pagers(sms: SMSClient) -> None:
    broadcasts = sms.broadcasts.list(status="sent", start_date=date(2026, 1, 1))
    assert_type(broadcasts, Pager[BroadcastMessage])
    assert_type(sms.lists.list(), Pager[BroadcastList])
    assert_type(sms.recipients.list(42, deliverability=["failures"]), Pager[Recipient])
    async for broadcast in broadcasts:
        assert_type(broadcast, BroadcastMessage)
        assert_type(broadcast.id, int)
        assert_type(broadcast.sent_date, datetime | None)
        assert_type(broadcast.list_ids, list[int] | None)
    async for page in broadcasts.pages():
        assert_type(page, Page[BroadcastMessage])
        assert_type(page.total, int | None)
        assert_type(page.unreadable, list[Any])
    assert_type(await broadcasts.to_list(max_items=3), list[BroadcastMessage])
    assert_type(await broadcasts.first(), BroadcastMessage | None)
    assert_type(await broadcasts.count(), int | None)
    async with broadcasts as running:
        assert_type(running, Pager[BroadcastMessage])
    assert_type([item async for item in sms.lists.list()], list[BroadcastList])


async def broadcasts(sms: SMSClient) -> None:
    assert_type(await sms.broadcasts.get(1), BroadcastMessage)
    assert_type(await sms.broadcasts.create(name="n", body="b"), BroadcastMessage)
    assert_type(await sms.broadcasts.update(1, list_ids=None), BroadcastMessage)
    assert_type(await sms.broadcasts.send(1), BroadcastMessage)
    assert_type(await sms.broadcasts.delete(1), BroadcastMessage | None)
    assert_type(await sms.broadcasts.wait(1, until="sent", timeout=3600), BroadcastMessage)
    try:
        await sms.broadcasts.create(name="n", body="b")
    except SMSError as error:
        assert_type(error.unconfirmed, UnconfirmedCreate | None)
        assert_type(error.batch, PartialBatch | None)
        if error.unconfirmed is not None:
            assert_type(await sms.broadcasts.find_unconfirmed(error.unconfirmed), list[BroadcastMessage])


async def ai(sms: SMSClient) -> None:
    request = await sms.ai.create(prompt="p", tone="casual", source="ai_builder")
    assert_type(request, AIRequest)
    assert_type(request.id, str)
    assert_type(await request.status(), AIBroadcastStatus)
    assert_type(await request.wait(timeout=120), BroadcastMessage)
    assert_type(sms.ai.request("id"), AIRequest)
    assert_type(await sms.ai.update(1, prompt="p", tone="t", source="ai_builder"), AIRequest)


async def metrics(sms: SMSClient) -> None:
    assert_type(await sms.metrics.get([1]), dict[int, BroadcastMetrics])
    batch = await sms.metrics.fetch([1, 2])
    assert_type(batch, MetricsBatch)
    assert_type(batch.metrics, dict[int, BroadcastMetrics])
    assert_type(batch.metrics[1].clicks, int | None)
    assert_type(batch.missing, list[int])
    assert_type(batch.failed, dict[int, SMSError])
    assert_type(await sms.metrics.failures(1), list[FailureDetail])
    assert_type(await sms.metrics.snapshot(start_date=date(2026, 1, 1)), Snapshot)
    assert_type(await sms.metrics.snapshot(ids=[1]), Snapshot)
    async for outcome in sms.metrics.stream([1]):
        assert_type(outcome.id, int)
        assert_type(outcome.status, Literal["ok", "missing", "failed"])
        assert_type(outcome.error, SMSError | None)
        if outcome.status == "ok":
            assert_type(outcome.metrics, BroadcastMetrics)
            assert_type(outcome.error, None)
        elif outcome.status == "failed":
            assert_type(outcome.error, SMSError)
        elif outcome.status == "missing":
            assert_type(outcome.value, None)
        else:
            assert_never(outcome)
    async for failures in sms.metrics.stream_failures([1]):
        match failures:
            case FailuresFound():
                assert_type(failures.failures, list[FailureDetail])
            case Failed(error=error):
                assert_type(error, SMSError)
            case Missing():
                assert_type(failures.id, int)
            case _:
                assert_never(failures)
        if failures.error is None and failures.value is not None:
            assert_type(failures, FailuresFound)


def any_outcome(outcome: Outcome[str]) -> str:
    match outcome.status:
        case "ok":
            return outcome.value
        case "missing":
            return "left out"
        case "failed":
            return outcome.error.message


async def exports(sms: SMSClient) -> None:
    async with sms.exports.recipients(1) as export:
        assert_type(export, Export)
        async for row in export.rows():
            assert_type(row, dict[str, str])
        async for record in export.records():
            assert_type(record, list[str])
        async for chunk in export.bytes():
            assert_type(chunk, bytes)


def segments() -> None:
    estimate = estimate_segments("body")
    assert_type(estimate, SegmentEstimate)
    assert_type(estimate.segments, int)
