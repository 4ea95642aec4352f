"""CSV exports, streamed: never whole in memory, and never taken for whole when they were cut short."""

from __future__ import annotations

import builtins
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date
from types import TracebackType
from typing import TYPE_CHECKING, Final, NoReturn, Self

from ac_sms_async.async_only import AsyncOnly
from ac_sms_async.downloads.csv_records import CsvRecords, CsvRows, RecordBorder
from ac_sms_async.downloads.part_file import whole_file
from ac_sms_async.downloads.part_writer import PartWriter
from ac_sms_async.errors import ConfigurationError
from ac_sms_async.lowlevel.api.exports import export_broadcast_metrics, export_broadcast_recipients
from ac_sms_async.lowlevel.types import Request
from ac_sms_async.models import BroadcastIds, RecipientsExportRequest
from ac_sms_async.options import refuse_async
from ac_sms_async.resources import arguments
from ac_sms_async.resources.base import Resource
from ac_sms_async.resources.recipients import Deliverability, Engagement, RecipientOrder, recipient_filters
from ac_sms_async.tasks import Background
from ac_sms_async.transport import StreamedResponse, Transport

__all__ = ["Export", "ExportsResource"]

_WRITE_SIZE: Final = 2 << 20
"""Bytes written at once, and held twice. A trip to a worker thread takes the CPU of receiving and writing 100 KB."""


class Export(AsyncOnly):
    """A CSV export under way: `async with sms.exports.metrics(ids) as export`, then read it once, in one of four ways.

    It holds one of the client's slots until its last byte is read, or the block ends. Leaving the block early is fine,
    also in another task. A reading that was interrupted (a time-out around `anext`, say) goes on where the backend can,
    and raises `TransportError` at each further step where it can't; what ends without an error is whole.
    """

    _instead_of_await = "use `async with ... as export`, and then `await export.save(path)`, for example"
    _instead_of_for = "use `async with ... as export`, and then `async for row in export.rows()`"

    def __init__(
        self, transport: Transport, request: Request[str], total_timeout: float | None, *, personal: bool
    ) -> None:
        self._personal = personal
        self._about = f"{request.method} {request.path}"
        self._opening: AbstractAsyncContextManager[StreamedResponse] = transport.stream(
            request, total_timeout=total_timeout
        )
        self._response: StreamedResponse | None = None
        self._taken = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} by {self._about}>"

    if TYPE_CHECKING:
        # They refuse it by themselves.
        ...
    else:

        def __aiter__(self) -> NoReturn:
            raise TypeError(f"an export is iterated by one of its methods: {self._instead_of_for}")

    async def __aenter__(self) -> Self:
        self._response = await self._opening.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._opening.__aexit__(kind, error, traceback)

    @property
    def headers(self) -> Mapping[str, str]:
        """The answer's headers, names in lower case."""
        return self._open().headers

    @property
    def complete(self) -> bool | None:
        """False until the end was read; then True, or None where only the closing of the connection marked the end.

        None can't tell a whole export from one that was cut exactly at the end of a record.
        """
        return self._open().complete

    def bytes(self) -> AsyncIterator[bytes]:
        """The export as it comes, in chunks of bytes.

        Raises `TransportError` where it is cut short, `InvalidResponseError` for an answer that is no CSV, as JSON is.
        """
        response = self._take()
        if response.ends_by_itself:
            return response.chunks()
        return RecordBorder(response, about=response.about)

    def records(self) -> AsyncIterator[list[str]]:
        """Row by row as lists of text, the header first; exactly the rows of the csv module on the whole file.

        Raises `TransportError` where it is cut short, `InvalidResponseError` for what is no CSV, or not in UTF-8.
        """
        response = self._take()
        return CsvRecords(response, about=response.about)

    def rows(self) -> AsyncIterator[dict[str, str]]:
        """Row by row as dicts, by the names in the header. Raises as `records`; tasks that share them take turns."""
        response = self._take()
        return CsvRows(response, about=response.about)

    async def save(self, path: str | os.PathLike[str], *, on_progress: Callable[[int], object] | None = None) -> int:
        """Write the export to a file, which appears whole or not at all; returns its size in bytes.

        An existing file, or the one that a link leads to, is replaced once the new one is whole, and its mode stays. A
        new file of recipients is for the user alone (mode 0600). A pipe or a device is written to as it comes.
        `on_progress(bytes_written)` is called as it grows. Raises `TransportError` where the export is cut short,
        `InvalidResponseError` where it is no CSV, `OSError` where it can't be written.
        """
        refuse_async("on_progress", on_progress)
        chunks = self.bytes()
        async with whole_file(path, private=self._personal) as part, Background() as background:
            writer = PartWriter(part)
            background.start(writer.run, writer.end)
            return await _write(chunks, writer, on_progress)

    def _open(self) -> StreamedResponse:
        if self._response is None:
            raise ConfigurationError("an export is opened by `async with`")
        return self._response

    def _take(self) -> StreamedResponse:
        response = self._open()
        if self._taken:
            raise ConfigurationError("an export can be read once: start another one")
        self._taken = True
        return response


async def _write(
    chunks: AsyncIterator[builtins.bytes], writer: PartWriter, on_progress: Callable[[int], object] | None
) -> int:
    size, waiting, pieces = 0, 0, list[builtins.bytes]()
    async for chunk in chunks:
        pieces.append(chunk)
        waiting += len(chunk)
        if waiting >= _WRITE_SIZE:
            await writer.drain()
            if size and on_progress is not None:
                on_progress(size)
            writer.put(pieces)
            size, waiting, pieces = size + waiting, 0, []
    await writer.drain()
    if size and on_progress is not None:
        on_progress(size)
    writer.put(pieces)
    await writer.drain()
    if on_progress is not None:
        on_progress(size + waiting)
    return size + waiting


class ExportsResource(Resource):
    """`sms.exports`: CSV exports, to be opened by `async with`."""

    def metrics(self, ids: Iterable[int], *, total_timeout: float | None = None) -> Export:
        """The metrics of some broadcasts as CSV; nothing is sent before the `async with`.

        The client's deadline runs until the answer begins, then its read timeout holds between chunks, and
        `total_timeout` (seconds) for all of it. Entering raises `SMSError`. Operation: exportBroadcastMetrics.
        """
        body = BroadcastIds(ids=arguments.id_list(ids))
        return Export(self._transport, export_broadcast_metrics.request(body), total_timeout, personal=False)

    def recipients(
        self,
        broadcast_id: int,
        *,
        start_date: date | None = None,
        end_date: date | None = None,
        deliverability: Sequence[Deliverability] | None = None,
        engagement: Sequence[Engagement] | None = None,
        search: str | None = None,
        order: RecipientOrder | None = None,
        total_timeout: float | None = None,
    ) -> Export:
        """The recipients of a broadcast with their contact records as CSV; nothing is sent before the `async with`.

        The filters are those of `recipients.list`, the timeouts those of `metrics`. Entering raises `SMSError`.
        Operation: exportBroadcastRecipients.
        """
        checked = arguments.positive_id(broadcast_id, "broadcast_id")
        given = recipient_filters(start_date, end_date, deliverability, engagement, search)
        if order is not None:
            # The document says no more than that this is an object; it is named as in the query of the listing.
            given["order"] = {"field": arguments.choice(order, RecipientOrder, "order")}
        body = RecipientsExportRequest(**given)
        return Export(self._transport, export_broadcast_recipients.request(checked, body), total_timeout, personal=True)
