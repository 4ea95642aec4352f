"""Tables as files: every format gives back what the store holds."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any, cast

import duckdb
import pytest

from ac_sms_async.collect import Statement, StoreError
from ac_sms_async.collect.export import ExportFormat, export_table, write_table
from ac_sms_async.collect.job import collect_source
from ac_sms_async.collect.store.schema import TABLES, VIEWS
from ac_sms_async.collect.window import Window
from tests.collect.fakes import EVERYTHING, FakeSource, MemoryStore

pytestmark = pytest.mark.anyio

AT = "2026-03-01T12:00:00Z"
HARD = 'Zoë "🎉", 50%\nnext line'


async def filled() -> MemoryStore:
    store = MemoryStore()
    for account in ("acme", "globex"):
        source = FakeSource(ids=[1, 2, 10], account=account, latency=0.0, pace=0.0)
        await collect_source(source, store, Window(), EVERYTHING)
    await store.write(
        Statement(
            "UPDATE broadcasts SET name = ?, body = '', shorten_track_links_enabled = ?, sent_date = ? "
            "WHERE account = 'acme' AND broadcast_id = 1",
            [(HARD, True, AT)],
        )
    )
    return store


async def test_csv() -> None:
    async with await filled() as store:
        out = io.StringIO(newline="")
        assert await write_table(store, "broadcast_rates", out, account="acme") == 3
        rows = list(csv.DictReader(io.StringIO(out.getvalue(), newline="")))
    assert [row["broadcast_id"] for row in rows] == ["1", "2", "10"]
    assert rows[0]["name"] == HARD
    assert rows[2]["click_rate"] == ""


@pytest.mark.parametrize(
    ("said", "in_the_file"),
    [
        ('=HYPERLINK("http://evil.example","click")', """'=HYPERLINK("http://evil.example","click")"""),
        ("+1+1", "'+1+1"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("+13125550100\n", "'+13125550100\n"),
        ("+13125550100", "+13125550100"),
        ("2+2=5", "2+2=5"),
        ("", ""),
    ],
)
async def test_safe_text_is_no_formula(said: str, in_the_file: str) -> None:
    """Names and replies are other people's text. What is exact for machines stays so without being asked."""
    async with await filled() as store:
        await store.write(Statement("UPDATE broadcasts SET name = ? WHERE broadcast_id = 1", [(said,)]))
        plain, safe = io.StringIO(newline=""), io.StringIO(newline="")
        await write_table(store, "broadcasts", plain, account="acme")
        await write_table(store, "broadcasts", safe, account="acme", safe=True)
    as_it_is, neutralised = (list(csv.DictReader(io.StringIO(out.getvalue(), newline=""))) for out in (plain, safe))
    assert as_it_is[0].pop("name") == said
    assert neutralised[0].pop("name") == in_the_file
    assert neutralised == as_it_is


async def test_json_lines() -> None:
    async with await filled() as store:
        out = io.StringIO()
        assert await write_table(store, "broadcasts", out, format="jsonl") == 6
        rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert rows[0]["name"] == HARD
    assert rows[0]["list_ids"] == [1, 2]
    assert rows[0]["shorten_track_links_enabled"] is True
    assert rows[1]["shorten_track_links_enabled"] is None
    assert rows[0]["sent_date"] == AT


async def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "it's here.parquet"
    async with await filled() as store:
        assert await export_table(store, "broadcasts", path, format="parquet", account="acme") == 3
        await export_table(store, "credits", tmp_path / "credits.parquet", format="parquet")
    with duckdb.connect(":memory:") as connection:
        query = "SELECT name, body, list_ids, shorten_track_links_enabled, epoch(sent_date), extra, broadcast_id FROM "
        rows = connection.execute(f"{query} read_parquet(?) ORDER BY broadcast_id", [str(path)]).fetchall()
        types = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
    assert rows[0] == (HARD, "", "[1,2]", True, 1772366400.0, None, 1)
    assert rows[1][1] is None
    kinds = {name: kind for name, kind, *_ in types}
    assert kinds["broadcast_id"] == "BIGINT"
    assert kinds["sent_date"] == "TIMESTAMP WITH TIME ZONE"
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")] == []


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
async def test_every_table_in_every_format(form: str, tmp_path: Path) -> None:
    async with await filled() as store:
        for entry in (*TABLES, *VIEWS):
            path = tmp_path / f"{entry.name}.{form}"
            count = await export_table(store, entry.name, path, format=cast("ExportFormat", form))
            [(wanted,)] = await store.read(f"SELECT COUNT(*) FROM {entry.name}")
            assert count == wanted
            assert path.stat().st_size > 0 or (form == "jsonl" and not count)


async def test_says_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with await filled() as store:
        with pytest.raises(StoreError, match="no table 'nonsense'"):
            await export_table(store, "nonsense", tmp_path / "x.csv")
        with pytest.raises(StoreError, match="not kept by account"):
            await export_table(store, "work", tmp_path / "x.csv", account="acme")
        with pytest.raises(StoreError, match="cannot write"):
            await export_table(store, "runs", tmp_path / "no" / "folder.csv")
        monkeypatch.setitem(sys.modules, "duckdb", cast("Any", None))
        with pytest.raises(StoreError, match=r"ac-sms-async\[parquet\]"):
            await export_table(store, "runs", tmp_path / "x.parquet", format="parquet")
    # Nothing is left of what did not come about.
    assert list(tmp_path.iterdir()) == []
