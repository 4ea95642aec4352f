"""`ac-sms --help` is there at once: what it imports is listed here, since each module costs a user's time."""

from __future__ import annotations

import re
import subprocess
import sys

import click
import pytest
from click.shell_completion import ShellComplete

from ac_sms_async.cli.main import cli
from tests.cli.conftest import Command

OURS = {
    "ac_sms_async.cli.advice",
    "ac_sms_async.cli.command",
    "ac_sms_async.cli.main",
    "ac_sms_async.cli.output",
    "ac_sms_async.cli.running",
    "ac_sms_async.cli.streams",
}
"""Of the command's own modules; beside them comes what `import ac_sms_async` brings."""


def loaded(*arguments: str) -> set[str]:
    code = f"""
import sys
import ac_sms_async
before = set(sys.modules)
from ac_sms_async.cli.main import run
code = run({arguments!r})
print(*(set(sys.modules) - before), file=sys.stderr)
sys.exit(code)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(ran.stderr.split())


@pytest.mark.parametrize("arguments", [("--help",), ("--version",)])
def test_what_the_list_of_commands_needs(arguments: tuple[str, ...]) -> None:
    modules = loaded(*arguments)
    assert {name for name in modules if name.startswith("ac_sms_async.cli.")} == OURS
    assert {name for name in modules if name.startswith("ac_sms_async.")} == {"ac_sms_async.cli", *OURS}
    roots = {name.split(".")[0] for name in modules}
    assert roots.isdisjoint({"rich", "sqlite3", "asyncio", "httpx", "zoneinfo", "psycopg", "starlette", "uvicorn"})


def test_every_command_is_in_the_list_and_can_be_had(ac_sms: Command) -> None:
    shown = dict(re.findall(r"^  ([a-z]+) +(\S.*)$", ac_sms("--help").out.partition("Commands:")[2], re.MULTILINE))
    context = click.Context(cli)
    assert set(cli.list_commands(context)) <= set(shown)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert shown[name].endswith(".")


def test_a_command_that_there_isn_t(ac_sms: Command) -> None:
    ran = ac_sms("colect")
    assert ran.code == 2
    assert "No such command 'colect'" in ran.err


@pytest.mark.parametrize(
    ("words", "incomplete", "expected"),
    [
        ([], "c", ["collect", "credits", "completion"]),
        (["collect"], "--fr", ["--fresh"]),
        (["collect", "--include"], "", ["failures", "recipients"]),
        (["collect", "--include"], "failures,", ["failures,recipients"]),
        (["collect", "--since"], "", ["last", "today", "yesterday", "7d", "30d"]),
        (["collect", "--status"], "se", ["sending", "sent"]),
        (["report", "--since"], "y", ["yesterday"]),
        (["report", "--timezone"], "Europe/Berl", ["Europe/Berlin"]),
        (["fleet", "enqueue", "--since"], "", ["last"]),
        (["export", "--db"], "x", ["x"]),
        (["broadcasts", "list", "--order"], "", ["newest", "oldest"]),
    ],
)
def test_values_are_completed(words: list[str], incomplete: str, expected: list[str]) -> None:
    found = ShellComplete(cli, {}, "ac-sms", "_AC_SMS_COMPLETE").get_completions(words, incomplete)
    assert [item.value for item in found] == expected
