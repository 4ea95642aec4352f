"""What the sandbox has been asked: the last requests, and the greatest number of them in any sliding second."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator, Sequence
from typing import overload

from attrs import asdict, define


@define
class JournalEntry:
    """
    One request as it reached the sandbox.

    `at` is in seconds since the sandbox's start; `authorized` says whether its token was right, None if it had none
    (tokens are never kept);
    `status` is None until answered, and stays None where a fault broke the connection; `faults` were done to it.
    """

    at: float
    method: str
    path: str
    query: str
    account: str | None = None
    operation: str | None = None
    authorized: bool | None = None
    body: str = ""
    status: int | None = None
    faults: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


class _Peak:
    """The greatest number of moments within any window, in constant memory."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._moments: deque[float] = deque()
        self.greatest = 0

    def count(self, moment: float) -> None:
        self._moments.append(moment)
        while self._moments[0] <= moment - self._window:
            self._moments.popleft()
        self.greatest = max(self.greatest, len(self._moments))


class Journal(Sequence[JournalEntry]):
    """
    The last requests, oldest first: `journal[0]`, `journal[-3:]`, `for entry in journal`, `journal.of("getBroadcast")`.

    `len()` is how many are kept (10,000, or 64 MB of them), `.seen` how many there were.
    """

    def __init__(self, keep: int = 10_000, *, most: int = 64 * 1024 * 1024) -> None:
        self._keep = keep
        self._most = most
        self._entries: deque[JournalEntry] = deque()
        # How many bytes each that is kept takes, by its identity, and all of them together.
        self._sizes: dict[int, int] = {}
        self._held = 0
        self._peaks: dict[str | None, _Peak] = {}
        self.seen: int = 0

    def note(self, entry: JournalEntry) -> None:
        self._entries.append(entry)
        self._sizes[id(entry)] = 0
        self._weigh(entry)
        self.seen += 1
        self._peaks.setdefault(entry.account, _Peak(1.0)).count(entry.at)

    def keep_body(self, entry: JournalEntry, body: str) -> None:
        """Add a body to an entry, once it has come."""
        entry.body = body
        if id(entry) in self._sizes:
            self._weigh(entry)

    def _weigh(self, entry: JournalEntry) -> None:
        size = sum(map(sys.getsizeof, (entry.path, entry.query, entry.body)))
        self._held += size - self._sizes[id(entry)]
        self._sizes[id(entry)] = size
        while len(self._entries) > self._keep or self._held > self._most:
            self._held -= self._sizes.pop(id(self._entries.popleft()))

    def __iter__(self) -> Iterator[JournalEntry]:
        return iter(list(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, place: int) -> JournalEntry: ...
    @overload
    def __getitem__(self, place: slice) -> list[JournalEntry]: ...
    def __getitem__(self, place: int | slice) -> JournalEntry | list[JournalEntry]:
        return list(self._entries)[place]

    def of(
        self, operation: str | None = None, account: str | None = None, *, status: int | None = None
    ) -> list[JournalEntry]:
        """Entries of one operation (operationId), of one account, with one status, or all of that."""
        return [
            entry
            for entry in self
            if (operation is None or entry.operation == operation)
            and (account is None or entry.account == account)
            and (status is None or entry.status == status)
        ]

    def peak_rate(self, account: str | None = None) -> int:
        """Greatest number of requests in any sliding second: of one account, or of the busiest."""
        if account is not None:
            peak = self._peaks.get(account)
            return peak.greatest if peak else 0
        return max((peak.greatest for peak in self._peaks.values()), default=0)

    def clear(self) -> None:
        self._entries.clear()
        self._sizes.clear()
        self._held = 0
        self._peaks.clear()
        self.seen = 0
