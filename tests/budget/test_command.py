"""`ac-sms budget` and what `ac-sms doctor` says of it, on this machine and in a database."""

from __future__ import annotations

import fcntl
import re
import sys
import threading
from pathlib import Path
from typing import Any

import anyio
import pytest

from ac_sms_async import RateLimit, SMSClient
from ac_sms_async.budget.budget import Budget, make_budget
from ac_sms_async.budget.scope import parse_scope
from tests.budget.budgets import let_go
from tests.cli.conftest import Command

if sys.platform != "linux":
    pytest.skip("processes share a budget on Linux", allow_module_level=True)

from ac_sms_async.budget.file import LedgerFile

URL = "https://acme.api-us1.com"


@pytest.fixture(params=["machine", "postgres", "redis"])
def kept(request: pytest.FixtureRequest, ac_sms: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the budget is, as AC_SMS_BUDGET says it."""
    monkeypatch.setenv("ACTIVECAMPAIGN_URL", f"{URL}/api/3/")
    monkeypatch.setenv("AC_SMS_BUDGET_DIR", str(tmp_path / "budget"))
    if request.param == "machine":
        return "machine"
    named: str
    if request.param == "redis":
        named = request.getfixturevalue("new_redis")()
    else:
        named = request.getfixturevalue("new_database")()
    monkeypatch.setenv("AC_SMS_BUDGET", named)
    return named


def drawn_on(kept: str, work: Any) -> None:
    """Let `work(budget)` run beside the command."""

    async def main() -> None:
        budget = make_budget(parse_scope(kept, None), URL)
        budget.limit = RateLimit(2, per=30)
        await work(budget)
        budget.close()

    thread = threading.Thread(target=lambda: anyio.run(main))
    thread.start()
    thread.join()


def test_it_shows_who_waits_and_what_was_started(kept: str, ac_sms: Command) -> None:
    shown = ac_sms("budget", "show")
    assert shown.code == 0
    assert "paused      no\nwaiting     0 interactive, 0 bulk" in shown.out
    assert "started     nothing of late" in shown.out

    async def work(budget: Budget) -> None:
        start = await let_go(budget)
        start.opening()
        await let_go(budget)
        with anyio.move_on_after(0.3):
            async with anyio.create_task_group() as tasks:
                for _ in range(3):
                    tasks.start_soon(let_go, budget, "bulk")
                    tasks.start_soon(let_go, budget, "interactive")
                await anyio.sleep(0.2)
                seen.append(await anyio.to_thread.run_sync(ac_sms, "budget", "show", "--json"))

    seen: list[Any] = []
    drawn_on(kept, work)
    [found] = seen
    assert (found.json["interactive"], found.json["bulk"]) == (1, 1)
    assert len(found.json["starts"]) == 2
    shown = ac_sms("budget", "show")
    assert "waiting     0 interactive, 0 bulk" in shown.out
    assert "opens a connection" in shown.out
    assert " s ago" in shown.out
    assert "secret" not in shown.out


def test_a_pause_by_hand_holds_for_all_until_it_is_ended(kept: str, ac_sms: Command) -> None:
    ac_sms("budget", "show")
    assert re.fullmatch(r"paused for (29|30)\.\d s\n", ac_sms("budget", "pause", "30").out)
    assert ac_sms("budget", "pause", "5", "--json").json["paused_for"] == pytest.approx(30, abs=5)
    assert "paused      for another " in ac_sms("budget", "show").out

    async def waits(budget: Budget) -> None:
        with anyio.move_on_after(0.5) as patience:
            await let_go(budget)
        assert patience.cancelled_caught
        outcomes.append("waited")

    async def starts(budget: Budget) -> None:
        with anyio.fail_after(5):
            await let_go(budget)
        outcomes.append("started")

    outcomes: list[str] = []
    drawn_on(kept, waits)
    assert ac_sms("budget", "resume").out == "not paused\n"
    assert ac_sms("budget", "resume", "--json").json == {"paused_for": 0.0}
    drawn_on(kept, starts)
    assert outcomes == ["waited", "started"]


def test_a_long_pause_that_was_told_is_ended_with_the_places_it_holds(kept: str, ac_sms: Command) -> None:
    ac_sms("budget", "show")

    async def told(budget: Budget) -> None:
        await let_go(budget)
        budget.limit = RateLimit(3, per=1)
        # The other one, of two in 30 s, was given a moment ago and holds as well.
        budget.pause(anyio.current_time(), 3600)

    drawn_on(kept, told)
    assert len(ac_sms("budget", "show", "--json").json["starts"]) == 2
    ac_sms("budget", "resume")
    found = ac_sms("budget", "show", "--json").json
    assert found["paused_for"] == 0
    assert len(found["starts"]) == 1


def test_the_file_may_be_busy_for_a_moment(ac_sms: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AC_SMS_BUDGET_DIR", str(tmp_path / "budget"))
    ac_sms("budget", "show", "--url", URL)
    with LedgerFile(URL).path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        timer = threading.Timer(0.1, fcntl.flock, (held, fcntl.LOCK_UN))
        timer.start()
        assert ac_sms("budget", "show", "--url", URL).code == 0
        timer.join()


def test_a_name_is_an_account_too(ac_sms: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AC_SMS_BUDGET_DIR", str(tmp_path / "budget"))
    shown = ac_sms("budget", "show", "--account", "acme", "--json").json
    assert shown["kept_in"] == str(LedgerFile("acme").path)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("loop", "AC_SMS_BUDGET is loop"),
        ("postgresql://me:s3cret@127.0.0.1:1/app", "postgresql://127.0.0.1:1/app doesn't answer (OperationalError)"),
        ("redis://me:s3cret@127.0.0.1:1/2", "redis://127.0.0.1:1/2 doesn't answer (ConnectionError)"),
        ("redis://me:s3cret@db/1?s3cret=1", "budget must be"),
        ("memcached://me:s3cret@db/1", "budget must be"),
    ],
)
def test_what_cannot_be_looked_at(ac_sms: Command, monkeypatch: pytest.MonkeyPatch, named: str, said: str) -> None:
    monkeypatch.setenv("AC_SMS_BUDGET", named)
    ran = ac_sms("budget", "show", "--url", URL)
    assert ran.code in (1, 2)
    assert said in ran.err
    assert "s3cret" not in ran.err


def test_it_says_what_is_missing(ac_sms: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "which account?" in ac_sms("budget", "show").err
    assert "60" in ac_sms("budget", "pause", "61", "--url", URL).err
    monkeypatch.setenv("AC_SMS_BUDGET_DIR", str(tmp_path / "file"))
    (tmp_path / "file").write_text("")
    ran = ac_sms("budget", "show", "--url", URL)
    assert ran.code == 1
    assert "can't be shared by processes" in ran.err
    monkeypatch.setattr("sys.platform", "win32")
    assert "on Linux only" in ac_sms("budget", "show", "--url", URL).err


def budget_of(ran: Any) -> Any:
    [found] = [item for item in ran.json if item["check"] == "budget"]
    return found


def test_doctor_says_who_shares_it(
    acme: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_database: Any, new_redis: Any
) -> None:
    monkeypatch.setenv("AC_SMS_BUDGET", "loop")
    assert "this process's alone" in budget_of(acme("doctor", "--json"))["detail"]
    monkeypatch.setenv("AC_SMS_BUDGET", "machine")
    monkeypatch.setenv("AC_SMS_BUDGET_DIR", str(tmp_path / "budget"))
    found = budget_of(acme("doctor", "--json"))
    assert found["outcome"] == "ok"
    assert f"shared in {tmp_path / 'budget'}" in found["detail"]
    assert "containers need AC_SMS_BUDGET_DIR on a common volume, or PostgreSQL or Redis" in found["detail"]
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AC_SMS_BUDGET_DIR", str(tmp_path / "file"))
    found = budget_of(acme("doctor", "--json"))
    assert found["outcome"] == "problem"
    assert "others are no longer counted" in found["advice"]
    monkeypatch.setenv("AC_SMS_BUDGET_DIR", str(tmp_path / "budget"))
    monkeypatch.setenv("AC_SMS_BUDGET", new_redis())
    assert "shared in redis://127.0.0.1:" in budget_of(acme("doctor", "--json"))["detail"]
    monkeypatch.setenv("AC_SMS_BUDGET", new_database())
    assert "by all that name it" in budget_of(acme("doctor", "--json"))["detail"]


def test_the_environment_says_who_shares_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVECAMPAIGN_URL", URL)
    monkeypatch.setenv("ACTIVECAMPAIGN_API_TOKEN", "token")
    monkeypatch.setenv("AC_SMS_BUDGET", "postgresql://me:s3cret@db:5433/app")
    sms = SMSClient.from_env()
    assert sms.transport.budget == "postgresql://db:5433/app"
    assert repr(sms) == f"<SMSClient <Transport {URL} budget=postgresql://db:5433/app>>"
    assert SMSClient.from_env(budget="loop").transport.budget == "loop"
    monkeypatch.setenv("AC_SMS_BUDGET", "rediss://me:s3cret@cache/3")
    assert repr(SMSClient.from_env()) == f"<SMSClient <Transport {URL} budget=rediss://cache:6379/3>>"
