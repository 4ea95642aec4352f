"""What a load leaves at the destination, and what the next one makes of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio

from ac_sms_async import SMSClient
from ac_sms_async.sandbox import Sandbox
from tests.dlt.loading import TABLES, duckdb_pipeline, everything, file_pipeline, file_rows, loaded, said, select

READING = {
    "listBroadcasts",
    "getBroadcastMetrics",
    "getBroadcastFailures",
    "getBroadcastRecipients",
    "listBroadcastLists",
    "getSmsCreditData",
}


def delete(sandbox: Sandbox, broadcast_id: int) -> None:
    async def ask() -> None:
        async with SMSClient(sandbox.url, sandbox.token, rate_limit=None) as sms:
            await sms.broadcasts.delete(broadcast_id)

    anyio.run(ask)


def test_the_destination_holds_what_the_server_says_load_by_load(sandbox: Sandbox, tmp_path: Path) -> None:
    pipeline = duckdb_pipeline(tmp_path)
    soon = sandbox.clock.datetime() + timedelta(minutes=1)
    new = sandbox.add_broadcast("Today", sent=soon, sends=60, clicks=40, failures={"30003": 4})
    sandbox.clock.advance(hours=1)
    pipeline.run(everything(sandbox))
    assert {entry.operation for entry in sandbox.journal} == READING
    first = said(sandbox)
    assert loaded(pipeline) == first
    assert first["replies"]
    assert first["failures"]

    sandbox.clock.advance(days=3)
    delete(sandbox, 5)
    again = everything(sandbox)
    for name in set(TABLES) - {"broadcasts"}:
        # As after a kill between the writing of rows and the note that they are written.
        again.resources[name].add_yield_map(lambda row: iter([row, row]))
    pipeline.run(again)
    second, found = said(sandbox), loaded(pipeline)
    assert second != first
    for name, rows in found.items():
        if name not in ("lists", "credits"):
            rows[:] = [row for row in rows if row[0] != 5]
    assert found == second
    # The course of what moved: a row for each load, in their order.
    rows = select(pipeline, f"SELECT load_number, clicks FROM metrics WHERE broadcast_id = {new} ORDER BY load_number")
    assert [number for number, _ in rows] == [1, 2]
    assert rows[0][1] < rows[1][1]
    # One that is gone keeps its rows; the load that saw it last tells that it is.
    assert select(pipeline, "SELECT load_number FROM broadcasts WHERE broadcast_id = 5") == [(1,)]


def test_people_that_are_read_later_are_all_read(sandbox: Sandbox, tmp_path: Path) -> None:
    pipeline = file_pipeline(tmp_path)
    sandbox.clock.advance(days=60)
    people = everything(sandbox).with_resources("recipients")
    pipeline.run(everything(sandbox).with_resources("broadcasts", "metrics"), loader_file_format="jsonl")
    pipeline.run(people, loader_file_format="jsonl")
    once = len(file_rows(tmp_path, "recipients"))
    assert once > len(said(sandbox)["recipients"]) > 100
    # What rests is not read again, unless dlt is told to forget it; nothing else is forgotten then.
    pipeline.run(people, loader_file_format="jsonl")
    assert len(file_rows(tmp_path, "recipients")) < 1.5 * once
    both = everything(sandbox).with_resources("recipients", "replies")
    pipeline.run(both, loader_file_format="jsonl", refresh="drop_resources")
    assert len(file_rows(tmp_path, "recipients")) == once
    assert len([row for row in file_rows(tmp_path, "replies") if not row.get("emptied")]) == len(
        said(sandbox)["replies"]
    )
    assert file_rows(tmp_path, "metrics")


def test_files_hold_every_load_and_the_last_rows_of_each_are_what_the_server_says(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    pipeline = file_pipeline(tmp_path)
    pipeline.run(everything(sandbox), loader_file_format="jsonl")
    sandbox.clock.advance(days=3)
    pipeline.run(everything(sandbox), loader_file_format="jsonl")
    truth = said(sandbox)

    def last(name: str, *key: str) -> list[dict[str, Any]]:
        rows = file_rows(tmp_path, name)
        newest: dict[Any, int] = {}
        for row in rows:
            place = tuple(row[column] for column in key)
            newest[place] = max(newest.get(place, 0), row["load_number"])
        newest_rows = [row for row in rows if row["load_number"] == newest[tuple(row[column] for column in key)]]
        return [row for row in newest_rows if not row.get("emptied")]

    assert {row["broadcast_id"] for row in last("broadcasts")} == {row[0] for row in truth["broadcasts"]}
    counts = [(row["broadcast_id"], row["sends"], row["clicks"]) for row in last("metrics", "broadcast_id")]
    assert sorted(counts) == sorted((row[0], row[1], row[4]) for row in truth["metrics"])
    groups = [(row["broadcast_id"], row["error_code"], row["count"]) for row in last("failures", "broadcast_id")]
    assert sorted(groups) == sorted((row[0], row[1], row[3]) for row in truth["failures"])
    people = [(row["broadcast_id"], row["contact_id"], row["clicks"]) for row in last("recipients", "broadcast_id")]
    assert sorted(people) == sorted((row[0], row[1], row[4]) for row in truth["recipients"])
    assert {row["load_number"] for row in file_rows(tmp_path, "credits")} == {1, 2}
