"""What our commands are made of: imported when they are used, and wrong usage is said in words of options."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, TypeVar, cast

import click
from attrs import frozen
from click.core import ParameterSource

from ac_sms_async.cli.advice import in_words
from ac_sms_async.errors import ConfigurationError

__all__ = ["Command", "Commands", "Group", "Later", "is_given", "refuse_without_effect"]

T = TypeVar("T")


class Command(click.Command):
    """A command. Where the library refuses an argument, it names the option that it came from."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run it."""
        return _in_words_of_options(ctx, super().invoke)


class Group(click.Group):
    """A group of such commands."""

    command_class: type[click.Command] | None = Command
    group_class: type[click.Group] | type[type] | None = type


@frozen
class Later:
    """Where a command is (in which of our modules, or elsewhere), and what the list of commands says of it."""

    module: str
    name: str
    help: str

    def command(self) -> click.Command:
        """The command itself."""
        module = self.module if "." in self.module else f"ac_sms_async.cli.{self.module}"
        return cast("click.Command", getattr(import_module(module), self.name))


class Commands(Group):
    """A group whose commands are imported when they are used: all of them take a while, for one word of help."""

    def __init__(self, *arguments: Any, later: Mapping[str, Later], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.later = later

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names, as they were given."""
        return list(self.later)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command, imported."""
        found = self.later.get(cmd_name)
        return None if found is None else found.command()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, for which none has to be imported."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, found.help) for name, found in self.later.items()])


def is_given(context: click.Context, name: str) -> bool:
    """Whether an option was given on the command line, and didn't come from a default or the environment."""
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE


def refuse_without_effect(why: str, *names: str) -> None:
    """Refuse those of the running command's options that were given, and mean nothing because of `why`."""
    context = click.get_current_context()
    given = [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name in names and is_given(context, parameter.name)
    ]
    if given:
        raise click.UsageError(f"{' and '.join(given)} {'has' if len(given) == 1 else 'have'} no effect {why}")


def _in_words_of_options(context: click.Context, work: Callable[[click.Context], T]) -> T:
    try:
        return work(context)
    except ConfigurationError as error:
        message = in_words(error.message)
        for parameter in context.command.params:
            if isinstance(parameter, click.Option):
                message = re.sub(rf"^{parameter.name}(?= (is|must|has|can't)\b)", parameter.opts[0], message)
        raise ConfigurationError(message) from error
