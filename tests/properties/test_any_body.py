"""A body in any encoding and framing, cut at any byte: its exact bytes or an error, and never a clean short end.

Real sockets, every backend and the user's own client, both event loops.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import anyio
import attrs
import pytest
from attrs import frozen
from hypothesis import HealthCheck, example, given, note, settings
from hypothesis import strategies as st

from ac_sms_async import Export, RetryPolicy, SMSClient, SMSError
from tests.faults.server import ServerThread
from tests.properties.bodies import SPOKEN, Framing, Wire, cut, wires
from tests.properties.connections import CONNECTIONS, examples, sms_client
from tests.properties.http2_server import Http2Say, http2_server
from tests.transport.raw_server import RawServer, Say, Seen

Reader: TypeAlias = Literal["bytes", "rows", "records", "save"]

READERS: Final[tuple[Reader, ...]] = ("bytes", "rows", "records", "save")
FRAMINGS: Final[tuple[Framing, ...]] = ("length", "chunked", "close", "1.0 length", "1.0 close")

cell = st.text(st.sampled_from(SPOKEN), max_size=6)


def _csv(rows: list[list[str]]) -> bytes:
    written = io.StringIO(newline="")
    csv.writer(written).writerows([["id", "name"], *rows])
    return written.getvalue().encode()


tables = st.one_of(
    st.lists(st.lists(cell, min_size=2, max_size=2), max_size=30).map(_csv),
    # Enough for several reads.
    st.integers(500, 20_000).map(lambda count: _csv([[str(number), "x"] for number in range(count)])),
)
objects = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | cell,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(cell, inner, max_size=4),
    max_leaves=12,
).map(lambda value: json.dumps({"value": value}, ensure_ascii=False).encode())


class Server:
    """Says the same to everybody, as the test last told it."""

    def __init__(self) -> None:
        self.say = Say()
        self.raw = RawServer(self._answer)

    def _answer(self, seen: Seen) -> Say:
        return self.say

    def will_say(self, wire: Wire, content_type: str) -> None:
        keeps = wire.missing is None and wire.framing in ("length", "chunked")
        self.say = Say(wire.pieces(content_type), then="keep" if keeps else wire.then)
        if wire.missing is None and not wire.ends_by_itself:
            # Only a regular end marks it.
            self.say.then = "close"


@pytest.fixture(scope="module")
def server() -> Generator[Server]:
    server = Server()
    with server.raw:
        yield server


@frozen
class Got:
    """What came out of an export that ended cleanly."""

    content: bytes
    complete: bool | None


async def _read(export: Export, reader: Reader, folder: Path) -> bytes:
    if reader == "bytes":
        return b"".join([chunk async for chunk in export.bytes()])
    if reader == "save":
        await export.save(folder / "export.csv")
        return (folder / "export.csv").read_bytes()
    if reader == "records":
        return _csv([record async for record in export.records()][1:])
    return _csv([[row["id"], row["name"]] async for row in export.rows()])


async def _export(sms: SMSClient, reader: Reader, folder: Path) -> Got:
    async with sms.exports.metrics([1]) as export:
        content = await _read(export, reader, folder)
        return Got(content, export.complete)


def _hold_export(wire: Wire, got: Got | SMSError) -> None:
    note(repr(got))
    whole = wire.missing is None
    if isinstance(got, SMSError):
        assert not whole, "a whole export is an error"
        assert not got.maybe_applied
        return
    if got.content == wire.content:
        # Bytes that are missing may be only those that mark the end.
        assert got.complete is True or (got.complete is None and not wire.ends_by_itself)
        return
    assert not whole, "other bytes than those that were sent"
    # What only the end of the connection marks can't be told from a whole export where it is cut between two records.
    assert not wire.ends_by_itself, "a clean short end"
    assert got.complete is None, "a clean short end that is called complete"
    assert wire.content.startswith(got.content)
    assert got.content.endswith((b"\r", b"\n")) or not got.content
    assert got.content.count(b'"') % 2 == 0, "cut in the middle of a cell"


CASES: Final[dict[str, Any]] = {
    "max_examples": examples(40),
    "deadline": None,
    "print_blob": True,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}


def _whole(codings: tuple[str, ...], framing: Framing = "length", places: tuple[int, ...] = ()) -> Wire:
    rows = _csv([[str(number), "x"] for number in range(300)])
    return Wire(rows, codings, framing, places, False, False, None, "close")


@pytest.mark.parametrize(("loop", "backend"), CONNECTIONS)
def test_exports(server: Server, tmp_path_factory: pytest.TempPathFactory, loop: str, backend: str) -> None:
    folder = tmp_path_factory.mktemp("exports")

    async def run(wire: Wire, reader: Reader) -> Got | SMSError:
        server.will_say(wire, "text/csv")
        async with sms_client(backend, server.raw.url, retry=RetryPolicy(1)) as sms:
            try:
                with anyio.fail_after(10):
                    return await _export(sms, reader, folder)
            except SMSError as error:
                return error

    @settings(**CASES)
    @given(wires(tables, FRAMINGS), st.sampled_from(READERS))
    @example(_whole(("gzip",), places=(500, 900)), "rows")
    @example(_whole(("raw deflate",)), "bytes")
    @example(_whole(("gzip", "identity"), "chunked", (7, 300)), "records")
    @example(_whole(("UTF-8",), "1.0 close"), "save")
    def hold(wire: Wire, reader: Reader) -> None:
        _hold_export(wire, anyio.run(run, wire, reader, backend=loop))

    hold()


@pytest.mark.parametrize(("loop", "backend"), CONNECTIONS)
def test_calls(server: Server, loop: str, backend: str) -> None:
    async def run(wire: Wire) -> Any:
        server.will_say(wire, "application/json")
        async with sms_client(backend, server.raw.url, retry=RetryPolicy(1)) as sms:
            try:
                with anyio.fail_after(10):
                    return (await sms.request("GET", "/x")).parsed
            except SMSError as error:
                return error

    @settings(**CASES)
    @given(wires(objects, FRAMINGS))
    def hold(wire: Wire) -> None:
        got = anyio.run(run, wire, backend=loop)
        note(repr(got))
        if isinstance(got, SMSError):
            assert wire.missing is not None, "a whole answer is an error"
        elif got is None:
            # Where only the end of the connection marks it, nothing at all can't be told from an answer without a body.
            assert wire.missing is not None
            assert not wire.ends_by_itself
        else:
            assert got == json.loads(wire.content)

    hold()


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_exports_over_http2(thread: ServerThread, tmp_path: Path, loop: str) -> None:
    """Over the user's own client: END_STREAM is an end, and nothing else is."""

    @settings(**CASES)
    @given(wires(tables, ["length", "close"]), st.sampled_from(READERS))
    @example(attrs.evolve(_whole(("identity",), "close"), content=b"id,name\r\n1,x"), "bytes")
    def hold(wire: Wire, reader: Reader) -> None:
        body = wire.body()
        headers = [("content-type", "text/csv"), *((name.lower(), value) for name, value in wire.headers())]
        if wire.framing == "length":
            headers.append(("content-length", str(len(body))))
        if wire.missing is not None:
            body = body[: len(body) - wire.lost(len(body))]
        pieces = [piece for piece in cut(body, wire.places) if piece]
        speaker.say = Http2Say(headers, pieces, "end" if wire.missing is None else wire.then)

        async def run() -> Got | SMSError:
            async with sms_client("own client", speaker.url, http2=True, retry=RetryPolicy(1)) as sms:
                try:
                    with anyio.fail_after(10):
                        return await _export(sms, reader, tmp_path)
                except SMSError as error:
                    return error

        got = anyio.run(run, backend=loop)
        note(repr(got))
        if isinstance(got, SMSError):
            assert wire.missing is not None, "a whole export is an error"
        else:
            assert wire.missing is None, "a clean short end"
            assert got == Got(wire.content, True)

    with http2_server(thread) as speaker:
        hold()
