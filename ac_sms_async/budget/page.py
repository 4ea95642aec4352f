"""The ledger as a page of bytes: small enough to be written in one piece, and known for what it is when it is read."""

from __future__ import annotations

import struct
from zlib import crc32

from ac_sms_async.budget.ledger import Ledger, Waiter
from ac_sms_async.budget.limits import MOST_LIMITS, Held

__all__ = ["MOST_STARTS", "PAGE", "boot_of", "pack", "unpack"]

PAGE = 4096
"""Bytes that are read; a ledger never takes so many."""

MOST_STARTS = 100
"""So many requests within a window are remembered, and no limit can be higher."""

MOST_WAITERS = 100
"""Event loops that are in the line. Who comes then looks again and again, until it is one of them."""

_MAGIC = b"acsmsb03"
_HEAD = struct.Struct("<8sI16s")
_BODY = struct.Struct("<ddddQHHH")
_START = struct.Struct("<dQ")
_WAITER = struct.Struct("<Q?d")
_LIMIT = struct.Struct("<QdQd")


def pack(ledger: Ledger, boot: bytes) -> bytes:
    """The ledger, whose times are those of a clock that began with this boot (16 bytes)."""
    starts, waiters, limits = ledger.starts[-MOST_STARTS:], ledger.waiters[:MOST_WAITERS], ledger.limits[-MOST_LIMITS:]
    times = (ledger.paused_until, ledger.let_go_at, ledger.interactive_at, ledger.gone_at)
    parts = [_BODY.pack(*times, ledger.since_bulk, len(starts), len(waiters), len(limits))]
    parts += [_START.pack(*start) for start in starts]
    parts += [_WAITER.pack(waiter.id, waiter.priority == "bulk", waiter.look_at) for waiter in waiters]
    parts += [_LIMIT.pack(held.requests, held.window, held.reserve, held.until) for held in limits]
    body = b"".join(parts)
    return _HEAD.pack(_MAGIC, crc32(boot + body), boot) + body


def boot_of(page: bytes) -> bytes | None:
    """The boot that the page says it is of; None where that is no ledger."""
    if len(page) < _HEAD.size:
        return None
    magic, _, boot = _HEAD.unpack_from(page)
    return bytes(boot) if magic == _MAGIC else None


def unpack(page: bytes) -> Ledger | None:
    """The ledger; None where that is none, or not a whole one."""
    if boot_of(page) is None or len(page) < _HEAD.size + _BODY.size:
        return None
    _, checksum, boot = _HEAD.unpack_from(page)
    *times, since_bulk, starts, waiters, limits = _BODY.unpack_from(page, _HEAD.size)
    middle = _HEAD.size + _BODY.size + starts * _START.size
    after = middle + waiters * _WAITER.size
    end = after + limits * _LIMIT.size
    if end > len(page) or crc32(boot + page[_HEAD.size : end]) != checksum:
        return None
    paused_until, let_go_at, interactive_at, gone_at = times
    return Ledger(
        list(_START.iter_unpack(page[_HEAD.size + _BODY.size : middle])),
        [_waiter(*waiter) for waiter in _WAITER.iter_unpack(page[middle:after])],
        paused_until,
        let_go_at,
        since_bulk,
        interactive_at,
        gone_at,
        [Held(*limit) for limit in _LIMIT.iter_unpack(page[after:end])],
    )


def _waiter(me: int, is_bulk: bool, look_at: float) -> Waiter:
    return Waiter(me, "bulk" if is_bulk else "interactive", look_at)
