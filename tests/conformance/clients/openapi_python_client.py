"""openapi-python-client's default client (the package `opc`), at all 17 operations: URL and token are arguments."""

from __future__ import annotations

import sys
import time
from datetime import UTC, date, datetime
from importlib import import_module
from typing import Any


def main(url: str, token: str) -> None:
    """Raises where an answer is a refusal, or isn't what the document promises."""
    opc: Any = import_module("opc")
    models: Any = import_module("opc.models")
    client = opc.AuthenticatedClient(
        base_url=f"{url}/api/3", token=token, prefix="", auth_header_name="Api-Token", raise_on_unexpected_status=True
    )

    def call(place: str, *arguments: Any, **named: Any) -> Any:
        parsed = import_module(f"opc.api.{place}").sync(*arguments, client=client, **named)
        assert parsed is not None, place
        assert type(parsed).__name__ != "ErrorResponse", (place, parsed)
        return parsed

    first, last = date(2020, 1, 1), date(2030, 1, 1)
    assert call("credits_.get_sms_credit_data").sms_credits.available > 0
    page = call(
        "broadcasts.list_broadcasts",
        limit=100,
        filtersname="sale",
        filtersstatus=models.ListBroadcastsFiltersstatus.SENT,
        filterstype="x",
        ordersfield=models.ListBroadcastsOrdersfield.DESC,
        start_date=first,
        end_date=last,
    )
    assert len(page.broadcasts) == page.meta.total > 0
    assert call("broadcasts.list_broadcast_lists", filtersname="a").lists
    draft = call(
        "broadcasts.create_broadcast",
        body=models.BroadcastCreateRequest(
            name="Sale",
            body="20% off",
            list_ids=[1],
            label_ids=[1, 2],
            scheduled_date=datetime(2030, 1, 1, tzinfo=UTC),
        ),
    )
    changed = call("broadcasts.update_broadcast", draft.id, body=models.BroadcastUpdateRequest(body="25% off"))
    assert (changed.id, changed.body) == (draft.id, "25% off")
    assert call("broadcasts.get_broadcast", draft.id).name == "Sale"

    def made_by(request_id: str) -> int:
        while (status := call("ai.get_ai_broadcast_status", request_id)).status != "success":
            time.sleep(0.1)
        number: int = status.broadcast_id
        return number

    words: dict[str, Any] = {"prompt": "Shorter", "tone": "casual"}
    source = models.AIBroadcastRequestSource.AI_BUILDER
    asked = call("ai.create_ai_broadcast", body=models.AIBroadcastRequest(source=source, **words))
    made = made_by(asked.request_id)
    source = models.AIBroadcastUpdateRequestSource.AI_BUILDER
    again = models.AIBroadcastUpdateRequest(source=source, broadcast_id=made, **words)
    assert made_by(call("ai.update_ai_broadcast", body=again).request_id) == made
    call("broadcasts.delete_broadcast", made)

    wanted = models.GetBroadcastMetricsBody(ids=[1, 2])
    metrics = call("metrics.get_broadcast_metrics", body=wanted, start_date=first, end_date=last).metrics
    [one, _] = metrics
    assert call("metrics.get_broadcast_snapshot", start_date=first, end_date=last).snapshot.sends > one.sends
    some = models.GetBroadcastSnapshotByIdsBody(ids=[1])
    assert call("metrics.get_broadcast_snapshot_by_ids", body=some).snapshot.sends == one.sends
    failures = call("failures.get_broadcast_failures", 1, start_date=first, end_date=last).failures
    assert sum(each.count for each in failures) == one.failures
    people = call("recipients.get_broadcast_recipients", 1, limit=100, offset=0, start_date=first, end_date=last)
    assert people.meta.total == one.sends
    # A wall clock that doesn't say whose: it comes out naive.
    assert {each.sent_date.tzinfo for each in people.recipients} == {None}
    engaged = call(
        "recipients.get_broadcast_recipients",
        1,
        filtersengagement=[
            models.GetBroadcastRecipientsFiltersengagementItem.CLICKS,
            models.GetBroadcastRecipientsFiltersengagementItem.OPTOUTS,
        ],
        orderfield=models.GetBroadcastRecipientsOrderfield.NAME,
    )
    assert 0 < engaged.meta.total < one.sends
    rows = call("metrics.export_broadcast_metrics", body=models.ExportBroadcastMetricsBody(ids=[1, 2]))
    assert rows.startswith("id,")
    rows = call("recipients.export_broadcast_recipients", 1, body=models.ExportBroadcastRecipientsBody(search="a"))
    assert rows.startswith("id,")


if __name__ == "__main__":
    main(*sys.argv[1:])
