"""The sandbox as a process."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from ac_sms_async.sandbox import Sandbox
from ac_sms_async.sandbox.command import describe, main, parse_accounts


@contextmanager
def process(*options: str, end: signal.Signals = signal.SIGTERM) -> Generator[dict[str, str]]:
    """A running sandbox, as the pairs of URL and token that it printed."""
    command = [sys.executable, "-m", "ac_sms_async.sandbox", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        urls: list[str] = []
        tokens: list[str] = []
        try:
            while len(tokens) < 2:
                line = running.stdout.readline()
                urls += re.findall(r"^export ACTIVECAMPAIGN_URL=(.+)$", line)
                tokens += re.findall(r"^export ACTIVECAMPAIGN_API_TOKEN=(.+)$", line)
            yield dict(zip(urls, tokens, strict=True))
        finally:
            running.send_signal(end)
        assert running.wait(5) == 0


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_it_is_up_at_once_and_prints_urls_and_tokens(end: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text("broadcasts: [{name: Mine, sends: 40, opt_outs: 1}]", "utf-8")
    began = time.monotonic()
    options = (
        "--seed", "7", "--broadcasts", "300", "--recipients", "100000", "--accounts", "acme,globex",
        "--start", "2026-01-05T12:00:00-06:00", "--end", "2025-12-31", "--speed", "0",
        "--review", "60", "--sending", "5", "--ai", "9", "--rate-limit", "0",
        "--data", str(tmp_path / "data.yaml"), "--fault", "getBroadcast:503:nth=1",
        "--db", str(tmp_path / "s.db"), "--credits", "5",
    )  # fmt: skip
    with process(*options, end=end) as accounts:
        # Half a second where nothing else runs; making all of those recipients would take minutes.
        assert time.monotonic() - began < 20
        assert [url.rpartition("/")[2] for url in accounts] == ["acme", "globex"]
        for url, token in accounts.items():
            with httpx.Client(base_url=f"{url}/api/3", headers={"Api-Token": token}) as http:
                own = int(url.endswith("acme"))
                assert http.get("/sms/broadcasts").json()["meta"] == {"total": 300 + own}
                assert http.get("/sms/credits").json()["smsCredits"]["extra"] == 5
        about = httpx.get(f"{next(iter(accounts)).rpartition('/')[0]}/_sandbox").json()
    assert about["clock"] == {"now": "2026-01-05T12:00:00-06:00", "speed": 0.0, "advanced": 0.0}
    assert (about["rate_limit"], about["faults"], about["end"]) == (None, 1, "2025-12-31")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fault", "nonsense"], "not a fault|no such fault"),
        (["--accounts", "acme=x,globex"], "give every account a token"),
        (["--accounts", ""], "not an account name"),
        (["--start", "2026-01-05"], "aware"),
        (["--recipients", "-1"], "recipients"),
        (["--end", "1970-01-01"], "end"),
        (["--data", "/no/such/file"], "No such file"),
        (["--host", "256.0.0.1"], ""),
    ],
)
def test_what_cannot_be_served_is_said_in_a_line(options: list[str], message: str) -> None:
    with pytest.raises(SystemExit, match=f"^error: .*({message})"):
        main(["--port", "0", *options])


def test_accounts() -> None:
    assert parse_accounts("acme, globex") == ["acme", "globex"]
    assert parse_accounts("acme=a=b,globex=c") == {"acme": "a=b", "globex": "c"}


def test_the_url_is_one_to_reach_it_by() -> None:
    with Sandbox(host="0.0.0.0") as everywhere:
        assert everywhere.url.startswith("http://127.0.0.1:")
        assert describe(everywhere).count("export ACTIVECAMPAIGN_API_TOKEN") == 1


def test_ipv6() -> None:
    try:
        sandbox = Sandbox(host="::1").start()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with sandbox_stopped(sandbox):
        assert sandbox.url.startswith("http://[::1]:")
        assert httpx.get(f"{sandbox.url}/_sandbox").status_code == 200


@contextmanager
def sandbox_stopped(sandbox: Sandbox) -> Generator[None]:
    yield
    sandbox.stop()
