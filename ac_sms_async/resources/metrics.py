"""What came of broadcasts: metrics one request at a time or in bulk, totals of the account, failures by code."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable
from datetime import date
from typing import TypeAlias, overload

from attrs import define, frozen

from ac_sms_async.batching.outcome import Failed, Found, Missing
from ac_sms_async.batching.stream import OutcomeStream, collect
from ac_sms_async.errors import ConfigurationError, SMSError
from ac_sms_async.lowlevel.api.metrics import (
    get_broadcast_failures,
    get_broadcast_metrics,
    get_broadcast_snapshot,
    get_broadcast_snapshot_by_ids,
)
from ac_sms_async.models import BroadcastIds, BroadcastMetrics, FailureDetail, Snapshot
from ac_sms_async.resources import arguments
from ac_sms_async.resources.base import Resource

__all__ = [
    "FailuresFound",
    "FailuresOutcome",
    "FailuresStream",
    "MetricsBatch",
    "MetricsFound",
    "MetricsOutcome",
    "MetricsResource",
    "MetricsStream",
]

Ids: TypeAlias = Iterable[int] | AsyncIterable[int]
Progress: TypeAlias = Callable[[int, int, int | None], object]

_GIVE_UP_AFTER_SINGLE: int = 20
"""Ids in a row that are refused before a run of one id a request ends: two may well be deleted broadcasts."""


@frozen
class MetricsFound(Found[BroadcastMetrics]):
    """The metrics of one broadcast."""

    @property
    def metrics(self) -> BroadcastMetrics:
        """Its counts."""
        return self.value


@frozen
class FailuresFound(Found[list[FailureDetail]]):
    """The failures of one broadcast."""

    @property
    def failures(self) -> list[FailureDetail]:
        """A group for each error code; empty where no message failed."""
        return self.value


MetricsOutcome: TypeAlias = MetricsFound | Missing | Failed
"""What became of one broadcast's metrics; `.status` ("ok", "missing", "failed") tells which of the three it is."""

FailuresOutcome: TypeAlias = FailuresFound | Missing | Failed
"""What became of one broadcast's failures; `.status` ("ok", "missing", "failed") tells which of the three it is."""

MetricsStream: TypeAlias = OutcomeStream[BroadcastMetrics, MetricsFound]
FailuresStream: TypeAlias = OutcomeStream[list[FailureDetail], FailuresFound]


@define
class MetricsBatch:
    """The metrics of many broadcasts: every id that was asked for is in exactly one of the three."""

    metrics: dict[int, BroadcastMetrics]
    """By broadcast id, in the order asked for."""
    missing: list[int]
    """Ids that the server left out of its answer."""
    failed: dict[int, SMSError]
    """By broadcast id: why it could not be had."""


