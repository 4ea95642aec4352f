"""Who a broadcast is sent to and what became of each: derived, never stored, and adding up by construction."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from attrs import define, frozen

from ac_sms_async.sandbox.draw import Draw, Shuffle, share
from ac_sms_async.sandbox.people import Contact, People

# Twilio's codes are its documented ones; the document names "ac" as a source but no code of it, so that one is ours.
FAILURE_CODES = (
    ("30003", "twilio", 35),
    ("30005", "twilio", 25),
    ("30006", "twilio", 15),
    ("30007", "twilio", 10),
    ("21610", "twilio", 10),
    ("invalid_phone", "ac", 5),
)
_REPLIES = (
    "Yes please",
    "How long does it last?",
    'I said "tomorrow"',
    "Danke!\nBis bald",
    "👍",
    "Who is this?",
    "ok, thx",
)


@define
class Counts:
    """What the metrics of one or many broadcasts say."""

    sends: int = 0
    deliveries: int = 0
    failures: int = 0
    clicks: int = 0
    replies: int = 0
    opt_outs: int = 0

    def add(self, other: Counts) -> None:
        self.sends += other.sends
        self.deliveries += other.deliveries
        self.failures += other.failures
        self.clicks += other.clicks
        self.replies += other.replies
        self.opt_outs += other.opt_outs


@frozen
class Outcome:
    """What became of one message: clicks, replies and the opt-out belong to delivered ones only."""

    failure: tuple[str, str] | None = None
    clicks: int = 0
    replies: int = 0
    opt_out: bool = False


@frozen
class Recipient:
    """One message of a broadcast: to whom, when (epoch seconds), and what became of it."""

    contact: Contact
    sent_at: int
    outcome: Outcome
    replies: Sequence[tuple[str, int]]


_LATE = Outcome()


def _clicks_of(rank: int) -> int:
    return 1 + (rank % 3 == 0) + (rank % 7 == 0)


def _clicks_below(ranks: int) -> int:
    return ranks + -(-ranks // 3) + -(-ranks // 7)


def _replies_of(rank: int) -> int:
    return 1 + (rank % 4 == 0)


def _replies_below(ranks: int) -> int:
    return ranks + -(-ranks // 4)


class Audience:
    """
    The recipients of one broadcast, in sending order: place 0 is sent to first.

    Places from `size` on are rows that came late (drift); `removed` places are rows that are gone (drift).
    Both change the counts, so that they still add up.
    """

    def __init__(
        self, key: tuple[object, ...], broadcast_id: int, size: int, people: People, *, start: int, seconds: int
    ) -> None:
        self.size = size
        self.start = start
        self.seconds = seconds
        self.late = 0
        self.removed: set[int] = set()
        self._people = people
        self._draw = Draw(*key, "audience", broadcast_id)
        shares = self._draw.at(2**64)
        mixes = self._draw.at(2**64 + 1), self._draw.at(2**64 + 2)
        self.failures: int = share(size, 0.01, 0.09, shares[0])
        self.deliveries: int = size - self.failures
        self.clickers: int = share(self.deliveries, 0.03, 0.25, shares[1])
        self.repliers: int = share(self.deliveries, 0.005, 0.06, shares[2])
        # Whoever opts out does it by answering STOP.
        self.opt_outs: int = share(self.repliers, 0.1, 0.5, shares[3])
        self._fate = Shuffle(size, mixes[0][0], mixes[0][1])
        self._click_rank = Shuffle(self.deliveries, mixes[0][2], mixes[0][3])
        self._reply_rank = Shuffle(self.deliveries, mixes[1][0], mixes[1][1])
        # A power of two that holds everybody: contacts come in a mixed order, and no one twice.
        self._pool = 1 << max(size - 1, 1).bit_length()
        self._contact = Shuffle(self._pool, mixes[1][2] | 1, mixes[1][3])
        self._groups = self._failure_bounds()
        self._counted = lru_cache(64)(self._count)

    def _failure_bounds(self) -> list[tuple[int, tuple[str, str]]]:
        bounds: list[tuple[int, tuple[str, str]]] = []
        reached = 0
        for code, source, percent in FAILURE_CODES:
            reached += percent
            bounds.append((self.failures * reached // 100, (code, source)))
        return bounds

    def outcome(self, place: int) -> Outcome:
        if place >= self.size:
            return _LATE
        fate = self._fate[place]
        if fate < self.failures:
            return Outcome(failure=next(code for bound, code in self._groups if fate < bound))
        rank = fate - self.failures
        click_rank = self._click_rank[rank]
        reply_rank = self._reply_rank[rank]
        return Outcome(
            clicks=_clicks_of(click_rank) if click_rank < self.clickers else 0,
            replies=_replies_of(reply_rank) if reply_rank < self.repliers else 0,
            opt_out=reply_rank < self.opt_outs,
        )

    def sent_at(self, place: int) -> int:
        if place >= self.size:
            return self.start
        return self.start + place * self.seconds // self.size

    def contact(self, place: int) -> Contact:
        return self._people.contact(self._contact[place] + 1 if place < self.size else self._pool + place + 1)

    def recipient(self, place: int) -> Recipient:
        outcome = self.outcome(place)
        sent_at = self.sent_at(place)
        replies: list[tuple[str, int]] = []
        if outcome.replies:
            wait, words, *_ = self._draw.at(place)
            for number in range(outcome.replies):
                stop = outcome.opt_out and number == 0
                message = "STOP" if stop else _REPLIES[(words + number) % len(_REPLIES)]
                replies.append((message, sent_at + 30 + wait % 3600 + number * 60))
        return Recipient(self.contact(place), sent_at, outcome, replies)

    def places_before(self, second: int) -> int:
        """How many are sent to before this second (epoch)."""
        if second <= self.start:
            return 0
        if second > self.start + self.seconds:
            return self.size
        return min(self.size, -(-(second - self.start) * self.size // self.seconds))

    def places(self, first_second: int | None, end_second: int) -> Sequence[int]:
        """Places sent to from the first second on and before the end, rows that came late first."""
        low = 0 if first_second is None else self.places_before(first_second)
        high = self.places_before(end_second)
        if not self.late and not self.removed:
            return range(low, high)
        # Whoever came late counts as sent to in the first second.
        begun = end_second > self.start and (first_second is None or first_second <= self.start)
        late = range(self.size + self.late - 1, self.size - 1, -1) if begun else ()
        return [place for place in (*late, *range(low, high)) if place not in self.removed]

    def counts(self, first_second: int | None, end_second: int) -> Counts:
        places = self.places(first_second, end_second)
        if isinstance(places, range):
            if len(places) == self.size:
                return self._all()
            return self._counted(places)
        return self._count(places)

    def _all(self) -> Counts:
        return Counts(
            sends=self.size,
            deliveries=self.deliveries,
            failures=self.failures,
            clicks=_clicks_below(self.clickers),
            replies=_replies_below(self.repliers),
            opt_outs=self.opt_outs,
        )

    def _count(self, places: Sequence[int]) -> Counts:
        counts = Counts(sends=len(places))
        for place in places:
            outcome = self.outcome(place)
            if outcome.failure:
                counts.failures += 1
            else:
                counts.deliveries += 1
                counts.clicks += outcome.clicks
                counts.replies += outcome.replies
                counts.opt_outs += outcome.opt_out
        return counts

    def failure_groups(self, first_second: int | None, end_second: int) -> dict[tuple[str, str], int]:
        """How many failed, by (error code, error source); most frequent first."""
        groups: dict[tuple[str, str], int] = {}
        places = self.places(first_second, end_second)
        if isinstance(places, range) and len(places) == self.size:
            below = 0
            for bound, code in self._groups:
                groups[code] = bound - below
                below = bound
        else:
            for place in places:
                failure = self.outcome(place).failure
                if failure:
                    groups[failure] = groups.get(failure, 0) + 1
        present = {code: count for code, count in groups.items() if count}
        return dict(sorted(present.items(), key=lambda item: (-item[1], item[0])))
