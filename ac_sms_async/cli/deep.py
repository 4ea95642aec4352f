"""`ac-sms doctor --deep`: which guesses about the real server hold for an account, asked by reading alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from attrs import asdict, frozen

from ac_sms_async import SMSClient, __version__
from ac_sms_async.errors import APIStatusError, BadRequestError, SMSError, UnprocessableError
from ac_sms_async.lowlevel.api.broadcasts import get_broadcast, list_broadcasts
from ac_sms_async.lowlevel.api.credits import get_sms_credit_data
from ac_sms_async.lowlevel.api.recipients import get_broadcast_recipients
from ac_sms_async.models import BroadcastListResponse, RecipientsResponse
from ac_sms_async.sandbox.guesses import Guesses

__all__ = ["Answer", "ask", "report"]

_USUAL = 100
_MUCH = 1000
_FAR = 1_000_000
_ANOTHER = "another"

Found = tuple[str | None, str]
"""What was found, or None, and how."""


@frozen
class Answer:
    """What an account says about one guess. It holds no name, number, id or date of the account."""

    guess: str
    sandbox: str
    """What the sandbox does unless told."""
    found: str | None
    """What this server does; None where it couldn't be seen."""
    how: str

    @property
    def holds(self) -> bool | None:
        return None if self.found is None else self.found == self.sandbox


async def ask(sms: SMSClient, stranger: SMSClient) -> list[Answer]:
    """Ask about every guess, by some ten requests that only read; `stranger` has a wrong token. Raises `SMSError`."""
    inquiry = _Inquiry(sms, stranger, await list_broadcasts.asyncio(sms.transport, limit=_USUAL))
    questions: dict[str, Callable[[], Awaitable[Found]]] = {
        "order": inquiry.order,
        "page_cap": inquiry.page_cap,
        "page_start": inquiry.page_start,
        "date_filter": inquiry.date_filter,
        "missing": inquiry.missing,
        "refused": inquiry.refused,
        "ai_id": inquiry.ai_id,
    }
    answers: list[Answer] = []
    for guess, value in asdict(Guesses()).items():
        try:
            found, how = await questions[guess]()
        except SMSError as error:
            # Its name alone: what it says may be about this account.
            found, how = None, f"asking ended in {type(error).__name__}"
        answers.append(Answer(guess, str(value), found, how))
    return answers


def report(answers: list[Answer], rate: int | None) -> dict[str, Any]:
    """Everything that is worth sending in, and nothing that says whose account it is."""
    guesses = [{**asdict(answer), "holds": answer.holds} for answer in answers]
    return {"ac_sms_async": __version__, "rate_limit": rate, "guesses": guesses}


class _Inquiry:
    """One question a guess, and the first page of broadcasts, which most of them begin from."""

    def __init__(self, sms: SMSClient, stranger: SMSClient, first: BroadcastListResponse) -> None:
        self._sms = sms
        self._stranger = stranger
        self._first = first.broadcasts
        self._ids = _ids(first)
        self._total = _total(first)

    async def order(self) -> Found:
        ids = self._ids
        if len(ids) < 2:
            return None, "there are fewer than two broadcasts"
        if ids == sorted(ids):
            return "oldest", "the ids of the first page rise"
        if ids == sorted(ids, reverse=True):
            return "newest", "the ids of the first page fall"
        return _ANOTHER, "the ids of the first page neither rise nor fall"

    async def page_cap(self) -> Found:
        if self._total is None:
            return None, "the list doesn't say how many there are"
        if len(self._ids) < min(_USUAL, self._total):
            return str(len(self._ids)), f"of {_USUAL} asked for"
        try:
            received, expected = await self._long_page()
        except (BadRequestError, UnprocessableError) as error:
            return "refused", f"a limit of {_MUCH} is answered by {error.status}"
        if received is None:
            return None, f"there is no list of more than {_USUAL}"
        if received < expected:
            return str(received), f"of {_MUCH} asked for"
        return "none", f"a page of more than {_USUAL} came as asked for"

    async def _long_page(self) -> tuple[int | None, int]:
        """How many rows a page had, or None, and how many there were to be had."""
        if self._total is not None and self._total > _USUAL:
            page = await list_broadcasts.asyncio(self._sms.transport, limit=_MUCH)
            return len(page.broadcasts), min(_MUCH, self._total)
        sizes = {each.id: each.sent_to_count or 0 for each in self._first if each.sent_date is not None}
        largest = max(sizes, key=lambda broadcast_id: sizes[broadcast_id], default=None)
        if largest is None or sizes[largest] <= _USUAL:
            return None, 0
        people = await get_broadcast_recipients.asyncio(self._sms.transport, largest, limit=_MUCH)
        return len(people.recipients), min(_MUCH, _total(people) or 0)

    async def page_start(self) -> Found:
        if len(self._ids) < 3:
            return None, "there are fewer than three broadcasts"
        page = await list_broadcasts.asyncio(self._sms.transport, limit=2, offset=1)
        if _total(page) != self._total:
            return None, "the list moved meanwhile"
        got, how = _ids(page), "by a page of two rows from the second on"
        if got == self._ids[1:3]:
            return "offset", how
        return ("multiple" if got == self._ids[:2] else _ANOTHER), how

    async def date_filter(self) -> Found:
        for each in self._first:
            if each.sent_date is None or each.created_at is None or each.sent_date.date() == each.created_at.date():
                continue
            days = (each.sent_date.date(), each.created_at.date())
            found = [
                each.id
                in _ids(
                    await list_broadcasts.asyncio(
                        self._sms.transport, limit=_USUAL, name=each.name, start_date=day, end_date=day
                    )
                )
                for day in days
            ]
            how = "by one that was sent on another day than it was created on"
            return {(True, False): "sent", (False, True): "created"}.get((found[0], found[1]), _ANOTHER), how
        return None, "no broadcast was sent on another day than it was created on"

    async def missing(self) -> Found:
        """By an id that is far beyond those there are."""
        call = get_broadcast.asyncio(self._sms.transport, max(self._ids, default=0) + _FAR)
        return await _status(call), "by a broadcast far beyond the last one"

    async def refused(self) -> Found:
        return await _status(get_sms_credit_data.asyncio(self._stranger.transport)), "by a made-up token"

    async def ai_id(self) -> Found:
        return None, "not asked: it takes a broadcast to be written"


def _ids(page: BroadcastListResponse) -> list[int]:
    return [each.id for each in page.broadcasts]


def _total(page: BroadcastListResponse | RecipientsResponse) -> int | None:
    return None if page.meta is None else page.meta.total


async def _status(call: Awaitable[object]) -> str:
    """The status of a refusal, or 200."""
    try:
        await call
    except APIStatusError as error:
        if error.status >= 500 or error.status == 429:
            raise
        return str(error.status)
    return "200"
