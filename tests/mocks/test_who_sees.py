"""The table of docs/how-to/testing.md: which mocks, recorders and tracers see which backend. Each cell is tried."""

# pook and vcr bring no types.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pook
import pytest
import respx
import vcr
from pytest_httpx import HTTPXMock

from tests.mocks.traced import BACKENDS, TOOLS, two_calls
from tests.transport.raw_server import RawServer, ok

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "testing.md"
REAL, MOCKED = {"real": 1}, {"mocked": 1}

pytestmark = pytest.mark.anyio


def table() -> dict[str, dict[str, bool]]:
    """The page's table: by tool and backend whether its calls are seen."""
    found: dict[str, dict[str, bool]] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and set(cells[1:]) <= {"yes", "no"}:
            name = cells[0].partition("]")[0].removeprefix("[")
            found[name] = {backend: cell == "yes" for backend, cell in zip(BACKENDS, cells[1:], strict=True)}
    return found


TABLE = table()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(scope="module")
def server() -> Iterator[RawServer]:
    with RawServer(lambda seen: ok(json.dumps(REAL).encode())) as server:
        yield server


def expect(tool: str, backend: str, got: list[Any]) -> bool:
    """Whether it is mocked as the table says."""
    return got == [MOCKED if TABLE[tool][backend] else REAL] * 2


@pytest.mark.httpx_mock(assert_all_responses_were_requested=False)
async def test_pytest_httpx(httpx_mock: HTTPXMock, server: RawServer, backend: str) -> None:
    httpx_mock.add_response(json=MOCKED, is_reusable=True)
    assert expect("pytest-httpx", backend, await two_calls(backend, server.url))


async def test_respx(server: RawServer, backend: str) -> None:
    with respx.mock(assert_all_called=False) as mock:
        mock.route().mock(return_value=httpx.Response(200, json=MOCKED))
        assert expect("respx", backend, await two_calls(backend, server.url))


async def test_pook(server: RawServer, backend: str) -> None:
    engine: Any = pook
    engine.on()
    try:
        engine.get(f"{server.url}/api/3/seen", reply=200, response_json=MOCKED, persist=True)
        assert expect("pook", backend, await two_calls(backend, server.url))
    finally:
        engine.off()


async def test_vcr(server: RawServer, backend: str, tmp_path: Path) -> None:
    recorder: Any = vcr.VCR(filter_headers=["api-token"])
    with recorder.use_cassette(str(tmp_path / "calls.yaml")) as cassette:
        await two_calls(backend, server.url)
        assert len(cassette.requests) == 2 * TABLE["VCR.py"][backend]


NAMES = {
    "opentelemetry": "OpenTelemetry's httpx instrumentor",
    "sentry": "Sentry",
    "send": "ddtrace, and whatever wraps `httpx.AsyncClient.send`",
    "aiohttp": "aioresponses, and whatever patches `aiohttp.ClientSession`",
}


@pytest.mark.parametrize("tool", sorted(TOOLS))
def test_tracers(tool: str, server: RawServer) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tests.mocks.traced", tool, server.url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(told.stdout) == {backend: 2 * seen for backend, seen in TABLE[NAMES[tool]].items()}


def test_every_line_of_the_table_is_tried() -> None:
    tried: set[str] = {"pytest-httpx", "respx", "pook", "VCR.py", *NAMES.values()}
    assert set(TABLE) == tried
