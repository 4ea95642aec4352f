"""Tables as a workbook for Excel and LibreOffice: real dates, percent, and no text that is calculated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, tzinfo
from importlib import import_module
from pathlib import Path
from typing import Any, Self

from ac_sms_async.collect.store.protocol import Row, StoreError, Value
from ac_sms_async.collect.store.schema import Column, Table

__all__ = ["Sheet", "Workbook"]

_ROWS = 1_048_575
"""A sheet has room for so many below its head."""
_CHARACTERS = 32_767
"""A cell has room for so many."""
_CUT = "… (cut)"
_EXACT = 10**15
"""Larger whole numbers lose digits in a spreadsheet; as text they keep them."""
_FIRST = date(1900, 3, 1)
"""Spreadsheets don't agree on the days before."""

_FORMATS = {"DATE": "yyyy-mm-dd", "TIMESTAMPTZ": "yyyy-mm-dd hh:mm:ss", "BIGINT": "#,##0", "ID": "0"}
_WIDTHS = {"DATE": 11, "TIMESTAMPTZ": 19, "BIGINT": 12, "DOUBLE PRECISION": 14, "BOOLEAN": 8}


class Workbook:
    """A workbook being written. Rows go to the disk as they come: memory does not grow with the table.

    Until `close`, what is in it lies in drafts in the folder of `path`, which are the caller's to remove.
    """

    def __init__(self, path: Path, zones: Mapping[str, tzinfo]) -> None:
        try:
            xlsxwriter: Any = import_module("xlsxwriter")
        except ImportError:
            raise StoreError("a workbook needs XlsxWriter: pip install 'ac-sms-async[xlsx]'") from None
        self._zones = zones
        # Its times have no zone: those of each row are on the clocks of its account.
        options = {"constant_memory": True, "use_zip64": True, "tmpdir": str(path.parent)}
        self._book: Any = xlsxwriter.Workbook(str(path), options)
        self._sheets: list[Any] = []
        self._head: Any = self._book.add_format({"bold": True, "bottom": 1})
        self._formats: dict[str, Any] = {}

    def sheet(self, entry: Table) -> Sheet:
        """The sheet of a table or view; more of them where the rows are too many for one."""
        return Sheet(entry, lambda number: self._begin(entry, number), self._zones)

    def close(self) -> None:
        """Write what is left, and close the file."""
        self._book.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        # Whether it came to its end or not: the library leaves its drafts open.
        for sheet in self._sheets:
            sheet.row_data_fh.close()

    def _begin(self, entry: Table, number: int) -> tuple[Any, list[Any]]:
        sheet: Any = self._book.add_worksheet(entry.name if number == 1 else f"{entry.name} {number}")
        self._sheets.append(sheet)
        sheet.freeze_panes(1, 0)
        formats = [self._format(column) for column in entry.columns]
        for place, column in enumerate(entry.columns):
            sheet.set_column(place, place, max(_WIDTHS.get(column.type, 24), len(column.name) + 3))
            sheet.write_string(0, place, column.name, self._head)
        return sheet, formats

    def _format(self, column: Column) -> Any:
        shown = _FORMATS.get("ID" if column.name.endswith("_id") else column.type, "General")
        if column.type == "DOUBLE PRECISION":
            # A change of a rate, too, is a part of a hundred.
            shown = "0.00%"
        if shown not in self._formats:
            self._formats[shown] = self._book.add_format({"num_format": shown})
        return self._formats[shown]


class Sheet:
    """The rows of a table or view."""

    def __init__(
        self, entry: Table, begin: Callable[[int], tuple[Any, list[Any]]], zones: Mapping[str, tzinfo]
    ) -> None:
        self._types = [column.type for column in entry.columns]
        self._account = entry.names.index("account") if "account" in entry.names else None
        self._begin = begin
        self._zones = zones
        self._number = 1
        self._row = 0
        self._sheet, self._formats = begin(1)

    def rows(self, rows: list[Row]) -> None:
        """Write rows below those before."""
        for row in rows:
            if self._row == _ROWS:
                self.end()
                self._number, self._row = self._number + 1, 0
                self._sheet, self._formats = self._begin(self._number)
            self._row += 1
            zone = UTC if self._account is None else self._zones.get(str(row[self._account]), UTC)
            for place, (kind, value) in enumerate(zip(self._types, row, strict=True)):
                if value is not None:
                    self._write(place, kind, value, zone)

    def end(self) -> None:
        """Give the head its filters, which have to know how many rows there are."""
        self._sheet.autofilter(0, 0, self._row, len(self._types) - 1)

    def _write(self, place: int, kind: str, value: Value, zone: tzinfo) -> None:
        sheet, look = self._sheet, self._formats[place]
        when = _when(kind, value, zone)
        if when is not None:
            sheet.write_datetime(self._row, place, when, look)
        elif kind == "BOOLEAN":
            sheet.write_boolean(self._row, place, bool(value))
        elif isinstance(value, float) or (isinstance(value, int) and abs(value) < _EXACT):
            sheet.write_number(self._row, place, value, look)
        else:
            # As text, whatever it begins with: nobody calculates what other people have written.
            said = str(value)
            cut = said if len(said) <= _CHARACTERS else said[: _CHARACTERS - len(_CUT)] + _CUT
            sheet.write_string(self._row, place, cut)


def _when(kind: str, value: Value, zone: tzinfo) -> datetime | date | None:
    """A time on the account's clocks, or a day; None for what is neither, and for what spreadsheets have no day for."""
    if kind == "DATE":
        day = date.fromisoformat(str(value))
        return day if day >= _FIRST else None
    if kind != "TIMESTAMPTZ":
        return None
    at = datetime.fromisoformat(str(value))
    # The first and the last day of all time may be led out of it by a zone.
    if not _FIRST < at.date() < date(9999, 12, 31):
        return None
    return at.astimezone(zone).replace(tzinfo=None)
