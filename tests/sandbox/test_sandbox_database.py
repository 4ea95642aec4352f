"""State that outlives the process, in a SQLite file."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ac_sms_async.sandbox import Clock, Sandbox
from tests.open_files import open_files
from tests.sandbox.served import Served

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_everything_is_there_again(serve: Callable[..., Served], tmp_path: Path) -> None:
    file = tmp_path / "sandbox.db"
    first = serve(
        db=file, seed=7, broadcasts=6, recipients=300, accounts=["acme", "globex"], clock=Clock(START, speed=0)
    )
    made = first.post("/sms/broadcasts", 201, name="a", body="b", list_ids=[1], media_urls=["https://example.com/a"])
    first.put(f"/sms/broadcasts/{made['id']}", status="pending_review")
    asked = {"source": "ai_builder", "prompt": "a", "tone": "b"}
    done = first.post("/sms/broadcasts/ai", **asked)["requestId"]
    first.sandbox.clock.advance(3)
    pending = first.post("/sms/broadcasts/ai", **asked)["requestId"]
    first.json("DELETE", "/sms/broadcasts/2")
    first.sandbox.faults.add("delete", "getBroadcastRecipients", nth=1)
    rows = first.pages("/sms/broadcasts/1/recipients", "recipients")
    listed = first.pages("/sms/broadcasts", "broadcasts")
    first.sandbox.clock.advance(0.5)
    first.sandbox.stop()

    # Nothing but the file needs to be given; time goes on from where it was moved to.
    second = serve(db=file, clock=Clock(START, speed=0))
    assert second.sandbox.state.seed.end == date(2026, 3, 1)
    assert second.sandbox.clock.now() == START.timestamp() + 3.5
    assert list(second.sandbox.accounts) == ["acme", "globex"]
    assert second.pages("/sms/broadcasts", "broadcasts") == listed
    assert second.pages("/sms/broadcasts/1/recipients", "recipients") == rows
    assert second.get(f"/sms/broadcasts/ai/{done}")["status"] == "success"
    assert second.get(f"/sms/broadcasts/ai/{pending}")["status"] == "in_progress"
    second.sandbox.clock.advance(100)
    assert second.get(f"/sms/broadcasts/{made['id']}")["status"] == "sent"
    assert second.get(f"/sms/broadcasts/ai/{pending}")["status"] == "success"
    second.sandbox.reset()
    second.sandbox.stop()

    # Also on another day.
    third = serve(db=file, seed=7, accounts=["acme", "globex"], clock=Clock(START + timedelta(days=50), speed=0))
    assert third.sandbox.state.seed.end == date(2026, 3, 1)
    assert third.get("/sms/broadcasts")["meta"] == {"total": 6}


KILLED = """
import sys, time
from ac_sms_async.sandbox import Sandbox
sandbox = Sandbox(db=sys.argv[1])
for name in sys.argv[2:]:
    sandbox.state.first.create({"name": name, "body": "b"}, sandbox.clock.now())
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("names", [[], ["a"], ["a", "b"]])
def test_a_killed_sandbox_loses_nothing_and_is_alone_until_then(
    serve: Callable[..., Served], tmp_path: Path, names: list[str]
) -> None:
    file = tmp_path / "sandbox.db"
    command = [sys.executable, "-c", KILLED, str(file), *names]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "ready\n"
        with pytest.raises(ValueError, match="in use by another sandbox"):
            Sandbox(db=file)
        first.kill()
    assert serve(db=file).get("/sms/broadcasts")["meta"] == {"total": 50 + len(names)}


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere/sandbox.db can't be opened"):
        Sandbox(db=tmp_path / "nowhere" / "sandbox.db")


def test_a_file_is_not_made_into_another_one(serve: Callable[..., Served], tmp_path: Path) -> None:
    Sandbox(db=tmp_path / "sandbox.db", seed=3, end=date(2026, 3, 1)).stop()
    others: list[dict[str, Any]] = [{"seed": 4}, {"end": date(2026, 3, 2)}]
    for other in others:
        with pytest.raises(ValueError, match="made with other data"):
            Sandbox(db=tmp_path / "sandbox.db", **other)
    assert str(tmp_path / "sandbox.db") not in open_files()
    assert serve(db=tmp_path / "sandbox.db", seed=3).get("/sms/credits")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database, whatever its size" * 100)
    with pytest.raises(ValueError, match="not a sandbox's file"):
        Sandbox(db=tmp_path / "notes.txt")
    assert str(tmp_path / "notes.txt") not in open_files()


def test_a_sandbox_that_cannot_begin_lets_go_of_its_file(serve: Callable[..., Served], tmp_path: Path) -> None:
    port = int(serve().sandbox.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"), Sandbox(db=tmp_path / "sandbox.db", port=port):
        pass
    assert str(tmp_path / "sandbox.db") not in open_files()
    with pytest.raises(ValueError, match="no-such-fault"):
        Sandbox(db=tmp_path / "sandbox.db", faults=["no-such-fault"])
    assert str(tmp_path / "sandbox.db") not in open_files()


def test_a_file_of_an_older_release_goes_on(serve: Callable[..., Served], tmp_path: Path) -> None:
    kept = Path(__file__).parents[1] / "collect" / "stores_of_old" / "sandbox.sqlite.gz"
    (tmp_path / "sandbox.db").write_bytes(gzip.decompress(kept.read_bytes()))
    rows = serve(db=tmp_path / "sandbox.db").pages("/sms/broadcasts", "broadcasts")
    # One was made, and one deleted.
    assert [row["name"] for row in rows].count("kept") == 1
    assert len(rows) == 6
    # At that time there was only one day on which data ended.
    assert rows[0]["sent_date"].startswith("2025-01-04")
