"""The examples that the command's help shows find something in the sandbox, whenever they are tried."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import click
import pytest

from ac_sms_async.cli.main import cli
from ac_sms_async.sandbox import Clock, Sandbox
from tests.cli.conftest import Command


def examples(command: click.Command = cli) -> Iterator[str]:
    """What the help of a command, and of those below it, shows."""
    yield from re.findall(r"^ +(ac-sms [^\n]*?)(?: {3}.*)?$", command.epilog or "", re.MULTILINE)
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            each = command.get_command(context, name)
            assert each is not None
            yield from examples(each)


READING = [
    example
    for example in dict.fromkeys(examples())
    if re.match(r"ac-sms (broadcasts (list|show)|metrics \d|recipients|lists|collect)", example)
    and not re.search(r"[|>]|accounts\.toml|postgresql", example)
]


@pytest.fixture(params=[0, 4], ids=["now", "in four years"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    clock = Clock(datetime.now(UTC) + timedelta(days=365 * request.param), speed=0)
    # As newcomers start it, but for the limit.
    with Sandbox(rate_limit=None, clock=clock) as running:
        yield running


@pytest.mark.parametrize("example", READING)
def test_an_example_finds_something(acme: Command, example: str) -> None:
    ran = acme(*shlex.split(example)[1:], "--json")
    assert ran.code == 0, ran.err
    found = ran.json
    if "broadcasts list" in example:
        assert len(found) > (1 if "30d" in example else 10)
    elif re.search("lists|recipients", example):
        assert found
    elif "show" in example:
        assert found["metrics"]["sends"] > 0
    elif "metrics" in example:
        assert [each["sends"] > 0 for each in found["metrics"]] == [True] * len(re.findall(r" \d\d\b", example))
    elif "last" not in example:
        assert found[0]["broadcasts"] > 10


def test_there_are_examples() -> None:
    words = {tuple(example.split()[1:3]) for example in READING}
    assert words >= {("broadcasts", "list"), ("broadcasts", "show"), ("metrics", "42"), ("collect", "--since")}
