"""Exports that are interrupted, refused, shared or closed elsewhere, each seen once with real people, over sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import StreamEnded

from ac_sms_async import ConfigurationError, InvalidResponseError, SMSClient, Timeout, TransportError
from ac_sms_async.lowlevel.api.exports import export_broadcast_metrics
from ac_sms_async.models import BroadcastIds
from tests.properties.connections import CONNECTIONS, sms_client
from tests.properties.piecemeal import Body, PiecemealServer
from tests.transport.raw_server import RawServer, Say, ok

pytestmark = pytest.mark.anyio

ROWS = 1000
CSV = b"id,name\r\n" + b"".join(b"%d,Ann\r\n" % number for number in range(ROWS))


@pytest.fixture(params=CONNECTIONS, ids=["-".join(kind) for kind in CONNECTIONS])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def anyio_backend(kind: tuple[str, str]) -> str:
    return kind[0]


def in_halves(pause: float) -> Say:
    """The second half of the export comes later."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: %d\r\n\r\n" % len(CSV)
    return Say([head + CSV[:5000], CSV[5000:]], pause=pause)


async def with_a_heartbeat(rows: AsyncIterator[Any], server: PiecemealServer) -> list[Any]:
    """All rows there are, by somebody who wants to hear of it when nothing comes for a moment. Then the rest comes."""
    got: list[Any] = []
    while True:
        with anyio.move_on_after(0.1) as scope:
            try:
                got.append(await anext(rows))
            except StopAsyncIteration:
                return got
        if scope.cancelled_caught:
            server.allow(1)


@pytest.mark.parametrize("reading", ["rows", "records", "bytes"])
async def test_reading_with_a_heartbeat_gives_all_or_an_error(kind: tuple[str, str], reading: str) -> None:
    with PiecemealServer(Body(CSV, "length", packed=False, pieces=2, cut=None)) as server:
        server.allow(1)
        async with sms_client(kind[1], server.url) as sms, sms.exports.metrics([1]) as export:
            reader = aiter(getattr(export, reading)())
            if kind[1] != "httptools":
                for _ in range(3):
                    with pytest.raises(TransportError, match="interrupted"):
                        await with_a_heartbeat(reader, server)
                assert export.complete is False
            else:
                got = await with_a_heartbeat(reader, server)
                assert export.complete is True
                assert (
                    len(b"".join(got) if reading == "bytes" else got)
                    == {
                        "rows": ROWS,
                        "records": ROWS + 1,
                        "bytes": len(CSV),
                    }[reading]
                )


async def take_all(chunks: AsyncIterator[bytes], into: list[bytes]) -> None:
    while True:
        into.append(await anext(chunks))


