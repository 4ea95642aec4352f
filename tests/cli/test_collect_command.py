"""`ac-sms collect`, `report` and `export`: from an account to a file."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ac_sms_async.cli.collect import exit_code, store_option
from ac_sms_async.cli.progress import line, progress_display, share
from ac_sms_async.cli.running import Stopped, run_async
from ac_sms_async.collect import Progress
from ac_sms_async.sandbox import Sandbox
from tests.cli.conftest import Command

HEADS = "account\tstatus\tbroadcasts\tmetrics\tfailure_groups\trecipients\tfailed\ttime"


def stored(sql: str, database: str = "metrics.sqlite") -> list[Any]:
    connection = sqlite3.connect(database)
    rows = connection.execute(sql).fetchall()
    connection.close()
    return rows


def test_from_an_account_to_a_report_and_files(acme: Command, tmp_path: Path) -> None:
    collected = acme("collect", "--account", "acme", "--include", "failures,recipients")
    assert collected.code == 0
    assert collected.out.splitlines()[0] == HEADS
    [row] = collected.rows
    assert row[:4] == ["acme", "complete", "12", "12"]
    assert "acme: " in collected.err
    assert "12 broadcasts" in collected.err
    [(recipients,)] = stored("SELECT COUNT(*) FROM recipients")
    assert row[5] == str(recipients)

    report = acme("report", "-o", "march.html")
    assert (report.code, report.out) == (0, "")
    assert str(tmp_path / "march.html") in report.err
    assert "SMS broadcasts" in (tmp_path / "march.html").read_text(encoding="utf-8")
    assert acme("report", "--json", "--account", "acme").json["path"] == str(tmp_path / "report.html")

    shown = acme("export")
    assert shown.code == 0
    assert len(shown.out.splitlines()) == 13
    assert len(acme("export", "--format", "jsonl", "--table", "recipients").out.splitlines()) == recipients
    written = acme("export", "--format", "parquet", "-o", "x.parquet")
    assert "12 rows of broadcast_rates" in written.err
    assert acme("export", "-o", "x.csv", "--json").json == {
        "path": str(tmp_path / "x.csv"),
        "table": "broadcast_rates",
        "rows": 12,
    }


def test_since_last_and_dates(acme: Command) -> None:
    first = acme("collect", "--json", "--quiet")
    assert (first.code, first.err) == (0, "")
    [result] = first.json
    assert (result["status"], result["broadcasts"], result["exit_code"], result["error"]) == ("complete", 12, 0, None)
    [later] = acme("collect", "--json", "--since", "last", "--horizon", "7d").json
    assert (later["broadcasts"], later["metrics"]) < (12, 12)
    [dated] = acme("collect", "--json", "--since", "2024-01-01", "--until", "2024-02-28", "--status", "sent").json
    assert dated["broadcasts"] < 12
    assert [mode for (mode,) in stored("SELECT mode FROM runs ORDER BY started_at, mode")].count("window") == 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--since", "last", "--until", "2026-01-01"], "--until has no effect with --since last"),
        (
            ["--since", "last", "--name", "x", "--status", "sent"],
            "--name and --status have no effect with --since last",
        ),
        (["--since", "tomorrow"], "'tomorrow' is not a date such as 2026-01-31, nor one of last, yesterday, 30d"),
        (["--until", "last"], "'last' is not a date such as 2026-01-31, nor one of yesterday, 30d"),
        (["--since", "0d"], "'0d' is not a date"),
        (["--horizon", "7d"], "--horizon has no effect without --since last"),
        (["--since", "30d", "--horizon", "7d"], "--horizon has no effect without --since last"),
        (["--refresh"], "--refresh has no effect without --include"),
        (["--status", "sent", "--accept-deletions"], "--accept-deletions has no effect on a part"),
        (
            ["--accounts", "x.toml", "--url", "x", "--account", "y"],
            "--url and --account have no effect with --accounts",
        ),
        (["--timezone", "Mars"], "--timezone must be the name of a time zone such as 'America/Chicago', not 'Mars'"),
        (["--name", " "], "Invalid value for '--name': it is blank"),
        (["--account", ""], "--account must be"),
        (["--horizon", "0d"], "not a number of days"),
        (["--horizon", "month"], "not a number of days"),
        (["--include", "failures,replies"], "not replies"),
    ],
)
def test_given_wrongly(acme: Command, arguments: list[str], problem: str) -> None:
    ran = acme("collect", *arguments)
    assert ran.code == 2
    assert problem in " ".join(ran.err.split())


def test_dates_in_the_wrong_order(acme: Command) -> None:
    ran = acme("collect", "--since", "2026-02-01", "--until", "2026-01-01")
    assert ran.code == 2
    assert ran.err.endswith("Error: --since (2026-02-01) is after --until (2026-01-01)\n")


def test_what_failed_is_said_and_retried(acme: Command, sandbox: Sandbox) -> None:
    fault = sandbox.faults.add("422", "getBroadcastFailures", nth=1)
    ran = acme("collect", "--include", "failures", "--account", "acme")
    assert ran.code == 3
    assert ran.rows[0][1] == "partial"
    assert "acme: owed: failures of 1 broadcasts, such as: " in ran.err
    assert "Each id: ac-sms export --db metrics.sqlite --table failed_ids" in ran.err
    assert store_option("postgresql://me:hunter2@db/sms") == ""
    owed = acme("export", "--table", "failed_ids").out.splitlines()
    assert "UnprocessableError,422" in owed[1]
    sandbox.faults.remove(fault)
    assert acme("collect", "--include", "failures", "--account", "acme").code == 0
    assert len(acme("export", "--table", "failed_ids").out.splitlines()) == 1


def test_a_wrong_token(acme: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVECAMPAIGN_API_TOKEN", "wrong")
    ran = acme("collect", "--quiet")
    assert (ran.code, ran.out) == (1, "")
    assert "Check the token" in ran.err
    [result] = acme("collect", "--quiet", "--json").json
    assert result["error"]["type"] == "PermissionDeniedError"


def test_several_accounts_don_t_wait_for_each_other(ac_sms: Command, sandbox: Sandbox, tmp_path: Path) -> None:
    token = tmp_path / "globex.token"
    token.write_text(sandbox.accounts["globex"].token + "\n")
    token.chmod(0o600)
    accounts = tmp_path / "accounts.toml"
    accounts.write_text(
        f'[accounts.acme]\nurl = "{sandbox.accounts["acme"].url}"\ntoken = "{sandbox.accounts["acme"].token}"\n'
        f'[accounts.globex]\nurl = "{sandbox.accounts["globex"].url}"\ntoken_file = "globex.token"\n'
        '[accounts.gone]\nurl = "http://127.0.0.1:1"\ntoken = "x"\n'
    )
    accounts.chmod(0o600)
    ran = ac_sms("collect", "--accounts", "accounts.toml")
    assert ran.code == 3
    assert [(row[0], row[1]) for row in ran.rows] == [("acme", "complete"), ("globex", "complete"), ("gone", "failed")]
    assert "gone: could not connect" in ran.err
    assert stored("SELECT account, COUNT(*) FROM metrics GROUP BY account") == [("acme", 12), ("globex", 12)]
    assert "Accounts" in Path(ac_sms("report", "--json").json["path"]).read_text(encoding="utf-8")


def test_an_account_that_somebody_else_collects(acme: Command, sandbox: Sandbox) -> None:
    assert acme("collect", "--account", "acme", "--quiet").code == 0
    # One for its name, and one for its URL.
    by_name, by_url = Path().glob("metrics.sqlite-lock-*")
    for lock in (by_name, by_url):
        holder = sqlite3.connect(lock, isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        ran = acme("collect", "--account", "acme", "--quiet")
        holder.close()
        assert ran.code == 1
        assert "another process is collecting the account" in ran.err


def test_no_store(ac_sms: Command) -> None:
    for command in ("report", "export"):
        ran = ac_sms(command, "--db", "none.sqlite")
        assert ran.code == 1
        assert "there is no store at none.sqlite" in ran.err


def test_a_workbook(acme: Command, tmp_path: Path) -> None:
    acme("collect", "--quiet", "--include", "recipients")
    ran = acme("export", "--format", "xlsx", "-o", "all.xlsx", "--json").json
    assert ran["path"] == str(tmp_path / "all.xlsx")
    names = [entry["table"] for entry in ran["tables"]]
    assert {"broadcast_rates", "latest", "lists"} < set(names)
    assert not {"recipients", "replies", "time_zones", "work"} & set(names)
    assert f"rows of {len(names)} tables: " in acme("export", "--format", "xlsx", "-o", "all.xlsx").err
    one = acme("export", "--format", "xlsx", "--table", "recipients", "-o", "x.xlsx", "--json").json
    assert one == {"path": str(tmp_path / "x.xlsx"), "table": "recipients", "rows": one["rows"]}
    for arguments in (["--format", "xlsx"], ["--format", "xlsx", "-o", "x.xlsx", "--safe"]):
        assert acme("export", *arguments).code == 2


def test_quiet_says_nothing_when_all_is_well(acme: Command) -> None:
    commands = (["collect"], ["report"], ["export", "-o", "x.csv"], ["store", "check"], ["store", "backup", "x.sqlite"])
    for command in commands:
        loud, quiet = acme(*command), acme(*command, "--quiet")
        assert (quiet.code, quiet.out, quiet.err) == (0, "", ""), command
        assert loud.out + loud.err != ""


def test_json_of_an_export_is_about_its_file(acme: Command) -> None:
    acme("collect", "--quiet")
    ran = acme("export", "--json")
    assert (ran.code, ran.out) == (2, "")
    assert "--format jsonl" in ran.err


def test_no_place_for_the_report(acme: Command) -> None:
    acme("collect", "--quiet")
    ran = acme("report", "-o", "no/folder.html")
    assert ran.code == 1
    assert "cannot write" in ran.err
    assert acme("export", "--format", "parquet").code == 2
    assert "--safe is for CSV" in acme("export", "--format", "jsonl", "--safe").err
    assert acme("export", "--safe", "-o", "safe.csv").code == acme("export", "--safe").code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_a_signal_it_says_how_to_go_on(tmp_path: Path, number: int) -> None:
    with Sandbox(seed=7, broadcasts=30, recipients=100, rate_limit=None, faults=["*:slow:seconds=0.2"]) as sandbox:
        access = sandbox.accounts["acme"]
        command = [sys.executable, "-m", "ac_sms_async", "collect", "--include", "failures"]
        environment = {
            **os.environ,
            "ACTIVECAMPAIGN_URL": access.url,
            "ACTIVECAMPAIGN_API_TOKEN": access.token,
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
        while sandbox.journal.seen < 4:
            time.sleep(0.01)
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 130
        assert "run the same again:\n  ac-sms collect --include failures" in err
        assert "Traceback" not in err
        database = str(tmp_path / "metrics.sqlite")
        assert stored("SELECT status FROM runs", database) == [("interrupted",)]


def test_ctrl_c_where_loops_take_no_signals(acme: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(main: object) -> None:
        # What the event loop's runner makes of Ctrl-C.
        raise KeyboardInterrupt

    monkeypatch.setattr("anyio.run", interrupted)
    ran = acme("collect")
    assert ran.code == 130
    assert "  ac-sms collect\n" in ran.err
    assert acme("credits").err == "stopped\n"

    # And what a signal leaves where loops do take them.
    def signalled(main: object) -> None:
        pass

    monkeypatch.setattr("anyio.run", signalled)
    assert acme("credits").code == 130


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_signals_end_the_work() -> None:
    ended: list[str] = []

    async def work() -> None:
        import anyio

        os.kill(os.getpid(), signal.SIGTERM)
        try:
            await anyio.sleep(30)
        finally:
            ended.append("cleaned up")

    with pytest.raises(Stopped):
        run_async(work)
    assert ended == ["cleaned up"]


def test_exit_codes_of_several() -> None:
    class Result:
        def __init__(self, code: int) -> None:
            self.exit_code = code

    def codes(*given: int) -> int:
        results: Any = [Result(code) for code in given]
        return exit_code(results)

    assert (codes(0, 0), codes(1, 1), codes(0, 1), codes(0, 3), codes(3)) == (0, 1, 3, 3, 3)


def progress(**given: Any) -> Progress:
    fields: dict[str, Any] = {"account": "ac\x1bme", "elapsed": 1.0, **given}
    return Progress(**fields)


def test_progress_in_words() -> None:
    assert share(progress()) is None
    assert line(progress()) == "ac\N{REPLACEMENT CHARACTER}me: 0 broadcasts, 0 with metrics, 1s"
    half = progress(broadcasts=50, expected=100, metrics_total=50, metrics_done=50)
    assert share(half) == 0.5
    assert ": 50%, 50 of 100 broadcasts, 50 with metrics" in line(half)
    whole = progress(
        broadcasts=2,
        metrics_total=2,
        metrics_done=2,
        failures_total=1,
        failures_done=1,
        recipients_total=1,
        recipients_done=1,
        recipients=1200,
        recipients_expected=1201,
        failed=3,
    )
    assert share(whole) == 1.0
    assert "2 broadcasts, 3 failed, recipients 1/1 (1,200 rows), failures 1/1, 2 with metrics" in line(whole)
    # Nobody knows how much there is to be fetched of broadcasts that weren't counted yet.
    begun = progress(broadcasts=99, expected=198, metrics_total=99)
    assert share(begun, details=True) is None
    assert share(begun) == pytest.approx(1 / 3.98)
    assert share(progress(broadcasts=1, failures_total=3, failures_done=1), details=True) == pytest.approx(
        1.01 / 3.01, abs=0.01
    )


def test_the_percent_is_of_the_requests() -> None:
    """One broadcast to many people is most of the work, though it is one of a hundred."""
    counted = {"broadcasts": 99, "expected": 99, "metrics_total": 99, "metrics_done": 99}
    most: dict[str, Any] = {**counted, "recipients_total": 2, "recipients_expected": 99_000}
    assert share(progress(**most), details=True) == pytest.approx(2 / 1004, abs=0.001)
    assert share(progress(**most, recipients=49_500, recipients_done=1), details=True) == pytest.approx(0.5, abs=0.01)
    assert share(progress(**most, recipients=99_500, recipients_done=1), details=True) == pytest.approx(
        0.999, abs=0.001
    )
    # Half of the broadcasts wait to be counted, and will want as much.
    half: dict[str, Any] = {**most, "metrics_total": 198, "broadcasts": 198, "expected": 198}
    assert share(progress(**half, recipients=49_500, recipients_done=1), details=True) == pytest.approx(0.25, abs=0.01)


def test_progress_in_a_log_comes_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_display() as show:
        assert show is not None
        for elapsed in (0.0, 1.0, 9.0, 10.5, 12.0):
            show(progress(elapsed=elapsed))
        show(progress(account="other", elapsed=12.0))
    assert [text.rpartition(", ")[2] for text in capsys.readouterr().err.splitlines()] == ["0s", "10s", "12s"]


def test_progress_on_a_terminal_is_a_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    with progress_display() as show:
        assert show is not None
        show(progress(account="[red]acme"))
        show(progress(account="[red]acme", broadcasts=10, metrics_total=10, metrics_done=10))
    shown = capsys.readouterr().err
    assert "[red]acme" in shown
    assert "100%" in shown
    assert "-:-- left" in shown


def test_no_password_in_an_argument(ac_sms: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ps` shows arguments to everybody; a variable it doesn't."""
    for dsn in ("postgresql://me:hunter2@127.0.0.1:1/sms", "host=127.0.0.1 password=hunter2"):
        for command in (["collect"], ["report"], ["export"], ["store", "check"], ["store", "rename", "a", "b"]):
            ran = ac_sms(*command, "--db", dsn)
            assert ran.code == 2
            assert "AC_SMS_DB" in ran.err
            assert "hunter2" not in ran.out + ran.err
    monkeypatch.setenv("AC_SMS_DB", "postgresql://me:hunter2@127.0.0.1:1/sms")
    ran = ac_sms("report")
    assert ran.code == 1
    assert "cannot connect to PostgreSQL" in ran.err
    assert "hunter2" not in ran.out + ran.err


