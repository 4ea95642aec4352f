"""The recipients of a broadcast as a list: filtered, searched, ordered, and written out as JSON or CSV rows."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from attrs import frozen

from ac_sms_async.sandbox.audience import Audience, Outcome
from ac_sms_async.sandbox.clock import naive_stamp
from ac_sms_async.sandbox.query import EVERY_DAY, Window

COLUMNS = ("name", "phone", "sentDate", "clicks", "deliverability", "optOut", "replies")
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


class Views:
    """Selections worked out before: a search through many recipients takes long, and the next page asks again."""

    def __init__(self, keep: int = 16) -> None:
        self._keep = keep
        self._known: OrderedDict[tuple[object, ...], Sequence[int]] = OrderedDict()

    def places(self, owner: tuple[str, int], audience: Audience, selection: Selection, end: int) -> Sequence[int]:
        """The places (see Audience) that are selected, in order."""
        places = audience.places(selection.window.low, end)
        if selection.plain:
            return places
        key = (owner, selection, audience.start, audience.size, len(places), audience.late, len(audience.removed))
        known = self._known.pop(key, None)
        if known is None:
            known = array("q", select(audience, places, selection))
        self._known[key] = known
        if len(self._known) > self._keep:
            self._known.popitem(last=False)
        return known


def select(audience: Audience, places: Iterable[int], selection: Selection) -> list[int]:
    """Filter, search and order places."""
    if selection.deliverability or selection.engagement:
        places = [place for place in places if _matches(audience.outcome(place), selection)]
    if selection.search:
        wanted = selection.search.casefold()
        digits = "".join(letter for letter in selection.search if letter.isdigit())
        places = [place for place in places if _found(audience, place, wanted, digits)]
    found = list(places)
    if selection.order:
        found.sort(key=_order_key(audience, selection.order), reverse=selection.descending)
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


def _order_key(audience: Audience, column: str) -> Callable[[int], Any]:
    keys: dict[str, Callable[[int], Any]] = {
        "name": lambda place: audience.contact(place).name.casefold(),
        "phone": lambda place: audience.contact(place).phone,
        "sentDate": audience.sent_at,
        "clicks": lambda place: audience.outcome(place).clicks,
        "deliverability": lambda place: audience.outcome(place).failure is not None,
        "optOut": lambda place: audience.outcome(place).opt_out,
        "replies": lambda place: audience.outcome(place).replies,
    }
    return keys[column]


def to_json(audience: Audience, place: int) -> dict[str, Any]:
    """The document's Recipient."""
    recipient = audience.recipient(place)
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


def to_rows(audience: Audience, places: Iterable[int]) -> Iterator[Sequence[object]]:
    """CSV rows; replies stand in one cell, a line each."""
    for place in places:
        recipient = audience.recipient(place)
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
