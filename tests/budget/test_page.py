"""The ledger as a page: what is written is read again, and nothing else is taken for one."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ac_sms_async.budget.ledger import Ledger, Waiter
from ac_sms_async.budget.limits import MOST_LIMITS, Held
from ac_sms_async.budget.page import MOST_STARTS, MOST_WAITERS, PAGE, boot_of, pack, unpack

BOOT = bytes(range(16))
MOMENTS = st.floats(allow_nan=False)
NUMBERS = st.integers(0, 2**64 - 1)
LEDGERS = st.builds(
    Ledger,
    st.lists(st.tuples(MOMENTS, NUMBERS), max_size=MOST_STARTS),
    st.lists(st.builds(Waiter, NUMBERS, st.sampled_from(["interactive", "bulk"]), MOMENTS), max_size=MOST_WAITERS),
    MOMENTS,
    MOMENTS,
    NUMBERS,
    MOMENTS,
    MOMENTS,
    st.lists(st.builds(Held, NUMBERS, MOMENTS, NUMBERS, MOMENTS), max_size=MOST_LIMITS),
)


def told(ledger: Ledger) -> object:
    waiters = [(waiter.id, waiter.priority, waiter.look_at) for waiter in ledger.waiters]
    times = (ledger.paused_until, ledger.let_go_at, ledger.interactive_at, ledger.gone_at)
    return ledger.starts, waiters, times, ledger.since_bulk, ledger.limits


@given(LEDGERS)
def test_what_is_written_is_read(ledger: Ledger) -> None:
    page = pack(ledger, BOOT)
    assert len(page) < PAGE
    assert boot_of(page) == BOOT
    # What a longer one left behind it is no part of it.
    read = unpack(page + b"rest")
    assert read is not None
    assert told(read) == told(ledger)


def test_of_too_many_the_latest_starts_and_the_first_waiters_are_kept() -> None:
    ledger = Ledger([(float(n), n) for n in range(150)], [Waiter(n, "bulk", 0.0) for n in range(150)])
    read = unpack(pack(ledger, BOOT))
    assert read is not None
    assert [number for _, number in read.starts] == list(range(50, 150))
    assert [waiter.id for waiter in read.waiters] == list(range(100))


def test_half_a_page_is_none() -> None:
    page = pack(Ledger([(1.0, 2), (math.inf, 3)], [Waiter(4, "bulk", 5.0)]), BOOT)
    for length in range(len(page)):
        assert unpack(page[:length]) is None
    assert boot_of(page[:10]) is None


@pytest.mark.parametrize("place", range(100))
def test_a_page_with_a_wrong_bit_is_none(place: int) -> None:
    page = bytearray(pack(Ledger([(1.0, 2), (math.inf, 3)], [Waiter(4, "bulk", 5.0)]), BOOT))
    page[place] ^= 1
    assert unpack(bytes(page)) is None
