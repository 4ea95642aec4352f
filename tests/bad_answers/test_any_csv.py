"""An export of any bytes gives rows or one of our errors; what it gives equals what the csv module reads."""

from __future__ import annotations

import csv
import io
import itertools

import anyio
import httpx
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ac_sms_async import InvalidResponseError, SMSError, TransportError
from tests.bad_answers.memory import Pieces, client_of


async def _records(pieces: list[bytes]) -> list[list[str]]:
    def server(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Pieces(pieces), headers={"Transfer-Encoding": "chunked"})

    async with client_of(server) as sms, sms.exports.metrics([1]) as export:
        return [record async for record in export.records()]


def _cut(data: bytes, places: list[int]) -> list[bytes]:
    borders = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in itertools.pairwise(borders)]


csv_text = st.text(st.sampled_from('a1,;"\n\r\u00e9\u20ac\U0001f600 \x00'), max_size=40)


@settings(max_examples=300)
@given(text=csv_text, places=st.lists(st.integers(0, 200), max_size=8), mark=st.booleans())
@example(text='"a\r\nb",c\r\n', places=[3, 4], mark=True)
def test_rows_equal_those_of_the_csv_module(text: str, places: list[int], mark: bool) -> None:
    data = (b"\xef\xbb\xbf" if mark else b"") + text.encode()
    try:
        expected = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    except csv.Error:
        expected = None
    try:
        records = [row for row in anyio.run(_records, _cut(data, places)) if row]
    except InvalidResponseError:
        assert expected is None
    else:
        assert records == expected


@settings(max_examples=150)
@given(data=st.binary(max_size=60), places=st.lists(st.integers(0, 60), max_size=4))
def test_any_bytes(data: bytes, places: list[int]) -> None:
    error: SMSError | None = None
    try:
        anyio.run(_records, _cut(data, places))
    except (InvalidResponseError, TransportError) as caught:
        error = caught
    if error is not None:
        assert error.request is not None
        assert not error.maybe_applied