async def test_a_read_timeout_that_is_caught_is_not_forgotten(kind: tuple[str, str]) -> None:
    with PiecemealServer(Body(CSV, "length", packed=False, pieces=2, cut=None)) as server:
        server.allow(1)
        async with (
            sms_client(kind[1], server.url, timeout=Timeout(0.3)) as sms,
            sms.exports.metrics([1]) as export,
        ):
            chunks = export.bytes()
            got: list[bytes] = []
            for _ in range(3):
                with pytest.raises(TransportError, match=r"for 0\.3 s"):
                    await take_all(chunks, got)
                server.allow(1)
            assert b"".join(got) == CSV[: -(-len(CSV) // 2)]
            assert export.complete is False


async def test_tasks_that_share_the_rows_get_each_row_once(kind: tuple[str, str]) -> None:
    async def take(rows: AsyncIterator[dict[str, str]]) -> None:
        async for row in rows:
            got.append(int(row["id"]))
            await anyio.lowlevel.checkpoint()

    got: list[int] = []
    with RawServer(lambda seen: in_halves(0.01)) as server:
        async with sms_client(kind[1], server.url) as sms, sms.exports.metrics([1]) as export:
            rows = export.rows()
            async with anyio.create_task_group() as group:
                for _ in range(3):
                    group.start_soon(take, rows)
    assert sorted(got) == list(range(ROWS))


async def test_an_export_may_be_closed_by_another_task(kind: tuple[str, str]) -> None:
    with RawServer(lambda seen: in_halves(0.01)) as server:
        async with sms_client(kind[1], server.url, max_concurrency=1) as sms:
            export = sms.exports.metrics([1])
            async with anyio.create_task_group() as group:
                group.start_soon(export.__aenter__)
            rows = export.rows()
            assert await anext(rows) == {"id": "0", "name": "Ann"}
            async with anyio.create_task_group() as group:
                group.start_soon(export.__aexit__, None, None, None)
            with anyio.fail_after(5):
                async with sms.exports.metrics([1]) as another:
                    assert len([row async for row in another.rows()]) == ROWS


async def test_the_slot_comes_back_with_the_last_byte_and_not_with_the_blocks_end(kind: tuple[str, str]) -> None:
    with RawServer(lambda seen: in_halves(0.01)) as server:
        async with sms_client(kind[1], server.url, max_concurrency=1) as sms, sms.exports.metrics([1]) as first:
            assert len([row async for row in first.rows()]) == ROWS
            with anyio.fail_after(5):
                async with sms.exports.metrics([1]) as second:
                    assert len([row async for row in second.rows()]) == ROWS


REFUSED = [
    (b"application/json", b'{"message": "no such broadcast"}', "no such broadcast"),
    (b"application/problem+json; charset=utf-8", b'{"errors": [{"title": "no"}]}', "where CSV was promised: no"),
    (b"text/html; charset=utf-8", b"<!doctype html><title>x</title><h1>Please log in</h1>", "Please log in"),
    (b"Application/XHTML+XML", b"<html>Portal</html>", "Portal"),
    (b"text/html", b"", "is text/html where CSV was promised"),
    (b"image/png", b"\x89PNG", "image/png"),
]


@pytest.mark.parametrize(("content_type", "body", "said"), REFUSED)
async def test_what_calls_itself_something_else_is_refused_by_every_reader(
    kind: tuple[str, str], tmp_path: Path, content_type: bytes, body: bytes, said: str
) -> None:
    target = tmp_path / "old.csv"
    target.write_text("old")
    with RawServer(lambda seen: ok(body, b"Content-Type: " + content_type)) as server:
        async with sms_client(kind[1], server.url) as sms:
            for reading in ("bytes", "rows", "records"):
                async with sms.exports.recipients(1) as export:
                    reader = getattr(export, reading)()
                    with pytest.raises(InvalidResponseError, match=said) as caught:
                        await anext(reader)
                    for _ in range(2):
                        with pytest.raises(InvalidResponseError, match=said):
                            await anext(reader)
                    assert (caught.value.status, caught.value.body) == (200, body)
                    assert caught.value.request is not None
                    assert export.complete is False
            async with sms.exports.metrics([1]) as export:
                with pytest.raises(InvalidResponseError, match=said):
                    await export.save(target)
            with pytest.raises(InvalidResponseError, match=said) as caught:
                await export_broadcast_metrics.asyncio(sms.transport, BroadcastIds(ids=[1]))
            assert caught.value.body == body
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["old.csv"]


@pytest.mark.parametrize(
    "headers", [(), (b"Content-Type: application/octet-stream",), (b"Content-Type: text/plain",), (b"Content-Type:",)]
)
@pytest.mark.parametrize("first", [b"{id}", b"<id>", b"[id]"])
async def test_a_csv_stays_readable_whatever_it_begins_with_and_under_vague_names(
    kind: tuple[str, str], tmp_path: Path, headers: tuple[bytes, ...], first: bytes
) -> None:
    body = first + b",name\r\n1,Ann\r\n"
    with RawServer(lambda seen: ok(body, *headers)) as server:
        async with sms_client(kind[1], server.url) as sms:
            async with sms.exports.metrics([1]) as export:
                assert [row async for row in export.rows()] == [{first.decode(): "1", "name": "Ann"}]
            async with sms.exports.metrics([1]) as export:
                await export.save(tmp_path / "new.csv")
            assert await export_broadcast_metrics.asyncio(sms.transport, BroadcastIds(ids=[1])) == body.decode()
    assert (tmp_path / "new.csv").read_bytes() == body


@contextmanager
def over_http2(body: bytes) -> Generator[str]:
    """A server that speaks HTTP/2 in the clear, and says nothing of the length of its bodies."""

    def talk() -> None:
        with listener, listener.accept()[0] as connection:
            http2 = H2Connection(H2Configuration(client_side=False))
            http2.initiate_connection()
            connection.sendall(http2.data_to_send())
            while received := connection.recv(65536):
                for event in http2.receive_data(received):
                    if isinstance(event, StreamEnded):
                        number = event.stream_id
                        http2.send_headers(number, [(":status", "200"), ("content-type", "text/csv")])
                        http2.send_data(number, body, end_stream=True)
                connection.sendall(http2.data_to_send())

    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=talk)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    thread.join()


@pytest.mark.parametrize("kind", [("asyncio", "own client"), ("trio", "own client")], indirect=True)
@pytest.mark.parametrize("body", [CSV, CSV[:-2], b"id\n1"])
async def test_an_http2_export_without_a_line_break_at_its_end_is_whole(
    kind: tuple[str, str], tmp_path: Path, body: bytes
) -> None:
    with over_http2(body) as url:
        async with (
            httpx.AsyncClient(http1=False, http2=True, trust_env=False) as client,
            SMSClient(url, "token-of-the-tests", http_client=client, rate_limit=None) as sms,
        ):
            for reading in ("bytes", "rows", "records"):
                async with sms.exports.metrics([1]) as export:
                    got = [item async for item in getattr(export, reading)()]
                    assert got
                    assert export.complete is True
            async with sms.exports.metrics([1]) as export:
                assert await export.save(tmp_path / "new.csv") == len(body)


async def test_an_export_is_opened_once(kind: tuple[str, str]) -> None:
    with RawServer(lambda seen: in_halves(0)) as server:
        async with sms_client(kind[1], server.url) as sms:
            async with sms.exports.metrics([1]) as export:
                with pytest.raises(ConfigurationError, match="opened before"):
                    await export.__aenter__()
            with pytest.raises(ConfigurationError, match="opened before"):
                async with export:
                    pytest.fail("it was opened twice")


async def test_an_async_callback_is_refused(kind: tuple[str, str], tmp_path: Path) -> None:
    async def on_progress(*_: object) -> None: ...

    class Callback:
        async def __call__(self, *_: object) -> None: ...

    with RawServer(lambda seen: in_halves(0)) as server:
        async with sms_client(kind[1], server.url) as sms, sms.exports.metrics([1]) as export:
            for wrong in (on_progress, Callback()):
                with pytest.raises(ConfigurationError, match="on_progress must be a plain function"):
                    await export.save(tmp_path / "new.csv", on_progress=wrong)
                with pytest.raises(ConfigurationError, match="on_progress must be a plain function"):
                    sms.metrics.stream([1], on_progress=wrong)
            assert await export.save(tmp_path / "new.csv") == len(CSV)


async def test_recipients_are_saved_for_the_user_alone(kind: tuple[str, str], tmp_path: Path) -> None:
    with RawServer(lambda seen: in_halves(0)) as server:
        async with sms_client(kind[1], server.url) as sms:
            async with sms.exports.recipients(1) as export:
                await export.save(tmp_path / "recipients.csv")
            async with sms.exports.metrics([1]) as export:
                await export.save(tmp_path / "metrics.csv")
    (tmp_path / "any").touch()
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes["recipients.csv"] == 0o600
    assert modes["metrics.csv"] == modes["any"]
