"""Draw the docs' pictures of a report, light and dark: `python -m tests.docs.pictures`.

They are of a sandbox that is the same each time. It needs Chromium, and a font with emoji.
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
from tests.chromium import CHROMIUM, DARK, FLAGS, LIGHT

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"


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
        for picture, scheme in (("report.png", LIGHT), ("report-dark.png", DARK)):
            shown = [scheme, "--window-size=1000,800", f"--screenshot={PICTURES / picture}", page.as_uri()]
            options = [str(CHROMIUM), *FLAGS, f"--user-data-dir={name}/chromium", *shown]
            subprocess.run(options, check=True, capture_output=True)


if __name__ == "__main__":
    main()
