"""The page of all commands is what the commands are."""

from __future__ import annotations

import runpy
from pathlib import Path

import click
import pytest

from ac_sms_async.cli import reference
from ac_sms_async.cli.main import cli

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"


def test_the_page_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    command = f"python -m {reference.__name__} > {PAGE}"
    assert PAGE.read_text(encoding="utf-8") == reference.markdown(), command
    runpy.run_path(reference.__file__, run_name="__main__")
    assert capsys.readouterr().out == reference.markdown()


def test_every_command_and_every_option_is_on_it() -> None:
    text = PAGE.read_text(encoding="utf-8")

    def missing(command: click.Command, path: str) -> list[str]:
        if isinstance(command, click.Group):
            context = click.Context(command)
            inner = {name: command.get_command(context, name) for name in command.list_commands(context)}
            return [gone for name, each in inner.items() if each for gone in missing(each, f"{path} {name}")]
        section = text.partition(f"# {path}\n")[2].partition("\n## ")[0] + text.partition("## ac-sms collect")[0]
        options = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
        return [f"{path} {each.opts[-1]}" for each in options if each.opts[-1] not in section]

    assert missing(cli, "ac-sms") == []


def test_every_option_says_what_it_is_for() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    assert [row for row in rows if row.split("` | ")[1][:1] in ("", "|", "\\")] == []
