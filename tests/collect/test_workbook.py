"""A workbook holds what the store holds, as a spreadsheet's own kinds of values, and calculates nothing."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from ac_sms_async.collect import Statement, Store, StoreError, export_table, export_workbook
from ac_sms_async.collect.store.schema import TABLES, VIEWS
from tests.collect.fakes import MemoryStore
from tests.collect.test_export import filled

pytestmark = pytest.mark.anyio

SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
EVERYTHING = [entry.name for entry in (*VIEWS, *TABLES)]
SAID = [
    '=HYPERLINK("http://evil","x")',
    "+1+1",
    "-2",
    "@SUM(A1)",
    "\t=1",
    "{=1}",
    "http://evil.example",
    "\x00\x1b[0m",
    "x" * 40_000,
]


def cells(path: Path, sheet: int = 1) -> list[list[Any]]:
    """The cells of a sheet: text as it is, numbers as floats, booleans."""
    with zipfile.ZipFile(path) as file:
        root = ElementTree.fromstring(file.read(f"xl/worksheets/sheet{sheet}.xml"))
    rows: list[list[Any]] = []
    for row in root.iter(f"{MAIN}row"):
        found: dict[int, Any] = {}
        for cell in row.iter(f"{MAIN}c"):
            assert cell.find(f"{MAIN}f") is None, "a formula"
            place = _column(re.sub(r"\d", "", cell.get("r", "")))
            value = cell.find(f"{MAIN}v")
            if cell.get("t") == "inlineStr":
                found[place] = "".join(text.text or "" for text in cell.iter(f"{MAIN}t"))
            elif value is not None:
                found[place] = value.text == "1" if cell.get("t") == "b" else float(value.text or "")
        rows.append([found.get(place) for place in range(max(found) + 1)] if found else [])
    return rows


def _column(letters: str) -> int:
    place = 0
    for letter in letters:
        place = 26 * place + ord(letter) - 64
    return place - 1


def names_of(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as file:
        root = ElementTree.fromstring(file.read("xl/workbook.xml"))
    return [sheet.get("name", "") for sheet in root.iter(f"{MAIN}sheet")]


async def test_every_table_is_a_sheet(tmp_path: Path) -> None:
    path = tmp_path / "all.xlsx"
    async with await filled() as store:
        counts = await export_workbook(store, [*EVERYTHING, "latest"], path)
        for name, count in counts.items():
            assert await store.read(f"SELECT COUNT(*) FROM {name}") == [(count,)], name
    assert names_of(path) == EVERYTHING == list(counts)
    for place, entry in enumerate((*VIEWS, *TABLES), 1):
        rows = cells(path, place)
        assert tuple(rows[0]) == entry.names
        assert len(rows) == counts[entry.name] + 1
    with zipfile.ZipFile(path) as file:
        sheet = file.read("xl/worksheets/sheet1.xml").decode()
    assert 'state="frozen"' in sheet
    assert '<autoFilter ref="A1:' in sheet


async def shown(store: Store, path: Path, sql: str, *values: Any) -> dict[str, Any]:
    """The first row of broadcast_rates after a change, by column."""
    await store.write(Statement(sql, [values]))
    assert await export_table(store, "broadcasts", path, format="xlsx", account="acme") == 3
    heads, first, *_ = cells(path)
    return dict(zip(heads, [*first, *[None] * len(heads)], strict=False))


async def test_times_are_those_of_the_account(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    change = "UPDATE broadcasts SET sent_date = ? WHERE broadcast_id = 1"
    async with await filled() as store:
        # Days since the last one of 1899: 17:30 of New Year's Eve, in Chicago.
        row = await shown(store, path, change, "2025-12-31T23:30:00Z")
        assert row["sent_date"] == pytest.approx(46022 + 17.5 / 24)
        await store.write(Statement("UPDATE accounts SET timezone = NULL"))
        row = await shown(store, path, change, "2025-12-31T23:30:00Z")
        assert row["sent_date"] == pytest.approx(46022 + 23.5 / 24)
        for odd in ("0001-01-01T00:00:00Z", "1900-01-15T00:00:00Z", "9999-12-31T23:59:59Z"):
            assert (await shown(store, path, change, odd))["sent_date"] == odd


async def test_kinds_of_values(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    async with await filled() as store:
        row = await shown(store, path, "UPDATE broadcasts SET sent_to_count = ? WHERE broadcast_id = 1", 2**62)
        assert row["sent_to_count"] == str(2**62)
        row = await shown(store, path, "UPDATE broadcasts SET sent_to_count = ? WHERE broadcast_id = 1", 12)
        assert (row["sent_to_count"], row["broadcast_id"], row["label_ids"]) == (12.0, 1.0, None)
        assert (row["shorten_track_links_enabled"], row["list_ids"]) == (True, "[1,2]")
        await store.write(
            Statement("UPDATE snapshots SET window_start = ?, window_end = ?", [("2026-01-31", "0001-01-01")])
        )
        await export_table(store, "snapshots", path, format="xlsx")
        heads, first, *_ = cells(path)
        row = dict(zip(heads, first, strict=False))
        assert (row["window_start"], row["window_end"]) == (46053.0, "0001-01-01")
        await export_table(store, "broadcast_rates", path, format="xlsx")
    with zipfile.ZipFile(path) as file:
        assert (
            'formatCode="0.00%"' in file.read("xl/styles.xml").decode()
            or 'numFmtId="10"' in file.read("xl/styles.xml").decode()
        )


@pytest.mark.parametrize("said", SAID)
async def test_text_is_no_formula(tmp_path: Path, said: str) -> None:
    path = tmp_path / "x.xlsx"
    async with await filled() as store:
        row = await shown(store, path, "UPDATE broadcasts SET name = ? WHERE broadcast_id = 1", said)
    if len(said) > 32_767:
        assert row["name"].endswith("x… (cut)")
        assert len(row["name"]) == 32_767
    else:
        # What XML can't hold is spelled out, as spreadsheets do it; NUL is no text in any store.
        assert row["name"].replace("_x001B_", "\x1b") == said.replace("\x00", "\ufffd")


async def test_more_rows_than_a_sheet_has_room_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ac_sms_async.collect.workbook._ROWS", 2)
    path = tmp_path / "x.xlsx"
    async with await filled() as store:
        assert await export_table(store, "broadcasts", path, format="xlsx") == 6
    assert names_of(path) == ["broadcasts", "broadcasts 2", "broadcasts 3"]
    assert [len(cells(path, number)) for number in (1, 2, 3)] == [3, 3, 3]
    assert cells(path, 3)[2][1] == 10.0


async def test_what_goes_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drafts = tmp_path.with_name(f"{tmp_path.name}-drafts")
    drafts.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(drafts))
    async with await filled() as store:
        with pytest.raises(StoreError, match="no table 'nonsense'"):
            await export_workbook(store, ["latest", "nonsense"], tmp_path / "x.xlsx")
        with pytest.raises(StoreError, match="no account 'initech'"):
            await export_workbook(store, ["latest"], tmp_path / "x.xlsx", account="initech")
        with pytest.raises(StoreError, match="not kept by account"):
            await export_workbook(store, ["latest", "time_zones"], tmp_path / "x.xlsx", account="acme")
        with pytest.raises(StoreError, match="cannot write"):
            await export_workbook(store, ["latest"], tmp_path / "no" / "x.xlsx")
        monkeypatch.setitem(sys.modules, "xlsxwriter", None)
        with pytest.raises(StoreError, match="needs XlsxWriter"):
            await export_workbook(store, ["latest"], tmp_path / "x.xlsx")
    # No half of a file, and no draft of one.
    assert list(tmp_path.iterdir()) == list(drafts.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
@pytest.mark.parametrize(("name", "mode"), [("recipients", 0o600), ("latest", 0o644)])
async def test_people_are_for_the_owner_alone(tmp_path: Path, name: str, mode: int) -> None:
    before = os.umask(0o022)
    try:
        async with MemoryStore() as store:
            await export_workbook(store, [name], tmp_path / "x.xlsx")
    finally:
        os.umask(before)
    assert (tmp_path / "x.xlsx").stat().st_mode & 0o777 == mode


@pytest.mark.skipif(SOFFICE is None, reason="no LibreOffice at hand to open the workbook with")
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_libreoffice_opens_it(anyio_backend: Any, tmp_path: Path) -> None:
    path = tmp_path / "rates.xlsx"
    async with await filled() as store:
        await store.write(
            Statement("UPDATE broadcasts SET name = ? WHERE broadcast_id = 2", [("=1+1",)]),
            Statement("UPDATE broadcasts SET sent_date = '2026-01-01T00:27:00Z'"),
            Statement("UPDATE metrics SET clicks = 1, deliveries = 4"),
        )
        await export_table(store, "broadcast_rates", path, format="xlsx", account="acme")
    command = [str(SOFFICE), "--headless", f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"]
    command += [
        "--convert-to",
        "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,true",
        "--outdir",
        str(tmp_path),
    ]
    subprocess.run([*command, str(path)], check=True, capture_output=True, timeout=120)  # noqa: ASYNC221 - alone here
    [row, second, _] = csv.DictReader(io.StringIO((tmp_path / "rates.csv").read_text("utf-8")))
    assert row["name"] == 'Zoë "🎉", 50%\nnext line'
    # Formulas are shown as such by this filter: text stays text.
    assert second["name"] == "=1+1"
    assert row["sent_date"] == "2025-12-31 18:27:00"
    assert (row["sent_day"], row["sent_month"], row["click_rate"]) == ("2025-12-31", "2025-12", "25.00%")
