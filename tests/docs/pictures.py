"""Draw the docs' picture of a report, from a sandbox that is the same each time: `python -m tests.docs.pictures`.

It needs Chromium, and a font with emoji.
"""

from __future__ import annotations

import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import anyio

from ac_sms_async import SMSClient
from ac_sms_async.collect import collect, load_report, open_store, render_report
from ac_sms_async.sandbox import Clock, Sandbox

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
CHROMIUM = "chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking"


async def report(folder: Path) -> Path:
    clock = Clock(datetime(2026, 11, 2, 15, tzinfo=UTC), speed=0)
    with Sandbox(broadcasts=240, recipients=40_000, rate_limit=None, clock=clock) as sandbox:
        async with (
            SMSClient(sandbox.url, sandbox.token, account="acme", rate_limit=None) as sms,
            open_store(folder / "metrics.sqlite") as store,
        ):
            await collect(sms, store)
            page = folder / "report.html"
            page.write_text(render_report(await load_report(store)), "utf-8")
    return page


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        page = anyio.run(report, Path(name))
        target = PICTURES / "report.png"
        shown = ["--hide-scrollbars", "--window-size=1000,800", f"--screenshot={target}", page.as_uri()]
        options = [*CHROMIUM.split(), f"--user-data-dir={name}/chromium", *shown]
        subprocess.run(options, check=True, capture_output=True)


if __name__ == "__main__":
    main()
