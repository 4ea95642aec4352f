"""Work handed out in order, from the store, a few at a time: memory does not grow with what there is to do."""

from __future__ import annotations

from collections import deque

import anyio

from ac_sms_async.collect.ledger import Ledger
from ac_sms_async.collect.stored_account import Kind

__all__ = ["WorkQueue"]

_AHEAD = 200


class WorkQueue:
    """The work of one kind. Producers write it to the ledger and `wake` the queue; workers `take` until it is empty."""

    def __init__(self, ledger: Ledger, kind: Kind) -> None:
        self._ledger = ledger
        self._kind: Kind = kind
        self._ahead: deque[int] = deque()
        self._cursor = 0
        self._closed = False
        self._news = anyio.Event()
        self._turn = anyio.Lock()

    def wake(self) -> None:
        """Say that there may be more."""
        self._news.set()

    def close(self) -> None:
        """Say that there will be no more."""
        self._closed = True
        self.wake()

    async def take(self, limit: int = 1, *, full: bool = False) -> list[int]:
        """The next ids, up to `limit`; with `full`, waits until there are that many.

        Fewer means that the queue is closed; none, that all of it was taken.
        """
        async with self._turn:
            while len(self._ahead) < (limit if full else 1):
                # Both are looked at before the store is asked, so that news in between is not missed.
                self._news = news = anyio.Event()
                closed = self._closed
                rows = await self._ledger.pending(self._kind, self._cursor, max(limit, _AHEAD))
                if rows:
                    self._cursor = rows[-1][0]
                    self._ahead.extend(broadcast_id for _, broadcast_id in rows)
                elif closed:
                    break
                else:
                    await news.wait()
            return [self._ahead.popleft() for _ in range(min(limit, len(self._ahead)))]
