"""JSON bytes to models: ours, with tolerance, unknown fields and time zones, against the default generated decoder."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from ac_sms_async.lowlevel.api.broadcasts import list_broadcasts
from ac_sms_async.lowlevel.api.recipients import get_broadcast_recipients
from benchmarks.lab import Lab
from benchmarks.report import Figure
from benchmarks.rounds import race, repeated
from benchmarks.server import PAYLOADS

ZONE = ZoneInfo("America/Chicago")
DECODERS: dict[str, Callable[[Any, Any], object]] = {
    "broadcasts": list_broadcasts.request().decode,
    "recipients": get_broadcast_recipients.request(1).decode,
}
TARGETS = {("broadcasts", "orjson"): 0.30, ("recipients", "orjson"): 0.50,
           ("broadcasts", "stdlib json"): 0.45, ("recipients", "stdlib json"): 0.58}  # fmt: skip
LOADS: dict[str, Callable[[bytes], Any]] = {"orjson": orjson.loads, "stdlib json": json.loads}


async def decode(lab: Lab) -> list[Figure]:
    """Both committed payloads, 100 rows each."""
    generated = lab.competitors.decoders()
    figures: list[Figure] = []
    for payload, ours in DECODERS.items():
        body = compact(payload)
        contestants = {"generated": repeated(lab.turn / 4, partial(_generated, generated[payload], body))}
        for name, loads in LOADS.items():
            contestants[name] = repeated(lab.turn / 4, partial(_ours, ours, loads, body))
            contestants[f"{name} alone"] = repeated(lab.turn / 8, partial(loads, body))
        result = await race(contestants, rounds=lab.rounds)
        figures += [
            Figure(
                "decode",
                f"decode 100 {payload} with {name}, against the default generated decoder: CPU",
                result.expense(name, "generated"),
                target=TARGETS[payload, name],
                bound="at most",
                details=result.details() if name == "orjson" else {},
            )
            for name in LOADS
        ]
    return figures


def _generated(from_dict: Callable[[Any], object], body: bytes) -> object:
    return from_dict(json.loads(body))


def _ours(from_dict: Callable[[Any, Any], object], loads: Callable[[bytes], Any], body: bytes) -> object:
    return from_dict(loads(body), ZONE)


def compact(payload: str) -> bytes:
    """The payload as a server sends it, without the indentation that makes it readable in the repository."""
    value = json.loads((PAYLOADS / f"{payload}.json").read_bytes())
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
