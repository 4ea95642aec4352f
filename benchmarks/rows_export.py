"""Exports: a large CSV to a file, and its records."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import httpx

from ac_sms_async import SMSClient
from benchmarks.competitors import TOKEN
from benchmarks.lab import BACKENDS, Backend, Lab, in_child
from benchmarks.report import Figure
from benchmarks.rounds import Contestant, Sample, Watch, race
from benchmarks.server import CSV_HEADER, CSV_PIECE, all_cores, csv_piece
from benchmarks.stub import stubbed

IDS = [1, 2, 3]
MEMORY_TARGET = 8.0
RAW: dict[Backend, str] = {"httpx": "httpx", "httptools": "aiohttp"}
"""What one would use instead of each backend."""


async def export(lab: Lab) -> list[Figure]:
    """200 MB to a file: against the best that httpx or aiohttp does into the same file, and the memory it takes."""
    megabytes = 40 if lab.quick else 200
    path = lab.folder / "export.csv"
    url = f"{lab.server}/csv-{megabytes}/api/3/sms/broadcasts/export"
    async with AsyncExitStack() as stack:
        plain = await stack.enter_async_context(httpx.AsyncClient(headers={"Api-Token": TOKEN}))
        session = await stack.enter_async_context(aiohttp.ClientSession(headers={"Api-Token": TOKEN}))
        contestants: dict[str, Contestant] = {
            "httpx aiter_bytes": lambda: _written(_httpx_pieces(plain, url, raw=False), path),
            "httpx aiter_raw": lambda: _written(_httpx_pieces(plain, url, raw=True), path),
            "aiohttp iter_any": lambda: _written(_aiohttp_pieces(session, url, None), path),
            "aiohttp iter_chunked": lambda: _written(_aiohttp_pieces(session, url, 1 << 20), path),
        }
        for backend in BACKENDS:
            sms = await stack.enter_async_context(lab.client(f"/csv-{megabytes}", backend=backend))
            contestants[f"ours ({backend})"] = _saving(sms, path)
        with all_cores():
            # More than elsewhere: the disk is not as even as the processor.
            result = await race(contestants, rounds=3 if lab.quick else 25)
    figures: list[Figure] = []
    for backend in BACKENDS:
        raw = RAW[backend]
        best = result.best(*(name for name in contestants if name.startswith(f"{raw} ")))
        measured = in_child("benchmarks.child_export", lab.server + f"/csv-{megabytes}", backend, path)
        what = f"{megabytes} MB export to a file, {backend} backend"
        speed = result.speed(f"ours ({backend})", best)
        details = result.details() if backend == "httpx" else {}
        figures += [
            Figure("export", f"{what}, against the best of raw {raw} ({best})", speed, target=0.9, details=details),
            Figure(
                "export", f"{what}: memory", measured["memory_mb"], unit="MB", target=MEMORY_TARGET, bound="at most"
            ),
        ]
    return figures


def megabytes_in(path: Path) -> float:
    return path.stat().st_size / 1e6


def _saving(sms: SMSClient, path: Path) -> Contestant:
    async def take_turn() -> Sample:
        watch = Watch()
        async with sms.exports.metrics(IDS) as opened:
            await opened.save(path)
        return watch.sample(megabytes_in(path))

    return take_turn


async def _written(pieces: AsyncIterator[bytes], path: Path) -> Sample:
    watch = Watch()
    with path.open("wb") as file:
        async for piece in pieces:
            file.write(piece)
    return watch.sample(megabytes_in(path))


async def _httpx_pieces(client: httpx.AsyncClient, url: str, *, raw: bool) -> AsyncIterator[bytes]:
    async with client.stream("POST", url, json={"ids": IDS}) as response:
        async for piece in response.aiter_raw() if raw else response.aiter_bytes():
            yield piece


async def _aiohttp_pieces(session: aiohttp.ClientSession, url: str, size: int | None) -> AsyncIterator[bytes]:
    async with session.post(url, json={"ids": IDS}) as response:
        async for piece in response.content.iter_any() if size is None else response.content.iter_chunked(size):
            yield piece


async def records(lab: Lab) -> list[Figure]:
    """The records of an export: fed from memory, and over HTTP, against csv.reader on a file."""
    megabytes = 5 if lab.quick else 30
    body = CSV_HEADER + csv_piece() * (megabytes * 1_000_000 // CSV_PIECE)
    path = lab.folder / "records.csv"
    path.write_bytes(body)

    async def csv_reader() -> Sample:
        watch = Watch()
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = sum(1 for _ in csv.reader(file))
        return watch.sample(rows)

    async with AsyncExitStack() as stack:
        contestants: dict[str, Callable[[], Awaitable[Sample]]] = {"csv.reader": csv_reader}
        memory = await stack.enter_async_context(stubbed(lambda _: body, "text/csv; charset=utf-8"))
        contestants["ours (memory)"] = _reading(memory)
        for backend in BACKENDS:
            sms = await stack.enter_async_context(lab.client(f"/csv-{megabytes}", backend=backend))
            contestants[f"ours ({backend})"] = _reading(sms)
        result = await race(contestants, rounds=3 if lab.quick else 9)
    what = "export.records(), {}, against csv.reader on a file"
    fed = Figure(
        "records",
        what.format("fed from memory"),
        result.speed("ours (memory)", "csv.reader"),
        target=0.85,
        details=result.details(),
    )
    return [
        fed,
        *(
            Figure(
                "records",
                what.format(f"over HTTP, {backend} backend"),
                result.speed(f"ours ({backend})", "csv.reader"),
                target=0.7,
            )
            for backend in BACKENDS
        ),
    ]


def _reading(sms: SMSClient) -> Contestant:
    async def take_turn() -> Sample:
        watch = Watch()
        rows = 0
        async with sms.exports.metrics(IDS) as opened:
            async for _ in opened.records():
                rows += 1
        return watch.sample(rows)

    return take_turn
