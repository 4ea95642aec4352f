"""Rules that are broken on purpose: each breaks a promise, so that every one of them is seen to hold."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from ac_sms_async.budget import ledger, limits
from tests.budget.checks import AGREEMENTS, CHECKS

SOURCE = Path(ledger.__file__).read_text()

MUTANTS = {
    "the margin isn't kept": ("window = one.window", "window = one.per if isinstance(one, RateLimit) else 1.0"),
    "a place is free a moment too early": ("NEGLIGIBLE = 1e-6", "NEGLIGIBLE = 0.1"),
    "what a longer window has to count is forgotten": ("max(window, held.window)", "window"),
    "what was started by one limit only doesn't count by it": (
        "if ledger.limits else [limit]",
        "if False else [limit]",
    ),
    "late timers take more than the margin has": ("LATE = 0.005", "LATE = 0.1"),
    "late timers lose what they are late by": ("now - LATE)", "now)"),
    "what counts from later on isn't sorted in": ("insort(ledger.starts, (mo", "list.append(ledger.starts, (mo"),
    "a request that is moved counts twice": ("    forget(ledger, number)\n", ""),
    "a connection that opens holds its place till it times out": ("min(starts[excess][0], now)", "starts[excess][0]"),
    "starts are never forgotten": ("        del starts[0]\n", "        break\n"),
    "a pause doesn't count": ("wait = ledger.paused_until - now", "wait = -1.0"),
    "a shorter pause ends a longer one": ("until <= ledger.paused_until", "until == ledger.paused_until"),
    "bulk gets nothing": (" or since_bulk >= SHARE - 1)", ")"),
    "bulk goes first": ("bool(bulk) and (not interactive or since_bulk >= SHARE - 1)", "bool(bulk)"),
    "bulk has no share to get": ("limit is not None and ledger.since_bulk < SHARE - 1 and", "limit is not None and"),
    "no place is kept": ("now, limit.reserve)", "now, 0)"),
    "bulk makes room for nobody": ("ABOUT = 60.0", "ABOUT = 1000.0"),
    "nobody is about for long": ("ABOUT = 60.0", "ABOUT = 0.01"),
    "bulk gets a fourth": ("SHARE = 5", "SHARE = 4"),
    "bulk is not spread": ("SPREAD = 0.95", "SPREAD = 0.0"),
    "bulk is spread too far": ("SPREAD = 0.95", "SPREAD = 1.1"),
    "bulk is spread from some other moment": ("ledger.let_go_at = now", "ledger.let_go_at = entry - 0.1"),
    "bulk sleeps through its share": ("min(wait, expected_wait(ledger, limit, now, max(share - 1, 0)))", "wait"),
    "who has started keeps its turn": ("ledger.waiters.append(mine)", "ledger.waiters.insert(0, mine)"),
    "who starts has no turn any more": ("        if again:\n", "        if not again:\n"),
    "nobody stands in": ("now, len(ahead) - 1)", "now, len(ahead))"),
    "whoever doesn't come is waited for": ("GRACE = 0.025", "GRACE = 0.25"),
    "nobody is waited for": ("GRACE = 0.025", "GRACE = 0.0"),
    "who is about to look is overtaken": ("waiter.look_at <= now + SOON or", "False or"),
    "a place is kept for who sleeps": ("waiter.look_at <= now + SOON or", "True or"),
    "who hasn't come is never forgotten": ("FORGOTTEN_AFTER = 60.0", "FORGOTTEN_AFTER = 600.0"),
    "who leaves keeps its turn": (
        "    if mine is not None:\n        ledger.waiters.remove(mine)\n\n\ndef move",
        "\n\ndef move",
    ),
}


LIMITS = Path(limits.__file__).read_text()

BROKEN_AGREEMENTS = {
    "only one's own limit counts": ("if known.until > now and", "if False and"),
    "the loosest holds": ("min(limit.requests for", "max(limit.requests for"),
    "only the requests count": ("max(limit.window / (limit.requests // requests) for", "min(limit.window for"),
    "longer windows are not divided": ("limit.window / (limit.requests // requests)", "limit.window"),
    "longer windows are divided unevenly": ("(limit.requests // requests)", "(limit.requests / requests)"),
    "a limit is forgotten while its owner waits": ("HELD_FOR = 120.0", "HELD_FOR = 59.0"),
    "a limit is held for long": ("HELD_FOR = 120.0", "HELD_FOR = 600.0"),
    "a limit is held for ever": ("known.until > now", "True"),
    "a limit is held as often as it was said": ("not known.is_of(limit)", "True"),
    "nobody's places are kept": ("min(max(limit.reserve for limit in limits), requests - 1)", "0"),
    "more places are kept than there are": ("min(max(limit.reserve for limit in limits), requests - 1)", "8"),
    "the latest limit's places are kept": ("max(limit.reserve for limit in limits)", "[*limits][-1].reserve"),
}


def broken(old: str, new: str, source: str = SOURCE) -> ModuleType:
    """The rules with this changed."""
    assert source.count(old) == 1, old
    module = ModuleType("broken")
    exec(compile(source.replace(old, new), "broken", "exec"), module.__dict__)  # our own source
    return module


BREAKS = (AssertionError, ArithmeticError, ValueError, IndexError)


@pytest.mark.parametrize("name", MUTANTS)
def test_broken_rules_are_seen(name: str) -> None:
    rules = broken(*MUTANTS[name])
    for check in CHECKS:
        try:
            check(rules)
        except BREAKS:
            return
    for agreement in AGREEMENTS:
        try:
            agreement(rules, limits.agree)
        except BREAKS:
            return
    pytest.fail("no check noticed it")


@pytest.mark.parametrize("name", BROKEN_AGREEMENTS)
def test_broken_agreements_are_seen(name: str) -> None:
    changed = broken(*BROKEN_AGREEMENTS[name], LIMITS)
    for agreement in AGREEMENTS:
        try:
            agreement(ledger, changed.agree)
        except BREAKS:
            return
    pytest.fail("no check noticed it")


def test_the_rules_as_they_are_pass() -> None:
    for check in CHECKS:
        check(broken("SHARE = 5", "SHARE = 5"))
    for agreement in AGREEMENTS:
        agreement(ledger, broken("HELD_FOR = 120.0", "HELD_FOR = 120.0", LIMITS).agree)
