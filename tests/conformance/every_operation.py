"""Calls every operation of the document through the client, with as many of its parameters as there are."""

from __future__ import annotations

from datetime import UTC, date, datetime

from ac_sms_async import NotFoundError, SMSClient


async def call_every_operation(sms: SMSClient) -> None:
    """For a sandbox whose time runs a hundred times as fast, so that nothing has to be waited for."""
    first, last = date(2020, 1, 1), date(2030, 1, 1)
    await sms.credits.get()
    await sms.broadcasts.list(
        name="sale", status="sent", type="x", order="desc", start_date=first, end_date=last
    ).to_list()
    await sms.lists.list(name="a").to_list()
    draft = await sms.broadcasts.create(
        name="Sale",
        body="20% off",
        list_ids=[1],
        label_ids=[1, 2],
        address_id=1,
        media_urls=["https://example.com/a.png"],
        shorten_track_links_enabled=True,
        scheduled_date=datetime(2030, 1, 1, tzinfo=UTC),
    )
    await sms.broadcasts.update(draft.id, body="25% off", address_id=None, scheduled_date=None, label_ids=None)
    request = await sms.ai.update(draft.id, prompt="Shorter", tone="casual", source="ai_builder")
    await request.wait(timeout=30)
    made = await (await sms.ai.create(prompt="Sale", tone="casual", source="sms_index")).wait(timeout=30)
    await sms.broadcasts.send(draft.id)
    await sms.broadcasts.get(draft.id)
    await sms.broadcasts.delete(made.id)
    await sms.metrics.fetch(range(1, 60), start_date=first, end_date=last)
    await sms.metrics.snapshot(start_date=first, end_date=last)
    await sms.metrics.snapshot(ids=[1, 2])
    await sms.metrics.failures(1, start_date=first, end_date=last)
    await sms.recipients.list(
        1,
        start_date=first,
        end_date=last,
        deliverability=["deliveries"],
        engagement=["clicks", "optOuts"],
        search="a",
        order="name",
    ).first()
    await sms.recipients.list(1).to_list()
    async with sms.exports.metrics([1, 2]) as export:
        assert [row async for row in export.rows()]
    async with sms.exports.recipients(1, deliverability=["failures"], search="a") as export:
        assert [row async for row in export.rows()]
    try:
        await sms.broadcasts.get(made.id)
    except NotFoundError:
        return
    raise AssertionError("a deleted broadcast was found")
