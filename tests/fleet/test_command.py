"""`ac-sms fleet`, as it is typed."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ac_sms_async import RateLimit
from ac_sms_async.cli.main import run
from ac_sms_async.fleet import job as job_module
from ac_sms_async.fleet.vault import KEY, Vault
from ac_sms_async.sandbox import AccountAccess, Clock, Sandbox


@pytest.fixture
def sandbox() -> Iterator[AccountAccess]:
    with Sandbox(broadcasts=20, rate_limit=None, clock=Clock(speed=0)) as running:
        yield running.accounts["acme"]


@pytest.fixture(autouse=True)
def _fleet(fleet_dsn: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AC_SMS_FLEET_DB", fleet_dsn)
    monkeypatch.setenv(KEY, key)
    monkeypatch.setattr(job_module, "LIMIT", RateLimit(500, per=0.1, margin=0))


@pytest.fixture
def token_file(sandbox: AccountAccess, tmp_path: Path) -> Path:
    file = tmp_path / "acme.token"
    file.touch(0o600)
    file.write_text(f"{sandbox.token}\n")
    return file


def status(capsys: pytest.CaptureFixture[str]) -> Any:
    capsys.readouterr()
    assert run(["fleet", "status", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_from_the_first_account_to_the_last_row(
    sandbox: AccountAccess, token_file: Path, capsys: pytest.CaptureFixture[str], fleet_dsn: str
) -> None:
    assert run(["fleet", "init"]) == 0
    assert "up to date" in capsys.readouterr().err
    add = ["fleet", "add-account", "acme", "--url", sandbox.url, "--token-file", str(token_file)]
    assert run([*add, "--schedule", "0 3 * * *", "--include", "failures", "--all"]) == 0
    assert run(["fleet", "enqueue"]) == 0
    assert "1 accounts queued, 0 under way" in capsys.readouterr().err
    assert run(["fleet", "enqueue", "acme", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"queued": [], "under_way": ["acme"], "refused": {}}
    assert run(["fleet", "worker", "--drain"]) == 0
    assert "is ready" in capsys.readouterr().err

    assert run(["fleet", "status"]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines()[1].startswith("acme\tok\t20")
    assert "1 accounts, 0 workers; jobs: 0 todo, 0 doing, 0 failed" in told.err
    assert run(["fleet", "status", "--prometheus"]) == 0
    assert 'ac_sms_fleet_account_state{account="acme",state="ok"} 1' in capsys.readouterr().out
    with psycopg.connect(fleet_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM ac_sms.metrics").fetchone() == (20,)
        connection.execute("UPDATE ac_sms_fleet.accounts SET last_success_at = now() - interval '5 hours'")
    assert status(capsys)["accounts"][0]["reason"] is None
    assert run(["fleet", "status"]) == 0
    assert "\t5.0h\t" in capsys.readouterr().out

    with psycopg.connect(fleet_dsn) as connection:
        connection.execute(
            "INSERT INTO ac_sms_fleet.procrastinate_jobs (queue_name, task_name, status) "
            "VALUES ('fleet', 'ac-sms:tidy', 'failed')"
        )
    assert run(["fleet", "status"]) == 0
    assert "failed when last tried: ac-sms:tidy; the workers' log says why" in capsys.readouterr().err

    assert run(["fleet", "remove-account", "acme"]) == 0
    assert status(capsys)["accounts"] == []


def test_what_failed_is_done_again_once_the_token_is_right(
    sandbox: AccountAccess, token_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY)
    monkeypatch.setenv("ACME_TOKEN", "wrong")
    assert run(["fleet", "add-account", "acme", "--url", sandbox.url, "--token-env", "ACME_TOKEN"]) == 0
    assert run(["fleet", "enqueue", "--since", "2024-01-01", "--priority", "3"]) == 0
    assert run(["fleet", "worker", "--drain"]) == 0
    assert status(capsys)["accounts"][0]["state"] == "failing"
    monkeypatch.setenv("ACME_TOKEN", sandbox.token)
    assert run(["fleet", "retry", "acme"]) == 0
    assert run(["fleet", "worker", "--drain"]) == 0
    assert status(capsys)["accounts"][0]["state"] == "ok"


def test_a_token_can_be_piped_in(
    sandbox: AccountAccess, fleet_dsn: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{sandbox.token}\n"))
    assert run(["fleet", "add-account", "acme", "--url", sandbox.url, "--token-file", "-"]) == 0
    with psycopg.connect(fleet_dsn) as connection:
        row = connection.execute("SELECT url, token FROM ac_sms_fleet.accounts").fetchone()
    assert row is not None
    assert Vault(key).unlock(row[0], bytes(row[1])) == sandbox.token


@pytest.mark.parametrize(
    ("options", "plan"),
    [
        ([], {"mode": "since_last", "include": [], "horizon_days": 30}),
        (["--include", "failures,recipients"], {"mode": "since_last", "include": ["failures", "recipients"]}),
        (["--since", "last", "--horizon", "7d"], {"mode": "since_last", "horizon_days": 7}),
        (["--all"], {"mode": "full"}),
        (["--until", "2026-01-31"], {"mode": "window", "end": "2026-01-31"}),
        (["--since", "2026-01-01", "--until", "2026-01-31"], {"start": "2026-01-01", "end": "2026-01-31"}),
    ],
)
def test_plans(options: list[str], plan: dict[str, Any], fleet_dsn: str) -> None:
    assert run(["fleet", "add-account", "acme", "--url", "https://acme.example", "--token-env", "T", *options]) == 0
    with psycopg.connect(fleet_dsn) as connection:
        row = connection.execute("SELECT plan FROM ac_sms_fleet.accounts").fetchone()
    assert row is not None
    assert plan.items() <= row[0].items()


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["enqueue", "--since", "last", "--until", "2026-01-31"], 2, "takes no --until"),
        (["enqueue", "--all", "--until", "2026-01-31"], 2, "takes neither"),
        (["enqueue", "--all", "--horizon", "7d"], 2, "--horizon has no effect without --since last"),
        (["status", "--prometheus", "--json"], 2, "give --prometheus or --json"),
        (["enqueue", "nobody"], 1, "there is no account 'nobody'"),
        (["add-account", "a", "--url", "https://a.example"], 2, "one of --token-file and --token-env"),
        (["add-account", "a", "--url", "a", "--token-env", "T"], 2, "the URL must begin with https://"),
        (["status", "--dsn", "nonsense"], 1, "must be given as postgresql://"),
        (["worker", "--stalled-after", "1"], 2, "stalled-after"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    arguments: list[str], code: int, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["fleet", *arguments]) == code
    told = capsys.readouterr().err
    assert problem in told
    assert "Traceback" not in told


def test_a_key_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fleet", "key"]) == 0
    Vault(capsys.readouterr().out.strip())


def test_a_new_database_is_set_up(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fleet", "init", "--dsn", dsn]) == 0
    assert "steps taken" in capsys.readouterr().err


def test_without_the_extra_it_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name=missing_name)

    monkeypatch.setattr("ac_sms_async.cli.fleet.import_module", missing)
    missing_name = "procrastinate"
    assert run(["fleet", "status"]) == 1
    assert "pip install 'ac-sms-async[fleet]'" in capsys.readouterr().err
    missing_name = "ac_sms_async.gone"
    with pytest.raises(ModuleNotFoundError):
        run(["fleet", "status"])


def test_an_account_whose_plan_cannot_be_read_is_named(fleet_dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("acme", "globex"):
        assert run(["fleet", "add-account", name, "--url", f"https://{name}.example", "--token-env", "T"]) == 0
    with psycopg.connect(fleet_dsn) as connection:
        connection.execute("UPDATE ac_sms_fleet.accounts SET plan = '{\"mode\": \"cohort\"}' WHERE name = 'acme'")
    assert run(["fleet", "enqueue"]) == 0
    assert "acme was left out: the plan of acme is one of another release" in capsys.readouterr().err