def test_a_store_is_looked_after(acme: Command) -> None:
    assert acme("collect", "--account", "acme", "--quiet").code == 0
    assert "nothing is wrong" in acme("store", "check").err
    assert acme("store", "check", "--json").json == []
    assert "schema version" in acme("store", "migrate").err
    assert acme("store", "migrate", "--json").json["version"] > 1
    assert acme("store", "backup", "copy.sqlite").code == 0
    assert acme("store", "backup", "copy.sqlite", "--json").json["bytes"] == Path("copy.sqlite").stat().st_size
    ran = acme("collect", "--account", "other", "--quiet")
    assert ran.code == 1
    assert "under the name 'acme'" in ran.out + ran.err
    assert "acme is other now" in acme("store", "rename", "acme", "other").err
    assert acme("store", "rename", "other", "acme", "--json").json == {"account": "acme", "put_together": False}
    with sqlite3.connect("metrics.sqlite") as connection:
        connection.execute(
            "INSERT INTO accounts (account, url, first_seen_at) SELECT 'b', url, first_seen_at FROM accounts"
        )
    connection.close()
    ran = acme("store", "check")
    assert ran.code == 3
    assert "put them together with `ac-sms store rename b acme`" in ran.out
    assert "both put together" in acme("store", "rename", "b", "acme").err


