"""The sandbox on a real port: up, answering, gone; from threads, asyncio and trio."""

from __future__ import annotations

import contextlib
import gc
import socket
import time
from datetime import UTC, datetime

import httpx
import pytest

from ac_sms_async.sandbox import Sandbox


def client(sandbox: Sandbox, account: str | None = None) -> httpx.Client:
    access = sandbox.accounts[account] if account else sandbox
    return httpx.Client(base_url=f"{access.url}/api/3", headers={"Api-Token": access.token})


def test_serves_in_a_thread_and_stops() -> None:
    with Sandbox(broadcasts=5) as sandbox, client(sandbox) as http:
        answer = http.get("/sms/broadcasts")
        url = sandbox.url
    assert answer.status_code == 200
    assert answer.json()["meta"] == {"total": 5}
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_stopping_leaves_no_connection_open_that_came_just_before(recwarn: pytest.WarningsRecorder) -> None:
    for _ in range(20):
        with contextlib.ExitStack() as open_sockets, Sandbox() as sandbox:
            url = httpx.URL(sandbox.url)
            for _ in range(30):
                caller = open_sockets.enter_context(socket.socket())
                caller.setblocking(False)
                caller.connect_ex((url.host, url.port))
    gc.collect()
    assert not recwarn.list


@pytest.mark.anyio
async def test_serves_callers_on_any_event_loop() -> None:
    async with Sandbox() as sandbox:
        async with httpx.AsyncClient(headers={"Api-Token": sandbox.token}) as http:
            answer = await http.get(f"{sandbox.url}/api/3/sms/credits")
        assert answer.status_code == 200
        assert [entry.operation for entry in sandbox.journal] == ["getSmsCreditData"]
    sandbox.stop()


def test_a_large_sandbox_is_up_at_once() -> None:
    began = time.monotonic()
    large = Sandbox(seed=7, broadcasts=5000, recipients=100_000, accounts=["acme", "globex"])
    with large as sandbox, client(sandbox) as http:
        assert http.get("/sms/broadcasts/1").json()["sent_to_count"] == 100_000
    assert time.monotonic() - began < 1


def test_state_is_readable_after_the_end_but_not_the_url() -> None:
    sandbox = Sandbox()
    with sandbox, pytest.raises(RuntimeError, match="running already"):
        sandbox.start()
    with pytest.raises(RuntimeError, match="not running"):
        _ = sandbox.url
    assert sandbox.peak_rate() == 0
    with sandbox:
        assert sandbox.url


def test_a_moment_is_no_day() -> None:
    with pytest.raises(TypeError, match="end is a day"):
        Sandbox(end=datetime(2026, 1, 5, tzinfo=UTC))


def test_a_port_that_is_taken_is_refused() -> None:
    with Sandbox() as sandbox:
        port = int(sandbox.url.rpartition(":")[2])
        with pytest.raises(OSError, match=f"in use: 127.0.0.1, port {port}"):
            Sandbox(port=port).start()
    with pytest.raises(ValueError, match="port must be from 0 to 65535, not 99999"):
        Sandbox(port=99_999).start()
