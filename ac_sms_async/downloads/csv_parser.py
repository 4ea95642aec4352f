"""CSV in pieces: bytes in as they come, out the records that the csv module would read from the whole file."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from itertools import chain

from ac_sms_async.errors import InvalidResponseError

__all__ = ["CsvParser"]

_ALWAYS_RETRIED = 4096
"""An unfinished record up to this length is read again with each new line; a longer one when it grew by a quarter."""


class CsvParser:
    """Feed it bytes in pieces of any size. The records equal those of `csv.reader(open(..., newline=""))`.

    UTF-8, with or without a byte order mark. Lines end with \\n, \\r or \\r\\n, which belong to a field within quotes.
    `error` is set, once the records before it are out, for bytes that are no UTF-8 and for a field that is longer than
    `csv.field_size_limit()`.
    """

    def __init__(self) -> None:
        self.error: InvalidResponseError | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        # Whole lines of a record that isn't finished, as a quote is open; then the pieces of a line without its end.
        self._open = ""
        self._line: list[str] = []
        self._enough = 0
        # Whether lines end with \r\n: a last \r is half of such an end then. Otherwise it is one.
        self._has_crlf = False

    def feed(self, data: bytes) -> list[list[str]]:
        """The records that are complete now."""
        text = self._decode(data, final=False)
        if self._line and self._line[-1].endswith("\r"):
            # That was the end of a line, or half of one: what follows decides.
            text, self._line = "".join((*self._line, text)), []
        # What stands before a \n are whole lines. Where no \n comes at all, a \r ends one, unless it is the last thing
        # to have come: it may be half of \r\n.
        end = text.rfind("\n") + 1 or text.rfind("\r", 0, -1) + 1
        self._has_crlf = self._has_crlf or "\r\n" in text
        if not end:
            self._line += [text] if text else []
            return []
        self._open = "".join((self._open, *self._line, text[:end]))
        self._line = [text[end:]] if end < len(text) else []
        return self._read() if len(self._open) >= self._enough else []

    def finish(self) -> tuple[list[list[str]], list[list[str]]]:
        """Nothing more comes: the last whole records, and what becomes of a last one that is cut (at most one).

        A record is cut where its line doesn't end, ends within quotes, or ends with half of the \r\n that ends the
        others; the csv module takes it as it is.
        """
        text = "".join((self._open, *self._line, self._decode(b"", final=True)))
        lines = list(io.StringIO(text, newline=""))
        is_whole = text.endswith("\n") or (text.endswith("\r") and not self._has_crlf)
        end = "" if is_whole or not lines else lines.pop()
        self._open = "".join(lines)
        records = self._read()
        cut = list[list[str]]()
        if self.error is None:
            try:
                cut += csv.reader(io.StringIO(self._open + end, newline=""))
            except csv.Error as error:
                self._fail(error)
        return records, cut

    def _decode(self, data: bytes, *, final: bool) -> str:
        try:
            return self._decoder.decode(data, final)
        except UnicodeDecodeError as error:
            self.error = InvalidResponseError(f"the CSV is not UTF-8: {error.reason}", body=error.object[:200])
            return str(error.object[: error.start], "utf-8")

    def _read(self) -> list[list[str]]:
        """Take the finished records from the whole lines in `_open`; the lines of an unfinished one stay there."""
        text = self._open
        # splitlines() knows more line ends than the csv module, such as U+2028: where it found one, StringIO does it.
        lines = text.splitlines(keepends=True)
        if len(lines) != text.count("\n"):
            lines = list(io.StringIO(text, newline=""))
        # An empty line more shows where the text ends: within a quote it becomes part of the last field, otherwise
        # it is a record without fields. A loop in C does the rest; asking record by record takes a tenth longer.
        lines.append("\n")
        try:
            records = list(csv.reader(lines))
        except csv.Error:
            return self._read_carefully(lines[:-1])
        last = records.pop()
        if last:
            # Each line of the unfinished record ends within one of its fields.
            last[-1] = last[-1][:-1]
            count = sum(field.count("\n") + field.count("\r") - field.count("\r\n") for field in last)
            self._keep(lines[-1 - count : -1])
        else:
            self._keep([])
        return records

    def _read_carefully(self, lines: list[str]) -> list[list[str]]:
        """The same record by record, where one of them cannot be read: those before it count."""
        records: list[list[str]] = []
        reader = csv.reader(chain(lines, _Dry()))
        whole = 0
        try:
            while True:
                records.append(next(reader))
                whole = reader.line_num
        except _NeedData:
            self._keep(lines[whole:])
        except csv.Error as error:
            self._fail(error)
            self._keep([])
        return records

    def _keep(self, lines: list[str]) -> None:
        self._open = "".join(lines)
        length = len(self._open)
        self._enough = 0 if length <= _ALWAYS_RETRIED else length + length // 4

    def _fail(self, error: csv.Error) -> None:
        self.error = InvalidResponseError(f"the CSV cannot be read: {error}")


class _NeedData(Exception):
    """There are no more lines yet. (StopIteration would tell csv.reader that the file has ended.)"""


class _Dry(Iterator[str]):
    def __next__(self) -> str:
        raise _NeedData
