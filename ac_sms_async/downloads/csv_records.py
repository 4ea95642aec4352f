"""CSV streams: records, rows by column name, or the bytes as they are; a body that was cut short is noticed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from copy import copy
from typing import Protocol, Self

import anyio

from ac_sms_async.errors import SMSError, TransportError

__all__ = ["ChunkSource", "CsvRecords", "CsvRows", "RecordBorder"]

_PIECE = 32 * 1024
"""Bytes parsed at once: much more keeps so many rows alive that the garbage collector walks through them."""


class ChunkSource(Protocol):
    """A body that is streamed."""

    @property
    def complete(self) -> bool | None:
        """Once it was read: True where its end was marked, None where it ended because the connection did."""
        ...

    def chunks(self) -> AsyncIterator[bytes]: ...


About = Callable[[SMSError], SMSError]
"""Tells an error which request it is about."""


def _unchanged(error: SMSError) -> SMSError:
    return error


def _cut() -> TransportError:
    return TransportError("the connection closed in the middle of a record: the CSV is not whole")


class CsvRecords:
    """Record by record as lists of text, as `csv.reader` gives them for the whole file.

    Raises `InvalidResponseError` for what is no UTF-8 and for a field longer than `csv.field_size_limit()`, and
    `TransportError` where the body ends in the middle of a record and nothing says that this was its end;
    both behind the records before.
    """

    def __init__(self, source: ChunkSource, *, about: About = _unchanged) -> None:
        # With the first CSV, not with the package: it brings the csv module, and most programs read no CSV.
        from ac_sms_async.downloads.csv_parser import CsvParser

        self._source = source
        self._about = about
        self._chunks = source.chunks()
        self._pieces: Iterator[bytes] = iter(())
        self._parser = CsvParser()
        self._turn = anyio.Lock(fast_acquire=True)
        # Reversed: the next one is the last.
        self._records: list[list[str]] = []
        self._ended = False
        self._failure: SMSError | None = None

    def __aiter__(self) -> Self:
        # Not a generator, though that would hand over a record in two thirds of the time: one that is interrupted is at
        # its end, and whoever goes on would take that for the end of the export.
        return self

    async def __anext__(self) -> list[str]:
        if self._records or await self._fill():
            return self._records.pop()
        raise StopAsyncIteration

    async def _fill(self) -> bool:
        """Get at least one record; False at the end."""
        # Tasks that share the records take turns: what one has begun to read comes before what the next one reads.
        async with self._turn:
            while not self._records:
                if self._failure is not None:
                    raise self._about(copy(self._failure))
                if self._ended:
                    return False
                records = await self._read()
                records.reverse()
                self._records += records
            return True

    async def _read(self) -> list[list[str]]:
        for piece in self._pieces:
            records = self._parser.feed(piece)
            break
        else:
            chunk = await anext(self._chunks, None)
            if chunk is None:
                records = self._finish()
            elif len(chunk) <= _PIECE:
                records = self._parser.feed(chunk)
            else:
                self._pieces = (chunk[at : at + _PIECE] for at in range(0, len(chunk), _PIECE))
                records = []
        self._failure = self._failure or self._parser.error
        return records

    def _finish(self) -> list[list[str]]:
        self._ended = True
        records, cut = self._parser.finish()
        if self._source.complete is not None:
            return records + cut
        if cut or self._parser.error is not None:
            self._failure = _cut()
        return records


class CsvRows:
    """Row by row as dicts: the first record names the columns. Blank lines are left out. Raises as `CsvRecords`.

    A column without a name, or with a name that came before, is called by its place, as `column_3`, and so are fields
    beyond the last column. Fields that a row lacks are "".
    """

    def __init__(self, source: ChunkSource, *, about: About = _unchanged) -> None:
        self._records = CsvRecords(source, about=about)
        self._names: list[str] = []
        self._columns = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> dict[str, str]:
        while True:
            record = await anext(self._records)
            if not record:
                continue
            if self._columns:
                return self._row(record)
            for name in record:
                self._name(name)
            self._columns = len(record)

    def _row(self, record: list[str]) -> dict[str, str]:
        missing = self._columns - len(record)
        if missing > 0:
            record += [""] * missing
        while len(self._names) < len(record):
            self._name("")
        return dict(zip(self._names, record, strict=False))

    def _name(self, name: str) -> None:
        if not name or name in self._names:
            name = f"column_{len(self._names) + 1}"
        while name in self._names:
            name += "_"
        self._names.append(name)


class RecordBorder:
    """The bytes as they come; raises `TransportError` at the end as `CsvRecords` does, without parsing them.

    It counts quotes: within quotes when their number is odd, as in all CSV whose quotes are doubled within fields.
    """

    def __init__(self, source: ChunkSource, *, about: About = _unchanged) -> None:
        self._source = source
        self._about = about
        self._chunks = source.chunks()
        self._quotes = 0
        self._last = b"\n"
        self._has_crlf = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        chunk = await anext(self._chunks, None)
        if chunk is None:
            if self._source.complete is None and (self._quotes % 2 or not self._is_line_end()):
                raise self._about(_cut())
            raise StopAsyncIteration
        self._quotes += chunk.count(b'"')
        self._has_crlf = self._has_crlf or b"\r\n" in chunk or (self._last == b"\r" and chunk.startswith(b"\n"))
        self._last = chunk[-1:] or self._last
        return chunk

    def _is_line_end(self) -> bool:
        # Where lines end with \r\n, a last \r is half of such an end.
        return self._last == b"\n" or (self._last == b"\r" and not self._has_crlf)
