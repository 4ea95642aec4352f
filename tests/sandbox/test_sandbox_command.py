"""The sandbox as a process."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click
import httpx
import pytest
from click.testing import CliRunner

from ac_sms_async.sandbox import Clock, Sandbox
from ac_sms_async.sandbox.command import access, describe, parse_accounts
from ac_sms_async.sandbox.command import sandbox as command_itself

AS_MODULE = (sys.executable, "-m", "ac_sms_async.sandbox")
AS_COMMAND = (sys.executable, "-m", "ac_sms_async", "sandbox")


@contextmanager
def process(
    *options: str, end: signal.Signals = signal.SIGTERM, by: tuple[str, ...] = AS_MODULE
) -> Generator[dict[str, str]]:
    """A running sandbox, as the pairs of URL and token that it printed."""
    command = [*by, "--port", "0", *options]
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


@pytest.mark.parametrize(("end", "by"), [(signal.SIGTERM, AS_MODULE), (signal.SIGINT, AS_COMMAND)])
def test_it_is_up_at_once_and_prints_urls_and_tokens(end: signal.Signals, by: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text("broadcasts: [{name: Mine, sends: 40, opt_outs: 1}]", "utf-8")
    began = time.monotonic()
    options = (
        "--seed", "7", "--broadcasts", "300", "--recipients", "100000", "--accounts", "acme,globex",
        "--start", "2026-01-05T12:00:00-06:00", "--end", "2025-12-31", "--speed", "0",
        "--review", "60", "--sending", "5", "--ai", "9", "--rate-limit", "0",
        "--data", str(tmp_path / "data.yaml"), "--fault", "getBroadcast:503:nth=1",
        "--db", str(tmp_path / "s.db"), "--credits", "5",
    )  # fmt: skip
    with process(*options, end=end, by=by) as accounts:
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


def test_as_json() -> None:
    command = [*AS_COMMAND, "--port", "0", "--json", "--accounts", "acme=one,globex=two", "--host", "0.0.0.0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        found = json.loads(running.stdout.readline())
        asked = httpx.get(f"{found['accounts'][1]['url']}/api/3/sms/credits", headers={"Api-Token": "two"})
        running.send_signal(signal.SIGTERM)
        assert running.stdout.read() == ""
    assert asked.status_code == 200
    assert [(each["name"], each["token"]) for each in found["accounts"]] == [("acme", "one"), ("globex", "two")]
    assert found["insecure_host"].endswith(found["url"].rpartition(":")[2])
    with Sandbox() as closed:
        assert access(closed)["insecure_host"] is None


def test_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """At 86,400 a second is a day: what is sent is reviewed, queued and out in the third."""
    real = [1000.0]
    seen: list[tuple[float, str]] = []

    def serve(sandbox: Sandbox, **options: bool) -> None:
        account = sandbox.state.first
        begun = sandbox.clock.now()
        draft = account.create({"name": "a", "body": "b", "list_ids": [1]}, begun)
        account.update(draft, {"status": "pending_review"}, begun)
        for _ in range(3):
            real[0] += 1
            seen.append((sandbox.clock.now() - begun, draft.status_at(sandbox.clock.now())))

    monkeypatch.setattr("ac_sms_async.sandbox.command.serve", serve)
    monkeypatch.setattr("ac_sms_async.sandbox.clock.Clock", partial(Clock, monotonic=lambda: real[0]))
    days = ["--review", "80000", "--sending", "80000"]
    for speed in ("86400", "1", "0"):
        assert CliRunner().invoke(command_itself, ["--speed", speed, *days]).exit_code == 0
    assert seen[:3] == [(86_400, "sending"), (172_800, "sent"), (259_200, "sent")]
    assert seen[3:] == [
        (1, "pending_review"),
        (2, "pending_review"),
        (3, "pending_review"),
        *[(0, "pending_review")] * 3,
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fault", "nonsense"], "not a fault|no such fault"),
        (["--accounts", "acme=x,globex"], "give every account a token"),
        (["--accounts", ""], "not an account name"),
        (["--end", "1970-01-01"], "end"),
        (["--data", "/no/such/file"], "No such file"),
        (["--speed", "-1"], "backwards"),
        (["--host", "256.0.0.1"], ""),
    ],
)
def test_what_cannot_be_served_is_said_in_a_line(options: list[str], message: str) -> None:
    ran = CliRunner().invoke(command_itself, ["--port", "0", *options])
    assert ran.exit_code == 1
    assert re.fullmatch(f"Error: .*({message}).*\n", ran.output)


@pytest.mark.parametrize(
    "options", [["--start", "2026-01-05"], ["--start", "2026-01-05T09:00"], ["--end", "x"], ["--recipients", "-1"]]
)
def test_an_option_that_makes_no_sense_is_named(options: list[str]) -> None:
    ran = CliRunner().invoke(command_itself, options)
    assert ran.exit_code == 2
    assert f"Invalid value for '{options[0]}'" in ran.output


def test_the_examples_of_its_help_are_true() -> None:
    examples = re.findall(
        r"^  ac-sms (sandbox[^\n]*?)(?: {3}.*| {2}[a-z].*)?$", command_itself.epilog or "", re.MULTILINE
    )
    assert len(examples) == 8
    for example in examples:
        with command_itself.make_context("sandbox", shlex.split(example)[1:]) as context:
            assert context.params["port"] == 8080
            assert isinstance(context, click.Context)


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
