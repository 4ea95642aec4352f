"""Exports: read once, in four ways; saved whole or not at all; a cut body is never taken for a whole one."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import httpx
import pytest
from pytest_httpx import HTTPXMock, IteratorStream

from ac_sms_async import ConfigurationError, NotFoundError, SMSClient, TransportError
from ac_sms_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

CSV = b'\xef\xbb\xbfid,name\r\n7,"Ann\nLee"\r\n8,"say ""hi"""\r\n'
ROWS = [["id", "name"], ["7", "Ann\nLee"], ["8", 'say "hi"']]


def answer(httpx_mock: HTTPXMock, *chunks: bytes, closing: bool = False) -> None:
    """An export whose end is marked, or (`closing`) only by the connection's end."""
    headers = {"content-type": "text/csv"}
    if not closing:
        headers["content-length"] = str(sum(map(len, chunks)))
    httpx_mock.add_response(headers=headers, stream=IteratorStream(chunks))


async def test_one_export_reads_as_bytes_records_rows_or_a_file(
    sms: SMSClient, httpx_mock: HTTPXMock, tmp_path: Path
) -> None:
    for _ in range(4):
        answer(httpx_mock, CSV[:20], CSV[20:])
    async with sms.exports.metrics([7]) as export:
        assert export.headers["content-type"] == "text/csv"
        assert [export.complete] == [False]
        assert b"".join([chunk async for chunk in export.bytes()]) == CSV
        assert export.complete is True
    async with sms.exports.metrics([7]) as export:
        assert [record async for record in export.records()] == ROWS
    async with sms.exports.metrics([7]) as export:
        assert [row async for row in export.rows()] == [
            {"id": "7", "name": "Ann\nLee"},
            {"id": "8", "name": 'say "hi"'},
        ]
    grown: list[int] = []
    async with sms.exports.metrics([7]) as export:
        assert await export.save(tmp_path / "m.csv", on_progress=grown.append) == len(CSV)
    assert (tmp_path / "m.csv").read_bytes() == CSV
    assert [path.name for path in tmp_path.iterdir()] == ["m.csv"]
    assert grown == [len(CSV)]


async def test_a_large_export_is_written_in_pieces(sms: SMSClient, httpx_mock: HTTPXMock, tmp_path: Path) -> None:
    line = b"7," + b"x" * 1021 + b"\n"
    answer(httpx_mock, *[line * 1024] * 5)
    grown: list[int] = []
    async with sms.exports.metrics([7]) as export:
        size = await export.save(str(tmp_path / "m.csv"), on_progress=grown.append)
    assert size == len(line) * 1024 * 5 == (tmp_path / "m.csv").stat().st_size
    assert grown == [2 << 20, 4 << 20, size]


async def test_an_existing_file_is_replaced_only_by_a_whole_one(
    sms: SMSClient, httpx_mock: HTTPXMock, tmp_path: Path
) -> None:
    target = tmp_path / "m.csv"
    target.write_text("old")
    answer(httpx_mock, CSV[:20], closing=True)
    with pytest.raises(TransportError, match="middle of a record"):
        async with sms.exports.metrics([7]) as export:
            await export.save(target)
    assert target.read_text() == "old"
    answer(httpx_mock, CSV, closing=True)
    async with sms.exports.metrics([7]) as export:
        await export.save(target)
        assert export.complete is None
    assert target.read_bytes() == CSV
    assert [path.name for path in tmp_path.iterdir()] == ["m.csv"]


async def test_a_save_that_is_cancelled_leaves_nothing(sms: SMSClient, httpx_mock: HTTPXMock, tmp_path: Path) -> None:
    class Endless(httpx.AsyncByteStream):
        begun = False

        def __aiter__(self) -> AsyncIterator[bytes]:
            return self

        async def __anext__(self) -> bytes:
            if self.begun:
                await anyio.sleep_forever()
            self.begun = True
            return CSV

    httpx_mock.add_response(headers={"content-type": "text/csv"}, stream=Endless())
    with anyio.move_on_after(0.05) as scope:
        async with sms.exports.metrics([7]) as export:
            await export.save(tmp_path / "m.csv")
    assert scope.cancelled_caught
    assert list(tmp_path.iterdir()) == []


async def test_a_folder_that_is_not_there_is_an_error_of_the_system(
    sms: SMSClient, httpx_mock: HTTPXMock, tmp_path: Path
) -> None:
    answer(httpx_mock, CSV)
    async with sms.exports.metrics([7]) as export:
        with pytest.raises(FileNotFoundError):
            await export.save(tmp_path / "missing" / "m.csv")


async def test_an_export_is_opened_once_and_read_once(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(content=CSV)
    export = sms.exports.metrics([7])
    with pytest.raises(ConfigurationError, match="async with"):
        export.records()
    async with export:
        # Leaving the loop early is fine.
        async for record in export.records():
            assert record == ["id", "name"]
            break
        with pytest.raises(ConfigurationError, match="read once"):
            export.rows()


async def test_a_refused_export_is_an_error_before_the_block(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=404, json={"message": "No Result found"})
    with pytest.raises(NotFoundError, match="No Result found"):
        async with sms.exports.recipients(7):
            pytest.fail("the block must not be entered")


async def test_exports_of_the_sandbox_are_what_the_csv_module_reads(tmp_path: Path) -> None:
    with Sandbox(seed=3, broadcasts=12, recipients=300) as sandbox:
        async with SMSClient(sandbox.url, sandbox.token) as sms:
            sent = await sms.broadcasts.list(status="sent").to_list()
            async with sms.exports.recipients(sent[0].id, deliverability=["failures"]) as export:
                records = [record async for record in export.records()]
            async with sms.exports.recipients(sent[0].id, deliverability=["failures"]) as export:
                await export.save(tmp_path / "r.csv")
                assert export.complete is True
            failures = (await sms.metrics.get([sent[0].id]))[sent[0].id].failures
    text = (tmp_path / "r.csv").read_bytes().decode("utf-8-sig")
    assert records == list(csv.reader(io.StringIO(text, newline="")))
    assert len(records) == 1 + (failures or 0)
