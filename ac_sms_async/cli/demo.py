"""`python -m ac_sms_async.cli.demo`: the whole in a minute, on a sandbox of its own.

A sandbox with 300 broadcasts runs as a process on a real socket and lets through 5 requests a second. `collect` fills a
store from it, with a bar; then a table, a CSV file and the report. At the end the sandbox's own journal says how fast
we were.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from attrs import frozen

from ac_sms_async.cli.main import run

__all__ = ["main"]

_SANDBOX = ("-m", "ac_sms_async.sandbox", "--port", "0", "--seed", "7")
_URL, _TOKEN = "export ACTIVECAMPAIGN_URL=", "export ACTIVECAMPAIGN_API_TOKEN="


@frozen
class _Access:
    root: str
    url: str
    token: str


@click.command()
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default="demo", show_default=True)
@click.option("--broadcasts", type=click.IntRange(min=1), default=300, show_default=True)
@click.option(
    "--recipients", type=click.IntRange(min=1), default=400, show_default=True, help="Of the largest broadcast."
)
def main(folder: Path, broadcasts: int, recipients: int) -> None:
    """Collect a sandbox's broadcasts within its 5 requests a second, and make a report of them."""
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / "metrics.sqlite"
    for old in folder.glob("metrics.sqlite*"):
        old.unlink()
    with _sandbox("--broadcasts", str(broadcasts), "--recipients", str(recipients)) as access:
        os.environ.update(ACTIVECAMPAIGN_URL=access.url, ACTIVECAMPAIGN_API_TOKEN=access.token)
        click.echo(f"A sandbox with {broadcasts} broadcasts is at {access.root}; it allows 5 requests a second.\n")
        store = ("--db", str(database))
        _ac_sms("collect", *store, "--account", "demo", "--include", "failures")
        click.echo()
        _ac_sms("export", *store, "--table", "monthly_rates", "-o", str(folder / "monthly_rates.csv"))
        _ac_sms("export", *store, "-o", str(folder / "broadcasts.csv"))
        _ac_sms("report", *store, "-o", str(folder / "report.html"))
        click.echo(f"\n{_journal(access.root)}")


def _ac_sms(*arguments: str) -> None:
    click.echo(f"$ ac-sms {' '.join(arguments)}")
    code = run(arguments)
    if code:
        raise SystemExit(code)


@contextmanager
def _sandbox(*options: str) -> Generator[_Access, None, None]:
    """A sandbox as a process of its own, as long as the block runs."""
    command: Sequence[str] = (sys.executable, *_SANDBOX, *options)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own module
        try:
            yield _read_access(process)
        finally:
            process.terminate()


def _read_access(process: subprocess.Popen[str]) -> _Access:
    url = token = ""
    for line in process.stdout or ():
        url = line.removeprefix(_URL).strip() if line.startswith(_URL) else url
        token = line.removeprefix(_TOKEN).strip() if line.startswith(_TOKEN) else token
        if url and token:
            return _Access(url.rpartition("/")[0], url, token)
    raise SystemExit("the sandbox did not start")


def _journal(root: str) -> str:
    # Straight to the loopback address, whatever proxies the environment names.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"{root}/_sandbox/journal?last=0") as answer:
        journal = json.load(answer)
    return (
        f"The sandbox saw {journal['seen']} requests, and never more than {journal['peak_rate']} in any second: "
        "its own journal says so."
    )


if __name__ == "__main__":
    main()
