"""Web frameworks on web servers, each as a process of its own: exports are whole or broken, and nothing is left behind.

Every app has one slot only (`max_concurrency=1`), so that whatever a browser leaves behind holds up the next one.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from attrs import define

from tests.transport.raw_server import RawServer, Say, Seen, ok
from tests.web_apps.processes import Server, free_port, serve

APPS = Path(__file__).parent / "apps"
ROW = b"42,+15550100,a row of some length\r\n"
WHOLE = b"id,phone,note\r\n" + ROW * 2000
LONG = 60
"""Chunks of 1 MB: more than all the buffers between upstream and a browser that doesn't read."""


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Upstream:
    """Stands for ActiveCampaign."""

    def __init__(self) -> None:
        self.stalls = False
        self.raw = RawServer(self._answer)

    def _answer(self, seen: Seen) -> Say:
        path = seen.line.split(" ")[1]
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n"
        if self.stalls:
            return Say(then="hang")
        if "/broadcasts/1/" in path:
            return Say([head, _chunk(WHOLE[:5000]), _chunk(WHOLE[5000:]), b"0\r\n\r\n"])
        if "/broadcasts/2/" in path:
            return Say([head, *[_chunk(ROW * 30_000)] * LONG, b"0\r\n\r\n"], then="close")
        if "/broadcasts/3/" in path:
            # Half of it, and the connection breaks.
            return Say([head, _chunk(WHOLE[: 15 + len(ROW) * 1000])], then="close", pause=0.05)
        return ok(b'{"smsCredits": {"available": 7}}')


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    upstream = Upstream()
    with upstream.raw:
        yield upstream


COMMANDS: dict[str, tuple[str, ...]] = {
    "Starlette on uvicorn": ("uvicorn", "starlette_app:guarded", "--port", "0"),
    "Starlette on hypercorn, trio": ("hypercorn", "starlette_app:guarded", "-b", "127.0.0.1:0", "-k", "trio"),
    "Quart on hypercorn, asyncio": ("hypercorn", "quart_app:app", "-b", "127.0.0.1:0"),
    "Litestar on granian": ("granian", "litestar_app:guarded", "--interface", "asgi", "--port", "PORT"),
    "Django on uvicorn": ("uvicorn", "django_app:app", "--port", "0", "--lifespan", "off"),
}


@define
class Site:
    """One of them, running."""

    name: str
    server: Server
    upstream: Upstream

    def get(self, path: str, timeout: float = 10) -> httpx.Response:
        return httpx.get(self.server.url + path, timeout=timeout)

    def browser(self, request: str) -> socket.socket:
        """A browser that takes little at once, and has sent its request."""
        host, port = self.server.url.removeprefix("http://").split(":")
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(10)
        connection.connect((host, int(port)))
        connection.sendall(request.encode())
        return connection

    def is_ready(self) -> None:
        """Wait until it answers: some say that they listen long before."""
        ends = time.monotonic() + 30
        while True:
            try:
                assert self.get("/credits", timeout=1).status_code == 200, self.server.log
            except httpx.TransportError:
                assert time.monotonic() < ends, self.server.log
            else:
                return


@pytest.fixture(scope="module")
def sites(upstream: Upstream) -> Generator[dict[str, Site]]:
    """All of them, started side by side."""
    with ExitStack() as stack:
        running: dict[str, Site] = {}
        for name, command in COMMANDS.items():
            app = ["-m", *(str(free_port()) if word == "PORT" else word for word in command)]
            server = stack.enter_context(serve(app, upstream.raw.url, "token-of-the-tests", folder=APPS))
            running[name] = Site(name, server, upstream)
        for site in running.values():
            site.server.wait()
            site.is_ready()
        yield running
        for site in running.values():
            site.server.process.terminate()
        for site in running.values():
            site.server.process.wait(15)
            for trouble in ("different task", "never retrieved", "was never awaited", "destroyed but it is pending"):
                assert trouble not in site.server.log, site.server.log


@pytest.fixture(params=list(COMMANDS))
def site(request: pytest.FixtureRequest, sites: dict[str, Site], upstream: Upstream) -> Site:
    if sys.version_info >= (3, 15) and "granian" in request.param and "browser" in request.node.name:
        pytest.skip("granian 2.8 tells nobody of a browser that has gone, on Python 3.15")
    upstream.stalls = False
    return sites[request.param]


def _get(path: str) -> str:
    return f"GET {path} HTTP/1.1\r\nHost: example.com\r\n\r\n"


def test_a_call_and_a_whole_export(site: Site) -> None:
    assert site.get("/credits").json() == {"available": 7}
    export = site.get("/export?id=1")
    assert export.headers["content-type"].startswith("text/csv")
    assert export.content == WHOLE


def test_half_an_export_does_not_look_whole(site: Site) -> None:
    with pytest.raises(httpx.TransportError):
        site.get("/export?id=3")
    assert site.get("/credits").status_code == 200


def test_browsers_that_stall_and_go_leave_no_slot_taken(site: Site) -> None:
    for _ in range(3):
        with site.browser(_get("/export?id=2")) as browser:
            assert browser.recv(1000)
            time.sleep(0.1)
        began = time.monotonic()
        assert site.get("/credits").status_code == 200, site.server.log
        assert time.monotonic() - began < 5, site.server.log


def test_a_browser_that_goes_ends_its_call(site: Site, upstream: Upstream) -> None:
    upstream.stalls = True
    asked = len(upstream.raw.seen)
    with site.browser(_get("/credits")):
        _until(lambda: len(upstream.raw.seen) > asked)
    upstream.stalls = False
    assert site.get("/credits").status_code == 200, site.server.log


STARLETTE = [name for name in COMMANDS if name.startswith("Starlette")]


@pytest.mark.parametrize("site", STARLETTE, indirect=True)
def test_what_runs_in_the_background_ends_well(site: Site) -> None:
    assert site.get("/later").status_code == 200
    _until(lambda: site.get("/done").json() == {"done": ["work"]})


@pytest.mark.parametrize("site", STARLETTE, indirect=True)
def test_a_browser_that_goes_while_its_upload_is_unread(site: Site, upstream: Upstream) -> None:
    upstream.stalls = True
    asked = len(upstream.raw.seen)
    head = "POST /upload HTTP/1.1\r\nHost: example.com\r\nContent-Length: 400000\r\n\r\n"
    with site.browser(head + "x" * 300_000):
        _until(lambda: len(upstream.raw.seen) > asked)
    upstream.stalls = False
    assert site.get("/credits").status_code == 200, site.server.log


def test_half_an_export_looks_whole_without_the_guard(upstream: Upstream) -> None:
    """What it is for. Should Starlette mend this, the guard can go."""
    upstream.stalls = False
    app = ("-m", "uvicorn", "starlette_app:unguarded", "--port", "0")
    with serve(app, upstream.raw.url, "token-of-the-tests", folder=APPS) as server:
        server.wait()
        half = httpx.get(server.url + "/export?id=3", timeout=10)
    assert half.status_code == 200
    assert half.content
    assert WHOLE.startswith(half.content)


def _until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.01)
