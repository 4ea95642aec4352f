"""CSV in pieces equals the csv module's reading of the whole, and a body that was cut is noticed."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import AsyncIterator
from typing import Any

import anyio.lowlevel
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from ac_sms_async.downloads.csv_parser import CsvParser
from ac_sms_async.downloads.csv_records import CsvRecords, CsvRows, RecordBorder
from ac_sms_async.errors import InvalidResponseError, TransportError

BOM = b"\xef\xbb\xbf"


class Source:
    """A body in pieces; its end was marked, unless `complete` is None."""

    def __init__(self, *pieces: bytes, complete: bool | None = True) -> None:
        self.pieces = pieces
        self.complete = complete

    def chunks(self) -> AsyncIterator[bytes]:
        return Chunks(self.pieces)


class Chunks:
    """Not a generator: trio warns of one that is left halfway."""

    def __init__(self, pieces: tuple[bytes, ...]) -> None:
        self._left = iter(pieces)

    def __aiter__(self) -> Chunks:
        return self

    async def __anext__(self) -> bytes:
        await anyio.lowlevel.checkpoint()
        for piece in self._left:
            return piece
        raise StopAsyncIteration


def whole(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.TextIOWrapper(io.BytesIO(body), "utf-8-sig", newline="")))


def in_pieces(body: bytes, cuts: list[int]) -> tuple[list[list[str]], CsvParser]:
    parser = CsvParser()
    edges = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    records: list[list[str]] = []
    for start, end in itertools.pairwise(edges):
        records += parser.feed(body[start:end])
        if parser.error is not None:
            return records, parser
    last, cut = parser.finish()
    return records + last + cut, parser


# Everything that means something to a CSV reader or to a splitter of lines, and some that doesn't.
TEXTS = st.lists(
    st.sampled_from(
        [
            '"',
            '""',
            ",",
            "\n",
            "\r",
            "\r\n",
            "a",
            "bc",
            " ",
            "\u2028",
            "\x85",
            "\x0b",
            "\x1c",
            "\0",
            "é",
            "😀",
            "\ufeff",
        ]
    ),
    max_size=40,
).map("".join)
CUTS = st.lists(st.integers(0, 200), max_size=8)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEXTS, st.booleans(), CUTS)
@example('a,"b\r\nc"\r\n', True, [5, 6, 7])
@example('"a\r', False, [3])
@example('"\r"\n\r', False, [2, 3, 4])
def test_records_equal_the_csv_modules_at_any_chunking(text: str, bom: bool, cuts: list[int]) -> None:
    body = (BOM if bom else b"") + text.encode()
    assert in_pieces(body, cuts)[0] == whole(body)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEXTS)
def test_every_byte_alone(text: str) -> None:
    body = text.encode()
    assert in_pieces(body, list(range(len(body))))[0] == whole(body)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=60), CUTS)
def test_bytes_that_are_no_text_are_found_behind_the_records_before(body: bytes, cuts: list[int]) -> None:
    # Python's decoder takes half a BOM, and nothing else, for an empty text.
    assume(body not in (BOM[:1], BOM[:2]))
    records, parser = in_pieces(body, cuts)
    text = body.removeprefix(BOM)
    good = len(text)
    try:
        text.decode()
    except UnicodeDecodeError as error:
        good = error.start
    before = CsvParser()
    complete = before.feed(text[:good])
    late, cut = before.finish()
    if good == len(text):
        assert records == complete + late + cut
    else:
        # A \r just before the bad byte may be the end of a record, or half of one.
        assert records in (complete, complete + late)
    assert (parser.error is None) == (good == len(text))


def test_records_come_out_as_soon_as_they_are_complete() -> None:
    parser = CsvParser()
    assert parser.feed(b'a,b\n1,"x') == [["a", "b"]]
    assert parser.feed(b"\ny") == []
    assert parser.feed(b'"\n2,z\r') == [["1", "x\ny"]]
    assert parser.feed(b"\n") == [["2", "z"]]
    assert parser.feed(b"3\r4\r5") == [["3"], ["4"]]
    assert parser.finish() == ([], [["5"]])


@pytest.mark.parametrize(
    ("body", "records", "cut"),
    [
        (b"", [], []),
        (b"a,b\n", [["a", "b"]], []),
        (b"a,b\r", [["a", "b"]], []),
        (b"a,b", [], [["a", "b"]]),
        (b"a\n\n", [["a"], []], []),
        (b'a\n"b\n', [["a"]], [["b\n"]]),
        (b'a\n"b\n\r', [["a"]], [["b\n\r"]]),
        (b"a\n1\r2", [["a"], ["1"]], [["2"]]),
        (BOM, [], []),
    ],
)
def test_a_record_without_its_end_is_told_apart(body: bytes, records: list[Any], cut: list[Any]) -> None:
    parser = CsvParser()
    early = parser.feed(body)
    late, rest = parser.finish()
    assert (early + late, rest) == (records, cut)


def test_a_field_beyond_the_csv_modules_limit_is_an_error_behind_the_records_before() -> None:
    limit = csv.field_size_limit()
    exact = b'1\n"' + b"x" * limit + b'"\n2\n'
    assert in_pieces(exact, [])[0] == [["1"], ["x" * limit], ["2"]]
    # Split just before the closing quote, where the field is as long as it may be and not over yet.
    lines = b'1\n"' + b"x" * (limit - 1) + b"\n" + b'"\n2\n'
    assert in_pieces(lines, [len(lines) - 4])[0] == whole(lines)
    for quote in (b'"', b""):
        for cuts in ([], [5], [limit // 2]):
            records, parser = in_pieces(b"1\n2\n" + quote + b"x" * (limit + 1) + quote + b"\n3\n", cuts)
            assert records == [["1"], ["2"]]
            assert parser.error is not None
            assert "field larger than field limit" in str(parser.error)
    records, parser = in_pieces(b"1\n" + b"x" * (limit + 1), [])
    assert records == [["1"]]
    assert parser.error is not None


def test_a_long_record_in_many_pieces_takes_linear_time() -> None:
    parser = CsvParser()
    line = b'"' + b"x\n" * 50 + b'",'
    reads = 0
    original = parser._read  # pyright: ignore[reportPrivateUsage] - counts how often it is read again

    def counting() -> list[list[str]]:
        nonlocal reads
        reads += 1
        return original()

    parser._read = counting  # type: ignore[method-assign]  # pyright: ignore[reportPrivateUsage]
    for _ in range(3000):
        assert parser.feed(line) == []
    assert reads < 150
    rest, cut = parser.finish()
    assert rest + cut == [[*["x\n" * 50] * 3000, ""]]


def bodies(size: int) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    for row in range(size):
        writer.writerow([row, f'multi\nline "{row}"' if row % 7 == 0 else "plain", "é, \u2028", ""])
    return buffer.getvalue().encode()


@pytest.mark.anyio
@pytest.mark.parametrize("piece", [7, 1000, 10**6])
async def test_a_stream_of_records(piece: int) -> None:
    body = bodies(2000)
    source = Source(*(body[at : at + piece] for at in range(0, len(body), piece)))
    assert [record async for record in CsvRecords(source)] == whole(body)


@pytest.mark.anyio
async def test_a_stream_can_be_left_and_gone_on_with() -> None:
    records = CsvRecords(Source(b"1\n2\n3\n", b"4\n5\n"))
    seen: list[list[str]] = []
    async for record in records:
        seen.append(record)
        break
    seen.append(await anext(records))
    seen += [record async for record in records]
    assert seen == [["1"], ["2"], ["3"], ["4"], ["5"]]
    assert await anext(records, None) is None


async def exhaust(stream: AsyncIterator[Any], into: list[Any]) -> None:
    while True:
        into.append(await anext(stream))


@pytest.mark.anyio
@pytest.mark.parametrize("ending", [b"3,", b'3,"x', b'3,"x\n', b'3,"\xc3'])
async def test_a_body_cut_in_a_record_is_noticed(ending: bytes) -> None:
    source = Source(b"1\n2\n", ending, complete=None)
    seen: list[list[str]] = []
    with pytest.raises(TransportError, match="middle of a record"):
        await exhaust(CsvRecords(source), seen)
    assert seen == [["1"], ["2"]]
    chunks: list[bytes] = []
    with pytest.raises(TransportError, match="middle of a record"):
        await exhaust(RecordBorder(source), chunks)
    assert b"".join(chunks) == b"1\n2\n" + ending
    with pytest.raises(TransportError):
        await exhaust(CsvRows(source), [])


@pytest.mark.anyio
@pytest.mark.parametrize("at", range(6))
async def test_half_a_line_end_is_no_end_where_lines_end_with_both(at: int) -> None:
    body = b"1\r\n2\r"
    source = Source(body[:at], body[at:], complete=None)
    seen: list[list[str]] = []
    with pytest.raises(TransportError, match="middle of a record"):
        await exhaust(CsvRecords(source), seen)
    assert seen == [["1"]]
    with pytest.raises(TransportError, match="middle of a record"):
        await exhaust(RecordBorder(source), [])


@pytest.mark.anyio
@pytest.mark.parametrize("body", [b"", b"1\n", b"1\r\n2\r\n", b'"a""b\n"\n', b"1\r", b"1\r2\r"])
async def test_a_body_that_ends_with_a_record_is_taken(body: bytes) -> None:
    source = Source(body[:2], body[2:], b"", complete=None)
    assert [record async for record in CsvRecords(source)] == whole(body)
    assert b"".join([chunk async for chunk in RecordBorder(source)]) == body


@pytest.mark.anyio
@pytest.mark.parametrize("body", [b"1,2", b'1,"2', b'1\n"2\n'])
async def test_where_the_end_was_marked_the_last_record_counts_as_it_is(body: bytes) -> None:
    source = Source(body)
    assert [record async for record in CsvRecords(source)] == whole(body)
    assert [chunk async for chunk in RecordBorder(source)] == [body]


@pytest.mark.anyio
@pytest.mark.parametrize("body", [b"1\n2\n\xff\n", b"1\n2\n3\xc3", b"1\n2\n" + b"x" * (csv.field_size_limit() + 1)])
async def test_what_is_no_csv_is_an_error_behind_the_records_before(body: bytes) -> None:
    records = CsvRecords(Source(body))
    seen: list[list[str]] = []
    for _ in range(2):
        with pytest.raises(InvalidResponseError, match="the CSV"):
            await exhaust(records, seen)
    assert seen == [["1"], ["2"]]


@pytest.mark.anyio
async def test_an_error_of_the_source_comes_through_behind_the_records_before() -> None:
    class Broken(Source):
        async def chunks(self) -> AsyncIterator[bytes]:
            yield b"1\n2\n3"
            raise TransportError("reset")

    seen: list[list[str]] = []
    with pytest.raises(TransportError, match="reset"):
        await exhaust(CsvRecords(Broken()), seen)
    assert seen == [["1"], ["2"]]


@pytest.mark.anyio
async def test_rows_by_name() -> None:
    body = b"id,name,,name,note\n\n1,Ann,x,y,z\n2,Ben\n3,Cid,x,y,z,more,evenmore\n"
    rows = CsvRows(Source(body))
    assert aiter(rows) is rows
    assert [row async for row in rows] == [
        {"id": "1", "name": "Ann", "column_3": "x", "column_4": "y", "note": "z"},
        {"id": "2", "name": "Ben", "column_3": "", "column_4": "", "note": ""},
        {
            "id": "3",
            "name": "Cid",
            "column_3": "x",
            "column_4": "y",
            "note": "z",
            "column_6": "more",
            "column_7": "evenmore",
        },
    ]


@pytest.mark.anyio
@pytest.mark.parametrize("body", [b"", b"\n\n", b"id,name\n", BOM + b"id,name\n"])
async def test_no_rows(body: bytes) -> None:
    assert [row async for row in CsvRows(Source(body))] == []


@pytest.mark.anyio
async def test_a_column_whose_name_looks_like_one_of_ours() -> None:
    body = b"column_2,,column_2,a,column_5,a\n1,2,3,4,5,6\n"
    [row] = [row async for row in CsvRows(Source(body))]
    assert list(row) == ["column_2", "column_2_", "column_3", "a", "column_5", "column_6"]
    assert list(row.values()) == ["1", "2", "3", "4", "5", "6"]
