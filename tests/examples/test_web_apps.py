"""The web apps of examples/ as their users run them: in a process of their own, asked over a socket."""

from __future__ import annotations

import json
import re
import signal
import socket
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import httpx
import pytest

from ac_sms_async.sandbox import Pace, Sandbox
from tests.transport.raw_server import RawServer, Say
from tests.web_apps import processes
from tests.web_apps.processes import Server

FASTAPI = ("-m", "uvicorn", "fastapi_app:app", "--port", "0")
AIOHTTP = ("aiohttp_app.py", "--port", "0")


@contextmanager
def serve(app: tuple[str, ...], url: str, token: str) -> Generator[Server]:
    with processes.serve(app, url, token) as server:
        server.wait()
        yield server


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=7, recipients=20_000, rate_limit=None, pace=Pace(ai=1.5)) as running:
        yield running


@pytest.fixture(scope="module")
def server(sandbox: Sandbox) -> Iterator[Server]:
    with serve(FASTAPI, sandbox.url, sandbox.token) as running:
        yield running


@pytest.fixture(scope="module")
def aiohttp_server(sandbox: Sandbox) -> Iterator[Server]:
    with serve(AIOHTTP, sandbox.url, sandbox.token) as running:
        yield running


def test_reading(server: Server) -> None:
    credits = httpx.get(f"{server.url}/credits")
    assert credits.status_code == 200
    assert isinstance(credits.json()["available"], int)

    broadcasts = httpx.get(f"{server.url}/broadcasts", params={"limit": 10}).json()
    assert len(broadcasts) == 10
    assert any(isinstance(row["clicks"], int) for row in broadcasts)


def test_errors_become_answers(server: Server) -> None:
    missing = httpx.get(f"{server.url}/broadcasts/999999/recipients.csv")
    assert missing.status_code == 404
    assert missing.json() == {"detail": "There is no such thing at ActiveCampaign."}
    assert httpx.get(f"{server.url}/broadcasts", params={"limit": 0}).status_code == 422


def test_an_export_is_passed_on_as_it_comes(server: Server, sandbox: Sandbox) -> None:
    with httpx.stream("GET", f"{server.url}/broadcasts/1/recipients.csv") as answer:
        assert answer.headers["content-type"].startswith("text/csv")
        passed_on = b"".join(answer.iter_raw())
    direct = httpx.post(
        f"{sandbox.url}/api/3/sms/broadcasts/1/recipients/export",
        headers={"Api-Token": sandbox.token},
        json={},
        timeout=30,
    )
    assert passed_on == direct.content
    assert passed_on.count(b"\n") > 20_000


def test_an_ai_request_shows_its_progress(server: Server) -> None:
    started = httpx.post(f"{server.url}/ai", json={"prompt": "Spring sale"})
    assert started.status_code == 202
    request_id = started.json()["request_id"]
    with httpx.stream("GET", f"{server.url}/ai/{request_id}/progress", timeout=30) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = re.findall(r"event: (\w+)\ndata: (.+)\n\n", answer.read().decode())
    names = [name for name, _ in events]
    assert names[0] == "progress"
    assert names[-1] == "done"
    assert json.loads(events[-1][1])["body"]


class Stalled:
    """An upstream that takes requests and never answers; it notices when one is given up."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.asked = threading.Event()
        self.given_up = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        connection, _ = self._socket.accept()
        with connection:
            while connection.recv(65_536):
                self.asked.set()
            self.given_up.set()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def stalled() -> Iterator[Stalled]:
    upstream = Stalled()
    yield upstream
    upstream.close()


CSV = "/broadcasts/1/recipients.csv"


@pytest.mark.parametrize(("app", "path"), [(FASTAPI, "/credits"), (FASTAPI, CSV), (AIOHTTP, CSV)])
def test_a_browser_that_hangs_up_ends_the_upstream_call(stalled: Stalled, app: tuple[str, ...], path: str) -> None:
    with serve(app, stalled.url, "a-token") as server:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as browser:
            browser.sendall(f"GET {path} HTTP/1.1\r\nHost: example.com\r\n\r\n".encode())
            assert stalled.asked.wait(5), server.log
            assert not stalled.given_up.is_set()
        # Well before the deadline of 20 s, and before any timeout.
        assert stalled.given_up.wait(3), server.log
        server.stop()
        assert "Traceback" not in server.log


@pytest.mark.parametrize("app", [FASTAPI, AIOHTTP])
def test_half_an_export_breaks_off(app: tuple[str, ...]) -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nid\r\n\r\n"
    with (
        RawServer(lambda seen: Say(half, then="close")) as upstream,
        serve(app, upstream.url, "a-token") as server,
        pytest.raises(httpx.TransportError),
    ):
        httpx.get(f"{server.url}{CSV}")


def test_following_ends_with_the_browser(server: Server, sandbox: Sandbox) -> None:
    request_id = httpx.post(f"{server.url}/ai", json={"prompt": "Spring sale"}).json()["request_id"]

    def polls() -> int:
        return sum(request_id in entry.path for entry in sandbox.journal)

    with httpx.stream("GET", f"{server.url}/ai/{request_id}/progress", timeout=30) as answer:
        next(answer.iter_raw())
    seen = polls()
    # The next look would come within a second and a half.
    time.sleep(2)
    assert polls() == seen


@pytest.mark.parametrize("app", [FASTAPI, AIOHTTP])
def test_a_clean_shutdown(sandbox: Sandbox, app: tuple[str, ...]) -> None:
    with serve(app, sandbox.url, sandbox.token) as server:
        assert httpx.get(f"{server.url}/broadcasts/3/recipients.csv").status_code == 200
        server.stop()
        # Ended by the signal, or as if it had ended by itself.
        assert server.process.returncode in (0, -signal.SIGTERM)
        for trouble in ("Warning", "Traceback", "ERROR"):
            assert trouble not in server.log, server.log


def test_metrics_come_line_by_line(aiohttp_server: Server) -> None:
    answer = httpx.get(f"{aiohttp_server.url}/metrics", params={"ids": "1,2,3,999999"})
    lines = {line["id"]: line for line in map(json.loads, answer.text.splitlines())}
    assert set(lines) == {1, 2, 3, 999999}
    assert lines[1]["status"] == "ok"
    assert isinstance(lines[1]["clicks"], int)
    assert lines[999999] == {"id": 999999, "status": "missing", "clicks": None}


def test_aiohttp_errors_become_answers(aiohttp_server: Server) -> None:
    assert httpx.get(f"{aiohttp_server.url}/metrics").status_code == 400
    assert httpx.get(f"{aiohttp_server.url}/broadcasts/0/recipients.csv").status_code == 422
    assert httpx.get(f"{aiohttp_server.url}/broadcasts/999999/recipients.csv").status_code == 404


def test_an_export_through_aiohttp(aiohttp_server: Server) -> None:
    assert httpx.get(f"{aiohttp_server.url}/broadcasts/1/recipients.csv").text.count("\n") > 20_000
