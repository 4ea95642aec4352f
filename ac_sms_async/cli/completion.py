"""`ac-sms completion`: the script that makes a shell complete our commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from ac_sms_async.cli.command import Command

__all__ = ["completion"]

_EXAMPLES = """\b
Examples:
  ac-sms completion bash >> ~/.bashrc
  ac-sms completion zsh >> ~/.zshrc
  ac-sms completion fish > ~/.config/fish/completions/ac-sms.fish
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes your shell complete commands and options."""
    kind = get_completion_class(shell)
    root = click.get_current_context().find_root()
    if kind is None:
        raise click.ClickException(f"click knows no completion for {shell}")
    click.echo(kind(root.command, {}, "ac-sms", "_AC_SMS_COMPLETE").source())
