"""The other commands, as a person uses them."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import pytest
from click.shell_completion import ShellComplete

from ac_sms_async import __main__ as entry
from ac_sms_async import __version__
from ac_sms_async.cli import main as main_module
from ac_sms_async.cli.advice import advice
from ac_sms_async.cli.main import cli
from ac_sms_async.cli.output import Output, printable
from ac_sms_async.errors import APIStatusError, ConnectError, PermissionDeniedError
from ac_sms_async.sandbox import Sandbox
from tests.cli.conftest import Command, Ran

ROOT = Path(__file__).parents[2]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets the standard streams pass for a terminal."""

    def pretend(*, answer: str | None = None) -> None:
        monkeypatch.setenv("COLUMNS", "110")
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        if answer is not None:
            monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)

            def confirm(text: str, **options: bool) -> bool:
                return answer == "y"

            monkeypatch.setattr(click, "confirm", confirm)

    return pretend


def draft(acme: Command) -> str:
    [first, *_] = acme("broadcasts", "list", "--status", "draft").rows
    return first[0]


def test_broadcasts_list_and_show(acme: Command) -> None:
    rows = acme("broadcasts", "list").rows
    assert len(rows) == 12
    assert {row[1] for row in rows} >= {"sent", "draft"}
    few = acme("broadcasts", "list", "--limit", "2", "--since", "2024-01-01")
    assert len(few.rows) == 2
    assert "Only the newest 2 are shown" in few.err
    everything = acme("broadcasts", "list", "--limit", "0", "--json").json
    assert [str(item["broadcast_id"]) for item in everything] == [row[0] for row in rows]
    shown = acme("broadcasts", "show", "1").fields
    assert (shown["broadcast_id"], shown["status"], shown["sends"]) == ("1", "sent", "40")
    assert acme("broadcasts", "show", "1", "--json").json["metrics"]["sends"] == 40
    told = acme("broadcasts", "show", "999", "--json")
    assert (told.code, told.err, told.json["error"]["type"]) == (1, "", "NotFoundError")
    gone = acme("broadcasts", "show", "999")
    assert gone.code == 1
    assert "none with this number" in gone.err
    assert "URL" not in gone.err


def test_broadcasts_on_a_terminal(acme: Command, terminal: Callable[..., None]) -> None:
    terminal()
    shown = acme("broadcasts", "list", "--limit", "3")
    assert "sent_to_count" in shown.out
    assert "\t" not in shown.out
    shown = acme("broadcasts", "show", "1")
    assert re.search(r"sent_date +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", shown.out)


def test_send_shows_and_asks(acme: Command, sandbox: Sandbox, terminal: Callable[..., None]) -> None:
    broadcast = draft(acme)
    nobody = acme("broadcasts", "send", broadcast)
    assert nobody.code == 2
    assert "add --yes" in nobody.err

    terminal(answer="n")
    refused = acme("broadcasts", "send", broadcast)
    assert refused.code == 1
    assert "not sent" in refused.err
    for words in ("Name:", "Audience:", "subscribers", "Segments:", "Credits left:", "as soon as it is reviewed"):
        assert words in refused.err, words
    assert sandbox.journal.of("updateBroadcast") == []

    terminal(answer="y")
    sent = acme("broadcasts", "send", broadcast, "--at", "2030-03-01T09:00-06:00")
    assert sent.code == 0
    assert "2030-03-01 09:00 UTC-06:00" in sent.err
    assert f"Handed over for sending: broadcast {broadcast}" in sent.err
    assert len(sandbox.journal.of("updateBroadcast")) == 1


def test_send_in_a_script(acme: Command, sandbox: Sandbox) -> None:
    ran = acme("broadcasts", "send", draft(acme), "--yes", "--json")
    assert (ran.code, ran.json["status"]) == (0, "pending_review")
    assert len(sandbox.journal.of("updateBroadcast")) == 1
    for at in ("2030-03-01T09:00", "soon"):
        assert acme("broadcasts", "send", "1", "--yes", "--at", at).code == 2


