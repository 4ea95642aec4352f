"""The Python client of OpenAPI Generator (the package `oag`), at all 17 operations: URL and token are arguments."""

from __future__ import annotations

import sys
import time
from datetime import UTC, date, datetime
from importlib import import_module
from typing import Any


def main(url: str, token: str) -> None:
    """Raises where an answer is a refusal, or isn't what the document promises."""
    oag: Any = import_module("oag")
    client = oag.ApiClient(oag.Configuration(host=f"{url}/api/3", api_key={"ApiToken": token}))
    api, credit = oag.BroadcastsApi(client), oag.CreditsApi(client)
    first, last = date(2020, 1, 1), date(2030, 1, 1)
    days = {"start_date": first, "end_date": last}

    assert credit.get_sms_credit_data().sms_credits.available > 0
    page = api.list_broadcasts(
        limit=100, filters_name="sale", filters_status="sent", filters_type="x", orders_field="DESC", **days
    )
    assert len(page.broadcasts) == page.meta.total > 0
    assert api.list_broadcast_lists(filters_name="a").lists
    wanted = oag.BroadcastCreateRequest(
        name="Sale", body="20% off", list_ids=[1], label_ids=[1, 2], scheduled_date=datetime(2030, 1, 1, tzinfo=UTC)
    )
    draft = api.create_broadcast(wanted)
    changed = api.update_broadcast(draft.id, oag.BroadcastUpdateRequest(body="25% off"))
    assert (changed.id, changed.body) == (draft.id, "25% off")
    assert api.get_broadcast(draft.id).name == "Sale"

    def made_by(request_id: str) -> int:
        while (status := api.get_ai_broadcast_status(request_id)).status != "success":
            time.sleep(0.1)
        number: int = status.broadcast_id
        return number

    words = {"prompt": "Shorter", "tone": "casual", "source": "ai_builder"}
    made = made_by(api.create_ai_broadcast(oag.AIBroadcastRequest(**words)).request_id)
    again = oag.AIBroadcastUpdateRequest(broadcastId=made, **words)
    assert made_by(api.update_ai_broadcast(again).request_id) == made
    api.delete_broadcast(made)

    both = oag.GetBroadcastMetricsRequest(ids=[1, 2])
    [one, _] = api.get_broadcast_metrics(both, **days).metrics
    assert api.get_broadcast_snapshot(**days).snapshot.sends > one.sends
    assert api.get_broadcast_snapshot_by_ids(oag.GetBroadcastMetricsRequest(ids=[1])).snapshot.sends == one.sends
    assert sum(each.count for each in api.get_broadcast_failures(1, **days).failures) == one.failures
    people = api.get_broadcast_recipients(1, limit=100, **days)
    assert people.meta.total == one.sends
    # A wall clock that doesn't say whose: it comes out naive.
    assert {each.sent_date.tzinfo for each in people.recipients} == {None}
    engaged = api.get_broadcast_recipients(1, filters_engagement=["clicks", "optOuts"], order_field="name")
    assert 0 < engaged.meta.total < one.sends
    assert api.export_broadcast_metrics(both).startswith("id,")
    some = oag.ExportBroadcastRecipientsRequest(search="a")
    assert api.export_broadcast_recipients(1, some).startswith("id,")


if __name__ == "__main__":
    main(*sys.argv[1:])