def test_output_never_replaces_the_store(acme: Command) -> None:
    assert acme("collect", "--quiet").code == 0
    Path("link").symlink_to("metrics.sqlite")
    for command in (["export"], ["report"], ["export", "--format", "parquet"], ["store", "backup"]):
        for path in ("metrics.sqlite", "link", "metrics.sqlite-wal"):
            ran = acme(*command, *([path] if command[0] == "store" else ["-o", path]))
            assert ran.code == 1
            assert "is the store itself, or belongs to it" in ran.err
    assert acme("store", "check").code == 0


def test_an_unknown_account_is_no_empty_export(acme: Command) -> None:
    assert acme("collect", "--account", "acme", "--quiet").code == 0
    ran = acme("export", "--account", "nosuch")
    assert ran.code == 1
    assert "no account 'nosuch'; it has acme" in ran.err


def test_a_contact_is_forgotten(acme: Command) -> None:
    assert (
        acme("collect", "--account", "acme", "--include", "recipients", "--keep-personal", "3650d", "--refresh").code
        == 0
    )
    [(contact, phone)] = stored("SELECT contact_id, phone_number FROM recipients WHERE phone_number > '' LIMIT 1")
    assert acme("forget").code == 2
    nobody = acme("forget", "--phone", "nobody")
    assert (nobody.code, "nobody like that" in nobody.err) == (1, True)
    ran = acme("forget", "--phone", phone)
    assert ran.code == 0
    assert "blanked" in ran.err
    assert stored(f"SELECT name FROM recipients WHERE contact_id = {contact} AND name IS NOT NULL") == []
    again = acme("forget", "--contact", str(contact), "--account", "acme", "--json")
    assert again.json["recipients"] > 0


def test_why_it_is_partial_without_anything_owed(acme: Command) -> None:
    assert acme("collect", "--account", "acme", "--quiet").code == 0
    with sqlite3.connect("metrics.sqlite") as connection:
        connection.execute(
            "INSERT INTO broadcasts (account, broadcast_id, first_collected_at, collected_at, run_id) "
            "SELECT account, broadcast_id + 1000, collected_at, collected_at, run_id FROM broadcasts"
        )
    connection.close()
    ran = acme("collect", "--account", "acme", "--quiet")
    assert ran.code == 3
    assert "too many to be believed" in ran.err
    assert "failed_ids" not in ran.err