def test_send_says_whom_it_goes_to(acme: Command, sandbox: Sandbox) -> None:
    async def make(**details: Any) -> int:
        from ac_sms_async import SMSClient

        async with SMSClient(sandbox.accounts["acme"].url, sandbox.accounts["acme"].token) as sms:
            return (await sms.broadcasts.create(name="Sale", body="Reply STOP to opt out", **details)).id

    from functools import partial

    import anyio

    nobody = anyio.run(partial(make))
    segment = anyio.run(partial(make, segment_id="77", list_ids=[1]))
    shown = acme("broadcasts", "send", str(nobody), "--yes").err
    assert "nobody: it has neither list nor segment" in shown
    assert "1 for each recipient (GSM-7): an estimate" in shown
    assert "segment 77" in acme("broadcasts", "send", str(segment), "--yes").err


def test_ai(acme: Command, sandbox: Sandbox) -> None:
    create = ("ai", "create", "--prompt", "Spring sale", "--yes")
    asked = acme(*create)
    assert (asked.code, list(asked.fields)) == (0, ["request_id"])
    waited = acme(*create, "--wait", "--timeout", "30")
    assert "Waiting for request" in waited.err
    assert waited.fields["status"] == "draft"
    told = acme(*create, "--wait", "--json").json
    assert told["broadcast"]["status"] == "draft"
    request = acme(*create, "--json").json["request_id"]
    assert f"ac-sms ai status {asked.fields['request_id']}" in asked.err

    known = acme("ai", "status", request, "--json").json
    assert (known["request_id"], known["status"], known["broadcast_id"]) == (request, "in_progress", None)
    assert acme("ai", "status", request).fields["status"] == "in_progress"
    assert acme("ai", "status", request, "--wait").fields["status"] == "draft"
    found = acme("ai", "status", request, "--wait", "--json").json
    assert found["broadcast"]["broadcast_id"] == found["broadcast_id"]
    assert "knows no such request" in acme("ai", "status", "nobody").err
    wrong = acme("ai", "status", "a/b")
    assert (wrong.code, "that is not the id of an AI request" in wrong.err) == (2, True)


