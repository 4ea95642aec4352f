"""`ac-sms sandbox`, also `python -m ac_sms_async.sandbox`: the sandbox as a process, and what it prints."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import FrameType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from ac_sms_async.sandbox.guesses import Guesses

if TYPE_CHECKING:
    from ac_sms_async.sandbox import Sandbox

_EXAMPLES = """\b
Examples:
  ac-sms sandbox                                     paste what it prints into a second terminal, and go on there
  ac-sms sandbox --seed 7 --end 2026-03-01           the same data every time and everywhere
  ac-sms sandbox --speed 3600                        an hour a second: watch numbers move, and scheduled ones go out
  ac-sms sandbox --data my.yaml --db sandbox.sqlite  data of your own, and what became of it
  ac-sms sandbox --accounts acme=let-me-in,globex=let-me-in-too
  ac-sms sandbox --fault getBroadcastMetrics:429:retry_after=2:nth=3 --fault '*:reset:probability=0.1'
  ac-sms sandbox --guess order=newest --guess missing=403
  ac-sms sandbox --host 0.0.0.0                      for other machines and containers; says what they have to set

\b
It prints a URL and a token for each account, and runs until Ctrl-C. At the URL's root is a page to look at;
/_sandbox moves the clock, adds data and faults, and shows the requests seen, by curl. Nothing is ever sent.
"""
_DAY = click.DateTime(["%Y-%m-%d"])
_MOMENT = click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"])
_SECONDS = click.FloatRange(min=0)
_FILE = click.Path(dir_okay=False)


def _guesses(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    return [text for text in Guesses.texts() if text.startswith(incomplete)]


@click.command(epilog=_EXAMPLES, short_help="Run a look-alike of ActiveCampaign's SMS API to try things on.")
@click.option("--host", default="127.0.0.1", help="Address to listen on. Default: this machine only.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=8080, show_default=True, help="Port; 0: one that is free."
)
@click.option("--db", type=_FILE, metavar="FILE", help="SQLite file to keep everything in, and to go on from.")
@click.option("--seed", type=int, help="Which data to begin with. Default: 0.")
@click.option("--broadcasts", type=click.IntRange(min=0), help="How many broadcasts an account has. Default: 50.")
@click.option("--recipients", type=click.IntRange(min=0), help="Size of the largest broadcast. Default: 200.")
@click.option("--end", type=_DAY, metavar="DATE", help="The day that broadcasts go up to. Default: today, by --start.")
@click.option("--accounts", metavar="NAMES", help="acme,globex, or with tokens acme=TOKEN,globex=TOKEN. Default: acme.")
@click.option("--data", type=_FILE, metavar="FILE", help="YAML or JSON file of broadcasts, lists and credits to add.")
@click.option("--credits", type=int, default=9040, show_default=True, help="Credits beyond the monthly ones.")
@click.option("--start", type=_MOMENT, metavar="TIME", help="The time, as 2026-03-01T09:00-06:00. Default: now.")
@click.option("--speed", type=float, default=1.0, show_default=True, help="How fast time runs; 0: not by itself.")
@click.option("--review", type=_SECONDS, default=1.0, show_default=True, help="Seconds that a review takes.")
@click.option("--sending", type=_SECONDS, default=2.0, show_default=True, help="Seconds that sending takes.")
@click.option("--ai", type=_SECONDS, default=2.0, show_default=True, help="Seconds that an AI request takes.")
@click.option(
    "--rate-limit",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    help="Requests a second and account; 0: any.",
)
@click.option(
    "--fault", "faults", multiple=True, metavar="FAULT", help="operation:kind[:name=value...]; can be repeated."
)
@click.option(
    "--guess",
    "guesses",
    multiple=True,
    metavar="NAME=VALUE",
    shell_complete=_guesses,
    help="Where the real server is not known, do this: order=newest, missing=403, ...; can be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print URLs and tokens as JSON, on one line.")
def sandbox(
    review: float, sending: float, ai: float, start: datetime | None, speed: float, as_json: bool, **options: Any
) -> None:
    """Run a look-alike of ActiveCampaign's SMS API: all operations, with data that lives, and nothing is ever sent."""
    try:
        from ac_sms_async.sandbox import Clock, Pace, Sandbox
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("ac_sms_async"):
            raise
        raise click.ClickException(str(error)) from None
    end, accounts = options.pop("end"), options.pop("accounts")
    try:
        made = Sandbox(
            pace=Pace(review=review, sending=sending, ai=ai),
            clock=Clock(start, speed=speed),
            end=None if end is None else end.date(),
            accounts=None if accounts is None else parse_accounts(accounts),
            rate_limit=options.pop("rate_limit") or None,
            extra_credits=options.pop("credits"),
            guesses=Guesses.read(options.pop("guesses")),
            **options,
        )
        serve(made, as_json=as_json)
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from None


def serve(sandbox: Sandbox, *, as_json: bool = False) -> None:
    """Run until SIGINT or SIGTERM; prints URLs and tokens first."""
    running = True

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal running
        running = False

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    with sandbox:
        click.echo(json.dumps(access(sandbox)) if as_json else describe(sandbox))
        while running:
            time.sleep(0.1)


def access(sandbox: Sandbox) -> dict[str, Any]:
    """How to reach it: its root, its accounts, and the host that other machines have to trust, if any."""
    accounts = [{"name": each.name, "url": each.url, "token": each.token} for each in sandbox.accounts.values()]
    elsewhere = f"{socket.gethostname()}:{urlsplit(sandbox.url).port}" if sandbox.app.open_to_others else None
    return {"url": sandbox.url, "accounts": accounts, "insecure_host": elsewhere}


def describe(sandbox: Sandbox) -> str:
    """The same for people: URLs and tokens, one account a paragraph, ready to be pasted into a shell."""
    found = access(sandbox)
    lines = [f"ActiveCampaign SMS sandbox at {found['url']}/ (this is not the real thing: nothing is ever sent)"]
    for account in found["accounts"]:
        lines += [
            "",
            f"# account {account['name']}",
            f"export ACTIVECAMPAIGN_URL={account['url']}",
            f"export ACTIVECAMPAIGN_API_TOKEN={account['token']}",
        ]
    elsewhere = found["insecure_host"]
    if elsewhere is not None:
        lines += [
            "",
            f"# other machines reach it at http://{elsewhere}/<account>, or by another name of it; there also set:",
            f"export ACTIVECAMPAIGN_INSECURE_HOST={elsewhere}",
            "# the page and /_sandbox ask for a token: any user name, the token as password",
        ]
    return "\n".join(lines)


def parse_accounts(text: str) -> Sequence[str] | Mapping[str, str]:
    """ "acme,globex" or "acme=TOKEN,globex=TOKEN"."""
    parts = [part.strip() for part in text.split(",")]
    if not any("=" in part for part in parts):
        return parts
    if not all("=" in part for part in parts):
        raise ValueError("give every account a token (name=token), or none")
    pairs = (part.partition("=") for part in parts)
    return {name: token for name, _, token in pairs}
