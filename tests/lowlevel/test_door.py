"""The layer's own docstring says how to use it alone; what it shows works."""

from __future__ import annotations

import json
import re
from textwrap import dedent
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ac_sms_async import lowlevel
from ac_sms_async.lowlevel.types import Client, Request, Response
from tests.lowlevel.answers import ANSWERS

pytestmark = pytest.mark.anyio


def blocks() -> list[str]:
    return [dedent(block) for block in re.findall(r"(?:^    .*\n|^\n(?=    ))+", lowlevel.__doc__ or "", re.MULTILINE)]


def test_a_request_is_built_and_its_answer_read() -> None:
    names: dict[str, Any] = {"json": json, "ZoneInfo": ZoneInfo, "body": json.dumps(ANSWERS["listBroadcasts"])}
    exec(blocks()[0], names)
    assert (names["request"].method, names["request"].query) == ("GET", "limit=20&filters%5Bstatus%5D=sent")
    assert [row.id for row in names["page"].broadcasts] == [42, 43]


async def test_a_client_is_whatever_sends() -> None:
    class Mine:
        async def send(self, request: Request[Any], /) -> Response[Any]:
            parsed = request.decode(ANSWERS[request.operation_id], ZoneInfo("UTC"))
            return Response(status=200, headers={}, parsed=parsed)

    mine: Client = Mine()
    names: dict[str, Any] = {"sms": type("SMS", (), {"transport": mine})}
    exec(blocks()[0].split("\n\n")[0], names)
    body = "".join(f"    {line}\n" for line in blocks()[1].splitlines())
    exec(f"async def example():\n{body}    return page, answer", names)
    page, answer = await names["example"]()
    assert page == answer.parsed
    assert answer.status == 200
