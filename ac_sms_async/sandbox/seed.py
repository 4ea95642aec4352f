"""The data a sandbox begins with: the same for the same seed and sizes, on every machine."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from attrs import define, field

from ac_sms_async.sandbox.broadcast import Broadcast
from ac_sms_async.sandbox.clock import ACCOUNT_ZONE
from ac_sms_async.sandbox.draw import Draw

_DAYS = 730
# The last broadcasts show every other status.
_LAST = ("draft", "pending_review", "scheduled", "sending")
SENT_PER_SECOND = 50
DAY = 86_400
_REVIEW = 4 * 3600
_OCCASIONS = (
    "Spring sale", "Summer launch", "Back to school", "Black Friday", "Holiday hours", "New year", "Flash sale",
    "Members only", "We miss you", "Event reminder", "Order ahead", "Café opening",
)  # fmt: skip
_BODIES = (
    "{0}: 20% off until Sunday. Reply STOP to opt out",
    "{0} starts today! https://example.com/go Reply STOP to opt out",
    "Hi %FIRSTNAME%, {0} is on. Show this text at the counter. Reply STOP to opt out",
    "{0} 🎉 Nur heute. Antworten Sie STOP, um sich abzumelden",
)
_LISTS = (
    "Customers", "Newsletter", "VIP", "Prospects", "Berlin", "Chicago", "São Paulo", "Event guests", "Trial users",
    "Churned", "Staff", "Test numbers",
)  # fmt: skip


@define
class SubscriberList:
    """A list that broadcasts are sent to."""

    id: int
    name: str
    subscriber_count: int
    rank: int = 0


@define(frozen=True)
class Seed:
    """
    What to begin with.

    `recipients` is the size of the largest broadcast: broadcast 1 has exactly that many, others have fewer. They were
    sent in the two years up to the day before `end`, and one is scheduled for the day after it.
    """

    number: int = 0
    broadcasts: int = 50
    recipients: int = 200
    end: date = field(kw_only=True)

    def key(self, account: str) -> tuple[object, ...]:
        return (self.number, account)

    def _size(self, one: int, two: int) -> int:
        # Halved a drawn number of times: few are large, many are small, and no float rounds differently elsewhere.
        halved = self.recipients >> one % max(1, self.recipients.bit_length() - 1)
        return halved - two % (halved // 2 + 1)

    def lists(self, account: str) -> dict[int, SubscriberList]:
        draw = Draw(*self.key(account), "lists")
        lists = {1: SubscriberList(1, _LISTS[0], self.recipients)}
        for number, name in enumerate(_LISTS[1:], 2):
            one, two, *_ = draw.at(number)
            lists[number] = SubscriberList(number, name, self._size(one % 6, two))
        return lists

    def broadcasts_of(self, account: str) -> dict[int, Broadcast]:
        draw = Draw(*self.key(account), "broadcasts")
        last = len(_LAST) if self.broadcasts > len(_LAST) else 0
        made: dict[int, Broadcast] = {}
        for number in range(1, self.broadcasts + 1):
            one, two, three, four = draw.at(number)
            age = 1 + max(0, self.broadcasts - last - number) * _DAYS // (self.broadcasts - last)
            # Between nine and seven: outside of quiet hours, so no broadcast runs past midnight.
            sending_at = self._midnight(-age) + 9 * 3600 + three % (10 * 3600)
            occasion = _OCCASIONS[one % len(_OCCASIONS)]
            created_at = sending_at - DAY - four % 7200
            made[number] = broadcast = Broadcast(
                id=number,
                name=f"{occasion} {number}",
                body=_BODIES[two % len(_BODIES)].format(occasion),
                created_at=created_at,
                updated_at=created_at + 600,
                created_by=1 + one % 3,
                updated_by=1 + two % 3,
                address_id=1 + three % 2,
                media_urls=["https://example.com/media/banner.png"] if four % 8 == 0 else [],
                shorten_track_links_enabled=two % 2 == 0,
                list_ids=[1 + four % len(_LISTS)],
                label_ids=[1 + one % 5] if one % 4 == 0 else None,
                seeded=True,
            )
            status = self._status(number, last, four)
            if status != "draft":
                size = self.recipients if number == 1 else self._size(one // 64, two)
                self._submitted(broadcast, size, status, sending_at)
        return made

    def _submitted(self, broadcast: Broadcast, size: int, status: str, sending_at: int) -> None:
        """Let it be in this status all day long."""
        broadcast.submitted_at = broadcast.updated_at
        broadcast.approved_at = broadcast.updated_at + _REVIEW
        broadcast.sending_at = sending_at
        broadcast.sending_seconds = size // SENT_PER_SECOND
        broadcast.audience = broadcast.sent_to_count = size
        broadcast.scheduled_by = broadcast.updated_by
        if status == "sending":
            # A long one, so that at any time of the day some was sent and some was not.
            broadcast.sending_at = self._midnight(0) - 6 * 3600
            broadcast.sending_seconds = self._midnight(1) - broadcast.sending_at
        elif status == "scheduled":
            broadcast.sending_at += self._midnight(1) - self._midnight(-1)
            broadcast.scheduled_date = broadcast.sending_at
        elif status == "pending_review":
            broadcast.sending_at += self._midnight(2) - self._midnight(-1)
            broadcast.approved_at = broadcast.sending_at - 60

    def _midnight(self, days: int) -> int:
        """When the day so many days after `end` begins."""
        return int(datetime.combine(self.end + timedelta(days=days), time(), ACCOUNT_ZONE).timestamp())

    def _status(self, number: int, last: int, drawn: int) -> str:
        after = self.broadcasts - number
        if after < last:
            return _LAST[after]
        # One in ten was never sent, but neither the largest nor yesterday's.
        return "draft" if number > 1 and after > last and drawn // 128 % 10 == 0 else "sent"
