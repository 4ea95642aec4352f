"""The page about other workers does what it says, with a real Redis where there is one."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from ac_sms_async.collect import open_store
from ac_sms_async.sandbox import Sandbox
from tests.docs.test_blocks import ROOT, blocks_of
from tests.fleet.waiting import until

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="there is no redis-server on this machine"),
]

PAGE = ROOT / "docs" / "how-to" / "other-workers.md"


@pytest.fixture
async def redis_url(tmp_path: Path) -> AsyncGenerator[str, None]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path), "--save", ""]
    server = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)

    def listens() -> bool:
        with socket.socket() as probe:
            code: int = probe.connect_ex(("127.0.0.1", port))
            return code == 0

    await until(listens)
    yield f"redis://127.0.0.1:{port}"
    server.terminate()
    await server.wait()


async def test_saq_collects_accounts_and_has_each_in_the_queue_once(
    redis_url: str, fleet_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saq = pytest.importorskip("saq")
    names: dict[str, Any] = {}
    for block in blocks_of(PAGE):
        if block.title == "saq_collect.py":
            (tmp_path / block.title).write_text(block.code, "utf-8")
        elif block.title is None:
            exec(compile(block.code, str(PAGE), "exec"), names)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv("AC_SMS_DB", fleet_dsn)
    settings = names["settings"](redis_url)
    queue = settings["queue"]
    with Sandbox(accounts=["acme", "globex"], broadcasts=20, rate_limit=None) as sandbox:
        for name, access in sandbox.accounts.items():
            monkeypatch.setenv(f"{name.upper()}_TOKEN", access.token)
            await names["enqueue_account"](queue, name, access.url)
            await names["enqueue_account"](queue, name, access.url)
        assert await queue.count("queued") == 2
        worker = saq.Worker(**settings)
        working = asyncio.create_task(worker.start())

        async def done() -> bool:
            left: int = await queue.count("incomplete")
            return left == 0

        await until(done)
        await worker.stop()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        await queue.disconnect()
    async with await open_store(fleet_dsn) as store:
        found = await store.read("SELECT account, COUNT(*) FROM metrics GROUP BY account ORDER BY account")
    assert [number for _, number in found] == [20, 20]
