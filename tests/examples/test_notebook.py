"""The notebook of examples/ as Jupyter runs it, beside a store that was collected from a sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import anyio
import pytest

from ac_sms_async import SMSClient
from ac_sms_async.collect import collect, open_store
from ac_sms_async.sandbox import Clock, Sandbox

NOTEBOOK = Path(__file__).parents[2] / "examples/notebook.ipynb"
JUPYTER = Path(sys.executable).with_name("jupyter-execute")

with_pandas = pytest.mark.skipif(
    find_spec("pandas") is None, reason="no pandas here: `make notebook` runs the notebook"
)

ASKED = """
import json
print(json.dumps({
    "months": months["click_rate"].to_dict(),
    "weekdays": rates.groupby("sent_weekday")["deliveries"].sum().to_dict(),
    "last": rates["sent_local"].max().isoformat(),
    "moved": sorted(map(int, newest[newest > 1].index)),
}))
"""


def read(notebook: Path) -> Any:
    return json.loads(notebook.read_text("utf-8"))


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run it there, with a cell at the end that prints what it found; its outputs are then in it."""
    book = read(NOTEBOOK)
    book["cells"].append(
        {"cell_type": "code", "execution_count": None, "id": "asked", "metadata": {}, "outputs": [], "source": ASKED}
    )
    (folder / NOTEBOOK.name).write_text(json.dumps(book), "utf-8")
    own = {
        f"{name}DIR": str(folder / ".own") for name in ("IPYTHON", "MPLCONFIG", "JUPYTER_CONFIG_", "JUPYTER_RUNTIME_")
    }
    return subprocess.run(
        [JUPYTER, "--inplace", NOTEBOOK.name],
        cwd=folder,
        env=os.environ | own,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@with_pandas
def test_it_shows_what_the_account_is(tmp_path: Path) -> None:
    clock = Clock(datetime(2026, 3, 4, 15, tzinfo=UTC), speed=0)
    with Sandbox(seed=7, broadcasts=80, rate_limit=None, clock=clock) as sandbox:

        async def fill() -> None:
            async with (
                SMSClient(sandbox.url, sandbox.token, rate_limit=None) as sms,
                open_store(tmp_path / "metrics.sqlite") as store,
            ):
                await collect(sms, store)
                clock.advance(days=1)
                await collect(sms, store)

        anyio.run(fill)
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    outputs = [output for cell in read(tmp_path / NOTEBOOK.name)["cells"] for output in cell.get("outputs", ())]
    assert [output for output in outputs if output.get("name") == "stderr"] == []
    assert sum("image/png" in output.get("data", ()) for output in outputs) == 4
    found = json.loads("".join(outputs[-1]["text"]))
    assert found == expected(sandbox) | {"moved": found["moved"]}
    # The one that was being sent a day ago, at least.
    assert found["moved"]


def expected(sandbox: Sandbox) -> dict[str, Any]:
    account, now = sandbox.state.first, sandbox.clock.now()
    months: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    weekdays: dict[str, int] = defaultdict(int)
    last = datetime.min.replace(tzinfo=UTC)
    for each in account.live():
        sent, counts = each.sent_at(now), account.counts(each, now)
        if sent is None:
            continue
        at = datetime.fromtimestamp(sent, ZoneInfo("America/Chicago"))
        last = max(last, at)
        months[f"{at:%Y-%m}"][0] += counts.clicks
        months[f"{at:%Y-%m}"][1] += counts.deliveries
        weekdays[str(at.isoweekday())] += counts.deliveries
    rates = {month: pytest.approx(clicks / delivered) for month, (clicks, delivered) in months.items()}
    return {"months": rates, "weekdays": dict(weekdays), "last": last.isoformat()}


@with_pandas
def test_without_a_store_it_says_how_to_make_one(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode != 0
    assert "ac-sms collect --db metrics.sqlite" in done.stderr


def test_it_is_kept_without_what_it_shows() -> None:
    cells = [cell for cell in read(NOTEBOOK)["cells"] if cell["cell_type"] == "code"]
    assert len(cells) > 4
    assert [cell["id"] for cell in cells if cell["outputs"] or cell["execution_count"] is not None] == []
