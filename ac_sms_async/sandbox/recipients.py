"""The recipients of a broadcast as a list: filtered, searched, ordered, and written out as JSON or CSV rows."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from attrs import frozen

from ac_sms_async.sandbox.audience import Audience, Outcome, Recipient
from ac_sms_async.sandbox.clock import naive_stamp
from ac_sms_async.sandbox.fates import Reached
from ac_sms_async.sandbox.query import EVERY_DAY, Window

COLUMNS = ("name", "phone", "sentDate", "clicks", "deliverability", "optOut", "replies")
_MOVING = ("clicks", "deliverability", "optOut", "replies")
DELIVERABILITY = ("deliveries", "failures")
ENGAGEMENT = ("clicks", "replies", "optOuts")
CSV_COLUMNS = (
    "id", "name", "phoneNumber", "email", "sentDate", "deliverability", "clicks", "replies", "optOut", "errorCode",
    "errorSource",
)  # fmt: skip


@frozen
class Selection:
    """Which recipients, in what order. Of filters of one kind any suffices; of both kinds, one each must hold."""

    window: Window = EVERY_DAY
    deliverability: frozenset[str] = frozenset()
    engagement: frozenset[str] = frozenset()
    search: str = ""
    order: str | None = None
    descending: bool = False

    @property
    def plain(self) -> bool:
        return not (self.deliverability or self.engagement or self.search or self.order)

    @property
    def moving(self) -> bool:
        """Whether it depends on what has become of the messages so far."""
        return bool(self.deliverability or self.engagement) or self.order in _MOVING


@frozen
class Seen:
    """Recipients as of a moment."""

    audience: Audience
    reached: Reached

    def outcome(self, place: int) -> Outcome:
        return self.audience.outcome(place, self.reached)

    def recipient(self, place: int) -> Recipient:
        return self.audience.recipient(place, self.reached)


class Views:
    """Selections worked out before: a search through many recipients takes long, and the next page asks again."""

    def __init__(self, keep: int = 16) -> None:
        self._keep = keep
        self._known: OrderedDict[tuple[object, ...], Sequence[int]] = OrderedDict()

    def places(self, owner: tuple[str, int], seen: Seen, selection: Selection, end: int) -> Sequence[int]:
        """The places (see Audience) that are selected, in order."""
        audience = seen.audience
        places = audience.places(selection.window.low, end)
        if selection.plain:
            return places
        reached = seen.reached if selection.moving else None
        rows = (len(places), audience.late, len(audience.removed))
        key = (owner, selection, audience.start, audience.size, rows, reached)
        known = self._known.pop(key, None)
        if known is None:
            known = array("q", select(seen, places, selection))
        self._known[key] = known
        if len(self._known) > self._keep:
            self._known.popitem(last=False)
        return known


def select(seen: Seen, places: Iterable[int], selection: Selection) -> list[int]:
    """Filter, search and order places."""
    if selection.deliverability or selection.engagement:
        places = [place for place in places if _matches(seen.outcome(place), selection)]
    if selection.search:
        wanted = selection.search.casefold()
        digits = "".join(letter for letter in selection.search if letter.isdigit())
        places = [place for place in places if _found(seen.audience, place, wanted, digits)]
    found = list(places)
    if selection.order:
        found.sort(key=_order_key(seen, selection.order), reverse=selection.descending)
    return found


def _matches(outcome: Outcome, selection: Selection) -> bool:
    if selection.deliverability:
        state = "failures" if outcome.failure else "deliveries"
        if state not in selection.deliverability:
            return False
    if not selection.engagement:
        return True
    return (
        ("clicks" in selection.engagement and outcome.clicks > 0)
        or ("replies" in selection.engagement and outcome.replies > 0)
        or ("optOuts" in selection.engagement and outcome.opt_out)
    )


def _found(audience: Audience, place: int, wanted: str, digits: str) -> bool:
    contact = audience.contact(place)
    if wanted in contact.name.casefold() or wanted in contact.phone:
        return True
    return bool(digits) and digits == wanted.strip("+ ") and digits in "".join(filter(str.isdigit, contact.phone))


def _order_key(seen: Seen, column: str) -> Callable[[int], Any]:
    audience = seen.audience
    keys: dict[str, Callable[[int], Any]] = {
        "name": lambda place: audience.contact(place).name.casefold(),
        "phone": lambda place: audience.contact(place).phone,
        "sentDate": audience.sent_at,
        "clicks": lambda place: seen.outcome(place).clicks,
        "deliverability": lambda place: seen.outcome(place).failure is not None,
        "optOut": lambda place: seen.outcome(place).opt_out,
        "replies": lambda place: seen.outcome(place).replies,
    }
    return keys[column]


def to_json(seen: Seen, place: int) -> dict[str, Any]:
    """The document's Recipient."""
    recipient = seen.recipient(place)
    failure = recipient.outcome.failure
    return {
        "id": recipient.contact.id,
        "name": recipient.contact.name,
        "phoneNumber": recipient.contact.phone,
        "sentDate": naive_stamp(recipient.sent_at),
        "clicks": recipient.outcome.clicks,
        "deliverability": "failed" if failure else "delivered",
        "replies": [{"message": message, "date": naive_stamp(second)} for message, second in recipient.replies],
        "optOut": "yes" if recipient.outcome.opt_out else "no",
        "details": {"errorCode": failure[0], "errorSource": failure[1]} if failure else {},
    }


def to_rows(seen: Seen, places: Iterable[int]) -> Iterator[Sequence[object]]:
    """CSV rows; replies stand in one cell, a line each."""
    for place in places:
        recipient = seen.recipient(place)
        code, source = recipient.outcome.failure or ("", "")
        yield (
            recipient.contact.id,
            recipient.contact.name,
            recipient.contact.phone,
            recipient.contact.email,
            naive_stamp(recipient.sent_at),
            "failed" if code else "delivered",
            recipient.outcome.clicks,
            "\n".join(message for message, _ in recipient.replies),
            "yes" if recipient.outcome.opt_out else "no",
            code,
            source,
        )
