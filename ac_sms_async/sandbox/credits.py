"""Credits: what a message costs, and when a period ends."""

from __future__ import annotations

from datetime import datetime, time

from attrs import frozen

from ac_sms_async.sandbox.clock import ACCOUNT_ZONE

_GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_7_ESCAPED = frozenset("\f^{}\\[~]|€")
# The document's own example of a period's end is a 26th at 15:06:25.
_REFILL_DAY = 26
_REFILL_TIME = time(15, 6, 25)


@frozen
class Balance:
    """Credits that were bought beyond the monthly ones, and those that were spent before anything was sent here."""

    extra: int
    spent: int = 71
    #: There is one of an account.
    id: str = "balance"


def credits_per_message(body: str) -> int:
    """One a segment; the real price also depends on the country."""
    if all(letter in _GSM_7 or letter in _GSM_7_ESCAPED for letter in body):
        length, alone, joined = len(body) + sum(letter in _GSM_7_ESCAPED for letter in body), 160, 153
    else:
        length, alone, joined = len(body.encode("utf-16-le", "surrogatepass")) // 2, 70, 67
    return 1 if length <= alone else -(-length // joined)


def period(now: float) -> tuple[int, int]:
    """The start and the end (refill) of the monthly period that `now` is in, in epoch seconds."""
    local = datetime.fromtimestamp(now, ACCOUNT_ZONE)
    refill = datetime.combine(local.date().replace(day=_REFILL_DAY), _REFILL_TIME, ACCOUNT_ZONE)
    if refill <= local:
        return int(refill.timestamp()), int(_months_on(refill, 1).timestamp())
    return int(_months_on(refill, -1).timestamp()), int(refill.timestamp())


def _months_on(moment: datetime, months: int) -> datetime:
    month = moment.month - 1 + months
    return moment.replace(year=moment.year + month // 12, month=month % 12 + 1)
