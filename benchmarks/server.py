"""The load server: a process of its own that answers so quickly that only the client is measured.

It speaks just enough HTTP/1.1 for well-behaved clients. Every answer is built once and kept by its request; segments in
front of the path choose how: `/latency-50/api/3/...` answers 50 ms late, `/pages-100/...` has 100 pages of broadcasts,
`/csv-200/...` streams a CSV of 200 MB, and any other segment is an account's name.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from attrs import define, field, frozen

PAYLOADS = Path(__file__).parent / "payloads"
CSV_HEADER = b"id,name,phoneNumber,sentDate,clicks,deliverability,replies,optOut,errorCode,errorSource\r\n"
CSV_PIECE = 256 * 1024
SMALL_ID = 42
TICK = 0.001
METRICS = ("sends", "deliveries", "replies", "failures", "optOuts", "clicks")


@frozen
class Settings:
    """What the segments in front of a path ask for."""

    latency: float
    pages: int
    csv_bytes: int

    @classmethod
    def of(cls, path: str) -> Settings:
        found = dict(re.findall(r"/(latency|pages|csv)-(\d+)", path))
        return cls(
            latency=int(found.get("latency", 0)) / 1000,
            pages=int(found.get("pages", 1)),
            csv_bytes=int(found.get("csv", 1)) * 1_000_000,
        )


@frozen
class Answer:
    """A whole answer, or its head and the number of CSV bytes that follow it."""

    head: bytes
    latency: float
    csv_bytes: int = 0


def rows_of(payload: str) -> list[dict[str, Any]]:
    """The rows of one of the committed payloads: "broadcasts" or "recipients"."""
    rows: list[dict[str, Any]] = json.loads((PAYLOADS / f"{payload}.json").read_bytes())[payload]
    return rows


def csv_piece() -> bytes:
    """A piece of whole CSV lines, with the quoting that real exports need."""
    lines: list[str] = []
    size = number = 0
    while size < CSV_PIECE - 200:
        number += 1
        reply = '"Yes, please!\nCall me ""later"""' if number % 10 == 0 else ""
        line = (
            f"{number},Zoë Quinn {number},+1555{number:07d},2026-02-26 15:06:25,{number % 4},delivered,{reply},no,,\r\n"
        )
        lines.append(line)
        size += len(line.encode())
    return "".join(lines).encode()


@define
class Answers:
    """Builds the answer to a request, once."""

    broadcasts: list[dict[str, Any]] = field(factory=lambda: rows_of("broadcasts"))
    recipients: list[dict[str, Any]] = field(factory=lambda: rows_of("recipients"))
    csv: bytes = field(factory=csv_piece)
    _kept: dict[tuple[bytes, bytes], Answer] = field(factory=dict[tuple[bytes, bytes], Answer])

    def to(self, request_line: bytes, body: bytes) -> Answer:
        key = (request_line, body)
        answer = self._kept.get(key)
        if answer is None:
            answer = self._kept[key] = self._built(request_line.decode("ascii"), body)
        return answer

    def _built(self, request_line: str, body: bytes) -> Answer:
        _, target, _ = request_line.split(" ")
        url = urlsplit(target)
        settings = Settings.of(url.path)
        if url.path.endswith("/export"):
            lines = settings.csv_bytes // len(self.csv) * len(self.csv)
            length = len(CSV_HEADER) + lines
            return Answer(_head("text/csv; charset=utf-8", length) + CSV_HEADER, settings.latency, csv_bytes=lines)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        value = self._value(url.path, query, body, settings.pages)
        content = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return Answer(_head("application/json", len(content)) + content, settings.latency)

    def _value(self, path: str, query: dict[str, str], body: bytes, pages: int) -> dict[str, Any]:
        if path.endswith("/sms/credits"):
            return {"smsCredits": {"available": 9969, "includedThisPeriod": 1000, "usedThisPeriod": 71, "extra": 9040}}
        if path.endswith("/metrics"):
            return {"metrics": [dict.fromkeys(METRICS, 7) | {"id": row} for row in json.loads(body)["ids"]]}
        if path.endswith("/recipients"):
            return self._page("recipients", self.recipients, query, pages)
        if path.endswith("/broadcasts"):
            return self._page("broadcasts", self.broadcasts, query, pages)
        return self.broadcasts[0] | {"id": SMALL_ID}

    def _page(self, name: str, rows: list[dict[str, Any]], query: dict[str, str], pages: int) -> dict[str, Any]:
        """The rows that the query asks for, of a table that repeats the payload's rows under new ids."""
        offset, limit = int(query.get("offset", 0)), min(int(query.get("limit", 20)), 100)
        total = pages * len(rows)
        wanted = range(offset, min(offset + limit, total))
        return {name: [rows[i % len(rows)] | {"id": i + 1} for i in wanted], "meta": {"total": total}}


def _head(content_type: str, length: int) -> bytes:
    return (
        "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: keep-alive\r\n"
        "RateLimit-Limit: 5\r\nRateLimit-Remaining: 4\r\n\r\n"
    ).encode()


_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class LoadProtocol(asyncio.Protocol):
    """One connection: takes requests one after the other, answers each at once or after its latency."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._transport: asyncio.Transport
        self._buffer = b""
        self._csv_left = 0
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]  # uvloop's transports are not asyncio's classes

    def data_received(self, data: bytes) -> None:
        arrived = time.perf_counter()
        data = self._buffer + data
        while (end := data.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(data, 0, end)
            stop = end + 4 + (int(length[1]) if length else 0)
            if len(data) < stop:
                break
            answer = self._answers.to(data[: data.index(b"\r\n")], data[end + 4 : stop])
            self._write_at(arrived + answer.latency, answer)
            data = data[stop:]
        self._buffer = data

    def _write_at(self, due: float, answer: Answer) -> None:
        """Answer after the latency, counted from the request's arrival; timers of event loops tick in milliseconds."""
        left = due - time.perf_counter()
        if answer.latency and left > 0:
            # At least a tick: less would become a busy loop, in which uvloop writes nothing.
            asyncio.get_running_loop().call_later(max(left, TICK), self._write_at, due, answer)
        else:
            self._write(answer)

    def _write(self, answer: Answer) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(answer.head)
        if answer.csv_bytes:
            self._csv_left = answer.csv_bytes
            self._stream()

    def _stream(self) -> None:
        while self._csv_left and not self._paused and not self._transport.is_closing():
            self._csv_left -= len(self._answers.csv)
            self._transport.write(self._answers.csv)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._stream()


async def serve() -> None:
    """Serve on a free port, which is the first line written, until the standard input ends."""
    loop = asyncio.get_running_loop()
    answers = Answers()
    server = await loop.create_server(lambda: LoadProtocol(answers), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def pin_to_core(index: int) -> None:
    """Keep this process on one core, where there is more than one and the system allows it."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) > 1:
        os.sched_setaffinity(0, {cores[index]})


@contextlib.contextmanager
def all_cores() -> Generator[None]:
    """Let this process use every core for a while: for work that threads share."""
    pinned = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    if pinned is not None:
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        yield
    finally:
        if pinned is not None:
            os.sched_setaffinity(0, pinned)


@contextlib.contextmanager
def load_server() -> Generator[str]:
    """A load server in a process of its own, as the URL it listens on."""
    command = [sys.executable, "-m", "benchmarks.server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()


def main() -> None:
    pin_to_core(-1)
    # Quicker than asyncio's own loop, and not there on Windows.
    if importlib.util.find_spec("uvloop") is None:
        asyncio.run(serve())
    else:
        importlib.import_module("uvloop").run(serve())


if __name__ == "__main__":
    main()
