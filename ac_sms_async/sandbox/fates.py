"""What becomes of the messages of a broadcast, in numbers: in the end, and as far as it has come at a moment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from attrs import define, frozen

from ac_sms_async.sandbox.course import CLICKS, DAY, HOUR, LATE_FAILURES, OPT_OUTS, REPLIES, Course
from ac_sms_async.sandbox.draw import Draw, share

# Twilio's codes are its documented ones; the document names "ac" as a source but no code of it, so that one is ours.
_FAILURES_AT_ONCE = (
    (("30005", "twilio"), 38),
    (("30006", "twilio"), 23),
    (("30007", "twilio"), 15),
    (("21610", "twilio"), 15),
    (("invalid_phone", "ac"), 9),
)
# An unreachable handset: the carrier goes on trying.
_FAILURE_LATER = ("30003", "twilio")
#: Seconds from a first reply to a second one.
REPLY_AGAIN = 60


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
class Reached:
    """How far the answers have come at a moment: the first so many have happened. Equal means that nothing moved."""

    failed: int
    clicked: int
    clicked_twice: int
    clicked_thrice: int
    opted_out: int
    replied: int
    replied_twice: int

    @property
    def clicks(self) -> int:
        return self.clicked + self.clicked_twice + self.clicked_thrice

    @property
    def replies(self) -> int:
        # Whoever opts out does it by answering STOP.
        return self.opted_out + self.replied + self.replied_twice


@frozen
class Fates:
    """
    How the messages of a broadcast end.

    `groups` are the failures by code, those that come at once first; the last `late` of them were taken for delivered
    at first. Of the `clickers` the first `twice` click again an hour later, and the first `thrice` once more a day
    later; of the `repliers`, who don't opt out, the first `again` write twice.
    """

    size: int
    groups: tuple[tuple[tuple[str, str], int], ...]
    late: int
    clickers: int
    twice: int
    thrice: int
    opt_outs: int
    repliers: int
    again: int
    slowness: int

    @classmethod
    def drawn(cls, size: int, draw: Draw) -> Self:
        """What becomes of so many messages, by chance."""
        failing, clicking, replying, stopping = draw.at(2**64)
        failures = share(size, 0.01, 0.09, failing)
        late = failures * 35 // 100
        clickers = share(size - failures, 0.03, 0.25, clicking)
        answers = share(size - failures, 0.005, 0.06, replying)
        opt_outs = share(answers, 0.1, 0.5, stopping)
        return cls(
            size=size,
            groups=(*_parts(failures - late), (_FAILURE_LATER, late)),
            late=late,
            clickers=clickers,
            twice=clickers // 3,
            thrice=clickers // 7,
            opt_outs=opt_outs,
            repliers=answers - opt_outs,
            again=(answers - opt_outs) // 4,
            slowness=50 + draw.at(2**64 + 3)[0] % 101,
        )

    @property
    def failures(self) -> int:
        return sum(count for _, count in self.groups)

    @property
    def opting_out(self) -> Course:
        return Course(OPT_OUTS, self.opt_outs, self.slowness)

    @property
    def replying(self) -> Course:
        return Course(REPLIES, self.repliers, self.slowness)

    def reached(self, seconds: int) -> Reached:
        """How far it has come so many seconds after the end of sending; negative while it is being sent."""
        clicking = Course(CLICKS, self.clickers, self.slowness)
        replying = self.replying
        return Reached(
            failed=self.failures - self.late + Course(LATE_FAILURES, self.late, self.slowness).reached(seconds),
            clicked=clicking.reached(seconds),
            clicked_twice=min(self.twice, clicking.reached(seconds - HOUR)),
            clicked_thrice=min(self.thrice, clicking.reached(seconds - DAY)),
            opted_out=self.opting_out.reached(seconds),
            replied=replying.reached(seconds),
            replied_twice=min(self.again, replying.reached(seconds - REPLY_AGAIN)),
        )


def _parts(failures: int) -> Iterator[tuple[tuple[str, str], int]]:
    reached = below = 0
    for code, percent in _FAILURES_AT_ONCE:
        reached += percent
        bound = failures * reached // 100
        yield code, bound - below
        below = bound
