"""One call after the other over five connections: a small object, and a page of 100 broadcasts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial

from ac_sms_async import SMSClient
from benchmarks.competitors import Call
from benchmarks.lab import BACKENDS, Lab
from benchmarks.report import Figure
from benchmarks.rounds import Race, calls_for, race
from benchmarks.server import SMALL_ID

CONNECTIONS = 5


async def small_calls(lab: Lab) -> list[Figure]:
    """One broadcast, about 900 bytes."""
    async with AsyncExitStack() as stack:
        rivals = await stack.enter_async_context(lab.competitors.calls(lab.server))
        contestants = {name: client.small for name, client in rivals.items()}
        for backend in BACKENDS:
            sms = await stack.enter_async_context(lab.client(backend=backend, max_concurrency=CONNECTIONS))
            contestants[f"ours ({backend})"] = partial(sms.broadcasts.get, SMALL_ID)
        result = await _compete(lab, contestants)
    what = "small GET, {}, against {}: {}"
    return [
        Figure(
            "small",
            what.format("default backend", "raw httpx", "requests/s"),
            result.speed("ours (httpx)", "httpx"),
            target=0.95,
            details=result.details(),
        ),
        Figure(
            "small",
            what.format("default backend", "raw httpx", "CPU"),
            result.expense("ours (httpx)", "httpx"),
            target=1.05,
            bound="at most",
        ),
        Figure(
            "small",
            what.format("httptools backend", "raw aiohttp", "requests/s"),
            result.speed("ours (httptools)", "aiohttp"),
            target=1.3,
        ),
        *_against_generated("small", "small GET", result, rivals),
    ]


async def pages(lab: Lab) -> list[Figure]:
    """A page of 100 broadcasts, about 88 KB."""
    async with AsyncExitStack() as stack:
        rivals = await stack.enter_async_context(lab.competitors.calls(lab.server))
        contestants = {name: client.page for name, client in rivals.items()}
        for backend in BACKENDS:
            client = lab.client(backend=backend, max_concurrency=CONNECTIONS)
            contestants[f"ours ({backend})"] = partial(_first_page, await stack.enter_async_context(client))
        client = lab.client(max_concurrency=CONNECTIONS, json_loads=json.loads)
        contestants["ours (httpx, stdlib json)"] = partial(_first_page, await stack.enter_async_context(client))
        result = await _compete(lab, contestants)
    what = "page of 100 broadcasts as models, {}, against {}: requests/s"
    return [
        Figure(
            "page",
            what.format("default backend with orjson", "raw httpx untyped"),
            result.speed("ours (httpx)", "httpx"),
            target=1.1,
            details=result.details(),
        ),
        Figure(
            "page",
            what.format("default backend with stdlib json", "raw httpx untyped"),
            result.speed("ours (httpx, stdlib json)", "httpx"),
            target=1.0,
        ),
        Figure(
            "page",
            what.format("httptools backend with orjson", "raw aiohttp and json.loads"),
            result.speed("ours (httptools)", "aiohttp"),
            target=1.2,
        ),
        *_against_generated("page", "page of 100 broadcasts as models", result, rivals),
    ]


async def _first_page(sms: SMSClient) -> object:
    async for page in sms.broadcasts.list(page_size=100).pages():
        return page.items
    raise AssertionError("the server has a page")


async def _compete(lab: Lab, contestants: Mapping[str, Call]) -> Race:
    turns = {name: partial(calls_for, lab.turn, call, workers=CONNECTIONS) for name, call in contestants.items()}
    return await race(turns, rounds=lab.rounds)


def _against_generated(row: str, what: str, result: Race, rivals: Mapping[str, object]) -> list[Figure]:
    """Ours against the generated clients; only for openapi-python-client is there something to reach."""
    return [
        Figure(
            row,
            f"{what}, {backend} backend, against {rival}: requests/s",
            result.speed(f"ours ({backend})", rival),
            target=1.2 if (rival, backend, row) == ("openapi-python-client", "httpx", "page") else None,
        )
        for rival in rivals
        if rival not in ("httpx", "aiohttp")
        for backend in BACKENDS
    ]
