"""Tables of the store as CSV, JSON lines, Parquet or a workbook, streamed: memory does not grow with the table."""

from __future__ import annotations

import csv
import json
import re
import tempfile
from collections.abc import Callable, Sequence
from datetime import date
from os import PathLike
from pathlib import Path
from typing import IO, Any, Literal, Protocol, TypedDict

import anyio
import anyio.to_thread

from ac_sms_async.collect.calendar import zone_of
from ac_sms_async.collect.store.backup import refuse_store_file
from ac_sms_async.collect.store.protocol import Row, Store, StoreError, Value
from ac_sms_async.collect.store.schema import Table, table
from ac_sms_async.collect.workbook import Workbook
from ac_sms_async.downloads.part_file import PartFile, whole_file

__all__ = ["ExportFormat", "Part", "export_table", "export_workbook", "is_by_broadcast", "write_table"]

ExportFormat = Literal["csv", "jsonl", "parquet", "xlsx"]


class Part(TypedDict, total=False):
    """Of which rows: those of one account, and of broadcasts sent on some days of each account's calendar."""

    account: str | None
    since: date | None
    until: date | None


_PERSONAL = ("recipients", "replies")
"""Tables that hold what people are called, where they can be reached, and what they said."""


async def export_table(
    store: Store,
    name: str,
    path: str | PathLike[str],
    *,
    format: ExportFormat = "csv",
    account: str | None = None,
    since: date | None = None,
    until: date | None = None,
    safe: bool = False,
) -> int:
    """Write the table or view `name` to a file, of one account or of all; returns the number of rows.

    With `since` and `until`, both included, only rows of broadcasts that were sent on these days of their account's
    calendar; a table that isn't about single broadcasts is refused then. With `safe`, no text of a CSV is a formula to
    a spreadsheet: an apostrophe stands before what would be one.

    The file appears whole or not at all, and one with names or replies of people is for the user alone (mode 0600),
    unless there was a file before, whose mode stays. Parquet needs DuckDB (the `[parquet]` extra), a workbook needs
    XlsxWriter (`[xlsx]`): see `export_workbook`. Raises `StoreError`.
    """
    part: Part = {"account": account, "since": since, "until": until}
    if format == "xlsx":
        return (await export_workbook(store, [name], path, **part))[name]
    entry = _entry(name)
    refuse_store_file(store, Path(path))
    try:
        async with whole_file(path, private=name in _PERSONAL) as whole:
            if format == "parquet":
                return await _export_parquet(store, entry, whole, part)
            file = whole.text()
            count = await write_table(store, name, file, format=format, safe=safe, **part)
            await anyio.to_thread.run_sync(file.flush)
            return count
    except OSError as error:
        raise StoreError(f"cannot write {Path(path)}: {error}") from error


async def export_workbook(
    store: Store,
    names: Sequence[str],
    path: str | PathLike[str],
    *,
    account: str | None = None,
    since: date | None = None,
    until: date | None = None,
) -> dict[str, int]:
    """Write tables and views, a sheet for each, to a workbook (`.xlsx`); returns the number of rows of each.

    `since` and `until` as in `export_table`. Times are on the clocks of each row's account, rates are shown as percent,
    and no text is a formula. Whole numbers of 15 digits and more are text, and so are times before March 1900. Needs
    XlsxWriter (the `[xlsx]` extra). The file appears as in `export_table`. Raises `StoreError`.
    """
    entries = [_entry(name) for name in dict.fromkeys(names)]
    refuse_store_file(store, Path(path))
    zones = await store.read("SELECT account, timezone FROM accounts")
    calendar = {str(name): zone_of(None if zone is None else str(zone)) for name, zone in zones}
    private = any(entry.name in _PERSONAL for entry in entries)
    try:
        async with whole_file(path, private=private) as part:
            with tempfile.TemporaryDirectory(prefix="ac-sms-") as folder:
                whole = Path(folder, "rows.xlsx")
                counts: dict[str, int] = {}
                with Workbook(whole, calendar) as book:
                    for entry in entries:
                        sheet = book.sheet(entry)
                        mine: Part = {"account": account, "since": since, "until": until}
                        counts[entry.name] = await _feed(store, entry, mine, sheet.rows)
                        sheet.end()
                    await anyio.to_thread.run_sync(book.close)
                await anyio.to_thread.run_sync(_copied, whole, part)
            return counts
    except OSError as error:
        raise StoreError(f"cannot write {Path(path)}: {error}") from error


def _copied(whole: Path, part: PartFile) -> None:
    # What was made going back and forth in a file, which can't be done in a pipe.
    with whole.open("rb") as file:
        while piece := file.read(1 << 20):
            part.write([piece])


async def write_table(
    store: Store,
    name: str,
    file: IO[str],
    *,
    format: Literal["csv", "jsonl"] = "csv",
    account: str | None = None,
    since: date | None = None,
    until: date | None = None,
    safe: bool = False,
) -> int:
    """Write the table or view `name` to an open text file; returns the number of rows. The rest: `export_table`."""
    entry = _entry(name)
    make_csv = _SafeCSV if safe else _CSV
    writer: _Writer = make_csv(file, entry) if format == "csv" else _JSONLines(file, entry)
    return await _feed(store, entry, {"account": account, "since": since, "until": until}, writer.rows)


class _Writer(Protocol):
    def rows(self, rows: list[Row]) -> None: ...


class _CSV:
    def __init__(self, file: IO[str], entry: Table) -> None:
        self._writer = csv.writer(file)
        self._writer.writerow(entry.names)

    def rows(self, rows: list[Row]) -> None:
        self._writer.writerows(rows)


