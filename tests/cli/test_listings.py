"""What commands list: the newest first, days of the account's calendar, and fields as the store calls them."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine

from ac_sms_async.cli.kinds import Ago, span
from ac_sms_async.collect.store.schema import table
from ac_sms_async.resources.broadcasts import BroadcastsResource
from ac_sms_async.sandbox import Clock, Sandbox
from tests.cli.conftest import Command

NEW_YEAR = datetime(2026, 1, 1, 3, tzinfo=UTC)
"""Still the 31st of December in Chicago."""


def ids(ran: Any) -> list[int]:
    return [int(row[0]) for row in ran.rows]


def test_the_newest_come_first(acme: Command, sandbox: Sandbox) -> None:
    every = ids(acme("broadcasts", "list"))
    # The server sorts: of thousands, a page is enough.
    assert [entry.query.partition("orders")[2] for entry in sandbox.journal] == ["%5Bfield%5D=DESC"]
    assert every == sorted(every, reverse=True)
    assert len(every) == 12
    assert ids(acme("broadcasts", "list", "--limit", "3")) == every[:3]
    assert ids(acme("broadcasts", "list", "--order", "oldest")) == every[::-1]
    first = acme("broadcasts", "list", "--order", "oldest", "--limit", "3")
    assert ids(first) == every[::-1][:3]
    assert "Only the oldest 3 are shown" in first.err
    # Who keeps it in a file is told, too.
    assert "Only the newest 3 are shown" in acme("broadcasts", "list", "--limit", "3", "--json").err


def test_also_where_the_server_knows_no_order(acme: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    every = ids(acme("broadcasts", "list"))
    real = BroadcastsResource.list

    def without_order(self: BroadcastsResource, *, order: str, **filters: Any) -> Any:
        return real(self, **filters)

    monkeypatch.setattr(BroadcastsResource, "list", without_order)
    for limit in ("3", "50", "0"):
        assert ids(acme("broadcasts", "list", "--limit", limit)) == every[: int(limit) or None]


def test_days_are_those_of_the_accounts_calendar() -> None:
    chicago, berlin = ZoneInfo("America/Chicago"), ZoneInfo("Europe/Berlin")
    with time_machine.travel(NEW_YEAR, tick=False):
        assert span(Ago(0), Ago(0), [chicago]) == (date(2025, 12, 31), date(2025, 12, 31))
        assert span(Ago(1), Ago(0), [berlin]) == (date(2025, 12, 31), date(2026, 1, 1))
        # No account's day is left out.
        assert span(Ago(0), Ago(0), [berlin, chicago]) == (date(2025, 12, 31), date(2026, 1, 1))
        assert span(Ago(30), None, [chicago]) == (date(2025, 12, 1), None)
        assert span(None, date(2026, 1, 5)) == (None, date(2026, 1, 5))


def test_since_takes_words_everywhere(ac_sms: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """One is sent in the last hours of December by the clocks of the account, on the 1st of January in UTC."""
    with Sandbox(broadcasts=0, rate_limit=None, clock=Clock(NEW_YEAR, speed=0)) as sandbox:
        monkeypatch.setenv("ACTIVECAMPAIGN_URL", sandbox.url)
        monkeypatch.setenv("ACTIVECAMPAIGN_API_TOKEN", sandbox.token)
        for sent_at in ("2026-01-01T01:00Z", "2025-12-30T18:00Z", "2025-12-20T18:00Z"):
            sandbox.add_broadcast(sent_at, sends=10, sent=datetime.fromisoformat(sent_at))
        with time_machine.travel(NEW_YEAR, tick=True):
            for day, found in (("today", 1), ("yesterday", 2), ("7D", 2), ("30d", 3), ("Today", 1)):
                assert len(ac_sms("broadcasts", "list", "--since", day).rows) == found, day
                [ran] = ac_sms("collect", "--json", "--quiet", "--since", day).json
                assert ran["broadcasts"] == found, day
            assert ac_sms("collect", "--quiet", "--since", "LAST").code == 0
            assert len(ac_sms("broadcasts", "list", "--since", "30d", "--until", "yesterday").rows) == 2
            assert ac_sms("metrics", "1", "--since", "yesterday").code == 0
            assert len(ac_sms("recipients", "1", "--since", "today").rows) == 10
            assert ac_sms("recipients", "1", "--until", "yesterday").rows == []
            assert ac_sms("report", "--since", "yesterday", "--json").json["broadcasts"] == 2
            for words, found in ((("today",), 1), (("yesterday",), 2), (("30d", "--until", "yesterday"), 2)):
                assert len(ac_sms("export", "--since", *words).rows) == found, words
            assert len(ac_sms("export", "--table", "metrics", "--until", "2025-12-29").rows) == 1
            assert ac_sms("export", "--table", "credits", "--since", "today").code == 1
            sheets = ac_sms("export", "--since", "today", "--format", "xlsx", "-o", "x.xlsx", "--json").json["tables"]
            assert {sheet["table"]: sheet["rows"] for sheet in sheets}["broadcasts"] == 1
            assert "lists" not in {sheet["table"] for sheet in sheets}
            assert (
                ac_sms("export", "--since", "today", "--format", "parquet", "-o", "x.parquet", "--json").json["rows"]
                == 1
            )


def test_fields_are_called_as_in_the_store(acme: Command) -> None:
    """`--json` prints just what the store holds once it is collected, under the same names."""
    assert acme("collect", "--quiet", "--include", "recipients").code == 0

    def stored(name: str) -> list[dict[str, Any]]:
        return list(map(json.loads, acme("export", "--format", "jsonl", "--table", name).out.splitlines()))

    def same(shown: list[dict[str, Any]], name: str, key: str) -> None:
        there = {row[key]: row for row in stored(name)}
        assert shown
        for row in shown:
            assert row.items() <= there[row[key]].items()

    same(acme("broadcasts", "list", "--limit", "0", "--json").json, "broadcasts", "broadcast_id")
    same(acme("lists", "--json").json, "lists", "list_id")
    same(acme("metrics", "1", "2", "--json").json["metrics"], "metrics", "broadcast_id")
    [kept] = stored("credits")
    assert acme("credits", "--json").json.items() <= kept.items()
    shown = acme("broadcasts", "show", "1", "--json").json
    same([shown.pop("metrics")], "metrics", "broadcast_id")
    same([shown], "broadcasts", "broadcast_id")
    people = acme("recipients", "1", "--limit", "0", "--json").json
    there = {row["contact_id"]: row for row in stored("recipients") if row["broadcast_id"] == 1}
    replied = [reply for row in people for reply in row.pop("replies")]
    assert all(row.items() <= there[row["contact_id"]].items() for row in people)
    assert all(reply.keys() <= set(table("replies").names) for reply in replied)
    connection = sqlite3.connect("metrics.sqlite")
    assert connection.execute("SELECT COUNT(*) FROM replies WHERE broadcast_id = 1").fetchone() == (len(replied),)
    connection.close()


def test_tables_have_the_same_names(acme: Command) -> None:
    for words in (("broadcasts", "list"), ("lists",), ("metrics", "1"), ("recipients", "1")):
        shown, rows = acme(*words), acme(*words, "--json").json
        first: dict[str, Any] = rows["metrics"][0] if words[0] == "metrics" else rows[0]
        heads = shown.out.splitlines()[0].split("\t")
        assert set(heads) <= set(first), words
        assert shown.rows[0] == ["-" if first[head] is None else str(first[head]) for head in heads]
    assert acme("credits").fields.keys() == acme("credits", "--json").json.keys()


def test_whom_it_was_sent_to(acme: Command) -> None:
    every = acme("recipients", "1", "--limit", "0")
    assert len(every.rows) == 40
    few = acme("recipients", "1", "--limit", "3")
    assert few.rows == every.rows[:3]
    assert "Only the first 3 are shown" in few.err
    parts = {only: acme("recipients", "1", "--only", only).rows for only in ("delivered", "failed", "clicked")}
    assert len(parts["delivered"]) + len(parts["failed"]) == 40
    assert {row[2] for row in parts["failed"]} == {"failed"}
    assert all(int(row[4]) > 0 for row in parts["clicked"])
    assert acme("recipients", "1", "--search", every.rows[0][1]).rows[0] == every.rows[0]
    assert "Invalid value for '--search': it is blank" in acme("recipients", "1", "--search", " ").err


@pytest.mark.parametrize("words", [("recipients", "1"), ("broadcasts", "list"), ("collect", "--account", "a" * 18)])
def test_tables_fit_80_columns(acme: Command, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    rows = acme(*words).rows
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    shown = re.sub(r"\x1b\[\d+m", "", acme(*words).out)
    assert max(map(len, shown.splitlines())) <= 80
    # Text that finds no room goes on below; numbers and times stay whole.
    for row in rows[:5]:
        line = next(line for line in shown.splitlines() if re.match(rf" *{row[0][:10]}", line))
        assert all(re.search(rf"\b{value}\b", line) for value in row if value.isdecimal())
    if words[0] == "broadcasts":
        assert re.search(r"20\d\d-\d\d-\d\d \d\d:\d\d C[SD]T  ", shown)


def test_the_lists(acme: Command) -> None:
    every = acme("lists").rows
    assert len(every) > 1
    assert acme("lists", "--name", every[0][2]).rows[0] == every[0]
