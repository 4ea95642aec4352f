"""Who a broadcast is sent to and what became of each: derived, never stored, and adding up by construction."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

from attrs import frozen

from ac_sms_async.sandbox.draw import Draw, Shuffle
from ac_sms_async.sandbox.fates import Counts, Fates, Reached
from ac_sms_async.sandbox.people import Contact, People

_REPLIES = (
    "Yes please",
    "How long does it last?",
    'I said "tomorrow"',
    "Danke!\nBis bald",
    "👍",
    "Who is this?",
    "ok, thx",
)


@frozen
class Outcome:
    """What has become of one message: clicks, replies and the opt-out belong to delivered ones only."""

    failure: tuple[str, str] | None = None
    clicks: int = 0
    replies: int = 0
    opt_out: bool = False


@frozen
class Recipient:
    """One message of a broadcast: to whom, when (epoch seconds), and what has become of it."""

    contact: Contact
    sent_at: int
    outcome: Outcome
    replies: Sequence[tuple[str, int]]


_DELIVERED = Outcome()


class Audience:
    """
    The recipients of one broadcast, in sending order: place 0 is sent to first.

    What has become of them is asked for as of a moment, which `reached()` makes of the time: answers come once the last
    message has gone out. Places from the size on are rows that came late (drift); `removed` places are rows that are
    gone (drift). Both change the counts, so that they still add up.
    """

    def __init__(
        self,
        key: tuple[object, ...],
        broadcast_id: int,
        size: int,
        people: People,
        *,
        start: int,
        seconds: int,
        fates: Fates | None = None,
        contacts: Sequence[Contact] = (),
    ) -> None:
        self.size = size
        self.start = start
        self.seconds = seconds
        self.late = 0
        self.removed: set[int] = set()
        self._people = people
        self._draw = Draw(*key, "audience", broadcast_id)
        self.fates: Fates = fates or Fates.drawn(size, self._draw)
        self._own = contacts
        self._failures = self.fates.failures
        self._bounds = list(accumulate(count for _, count in self.fates.groups))
        mixes = self._draw.at(2**64 + 1), self._draw.at(2**64 + 2)
        # Numbers below the failures fail; what is above them clicks and replies by numbers of its own.
        self._fate = Shuffle(size, mixes[0][0], mixes[0][1])
        self._click = Shuffle(size - self._failures, mixes[0][2], mixes[0][3])
        self._reply = Shuffle(size - self._failures, mixes[1][0], mixes[1][1])
        # A power of two that holds everybody: contacts come in a mixed order, and no one twice.
        self._pool = 1 << max(size - 1, 1).bit_length()
        self._contact = Shuffle(self._pool, mixes[1][2] | 1, mixes[1][3])
        self._counted = lru_cache(64)(self._count)

    def reached(self, now: float) -> Reached:
        """How far answers have come at a moment (epoch seconds)."""
        return self.fates.reached(math.floor(now) - self.start - self.seconds)

    # --- one of them --------------------------------------------------------------------------------------------

    def outcome(self, place: int, reached: Reached) -> Outcome:
        if place >= self.size:
            return _DELIVERED
        fate = self._fate[place]
        if fate < reached.failed:
            return Outcome(failure=self.fates.groups[bisect_right(self._bounds, fate)][0])
        if fate < self._failures:
            return _DELIVERED
        click = self._click[fate - self._failures]
        reply = self._reply[fate - self._failures]
        other = reply - self.fates.opt_outs
        opt_out = reply < reached.opted_out
        return Outcome(
            clicks=(click < reached.clicked) + (click < reached.clicked_twice) + (click < reached.clicked_thrice),
            replies=opt_out + (0 <= other < reached.replied) + (0 <= other < reached.replied_twice),
            opt_out=opt_out,
        )

    def sent_at(self, place: int) -> int:
        if place >= self.size:
            return self.start
        return self.start + place * self.seconds // self.size

    def contact(self, place: int) -> Contact:
        if place < len(self._own):
            return self._own[place]
        return self._people.contact(self._contact[place] + 1 if place < self.size else self._pool + place + 1)

    def recipient(self, place: int, reached: Reached) -> Recipient:
        outcome = self.outcome(place, reached)
        replies = self._replies(place, outcome) if outcome.replies else ()
        return Recipient(self.contact(place), self.sent_at(place), outcome, replies)

    def _replies(self, place: int, outcome: Outcome) -> list[tuple[str, int]]:
        number = self._reply[self._fate[place] - self._failures]
        end = self.start + self.seconds
        if outcome.opt_out:
            return [("STOP", end + self.fates.opting_out.at(number))]
        first = end + self.fates.replying.at(number - self.fates.opt_outs)
        if self.fates.texts:
            return [(self.fates.texts[number - self.fates.opt_outs], first)]
        words = self._draw.at(place)[1]
        return [
            (_REPLIES[(words + again) % len(_REPLIES)], first + self.fates.reply_again * again)
            for again in range(outcome.replies)
        ]

    # --- all of them --------------------------------------------------------------------------------------------

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
            return range(low, max(low, high))
        # Whoever came late counts as sent to in the first second.
        begun = end_second > self.start and (first_second is None or first_second <= self.start)
        late = range(self.size + self.late - 1, self.size - 1, -1) if begun else ()
        return [place for place in (*late, *range(low, high)) if place not in self.removed]

    def counts(self, first_second: int | None, end_second: int, reached: Reached) -> Counts:
        places = self.places(first_second, end_second)
        if not isinstance(places, range):
            return self._count(places, reached)
        whole = len(places) == self.size
        if not whole and reached.clicks + reached.replies:
            # Days that begin or end while it was sent: nobody but the recipients knows on which side the answers are.
            return self._counted(places, reached)
        failures = self._below(reached.failed, places)
        return Counts(
            sends=len(places),
            deliveries=len(places) - failures,
            failures=failures,
            clicks=reached.clicks,
            replies=reached.replies,
            opt_outs=reached.opted_out,
        )

    def _below(self, fate: int, places: range) -> int:
        return self._fate.below(fate, places.stop) - self._fate.below(fate, places.start)

    def _count(self, places: Sequence[int], reached: Reached) -> Counts:
        counts = Counts(sends=len(places))
        for place in places:
            outcome = self.outcome(place, reached)
            if outcome.failure:
                counts.failures += 1
            else:
                counts.deliveries += 1
                counts.clicks += outcome.clicks
                counts.replies += outcome.replies
                counts.opt_outs += outcome.opt_out
        return counts

    def failure_groups(self, first_second: int | None, end_second: int, reached: Reached) -> dict[tuple[str, str], int]:
        """How many have failed, by (error code, error source); most frequent first."""
        groups: dict[tuple[str, str], int] = {}
        places = self.places(first_second, end_second)
        if isinstance(places, range):
            below = 0
            for bound, (code, _) in zip(self._bounds, self.fates.groups, strict=True):
                upto = self._below(min(bound, reached.failed), places)
                groups[code], below = upto - below, upto
        else:
            for place in places:
                failure = self.outcome(place, reached).failure
                if failure:
                    groups[failure] = groups.get(failure, 0) + 1
        present = {code: count for code, count in groups.items() if count}
        return dict(sorted(present.items(), key=lambda item: (-item[1], item[0])))