def test_metrics(acme: Command, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    ran = acme("metrics", "1", "999", "--since", "2024-01-01")
    assert (ran.code, [row[0] for row in ran.rows]) == (0, ["1"])
    assert "999: the server has no numbers of it" in ran.err
    import io

    monkeypatch.setattr(sys, "stdin", io.StringIO("1\n2\n"))
    assert [item["broadcast_id"] for item in acme("metrics", "-", "--json").json["metrics"]] == [1, 2]
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert "no ids were given" in acme("metrics", "-").err
    assert "not '-5'" in acme("metrics", "--", "-5").err
    sandbox.faults.add("404", "getBroadcastMetrics")
    failed = acme("metrics", "1")
    assert failed.code == 3
    assert "1: HTTP 404" in failed.err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows connects to no such address")
def test_one_host_may_do_without_tls(acme: Command, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    # It is this machine, but doesn't say so.
    url = sandbox.accounts["acme"].url.replace("127.0.0.1", "0.0.0.0")
    host = url.split("/")[2]
    refused = acme("credits", "--url", url)
    assert refused.code == 2
    assert "name the host with --insecure-host" in refused.err
    assert acme("credits", "--url", url, "--insecure-host", "0.0.0.0:1").code == 2
    assert acme("credits", "--url", url, "--insecure-host", host).code == 0
    Path("accounts.toml").write_text(f'[accounts.acme]\nurl = "{url}"\ntoken_env = "ACTIVECAMPAIGN_API_TOKEN"\n')
    assert acme("collect", "--accounts", "accounts.toml").code == 2
    monkeypatch.setenv("ACTIVECAMPAIGN_INSECURE_HOST", host)
    assert acme("credits", "--url", url).code == 0
    assert acme("collect", "--accounts", "accounts.toml").code == 0


def test_credits(acme: Command, terminal: Callable[..., None]) -> None:
    left = int(acme("credits").fields["available"])
    assert acme("credits", "--json").json["available"] == left
    terminal()
    assert f"{left:,}" in acme("credits").out


def test_doctor_when_all_is_well(acme: Command) -> None:
    ran = acme("doctor")
    assert ran.code == 0
    assert [line[:4].strip() for line in ran.out.splitlines()] == ["ok"] * 6 + ["-"]
    assert "broadcasts    can be read: 12" in ran.out


def test_doctor_when_something_is_wrong(acme: Command, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def problems(ran: Ran) -> dict[str, str]:
        assert ran.code == 1
        return {item["check"]: item["advice"] or item["detail"] for item in ran.json if item["outcome"] == "problem"}

    sandbox.faults.add("403", "listBroadcasts")
    assert list(problems(acme("doctor", "--json"))) == ["broadcasts"]
    sandbox.faults.add("401", "getSmsCreditData")
    assert "Copy it anew" in problems(acme("doctor", "--json"))["URL and token"]
    sandbox.faults.clear()

    monkeypatch.setenv("ACTIVECAMPAIGN_API_TOKEN", "wrong")
    refused = acme("doctor")
    # Nothing is said to be right that wasn't tried.
    assert refused.out.count("The token is wrong, its user may not see SMS") == 1
    assert refused.out.startswith("FAIL  URL and token ")
    assert list(problems(acme("doctor", "--json"))) == ["URL and token"]
    monkeypatch.setenv("ACTIVECAMPAIGN_URL", "http://127.0.0.1:1")
    assert "Nothing answers there" in problems(acme("doctor", "--json"))["URL and token"]
    monkeypatch.setenv("ACTIVECAMPAIGN_API_TOKEN", "")
    assert "set ACTIVECAMPAIGN_API_TOKEN" in problems(acme("doctor", "--json"))["URL and token"]
    monkeypatch.delenv("ACTIVECAMPAIGN_URL")
    assert "Settings > Developer" in problems(acme("doctor", "--json"))["URL and token"]


@pytest.mark.parametrize(("limit", "outcome", "words"), [(5, "ok", "allows 5"), (2, "problem", "fewer than the usual")])
def test_doctor_knows_the_rate(
    limit: int, outcome: str, words: str, ac_sms: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox(broadcasts=2, rate_limit=limit) as sandbox:
        monkeypatch.setenv("ACTIVECAMPAIGN_URL", sandbox.url)
        monkeypatch.setenv("ACTIVECAMPAIGN_API_TOKEN", sandbox.token)
        [rate] = [item for item in ac_sms("doctor", "--json").json if item["check"] == "rate"]
    assert rate["outcome"] == outcome
    assert words in rate["detail"]


def test_doctor_takes_what_the_server_leaves_out(acme: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from ac_sms_async.models import SmsCredits, Snapshot
    from ac_sms_async.paging.pager import Pager
    from ac_sms_async.resources.credits import CreditsResource
    from ac_sms_async.resources.metrics import MetricsResource

    async def nothing(*args: object) -> None:
        return None

    async def credits(*args: object) -> SmsCredits:
        return SmsCredits()

    async def snapshot(*args: object) -> Snapshot:
        return Snapshot()

    monkeypatch.setattr(Pager, "count", nothing)
    monkeypatch.setattr(CreditsResource, "get", credits)
    monkeypatch.setattr(MetricsResource, "snapshot", snapshot)
    ran = acme("doctor")
    assert ran.code == 0
    assert "the number left is unknown" in ran.out
    assert ran.out.count("can be read\n") == 3


def test_the_token_is_for_your_eyes_only(
    ac_sms: Command, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = sandbox.accounts["acme"]
    monkeypatch.setenv("ACTIVECAMPAIGN_URL", access.url)
    token = tmp_path / "token"
    token.write_text(f"{access.token}\n")
    token.chmod(0o644)
    refused = ac_sms("credits", "--token-file", str(token))
    assert refused.code == 2
    assert f"chmod 600 {token}" in refused.err
    token.chmod(0o600)
    assert ac_sms("credits", "--token-file", str(token), "--timezone", "UTC").code == 0
    monkeypatch.setenv("ACTIVECAMPAIGN_API_TOKEN_FILE", str(token))
    assert ac_sms("credits").code == 0
    assert "cannot read" in ac_sms("credits", "--token-file", str(tmp_path / "none")).err


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "has no accounts"),
        ("accounts = 3", "has no accounts"),
        ("[accounts", "cannot read"),
        ("[accounts]\nacme = 3", "must be a table"),
        ('[accounts.acme]\nurl = "https://a.example"\nkey = "x"', "unknown key; known are"),
        ('[accounts.acme]\ntoken = "x"', "needs a url"),
        ('[accounts.acme]\nurl = 3\ntoken = "x"', "every value must be text"),
        ('[accounts.acme]\nurl = "https://a.example"', "needs one of token_env"),
        ('[accounts.acme]\nurl = "https://a.example"\ntoken = "x"\ntoken_env = "X"', "needs one of token_env"),
        ('[accounts.acme]\nurl = "https://a.example"\ntoken_env = "NOT_SET"', "NOT_SET is not set"),
        ('[accounts.acme]\nurl = "https://a.example"\ntoken = "x"', "chmod 600"),
    ],
)
def test_accounts_given_wrongly(ac_sms: Command, tmp_path: Path, text: str, problem: str) -> None:
    accounts = tmp_path / "accounts.toml"
    accounts.write_text(text)
    accounts.chmod(0o644)
    ran = ac_sms("collect", "--accounts", str(accounts))
    assert ran.code == 2
    assert problem in ran.err


def test_accounts_from_the_environment(
    ac_sms: Command, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = sandbox.accounts["acme"]
    monkeypatch.setenv("ACME_TOKEN", access.token)
    accounts = tmp_path / "accounts.toml"
    accounts.write_text(f'[accounts.acme]\nurl = "{access.url}"\ntoken_env = "ACME_TOKEN"\ntimezone = "UTC"\n')
    assert ac_sms("collect", "--quiet", "--accounts", str(accounts)).code == 0


def commands(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """All commands that do something, but for the fleet's, which have tests of their own."""
    if path == ("fleet",):
        return []
    if not isinstance(command, click.Group):
        return [path]
    context = click.Context(command)
    inner = {name: command.get_command(context, name) for name in command.list_commands(context)}
    return [found for name, each in inner.items() if each for found in commands(each, (*path, name))]


@pytest.mark.parametrize("path", commands(cli), ids=" ".join)
def test_help_teaches_by_example(ac_sms: Command, path: tuple[str, ...]) -> None:
    ran = ac_sms(*path, "--help")
    assert ran.code == 0
    assert f"  ac-sms {' '.join(path)}" in ran.out
    assert "usage" in ran.out.lower()


def test_every_command_gives_json(ac_sms: Command) -> None:
    for path in commands(cli):
        if path != ("completion",):
            assert "--json" in ac_sms(*path, "--help").out, path


def test_completion(ac_sms: Command) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "_AC_SMS_COMPLETE" in ac_sms("completion", shell).out
    assert ac_sms("completion", "tcsh").code == 2


def test_options_are_completed(ac_sms: Command) -> None:
    def completed(incomplete: str) -> list[str]:
        complete = ShellComplete(cli, {}, "ac-sms", "_AC_SMS_COMPLETE")
        return [item.value for item in complete.get_completions(["sandbox"], incomplete)]

    assert completed("--s") == ["--seed", "--start", "--speed", "--sending"]


def test_completion_of_a_shell_that_click_forgets(ac_sms: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(shell: str) -> None:
        return None

    monkeypatch.setattr("ac_sms_async.cli.completion.get_completion_class", unknown)
    assert "knows no completion for bash" in ac_sms("completion", "bash").err


def test_sandbox_needs_its_extra(ac_sms: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    class Missing:
        def __init__(self, name: str) -> None:
            self.name = name

        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == "ac_sms_async.sandbox.sandbox":
                raise ModuleNotFoundError(f"No module named {self.name!r}", name=self.name)

    monkeypatch.delitem(sys.modules, "ac_sms_async.sandbox.sandbox")
    monkeypatch.setattr(sys, "meta_path", [Missing("starlette"), *sys.meta_path])
    ran = ac_sms("sandbox")
    assert ran.code == 1
    assert "ac-sms-async[sandbox]" in ran.err
    monkeypatch.setattr(sys, "meta_path", [Missing("ac_sms_async.sandbox.sandbox"), *sys.meta_path])
    with pytest.raises(ModuleNotFoundError):
        ac_sms("sandbox")


def test_version(ac_sms: Command) -> None:
    assert ac_sms("--version").out == f"ac-sms, version {__version__}\n"


def test_where_the_installation_has_no_metadata_as_in_a_zip_archive(tmp_path: Path) -> None:
    archive = tmp_path / "app.zip"
    with zipfile.ZipFile(archive, "w") as app:
        for file in (ROOT / "ac_sms_async").rglob("*.py"):
            app.write(file, file.relative_to(ROOT))
    code = f"""
import sys, importlib.metadata, importlib.abc
def gone(*_):
    raise importlib.metadata.PackageNotFoundError("ac-sms-async")
importlib.metadata.distribution = importlib.metadata.version = gone
sys.path.insert(0, {str(archive)!r})
import ac_sms_async
from ac_sms_async.otel import Telemetry
from ac_sms_async.__main__ import main
assert ac_sms_async.__file__.startswith({str(archive)!r})
Telemetry()
sys.argv = ["ac-sms", "--version"]
main()
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (ran.stderr, ran.stdout) == ("", f"ac-sms, version {__version__}\n")


def test_as_a_module() -> None:
    command = [sys.executable, "-m", "ac_sms_async", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.startswith("ac-sms, version ")


def test_the_entry_point(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["ac-sms", "--version"])
    with pytest.raises(SystemExit) as ended:
        entry.main()
    assert ended.value.code == 0
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(entry.__file__, run_name="__main__")
    assert ended.value.code == 0
    for missing, problem in (("click", SystemExit), ("rich.console", SystemExit), ("httpx", ModuleNotFoundError)):
        monkeypatch.setitem(sys.modules, "ac_sms_async.cli.main", None)

        class Broken:
            @staticmethod
            def find_spec(name: str, path: object = None, target: object = None, missing: str = missing) -> None:
                if name == "ac_sms_async.cli.main":
                    raise ModuleNotFoundError(name=missing)

        monkeypatch.delitem(sys.modules, "ac_sms_async.cli.main")
        monkeypatch.setattr(sys, "meta_path", [Broken, *sys.meta_path])
        with pytest.raises(problem) as raised:
            entry.main()
        if problem is SystemExit:
            assert "pip install 'ac-sms-async[cli]'" in str(raised.value)
        monkeypatch.setattr(sys, "meta_path", sys.meta_path[1:])


def test_a_reader_that_goes_away(sandbox: Sandbox) -> None:
    access = sandbox.accounts["acme"]
    command = f"{sys.executable} -m ac_sms_async broadcasts list --json | head -c 1"
    environment = {"ACTIVECAMPAIGN_URL": access.url, "ACTIVECAMPAIGN_API_TOKEN": access.token}
    import os

    done = subprocess.run(command, shell=True, env={**os.environ, **environment}, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[", "")


def test_a_closed_pipe_in_this_process(acme: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def closed(self: Output, value: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(Output, "data", closed)
    # So that it isn't ours that is turned away.
    with (tmp_path / "out").open("w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert main_module.run(["credits", "--json"]) == 1


def test_what_is_printed_can_t_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert printable("a\x1b[2Jb") == "a\N{REPLACEMENT CHARACTER}[2Jb"
    out = Output(as_json=False)
    out.table(["A", "B", "C"], [(None, True, datetime(2026, 1, 2, 3, 4)), ("x\ty", False, 1234)])  # noqa: DTZ001
    assert capsys.readouterr().out == "A\tB\tC\n-\tyes\t2026-01-02 03:04\nx\N{REPLACEMENT CHARACTER}y\tno\t1234\n"
    out.data({"at": datetime(2026, 1, 2), "other": Path("x")})  # noqa: DTZ001
    assert '"at": "2026-01-02T00:00:00"' in capsys.readouterr().out


def test_advice() -> None:
    assert "wrong account name" in str(advice(APIStatusError("moved", status=302)))
    assert "Nothing answers" in str(advice(ConnectError("no")))
    assert "permissions" in str(advice(PermissionDeniedError("no", status=403)))
    assert advice(ValueError("x")) is None


def test_a_database_driver_says_nothing_beside_the_command() -> None:
    code = """
import logging
from ac_sms_async.cli.main import run
run(["--version"])
for name in ("psycopg", "psycopg.pool"):
    logging.getLogger(name).warning("error ignored terminating <AsyncCopy>")
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stderr == ""
