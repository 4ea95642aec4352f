"""`ac-sms report`: of a period, beside the one before; it finds what was planted, and nothing where nothing was."""

from __future__ import annotations

import random
import stat
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from ac_sms_async.collect import ReportData, load_report, open_store, render_report
from ac_sms_async.sandbox import Clock, Sandbox
from tests.cli.conftest import Command

MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
"""When the report of the week of 16 November is made."""


def test_periods(acme: Command, tmp_path: Path) -> None:
    assert acme("collect", "--account", "acme", "--quiet").code == 0
    ran = acme("report", "--since", "2025-01-01", "--until", "2025-12-31", "--json").json
    assert (ran["since"], ran["until"]) == ("2025-01-01", "2025-12-31")
    assert ran["broadcasts"] > 0
    ran = acme("report", "--since", "2025-12-01", "--timezone", "Europe/Berlin", "-o", "x.html")
    assert (ran.code, ran.out) == (0, "")
    assert "A report of 1 Dec 2025 to " in ran.err
    page = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert "Europe/Berlin" in page
    for last in ("week", "month", "quarter"):
        ran = acme("report", "--last", last)
        assert "with 0 broadcasts" in ran.err, last


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--last", "week", "--since", "2026-01-01"], "give --last, or --since and --until"),
        (["--last", "week", "--until", "2026-01-01"], "give --last, or --since and --until"),
        (["--until", "2026-01-01"], "--until needs --since"),
        (["--since", "2026-01-02", "--until", "2026-01-01"], "is after --until"),
        (["--last", "year"], "'year' is not one of"),
        (["--since", "last"], "'last' is not a date such as 2026-01-31, nor one of yesterday, 30d"),
        (["--timezone", "Europe/Nowhere"], "time zone"),
    ],
)
def test_what_can_not_be_asked_for(acme: Command, arguments: list[str], words: str) -> None:
    acme("collect", "--quiet")
    ran = acme("report", *arguments)
    assert ran.code == 2
    assert words in ran.err


def test_replies_are_for_the_user_alone(acme: Command, tmp_path: Path) -> None:
    acme("collect", "--quiet", "--include", "recipients")
    period = ("--since", "2025-01-01", "--until", "2026-01-05")
    assert acme("report", *period).code == 0
    assert acme("report", *period, "--replies", "-o", "replies.html").code == 0
    assert "fifty at most" in (tmp_path / "replies.html").read_text(encoding="utf-8")
    assert "fifty at most" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "replies.html").stat().st_mode) == 0o600


def plant(sandbox: Sandbox, seed: int, *, clicks: float = 1.0, opt_outs: float = 1.0, one: bool = False) -> None:
    """Eight weeks of a broadcast a day; in the last one clicks and opt-outs are so many times the usual."""
    chance = random.Random(seed)
    for day in range(56):
        sent = MONDAY.replace(hour=16) - timedelta(days=56 - day)
        last = day >= 49
        sends = chance.randint(1500, 4000)
        rate = 0.08 * chance.uniform(0.7, 1.3) * (clicks if last else 1.0)
        lost = 0.006 * chance.uniform(0.7, 1.3) * (opt_outs if last else 1.0)
        lost *= 10 if one and day == 52 else 1
        sandbox.add_broadcast(
            f"Sale {day}",
            body="New: https://shop.example/s Reply STOP to opt out",
            sent=sent,
            sends=sends,
            clicks=round(sends * rate),
            opt_outs=round(sends * lost),
            failures={"30003": round(sends * 0.03 * chance.uniform(0.8, 1.2))},
            replies=[],
        )


def week(ac_sms: Command, monkeypatch: pytest.MonkeyPatch, **planted: Any) -> tuple[ReportData, str]:
    """The report of the last of these weeks."""

    async def load() -> ReportData:
        async with open_store("metrics.sqlite", read_only=True) as store:
            return await load_report(store, last="week", now=MONDAY)

    clock = Clock(MONDAY, speed=0)
    with Sandbox(seed=1, broadcasts=0, accounts=["acme"], rate_limit=None, clock=clock) as sandbox:
        plant(sandbox, **planted)
        monkeypatch.setenv("ACTIVECAMPAIGN_URL", sandbox.url)
        monkeypatch.setenv("ACTIVECAMPAIGN_API_TOKEN", sandbox.token)
        assert ac_sms("collect", "--account", "acme", "--quiet").code == 0
    data = anyio.run(load)
    return data, render_report(data)


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_found_where_nothing_was_planted(
    ac_sms: Command, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    data, page = week(ac_sms, monkeypatch, seed=seed)
    assert (data.totals.broadcasts, data.totals_before.broadcasts) == (7, 7)
    assert data.unusual == []
    assert set(data.real_changes.values()) == {False}
    assert "<h2>What was unusual</h2><p>Nothing.</p>" in page
    assert 'class="change real"' not in page


@pytest.mark.parametrize("seed", range(5))
def test_what_was_planted_is_found(ac_sms: Command, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    data, page = week(ac_sms, monkeypatch, seed=seed, clicks=0.4, opt_outs=3.0)
    # Who opts out has replied STOP.
    assert {name for name, real in data.real_changes.items() if real} == {"click", "opt_out", "reply"}
    now, before = data.totals, data.totals_before
    assert now.click_rate == pytest.approx(0.4 * 0.08, rel=0.25)
    assert (now.opt_out_rate or 0) / (before.opt_out_rate or 1) == pytest.approx(3, rel=0.3)
    found = page.partition("<h2>What was unusual</h2>")[2].partition("</section>")[0]
    assert "<li>Clicks: " in found
    assert "<li>Opt-outs: " in found
    assert "<li>Not delivered" not in found
    assert page.count('class="change real"') == 3


def test_one_odd_broadcast_is_found_and_is_no_change_of_the_week(
    ac_sms: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, page = week(ac_sms, monkeypatch, seed=1, one=True)
    found = {(entry.broadcast.name, entry.rate) for entry in data.unusual}
    assert found == {("Sale 52", "opt_out"), ("Sale 52", "reply")}
    assert set(data.real_changes.values()) == {False}
    assert "many opt-outs" in page