class _SafeCSV(_CSV):
    """CSV for a spreadsheet: names and replies are other people's text, and stay text there."""

    def __init__(self, file: IO[str], entry: Table) -> None:
        super().__init__(file, entry)
        self._is_text = [column.type == "TEXT" for column in entry.columns]

    def rows(self, rows: list[Row]) -> None:
        super().rows(
            [
                tuple(_as_text(value) if is_text else value for value, is_text in zip(row, self._is_text, strict=True))
                for row in rows
            ]
        )


_FORMULA = re.compile(r"(?!\+[0-9]+\Z)[=+\-@\t\r\n]")
"""How a text begins that a spreadsheet would calculate. A phone number is none: it comes to itself."""


def _as_text(value: Value) -> Value:
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


class _JSONLines:
    def __init__(self, file: IO[str], entry: Table) -> None:
        self._file = file
        self._columns = [(column.name, _JSON_VALUES.get(column.type)) for column in entry.columns]

    def rows(self, rows: list[Row]) -> None:
        for row in rows:
            item = {
                name: value if value is None or convert is None else convert(value)
                for (name, convert), value in zip(self._columns, row, strict=True)
            }
            self._file.write(json.dumps(item, ensure_ascii=False, separators=(",", ":")) + "\n")


_JSON_VALUES: dict[str, Callable[[Any], Any]] = {"JSONB": json.loads, "BOOLEAN": bool}


class _Quoted:
    """CSV in which text is always quoted and NULL never is, so that NULL and empty text stay two things."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def rows(self, rows: list[Row]) -> None:
        self._file.writelines(",".join(map(_quoted, row)) + "\n" for row in rows)


def _quoted(value: Value) -> str:
    return "" if value is None else '"' + str(value).replace('"', '""') + '"'


async def _export_parquet(store: Store, entry: Table, file: PartFile, part: Part) -> int:
    try:
        import duckdb
    except ImportError:
        raise StoreError("Parquet needs DuckDB: pip install 'ac-sms-async[parquet]'") from None
    with tempfile.TemporaryDirectory(prefix="ac-sms-") as folder:
        rows = Path(folder, "rows.csv")
        with rows.open("w", encoding="utf-8", newline="") as text:  # noqa: ASYNC230 - see write_table
            count = await _feed(store, entry, part, _Quoted(text).rows)
        types = ", ".join(f"'{column.name}': '{_PARQUET_TYPES[column.type]}'" for column in entry.columns)

        whole = Path(folder, "rows.parquet")

        def convert() -> None:
            with duckdb.connect(":memory:") as connection:
                connection.execute("SET TimeZone = 'UTC'")
                # No slower, and two million recipients take 175 MB instead of 390.
                connection.execute("SET threads = 1")
                connection.execute(
                    f"COPY (SELECT * FROM read_csv($rows, header = false, columns = {{{types}}}, delim = ',', "
                    "quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = false, auto_detect = false)) "
                    f"TO {_literal(str(whole))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20480)",
                    {"rows": str(rows)},
                )

            _copied(whole, file)

        await anyio.to_thread.run_sync(convert)
    return count


_PARQUET_TYPES: dict[str, str] = {
    "TEXT": "VARCHAR",
    "JSONB": "VARCHAR",
    "BIGINT": "BIGINT",
    "DOUBLE PRECISION": "DOUBLE",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIMESTAMPTZ": "TIMESTAMPTZ",
}


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def is_by_broadcast(name: str) -> bool:
    """Whether the rows of a table or view are each about one broadcast, so that they have the day it was sent on."""
    return {"account", "broadcast_id"} <= set(_entry(name).names)


async def _feed(store: Store, entry: Table, part: Part, write: Callable[[list[Row]], None]) -> int:
    where, values = await _where(store, entry, part)
    order = ", ".join(entry.key or [name for name in _IDENTIFY if name in entry.names])
    sql = f"SELECT {', '.join(entry.names)} FROM {entry.name}{where} ORDER BY {order}"
    count = 0
    async with store.stream(sql, values) as chunks:
        async for chunk in chunks:
            # Disks are written to in a thread, so that a slow one holds up nobody.
            await anyio.to_thread.run_sync(write, chunk)
            count += len(chunk)
    return count


async def _where(store: Store, entry: Table, part: Part) -> tuple[str, Row]:
    """The condition of a part, and its values."""
    conditions: list[str] = []
    values: list[Value] = []
    account = part.get("account")
    if account is not None:
        if "account" not in entry.names:
            raise StoreError(f"{entry.name} is not kept by account")
        names = [str(row[0]) for row in await store.read("SELECT account FROM accounts ORDER BY account")]
        if account not in names:
            raise StoreError(f"the store has no account {account!r}; it has {', '.join(names) or 'none yet'}")
        conditions.append("account = ?")
        values.append(account)
    days = [(sign, day) for sign, day in ((">=", part.get("since")), ("<=", part.get("until"))) if day is not None]
    if days:
        if not is_by_broadcast(entry.name):
            raise StoreError(f"{entry.name} is not about single broadcasts, so no days of sending can be chosen")
        sent = " AND ".join(f"sent_day {sign} ?" for sign, _ in days)
        sent_then = f"SELECT account, broadcast_id FROM broadcast_rates WHERE {sent}"
        conditions.append(f"(account, broadcast_id) IN ({sent_then})")
        values += [day.isoformat() for _, day in days]
    return (f" WHERE {' AND '.join(conditions)}" if conditions else ""), tuple(values)


_IDENTIFY = ("account", "broadcast_id", "list_id", "week", "month", "error_code", "error_source")
"""What tells the rows of a view apart."""


def _entry(name: str) -> Table:
    try:
        return table(name)
    except KeyError:
        raise StoreError(f"there is no table {name!r} in the store") from None
