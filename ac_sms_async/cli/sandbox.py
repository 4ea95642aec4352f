"""`ac-sms sandbox`: an ActiveCampaign to try things on."""

from __future__ import annotations

import click

__all__ = ["sandbox"]


@click.command(
    add_help_option=False,
    context_settings={"ignore_unknown_options": True},
    short_help="Run a look-alike of ActiveCampaign's SMS API to try things on.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: tuple[str, ...]) -> None:
    """Run the sandbox; it prints URLs and tokens, and never sends anything."""
    try:
        from ac_sms_async.sandbox.command import main
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("ac_sms_async"):
            raise
        raise click.ClickException("the sandbox needs more: pip install 'ac-sms-async[sandbox]'") from None
    main(arguments)
