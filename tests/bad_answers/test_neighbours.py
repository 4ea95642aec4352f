"""One bad row never takes its neighbours: whatever stands between two good rows, both come out whole."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ac_sms_async import SMSClient
from tests.bad_answers.bending import any_json, bent, inside
from tests.bad_answers.memory import client_of
from tests.faults.answers import VALUES


async def _by_id(rows: Any) -> dict[Any, Any]:
    return {row.id: row for row in rows}


async def _failures(sms: SMSClient) -> dict[Any, Any]:
    return {row.error_code: row for row in await sms.metrics.failures(42)}


async def _metrics(sms: SMSClient) -> dict[Any, Any]:
    return dict((await sms.metrics.fetch([1, 3])).metrics)


ROWS: dict[str, tuple[str, Callable[[SMSClient], Awaitable[dict[Any, Any]]]]] = {
    "listBroadcasts": ("broadcasts", lambda sms: _listed(sms.broadcasts.list())),
    "listBroadcastLists": ("lists", lambda sms: _listed(sms.lists.list())),
    "getBroadcastRecipients": ("recipients", lambda sms: _listed(sms.recipients.list(42))),
    "getBroadcastMetrics": ("metrics", _metrics),
    "getBroadcastFailures": ("failures", _failures),
}
"""Every operation that answers rows: under which name, and how they are read, by their id."""


async def _listed(pager: Any) -> dict[Any, Any]:
    return await _by_id(await pager.to_list())


def _good(operation: str, number: int) -> dict[str, Any]:
    row = dict(VALUES[operation][ROWS[operation][0]][0])
    row["errorCode" if operation == "getBroadcastFailures" else "id"] = (
        str(number) if operation == "getBroadcastFailures" else number
    )
    return row


async def _read(operation: str, rows: list[Any]) -> dict[Any, Any]:
    name, read = ROWS[operation]

    def server(request: httpx.Request) -> httpx.Response:
        offset = int(request.url.params.get("offset", 0))
        return httpx.Response(200, content=json.dumps({name: rows[offset:], "meta": {"total": len(rows)}}))

    async with client_of(server) as sms:
        return await read(sms)


def test_every_operation_that_answers_rows_is_here() -> None:
    rows = {name for name, value in VALUES.items() if any(isinstance(inner, list) for inner in value.values())}
    # Those of a single broadcast are lists of scalars.
    assert rows - {name for name in rows if "id" in VALUES[name]} == set(ROWS)


@pytest.mark.parametrize("operation", ROWS)
@settings(max_examples=60)
@given(data=st.data())
def test_both_neighbours_come_out_whole(operation: str, data: st.DataObject) -> None:
    first, last = _good(operation, 1), _good(operation, 3)
    bad = _jsonable(data.draw(st.one_of(any_json, bent(_good(operation, 2)))))
    undisturbed = anyio.run(_read, operation, [first, last])
    found = anyio.run(_read, operation, [first, bad, last])
    assert len(undisturbed) == 2
    for key, row in undisturbed.items():
        # A row that came out as one of its neighbours is another matter.
        if str(dict(inside(bad)).get("id")).strip() not in ("1", "3", "1.0", "3.0"):
            assert found[key] == row


def _jsonable(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _jsonable(inner) for key, inner in inside(value)}
    return [_jsonable(inner) for _, inner in inside(value)] if isinstance(value, list) else value


@pytest.mark.parametrize("operation", ["listBroadcasts", "listBroadcastLists", "getBroadcastRecipients"])
@pytest.mark.parametrize("bad", [None, {}, {"id": None}, {"id": "x"}, {"id": -1}, [], "row", 7], ids=repr)
def test_a_row_without_an_id_is_kept_and_told(operation: str, bad: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    rows = [_good(operation, 1), bad, _good(operation, 3)]

    async def unreadable() -> list[Any]:
        found: list[Any] = []
        name = ROWS[operation][0]

        def server(request: httpx.Request) -> httpx.Response:
            offset = int(request.url.params.get("offset", 0))
            return httpx.Response(200, content=json.dumps({name: rows[offset:], "meta": {"total": len(rows)}}))

        async with client_of(server) as sms:
            pagers: dict[str, Any] = {
                "broadcasts": sms.broadcasts.list(),
                "lists": sms.lists.list(),
                "recipients": sms.recipients.list(42),
            }
            async for page in pagers[name].pages():
                found += page.unreadable
        return found

    assert anyio.run(unreadable) == [bad]
    assert any(record.levelno == logging.WARNING for record in caplog.records)