class MetricsResource(Resource):
    """`sms.metrics`: counts of sends, deliveries, clicks, replies, opt-outs and failures."""

    async def get(
        self, ids: Iterable[int], *, start_date: date | None = None, end_date: date | None = None
    ) -> dict[int, BroadcastMetrics]:
        """The metrics of some broadcasts in one request, by id; ids that the server doesn't know are left out.

        Dates are whole days, inclusive. For more than about a hundred ids use `fetch`. Raises `SMSError`.
        Operation: getBroadcastMetrics.
        """
        start_date, end_date = arguments.date_range(start_date, end_date)
        return await self._get(arguments.id_list(ids), start_date, end_date)

    async def _get(self, ids: list[int], start_date: date | None, end_date: date | None) -> dict[int, BroadcastMetrics]:
        found = await get_broadcast_metrics.asyncio(
            self._transport, BroadcastIds(ids=ids), start_date=start_date, end_date=end_date
        )
        return {metrics.id: metrics for metrics in found.metrics}

    def stream(
        self,
        ids: Ids,
        *,
        start_date: date | None = None,
        end_date: date | None = None,
        chunk_size: int = 100,
        max_concurrency: int = 4,
        ordered: bool = True,
        on_progress: Progress | None = None,
    ) -> MetricsStream:
        """The metrics of any number of broadcasts, one outcome for each id, as they come: `async for outcome in ...`.

        `ids` may be endless and may be asynchronous; duplicates are asked for once. `chunk_size` ids a request, up to
        `max_concurrency` requests at once; `ordered=False` yields chunks as they arrive. A chunk that is refused is
        split until the bad id is alone. `on_progress(done, failed, total)` is called after each chunk. Memory doesn't
        grow but for the ids seen. Raises `AuthenticationError`, `PaymentRequiredError` or `PermissionDeniedError` at
        once, other errors stay with their ids. Operation: getBroadcastMetrics.
        """
        start_date, end_date = arguments.date_range(start_date, end_date)

        async def fetch(chunk: list[int]) -> dict[int, BroadcastMetrics]:
            return await self._get(chunk, start_date, end_date)

        return OutcomeStream(
            ids,
            fetch,
            found=MetricsFound,
            chunk_size=chunk_size,
            max_concurrency=max_concurrency,
            ordered=ordered,
            on_progress=on_progress,
        )

    async def fetch(
        self,
        ids: Ids,
        *,
        start_date: date | None = None,
        end_date: date | None = None,
        chunk_size: int = 100,
        max_concurrency: int = 4,
        on_progress: Progress | None = None,
    ) -> MetricsBatch:
        """The metrics of many broadcasts, gathered: every id asked for is in `.metrics`, `.missing` or `.failed`.

        As `stream`, of which it is the sum. An error that ends the run carries what was gathered so far as `.batch`.
        Operation: getBroadcastMetrics.
        """
        outcomes = self.stream(
            ids,
            start_date=start_date,
            end_date=end_date,
            chunk_size=chunk_size,
            max_concurrency=max_concurrency,
            on_progress=on_progress,
        )
        return await collect(outcomes, MetricsBatch)

    @overload
    async def snapshot(self, *, start_date: date | None = None, end_date: date | None = None) -> Snapshot: ...
    @overload
    async def snapshot(self, *, ids: Iterable[int]) -> Snapshot: ...
    async def snapshot(
        self, *, start_date: date | None = None, end_date: date | None = None, ids: Iterable[int] | None = None
    ) -> Snapshot:
        """The sums over all broadcasts of the account, in a range of dates or ever; or over those named by `ids`.

        Dates are whole days, inclusive; they can't be combined with `ids`. Raises `SMSError`.
        Operations: getBroadcastSnapshot; with `ids`, getBroadcastSnapshotByIds.
        """
        start_date, end_date = arguments.date_range(start_date, end_date)
        if ids is None:
            found = await get_broadcast_snapshot.asyncio(self._transport, start_date=start_date, end_date=end_date)
        elif start_date is None and end_date is None:
            body = BroadcastIds(ids=arguments.id_list(ids))
            found = await get_broadcast_snapshot_by_ids.asyncio(self._transport, body)
        else:
            raise ConfigurationError("a snapshot is of ids or of a range of dates: leave one of them out")
        return found.snapshot

    async def failures(
        self, broadcast_id: int, *, start_date: date | None = None, end_date: date | None = None
    ) -> list[FailureDetail]:
        """Why messages of a broadcast failed: a group for each error code, with its source and count.

        Dates are whole days, inclusive. Raises `SMSError`. Operation: getBroadcastFailures.
        """
        checked = arguments.positive_id(broadcast_id, "broadcast_id")
        start_date, end_date = arguments.date_range(start_date, end_date)
        return await self._failures(checked, start_date, end_date)

    async def _failures(self, broadcast_id: int, start_date: date | None, end_date: date | None) -> list[FailureDetail]:
        found = await get_broadcast_failures.asyncio(
            self._transport, broadcast_id, start_date=start_date, end_date=end_date
        )
        return found.failures

    def stream_failures(
        self,
        ids: Ids,
        *,
        start_date: date | None = None,
        end_date: date | None = None,
        max_concurrency: int = 4,
        ordered: bool = True,
        on_progress: Progress | None = None,
    ) -> FailuresStream:
        """The failures of any number of broadcasts, one request and one outcome for each id, as they come.

        As `stream`; the run ends early after 20 ids in a row that the server refuses. Operation: getBroadcastFailures.
        """
        start_date, end_date = arguments.date_range(start_date, end_date)

        async def fetch(chunk: list[int]) -> dict[int, list[FailureDetail]]:
            return {chunk[0]: await self._failures(chunk[0], start_date, end_date)}

        return OutcomeStream(
            ids,
            fetch,
            found=FailuresFound,
            chunk_size=1,
            max_concurrency=max_concurrency,
            ordered=ordered,
            give_up_after=_GIVE_UP_AFTER_SINGLE,
            on_progress=on_progress,
        )
