"""The sandbox as a process: its command line, and what it prints."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from types import FrameType

from ac_sms_async.sandbox.sandbox import Sandbox


def serve(sandbox: Sandbox) -> None:
    """Run until SIGINT or SIGTERM; prints URLs and tokens first."""
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    with sandbox:
        print(describe(sandbox), flush=True)  # noqa: T201 - this is the command's output
        # In pieces, because on Windows a signal doesn't end a wait.
        while not stopped.wait(0.5):
            pass


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
    made = argparse.ArgumentParser(prog="python -m ac_sms_async.sandbox", description=__doc__)
    made.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    made.add_argument("--port", type=int, default=8080, help="port to listen on; 0 chooses one (default: 8080)")
    made.add_argument("--seed", type=int, default=0, help="which data to begin with (default: 0)")
    made.add_argument("--broadcasts", type=int, default=50, help="how many broadcasts an account has (default: 50)")
    made.add_argument("--recipients", type=int, default=200, help="size of the largest broadcast (default: 200)")
    made.add_argument("--accounts", default="acme", help="names, with tokens if wanted: acme,globex or acme=TOKEN")
    made.add_argument(
        "--rate-limit", type=int, default=5, help="requests a second and account; 0: no limit (default: 5)"
    )
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser().parse_args(arguments)
    try:
        sandbox = Sandbox(
            seed=options.seed,
            broadcasts=options.broadcasts,
            recipients=options.recipients,
            accounts=parse_accounts(options.accounts),
            rate_limit=options.rate_limit or None,
            host=options.host,
            port=options.port,
        )
        serve(sandbox)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
