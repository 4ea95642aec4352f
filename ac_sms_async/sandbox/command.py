"""The sandbox as a process: its command line, and what it prints."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from types import FrameType
from urllib.parse import urlsplit

from ac_sms_async.sandbox.broadcast import Pace
from ac_sms_async.sandbox.clock import Clock
from ac_sms_async.sandbox.sandbox import Sandbox


def serve(sandbox: Sandbox) -> None:
    """Run until SIGINT or SIGTERM; prints URLs and tokens first."""
    running = True

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal running
        running = False

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    with sandbox:
        print(describe(sandbox), flush=True)  # noqa: T201 - this is the command's output
        while running:
            time.sleep(0.1)


def describe(sandbox: Sandbox) -> str:
    """URLs and tokens, one account a paragraph, ready to be pasted into a shell."""
    lines = [f"ActiveCampaign SMS sandbox at {sandbox.url}/ (this is not the real thing: nothing is ever sent)"]
    for access in sandbox.accounts.values():
        lines += [
            "",
            f"# account {access.name}",
            f"export ACTIVECAMPAIGN_URL={access.url}",
            f"export ACTIVECAMPAIGN_API_TOKEN={access.token}",
        ]
    if sandbox.app.open_to_others:
        url = urlsplit(sandbox.url)
        elsewhere = f"{socket.gethostname()}:{url.port}"
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


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="ac-sms sandbox", description=__doc__)
    made.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    made.add_argument("--port", type=int, default=8080, help="port to listen on; 0 chooses one (default: 8080)")
    made.add_argument("--db", metavar="FILE", help="SQLite file to keep everything in, and to go on from")
    data = made.add_argument_group("data to begin with")
    data.add_argument("--seed", type=int, help="which data (default: 0)")
    data.add_argument("--broadcasts", type=int, help="how many broadcasts an account has (default: 50)")
    data.add_argument("--recipients", type=int, help="size of the largest broadcast (default: 200)")
    data.add_argument("--end", type=date.fromisoformat, help="day that they go up to (default: today, by --start)")
    data.add_argument("--accounts", help="names, with tokens if wanted: acme,globex or acme=TOKEN (default: acme)")
    data.add_argument("--data", metavar="FILE", help="YAML or JSON file of broadcasts, lists and credits of your own")
    data.add_argument("--credits", type=int, default=9040, help="credits beyond the monthly ones (default: 9040)")
    clock = made.add_argument_group("time")
    clock.add_argument("--start", type=datetime.fromisoformat, help="what time it is, with an offset (default: now)")
    clock.add_argument("--speed", type=float, default=1.0, help="how fast time runs; 0: not by itself (default: 1)")
    clock.add_argument("--review", type=float, default=1.0, help="seconds that a review takes (default: 1)")
    clock.add_argument("--sending", type=float, default=2.0, help="seconds that sending takes (default: 2)")
    clock.add_argument("--ai", type=float, default=2.0, help="seconds that an AI request takes (default: 2)")
    bad = made.add_argument_group("what goes wrong")
    bad.add_argument("--rate-limit", type=int, default=5, help="requests a second and account; 0: any (default: 5)")
    bad.add_argument(
        "--fault",
        action="append",
        default=[],
        help="operation:kind[:name=value...], for example getBroadcastMetrics:429:retry_after=2:nth=3; repeatable",
    )
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and serve; what cannot be served ends with a line on stderr."""
    options = parser().parse_args(arguments)
    try:
        sandbox = Sandbox(
            seed=options.seed,
            broadcasts=options.broadcasts,
            recipients=options.recipients,
            end=options.end,
            accounts=None if options.accounts is None else parse_accounts(options.accounts),
            rate_limit=options.rate_limit or None,
            extra_credits=options.credits,
            pace=Pace(review=options.review, sending=options.sending, ai=options.ai),
            clock=Clock(options.start, speed=options.speed),
            host=options.host,
            port=options.port,
            faults=options.fault,
            data=options.data,
            db=options.db,
        )
        serve(sandbox)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
