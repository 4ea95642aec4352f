"""The command, run in this process, against a sandbox on a real port."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from attrs import frozen

from ac_sms_async import SMSClient
from ac_sms_async.cli.main import run
from ac_sms_async.sandbox import Sandbox


@frozen
class Ran:
    """What came of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The output as JSON."""
        return json.loads(self.out)

    @property
    def fields(self) -> dict[str, str]:
        """The output as the fields of one thing."""
        return {row[0]: row[1] for row in self.rows}

    @property
    def rows(self) -> list[list[str]]:
        """The output as a table, without its head."""
        return [line.split("\t") for line in self.out.splitlines()[1:]]


Command = Callable[..., Ran]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    # Of long ago: the numbers of what is there don't move while a test looks.
    end, accounts = date(2026, 1, 5), ["acme", "globex"]
    with Sandbox(seed=7, broadcasts=12, recipients=40, end=end, rate_limit=None, accounts=accounts) as running:
        yield running


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs event loops in a thread of their own.

    On Python 3.11 coverage's C tracer loses its place in a thread when httpcore closes its generators, and would take
    the lines of a command after its loop for not run.
    """
    real = anyio.run

    def run_beside(*args: Any, **options: Any) -> Any:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(real, *args, **options).result()

    monkeypatch.setattr("anyio.run", run_beside)
    # Only the main thread may take signals.
    monkeypatch.setattr("ac_sms_async.cli.running._SIGNALS", ())


@pytest.fixture
def ac_sms(
    beside: None, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Command:
    """Runs `ac-sms` with these arguments, in an empty folder, with nothing of use in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("URL", "API_TOKEN", "API_TOKEN_FILE", "INSECURE_HOST"):
        monkeypatch.delenv(f"ACTIVECAMPAIGN_{name}", raising=False)
    for name in ("DB", "BUDGET"):
        monkeypatch.delenv(f"AC_SMS_{name}", raising=False)

    # The sandbox here has no limit, and pacing is tested elsewhere.
    monkeypatch.setattr("ac_sms_async.cli.connection.SMSClient", partial(SMSClient, rate_limit=None))

    def command(*arguments: str) -> Ran:
        capsys.readouterr()
        code = run(arguments)
        shown = capsys.readouterr()
        return Ran(code, shown.out, shown.err)

    return command


@pytest.fixture
def acme(sandbox: Sandbox, ac_sms: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The same, with the sandbox's first account in the environment."""
    access = sandbox.accounts["acme"]
    monkeypatch.setenv("ACTIVECAMPAIGN_URL", access.url)
    monkeypatch.setenv("ACTIVECAMPAIGN_API_TOKEN", access.token)
    return ac_sms
