"""One chunk of ids: fetched as a whole, and split where the server refuses it, until the bad ids are alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from copy import copy
from typing import Any, Generic, TypeAlias, TypeVar

from ac_sms_async.batching.outcome import Failed, Found, Missing, OutcomeOf
from ac_sms_async.errors import (
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    SMSError,
    UnprocessableError,
)

__all__ = ["ChunkFetch", "ChunkRunner", "FoundFactory"]

V = TypeVar("V")
FoundT = TypeVar("FoundT", bound=Found[Any])

ChunkFetch: TypeAlias = Callable[[list[int]], Awaitable[Mapping[int, V]]]
"""Fetches what belongs to some ids: `fetch(ids)`. Ids that the server left out are left out of the mapping."""
FoundFactory: TypeAlias = Callable[[int, V], FoundT]
"""Makes the outcome of an id that was found: `found(id, value)`."""

_REFUSED = (BadRequestError, NotFoundError, UnprocessableError)
"""The request isn't acceptable as it stands; one bad id may be the reason."""
_FATAL = (AuthenticationError, PaymentRequiredError, PermissionDeniedError, ConfigurationError)
"""No other chunk would fare better."""


class ChunkRunner(Generic[V, FoundT]):
    """Turns chunks of ids into outcomes, one for each id, in the order of the ids.

    A chunk that is refused (400, 404, 422) is split in halves until the bad ids are alone. Other errors of a request
    mark its ids as failed; 401, 402, 403 are raised.
    """

    def __init__(self, fetch: ChunkFetch[V], found: FoundFactory[V, FoundT], *, give_up_after: int) -> None:
        self.gave_up: SMSError | None = None
        """Set once `give_up_after` chunks in a row were refused to the last id: the last of these errors."""
        self._fetch = fetch
        self._found = found
        self._give_up_after = give_up_after
        self._refused_chunks: set[int] = set()

    async def run(self, index: int, ids: list[int], turn: Callable[[], Awaitable[None]]) -> list[OutcomeOf[FoundT]]:
        """The outcomes of chunk number `index`. Raises what ends the whole run.

        A chunk that has to be split awaits its `turn()` first, so that one is split at a time, in order.
        """
        answer = await self._ask(ids)
        if isinstance(answer, list):
            return answer
        if len(ids) == 1:
            outcomes, refused = self._all_failed(ids, answer), [answer]
        else:
            await turn()
            outcomes, refused = await self._split(ids)
        if len(refused) == len(ids):
            self._note_refused(index, refused[-1])
        return outcomes

    async def _ask(self, ids: list[int]) -> list[OutcomeOf[FoundT]] | SMSError:
        """The outcomes, or the error where the server refused these ids as they stand."""
        try:
            values = await self._fetch(ids)
        except _FATAL:
            raise
        except _REFUSED as error:
            return error
        except SMSError as error:
            return self._all_failed(ids, error)
        found = self._found
        return [found(id, values[id]) if id in values else Missing(id) for id in ids]

    async def _split(self, ids: list[int]) -> tuple[list[OutcomeOf[FoundT]], list[SMSError]]:
        """The outcomes of a refused chunk, and the errors of those ids that were refused alone."""
        outcomes: list[OutcomeOf[FoundT]] = []
        refused: list[SMSError] = []
        middle = len(ids) // 2
        parts = [ids[middle:], ids[:middle]]
        while parts:
            part = parts.pop()
            answer = await self._ask(part)
            if isinstance(answer, list):
                outcomes += answer
            elif len(part) == 1:
                outcomes += self._all_failed(part, answer)
                refused.append(answer)
            else:
                middle = len(part) // 2
                parts += [part[middle:], part[:middle]]
        return outcomes, refused

    def _all_failed(self, ids: list[int], error: SMSError) -> list[OutcomeOf[FoundT]]:
        return [Failed(id, error) for id in ids]

    def _note_refused(self, index: int, error: SMSError) -> None:
        chunks = self._refused_chunks
        chunks.add(index)
        first = last = index
        while first - 1 in chunks:
            first -= 1
        while last + 1 in chunks:
            last += 1
        if last - first + 1 >= self._give_up_after:
            # A copy, as the error itself is part of the outcomes that the one raised may come to carry.
            self.gave_up = copy(error)
            self.gave_up.__cause__ = error
