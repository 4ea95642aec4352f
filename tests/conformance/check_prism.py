"""
The client's requests, and the sandbox's answers, judged by Stoplight Prism standing between them: `make conformance`.

Runs where Node.js is at hand, and says so where not.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import httpx
import pytest

from ac_sms_async import SMSClient
from ac_sms_async.sandbox import Clock, Sandbox
from ac_sms_async.sandbox.routes import OPERATIONS
from tests.conformance.every_operation import call_every_operation
from tests.conformance.sandbox_document import sandbox_document


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(rate_limit=None, clock=Clock(speed=100)) as running:
        yield running


@pytest.fixture(scope="module")
def prism(modules: Path, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Prism in front of the sandbox."""
    document = tmp_path_factory.mktemp("prism") / "document.json"
    document.write_text(json.dumps(sandbox_document()), "utf-8")
    command = ["node", "prism.cjs", str(document), sandbox.url]
    with subprocess.Popen(command, cwd=modules, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as running:
        try:
            yield _first_line(running.stdout)
        finally:
            running.terminate()


def _first_line(output: IO[str] | None) -> str:
    assert output is not None
    line = output.readline().strip()
    assert line.startswith("http://"), "Prism did not start"
    return line


class Verdicts(httpx.AsyncBaseTransport):
    """Passes requests on, and keeps what Prism says about them and their answers."""

    def __init__(self) -> None:
        self._transport = httpx.AsyncHTTPTransport(verify=False)
        self.violations: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._transport.handle_async_request(request)
        if "sl-violations" in answer.headers:
            self.violations.append(f"{request.method} {request.url}: {answer.headers['sl-violations']}")
        return answer

    async def aclose(self) -> None:
        await self._transport.aclose()


async def _call(url: str, token: str, verdicts: Verdicts) -> None:
    async with (
        httpx.AsyncClient(transport=verdicts) as http,
        SMSClient(url, token, http_client=http, rate_limit=None) as sms,
    ):
        await call_every_operation(sms)


def test_no_operation_breaks_the_document(prism: str, sandbox: Sandbox) -> None:
    verdicts = Verdicts()
    asyncio.run(_call(prism, sandbox.token, verdicts))
    assert verdicts.violations == []
    assert {entry.operation for entry in sandbox.journal} == {operation.id for operation in OPERATIONS}


@pytest.mark.parametrize(
    ("method", "path", "fields"),
    [
        ("GET", "/sms/broadcasts?filters%5Bstatus%5D=archived", None),
        ("GET", "/sms/broadcasts?limit=ten", None),
        ("GET", "/sms/broadcasts/1/recipients?filters%5Bengagement%5D%5B%5D=x", None),
        ("GET", "/sms/broadcasts/1/recipients?filters[engagement][]=clicks&filters[engagement][]=x", None),
        ("GET", "/sms/broadcasts/metrics/snapshot?start_date=yesterday", None),
        ("POST", "/sms/broadcasts/metrics", {"ids": ["1"]}),
        ("POST", "/sms/broadcasts", {"name": "a"}),
    ],
)
def test_prism_sees_what_is_wrong_with_a_request(
    prism: str, sandbox: Sandbox, method: str, path: str, fields: object
) -> None:
    answer = httpx.request(method, f"{prism}/api/3{path}", json=fields, headers={"Api-Token": sandbox.token})
    assert '"request' in answer.headers["sl-violations"]


def test_prism_sees_what_is_wrong_with_an_answer(prism: str, sandbox: Sandbox) -> None:
    fault = sandbox.faults.add("types", form="strings")
    answer = httpx.get(f"{prism}/api/3/sms/credits", headers={"Api-Token": sandbox.token})
    sandbox.faults.remove(fault)
    assert '"response' in answer.headers["sl-violations"]


def test_prism_sees_a_missing_token(prism: str) -> None:
    assert "401" in httpx.get(f"{prism}/api/3/sms/credits").headers["sl-violations"]
