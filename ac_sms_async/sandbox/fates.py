"""What becomes of the messages of a broadcast, in numbers: in the end, and as far as it has come at a moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from attrs import define, frozen

from ac_sms_async.sandbox.course import (
    CLICK_AGAIN,
    CLICK_ONCE_MORE,
    CLICKS,
    LATE_FAILURES,
    OPT_OUTS,
    REPLIES,
    REPLY_AGAIN,
    USUAL,
    Course,
    stretched,
)
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
    #: What the repliers write; by chance where it is empty.
    texts: tuple[str, ...] = ()

    @classmethod
    def drawn(cls, size: int, draw: Draw) -> Self:
        """What becomes of so many messages, by chance."""
        failing, clicking, replying, stopping = draw.at(2**64)
        groups = _failures(share(size, 0.01, 0.09, failing))
        arrived = size - sum(count for _, count in groups)
        clickers = share(arrived, 0.03, 0.25, clicking)
        answers = share(arrived, 0.005, 0.06, replying)
        opt_outs = share(answers, 0.1, 0.5, stopping)
        return cls(
            size=size,
            groups=groups,
            late=groups[-1][1],
            clickers=clickers,
            twice=clickers // 3,
            thrice=clickers // 7,
            opt_outs=opt_outs,
            repliers=answers - opt_outs,
            again=(answers - opt_outs) // 4,
            slowness=USUAL // 2 + draw.at(2**64 + 3)[0] % 101 * (USUAL // 100),
        )

    @classmethod
    def arranged(
        cls,
        size: int,
        draw: Draw,
        *,
        failures: Mapping[str, int] | None,
        clicks: int | None,
        opt_outs: int | None,
        replies: Sequence[str] | None,
    ) -> Self:
        """What is said, and by chance what isn't, so that it adds up; `replies` are those that are no STOP."""
        chance = cls.drawn(size, draw)
        # As many as have to arrive.
        needed = max(-(-(clicks or 0) // 3), (opt_outs or 0) + len(replies or ()))
        groups = _failures(min(chance.failures, max(0, size - needed))) if failures is None else _by_code(failures)
        arrived = size - sum(count for _, count in groups)
        if arrived < needed:
            raise ValueError(f"of {size} messages {max(arrived, 0)} arrive: too few for {needed} to do what is said")
        if opt_outs is None:
            opt_outs = min(chance.opt_outs, arrived - len(replies or ()))
        repliers = min(chance.repliers, arrived - opt_outs) if replies is None else len(replies)
        if clicks is None:
            clicks = min(chance.clickers + chance.twice + chance.thrice, 3 * arrived)
        # About as many click again as by chance.
        clickers = min(arrived, max(-(-clicks // 3), clicks - 3 * clicks // 10))
        twice = min(clickers, clicks - clickers)
        return cls(
            size=size,
            groups=groups,
            late=groups[-1][1],
            clickers=clickers,
            twice=twice,
            thrice=clicks - clickers - twice,
            opt_outs=opt_outs,
            repliers=repliers,
            again=repliers // 4 if replies is None else 0,
            slowness=chance.slowness,
            texts=tuple(replies or ()),
        )

    @classmethod
    def read(cls, given: dict[str, Any]) -> Self:
        """As it was kept, in JSON."""
        groups = tuple(((code, source), count) for (code, source), count in given["groups"])
        fields: dict[str, Any] = {**given, "groups": groups, "texts": tuple(given["texts"])}
        return cls(**fields)

    @property
    def failures(self) -> int:
        return sum(count for _, count in self.groups)

    @property
    def opting_out(self) -> Course:
        return Course(OPT_OUTS, self.opt_outs, self.slowness)

    @property
    def replying(self) -> Course:
        return Course(REPLIES, self.repliers, self.slowness)

    @property
    def reply_again(self) -> int:
        """Seconds from a first reply to a second one."""
        return stretched(REPLY_AGAIN, self.slowness)

    def reached(self, seconds: int) -> Reached:
        """How far it has come so many seconds after the end of sending; negative while it is being sent."""
        clicking = Course(CLICKS, self.clickers, self.slowness)
        again, once_more = (stretched(wait, self.slowness) for wait in (CLICK_AGAIN, CLICK_ONCE_MORE))
        replying = self.replying
        return Reached(
            failed=self.failures - self.late + Course(LATE_FAILURES, self.late, self.slowness).reached(seconds),
            clicked=clicking.reached(seconds),
            clicked_twice=min(self.twice, clicking.reached(seconds - again)),
            clicked_thrice=min(self.thrice, clicking.reached(seconds - once_more)),
            opted_out=self.opting_out.reached(seconds),
            replied=replying.reached(seconds),
            replied_twice=min(self.again, replying.reached(seconds - self.reply_again)),
        )


def _failures(count: int) -> tuple[tuple[tuple[str, str], int], ...]:
    """So many failures by code, in the usual shares."""
    late = count * 35 // 100
    groups: list[tuple[tuple[str, str], int]] = []
    reached = below = 0
    for code, percent in _FAILURES_AT_ONCE:
        reached += percent
        bound = (count - late) * reached // 100
        groups.append((code, bound - below))
        below = bound
    return (*groups, (_FAILURE_LATER, late))


def _by_code(failures: Mapping[str, int]) -> tuple[tuple[tuple[str, str], int], ...]:
    """The same by codes that were said; Twilio's are numbers."""
    at_once = [((code, "twilio" if code.isdigit() else "ac"), count) for code, count in failures.items()]
    later = failures.get(_FAILURE_LATER[0], 0)
    return (*(each for each in at_once if each[0] != _FAILURE_LATER), (_FAILURE_LATER, later))
