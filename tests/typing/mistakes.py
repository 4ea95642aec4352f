# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""Mistakes that a type checker must catch before anything runs: each line here is an error in mypy and in pyright.

Checked in `make types`, never run: an ignore that is not needed is an error itself.
"""

from __future__ import annotations

from typing import assert_never

from ac_sms_async import UNSET, SMSClient


async def arguments(sms: SMSClient) -> None:
    sms.broadcasts.list(status="gone")  # type: ignore[arg-type]
    sms.broadcasts.list(stauts="sent")  # type: ignore[call-arg]
    sms.broadcasts.list(order="up")  # type: ignore[arg-type]
    sms.recipients.list(42, deliverability=["delivered"])  # type: ignore[list-item]
    sms.recipients.list(42, order="sent_date")  # type: ignore[arg-type]
    await sms.broadcasts.get("42")  # type: ignore[arg-type]
    await sms.broadcasts.create(name="n")  # type: ignore[call-arg]
    await sms.broadcasts.create(name=None, body="b")  # type: ignore[arg-type]
    await sms.broadcasts.update(1, status="pending_review")  # type: ignore[arg-type]
    await sms.broadcasts.update(1, body=None)  # type: ignore[arg-type]
    await sms.broadcasts.wait(1, until="draft")  # type: ignore[arg-type]
    await sms.ai.create(prompt="p", tone="t", source="me")  # type: ignore[arg-type]
    await sms.broadcasts.update(1, name=UNSET, list_ids=["3"])  # type: ignore[list-item]


async def options() -> None:
    SMSClient("https://acme.api-us1.com", "token", timeuot=3)  # type: ignore[call-arg]
    SMSClient.from_env(timeuot=3)  # type: ignore[call-arg]
    SMSClient.from_env(deadline="3 s")  # type: ignore[arg-type]
    SMSClient("https://acme.api-us1.com", "token", backend="requests")  # type: ignore[arg-type]
    SMSClient("https://acme.api-us1.com", "token", timeout=None)  # type: ignore[arg-type]


async def results(sms: SMSClient) -> None:
    print((await sms.credits.get()).available + 1)  # type: ignore[operator]
    broadcast = await sms.broadcasts.list().first()
    print(broadcast.id)  # type: ignore[union-attr]
    await sms.metrics.snapshot(ids=[1], start_date=None)  # type: ignore[call-overload]
    for _ in sms.broadcasts.list():  # type: ignore[attr-defined]
        pass
    async for outcome in sms.metrics.stream([1]):
        print(outcome.metrics)  # type: ignore[union-attr]
        if outcome.status == "ok":
            outcome.id = 3  # type: ignore[misc]
        elif outcome.status == "failed":
            print(outcome.error.message)
        else:
            assert_never(outcome)  # type: ignore[arg-type]
